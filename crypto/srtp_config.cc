// SPDX-License-Identifier: GPL-3.0-or-later
// Set-up. What every engine refuses in an SrtpConfig.
#include "crypto/srtp_config.h"

#include "crypto/replay_window.h"

namespace sallyport::crypto {

namespace {

Result<void> check_sizes(const SrtpConfig& config) {
  if (static_cast<std::size_t>(config.suite) >= kSuites.size())
    return fail(ErrorClass::unsupported, "unknown SRTP suite");
  const Suite& chosen = suite(config.suite);
  if (config.master_key.size() != chosen.key_length)
    return fail(ErrorClass::malformed, "the master key's size is not the suite's");
  if (config.master_salt.size() != chosen.salt_length)
    return fail(ErrorClass::malformed, "the master salt's size is not the suite's");
  if (config.mki_length > kMaxMkiLength) return fail(ErrorClass::malformed, "the MKI is too long");
  if (!is_replay_window(config.rtp_replay_window) || !is_replay_window(config.rtcp_replay_window))
    return fail(ErrorClass::malformed, "a replay window is a power of two from 64 to 32768");
  if (config.ssrc_capacity == 0) return fail(ErrorClass::malformed, "a stream needs room for one SSRC");
  return {};
}

}  // namespace

Result<void> check_config(const SrtpConfig& config) {
  if (config.key_derivation_rate != 0)
    return fail(ErrorClass::unsupported, "a key derivation rate other than 0 is not supported");
  if (auto sizes = check_sizes(config); !sizes) return sizes;
  if (config.srtp_lifetime == 0 || config.srtp_lifetime > kMaxSrtpPackets)
    return fail(ErrorClass::malformed, "an SRTP key lives for 1 to 2^48 packets");
  if (config.srtcp_lifetime == 0 || config.srtcp_lifetime > kMaxSrtcpPackets)
    return fail(ErrorClass::malformed, "an SRTCP key lives for 1 to 2^31 packets");
  // RFC 7714 has no SRTP without encryption: its tag covers a ciphertext.
  if (!config.encrypt_srtp && suite(config.suite).mode == CipherMode::gcm)
    return fail(ErrorClass::unsupported, "GCM suites always encrypt SRTP");
  return {};
}

}  // namespace sallyport::crypto
