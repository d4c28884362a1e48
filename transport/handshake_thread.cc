// SPDX-License-Identifier: GPL-3.0-or-later
// Accepting, connecting and shaking hands, each step when its socket is ready.
#include "transport/handshake_thread.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>

#include "base/log.h"
#include "transport/socket.h"

namespace sallyport::transport {

namespace {

constexpr std::uint64_t kOrdersToken = 0;
constexpr std::uint64_t kListenerToken = std::uint64_t{1} << 63;
/// Handshakes in progress get their turn between bursts of new connections.
constexpr int kAcceptsPerTurn = 64;

/// Signals are the main thread's.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

Descriptor spare_descriptor() {
  return Descriptor(open("/dev/null", O_RDONLY | O_CLOEXEC));
}

}  // namespace

HandshakeThread::HandshakeThread(const HandshakeShared& shared)
    : shared_(shared), spare_(spare_descriptor()) {
  static_cast<void>(poller_.add(orders_.descriptor(), kOrdersToken));
  const SignalsBlocked blocked;
  thread_ = std::jthread([this] { run(); });
}

HandshakeThread::~HandshakeThread() {
  orders_.send(handshake_order::Stop{});
  thread_.join();
}

void HandshakeThread::run() {
  pthread_setname_np(pthread_self(), "sp-handshake");
  while (!stopping_) {
    for (const epoll_event& event : poller_.wait(timeout_ms())) {
      const std::uint64_t token = event.data.u64;
      if (token == kOrdersToken) {
        for (HandshakeOrder& order : orders_.take()) std::visit([this](auto& one) { obey(one); }, order);
      } else if ((token & kListenerToken) != 0) {
        const auto found = listeners_.find(static_cast<std::uint32_t>(token));
        if (found != listeners_.end()) accept_some(found->second);
      } else {
        on_ready(token, event.events);
      }
    }
    expire(handshake_deadlines_, Limit::handshake_ms);
    expire(connect_deadlines_, Limit::connect_ms);
  }
}

int HandshakeThread::timeout_ms() const {
  auto first = Clock::time_point::max();
  if (!handshake_deadlines_.empty()) first = handshake_deadlines_.front().at;
  if (!connect_deadlines_.empty()) first = std::min(first, connect_deadlines_.front().at);
  if (first == Clock::time_point::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(first - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60000));
}

void HandshakeThread::obey(handshake_order::Listen& order) {
  // One thread is woken for a connection, not all.
  if (poller_.add(order.socket->get(), kListenerToken | order.listener, EPOLLIN | EPOLLEXCLUSIVE))
    listeners_.insert_or_assign(order.listener, std::move(order));
}

void HandshakeThread::obey(handshake_order::Follow& order) {
  const auto found = listeners_.find(order.listener);
  if (found != listeners_.end()) found->second.rules = std::move(order.rules);
}

void HandshakeThread::obey(const handshake_order::Unlisten& order) {
  const auto found = listeners_.find(order.listener);
  if (found == listeners_.end()) return;
  poller_.remove(found->second.socket->get());
  listeners_.erase(found);
}

void HandshakeThread::obey(handshake_order::Dial& order) {
  Session session;
  session.result.order = order.order;
  session.result.listener = order.listener;
  session.result.transport = order.transport;
  session.result.remote = order.remote;
  session.result.place = std::move(order.place);
  session.server_name = std::move(order.server_name);
  session.certificate = std::move(order.certificate);
  session.connecting = true;
  auto socket = begin_connect(order.remote, order.local);
  if (!socket) {
    session.result.failure = socket.error();
    return shared_.ready.send(std::move(session.result));
  }
  session.result.descriptor = std::move(*socket);
  begin(std::move(session), EPOLLIN | EPOLLOUT, connect_deadlines_, Limit::connect_ms);
}

void HandshakeThread::accept_some(const Listener& listener) {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    const int number = accept4(listener.socket->get(), reinterpret_cast<sockaddr*>(&address), &size,
                               SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (number >= 0) {
      accepted(listener, Descriptor(number), to_endpoint(address));
      continue;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) shed(listener);
    // Others concern one connection that is gone already.
    if (errno == EAGAIN) return;
  }
}

void HandshakeThread::shed(const Listener& listener) {
  shared_.counters.add(Count::accept_failed);
  spare_.reset();
  const Descriptor refused(accept4(listener.socket->get(), nullptr, nullptr, SOCK_CLOEXEC));
  spare_ = spare_descriptor();
}

void HandshakeThread::accepted(const Listener& listener, Descriptor descriptor, const Endpoint& remote) {
  const bool tls = sip::is_secure(listener.transport);
  auto place = shared_.sources.admit(remote.address, tls);
  if (!place) return;
  shared_.counters.add(Count::accepted);
  Session session;
  session.result.listener = listener.listener;
  session.result.transport = listener.transport;
  session.result.remote = remote;
  session.result.place = std::move(*place);
  session.result.descriptor = std::move(descriptor);
  if (!tls) return shared_.ready.send(std::move(session.result));
  if (listener.transport == sip::Transport::wss)
    session.upgrade = std::make_unique<WebSocketUpgrade>(listener.rules);
  session.contexts = contexts_;
  auto ssl = contexts_ ? contexts_->accept(listener.name) : nullptr;
  if (!ssl) return shared_.counters.add(Count::handshakes_failed);
  session.result.tls = std::make_unique<TlsStream>(std::move(ssl), session.result.descriptor.get());
  begin(std::move(session), EPOLLIN, handshake_deadlines_, Limit::handshake_ms);
}

void HandshakeThread::begin(Session session, std::uint32_t events, std::deque<Deadline>& deadlines,
                            Limit limit) {
  const std::uint64_t number = ++last_session_;
  const int descriptor = session.result.descriptor.get();
  sessions_.emplace(number, std::move(session));
  deadlines.push_back({Clock::now() + std::chrono::milliseconds(shared_.limits[limit]), number});
  static_cast<void>(poller_.add(descriptor, number, events));
}

void HandshakeThread::on_ready(std::uint64_t number, std::uint32_t events) {
  const auto found = sessions_.find(number);
  if (found == sessions_.end()) return;
  Session& session = found->second;
  if (session.connecting) return on_connected(number, session);
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
    const ssize_t octets =
        recv(session.result.descriptor.get(), received_.data(), received_.size(), MSG_DONTWAIT);
    if (octets == 0)
      return give_up(number, session, {ErrorClass::refused, "the peer closed during the handshake"});
    if (octets < 0 && errno != EAGAIN && errno != EINTR)
      return give_up(number, session, {ErrorClass::refused, std::strerror(errno)});
    if (octets > 0) session.result.tls->feed({received_.data(), static_cast<std::size_t>(octets)});
  }
  if (session.upgrading)
    upgrade(number, session);
  else
    shake(number, session);
}

void HandshakeThread::on_connected(std::uint64_t number, Session& session) {
  const int failure = connect_error(session.result.descriptor.get());
  if (failure != 0) return give_up(number, session, {ErrorClass::refused, std::strerror(failure)});
  session.connecting = false;
  if (!sip::is_secure(session.result.transport)) return hand_over(number, session);
  session.contexts = contexts_;
  auto ssl = contexts_ ? contexts_->connect(session.server_name, session.certificate) : nullptr;
  if (!ssl)
    return give_up(number, session,
                   {ErrorClass::not_found, "there is no certificate '" + session.certificate + "'"});
  session.result.tls = std::make_unique<TlsStream>(std::move(ssl), session.result.descriptor.get());
  poller_.change(session.result.descriptor.get(), number, EPOLLIN);
  shake(number, session);
}

void HandshakeThread::shake(std::uint64_t number, Session& session) {
  TlsStream& tls = *session.result.tls;
  const TlsStep step = tls.handshake();
  switch (step) {
    case TlsStep::done:
      return shaken(number, session);
    case TlsStep::wants_input:
    case TlsStep::wants_output:
      return watch(number, session, step == TlsStep::wants_output);
    case TlsStep::ended:
      return give_up(number, session, {ErrorClass::refused, "the peer closed during the handshake"});
    case TlsStep::failed:
      return give_up(number, session, {ErrorClass::refused, tls.error()});
  }
}

void HandshakeThread::watch(std::uint64_t number, Session& session, bool wants_output) {
  if (std::exchange(session.wants_output, wants_output) == wants_output) return;
  poller_.change(session.result.descriptor.get(), number, wants_output ? EPOLLOUT : EPOLLIN);
}

void HandshakeThread::shaken(std::uint64_t number, Session& session) {
  shared_.counters.add(Count::handshakes_done);
  if (session.result.tls->resumed()) shared_.counters.add(Count::handshakes_resumed);
  if (!session.upgrade) return hand_over(number, session);
  session.upgrading = true;
  upgrade(number, session);
}

/// Reads until the request is whole; the rest of the handshake's time is for it.
void HandshakeThread::upgrade(std::uint64_t number, Session& session) {
  TlsStream& tls = *session.result.tls;
  std::array<char, 4096> room;
  while (true) {
    const TlsMoved moved = tls.read(room);
    if (moved.step == TlsStep::wants_input || moved.step == TlsStep::wants_output)
      return watch(number, session, moved.step == TlsStep::wants_output);
    if (moved.step != TlsStep::done)
      return give_up(number, session,
                     {ErrorClass::refused, "the peer closed before it asked for a WebSocket"});
    const UpgradeStep step =
        session.upgrade->take({room.data(), moved.octets}, shared_.limits[Limit::upgrade_bytes]);
    if (step == UpgradeStep::wants_input) continue;
    if (step == UpgradeStep::refused) return refuse_upgrade(number, session);
    // The answer is small and the first that is written: what has no room for it is no connection.
    if (tls.write(session.upgrade->answer()).octets != session.upgrade->answer().size())
      return give_up(number, session, {ErrorClass::refused, "the peer does not take the answer"});
    shared_.counters.add(Count::upgrades);
    return hand_over(number, session);
  }
}

void HandshakeThread::refuse_upgrade(std::uint64_t number, Session& session) {
  const WebSocketUpgrade& upgrade = *session.upgrade;
  if (upgrade.too_long())
    shared_.limits.count_refusal(Limit::upgrade_bytes);
  else
    shared_.counters.add(upgrade.count());
  log::debug("transport.upgrade_refused",
             {{"remote", session.result.remote.to_string()}, {"why", upgrade.why()}});
  static_cast<void>(session.result.tls->write(upgrade.answer()));
  session.result.tls->say_goodbye();
  sessions_.erase(number);
}

void HandshakeThread::hand_over(std::uint64_t number, Session& session) {
  Established& result = session.result;
  if (result.tls) {
    result.early = result.tls->unread();
    result.tls->feed({});
  }
  poller_.remove(result.descriptor.get());
  result.place.end_handshake();
  shared_.ready.send(std::move(result));
  sessions_.erase(number);
}

void HandshakeThread::give_up(std::uint64_t number, Session& session, Error why) {
  Established& result = session.result;
  if (session.upgrading) {
    shared_.counters.add(Count::upgrades_abandoned);
  } else if (result.tls) {
    shared_.counters.add(Count::handshakes_failed);
    if (result.tls->peer_refused()) shared_.counters.add(Count::client_refused);
  }
  // Strangers cause these: below info, and counted.
  log::debug("transport.handshake_failed", {{"remote", result.remote.to_string()}, {"why", why.text}});
  if (result.order != 0) {
    result.failure = std::move(why);
    result.tls.reset();
    result.descriptor.reset();
    shared_.ready.send(std::move(result));
  }
  sessions_.erase(number);
}

// All deadlines of a queue have the same length: the first is the next.
void HandshakeThread::expire(std::deque<Deadline>& deadlines, Limit limit) {
  if (deadlines.empty()) return;
  const auto now = Clock::now();
  while (!deadlines.empty() && deadlines.front().at <= now) {
    const auto found = sessions_.find(deadlines.front().session);
    deadlines.pop_front();
    if (found != sessions_.end())
      give_up(found->first, found->second, shared_.limits.refuse(limit, ErrorClass::timeout));
  }
}

}  // namespace sallyport::transport
