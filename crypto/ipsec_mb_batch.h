// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. Batches of IPsec-MB jobs that live as long as their engine: what never changes in a job is written
// once.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>

#include <intel-ipsec-mb.h>

#include "crypto/crypto_context.h"
#include "crypto/hmac_sha1_burst.h"
#include "crypto/srtp.h"

namespace sallyport::crypto {

/// An initial counter block of AES in counter mode (RFC 3711 §4.1.1), or a GCM nonce (RFC 7714 §8.1) in its
/// first 12 octets. As two words in network order it travels in registers.
struct alignas(16) Iv {
  std::uint64_t high;
  std::uint64_t low;

  [[nodiscard]] const std::uint8_t* octets() const { return reinterpret_cast<const std::uint8_t*>(this); }
};
static_assert(sizeof(Iv) == 16);

/// HMAC-SHA1 over up to a burst of packets, in the order they are added: by a kernel for this CPU where
/// there is one and the burst is worth it, else by IPsec-MB.
class HashBatch {
 public:
  /// `kernel` may be null.
  HashBatch(IMB_MGR& manager, HmacSha1Burst kernel) : kernel_(kernel), manager_(manager) {
    for (std::size_t i = 0; i < jobs_.size(); ++i) {
      jobs_[i].hash_alg = IMB_AUTH_HMAC_SHA_1;
      jobs_[i].cipher_mode = IMB_CIPHER_NULL;
      jobs_[i].chain_order = IMB_ORDER_HASH_CIPHER;
      jobs_[i].auth_tag_output = tags_[i].octets;
      jobs_[i].auth_tag_output_len_in_bytes = kWrittenTagLength;
    }
    for (std::size_t i = 0; i < packets_.size(); ++i) packets_[i].tag = tags_[i].octets;
  }
  HashBatch(const HashBatch&) = delete;
  HashBatch& operator=(const HashBatch&) = delete;

  /// Returns where the tag will be after run(), until the next batch.
  [[gnu::always_inline]] const std::uint8_t* add(const CounterKeys& keys, const std::uint8_t* data,
                                                 std::uint32_t length, const Lines& ahead = {}) {
    HmacSha1Job& packet = packets_[count_];
    packet.data = data;
    packet.length = length;
    packet.keys = keys.hmac;
    packet.ahead = ahead.base;
    packet.ahead_lines = ahead.marked;
    return tags_[count_++].octets;
  }
  /// Computes all tags and makes the batch empty.
  void run() {
    if (kernel_ != nullptr && worthwhile_hmac_sha1_burst(count_)) [[likely]]
      kernel_(std::span(packets_).first(count_));
    else if (count_ > 0)
      run_ipsec_mb();
    count_ = 0;
  }
  /// The tag of one packet more, at once; it stays until the next call.
  [[nodiscard]] const std::uint8_t* single(const CounterKeys& keys, const std::uint8_t* data,
                                           std::uint32_t length) {
    set(jobs_[kSingle], {data, length, keys.hmac, tags_[kSingle].octets});
    IMB_SUBMIT_HASH_BURST_NOCHECK(&manager_, &jobs_[kSingle], 1, IMB_AUTH_HMAC_SHA_1);
    return tags_[kSingle].octets;
  }

 private:
  // IPsec-MB writes 12 or 20 octets of tag and nothing between: SRTP takes the first 10 or 4 of them.
  static constexpr std::size_t kWrittenTagLength = 12;
  struct alignas(16) Tag {
    std::uint8_t octets[16];
  };

  static_assert(kWrittenTagLength == kHmacSha1TagLength && SrtpEngine::kMaxBurst <= kMaxHmacSha1Burst);
  static constexpr std::size_t kSingle = SrtpEngine::kMaxBurst;

  static void set(IMB_JOB& job, const HmacSha1Job& packet) {
    job.src = packet.data;
    job.msg_len_to_hash_in_bytes = packet.length;
    job.u.HMAC._hashed_auth_key_xor_ipad = packet.keys;
    job.u.HMAC._hashed_auth_key_xor_opad = packet.keys + kHmacSha1StateLength;
  }
  void run_ipsec_mb() {
    for (std::size_t i = 0; i < count_; ++i) {
      set(jobs_[i], packets_[i]);
      prefetch({packets_[i].ahead, packets_[i].ahead_lines});
    }
    IMB_SUBMIT_HASH_BURST_NOCHECK(&manager_, jobs_.data(), count_, IMB_AUTH_HMAC_SHA_1);
  }

  HmacSha1Burst kernel_;
  IMB_MGR& manager_;
  std::uint32_t count_ = 0;
  std::array<HmacSha1Job, SrtpEngine::kMaxBurst> packets_{};
  std::array<Tag, SrtpEngine::kMaxBurst + 1> tags_{};
  std::array<IMB_JOB, SrtpEngine::kMaxBurst + 1> jobs_{};
};

/// AES in counter mode over up to a burst of payloads, in place. IPsec-MB's burst wants one key size: a
/// payload with another one first runs what has gathered.
class CipherBatch {
 public:
  explicit CipherBatch(IMB_MGR& manager) : manager_(manager) {
    for (std::size_t i = 0; i < jobs_.size(); ++i) {
      jobs_[i].cipher_mode = IMB_CIPHER_CNTR;
      jobs_[i].cipher_direction = IMB_DIR_ENCRYPT;
      jobs_[i].hash_alg = IMB_AUTH_NULL;
      jobs_[i].chain_order = IMB_ORDER_CIPHER_HASH;
      jobs_[i].iv = ivs_[i].octets();
      jobs_[i].iv_len_in_bytes = sizeof(Iv);
    }
  }
  CipherBatch(const CipherBatch&) = delete;
  CipherBatch& operator=(const CipherBatch&) = delete;

  [[gnu::always_inline]] void add(CounterKeys& keys, std::uint8_t key_length, const Iv& iv,
                                  std::uint8_t* data, std::uint32_t length) {
    if (length == 0) return;
    if (key_length != key_length_) {
      run();
      key_length_ = key_length;
    }
    IMB_JOB& job = jobs_[count_];
    ivs_[count_++] = iv;
    job.enc_keys = keys.expanded();
    job.key_len_in_bytes = key_length;
    job.src = data;
    job.dst = data;
    job.msg_len_to_cipher_in_bytes = length;
  }
  void run() {
    if (count_ > 0)
      IMB_SUBMIT_CIPHER_BURST_NOCHECK(&manager_, jobs_.data(), count_, IMB_CIPHER_CNTR, IMB_DIR_ENCRYPT,
                                      static_cast<IMB_KEY_SIZE_BYTES>(key_length_));
    count_ = 0;
  }

 private:
  IMB_MGR& manager_;
  std::uint32_t count_ = 0;
  std::uint8_t key_length_ = 16;
  std::array<Iv, SrtpEngine::kMaxBurst> ivs_{};
  std::array<IMB_JOB, SrtpEngine::kMaxBurst> jobs_{};
};

}  // namespace sallyport::crypto
