// SPDX-License-Identifier: GPL-3.0-or-later
// Reading and writing of ZRTP's frame.
#include "keying/zrtp_packet.h"

#include <algorithm>
#include <string_view>

#include "base/bytes.h"
#include "base/crc32.h"

namespace sallyport::keying {

namespace {

constexpr std::uint16_t kPreamble = 0x505a;
constexpr std::size_t kHelloFixed = 88;
constexpr std::size_t kMacLength = 8;
constexpr std::size_t kRetainedIds = 4 * 8;  // rs1, rs2, auxiliary and PBX secret in a DHPart

/// Its lowest octet comes first, as in SCTP.
std::uint32_t crc_field(std::span<const std::uint8_t> before) {
  return __builtin_bswap32(crc32c(before));
}

template <typename Array>
Array take_array(ByteCursor& cursor) {
  Array taken{};
  const auto octets = cursor.take(taken.size());
  std::copy(octets.begin(), octets.end(), taken.begin());
  return taken;
}

std::vector<ZrtpCode> take_codes(ByteCursor& cursor, std::size_t count) {
  std::vector<ZrtpCode> codes(count);
  for (ZrtpCode& code : codes) code = take_array<ZrtpCode>(cursor);
  return codes;
}

/// What follows the message's type.
ByteCursor body_of(const ZrtpPacket& packet) {
  return ByteCursor(packet.message.subspan(kZrtpMessageHeaderLength));
}

}  // namespace

tl::expected<ZrtpPacket, ZrtpDefect> parse_zrtp(std::span<const std::uint8_t> datagram) {
  constexpr std::size_t kShortest = kZrtpOverhead + kZrtpMessageHeaderLength;
  if (datagram.size() < kShortest || datagram.size() > kZrtpOverhead + kMaxZrtpMessage)
    return tl::unexpected(ZrtpDefect::not_zrtp);
  // The twelve unused bits after the first four are not looked at.
  if (datagram[0] >> 4U != 1 || load_be32(datagram.data() + 4) != kZrtpCookie)
    return tl::unexpected(ZrtpDefect::not_zrtp);
  const auto protected_part = datagram.first(datagram.size() - kZrtpCrcLength);
  if (crc_field(protected_part) != load_be32(datagram.data() + protected_part.size()))
    return tl::unexpected(ZrtpDefect::crc);
  ZrtpPacket packet;
  packet.sequence = load_be16(datagram.data() + 2);
  packet.source = load_be32(datagram.data() + 8);
  packet.message = protected_part.subspan(kZrtpHeaderLength);
  if (load_be16(packet.message.data()) != kPreamble) return tl::unexpected(ZrtpDefect::type);
  const std::string_view name(reinterpret_cast<const char*>(packet.message.data()) + 4, 8);
  const auto* found = std::ranges::find(kZrtpMessageTypes, name, &ZrtpMessageTypeInfo::name);
  if (found == kZrtpMessageTypes.end()) return tl::unexpected(ZrtpDefect::type);
  const std::size_t length = std::size_t{load_be16(packet.message.data() + 2)} * 4;
  if (length != packet.message.size() || length < found->shortest || length > found->longest)
    return tl::unexpected(ZrtpDefect::length);
  packet.type = found->type;
  return packet;
}

std::optional<ZrtpHello> parse_zrtp_hello(const ZrtpPacket& packet) {
  constexpr std::size_t kClientIdentifier = 16;
  ByteCursor cursor = body_of(packet);
  ZrtpHello hello;
  hello.version = take_array<std::array<char, 4>>(cursor);
  cursor.skip(kClientIdentifier);
  hello.h3 = take_array<ZrtpHash>(cursor);
  hello.zid = take_array<Zid>(cursor);
  // Flags and counts, in one word: 0SMP, 8 unused bits, then five counts of four bits.
  const std::uint32_t counts = cursor.u32();
  const auto count = [counts](unsigned shift) { return std::size_t{counts >> shift & 0xfU}; };
  const std::size_t codes = count(16) + count(12) + count(8) + count(4) + count(0);
  for (const unsigned shift : {16U, 12U, 8U, 4U, 0U})
    if (count(shift) > 7) return std::nullopt;
  if (packet.message.size() != kHelloFixed + 4 * codes) return std::nullopt;
  hello.hashes = take_codes(cursor, count(16));
  hello.ciphers = take_codes(cursor, count(12));
  hello.tags = take_codes(cursor, count(8));
  hello.agreements = take_codes(cursor, count(4));
  hello.renderings = take_codes(cursor, count(0));
  return cursor.ok() ? std::optional(std::move(hello)) : std::nullopt;
}

ZrtpCommit parse_zrtp_commit(const ZrtpPacket& packet) {
  ByteCursor cursor = body_of(packet);
  ZrtpCommit commit;
  commit.h2 = take_array<ZrtpHash>(cursor);
  commit.zid = take_array<Zid>(cursor);
  commit.hash = take_array<ZrtpCode>(cursor);
  commit.cipher = take_array<ZrtpCode>(cursor);
  commit.tag = take_array<ZrtpCode>(cursor);
  commit.agreement = take_array<ZrtpCode>(cursor);
  commit.rendering = take_array<ZrtpCode>(cursor);
  return commit;
}

ZrtpDhPart parse_zrtp_dh_part(const ZrtpPacket& packet) {
  ByteCursor cursor = body_of(packet);
  ZrtpDhPart part;
  part.h1 = take_array<ZrtpHash>(cursor);
  cursor.skip(kRetainedIds);
  part.public_value = cursor.take(cursor.remaining() - kMacLength);
  return part;
}

std::vector<std::uint8_t> write_zrtp(ZrtpMessageType type, std::uint32_t source,
                                     std::span<const std::uint8_t> body) {
  const std::size_t length = kZrtpMessageHeaderLength + body.size();
  std::vector<std::uint8_t> packet(kZrtpOverhead + length);
  packet[0] = 0x10;
  store_be32(packet.data() + 4, kZrtpCookie);
  store_be32(packet.data() + 8, source);
  std::uint8_t* const message = packet.data() + kZrtpHeaderLength;
  store_be16(message, kPreamble);
  store_be16(message + 2, static_cast<std::uint16_t>(length / 4));
  std::ranges::copy(info(type).name, message + 4);
  std::ranges::copy(body, message + kZrtpMessageHeaderLength);
  number_zrtp(packet, 0);
  return packet;
}

std::vector<std::uint8_t> write_zrtp_error(std::uint32_t source, ZrtpErrorCode code) {
  std::array<std::uint8_t, 4> body{};
  store_be32(body.data(), static_cast<std::uint32_t>(code));
  return write_zrtp(ZrtpMessageType::error, source, body);
}

void number_zrtp(std::span<std::uint8_t> packet, std::uint16_t sequence) {
  const std::size_t end = packet.size() - kZrtpCrcLength;
  store_be16(packet.data() + 2, sequence);
  store_be32(packet.data() + end, crc_field(packet.first(end)));
}

}  // namespace sallyport::keying
