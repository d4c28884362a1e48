// SPDX-License-Identifier: GPL-3.0-or-later
// Size classes of whole cache lines, carved from 2 MiB pieces. A relay of 50 000 touches them at random: with
// 4 KiB pages most of its time would go into page-table walks.
#include "base/key_memory.h"

#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

#include <sys/mman.h>

#include "base/secret.h"

namespace sallyport {

namespace {

constexpr std::size_t kLine = 64;
constexpr std::size_t kPiece = std::size_t{2} << 20;

std::size_t rounded_up(std::size_t bytes, std::size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

/// A free block holds the next one's address in its first octets; the rest is zero.
struct FreeBlock {
  FreeBlock* next = nullptr;
};

class KeyMemory {
 public:
  void* allocate(std::size_t bytes) {
    const std::size_t size = rounded_up(bytes, kLine);
    const std::scoped_lock lock(mutex_);
    use_.in_use += size;
    FreeBlock*& free = free_[size];
    if (free == nullptr) return carve(size);
    FreeBlock* block = free;
    free = block->next;
    block->next = nullptr;
    return block;
  }

  void release(void* memory, std::size_t bytes) {
    const std::size_t size = rounded_up(bytes, kLine);
    wipe(memory, size);
    const std::scoped_lock lock(mutex_);
    use_.in_use -= size;
    auto* block = static_cast<FreeBlock*>(memory);
    block->next = free_[size];
    free_[size] = block;
  }

  KeyMemoryUse use() {
    const std::scoped_lock lock(mutex_);
    return use_;
  }

 private:
  void* carve(std::size_t size) {
    if (size > rest_) reserve(size);
    void* block = next_;
    next_ += size;
    rest_ -= size;
    return block;
  }

  /// Takes a piece aligned to a large page; what was left of the last one (less than one block) stays unused.
  void reserve(std::size_t size) {
    const std::size_t piece = rounded_up(size, kPiece);
    const std::size_t mapped = piece + kPiece;
    void* raw = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (raw == MAP_FAILED) std::abort();
    const auto address = reinterpret_cast<std::uintptr_t>(raw);
    const std::uintptr_t aligned = rounded_up(address, kPiece);
    if (aligned > address) munmap(raw, aligned - address);
    const std::uintptr_t end = aligned + piece;
    if (address + mapped > end) munmap(reinterpret_cast<void*>(end), address + mapped - end);
    void* start = reinterpret_cast<void*>(aligned);
    madvise(start, piece, MADV_HUGEPAGE);
    madvise(start, piece, MADV_DONTDUMP);
    if (mlock(start, piece) != 0) use_.locked = false;
    next_ = static_cast<std::uint8_t*>(start);
    rest_ = piece;
    use_.reserved += piece;
  }

  std::mutex mutex_;
  std::map<std::size_t, FreeBlock*> free_;
  std::uint8_t* next_ = nullptr;
  std::size_t rest_ = 0;
  KeyMemoryUse use_;
};

KeyMemory& memory() {
  // Never destroyed: streams with static lifetime may outlive it otherwise.
  static KeyMemory& instance = *new KeyMemory;
  return instance;
}

}  // namespace

void* allocate_key_memory(std::size_t bytes) {
  return memory().allocate(bytes);
}
void release_key_memory(void* block, std::size_t bytes) {
  memory().release(block, bytes);
}
KeyMemoryUse key_memory_use() {
  return memory().use();
}

}  // namespace sallyport
