// SPDX-License-Identifier: GPL-3.0-or-later
// Reading and writing STUN.
#include "keying/stun.h"

#include <algorithm>
#include <cstring>

#include "base/crc32.h"
#include "crypto/equal.h"

namespace sallyport::keying {

namespace {

using Type = StunAttributeType;

constexpr std::uint32_t kFingerprintMask = 0x5354554e;  // RFC 8489 §14.7
constexpr std::size_t kAttributeHeader = 4;
constexpr std::size_t kFingerprintLength = kAttributeHeader + 4;
constexpr std::uint8_t kFamilyV4 = 1;
constexpr std::uint8_t kFamilyV6 = 2;

constexpr std::size_t padded(std::size_t length) {
  return (length + 3) & ~std::size_t{3};
}

// RFC 8489 §5: the class's two bits stand between those of the method.
constexpr std::uint16_t message_type(StunClass message_class, std::uint16_t method) {
  const auto bits = static_cast<unsigned>(message_class);
  return static_cast<std::uint16_t>((method & 0x000fU) | (method & 0x0070U) << 1 | (method & 0x0f80U) << 2 |
                                    (bits & 1) << 4 | (bits & 2) << 7);
}
constexpr StunClass class_of(std::uint16_t type) {
  return static_cast<StunClass>((type >> 4 & 1) | (type >> 7 & 2));
}
constexpr std::uint16_t method_of(std::uint16_t type) {
  return static_cast<std::uint16_t>((type & 0x000fU) | (type >> 1 & 0x0070U) | (type >> 2 & 0x0f80U));
}
static_assert(message_type(StunClass::error, kStunBinding) == 0x0111);
static_assert(method_of(0x0111) == kStunBinding && class_of(0x0101) == StunClass::success);

std::uint32_t fingerprint_of(std::span<const std::uint8_t> before) {
  return crc32(before) ^ kFingerprintMask;
}

/// RFC 8489 §14.2: port and address under the cookie and the transaction ID, which are the octets 4 to 19 of
/// the header.
std::optional<Endpoint> unmasked_address(std::span<const std::uint8_t> value, const std::uint8_t* mask) {
  if (value.size() < 8) return std::nullopt;
  Endpoint endpoint;
  endpoint.port = static_cast<std::uint16_t>(load_be16(value.data() + 2) ^ load_be16(mask));
  std::array<std::uint8_t, 16> address{};
  const std::size_t length = value[1] == kFamilyV4 ? 4 : 16;
  if ((value[1] != kFamilyV4 && value[1] != kFamilyV6) || value.size() != 4 + length) return std::nullopt;
  for (std::size_t i = 0; i < length; ++i) address[i] = value[4 + i] ^ mask[i];
  endpoint.address =
      length == 4 ? IpAddress::v4({address[0], address[1], address[2], address[3]}) : IpAddress::v6(address);
  return endpoint;
}

void note_unknown(StunMessage& message, std::uint16_t type) {
  const bool must_be_understood = type < 0x8000;
  if (must_be_understood && message.unknown_count < message.unknown.size())
    message.unknown[message.unknown_count++] = type;
}

template <typename T>
bool take_number(std::span<const std::uint8_t> value, std::optional<T>& to) {
  if (value.size() != sizeof(T)) return false;
  if (to) return true;
  if constexpr (sizeof(T) == 4)
    to = load_be32(value.data());
  else
    to = load_be64(value.data());
  return true;
}

bool take_error(std::span<const std::uint8_t> value, StunMessage& message) {
  if (value.size() < 4) return false;
  const unsigned hundreds = value[2] & 7U;
  if (hundreds < 3 || hundreds > 6 || value[3] > 99) return false;
  if (message.error_code == 0) message.error_code = static_cast<std::uint16_t>(hundreds * 100 + value[3]);
  return true;
}

/// False: the value does not fit the type.
bool take_attribute(const StunAttribute& attribute, StunMessage& message) {
  const auto value = attribute.value;
  switch (static_cast<Type>(attribute.type)) {
    case Type::username:
      if (value.size() > kMaxStunUsername) return false;
      if (!message.username)
        message.username = std::string_view(reinterpret_cast<const char*>(value.data()), value.size());
      return true;
    case Type::xor_mapped_address: {
      const auto endpoint = unmasked_address(value, message.datagram.data() + 4);
      if (!message.mapped_address) message.mapped_address = endpoint;
      return endpoint.has_value();
    }
    case Type::priority:
      return take_number(value, message.priority);
    case Type::ice_controlled:
      return take_number(value, message.ice_controlled);
    case Type::ice_controlling:
      return take_number(value, message.ice_controlling);
    case Type::use_candidate:
      message.use_candidate = true;
      return value.empty();
    case Type::error_code:
      return take_error(value, message);
    case Type::message_integrity:
      return value.size() == StunKey::kCodeLength;
    // Known, and of no concern to ICE.
    case Type::mapped_address:
    case Type::unknown_attributes:
    case Type::realm:
    case Type::nonce:
    case Type::message_integrity_sha256:
    case Type::password_algorithm:
    case Type::userhash:
    case Type::fingerprint:
      return true;
  }
  note_unknown(message, attribute.type);
  return true;
}

bool fingerprint_matches(std::span<const std::uint8_t> datagram, std::span<const std::uint8_t> value) {
  return value.size() == 4 &&
         load_be32(value.data()) == fingerprint_of(datagram.first(datagram.size() - kFingerprintLength));
}

std::optional<StunDefect> take_attributes(StunMessage& message) {
  const auto datagram = message.datagram;
  StunAttributes attributes(datagram.subspan(kStunHeaderLength));
  for (;;) {
    const std::size_t offset = datagram.size() - attributes.remaining();
    const auto attribute = attributes.next();
    if (!attribute) return attributes.ok() ? std::nullopt : std::optional(StunDefect::attribute);
    if (static_cast<Type>(attribute->type) == Type::fingerprint) {
      const bool last = attributes.remaining() == 0 && attributes.ok();
      if (!last || !fingerprint_matches(datagram, attribute->value)) return StunDefect::fingerprint;
      message.has_fingerprint = true;
      continue;
    }
    if (message.integrity_offset != 0) continue;
    if (!take_attribute(*attribute, message)) return StunDefect::attribute;
    if (static_cast<Type>(attribute->type) == Type::message_integrity) message.integrity_offset = offset;
  }
}

}  // namespace

std::optional<StunAttribute> StunAttributes::next() {
  if (cursor_.remaining() == 0) return std::nullopt;
  StunAttribute attribute;
  attribute.type = cursor_.u16();
  const std::size_t length = cursor_.u16();
  attribute.value = cursor_.take(length);
  cursor_.skip(padded(length) - length);
  if (!cursor_.ok()) return std::nullopt;
  return attribute;
}

tl::expected<StunMessage, StunDefect> parse_stun(std::span<const std::uint8_t> datagram) {
  if (datagram.size() < kStunHeaderLength) return tl::unexpected(StunDefect::not_stun);
  const std::uint16_t type = load_be16(datagram.data());
  if ((type & 0xc000) != 0 || load_be32(datagram.data() + 4) != kStunCookie)
    return tl::unexpected(StunDefect::not_stun);
  const std::size_t length = load_be16(datagram.data() + 2);
  if (length % 4 != 0 || length + kStunHeaderLength != datagram.size())
    return tl::unexpected(StunDefect::length);
  StunMessage message;
  message.message_class = class_of(type);
  message.method = method_of(type);
  std::copy_n(datagram.begin() + 8, message.id.size(), message.id.begin());
  message.datagram = datagram;
  if (const auto defect = take_attributes(message)) return tl::unexpected(*defect);
  return message;
}

// RFC 8489 §14.5: the code covers what stands before it, with a length as if the message ended behind it.
bool integrity_holds(const StunMessage& message, const StunKey& key) {
  if (message.integrity_offset == 0) return false;
  const std::size_t end = message.integrity_offset + kAttributeHeader + StunKey::kCodeLength;
  std::array<std::uint8_t, 4> start{};
  std::copy_n(message.datagram.begin(), 2, start.begin());
  store_be16(start.data() + 2, static_cast<std::uint16_t>(end - kStunHeaderLength));
  const auto code =
      key({start, message.datagram.subspan(start.size(), message.integrity_offset - start.size())});
  const std::uint8_t* given = message.datagram.data() + message.integrity_offset + kAttributeHeader;
  return crypto::equal(code.data(), given, code.size());
}

StunWriter::StunWriter(StunClass message_class, std::uint16_t method, const StunTransactionId& id) {
  store_be16(octets_.data(), message_type(message_class, method));
  store_be32(octets_.data() + 4, kStunCookie);
  std::ranges::copy(id, octets_.begin() + 8);
  set_length(length_);
}

void StunWriter::set_length(std::size_t end) {
  store_be16(octets_.data() + 2, static_cast<std::uint16_t>(end - kStunHeaderLength));
}

std::span<std::uint8_t> StunWriter::add(StunAttributeType type, std::size_t length) {
  const std::size_t whole = kAttributeHeader + padded(length);
  if (failed_ || whole > octets_.size() - length_) {
    failed_ = true;
    return {};
  }
  std::uint8_t* const at = octets_.data() + length_;
  store_be16(at, static_cast<std::uint16_t>(type));
  store_be16(at + 2, static_cast<std::uint16_t>(length));
  std::fill_n(at + kAttributeHeader, padded(length), std::uint8_t{0});
  length_ += whole;
  set_length(length_);
  return {at + kAttributeHeader, length};
}

void StunWriter::add_u64(StunAttributeType type, std::uint64_t value) {
  const auto room = add(type, sizeof value);
  if (!room.empty()) store_be64(room.data(), value);
}

void StunWriter::username(std::string_view name) {
  const auto room = add(Type::username, name.size());
  if (!room.empty()) std::ranges::copy(name, room.begin());
}

void StunWriter::xor_mapped_address(const Endpoint& endpoint) {
  const bool is_v4 = endpoint.address.is_v4();
  const auto room = add(Type::xor_mapped_address, is_v4 ? 8 : 20);
  if (room.empty()) return;
  const std::uint8_t* const mask = octets_.data() + 4;
  const std::uint8_t* const address = endpoint.address.octets().data() + (is_v4 ? 12 : 0);
  room[1] = is_v4 ? kFamilyV4 : kFamilyV6;
  store_be16(room.data() + 2, static_cast<std::uint16_t>(endpoint.port ^ load_be16(mask)));
  for (std::size_t i = 4; i < room.size(); ++i)
    room[i] = static_cast<std::uint8_t>(address[i - 4] ^ mask[i - 4]);
}

void StunWriter::priority(std::uint32_t value) {
  const auto room = add(Type::priority, sizeof value);
  if (!room.empty()) store_be32(room.data(), value);
}

void StunWriter::use_candidate() {
  static_cast<void>(add(Type::use_candidate, 0));
}

void StunWriter::ice_controlled(std::uint64_t tie_breaker) {
  add_u64(Type::ice_controlled, tie_breaker);
}

void StunWriter::ice_controlling(std::uint64_t tie_breaker) {
  add_u64(Type::ice_controlling, tie_breaker);
}

void StunWriter::error_code(std::uint16_t code, std::string_view reason) {
  const auto room = add(Type::error_code, 4 + reason.size());
  if (room.empty()) return;
  room[2] = static_cast<std::uint8_t>(code / 100);
  room[3] = static_cast<std::uint8_t>(code % 100);
  std::ranges::copy(reason, room.begin() + 4);
}

void StunWriter::unknown_attributes(std::span<const std::uint16_t> types) {
  const auto room = add(Type::unknown_attributes, 2 * types.size());
  for (std::size_t i = 0; 2 * i < room.size(); ++i) store_be16(room.data() + 2 * i, types[i]);
}

void StunWriter::attribute(const StunAttribute& attribute) {
  const auto room = add(static_cast<Type>(attribute.type), attribute.value.size());
  if (!room.empty()) std::ranges::copy(attribute.value, room.begin());
}

void StunWriter::message_integrity(const StunKey& key) {
  const std::size_t before = length_;
  const auto room = add(Type::message_integrity, StunKey::kCodeLength);
  if (room.empty()) return;
  std::ranges::copy(key({std::span(octets_).first(before)}), room.begin());
}

void StunWriter::fingerprint() {
  const std::size_t before = length_;
  const auto room = add(Type::fingerprint, 4);
  if (room.empty()) return;
  store_be32(room.data(), fingerprint_of(std::span(octets_).first(before)));
}

}  // namespace sallyport::keying
