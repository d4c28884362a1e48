// SPDX-License-Identifier: GPL-3.0-or-later
// Set-up. Layout and keys of the IPsec-MB engine's streams.
#include "crypto/ipsec_mb_stream.h"

#include <algorithm>
#include <array>

#include "crypto/key_derivation.h"
#include "crypto/srtp_config.h"

namespace sallyport::crypto {

namespace {

struct Labels {
  KeyLabel encryption;
  KeyLabel authentication;
  KeyLabel salt;
};
constexpr Labels kSrtpLabels{KeyLabel::srtp_encryption, KeyLabel::srtp_authentication, KeyLabel::srtp_salt};
constexpr Labels kSrtcpLabels{KeyLabel::srtcp_encryption, KeyLabel::srtcp_authentication,
                              KeyLabel::srtcp_salt};

constexpr std::size_t round_up(std::size_t value, std::size_t unit) {
  return (value + unit - 1) / unit * unit;
}

std::size_t keys_bytes(const Suite& chosen) {
  return chosen.mode == CipherMode::gcm ? sizeof(GcmKeys) + sizeof(gcm_key_data)
                                        : sizeof(CounterKeys) + expanded_key_length(chosen.key_length);
}

void fill_counter_keys(CounterKeys& keys, const Suite& chosen, const KeyDerivation& derivation,
                       const Labels& labels, IMB_MGR& manager) {
  std::array<std::uint8_t, kMaxMasterKeyLength> key{};
  const std::span<std::uint8_t> cipher(key.data(), chosen.key_length);
  derivation.derive(labels.encryption, cipher);
  expand_aes_key(manager, cipher, keys.expanded());
  const std::span<std::uint8_t> authentication(key.data(), kAuthenticationKeyLength);
  derivation.derive(labels.authentication, authentication);
  prepare_hmac_key(manager, authentication, keys.hmac, keys.hmac + kHmacSha1StateLength);
  wipe(key.data(), key.size());
}

void fill_gcm_keys(GcmKeys& keys, const Suite& chosen, const KeyDerivation& derivation, const Labels& labels,
                   IMB_MGR& manager) {
  std::array<std::uint8_t, kMaxMasterKeyLength> key{};
  derivation.derive(labels.encryption, {key.data(), chosen.key_length});
  auto* expanded = reinterpret_cast<gcm_key_data*>(keys.key_data());
  if (chosen.key_length == 16)
    IMB_AES128_GCM_PRE(&manager, key.data(), expanded);
  else
    IMB_AES256_GCM_PRE(&manager, key.data(), expanded);
  wipe(key.data(), key.size());
}

void fill_keys(CryptoContext& context, std::uint32_t at, const KeyDerivation& derivation,
               const Labels& labels, IMB_MGR& manager) {
  const Suite& chosen = suite(context.suite);
  derivation.derive(labels.salt, {context.keys<SessionKeys>(at).salt, chosen.salt_length});
  if (chosen.mode == CipherMode::gcm)
    fill_gcm_keys(context.keys<GcmKeys>(at), chosen, derivation, labels, manager);
  else
    fill_counter_keys(context.keys<CounterKeys>(at), chosen, derivation, labels, manager);
}

}  // namespace

namespace {

constexpr std::size_t kLine = 64;
// Taken to stand last: the hash keys that a packet of up to 240 octets needs. That is an assumption about
// IPsec-MB's layout which nothing here checks; were it wrong, these lines would be prefetched for nothing.
constexpr std::size_t kUsualHashKeys = 256;

std::uint32_t lines(std::size_t begin, std::size_t end) {
  std::uint32_t mask = 0;
  for (std::size_t line = begin / kLine; line * kLine < end && line < 32; ++line) mask |= 1u << line;
  return mask;
}

/// The object, the keys that a packet of usual length needs, the first SSRC's slot with the front of its RTP
/// window.
std::uint32_t hot_lines(const StreamLayout& layout, const SrtpConfig& config) {
  const Suite& chosen = suite(config.suite);
  const std::uint32_t slot = lines(layout.slots, layout.slots + sizeof(SsrcSlot) + ReplayWindow::hot_bytes());
  if (chosen.mode == CipherMode::counter) return lines(0, layout.slots) | slot;
  const std::size_t round_keys = (chosen.key_length == 16 ? 11 : 15) * std::size_t{16};
  const std::size_t end = layout.rtp_keys + sizeof(GcmKeys) + sizeof(gcm_key_data);
  return lines(0, layout.rtp_keys + sizeof(GcmKeys) + round_keys) | lines(end - kUsualHashKeys, end) | slot;
}

}  // namespace

StreamLayout layout_of(const SrtpConfig& config, std::size_t stream_bytes) {
  const std::size_t keys = round_up(keys_bytes(suite(config.suite)), alignof(SessionKeys));
  StreamLayout layout;
  layout.rtp_keys = round_up(stream_bytes, alignof(SessionKeys));
  layout.slots = layout.rtp_keys + keys;
  layout.slot_stride = sizeof(SsrcSlot) + ReplayWindow::bytes(config.rtp_replay_window) +
                       ReplayWindow::bytes(config.rtcp_replay_window);
  layout.retired = layout.slots + layout.slot_stride * config.ssrc_capacity;
  layout.rtcp_keys = round_up(layout.retired + sizeof(RetiredSsrc) * kRetiredSsrcs, alignof(SessionKeys));
  // An odd number of lines, so that the same parts of streams side by side do not meet at a distance that the
  // core confuses: with 42 lines instead of 41 or 43, GCM took a tenth longer.
  layout.total = (layout.rtcp_keys + keys + kLine - 1) / kLine * kLine | kLine;
  layout.hot_lines = hot_lines(layout, config);
  return layout;
}

void fill_context(CryptoContext& context, const void* stream, const StreamLayout& layout,
                  const SrtpConfig& config, IMB_MGR& manager) {
  const auto front = static_cast<std::size_t>(reinterpret_cast<const std::uint8_t*>(&context) -
                                              static_cast<const std::uint8_t*>(stream));
  const auto offset = [front](std::size_t at) { return static_cast<std::uint32_t>(at - front); };
  const Suite& chosen = suite(config.suite);
  context.rtp_keys = offset(layout.rtp_keys);
  context.rtcp_keys = offset(layout.rtcp_keys);
  context.slots = offset(layout.slots);
  context.retired = offset(layout.retired);
  context.slot_stride = static_cast<std::uint16_t>(layout.slot_stride);
  context.rtp_window = static_cast<std::uint16_t>(config.rtp_replay_window);
  context.rtcp_window = static_cast<std::uint16_t>(config.rtcp_replay_window);
  context.suite = chosen.id;
  context.mode = chosen.mode;
  context.slot_capacity = config.ssrc_capacity;
  context.mki_length = config.mki_length;
  context.rtp_tag_length = chosen.srtp_tag_length;
  context.rtcp_tag_length = chosen.srtcp_tag_length;
  context.key_length = chosen.key_length;
  context.encrypt_rtp = config.encrypt_srtp;
  context.encrypt_rtcp = config.encrypt_srtcp;
  context.srtp_lifetime = config.srtp_lifetime;
  context.srtcp_lifetime = config.srtcp_lifetime;
  context.initial_rollover_counter = config.initial_rollover_counter;
  std::copy(config.mki.begin(), config.mki.end(), context.mki);

  const KeyDerivation derivation(manager, config.master_key.view(), config.master_salt.view());
  fill_keys(context, context.rtp_keys, derivation, kSrtpLabels, manager);
  fill_keys(context, context.rtcp_keys, derivation, kSrtcpLabels, manager);
}

StreamStatus status_of(const CryptoContext& context) {
  StreamStatus status;
  status.suite = context.suite;
  status.srtp_packets = context.srtp_packets.get();
  status.srtcp_packets = context.srtcp_packets.get();
  status.near_end_of_life = nearly_over(status.srtp_packets, context.srtp_lifetime) ||
                            nearly_over(status.srtcp_packets, context.srtcp_lifetime);
  status.exhausted =
      status.srtp_packets >= context.srtp_lifetime || status.srtcp_packets >= context.srtcp_lifetime;
  status.last_ssrc = context.last_ssrc.get();
  status.rollover_counter = context.last_rollover_counter.get();
  return status;
}

}  // namespace sallyport::crypto
