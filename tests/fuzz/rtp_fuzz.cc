// SPDX-License-Identifier: GPL-3.0-or-later
// Fuzz: an RTP packet. A header that is valid ends inside the packet, and so does its padding.
#include <algorithm>
#include <cstdlib>
#include <memory>

#include "dataplane/rtp.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sallyport::dataplane;
  const std::unique_ptr<std::uint8_t[]> packet(new std::uint8_t[size]);
  std::copy(data, data + size, packet.get());
  const std::span<const std::uint8_t> octets(packet.get(), size);
  const RtpHeader header = parse_rtp(octets);
  if (!header.valid) return 0;
  if (header.length < kRtpFixedLength || header.length > size) std::abort();
  if (has_valid_padding(octets, header.length) && octets.back() + std::size_t{header.length} > size)
    std::abort();
  return 0;
}
