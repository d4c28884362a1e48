// SPDX-License-Identifier: GPL-3.0-or-later
// Header fields: a name's length and three of its letters lead to the only known name that it can be.
#include "sip/header_table.h"

#include <cstring>

namespace sallyport::sip {

namespace {

constexpr std::size_t kSlots = 512;

/// The factors were searched for: no two known names share a slot.
constexpr std::size_t slot_of(std::string_view name) {
  const auto at = [name](std::size_t i) {
    return static_cast<std::size_t>(static_cast<unsigned char>(name[i]) | 0x20U);
  };
  return (name.size() * 225 + at(0) * 133 + at(name.size() / 2) * 227 + at(name.size() - 1) * 171) % kSlots;
}

constexpr auto make_slots() {
  std::array<HeaderId, kSlots> slots{};
  for (const HeaderInfo& header : kHeaders)
    if (!header.name.empty()) slots[slot_of(header.name)] = header.id;
  return slots;
}

constexpr auto kSlotTable = make_slots();

constexpr bool no_two_names_share_a_slot() {
  for (const HeaderInfo& header : kHeaders)
    if (!header.name.empty() && kSlotTable[slot_of(header.name)] != header.id) return false;
  return true;
}
static_assert(no_two_names_share_a_slot(), "choose other factors in slot_of");

constexpr auto make_compact() {
  std::array<HeaderId, 256> letters{};
  for (const HeaderInfo& header : kHeaders)
    if (header.compact != 0) {
      letters[static_cast<unsigned char>(header.compact)] = header.id;
      letters[static_cast<unsigned char>(header.compact - 0x20)] = header.id;
    }
  return letters;
}

constexpr auto kCompactTable = make_compact();

}  // namespace

namespace {

template <typename Word>
bool words_agree(const char* a, const char* b) {
  Word first;
  Word second;
  std::memcpy(&first, a, sizeof first);
  std::memcpy(&second, b, sizeof second);
  constexpr auto kCase = static_cast<Word>(0x2020202020202020);
  return (first | kCase) == (second | kCase);
}

/// Case does not matter. Whole words are compared with the bit of the case set: no octet but a letter becomes
/// a letter by it, and only CR, which is in no line, becomes `-`.
bool is_known_name(std::string_view known, std::string_view name) {
  const std::size_t size = name.size();
  if (known.size() != size) return false;  // no name at all has size 0, and that of `other` is 0
  const char* a = known.data();
  const char* b = name.data();
  if (size >= 8) {
    for (std::size_t at = 0; at + 8 < size; at += 8)
      if (!words_agree<std::uint64_t>(a + at, b + at)) return false;
    return words_agree<std::uint64_t>(a + size - 8, b + size - 8);
  }
  if (size >= 4)
    return words_agree<std::uint32_t>(a, b) && words_agree<std::uint32_t>(a + size - 4, b + size - 4);
  return words_agree<std::uint16_t>(a, b) && words_agree<std::uint16_t>(a + size - 2, b + size - 2);
}

}  // namespace

HeaderId header_id_of(std::string_view name) {
  if (name.size() <= 1)
    return name.empty() ? HeaderId::other : kCompactTable[static_cast<unsigned char>(name[0])];
  const HeaderId id = kSlotTable[slot_of(name)];
  return is_known_name(info(id).name, name) ? id : HeaderId::other;
}

}  // namespace sallyport::sip
