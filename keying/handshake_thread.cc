// SPDX-License-Identifier: GPL-3.0-or-later
// The loop: orders, datagrams, timers, events; then a short sleep if there was nothing.
#include "keying/handshake_thread.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <utility>

#include <poll.h>
#include <pthread.h>

namespace sallyport::keying {

namespace {

InstantMs clock_ms() {
  using std::chrono::milliseconds;
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<milliseconds>(since).count();
}

template <typename T>
bool give(Ring<T*>& ring, std::unique_ptr<T>& owned) {
  if (!ring.push(owned.get())) return false;
  static_cast<void>(owned.release());
  return true;
}

}  // namespace

HandshakeThread::HandshakeThread(MediaPath& path, const HandshakeLimits& limits)
    : path_(path),
      table_(path, *this, counters_, limits),
      order_bell_(make_event_descriptor()),
      event_bell_(make_event_descriptor()) {
  // Signals are the main thread's; a thread inherits what is blocked.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::jthread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

HandshakeThread::~HandshakeThread() {
  stopping_.store(true, std::memory_order_relaxed);
  ring_bell(order_bell_.get());
  thread_.join();
  orders_.consume_all([](HandshakeOrder* order) { delete order; });
  events_.consume_all([](HandshakeEvent* event) { delete event; });
}

bool HandshakeThread::order(HandshakeOrder order) {
  auto owned = std::make_unique<HandshakeOrder>(std::move(order));
  const bool given = give(orders_, owned);
  ring_bell(order_bell_.get());
  return given;
}

std::size_t HandshakeThread::poll_events(const std::function<void(HandshakeEvent&)>& take) {
  silence_bell(event_bell_.get());
  return events_.consume_all([&](HandshakeEvent* event) {
    const std::unique_ptr<HandshakeEvent> owned(event);
    take(*owned);
  });
}

void HandshakeThread::run() {
  pthread_setname_np(pthread_self(), "sp-keying");
  while (!stopping_.load(std::memory_order_relaxed)) {
    const InstantMs now = clock_ms();
    std::size_t done = take_orders(now);
    done += path_.receive([&](const PuntedDatagram& datagram) { table_.receive(datagram, now); });
    table_.advance(now);
    deliver_events();
    if (done == 0) wait(now);
  }
}

std::size_t HandshakeThread::take_orders(InstantMs now) {
  return orders_.consume_all([&](HandshakeOrder* order) {
    const std::unique_ptr<HandshakeOrder> owned(order);
    obey(*owned, now);
  });
}

void HandshakeThread::obey(HandshakeOrder& order, InstantMs now) {
  if (auto* keying = std::get_if<LegKeying>(&order)) return table_.add(std::move(*keying), now);
  if (auto* answer = std::get_if<LegAnswer>(&order)) return table_.answer(std::move(*answer), now);
  if (const auto* settle = std::get_if<handshake_order::Settle>(&order)) return table_.settle(settle->leg);
  if (const auto* remove = std::get_if<handshake_order::Remove>(&order)) return table_.remove(remove->leg);
  if (const auto* verify = std::get_if<handshake_order::Verify>(&order))
    return table_.set_verified(verify->leg, verify->equal);
}

void HandshakeThread::happened(HandshakeEvent event) {
  waiting_.push_back(std::make_unique<HandshakeEvent>(std::move(event)));
}

void HandshakeThread::deliver_events() {
  bool any = false;
  while (!waiting_.empty() && give(events_, waiting_.front())) {
    waiting_.pop_front();
    any = true;
  }
  if (any) ring_bell(event_bell_.get());
}

void HandshakeThread::wait(InstantMs now) {
  using std::chrono::microseconds, std::chrono::milliseconds, std::chrono::nanoseconds;
  microseconds longest = table_.handshakes() > 0 ? kPollInHandshakes : kPoll;
  const auto next = table_.deadline();
  if (next) longest = std::clamp<microseconds>(milliseconds(*next - now), microseconds(0), longest);
  const timespec timeout{0, nanoseconds(longest).count()};
  const bool idle = !next && table_.legs() == 0 && waiting_.empty();
  pollfd bell{order_bell_.get(), POLLIN, 0};
  if (ppoll(&bell, 1, idle ? nullptr : &timeout, nullptr) > 0) silence_bell(order_bell_.get());
}

}  // namespace sallyport::keying
