// SPDX-License-Identifier: GPL-3.0-or-later
// The steps of RFC 3263 §4.1 and §4.2, one DNS answer after the other.
#include "transport/server_selection.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <random>

#include <boost/asio/post.hpp>

#include "transport/socket.h"

namespace sallyport::transport {

namespace {

constexpr std::size_t kMaxServers = 16;
constexpr std::size_t kMaxFailed = 1024;

std::int64_t steady_seconds() {
  using namespace std::chrono;
  return duration_cast<seconds>(steady_clock::now().time_since_epoch()).count();
}

std::string_view srv_prefix(sip::Transport transport) {
  switch (transport) {
    case sip::Transport::tls:
      return "_sips._tcp.";
    case sip::Transport::tcp:
      return "_sip._tcp.";
    case sip::Transport::udp:
      return "_sip._udp.";
    case sip::Transport::ws:
      return "_sip._ws.";
    case sip::Transport::wss:
      return "_sips._ws.";
  }
  return "";
}

std::string upper(std::string text) {
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return text;
}

std::optional<sip::Transport> transport_of(const NaptrRecord& record) {
  // RFC 3263 §4.1: an SRV name follows, not a regular expression.
  if (upper(record.flags) != "S" || !record.regexp.empty() || record.replacement.empty()) return std::nullopt;
  const std::string service = upper(record.service);
  if (service == "SIPS+D2T") return sip::Transport::tls;
  if (service == "SIP+D2T") return sip::Transport::tcp;
  if (service == "SIP+D2U") return sip::Transport::udp;
  return std::nullopt;
}

}  // namespace

std::vector<SrvRecord> order_srv(std::vector<SrvRecord> records, const ServerLocator::Random& draw) {
  // Those without weight first within a priority: then they have a small chance (RFC 2782).
  std::ranges::stable_sort(records, {},
                           [](const SrvRecord& r) { return std::pair(r.priority, r.weight != 0); });
  for (std::size_t i = 0; i < records.size(); ++i) {
    std::uint32_t sum = 0;
    std::size_t end = i;
    for (; end < records.size() && records[end].priority == records[i].priority; ++end)
      sum += records[end].weight;
    const std::uint32_t drawn = draw(sum + 1);
    std::uint32_t running = 0;
    std::size_t chosen = i;
    for (; chosen + 1 < end; ++chosen) {
      running += records[chosen].weight;
      if (running >= drawn) break;
    }
    std::rotate(records.begin() + static_cast<std::ptrdiff_t>(i),
                records.begin() + static_cast<std::ptrdiff_t>(chosen),
                records.begin() + static_cast<std::ptrdiff_t>(chosen + 1));
  }
  return records;
}

std::vector<IpAddress> order_addresses(std::vector<IpAddress> addresses) {
  std::vector<std::pair<int, IpAddress>> ranked;
  for (const IpAddress& address : addresses)
    ranked.emplace_back((has_route(address) ? 0 : 2) + (address.is_v4() ? 1 : 0), address);
  std::ranges::stable_sort(ranked, {}, [](const auto& entry) { return entry.first; });
  std::ranges::transform(ranked, addresses.begin(), [](const auto& entry) { return entry.second; });
  return addresses;
}

/// One search under way; it lives as long as an answer is awaited.
struct ServerLocator::Search : std::enable_shared_from_this<Search> {
  struct Service {
    sip::Transport transport;
    std::string name;
  };
  struct Host {
    sip::Transport transport;
    std::string name;
    std::uint16_t port;
    std::vector<IpAddress> addresses;
  };

  Search(ServerLocator& owner, LocateQuery what, Callback callback)
      : locator(owner), query(std::move(what)), done(std::move(callback)) {}

  [[nodiscard]] bool may_use(sip::Transport transport) const {
    return (!query.sips || transport == sip::Transport::tls) &&
           std::ranges::find(query.allowed, transport) != query.allowed.end();
  }
  /// Without NAPTR, SRV or a parameter: TCP, with TLS, for sips, UDP for sip, else what is allowed.
  [[nodiscard]] std::optional<sip::Transport> default_transport() const {
    for (const sip::Transport transport : {sip::Transport::udp, sip::Transport::tcp, sip::Transport::tls})
      if (may_use(transport)) return transport;
    return std::nullopt;
  }

  void begin();
  void ask_naptr();
  void on_naptr(const std::vector<NaptrRecord>& records);
  void ask_services(std::vector<Service> services, bool by_naptr);
  void ask_next_service();
  void on_srv(const Service& service, const std::vector<SrvRecord>& records);
  void without_services();
  void ask_hosts();
  void finish();
  void fail_with(Error error) { done(tl::unexpected(std::move(error))); }

  ServerLocator& locator;
  LocateQuery query;
  Callback done;
  std::vector<Service> services;
  std::size_t next_service = 0;
  bool from_naptr = false;
  std::vector<Host> hosts;
  std::size_t answers_due = 0;
  std::optional<Error> trouble;
};

void ServerLocator::Search::begin() {
  if (query.transport == sip::Transport::tcp && query.sips) query.transport = sip::Transport::tls;
  if (query.transport && !may_use(*query.transport))
    return fail_with({ErrorClass::refused, "the transport that the URI names may not be used"});
  const auto transport = query.transport ? query.transport : default_transport();
  if (!transport) return fail_with({ErrorClass::refused, "no transport may be used"});
  std::string_view host = query.host;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  const std::uint16_t port = query.port != 0 ? query.port : default_port(*transport);
  if (const auto address = IpAddress::parse(host)) {
    query.host = address->to_string();
    hosts.push_back({*transport, query.host, port, {*address}});
    return finish();
  }
  query.host = dns_name(query.host);
  if (query.port != 0) {
    hosts.push_back({*transport, query.host, port, {}});
    return ask_hosts();
  }
  if (query.transport)
    return ask_services({{*transport, std::string(srv_prefix(*transport)) + query.host}}, false);
  ask_naptr();
}

void ServerLocator::Search::ask_naptr() {
  locator.resolver_.lookup(query.host, DnsType::naptr,
                           [self = shared_from_this()](const Result<DnsAnswer>& answer) {
                             // Some resolvers fail on what they do not know: then as if there were none.
                             self->on_naptr(answer ? answer->naptr : std::vector<NaptrRecord>());
                           });
}

void ServerLocator::Search::on_naptr(const std::vector<NaptrRecord>& records) {
  std::vector<NaptrRecord> sorted = records;
  std::ranges::stable_sort(sorted, {}, [](const NaptrRecord& r) { return std::pair(r.order, r.preference); });
  std::vector<Service> found;
  for (const NaptrRecord& record : sorted) {
    const auto transport = transport_of(record);
    if (transport && may_use(*transport)) found.push_back({*transport, record.replacement});
  }
  if (!found.empty()) return ask_services(std::move(found), true);
  for (const sip::Transport transport : query.allowed)
    if (may_use(transport)) found.push_back({transport, std::string(srv_prefix(transport)) + query.host});
  ask_services(std::move(found), false);
}

void ServerLocator::Search::ask_services(std::vector<Service> wanted, bool by_naptr) {
  services = std::move(wanted);
  if (services.size() > kMaxServers) services.resize(kMaxServers);
  from_naptr = by_naptr;
  ask_next_service();
}

void ServerLocator::Search::ask_next_service() {
  if (next_service == services.size()) return without_services();
  const Service& service = services[next_service++];
  locator.resolver_.lookup(service.name, DnsType::srv,
                           [self = shared_from_this(), &service](const Result<DnsAnswer>& answer) {
                             if (!answer) self->trouble = answer.error();
                             self->on_srv(service, answer ? answer->srv : std::vector<SrvRecord>());
                           });
}

void ServerLocator::Search::on_srv(const Service& service, const std::vector<SrvRecord>& records) {
  if (records.empty()) return ask_next_service();
  for (SrvRecord& record : order_srv(records, locator.random_)) {
    if (record.target.empty() || hosts.size() == kMaxServers) continue;
    hosts.push_back({service.transport, std::move(record.target), record.port, {}});
  }
  if (hosts.empty()) return fail_with({ErrorClass::refused, "the domain says that it has no such service"});
  ask_hosts();
}

void ServerLocator::Search::without_services() {
  // "No SRV records" is known only when somebody said so.
  if (trouble) return fail_with(*trouble);
  if (from_naptr) return fail_with({ErrorClass::not_found, "the domain's NAPTR records lead nowhere"});
  const auto transport = query.transport ? query.transport : default_transport();
  hosts.push_back({*transport, query.host, default_port(*transport), {}});
  ask_hosts();
}

void ServerLocator::Search::ask_hosts() {
  answers_due = 2 * hosts.size();
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    for (const DnsType type : {DnsType::aaaa, DnsType::a}) {
      locator.resolver_.lookup(
          hosts[i].name, type, [self = shared_from_this(), i](const Result<DnsAnswer>& answer) {
            if (answer)
              std::ranges::copy(answer->addresses, std::back_inserter(self->hosts[i].addresses));
            else
              self->trouble = answer.error();
            if (--self->answers_due == 0) self->finish();
          });
    }
  }
}

void ServerLocator::Search::finish() {
  std::vector<Destination> destinations;
  for (Host& host : hosts)
    for (const IpAddress& address : order_addresses(std::move(host.addresses)))
      destinations.push_back({host.transport,
                              {address, host.port},
                              host.transport == sip::Transport::tls ? query.host : std::string()});
  if (destinations.empty())
    return fail_with(trouble ? *trouble : Error{ErrorClass::not_found, query.host + " has no address"});
  locator.demote_failed(destinations);
  done(std::move(destinations));
}

ServerLocator::ServerLocator(Resolver& resolver, Random draw)
    : resolver_(resolver), random_(std::move(draw)) {
  if (!random_)
    random_ = [](std::uint32_t below) {
      static std::random_device source;
      return below == 0 ? 0 : static_cast<std::uint32_t>(source() % below);
    };
}

void ServerLocator::locate(const LocateQuery& query, Callback callback) {
  const auto search = std::make_shared<Search>(*this, query, std::move(callback));
  resolver_.run_later([search] { search->begin(); });
}

void ServerLocator::mark_failed(sip::Transport transport, const Endpoint& remote) {
  const std::int64_t now = steady_seconds();
  if (failed_.size() >= kMaxFailed)
    std::erase_if(failed_, [now](const auto& entry) { return entry.second <= now; });
  if (failed_.size() >= kMaxFailed) return;
  failed_[{transport, {remote.address, remote.port}}] = now + kFailedSeconds;
}

void ServerLocator::demote_failed(std::vector<Destination>& destinations) {
  const std::int64_t now = steady_seconds();
  const auto usable = [&](const Destination& destination) {
    const auto found =
        failed_.find({destination.transport, {destination.remote.address, destination.remote.port}});
    return found == failed_.end() || found->second <= now;
  };
  // Not that of std::ranges, which Clang 14 cannot compile.
  std::stable_partition(destinations.begin(), destinations.end(), usable);
}

}  // namespace sallyport::transport
