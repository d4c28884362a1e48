// SPDX-License-Identifier: GPL-3.0-or-later
// Location: the bindings of every address-of-record in memory, and when they end.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "control/subscribers/binding.h"

namespace sallyport::control {

/// Addresses-of-record are keys as sip::address_of_record writes them. They are those of users that the
/// operator made, never names that a peer chose.
class Location {
 public:
  /// In the order in which they were made; may hold some whose time has come but whose end has not been
  /// noticed.
  [[nodiscard]] const std::vector<Binding>& bindings(std::string_view aor) const;
  /// Adds, or replaces the binding of the same id.
  void put(std::string_view aor, Binding binding);
  void remove(std::string_view aor, std::uint64_t id);
  /// Its connection has ended; does nothing if the binding is gone or has another by now.
  void forget_connection(std::string_view aor, std::uint64_t id, std::uint64_t connection);

  /// Takes out what has expired and gives it away. `held` addresses keep theirs until the next call.
  void advance(WallTime now, const std::function<bool(std::string_view aor)>& held,
               const std::function<void(std::string_view aor, const Binding& binding)>& expired);

  /// `see(aor, binding)` for all, in no order.
  template <typename See>
  void for_each(See see) const {
    for (const auto& [aor, entry] : table_)
      for (const Binding& binding : entry.bindings) see(aor, binding);
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  /// An estimate.
  [[nodiscard]] std::size_t memory_bytes() const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  struct Entry {
    std::vector<Binding> bindings;
    WallTime next_look = WallTime::max();
    std::uint32_t looks = 0;  ///< of this entry in the queue
  };
  using Table = std::unordered_map<std::string, Entry, Hash, std::equal_to<>>;
  using Node = Table::value_type;  ///< stays where it is until it is erased
  struct Look {
    WallTime at;
    Node* node;
    friend bool operator<(const Look& a, const Look& b) { return a.at > b.at; }
  };

  void look_at(Node& node, WallTime at);

  Table table_;
  std::priority_queue<Look> looks_;
  std::size_t size_ = 0;
};

}  // namespace sallyport::control
