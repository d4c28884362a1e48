// SPDX-License-Identifier: GPL-3.0-or-later
// Listeners, turns and ticks; connections are in transport_connections.cc, their octets in
// transport_streams.cc.
#include "transport/transport_layer.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/log.h"
#include "transport/clock.h"
#include "transport/socket.h"
#include "transport/transport_tokens.h"

namespace sallyport::transport {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::chrono::milliseconds kTick{100};
/// Timers and the admin socket get their turn between so many looks at the sockets.
constexpr int kLooksPerTurn = 4;

bool same_place(const ListenerSettings& a, const ListenerSettings& b) {
  return a.transport == b.transport && a.address == b.address;
}

std::shared_ptr<const WebSocketRules> shared_rules(const ListenerSettings& listener) {
  return std::make_shared<const WebSocketRules>(listener.websocket);
}

}  // namespace

struct TransportLayer::Waits {
  Waits(asio::io_context& context, int poller) : readiness(context, poller), tick(context) {}

  asio::posix::stream_descriptor readiness;
  asio::steady_timer tick;
};

TransportLayer::TransportLayer(asio::io_context& context, const TransportSettings& settings,
                               TransportUser& user)
    : context_(context),
      user_(user),
      sip_limits_(settings.sip_limits),
      limits_(settings.limits),
      now_ms_(steady_ms()),
      waits_(std::make_unique<Waits>(context, ::dup(poller_.descriptor()))) {
  raise_descriptor_limit();
  auto contexts = TlsContexts::load(settings.tls, settings.listeners, ticket_keys_, counters_);
  if (!contexts) throw std::runtime_error(contexts.error().text);
  contexts_ = std::move(*contexts);
  for (const ListenerSettings& listener : settings.listeners) {
    auto opened = open(listener, counters_);
    if (!opened) throw std::runtime_error("listener " + listener.name + ": " + opened.error().text);
    listeners_.push_back(std::move(*opened));
  }
  if (!poller_.add(ready_.descriptor(), kReadyToken)) throw std::runtime_error("epoll_ctl failed");
  const HandshakeShared shared{limits_, counters_, sources_, ready_};
  for (unsigned i = 0; i < std::max(settings.handshake_threads, 1U); ++i) {
    threads_.push_back(std::make_unique<HandshakeThread>(shared));
    threads_.back()->order(handshake_order::Use{contexts_});
  }
}

TransportLayer::~TransportLayer() {
  *alive_ = false;
  threads_.clear();
  for (Slot& slot : slots_)
    if (slot.connection) say_goodbye(*slot.connection);
}

void TransportLayer::start() {
  for (std::uint32_t i = 0; i < listeners_.size(); ++i) begin_listening(i);
  log_warnings();
  await_ready();
  await_tick();
}

Result<TransportLayer::OpenListener> TransportLayer::open(const ListenerSettings& settings,
                                                          Counters& counters) {
  OpenListener listener;
  listener.settings = settings;
  const bool datagrams = settings.transport == sip::Transport::udp;
  auto socket = datagrams ? bind_datagram(settings.address) : listen_on(settings.address);
  if (!socket) return tl::unexpected(socket.error());
  listener.settings.address.port = local_endpoint(socket->get()).port;
  if (datagrams)
    listener.datagrams = std::make_unique<DatagramSocket>(std::move(*socket), counters);
  else
    listener.socket = std::make_shared<const Descriptor>(std::move(*socket));
  return listener;
}

void TransportLayer::begin_listening(std::uint32_t index) {
  const OpenListener& listener = listeners_[index];
  if (listener.datagrams) {
    static_cast<void>(poller_.add(listener.datagrams->descriptor(), kDatagramToken | index));
  } else if (listener.socket) {
    for (const auto& thread : threads_)
      thread->order(handshake_order::Listen{index, listener.settings.name, listener.settings.transport,
                                            listener.socket, shared_rules(listener.settings)});
  }
  log::info("transport.listening", {{"listener", listener.settings.name},
                                    {"transport", sip::name(listener.settings.transport)},
                                    {"address", listener.settings.address.to_string()}});
}

void TransportLayer::end_listening(std::uint32_t index) {
  OpenListener& listener = listeners_[index];
  if (listener.datagrams) poller_.remove(listener.datagrams->descriptor());
  if (listener.socket)
    for (const auto& thread : threads_) thread->order(handshake_order::Unlisten{index});
  listener.datagrams.reset();
  listener.socket.reset();
  log::info("transport.not_listening", {{"listener", listener.settings.name}});
}

Result<void> TransportLayer::reload(const TransportSettings& settings) {
  auto contexts = TlsContexts::load(settings.tls, settings.listeners, ticket_keys_, counters_);
  if (!contexts) return tl::unexpected(contexts.error());
  const auto named = [](const auto& list, const std::string& name) {
    return std::ranges::find_if(list, [&](const auto& listener) {
      if constexpr (requires { listener.is_open(); })
        return listener.is_open() && listener.settings.name == name;
      else
        return listener.name == name;
    });
  };
  std::vector<OpenListener> added;
  for (const ListenerSettings& wanted : settings.listeners) {
    const auto found = named(listeners_, wanted.name);
    ListenerSettings before = found == listeners_.end() ? ListenerSettings{} : found->settings;
    if (wanted.address.port == 0) before.address.port = 0;
    if (found != listeners_.end() && same_place(before, wanted)) continue;
    auto opened = open(wanted, counters_);
    if (!opened) return tl::unexpected(opened.error());
    added.push_back(std::move(*opened));
  }
  // Nothing fails from here on.
  contexts_ = std::move(*contexts);
  limits_.set(settings.limits);
  sip_limits_ = settings.sip_limits;
  for (const auto& thread : threads_) thread->order(handshake_order::Use{contexts_});
  for (std::uint32_t i = 0; i < listeners_.size(); ++i) {
    if (!listeners_[i].is_open()) continue;
    const auto wanted = named(settings.listeners, listeners_[i].settings.name);
    const bool moved = std::ranges::any_of(
        added, [&](const OpenListener& other) { return other.settings.name == listeners_[i].settings.name; });
    if (wanted == settings.listeners.end() || moved) {
      end_listening(i);
      continue;
    }
    listeners_[i].settings.certificates = wanted->certificates;
    listeners_[i].settings.client_certificates = wanted->client_certificates;
    listeners_[i].settings.websocket = wanted->websocket;
    for (const auto& thread : threads_) thread->order(handshake_order::Follow{i, shared_rules(*wanted)});
  }
  for (OpenListener& listener : added) {
    listeners_.push_back(std::move(listener));
    begin_listening(static_cast<std::uint32_t>(listeners_.size() - 1));
  }
  log::info("transport.reloaded", {{"certificates", contexts_->certificates().size()}});
  log_warnings();
  return {};
}

void TransportLayer::await_ready() {
  waits_->readiness.async_wait(asio::posix::stream_descriptor::wait_read, [this](const error_code& failure) {
    if (failure) return;
    on_ready();
    await_ready();
  });
}

void TransportLayer::on_ready() {
  in_turn_ = true;
  now_ms_ = steady_ms();
  for (int look = 0; look < kLooksPerTurn; ++look) {
    const auto events = poller_.wait(0);
    if (events.empty()) break;
    for (const epoll_event& event : events) on_event(event);
    tell_closed();
    ended_.clear();
  }
  in_turn_ = false;
}

void TransportLayer::on_event(const epoll_event& event) {
  const std::uint64_t token = event.data.u64;
  if (token == kReadyToken) {
    for (Established& established : ready_.take()) adopt(std::move(established));
    return;
  }
  if ((token & kDatagramToken) == kDatagramToken)
    return receive_datagrams(static_cast<std::uint32_t>(token), event.events);
  Connection* connection = find(token);
  if (connection == nullptr) return;
  if ((event.events & EPOLLOUT) != 0) write_waiting(*connection);
  const bool broken = (event.events & (EPOLLHUP | EPOLLERR)) != 0;
  if (!connection->closed && ((event.events & EPOLLIN) != 0 || broken)) on_readable(*connection);
}

void TransportLayer::await_tick() {
  waits_->tick.expires_after(kTick);
  waits_->tick.async_wait([this](const error_code& failure) {
    if (failure) return;
    on_tick();
    await_tick();
  });
}

void TransportLayer::on_tick() {
  in_turn_ = true;
  now_ms_ = steady_ms();
  resume_paused();
  check_deadlines();
  ticket_keys_.maintain(now_ms_ / 1000);
  if (unix_seconds() / 86400 != warned_day_) log_warnings();
  tell_closed();
  ended_.clear();
  in_turn_ = false;
}

std::vector<CertificateWarning> TransportLayer::warnings() const {
  return contexts_->warnings(unix_seconds());
}

void TransportLayer::log_warnings() {
  warned_day_ = unix_seconds() / 86400;
  for (const CertificateWarning& warning : warnings())
    log::write(warning.urgent ? log::Level::error : log::Level::warning, warning.event,
               {{"name", warning.name}, {"what", warning.text}});
}

// A user that is told may cause further connections to end: they are told in the same loop, not from within.
void TransportLayer::tell_closed() {
  if (telling_) return;
  telling_ = true;
  for (std::size_t i = 0; i < closed_.size(); ++i) {
    const auto [hop, why] = closed_[i];
    user_.on_connection_closed(hop, why);
  }
  closed_.clear();
  telling_ = false;
}

void TransportLayer::tell_closed_soon() {
  if (in_turn_) return;
  asio::post(context_, [this, alive = alive_] {
    if (!*alive) return;
    tell_closed();
    if (!in_turn_) ended_.clear();
  });
}

std::vector<TransportLayer::Listener> TransportLayer::listeners() const {
  std::vector<Listener> all;
  for (const OpenListener& listener : listeners_) all.push_back({listener.settings, listener.is_open()});
  return all;
}

}  // namespace sallyport::transport
