// SPDX-License-Identifier: GPL-3.0-or-later
// A DNS answer may hold anything: it is read within its bounds or refused.
#include <cstdint>
#include <cstdlib>
#include <span>

#include "transport/dns_message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using sallyport::transport::DnsType;
  for (const DnsType type : {DnsType::a, DnsType::aaaa, DnsType::srv, DnsType::naptr}) {
    const auto answer = sallyport::transport::parse_dns_answer({data, size}, "a.test", type);
    if (!answer) continue;
    for (const auto& record : answer->srv)
      if (record.target.size() > 512) std::abort();
    if (answer->addresses.size() > 256 || answer->ttl > 0x7fffffff) std::abort();
  }
  return 0;
}
