// SPDX-License-Identifier: GPL-3.0-or-later
// A datagram that claims to be STUN may hold anything: it is read within its bounds or refused, and an agent
// whose password it does not know never answers it.
#include <cstdint>
#include <cstdlib>
#include <span>

#include "keying/ice_lite.h"
#include "keying/stun.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sallyport;
  static keying::IceLiteAgent agent{keying::make_ice_credentials()};
  const std::span<const std::uint8_t> datagram(data, size);
  const auto message = keying::parse_stun(datagram);
  if (message) {
    if (message->integrity_offset + 24 > size && message->integrity_offset != 0) std::abort();
    if (message->username && message->username->size() > keying::kMaxStunUsername) std::abort();
  }
  if (agent.receive(datagram, {IpAddress::v4({192, 0, 2, 1}), 5004}, 0).answer) std::abort();
  return 0;
}
