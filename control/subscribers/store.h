// SPDX-License-Identifier: GPL-3.0-or-later
// Store: what outlives the process: users and bindings. SQLite is behind it; another engine may be.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "control/subscribers/binding.h"
#include "control/subscribers/user.h"

namespace sallyport::control {

namespace change {
struct PutUser {
  User user;
};
struct DeleteUser {
  std::string name, domain;
};
/// Replaces the binding of the same id. What is stored for its expiry is `stored_until`.
struct PutBinding {
  std::string aor;
  Binding binding;
};
struct DeleteBinding {
  std::uint64_t id = 0;
};
}  // namespace change

using Change = std::variant<change::PutUser, change::DeleteUser, change::PutBinding, change::DeleteBinding>;
/// Stored whole or not at all.
using Changes = std::vector<Change>;

struct StoreStatistics {
  std::uint64_t requests = 0;      ///< writes asked for
  std::uint64_t failed = 0;        ///< of them: not stored
  std::uint64_t transactions = 0;  ///< committed; each holds what had gathered during the one before
  std::uint64_t waiting = 0;       ///< asked for and neither stored nor failed yet
};

class Store {
 public:
  Store() = default;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  virtual ~Store() = default;

  struct Contents {
    std::function<void(User)> user;
    std::function<void(std::string aor, Binding binding)> binding;
  };
  /// Everything, once, before the first write. Blocks.
  [[nodiscard]] virtual Result<void> load(const Contents& contents) = 0;

  using Done = std::function<void(const Result<void>&)>;
  /// Returns at once. `done` is called from within `dispatch`, in the order of the writes, when the changes
  /// will survive the end of the process, or never be stored. Refuses (`exhausted`) while too many writes
  /// wait; `done` is not called then.
  [[nodiscard]] virtual Result<void> write(Changes changes, Done done) = 0;

  /// Readable when `dispatch` has something to do.
  [[nodiscard]] virtual int descriptor() const = 0;
  virtual void dispatch() = 0;
  /// Waits until nothing is under way, and dispatches: for the daemon's end.
  virtual void drain() = 0;

  [[nodiscard]] virtual StoreStatistics statistics() const = 0;
};

}  // namespace sallyport::control
