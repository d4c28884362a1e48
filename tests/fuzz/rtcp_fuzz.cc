// SPDX-License-Identifier: GPL-3.0-or-later
// Fuzz: an RTCP compound. One that is accepted is made of whole words, and of packets that add up to it.
#include <algorithm>
#include <cstdlib>
#include <memory>

#include "dataplane/rtcp.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sallyport::dataplane;
  const std::unique_ptr<std::uint8_t[]> packet(new std::uint8_t[size]);
  std::copy(data, data + size, packet.get());
  const std::span<const std::uint8_t> octets(packet.get(), size);
  if (has_rtcp_header(octets)) (void)rtcp_sender(octets);
  if (is_rtcp_compound(octets) && size % 4 != 0) std::abort();
  std::size_t taken = 0;
  std::span<const std::uint8_t> left = octets;
  for (RtcpPacket part; take_rtcp(left, part);) taken += part.octets.size();
  if (taken + left.size() != size || (is_rtcp_compound(octets) && taken != size)) std::abort();
  return 0;
}
