// SPDX-License-Identifier: GPL-3.0-or-later
// HMAC-SHA-256 (RFC 2104) under one key, for what we sign for ourselves: nonces, decoys.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>

struct evp_mac_ctx_st;

namespace sallyport::crypto {

/// Used by one thread at a time.
class HmacSha256 {
 public:
  using Code = std::array<std::uint8_t, 32>;

  explicit HmacSha256(std::span<const std::uint8_t> key);

  /// The code of the parts, one after the other: parts of variable length need their length before them.
  [[nodiscard]] Code operator()(std::initializer_list<std::string_view> parts) const;

 private:
  struct Free {
    void operator()(evp_mac_ctx_st* context) const;
  };
  std::unique_ptr<evp_mac_ctx_st, Free> context_;  ///< holds the key, and is wiped by OpenSSL
};

}  // namespace sallyport::crypto
