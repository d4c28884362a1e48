// SPDX-License-Identifier: GPL-3.0-or-later
// Secret: not copied, not printed, and gone from memory when it ends.
#include "base/secret.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <ostream>
#include <type_traits>
#include <utility>

#include <gtest/gtest.h>

namespace sallyport {
namespace {

using Key = Secret<16>;

constexpr std::array<std::uint8_t, 16> kOctets = {0xde, 0xad, 0xbe, 0xef, 1, 2,  3,  4,
                                                  5,    6,    7,    8,    9, 10, 11, 12};

template <typename T>
concept Printable = requires(std::ostream& out, const T& value) {
  out << value;
};
template <typename T>
concept Comparable = requires(const T& a, const T& b) {
  a == b;
};

static_assert(!std::is_copy_constructible_v<Key>);
static_assert(!std::is_copy_assignable_v<Key>);
static_assert(std::is_nothrow_move_constructible_v<Key>);
static_assert(!Printable<Key>);
static_assert(!Comparable<Key>, "keys are compared in constant time, by name");
static_assert(!std::is_convertible_v<std::span<const std::uint8_t>, Key>,
              "key material is never made by accident");

/// Whether the first octets of the key stand anywhere in `memory`. The compiler may not reason about what it
/// reads: to the language, memory whose object has ended holds nothing.
bool holds_key(const void* memory, std::size_t size) {
  asm volatile("" : "+r"(memory) : : "memory");
  return memmem(memory, size, kOctets.data(), 4) != nullptr;
}

/// A place for one secret that outlives it, so that what it leaves behind can be read.
struct Place {
  alignas(Key) std::array<std::byte, sizeof(Key)> memory{};

  Key* make() { return new (memory.data()) Key(kOctets); }
  [[nodiscard]] bool holds_key() const { return sallyport::holds_key(memory.data(), memory.size()); }
};

TEST(Secret, KeepsItsOctets) {
  const Key key(kOctets);
  EXPECT_EQ(key.size(), 16u);
  EXPECT_FALSE(key.empty());
  EXPECT_TRUE(std::ranges::equal(key.view(), kOctets));
}

TEST(Secret, MayHoldLessThanItsCapacity) {
  const Key key{std::span(kOctets).first(3)};
  EXPECT_EQ(key.size(), 3u);
  EXPECT_EQ(key.view().size(), 3u);
}

TEST(Secret, StartsEmpty) {
  const Key key;
  EXPECT_TRUE(key.empty());
  EXPECT_TRUE(key.view().empty());
}

TEST(Secret, IsWipedWhenDestroyed) {
  Place place;
  Key* key = place.make();
  ASSERT_TRUE(place.holds_key());
  key->~Key();
  EXPECT_FALSE(place.holds_key());
}

TEST(Secret, IsWipedWhenCleared) {
  Place place;
  Key* key = place.make();
  key->clear();
  EXPECT_TRUE(key->empty());
  EXPECT_FALSE(place.holds_key());
  key->~Key();
}

TEST(Secret, IsWipedWhenMovedFrom) {
  Place place;
  Key* key = place.make();
  const Key other(std::move(*key));
  EXPECT_TRUE(std::ranges::equal(other.view(), kOctets));
  EXPECT_TRUE(key->empty());
  EXPECT_FALSE(place.holds_key());
  key->~Key();
}

TEST(Secret, IsWipedWhenAssignedFrom) {
  Place place;
  Key* key = place.make();
  Key other{std::span(kOctets).first(1)};
  other = std::move(*key);
  EXPECT_TRUE(std::ranges::equal(other.view(), kOctets));
  EXPECT_FALSE(place.holds_key());
  key->~Key();
}

TEST(Secret, AssignmentLeavesNothingOfALongerKey) {
  Place place;
  Key* key = place.make();
  *key = Key(std::span(kOctets).last(1));
  EXPECT_EQ(key->size(), 1u);
  EXPECT_FALSE(place.holds_key());
  key->~Key();
}

TEST(Secret, SurvivesAssignmentToItself) {
  Key key(kOctets);
  Key& same = key;
  key = std::move(same);
  EXPECT_TRUE(std::ranges::equal(key.view(), kOctets));
}

TEST(Secret, DuplicateIsIndependent) {
  Key key(kOctets);
  const Key copy = key.duplicate();
  key.clear();
  EXPECT_TRUE(std::ranges::equal(copy.view(), kOctets));
}

TEST(Wipe, OverwritesAllAndNothingElse) {
  std::array<std::uint8_t, 18> memory{};
  memory.fill(0xaa);
  wipe(memory.data() + 1, 16);
  EXPECT_EQ(memory.front(), 0xaa);
  EXPECT_EQ(memory.back(), 0xaa);
  EXPECT_TRUE(
      std::all_of(memory.begin() + 1, memory.end() - 1, [](std::uint8_t octet) { return octet == 0; }));
}

#ifndef NDEBUG
TEST(SecretDeathTest, RefusesMoreThanItsCapacity) {
  const std::array<std::uint8_t, 17> octets{};
  EXPECT_DEATH(Key{std::span<const std::uint8_t>(octets)}, "octets.size");
}
#endif

}  // namespace
}  // namespace sallyport
