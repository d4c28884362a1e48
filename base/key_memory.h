// SPDX-License-Identifier: GPL-3.0-or-later
// Memory for flows and their keys: large pages, kept out of swap and core dumps, wiped when given back.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sallyport {

/// What the process holds in key memory, in octets.
struct KeyMemoryUse {
  std::uint64_t in_use = 0;    ///< given out, rounded up to size classes
  std::uint64_t reserved = 0;  ///< taken from the kernel
  bool locked = true;          ///< false: the kernel refused to lock some of it (RLIMIT_MEMLOCK)
};

/// At least `bytes` octets of zeros, aligned to a cache line. Out of memory aborts. Not for the packet path.
/// May be called from any thread.
[[nodiscard]] void* allocate_key_memory(std::size_t bytes);

/// Wipes and gives back what allocate_key_memory(bytes) returned.
void release_key_memory(void* memory, std::size_t bytes);

[[nodiscard]] KeyMemoryUse key_memory_use();

}  // namespace sallyport
