// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. The cryptographic context of a stream (RFC 3711 §3.2) as one block of memory, what a packet touches
// first.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/counter.h"
#include "crypto/hmac_sha1_burst.h"
#include "crypto/packet_index.h"
#include "crypto/replay_window.h"
#include "crypto/srtp.h"

namespace sallyport::crypto {

/// What the session keys of SRTP and of SRTCP begin with in every suite.
struct alignas(16) SessionKeys {
  std::uint8_t salt[16];  ///< 14 or 12 octets, zeros after
};

/// Counter mode with HMAC-SHA1. The expanded AES key follows.
struct CounterKeys : SessionKeys {
  std::uint8_t hmac[2 * kHmacSha1StateLength];  ///< SHA-1 states after the inner and after the outer pad
  std::uint8_t reserved[8];

  [[nodiscard]] std::uint8_t* expanded() { return reinterpret_cast<std::uint8_t*>(this + 1); }
};
static_assert(sizeof(CounterKeys) == 64);

/// GCM. IPsec-MB's gcm_key_data follow.
struct GcmKeys : SessionKeys {
  [[nodiscard]] std::uint8_t* key_data() { return reinterpret_cast<std::uint8_t*>(this + 1); }
};
static_assert(sizeof(GcmKeys) == 16);

/// One SSRC with its two replay windows, whose words follow. `next` is one more than the highest index; 0:
/// none yet.
struct SsrcSlot {
  std::uint64_t rtp_next;
  std::uint32_t rtcp_next;
  std::uint32_t ssrc;
  std::uint32_t last_used;  ///< the context's clock when a packet was last accepted

  [[nodiscard]] std::uint64_t* windows() { return reinterpret_cast<std::uint64_t*>(this + 1); }
};
static_assert(sizeof(SsrcSlot) == 24);

/// An SSRC that lost its slot. It may come back, but only above what it had reached: nothing can be replayed.
struct RetiredSsrc {
  std::uint64_t rtp_next;
  std::uint32_t rtcp_next;
  std::uint32_t ssrc;
};
inline constexpr std::uint32_t kRetiredSsrcs = 8;

/// Everything of a stream but its keys, slots and retired SSRCs, which lie behind it in the same allocation
/// at the offsets given here (from this object's address).
struct CryptoContext {
  std::uint32_t rtp_keys;
  std::uint32_t rtcp_keys;
  std::uint32_t slots;
  std::uint32_t retired;
  std::uint16_t slot_stride;
  std::uint16_t rtp_window;   ///< bits
  std::uint16_t rtcp_window;  ///< bits
  SuiteId suite;
  CipherMode mode;
  std::uint8_t slot_capacity;
  std::uint8_t slot_count;
  std::uint8_t retired_count;
  std::uint8_t mki_length;
  std::uint8_t rtp_tag_length;
  std::uint8_t rtcp_tag_length;
  std::uint8_t key_length;
  bool encrypt_rtp;
  Counter srtp_packets;
  std::uint64_t srtp_lifetime;
  Counter32 last_ssrc;
  Counter32 last_rollover_counter;
  Counter srtcp_packets;
  std::uint64_t srtcp_lifetime;
  std::uint32_t initial_rollover_counter;  ///< of the first SSRC; 0 once that is known
  bool encrypt_rtcp;
  std::uint8_t mki[kMaxMkiLength];

  /// Changes with every commit: while it stays, an IndexCheck stays true.
  [[nodiscard]] std::uint64_t generation() const { return srtp_packets.get() + srtcp_packets.get(); }
  /// `Keys` is CounterKeys or GcmKeys, as `mode` says.
  template <typename Keys>
  [[nodiscard]] Keys& keys(std::uint32_t offset) {
    return *at<Keys>(offset);
  }
  [[nodiscard]] SsrcSlot& slot(std::size_t i) { return *at<SsrcSlot>(slots + i * slot_stride); }
  [[nodiscard]] RetiredSsrc& retired_ssrc(std::size_t i) { return at<RetiredSsrc>(retired)[i]; }
  [[nodiscard]] ReplayWindow rtp_replay(SsrcSlot& of) const { return {of.windows(), rtp_window}; }
  [[nodiscard]] ReplayWindow rtcp_replay(SsrcSlot& of) const {
    return {of.windows() + ReplayWindow::bytes(rtp_window) / sizeof(std::uint64_t), rtcp_window};
  }

 private:
  template <typename T>
  [[nodiscard]] T* at(std::size_t offset) {
    return reinterpret_cast<T*>(reinterpret_cast<std::uint8_t*>(this) + offset);
  }
};

}  // namespace sallyport::crypto
