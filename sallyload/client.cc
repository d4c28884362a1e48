// SPDX-License-Identifier: GPL-3.0-or-later
// Between transports, transactions and the load.
#include "sallyload/client.h"

#include <chrono>
#include <random>

#include "transport/socket.h"

namespace sallyport::sallyload {

namespace {

constexpr std::uint32_t kManyTransactions = 4'000'000;
constexpr std::uint64_t kUnlimited = 1'000'000;
constexpr std::uint16_t kSipPort = 5060;
constexpr std::uint16_t kSipsPort = 5061;

std::uint64_t draw() {
  static std::random_device source;
  return std::uint64_t{source()} << 32 | source();
}

/// The address that the kernel would send from. Sends nothing.
IpAddress address_towards(const Endpoint& server) {
  const transport::SocketAddress name(server);
  const transport::Descriptor probe(socket(name.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!probe || connect(probe.get(), name.get(), name.size) != 0)
    throw std::runtime_error("no way to " + server.to_string());
  return transport::local_endpoint(probe.get()).address;
}

transport::TransportSettings transport_settings(const Settings& settings, const IpAddress& local) {
  transport::TransportSettings made;
  made.tls.ca = settings.ca;
  made.tls.resume = settings.resume;
  made.handshake_threads = settings.handshake_threads;
  // What we are sent is what we asked for: nothing here protects us from it.
  made.limits.set(transport::Limit::connections, kUnlimited);
  made.limits.set(transport::Limit::messages_per_second, 10 * kUnlimited);
  made.limits.set(transport::Limit::idle_s, 604800);
  made.limits.set(transport::Limit::connect_ms, settings.timeout_ms);
  if (settings.transport == sip::Transport::udp)
    made.listeners.push_back({"load", sip::Transport::udp, {local, 0}, {}, {}});
  return made;
}

sip::Limits sip_limits() {
  sip::Limits limits;
  limits.set(sip::Limit::server_transactions, kManyTransactions);
  limits.set(sip::Limit::client_transactions, kManyTransactions);
  return limits;
}

sip::InstantMs now_ms() {
  return now_us() / 1000;
}

/// 64 of T1 are what a transaction waits.
sip::Timing timing(const Settings& settings) {
  sip::Timing made;
  made.t1_ms = std::max(settings.timeout_ms / 64, 1U);
  return made;
}

}  // namespace

std::uint64_t now_us() {
  using std::chrono::steady_clock;
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now().time_since_epoch()).count());
}

Client::Client(boost::asio::io_context& context, const Settings& settings, Report& report)
    : report_(report),
      address_(settings.local ? *settings.local : address_towards(settings.server)),
      limits_(sip_limits()),
      transport_(context, transport_settings(settings, address_), *this),
      transactions_(*this, *this, limits_, {{draw(), draw()}, {draw(), draw()}}, now_ms(), timing(settings)) {
  target_.transport = settings.transport;
  target_.remote = settings.server;
  target_.server_name = settings.server_name;
  target_.exclusive = true;
  std::uint16_t port = settings.transport == sip::Transport::tls ? kSipsPort : kSipPort;
  if (settings.transport == sip::Transport::udp) {
    target_.listener = 0;
    port = transport_.listeners()[0].settings.address.port;
  }
  host_port_ = Endpoint{address_, port}.to_string();
}

void Client::start(ClientUser& user) {
  user_ = &user;
  transport_.start();
}

void Client::tick() {
  const sip::InstantMs now = now_ms();
  const auto deadline = transactions_.next_deadline();
  if (deadline && *deadline <= now) transactions_.advance(now);
}

Result<sip::Hop> Client::kept(std::uint64_t number) {
  if (number >= kept_.size()) kept_.resize(number + 1);
  sip::Hop& hop = kept_[number];
  if (hop.remote.port != 0) return hop;
  auto opened = open();
  if (!opened) return opened;
  hop = *opened;
  if (hop.connection != 0) kept_places_.emplace(hop.connection, number);
  return hop;
}

Result<sip::Hop> Client::open() {
  return transport_.reach(target_);
}

void Client::close(const sip::Hop& hop) {
  if (hop.connection != 0) transport_.close(hop.connection, {ErrorClass::refused, "done"});
}

bool Client::request(std::string octets, std::string_view branch, const sip::Hop& hop,
                     std::uint64_t context) {
  return transactions_.request({std::move(octets), branch, hop, context}, now_ms()).has_value();
}

void Client::send_ack(const sip::Hop& hop, std::string_view octets) {
  static_cast<void>(transport_.send(hop, octets));
}

void Client::respond(sip::ServerTransactionId id, sip::MessageWriter&& response) {
  static_cast<void>(transactions_.respond(id, std::move(response), now_ms()));
}

void Client::finish() {
  using transport::Count;
  report_.connections = transport_.counters()[Count::connects];
  report_.resumed = transport_.counters()[Count::handshakes_resumed];
  const sip::TransactionCounters& counters = transactions_.counters();
  report_.unexpected += counters.stray_responses + counters.stray_cancels + counters.merged_requests;
  report_.malformed += counters.unusable;
}

void Client::on_message(sip::Frame frame, const sip::Hop& from) {
  sip::ParsedMessage parsed = sip::parse_message(std::move(frame));
  if (parsed.defect) {
    ++report_.malformed;
    report_.trouble(std::string("a message that cannot be used: ") + parsed.defect->reason);
    return;
  }
  transactions_.receive(std::move(parsed.message), from, now_ms());
  user_->on_turn();
}

void Client::on_connection_closed(const sip::Hop& hop, const Error& why) {
  const auto place = kept_places_.find(hop.connection);
  if (place != kept_places_.end()) {
    ++report_.connections_lost;
    report_.trouble("connection: " + why.text);
    kept_[place->second] = {};
    kept_places_.erase(place);
  } else if (why.text != "done") {
    report_.trouble("connection: " + why.text);
  }
  transactions_.hop_failed(hop, now_ms());
  user_->on_turn();
}

void Client::on_unreachable(const sip::Hop& hop, const Error& why) {
  report_.trouble("unreachable: " + why.text);
  transactions_.hop_failed(hop, now_ms());
  user_->on_turn();
}

Result<std::uint64_t> Client::send(const sip::Hop& hop, std::string_view octets) {
  const auto sent = transport_.send(hop, octets);
  if (!sent) return tl::unexpected(sent.error());
  return hop.connection;
}

void Client::on_request(sip::ServerTransactionId id, const sip::Message& request, const sip::Hop& hop,
                        sip::InstantMs) {
  user_->on_request(id, request, hop);
}

void Client::on_cancel(sip::ServerTransactionId id, std::uint64_t, const sip::Message&, sip::InstantMs) {
  respond(id, response(id, 487));
}

void Client::on_ack(sip::ServerTransactionId, const sip::Message& ack, const sip::Hop&, sip::InstantMs) {
  user_->on_ack(ack);
}

void Client::on_response(sip::ClientTransactionId, std::uint64_t context, sip::Message& response,
                         sip::InstantMs) {
  report_.count_status(response.method(), response.status());
  user_->on_response(context, response);
}

void Client::on_timeout(sip::ClientTransactionId, std::uint64_t context, sip::InstantMs) {
  user_->on_failure(context, Failure::timeout);
}

void Client::on_transport_error(sip::ClientTransactionId, std::uint64_t context, sip::InstantMs) {
  user_->on_failure(context, Failure::connection);
}

}  // namespace sallyport::sallyload
