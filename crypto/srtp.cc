// SPDX-License-Identifier: GPL-3.0-or-later
// Set-up. The choice between the engines.
#include "crypto/srtp.h"

#include <string>

#include "crypto/ipsec_mb_engine.h"
#include "crypto/libsrtp_engine.h"

namespace sallyport::crypto {

namespace {
constexpr std::array<std::string_view, 2> kEngineNames = {"ipsec_mb", "libsrtp2"};
}

std::string_view name(EngineKind kind) {
  return kEngineNames[static_cast<std::size_t>(kind)];
}

Result<EngineKind> parse_engine_kind(std::string_view text) {
  for (std::size_t i = 0; i < kEngineNames.size(); ++i)
    if (kEngineNames[i] == text) return static_cast<EngineKind>(i);
  return fail(ErrorClass::malformed, "the SRTP engine is ipsec_mb or libsrtp2");
}

Result<std::unique_ptr<SrtpEngine>> make_srtp_engine(EngineKind kind) {
  switch (kind) {
    case EngineKind::ipsec_mb: {
      auto manager = make_imb_manager();
      if (!manager) return tl::make_unexpected(std::move(manager.error()));
      return std::make_unique<IpsecMbEngine>(std::move(*manager));
    }
    case EngineKind::libsrtp2:
      return std::make_unique<LibsrtpEngine>();
  }
  return fail(ErrorClass::malformed, "unknown SRTP engine");
}

}  // namespace sallyport::crypto
