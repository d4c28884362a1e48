// SPDX-License-Identifier: GPL-3.0-or-later
// Header fields: names are found by a hash of their length and three of their letters.
#include "sip/header_table.h"

#include "sip/text.h"

namespace sallyport::sip {

namespace {

constexpr std::size_t kSlots = 512;
static_assert(kHeaderCount < kSlots / 4, "probes stay short");

constexpr std::size_t slot_of(std::string_view name) {
  const auto at = [name](std::size_t i) {
    return static_cast<std::size_t>(static_cast<unsigned char>(text::lower(name[i])));
  };
  return (name.size() * 37 + at(0) * 5 + at(name.size() / 2) * 83 + at(name.size() - 1) * 17) % kSlots;
}

constexpr auto make_slots() {
  std::array<HeaderId, kSlots> slots{};
  for (const HeaderInfo& header : kHeaders) {
    if (header.name.empty()) continue;
    std::size_t slot = slot_of(header.name);
    while (slots[slot] != HeaderId::other) slot = (slot + 1) % kSlots;
    slots[slot] = header.id;
  }
  return slots;
}

constexpr auto make_compact() {
  std::array<HeaderId, 256> letters{};
  for (const HeaderInfo& header : kHeaders)
    if (header.compact != 0) {
      letters[static_cast<unsigned char>(header.compact)] = header.id;
      letters[static_cast<unsigned char>(header.compact - 0x20)] = header.id;
    }
  return letters;
}

constexpr auto kSlotTable = make_slots();
constexpr auto kCompactTable = make_compact();

}  // namespace

HeaderId header_id_of(std::string_view name) {
  if (name.size() <= 1)
    return name.empty() ? HeaderId::other : kCompactTable[static_cast<unsigned char>(name[0])];
  for (std::size_t slot = slot_of(name); kSlotTable[slot] != HeaderId::other; slot = (slot + 1) % kSlots)
    if (text::equal_ignoring_case(info(kSlotTable[slot]).name, name)) return kSlotTable[slot];
  return HeaderId::other;
}

}  // namespace sallyport::sip
