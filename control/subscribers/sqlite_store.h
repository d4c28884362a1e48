// SPDX-License-Identifier: GPL-3.0-or-later
// SqliteStore: the store in one file, written by a thread of its own so that nobody waits for a disk.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "control/config/store.h"
#include "control/subscribers/store.h"

namespace sallyport::control {

/// What is asked for while a transaction is on its way to the disk becomes the next transaction, so that one
/// wait for the disk serves all of them (decision 20).
class SqliteStore final : public Store {
 public:
  /// Opens or makes the database. Errors are one line that begins with the path. The thread starts with the
  /// first write, so that it is born with the privileges of that time.
  [[nodiscard]] static Result<std::unique_ptr<Store>> open(const StoreConfig& config);
  /// Stores what was asked for. Whoever waits for an answer does not get one.
  ~SqliteStore() override;

  [[nodiscard]] Result<void> load(const Contents& contents) override;
  [[nodiscard]] Result<void> write(Changes changes, Done done) override;
  [[nodiscard]] int descriptor() const override;
  void dispatch() override;
  void drain() override;
  [[nodiscard]] StoreStatistics statistics() const override;

 private:
  struct State;
  explicit SqliteStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sallyport::control
