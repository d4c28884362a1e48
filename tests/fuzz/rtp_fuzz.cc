// SPDX-License-Identifier: GPL-3.0-or-later
// Fuzz: an RTP packet. A header that is valid ends inside the packet, and so does its padding; what an
// element of its extension holds lies inside the header.
#include <algorithm>
#include <cstdlib>
#include <memory>

#include "dataplane/rtp.h"
#include "dataplane/rtp_extension.h"

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
  for (unsigned id = 1; id < 256; ++id) {
    const auto data_of = find_extension(octets, header, static_cast<std::uint8_t>(id));
    if (data_of && data_of->data() + data_of->size() > packet.get() + header.length) std::abort();
  }
  return 0;
}
