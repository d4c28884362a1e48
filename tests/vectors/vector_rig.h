// SPDX-License-Identifier: GPL-3.0-or-later
// What the vector tests share: hexadecimal text, and streams whose session keys are given instead of derived.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "crypto/ipsec_mb_engine.h"
#include "crypto/ipsec_mb_stream.h"
#include "crypto/key_derivation.h"
#include "crypto/srtp_protocol.h"
#include "tests/unit/crypto/srtp_rig.h"

namespace sallyport::crypto::test {

inline std::uint8_t nibble(char digit) {
  return static_cast<std::uint8_t>(digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
}

/// Octets of an even number of hexadecimal digits; spaces are skipped.
inline Octets hex(std::string_view text) {
  Octets octets;
  bool high = true;
  for (const char digit : text) {
    if (digit == ' ') continue;
    if (high)
      octets.push_back(static_cast<std::uint8_t>(nibble(digit) << 4));
    else
      octets.back() = static_cast<std::uint8_t>(octets.back() | nibble(digit));
    high = !high;
  }
  return octets;
}

inline IMB_MGR& shared_manager() {
  static const ImbManagerPtr manager = std::move(make_imb_manager().value());
  return *manager;
}

/// The context behind a stream of the IPsec-MB engine.
template <typename Direction>
CryptoContext& context_of(Direction& stream) {
  return static_cast<IpsecMbStream<Direction>&>(stream).context;
}

/// Puts session keys of a GCM suite in the place of the derived ones, for SRTP and SRTCP alike.
inline void set_gcm_session_keys(CryptoContext& context, const Octets& key, const Octets& salt) {
  for (const std::uint32_t at : {context.rtp_keys, context.rtcp_keys}) {
    auto& keys = context.keys<GcmKeys>(at);
    std::copy(salt.begin(), salt.end(), keys.salt);
    auto* expanded = reinterpret_cast<gcm_key_data*>(keys.key_data());
    if (key.size() == 16)
      IMB_AES128_GCM_PRE(&shared_manager(), key.data(), expanded);
    else
      IMB_AES256_GCM_PRE(&shared_manager(), key.data(), expanded);
  }
}

/// Derives `length` octets as a session key.
inline Octets derived(const Octets& master_key, const Octets& master_salt, KeyLabel label,
                      std::size_t length) {
  const KeyDerivation derivation(shared_manager(), master_key, master_salt);
  Octets out(length);
  derivation.derive(label, out);
  return out;
}

/// `length` octets of AES-CM keystream for SSRC, ROC and sequence number 0.
inline Octets keystream(const Octets& session_key, const Octets& session_salt, std::size_t length) {
  alignas(16) std::uint8_t memory[sizeof(CounterKeys) + kMaxExpandedKeyLength] = {};
  auto& keys = *new (memory) CounterKeys{};
  std::copy(session_salt.begin(), session_salt.end(), keys.salt);
  expand_aes_key(shared_manager(), session_key, keys.expanded());
  Octets zeros(length);
  const auto batch = std::make_unique<CipherBatch>(shared_manager());
  batch->add(keys, static_cast<std::uint8_t>(session_key.size()), counter_iv(keys, 0, 0), zeros.data(),
             static_cast<std::uint32_t>(length));
  batch->run();
  return zeros;
}

/// One block of the keystream.
inline Octets block(const Octets& stream, std::size_t number) {
  const auto begin = stream.begin() + static_cast<std::ptrdiff_t>(number * 16);
  return Octets(begin, begin + 16);
}

}  // namespace sallyport::crypto::test
