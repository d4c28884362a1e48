// SPDX-License-Identifier: GPL-3.0-or-later
// Set-up. The IPsec-MB engine's manager, and the making of its streams.
#include "crypto/ipsec_mb_engine.h"
#include "crypto/ipsec_mb_stream.h"
#include "crypto/srtp_config.h"

namespace sallyport::crypto {

Result<ImbManagerPtr> make_imb_manager() {
  ImbManagerPtr manager(alloc_mb_mgr(0));
  if (!manager) return fail(ErrorClass::internal, "IPsec-MB: no memory for a manager");
  IMB_ARCH arch = IMB_ARCH_NONE;
  init_mb_mgr_auto(manager.get(), &arch);
  if (arch == IMB_ARCH_NONE || imb_get_errno(manager.get()) != 0)
    return fail(ErrorClass::internal, "IPsec-MB: no usable instruction set");
  return manager;
}

IpsecMbEngine::IpsecMbEngine(ImbManagerPtr manager, HmacSha1Burst kernel)
    : manager_(std::move(manager)), hashes_(*manager_, kernel), ciphers_(*manager_), gcm_(*manager_) {}

Result<InboundStreamPtr> IpsecMbEngine::make_inbound(const SrtpConfig& config) {
  if (auto checked = check_config(config); !checked) return tl::make_unexpected(std::move(checked.error()));
  return IpsecMbStream<InboundStream>::make(config, *manager_);
}

Result<OutboundStreamPtr> IpsecMbEngine::make_outbound(const SrtpConfig& config) {
  if (auto checked = check_config(config); !checked) return tl::make_unexpected(std::move(checked.error()));
  return IpsecMbStream<OutboundStream>::make(config, *manager_);
}

std::string_view IpsecMbEngine::description() const {
  switch (static_cast<IMB_ARCH>(manager_->used_arch)) {
    case IMB_ARCH_NOAESNI:
      return "SSE without AES-NI";
    case IMB_ARCH_SSE:
      return "SSE";
    case IMB_ARCH_AVX:
      return "AVX";
    case IMB_ARCH_AVX2:
      return "AVX2";
    case IMB_ARCH_AVX512:
      return (manager_->features & IMB_FEATURE_VAES) != 0 ? "AVX512 with VAES" : "AVX512";
    case IMB_ARCH_NONE:
    case IMB_ARCH_NUM:
      break;
  }
  return "unknown";
}

}  // namespace sallyport::crypto
