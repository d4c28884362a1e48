// SPDX-License-Identifier: GPL-3.0-or-later
// The bare loop: the cheapest IPsec-MB calls that protect or open the same packets, with everything prepared
// before.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include <intel-ipsec-mb.h>

#include "crypto/ipsec_mb_engine.h"
#include "crypto/srtp.h"

namespace sallyport::bench {

inline constexpr std::size_t kBurst = crypto::SrtpEngine::kMaxBurst;
/// Streams that share a burst: few enough to stay in the first-level cache beside the packets.
inline constexpr std::size_t kStreams = 32;
inline constexpr std::size_t kHeaderLength = 12;
inline constexpr std::size_t kBufferLength = 2048;

/// Packets of one length under kStreams keys. It makes no checks, keeps no state, writes no IV,
/// copies no tag.
class BareLoop {
 public:
  /// `packets` are kBurst buffers of kHeaderLength + payload octets and room for tags.
  BareLoop(crypto::SuiteId suite, std::size_t payload, const std::vector<std::uint8_t*>& packets);

  /// One burst: encrypt, then compute tags.
  void protect();
  /// One burst: compute tags, then decrypt.
  void unprotect();

 private:
  struct alignas(64) Keys {
    gcm_key_data gcm;
    alignas(16) std::array<std::uint8_t, 240> expanded;
    std::array<std::uint8_t, 20> inner;
    std::array<std::uint8_t, 20> outer;
  };
  void prepare_jobs(std::size_t payload);
  void cipher_burst();
  void hash_burst();

  crypto::Suite suite_;
  std::size_t payload_;
  std::vector<std::uint8_t*> packets_;
  crypto::ImbManagerPtr manager_;
  std::vector<Keys> keys_;
  std::array<IMB_JOB, kBurst> hash_jobs_{};
  std::array<IMB_JOB, kBurst> cipher_jobs_{};
  alignas(64) std::array<std::array<std::uint8_t, 16>, kBurst> ivs_{};
  alignas(64) std::array<std::array<std::uint8_t, 16>, kBurst> tags_{};
  gcm_context_data scratch_{};
};

}  // namespace sallyport::bench
