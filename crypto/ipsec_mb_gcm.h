// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. AES-GCM for SRTP and SRTCP (RFC 7714), packet by packet: IPsec-MB computes it by a direct call.
#pragma once

#include <intel-ipsec-mb.h>

#include "crypto/srtp_protocol.h"

namespace sallyport::crypto {

class Gcm {
 public:
  explicit Gcm(IMB_MGR& manager) : manager_(manager) {}
  Gcm(const Gcm&) = delete;
  Gcm& operator=(const Gcm&) = delete;

  /// Check, verify, commit. A payload that does not verify is overwritten with zeros, for it was decrypted by
  /// then.
  template <typename Protocol>
  [[nodiscard]] SrtpOutcome open(CryptoContext& context, InboundPacket& packet);
  template <typename Protocol>
  [[nodiscard]] SrtpOutcome close(CryptoContext& context, OutboundPacket& packet);

 private:
  /// What one call works on: `length` octets at `payload` in place, authenticated together with `clear`.
  struct Work {
    std::uint8_t* payload;
    std::uint64_t length;
    const std::uint8_t* clear;
    std::uint64_t clear_length;
  };
  template <typename Protocol>
  [[nodiscard]] Work work(CryptoContext& context, std::uint8_t* data, std::uint32_t clear, std::uint32_t end,
                          std::uint32_t word);

  void decrypt(const CryptoContext& context, GcmKeys& keys, const Work& work);
  void encrypt(const CryptoContext& context, GcmKeys& keys, const Work& work, std::uint8_t* tag);

  struct alignas(16) Tag {
    std::uint8_t octets[16];
  };

  IMB_MGR& manager_;
  // Members rather than locals: a packet needs no stack for them.
  gcm_context_data scratch_{};
  Iv iv_{};
  Tag received_{};
  Tag computed_{};
  std::uint8_t rtcp_clear_[kRtcpHeader + kWordLength] = {};
};

}  // namespace sallyport::crypto
