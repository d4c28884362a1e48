// SPDX-License-Identifier: GPL-3.0-or-later
// Keys of session tickets: TLS sessions resume without any state of ours, under keys that change.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>

#include "base/secret.h"

struct ssl_ctx_st;

namespace sallyport::transport {

/// Any thread. Only the newest key seals; the ones before it open tickets until they are two lives old, so
/// that a ticket lives for one to two hours beyond the hour in which it was given.
class TicketKeys {
 public:
  static constexpr std::int64_t kKeyLifeSeconds = 3600;
  static constexpr std::size_t kKeys = 3;
  using Name = std::array<std::uint8_t, 16>;

  /// Two AES-256 and HMAC-SHA-256 keys and their name. Copies are wiped as they go.
  struct Key {
    Name name{};
    Secret<32> cipher;
    Secret<32> mac;
    std::int64_t made = 0;
  };
  struct Found {
    Key key;
    bool newest = false;
  };

  TicketKeys();

  /// Makes a new key when the newest has lived its time; `now` in seconds of any steady clock.
  void maintain(std::int64_t now);
  [[nodiscard]] Key newest() const;
  [[nodiscard]] std::optional<Found> find(std::span<const std::uint8_t, 16> name) const;

 private:
  mutable std::mutex mutex_;
  std::array<Key, kKeys> keys_;  ///< newest first
  std::int64_t changed_ = 0;
  bool timed_ = false;
};

/// Lets sessions of this context be resumed by tickets under `keys`, which outlives the context.
void use_tickets(ssl_ctx_st* context, TicketKeys& keys);

}  // namespace sallyport::transport
