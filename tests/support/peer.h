// SPDX-License-Identifier: GPL-3.0-or-later
// A media endpoint of a test: closes what it sends and opens what it gets with the reference engine.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "crypto/srtp.h"
#include "tests/support/frames.h"

namespace sallyport::test {

/// Key material that differs with `seed` and is the same for the same seed.
[[nodiscard]] crypto::SrtpConfig srtp_config(crypto::SuiteId suite, std::uint8_t seed);

class Peer {
 public:
  /// `send_seed` and `receive_seed` name the keys; no suite: RTP in clear.
  Peer(std::optional<crypto::SuiteId> suite, std::uint8_t send_seed, std::uint8_t receive_seed,
       crypto::EngineKind engine = crypto::EngineKind::ipsec_mb);

  /// The packet as it goes on the wire.
  [[nodiscard]] Octets close_rtp(const RtpSpec& spec, std::span<const std::uint8_t> payload) {
    return close_rtp(rtp_packet(spec, payload));
  }
  [[nodiscard]] Octets close_rtp(Octets packet);
  [[nodiscard]] Octets close_rtcp(std::span<const std::uint8_t> compound);
  /// The packet in clear, or nothing when it does not verify.
  [[nodiscard]] std::optional<Octets> open_rtp(std::span<const std::uint8_t> packet);
  [[nodiscard]] std::optional<Octets> open_rtcp(std::span<const std::uint8_t> packet);

 private:
  std::unique_ptr<crypto::SrtpEngine> engine_;
  crypto::OutboundStreamPtr outbound_;
  crypto::InboundStreamPtr inbound_;
};

}  // namespace sallyport::test
