// SPDX-License-Identifier: GPL-3.0-or-later
// DNS answers (RFC 1035 §4) of the kinds that find SIP servers: addresses, SRV (RFC 2782), NAPTR (RFC 3403),
// and how long each may be remembered.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "base/result.h"

namespace sallyport::transport {

enum class DnsType : std::uint16_t { a = 1, aaaa = 28, srv = 33, naptr = 35 };

struct SrvRecord {
  std::uint16_t priority = 0;
  std::uint16_t weight = 0;
  std::uint16_t port = 0;
  std::string target;  ///< empty: the service is decidedly not there
};

struct NaptrRecord {
  std::uint16_t order = 0;
  std::uint16_t preference = 0;
  std::string flags;
  std::string service;
  std::string regexp;
  std::string replacement;
};

/// What a question brought; nothing at all is an answer too.
struct DnsAnswer {
  std::vector<IpAddress> addresses;
  std::vector<SrvRecord> srv;
  std::vector<NaptrRecord> naptr;
  std::uint32_t ttl = 0;  ///< seconds for which this may be remembered

  [[nodiscard]] bool empty() const { return addresses.empty() && srv.empty() && naptr.empty(); }
};

/// A whole message in answer to a question for `name`. Records of other names are left out, aliases (CNAME)
/// followed. An answer without records is remembered for as long as its SOA says (RFC 2308 §5).
[[nodiscard]] Result<DnsAnswer> parse_dns_answer(std::span<const std::uint8_t> message, std::string_view name,
                                                 DnsType type);

/// Lower case, without a dot at the end.
[[nodiscard]] std::string dns_name(std::string_view name);

}  // namespace sallyport::transport
