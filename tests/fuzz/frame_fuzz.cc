// SPDX-License-Identifier: GPL-3.0-or-later
// Fuzz: a frame's octets through parsing and classification. Whatever is claimed of a payload lies inside the
// frame.
#include <cstdlib>
#include <memory>
#include <span>

#include "dataplane/demux.h"
#include "dataplane/frame.h"
#include "dataplane/rtcp.h"
#include "dataplane/rtp.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sallyport::dataplane;
  if (size > 9216) return 0;
  // A buffer of exactly this size: the sanitizer sees one octet too many.
  const std::unique_ptr<std::uint8_t[]> frame(new std::uint8_t[size]);
  std::copy(data, data + size, frame.get());
  const FrameView view = parse_frame(frame.get(), size);
  if (view.kind != FrameKind::udp) return 0;
  require(view.payload_offset + std::size_t{view.payload_length} <= size);
  const std::span<const std::uint8_t> payload(frame.get() + view.payload_offset, view.payload_length);
  const PayloadClass payload_class = classify_payload(payload);
  if (payload_class == PayloadClass::rtp) {
    const RtpHeader header = parse_rtp(payload);
    if (header.valid) {
      require(header.length <= payload.size());
      (void)has_valid_padding(payload, header.length);
    }
  }
  if (payload_class == PayloadClass::rtcp && has_rtcp_header(payload)) {
    (void)rtcp_sender(payload);
    (void)is_rtcp_compound(payload);
  }
  return 0;
}
