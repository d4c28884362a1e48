// SPDX-License-Identifier: GPL-3.0-or-later
// SRTP and SRTCP (RFC 3711, 6188, 7714) over bursts of packets: the interface the packet path uses.
//
// An engine opens and closes packets in place. Each engine object is used by one thread; streams are made by
// the control thread's engine and used by the worker's, one thread at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/prefetch.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/suite.h"

namespace sallyport::crypto {

inline constexpr std::size_t kMaxMasterKeyLength = 32;
inline constexpr std::size_t kMaxMasterSaltLength = 14;
inline constexpr std::size_t kMaxMkiLength = 16;
/// Octets that protection adds at most to a packet: tag, MKI and the SRTCP index.
inline constexpr std::size_t kMaxProtectionOverhead = 16 + kMaxMkiLength + 4;
/// RFC 3711 §9.2: no more packets than these under one master key.
inline constexpr std::uint64_t kMaxSrtpPackets = std::uint64_t{1} << 48;
inline constexpr std::uint64_t kMaxSrtcpPackets = std::uint64_t{1} << 31;

/// How one direction of a leg is keyed. Sizes of key and salt must be the suite's.
struct SrtpConfig {
  SuiteId suite = SuiteId::aes_cm_128_hmac_sha1_80;
  Secret<kMaxMasterKeyLength> master_key;
  Secret<kMaxMasterSaltLength> master_salt;
  std::array<std::uint8_t, kMaxMkiLength> mki{};  ///< present in every packet when mki_length > 0
  std::uint8_t mki_length = 0;
  std::uint64_t key_derivation_rate = 0;   ///< only 0 is supported
  std::uint32_t rtp_replay_window = 1024;  ///< packets; a power of two from 64 to 32768
  std::uint32_t rtcp_replay_window = 128;
  std::uint32_t initial_rollover_counter = 0;  ///< for a stream joined late (RFC 3711 §3.3.1)
  /// SSRCs whose replay windows are kept; older ones are remembered by index only, and may return above it.
  /// Two, because a leg has one SSRC and sometimes changes it: each more costs as much memory as its windows.
  std::uint8_t ssrc_capacity = 2;
  bool encrypt_srtp = true;   ///< false: UNENCRYPTED_SRTP (RFC 4568 §6.3.2)
  bool encrypt_srtcp = true;  ///< false: UNENCRYPTED_SRTCP (RFC 4568 §6.3.2), the E bit is 0
  std::uint64_t srtp_lifetime = kMaxSrtpPackets;
  std::uint64_t srtcp_lifetime = kMaxSrtcpPackets;
};

/// What became of one packet. Everything but `ok` leaves the stream as it was.
enum class SrtpOutcome : std::uint8_t {
  ok,
  too_short,       ///< shorter than its header, MKI and tag
  no_room,         ///< the buffer cannot hold what protection adds
  unknown_mki,     ///< the MKI is not this key's
  replayed,        ///< this index was accepted before, or a burst holds it twice
  too_old,         ///< behind the replay window
  forged,          ///< the authentication tag does not verify
  not_encrypted,   ///< SRTCP E bit is 0 on a stream that encrypts (or the other way round)
  key_exhausted,   ///< the key's lifetime is over; the leg needs a new one
  too_many_ssrcs,  ///< no place to remember one more SSRC safely
};

/// One packet of a burst; `data` is the first octet of the RTP or RTCP header.
template <typename Stream>
struct SrtpPacket {
  std::uint8_t* data = nullptr;
  std::uint16_t length = 0;         ///< octets before, and after the call octets of the result
  std::uint16_t room = 0;           ///< octets that may be written from `data` on
  std::uint16_t header_length = 0;  ///< RTP: octets in clear (fixed header, CSRCs, extension). RTCP: unused
  std::uint16_t sequence = 0;       ///< RTP only
  std::uint32_t ssrc = 0;           ///< RTCP: the sender of the first packet of the compound
  Stream* stream = nullptr;
  SrtpOutcome outcome = SrtpOutcome::ok;
  Lines
      ahead;  ///< what the caller will touch next for this packet: fetched while ciphers run, where they can
};

class InboundStream;   ///< the peer's key: opens what arrives
class OutboundStream;  ///< our key: closes what leaves

using InboundPacket = SrtpPacket<InboundStream>;
using OutboundPacket = SrtpPacket<OutboundStream>;

/// A moment's view of a stream, for operators. Read by the control thread while a worker uses the stream.
struct StreamStatus {
  SuiteId suite = SuiteId::aes_cm_128_hmac_sha1_80;
  std::uint64_t srtp_packets = 0;  ///< under this key
  std::uint64_t srtcp_packets = 0;
  bool near_end_of_life = false;  ///< less than 1/16 of a lifetime is left
  bool exhausted = false;
  std::uint32_t last_ssrc = 0;
  std::uint32_t rollover_counter = 0;  ///< of last_ssrc
};

class StreamBase {
 public:
  StreamBase(const StreamBase&) = delete;
  StreamBase& operator=(const StreamBase&) = delete;
  virtual ~StreamBase() = default;  ///< wipes keys
  [[nodiscard]] virtual StreamStatus status() const = 0;
  /// What an RTP packet touches, to be prefetched: bit n stands for the n-th cache line from the object's
  /// address.
  [[nodiscard]] virtual std::uint32_t hot_lines() const = 0;
  /// All memory held, for accounting.
  [[nodiscard]] virtual std::size_t memory_bytes() const = 0;

 protected:
  StreamBase() = default;
};
class InboundStream : public StreamBase {};
class OutboundStream : public StreamBase {};

using InboundStreamPtr = std::unique_ptr<InboundStream>;
using OutboundStreamPtr = std::unique_ptr<OutboundStream>;

enum class EngineKind : std::uint8_t { ipsec_mb, libsrtp2 };

[[nodiscard]] std::string_view name(EngineKind kind);
[[nodiscard]] Result<EngineKind> parse_engine_kind(std::string_view text);

class SrtpEngine {
 public:
  virtual ~SrtpEngine() = default;

  /// Derives session keys (RFC 3711 §4.3). Errors: malformed (sizes), unsupported (KDR, a suite the engine
  /// lacks).
  [[nodiscard]] virtual Result<InboundStreamPtr> make_inbound(const SrtpConfig& config) = 0;
  [[nodiscard]] virtual Result<OutboundStreamPtr> make_outbound(const SrtpConfig& config) = 0;

  /// Check, verify, commit, for each packet in the order given; streams and suites may be mixed in a burst.
  /// Never allocates. At most kMaxBurst packets a call.
  virtual void unprotect_rtp(std::span<InboundPacket> burst) = 0;
  virtual void unprotect_rtcp(std::span<InboundPacket> burst) = 0;
  virtual void protect_rtp(std::span<OutboundPacket> burst) = 0;
  virtual void protect_rtcp(std::span<OutboundPacket> burst) = 0;

  /// The instruction set in use, for operators: "AVX512", "NSS", ….
  [[nodiscard]] virtual std::string_view description() const = 0;

  static constexpr std::size_t kMaxBurst = 32;
};

[[nodiscard]] Result<std::unique_ptr<SrtpEngine>> make_srtp_engine(EngineKind kind);

}  // namespace sallyport::crypto
