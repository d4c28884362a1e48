// SPDX-License-Identifier: GPL-3.0-or-later
// ZrtpOutcome: what became of a datagram, a timer or an association of ZRTP; each value has a name, a meaning
// and, with whoever counts, a counter.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sallyport::keying {

enum class ZrtpOutcome : std::uint8_t {
  progress,
  secured,
  idle,
  ignored,
  malformed,
  wrong_crc,
  refused,
  wrong_version,
  wrong_hello_hash,
  wrong_hash_chain,
  wrong_confirm_mac,
  go_clear_refused,
  unanswered,
  timed_out,
  too_much_data,
  no_common_algorithm,
  bad_public_value,
  equal_zids,
  impostor,
  wrong_message_mac,
  reflected_keys,
  error_received,
  closed,
  limit_reached,
};

struct ZrtpOutcomeInfo {
  ZrtpOutcome outcome;
  bool is_failure;  ///< the association is over, and had no keys or takes none any more
  std::string_view name;
  std::string_view meaning;
};

inline constexpr std::array kZrtpOutcomes = std::to_array<ZrtpOutcomeInfo>({
    {ZrtpOutcome::progress, false, "zrtp_progress", "messages that an exchange took"},
    {ZrtpOutcome::secured, false, "zrtp_secured", "exchanges done and their keys released"},
    {ZrtpOutcome::idle, false, "zrtp_idle", "times that there was nothing to do yet, or only to send again"},
    {ZrtpOutcome::ignored, false, "zrtp_ignored", "messages of no use, or for associations that need none"},
    {ZrtpOutcome::malformed, false, "zrtp_malformed", "datagrams that are no ZRTP packets, dropped"},
    {ZrtpOutcome::wrong_crc, false, "zrtp_wrong_crc", "packets that were damaged on the way, dropped"},
    {ZrtpOutcome::refused, false, "zrtp_refused", "messages that do not fit the exchange, dropped"},
    {ZrtpOutcome::wrong_version, false, "zrtp_wrong_version", "Hellos of another version than 1.1x, dropped"},
    {ZrtpOutcome::wrong_hello_hash, false, "zrtp_wrong_hello_hash",
     "Hellos that are not the one whose hash signalling gave, dropped"},
    {ZrtpOutcome::wrong_hash_chain, false, "zrtp_wrong_hash_chain",
     "messages of somebody else than who sent the Hello, dropped"},
    {ZrtpOutcome::wrong_confirm_mac, false, "zrtp_wrong_confirm_mac",
     "Confirms without the exchange's own MAC, dropped"},
    {ZrtpOutcome::go_clear_refused, false, "zrtp_go_clear_refused",
     "wishes to go on in clear, answered with an Error"},
    {ZrtpOutcome::unanswered, false, "zrtp_unanswered", "associations whose peer has not spoken ZRTP so far"},
    {ZrtpOutcome::timed_out, true, "zrtp_timed_out", "exchanges that took too long"},
    {ZrtpOutcome::too_much_data, true, "zrtp_too_much_data",
     "exchanges that took more octets than any needs"},
    {ZrtpOutcome::no_common_algorithm, true, "zrtp_no_common_algorithm",
     "exchanges that came to an algorithm that the policy does not allow"},
    {ZrtpOutcome::bad_public_value, true, "zrtp_bad_public_value",
     "peers whose public value would give a secret that everybody knows"},
    {ZrtpOutcome::equal_zids, true, "zrtp_equal_zids", "peers that call themselves what we do: our own echo"},
    {ZrtpOutcome::impostor, true, "zrtp_impostor",
     "peers of which no Hello was the one whose hash signalling gave: somebody is in the middle"},
    {ZrtpOutcome::wrong_message_mac, true, "zrtp_wrong_message_mac",
     "exchanges of which a message was changed on the way: somebody is in the middle"},
    {ZrtpOutcome::reflected_keys, true, "zrtp_reflected_keys", "exchanges that gave both directions one key"},
    {ZrtpOutcome::error_received, true, "zrtp_error_received", "exchanges that the peer gave up"},
    {ZrtpOutcome::closed, true, "zrtp_closed", "associations that ended with their leg"},
    {ZrtpOutcome::limit_reached, true, "zrtp_limit_reached", "legs for whose exchange there was no place"},
});
inline constexpr std::size_t kZrtpOutcomeCount = kZrtpOutcomes.size();

[[nodiscard]] constexpr const ZrtpOutcomeInfo& info(ZrtpOutcome outcome) {
  return kZrtpOutcomes[static_cast<std::size_t>(outcome)];
}

constexpr bool zrtp_outcomes_stand_at_their_values() {
  for (std::size_t i = 0; i < kZrtpOutcomes.size(); ++i)
    if (static_cast<std::size_t>(kZrtpOutcomes[i].outcome) != i) return false;
  return kZrtpOutcomes.back().outcome == ZrtpOutcome::limit_reached;
}
static_assert(zrtp_outcomes_stand_at_their_values());

}  // namespace sallyport::keying
