// SPDX-License-Identifier: GPL-3.0-or-later
// ZRTP packets (RFC 6189 §5): their frame checked whole before anything in it is looked at, the messages that
// we judge ourselves as views, and the few that we write. Nothing here decides anything.
//
//    0                   1                   2                   3
//   +-------+-----------------------+-------------------------------+
//   |0 0 0 1| zero                  | sequence number               |
//   +-------+-----------------------+-------------------------------+
//   | magic cookie "ZRTP"                                           |
//   +---------------------------------------------------------------+
//   | source identifier, an SSRC                                    |
//   +-------------------------------+-------------------------------+
//   | 0x505a                        | length of the message, words  |  the message begins here
//   +-------------------------------+-------------------------------+
//   | type, eight characters                                        |
//   |                                                               |  and what the type says
//   +---------------------------------------------------------------+
//   | CRC-32C of all before, its lowest octet first                 |
//   +---------------------------------------------------------------+
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace sallyport::keying {

inline constexpr std::uint32_t kZrtpCookie = 0x5a525450;
inline constexpr std::size_t kZrtpHeaderLength = 12;
inline constexpr std::size_t kZrtpMessageHeaderLength = 12;
inline constexpr std::size_t kZrtpCrcLength = 4;
inline constexpr std::size_t kZrtpOverhead = kZrtpHeaderLength + kZrtpCrcLength;
inline constexpr std::size_t kMaxZrtpMessage = 1404;  ///< octets; the longest fits an Ethernet frame

enum class ZrtpMessageType : std::uint8_t {
  hello,
  hello_ack,
  commit,
  dh_part1,
  dh_part2,
  confirm1,
  confirm2,
  conf2_ack,
  error,
  error_ack,
  go_clear,
  clear_ack,
  sas_relay,
  relay_ack,
  ping,
  ping_ack,
};

/// RFC 6189 §5.1.1 and the lengths of §5.2 to §5.16, in octets of the whole message.
struct ZrtpMessageTypeInfo {
  ZrtpMessageType type;
  std::string_view name;
  std::uint16_t shortest;
  std::uint16_t longest;
};

inline constexpr std::array kZrtpMessageTypes = std::to_array<ZrtpMessageTypeInfo>({
    {ZrtpMessageType::hello, "Hello   ", 88, 88 + 4 * 35},
    {ZrtpMessageType::hello_ack, "HelloACK", 12, 12},
    {ZrtpMessageType::commit, "Commit  ", 100, 116},
    {ZrtpMessageType::dh_part1, "DHPart1 ", 84, kMaxZrtpMessage},
    {ZrtpMessageType::dh_part2, "DHPart2 ", 84, kMaxZrtpMessage},
    {ZrtpMessageType::confirm1, "Confirm1", 76, kMaxZrtpMessage},
    {ZrtpMessageType::confirm2, "Confirm2", 76, kMaxZrtpMessage},
    {ZrtpMessageType::conf2_ack, "Conf2ACK", 12, 12},
    {ZrtpMessageType::error, "Error   ", 16, 16},
    {ZrtpMessageType::error_ack, "ErrorACK", 12, 12},
    {ZrtpMessageType::go_clear, "GoClear ", 20, 20},
    {ZrtpMessageType::clear_ack, "ClearACK", 12, 12},
    {ZrtpMessageType::sas_relay, "SASrelay", 76, kMaxZrtpMessage},
    {ZrtpMessageType::relay_ack, "RelayACK", 12, 12},
    {ZrtpMessageType::ping, "Ping    ", 24, 24},
    {ZrtpMessageType::ping_ack, "PingACK ", 36, 36},
});

[[nodiscard]] constexpr const ZrtpMessageTypeInfo& info(ZrtpMessageType type) {
  return kZrtpMessageTypes[static_cast<std::size_t>(type)];
}

constexpr bool zrtp_message_types_stand_at_their_values() {
  for (std::size_t i = 0; i < kZrtpMessageTypes.size(); ++i)
    if (static_cast<std::size_t>(kZrtpMessageTypes[i].type) != i) return false;
  return kZrtpMessageTypes.back().type == ZrtpMessageType::ping_ack;
}
static_assert(zrtp_message_types_stand_at_their_values());

/// One packet whose frame is right. Views point into the datagram.
struct ZrtpPacket {
  ZrtpMessageType type = ZrtpMessageType::hello;
  std::uint16_t sequence = 0;
  std::uint32_t source = 0;               ///< SSRC
  std::span<const std::uint8_t> message;  ///< from 0x505a to before the CRC: what hashes are taken of
};

enum class ZrtpDefect : std::uint8_t {
  not_zrtp,  ///< too short, too long, or without the first octets and the cookie
  crc,       ///< damaged on the way
  length,    ///< the message's length is not the datagram's, or none that its type can have
  type,      ///< none of RFC 6189's messages
};

[[nodiscard]] tl::expected<ZrtpPacket, ZrtpDefect> parse_zrtp(std::span<const std::uint8_t> datagram);

/// Four characters that name an algorithm (RFC 6189 §5.1.2 to §5.1.6).
using ZrtpCode = std::array<char, 4>;
/// RFC 6189 §4.9.
using Zid = std::array<std::uint8_t, 12>;
/// An element of a hash chain (§9), and a hash of a Hello (§8).
using ZrtpHash = std::array<std::uint8_t, 32>;

/// RFC 6189 §5.2. Of lists longer than seven there are only seven places.
struct ZrtpHello {
  std::array<char, 4> version{};
  ZrtpHash h3{};
  Zid zid{};
  std::vector<ZrtpCode> hashes, ciphers, tags, agreements, renderings;
};
/// Nothing: its lists are not as long as the message.
[[nodiscard]] std::optional<ZrtpHello> parse_zrtp_hello(const ZrtpPacket& packet);

/// RFC 6189 §5.4, without what differs between the modes.
struct ZrtpCommit {
  ZrtpHash h2{};
  Zid zid{};
  ZrtpCode hash{}, cipher{}, tag{}, agreement{}, rendering{};
};
[[nodiscard]] ZrtpCommit parse_zrtp_commit(const ZrtpPacket& packet);

/// RFC 6189 §5.5, §5.6.
struct ZrtpDhPart {
  ZrtpHash h1{};
  std::span<const std::uint8_t> public_value;
};
[[nodiscard]] ZrtpDhPart parse_zrtp_dh_part(const ZrtpPacket& packet);

/// RFC 6189 §5.9, table 8: those that we send.
enum class ZrtpErrorCode : std::uint16_t {
  hash_type = 0x51,
  cipher_type = 0x52,
  public_key_exchange = 0x53,
  auth_tag = 0x54,
  sas_rendering = 0x55,
  bad_public_value = 0x61,
  wrong_hvi = 0x62,
  equal_zids = 0x90,
  protocol_timeout = 0xb0,
  go_clear_not_allowed = 0x100,
};

/// A whole packet. Its sequence number is 0: see number_zrtp.
[[nodiscard]] std::vector<std::uint8_t> write_zrtp(ZrtpMessageType type, std::uint32_t source,
                                                   std::span<const std::uint8_t> body = {});
[[nodiscard]] std::vector<std::uint8_t> write_zrtp_error(std::uint32_t source, ZrtpErrorCode code);

/// Gives a packet that parse_zrtp has read, or write_zrtp written, another sequence number, and its CRC.
void number_zrtp(std::span<std::uint8_t> packet, std::uint16_t sequence);

}  // namespace sallyport::keying
