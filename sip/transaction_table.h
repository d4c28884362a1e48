// SPDX-License-Identifier: GPL-3.0-or-later
// Where transactions live and how they are found: slots with handles that outlive them, and indexes by keyed
// hash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "base/keyed_hash.h"

namespace sallyport::sip {

/// Names a slot's present tenant; a former tenant's handle finds nothing. The default names nothing.
template <typename Tag>
struct Handle {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;

  explicit constexpr operator bool() const { return generation != 0; }
  friend constexpr bool operator==(Handle, Handle) = default;
};

/// Slots that never move, reused last in, first out. `Tenant` has `Handle<Tenant> handle` and `reset()`.
template <typename Tenant>
class SlotTable {
 public:
  [[nodiscard]] Tenant& take() {
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(slots_.size()));
      slots_.emplace_back();
    }
    const std::uint32_t index = free_.back();
    free_.pop_back();
    Slot& slot = slots_[index];
    slot.taken = true;
    if (++slot.generation == 0) slot.generation = 1;
    slot.tenant.handle = {index, slot.generation};
    return slot.tenant;
  }
  void release(Tenant& tenant) {
    const std::uint32_t index = tenant.handle.index;
    tenant.reset();
    slots_[index].taken = false;
    free_.push_back(index);
  }
  [[nodiscard]] Tenant* find(Handle<Tenant> handle) {
    if (handle.index >= slots_.size()) return nullptr;
    Slot& slot = slots_[handle.index];
    return slot.taken && slot.generation == handle.generation ? &slot.tenant : nullptr;
  }
  [[nodiscard]] std::size_t size() const { return slots_.size() - free_.size(); }

 private:
  struct Slot {
    Tenant tenant;
    std::uint32_t generation = 0;
    bool taken = false;
  };
  std::deque<Slot> slots_;
  std::vector<std::uint32_t> free_;
};

/// A hash table whose nodes live in what it finds; several entries may share a key. Keys come from a
/// KeyedHash, so their low bits are as good as any and equal keys mean equal things.
template <typename Owner>
class KeyedIndex {
 public:
  struct Node {
    Node* next = nullptr;
    Node* previous = nullptr;
    Hash128 key;
    Owner* owner = nullptr;  ///< none: not in the index
  };

  KeyedIndex() : buckets_(kSmallest) {}

  void insert(Node& node, Hash128 key, Owner& owner) {
    if (size_ >= buckets_.size()) grow();
    node.key = key;
    node.owner = &owner;
    link(node);
    ++size_;
  }
  void erase(Node& node) {
    if (node.owner == nullptr) return;
    if (node.next != nullptr) node.next->previous = node.previous;
    (node.previous != nullptr ? node.previous->next : bucket(node.key)) = node.next;
    node = Node{};
    --size_;
  }
  [[nodiscard]] Owner* find(Hash128 key) const {
    for (Node* node = bucket(key); node != nullptr; node = node->next)
      if (node->key == key) return node->owner;
    return nullptr;
  }
  template <typename Visit>
  void for_each(Hash128 key, Visit&& visit) const {
    for (Node* node = bucket(key); node != nullptr; node = node->next)
      if (node->key == key) visit(*node->owner);
  }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  static constexpr std::size_t kSmallest = 64;

  [[nodiscard]] Node*& bucket(Hash128 key) { return buckets_[key.low & (buckets_.size() - 1)]; }
  [[nodiscard]] Node* bucket(Hash128 key) const { return buckets_[key.low & (buckets_.size() - 1)]; }
  void link(Node& node) {
    Node*& head = bucket(node.key);
    node.previous = nullptr;
    node.next = head;
    if (head != nullptr) head->previous = &node;
    head = &node;
  }
  void grow() {
    std::vector<Node*> old(buckets_.size() * 2);
    old.swap(buckets_);
    for (Node* head : old)
      while (head != nullptr) {
        Node* const next = head->next;
        link(*head);
        head = next;
      }
  }

  std::vector<Node*> buckets_;
  std::size_t size_ = 0;
};

}  // namespace sallyport::sip
