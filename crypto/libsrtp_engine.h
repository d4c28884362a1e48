// SPDX-License-Identifier: GPL-3.0-or-later
// The reference engine: libsrtp2, packet by packet. Tests compare ours with it, and an operator may fall back
// to it.
#pragma once

#include "crypto/srtp.h"

namespace sallyport::crypto {

/// What libsrtp2 cannot be told is refused as unsupported: an RTCP window other than 128, an RTP window of
/// 32768, a rollover counter to begin with, and AES-192, which libsrtp 2.5 derives with another PRF than RFC
/// 6188's. libsrtp2 allocates when a new SSRC is accepted, at most as often as the IPsec-MB engine would
/// remember one.
class LibsrtpEngine final : public SrtpEngine {
 public:
  LibsrtpEngine();

  [[nodiscard]] Result<InboundStreamPtr> make_inbound(const SrtpConfig& config) override;
  [[nodiscard]] Result<OutboundStreamPtr> make_outbound(const SrtpConfig& config) override;
  void unprotect_rtp(std::span<InboundPacket> burst) override;
  void unprotect_rtcp(std::span<InboundPacket> burst) override;
  void protect_rtp(std::span<OutboundPacket> burst) override;
  void protect_rtcp(std::span<OutboundPacket> burst) override;
  [[nodiscard]] std::string_view description() const override;
};

}  // namespace sallyport::crypto
