// SPDX-License-Identifier: GPL-3.0-or-later
// The reference engine: libsrtp2, packet by packet.
#include "crypto/libsrtp_engine.h"

#include <algorithm>
#include <stdexcept>
#include <vector>

#include <srtp2/srtp.h>

#include "base/counter.h"
#include "crypto/crypto_context.h"
#include "crypto/srtp_config.h"
#include "crypto/srtp_protocol.h"

namespace sallyport::crypto {

namespace {

/// A libsrtp session and what libsrtp does not keep for us.
struct Session {
  Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() {
    if (srtp != nullptr) srtp_dealloc(srtp);
  }

  [[nodiscard]] bool knows(std::uint32_t ssrc) const {
    return std::find(ssrcs.begin(), ssrcs.end(), ssrc) != ssrcs.end();
  }

  srtp_t srtp = nullptr;
  SuiteId suite = SuiteId::aes_cm_128_hmac_sha1_80;
  std::uint8_t mki_length = 0;
  std::size_t ssrc_limit = 0;
  std::vector<std::uint32_t> ssrcs;  ///< reserved up to the limit at set-up
  std::uint64_t srtp_lifetime = kMaxSrtpPackets;
  std::uint64_t srtcp_lifetime = kMaxSrtcpPackets;
  Counter srtp_packets;
  Counter srtcp_packets;
  Counter32 last_ssrc;
  Counter32 last_rollover_counter;
};

template <typename Direction>
class LibsrtpStream final : public Direction {
 public:
  [[nodiscard]] StreamStatus status() const override {
    const std::uint64_t srtp = session.srtp_packets.get();
    const std::uint64_t srtcp = session.srtcp_packets.get();
    return StreamStatus{.suite = session.suite,
                        .srtp_packets = srtp,
                        .srtcp_packets = srtcp,
                        .near_end_of_life = nearly_over(srtp, session.srtp_lifetime) ||
                                            nearly_over(srtcp, session.srtcp_lifetime),
                        .exhausted = srtp >= session.srtp_lifetime || srtcp >= session.srtcp_lifetime,
                        .last_ssrc = session.last_ssrc.get(),
                        .rollover_counter = session.last_rollover_counter.get()};
  }
  [[nodiscard]] std::uint32_t hot_lines() const override { return 1; }
  /// Without libsrtp's own memory, of which it does not tell.
  [[nodiscard]] std::size_t memory_bytes() const override {
    return sizeof *this + session.ssrcs.capacity() * sizeof(std::uint32_t);
  }

  Session session;
};

template <typename Direction>
Session& session_of(const SrtpPacket<Direction>& packet) {
  return static_cast<LibsrtpStream<Direction>*>(packet.stream)->session;
}

// ---- set-up
// ---------------------------------------------------------------------------------------------------------

Result<void> check_supported(const SrtpConfig& config) {
  if (suite(config.suite).key_length == 24)
    return fail(ErrorClass::unsupported, "libsrtp2 derives AES-192 keys otherwise than RFC 6188");
  if (config.mki_length > 0 && suite(config.suite).srtp_tag_length != suite(config.suite).srtcp_tag_length)
    return fail(ErrorClass::unsupported, "libsrtp2 seeks SRTCP's MKI before a tag of SRTP's length");
  if (config.initial_rollover_counter != 0)
    return fail(ErrorClass::unsupported, "libsrtp2 cannot begin with a rollover counter for any SSRC");
  if (config.rtcp_replay_window != 128)
    return fail(ErrorClass::unsupported, "libsrtp2 has an RTCP replay window of 128");
  if (config.rtp_replay_window >= kMaxReplayWindow)
    return fail(ErrorClass::unsupported, "libsrtp2 has RTP replay windows below 32768");
  return {};
}

/// RTP's policy, or RTCP's.
srtp_crypto_policy_t crypto_policy(const Suite& chosen, std::uint8_t tag_length, bool encrypt) {
  const bool gcm = chosen.mode == CipherMode::gcm;
  srtp_crypto_policy_t policy{};
  if (gcm && chosen.key_length == 16)
    srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy);
  else if (gcm)
    srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy);
  else if (chosen.key_length == 16)
    srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy);
  else
    srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy);
  policy.auth_tag_len = tag_length;
  policy.sec_serv = encrypt ? sec_serv_conf_and_auth : sec_serv_auth;
  return policy;
}

Result<void> open_session(Session& session, const SrtpConfig& config, srtp_ssrc_type_t direction) {
  if (auto checked = check_config(config); !checked) return checked;
  if (auto checked = check_supported(config); !checked) return checked;
  const Suite& chosen = suite(config.suite);
  session.suite = chosen.id;
  session.mki_length = config.mki_length;
  session.ssrc_limit = config.ssrc_capacity + kRetiredSsrcs;
  session.ssrcs.reserve(session.ssrc_limit);
  session.srtp_lifetime = config.srtp_lifetime;
  session.srtcp_lifetime = config.srtcp_lifetime;

  std::array<std::uint8_t, kMaxMasterKeyLength + kMaxMasterSaltLength> key_and_salt{};
  const auto key = config.master_key.view();
  const auto salt = config.master_salt.view();
  std::copy(salt.begin(), salt.end(), std::copy(key.begin(), key.end(), key_and_salt.begin()));
  auto mki = config.mki;
  srtp_master_key_t master{.key = key_and_salt.data(), .mki_id = mki.data(), .mki_size = config.mki_length};
  srtp_master_key_t* masters[] = {&master};

  srtp_policy_t policy{};
  policy.ssrc.type = direction;
  policy.rtp = crypto_policy(chosen, chosen.srtp_tag_length, config.encrypt_srtp);
  policy.rtcp = crypto_policy(chosen, chosen.srtcp_tag_length, config.encrypt_srtcp);
  policy.window_size = config.rtp_replay_window;
  if (config.mki_length > 0) {
    policy.keys = masters;
    policy.num_master_keys = 1;
  } else {
    policy.key = key_and_salt.data();
  }
  const srtp_err_status_t status = srtp_create(&session.srtp, &policy);
  wipe(key_and_salt.data(), key_and_salt.size());
  if (status != srtp_err_status_ok) return fail(ErrorClass::internal, "libsrtp2 refused the session");
  return {};
}

// ---- packets
// --------------------------------------------------------------------------------------------------------

SrtpOutcome outcome_of(srtp_err_status_t status) {
  switch (static_cast<int>(status)) {
    case srtp_err_status_ok:
      return SrtpOutcome::ok;
    case srtp_err_status_replay_fail:
      return SrtpOutcome::replayed;
    case srtp_err_status_replay_old:
    case srtp_err_status_pkt_idx_old:
      return SrtpOutcome::too_old;
    case srtp_err_status_key_expired:
      return SrtpOutcome::key_exhausted;
    case srtp_err_status_bad_mki:
      return SrtpOutcome::unknown_mki;
    case srtp_err_status_cant_check:
      return SrtpOutcome::not_encrypted;
    case srtp_err_status_bad_param:
    case srtp_err_status_parse_err:
      return SrtpOutcome::too_short;
    case srtp_err_status_alloc_fail:
      return SrtpOutcome::too_many_ssrcs;
    default:
      return SrtpOutcome::forged;
  }
}

using Call = srtp_err_status_t (*)(srtp_t, void*, int*, unsigned);

srtp_err_status_t call_protect_rtp(srtp_t srtp, void* data, int* length, unsigned mki) {
  return srtp_protect_mki(srtp, data, length, mki, 0);
}
srtp_err_status_t call_protect_rtcp(srtp_t srtp, void* data, int* length, unsigned mki) {
  return srtp_protect_rtcp_mki(srtp, data, length, mki, 0);
}

std::uint32_t overhead(const Session& session, bool rtcp) {
  const Suite& chosen = suite(session.suite);
  return session.mki_length + (rtcp ? chosen.srtcp_tag_length + 4u : chosen.srtp_tag_length);
}

template <typename Stream>
SrtpOutcome check_limits(const SrtpPacket<Stream>& packet, bool rtcp) {
  const Session& session = session_of(packet);
  const std::uint32_t clear = rtcp ? kRtcpHeader : packet.header_length;
  const std::uint32_t added = overhead(session, rtcp);
  const bool arriving = std::is_same_v<Stream, InboundStream>;
  if ((!rtcp && clear < kMinRtpHeader) || packet.length < clear + (arriving ? added : 0))
    return SrtpOutcome::too_short;
  if (!arriving && (packet.length + added > packet.room || packet.length + added > UINT16_MAX))
    return SrtpOutcome::no_room;
  const bool exhausted = rtcp ? session.srtcp_packets.get() >= session.srtcp_lifetime
                              : session.srtp_packets.get() >= session.srtp_lifetime;
  if (exhausted) return SrtpOutcome::key_exhausted;
  const bool full = session.ssrcs.size() == session.ssrc_limit && !session.knows(packet.ssrc);
  return full ? SrtpOutcome::too_many_ssrcs : SrtpOutcome::ok;
}

template <typename Stream>
void count(const SrtpPacket<Stream>& packet, bool rtcp) {
  Session& session = session_of(packet);
  if (!session.knows(packet.ssrc)) session.ssrcs.push_back(packet.ssrc);
  if (rtcp) return session.srtcp_packets.add();
  session.srtp_packets.add();
  session.last_ssrc.set(packet.ssrc);
  std::uint32_t roc = 0;
  if (srtp_get_stream_roc(session.srtp, packet.ssrc, &roc) == srtp_err_status_ok)
    session.last_rollover_counter.set(roc);
}

template <typename Stream>
void run(std::span<SrtpPacket<Stream>> burst, Call call, bool rtcp) {
  for (SrtpPacket<Stream>& packet : burst) {
    packet.outcome = check_limits(packet, rtcp);
    if (packet.outcome != SrtpOutcome::ok) continue;
    const Session& session = session_of(packet);
    int length = packet.length;
    packet.outcome = outcome_of(call(session.srtp, packet.data, &length, session.mki_length > 0 ? 1 : 0));
    if (packet.outcome != SrtpOutcome::ok) continue;
    packet.length = static_cast<std::uint16_t>(length);
    count(packet, rtcp);
  }
}

}  // namespace

LibsrtpEngine::LibsrtpEngine() {
  static const srtp_err_status_t status = srtp_init();
  if (status != srtp_err_status_ok) throw std::runtime_error("libsrtp2 does not start");
}

Result<InboundStreamPtr> LibsrtpEngine::make_inbound(const SrtpConfig& config) {
  auto stream = std::make_unique<LibsrtpStream<InboundStream>>();
  if (auto opened = open_session(stream->session, config, ssrc_any_inbound); !opened)
    return tl::make_unexpected(std::move(opened.error()));
  return stream;
}

Result<OutboundStreamPtr> LibsrtpEngine::make_outbound(const SrtpConfig& config) {
  auto stream = std::make_unique<LibsrtpStream<OutboundStream>>();
  if (auto opened = open_session(stream->session, config, ssrc_any_outbound); !opened)
    return tl::make_unexpected(std::move(opened.error()));
  return stream;
}

void LibsrtpEngine::unprotect_rtp(std::span<InboundPacket> burst) {
  run(burst, srtp_unprotect_mki, false);
}
void LibsrtpEngine::unprotect_rtcp(std::span<InboundPacket> burst) {
  run(burst, srtp_unprotect_rtcp_mki, true);
}
void LibsrtpEngine::protect_rtp(std::span<OutboundPacket> burst) {
  run(burst, call_protect_rtp, false);
}
void LibsrtpEngine::protect_rtcp(std::span<OutboundPacket> burst) {
  run(burst, call_protect_rtcp, true);
}

std::string_view LibsrtpEngine::description() const {
  return srtp_get_version_string();
}

}  // namespace sallyport::crypto
