// SPDX-License-Identifier: GPL-3.0-or-later
// StunKey: what MESSAGE-INTEGRITY (RFC 8489 §14.5) is computed and checked with.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>

struct evp_mac_ctx_st;

namespace sallyport::keying {

/// HMAC-SHA1 under one key, whose pads are hashed once. Used by one thread at a time; OpenSSL wipes it.
class StunKey {
 public:
  static constexpr std::size_t kCodeLength = 20;
  using Code = std::array<std::uint8_t, kCodeLength>;

  /// `key` is the password of short-term credentials (RFC 8489 §9.1.1). Out of memory aborts.
  explicit StunKey(std::span<const std::uint8_t> key);

  /// The code of the parts, one after the other.
  [[nodiscard]] Code operator()(std::initializer_list<std::span<const std::uint8_t>> parts) const;

 private:
  struct Free {
    void operator()(evp_mac_ctx_st* context) const;
  };
  std::unique_ptr<evp_mac_ctx_st, Free> context_;
};

}  // namespace sallyport::keying
