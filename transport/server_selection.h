// SPDX-License-Identifier: GPL-3.0-or-later
// ServerLocator: from a SIP URI's host to the servers to try, in order (RFC 3263, RFC 2782, RFC 7984).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sip/hop.h"
#include "transport/resolver.h"

namespace sallyport::transport {

struct LocateQuery {
  std::string host;        ///< `maddr` if the URI has one, else its host; IPv6 with or without brackets
  std::uint16_t port = 0;  ///< 0: the URI has none
  std::optional<sip::Transport> transport;  ///< the URI's parameter
  bool sips = false;
  /// What may be used, most wanted first.
  std::vector<sip::Transport> allowed = {sip::Transport::tls, sip::Transport::tcp, sip::Transport::udp};
};

struct Destination {
  sip::Transport transport = sip::Transport::udp;
  Endpoint remote;
  std::string
      server_name;  ///< TLS: the name that was asked for, which the certificate must carry (RFC 5922 §7.3)

  friend bool operator==(const Destination&, const Destination&) = default;
};

[[nodiscard]] constexpr std::uint16_t default_port(sip::Transport transport) {
  return sip::is_secure(transport) ? 5061 : 5060;
}

class ServerLocator {
 public:
  using Callback = std::function<void(Result<std::vector<Destination>>)>;
  /// A number from 0 to below.
  using Random = std::function<std::uint32_t(std::uint32_t below)>;

  explicit ServerLocator(Resolver& resolver, Random random = {});

  /// Calls back later with at least one destination, or an error. The list is the order of failover: after a
  /// transport failure, a timeout or a 503 the next is tried (RFC 3263 §4.3).
  void locate(const LocateQuery& query, Callback callback);
  /// Puts a server behind all others for a while; it is still tried when there is no other.
  void mark_failed(sip::Transport transport, const Endpoint& remote);

  static constexpr std::int64_t kFailedSeconds = 30;

 private:
  struct Search;
  using ServerKey = std::pair<sip::Transport, std::pair<IpAddress, std::uint16_t>>;

  void demote_failed(std::vector<Destination>& destinations);

  Resolver& resolver_;
  Random random_;
  std::map<ServerKey, std::int64_t> failed_;
};

/// RFC 2782: by priority, and within one by a draw in which the weights are the chances.
[[nodiscard]] std::vector<SrvRecord> order_srv(std::vector<SrvRecord> records,
                                               const ServerLocator::Random& draw);
/// RFC 6724's first rule and its preference for IPv6: addresses without a route last.
[[nodiscard]] std::vector<IpAddress> order_addresses(std::vector<IpAddress> addresses);

}  // namespace sallyport::transport
