// SPDX-License-Identifier: GPL-3.0-or-later
// Key memory: zeroed, aligned, reused, accounted.
#include "base/key_memory.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

#include <gtest/gtest.h>

namespace sallyport {
namespace {

std::span<std::uint8_t> octets(void* memory, std::size_t bytes) {
  return {static_cast<std::uint8_t*>(memory), bytes};
}

bool all_zero(std::span<const std::uint8_t> view) {
  return std::ranges::all_of(view, [](std::uint8_t octet) { return octet == 0; });
}

TEST(KeyMemory, IsZeroedAndAligned) {
  for (const std::size_t bytes : {1u, 63u, 64u, 65u, 1000u, 5000u}) {
    void* memory = allocate_key_memory(bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % 64, 0u) << bytes;
    EXPECT_TRUE(all_zero(octets(memory, bytes))) << bytes;
    release_key_memory(memory, bytes);
  }
}

TEST(KeyMemory, WhatWasGivenBackComesAgainWithoutItsSecrets) {
  void* first = allocate_key_memory(500);
  std::memset(first, 0xa5, 500);
  release_key_memory(first, 500);
  void* second = allocate_key_memory(512);  // the same size class
  EXPECT_EQ(first, second);
  EXPECT_TRUE(all_zero(octets(second, 512)));
  release_key_memory(second, 512);
}

TEST(KeyMemory, BlocksDoNotOverlap) {
  constexpr std::size_t kBytes = 1984;
  constexpr std::size_t kBlocks = 3000;  // several pieces
  std::vector<void*> blocks;
  for (std::size_t i = 0; i < kBlocks; ++i) {
    blocks.push_back(allocate_key_memory(kBytes));
    std::memset(blocks.back(), static_cast<int>(i % 251), kBytes);
  }
  for (std::size_t i = 0; i < kBlocks; ++i) {
    const auto view = octets(blocks[i], kBytes);
    const auto expected = static_cast<std::uint8_t>(i % 251);
    ASSERT_TRUE(std::ranges::all_of(view, [&](std::uint8_t octet) { return octet == expected; })) << i;
  }
  for (void* block : blocks) release_key_memory(block, kBytes);
}

TEST(KeyMemory, AccountsForWhatIsOut) {
  const auto before = key_memory_use();
  void* memory = allocate_key_memory(100);
  EXPECT_EQ(key_memory_use().in_use, before.in_use + 128);
  EXPECT_GE(key_memory_use().reserved, key_memory_use().in_use);
  release_key_memory(memory, 100);
  EXPECT_EQ(key_memory_use().in_use, before.in_use);
}

TEST(KeyMemory, LargerThanAPieceIsServed) {
  constexpr std::size_t kBytes = std::size_t{3} << 20;
  void* memory = allocate_key_memory(kBytes);
  EXPECT_TRUE(all_zero(octets(memory, kBytes)));
  release_key_memory(memory, kBytes);
}

}  // namespace
}  // namespace sallyport
