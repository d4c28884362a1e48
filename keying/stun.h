// SPDX-License-Identifier: GPL-3.0-or-later
// STUN messages (RFC 8489) as ICE uses them (RFC 8445 §7): parsed into views, written into a buffer of their
// own. Nothing here decides anything.
//
//    0                   1                   2                   3
//   +---+---------------------------+-------------------------------+
//   |0 0| method and class          | length after these 20 octets  |
//   +---+---------------------------+-------------------------------+
//   | magic cookie 0x2112A442                                       |
//   +---------------------------------------------------------------+
//   | transaction ID, 96 bits                                       |
//   +-------------------------------+-------------------------------+
//   | attribute type                | length of the value           | value, padded to 4 octets; and so on
//   +-------------------------------+-------------------------------+
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include <tl/expected.hpp>

#include "base/bytes.h"
#include "base/ip_address.h"
#include "keying/stun_key.h"

namespace sallyport::keying {

inline constexpr std::uint32_t kStunCookie = 0x2112a442;
inline constexpr std::size_t kStunHeaderLength = 20;
inline constexpr std::uint16_t kStunBinding = 0x001;
/// RFC 8489 §14.3: a USERNAME has fewer than 509 octets.
inline constexpr std::size_t kMaxStunUsername = 508;

enum class StunClass : std::uint8_t { request, indication, success, error };

/// Types of attributes (RFC 8489 §18.3, RFC 8445 §20.2). Those below 0x8000 must be understood.
enum class StunAttributeType : std::uint16_t {
  mapped_address = 0x0001,
  username = 0x0006,
  message_integrity = 0x0008,
  error_code = 0x0009,
  unknown_attributes = 0x000a,
  realm = 0x0014,
  nonce = 0x0015,
  message_integrity_sha256 = 0x001c,
  password_algorithm = 0x001d,
  userhash = 0x001e,
  xor_mapped_address = 0x0020,
  priority = 0x0024,
  use_candidate = 0x0025,
  fingerprint = 0x8028,
  ice_controlled = 0x8029,
  ice_controlling = 0x802a,
};

using StunTransactionId = std::array<std::uint8_t, 12>;

struct StunAttribute {
  std::uint16_t type = 0;
  std::span<const std::uint8_t> value;
};

/// Walks the attributes behind a header. Ends early, and is not ok(), where one runs past the end.
class StunAttributes {
 public:
  explicit StunAttributes(std::span<const std::uint8_t> octets) : cursor_(octets) {}

  [[nodiscard]] std::optional<StunAttribute> next();
  [[nodiscard]] bool ok() const { return cursor_.ok(); }
  /// Octets that are not yet walked over.
  [[nodiscard]] std::size_t remaining() const { return cursor_.remaining(); }

 private:
  ByteCursor cursor_;
};

/// Why octets are no message that one may act upon.
enum class StunDefect : std::uint8_t {
  not_stun,     ///< too short, or without the zero bits and the cookie
  length,       ///< the header's length is not the datagram's, or no multiple of four
  attribute,    ///< an attribute runs past the end, or its value does not fit its type
  fingerprint,  ///< FINGERPRINT does not match, or is not the last attribute
};

/// One message. Views point into the datagram. Of an attribute that comes twice the first counts (RFC 8489
/// §14), and what follows MESSAGE-INTEGRITY is not protected by it and not looked at.
struct StunMessage {
  static constexpr std::size_t kMaxUnknown = 8;

  StunClass message_class = StunClass::request;
  std::uint16_t method = 0;
  StunTransactionId id{};
  std::span<const std::uint8_t> datagram;

  std::optional<std::string_view> username;
  std::optional<Endpoint> mapped_address;  ///< XOR-MAPPED-ADDRESS
  std::optional<std::uint32_t> priority;
  std::optional<std::uint64_t> ice_controlled;  ///< the tie-breaker
  std::optional<std::uint64_t> ice_controlling;
  bool use_candidate = false;
  std::uint16_t error_code = 0;  ///< 300 to 699; 0: none
  /// Attributes that must be understood and are not; further ones are left out.
  std::array<std::uint16_t, kMaxUnknown> unknown{};
  std::size_t unknown_count = 0;

  std::size_t integrity_offset = 0;  ///< where the MESSAGE-INTEGRITY attribute begins; 0: there is none
  bool has_fingerprint = false;      ///< and it matched
};

[[nodiscard]] tl::expected<StunMessage, StunDefect> parse_stun(std::span<const std::uint8_t> datagram);

/// Whether MESSAGE-INTEGRITY is there and of this key, in time that does not tell where it differs.
[[nodiscard]] bool integrity_holds(const StunMessage& message, const StunKey& key);

/// Writes one message from front to back. What does not fit fails the writer for good.
class StunWriter {
 public:
  static constexpr std::size_t kCapacity = 640;  ///< a check with the longest user name

  StunWriter(StunClass message_class, std::uint16_t method, const StunTransactionId& id);

  void username(std::string_view name);
  void xor_mapped_address(const Endpoint& endpoint);
  void priority(std::uint32_t value);
  void use_candidate();
  void ice_controlled(std::uint64_t tie_breaker);
  void ice_controlling(std::uint64_t tie_breaker);
  /// `code` is 300 to 699.
  void error_code(std::uint16_t code, std::string_view reason);
  void unknown_attributes(std::span<const std::uint16_t> types);
  /// One that has no function of its own.
  void attribute(const StunAttribute& attribute);
  /// After all that it is to protect.
  void message_integrity(const StunKey& key);
  /// The last.
  void fingerprint();

  [[nodiscard]] bool ok() const { return !failed_; }
  [[nodiscard]] std::span<const std::uint8_t> octets() const {
    return {octets_.data(), failed_ ? 0 : length_};
  }

 private:
  /// Room for a value of `length` octets, zeroed with its padding; empty when there is none.
  std::span<std::uint8_t> add(StunAttributeType type, std::size_t length);
  void add_u64(StunAttributeType type, std::uint64_t value);
  /// The header's length as if the message ended at `end`.
  void set_length(std::size_t end);

  std::array<std::uint8_t, kCapacity> octets_;
  std::size_t length_ = kStunHeaderLength;
  bool failed_ = false;
};

}  // namespace sallyport::keying
