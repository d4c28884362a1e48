// SPDX-License-Identifier: GPL-3.0-or-later
// The fast engine: bursts through IPsec-MB, its HMAC and counter mode by bursts of jobs, its GCM by direct
// calls.
#pragma once

#include <array>
#include <memory>

#include <intel-ipsec-mb.h>

#include "crypto/ipsec_mb_batch.h"
#include "crypto/ipsec_mb_gcm.h"
#include "crypto/srtp.h"

namespace sallyport::crypto {

struct ImbManagerDeleter {
  void operator()(IMB_MGR* manager) const { free_mb_mgr(manager); }
};
using ImbManagerPtr = std::unique_ptr<IMB_MGR, ImbManagerDeleter>;

/// A manager for the best instruction set of this machine. Errors: internal (no memory, no usable instruction
/// set).
[[nodiscard]] Result<ImbManagerPtr> make_imb_manager();

/// Streams made by one engine may be used by another of the same machine: key data differ by instruction set
/// only.
class IpsecMbEngine final : public SrtpEngine {
 public:
  /// Without a kernel all hashes are left to IPsec-MB.
  explicit IpsecMbEngine(ImbManagerPtr manager, HmacSha1Burst kernel = hmac_sha1_burst_for_this_cpu());

  [[nodiscard]] Result<InboundStreamPtr> make_inbound(const SrtpConfig& config) override;
  [[nodiscard]] Result<OutboundStreamPtr> make_outbound(const SrtpConfig& config) override;
  void unprotect_rtp(std::span<InboundPacket> burst) override;
  void unprotect_rtcp(std::span<InboundPacket> burst) override;
  void protect_rtp(std::span<OutboundPacket> burst) override;
  void protect_rtcp(std::span<OutboundPacket> burst) override;
  [[nodiscard]] std::string_view description() const override;

 private:
  /// A packet between its check and its commit.
  struct Opening {
    InboundPacket* packet;
    IndexCheck check;  ///< as it was found at `generation` of its context
    std::uint64_t generation;
    const std::uint8_t* computed;  ///< tag; of no meaning if the check was not ok
    std::uint32_t end;             ///< of the payload
    std::uint32_t word;            ///< received: SRTCP's E bit and index, or what the ROC stands on
    std::uint8_t tag[10];          ///< received
  };
  struct Closing {
    OutboundPacket* packet;
    const std::uint8_t* computed;  ///< tag
  };

  template <typename Protocol>
  void unprotect(std::span<InboundPacket> burst);
  template <typename Protocol>
  [[nodiscard]] SrtpOutcome begin_open(InboundPacket& packet, Opening& opening);
  template <typename Protocol>
  void renew(Opening& opening);
  template <typename Protocol>
  [[nodiscard]] SrtpOutcome finish_open(Opening& opening);

  template <typename Protocol>
  void protect(std::span<OutboundPacket> burst);
  template <typename Protocol>
  [[nodiscard]] SrtpOutcome begin_close(OutboundPacket& packet, Closing& closing);
  template <typename Protocol>
  void finish_close(const Closing& closing);

  ImbManagerPtr manager_;
  HashBatch hashes_;
  CipherBatch ciphers_;
  Gcm gcm_;
  std::array<Opening, kMaxBurst> openings_{};
  std::array<Closing, kMaxBurst> closings_{};
};

}  // namespace sallyport::crypto
