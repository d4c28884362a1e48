// SPDX-License-Identifier: GPL-3.0-or-later
// What the tests of stores share: a directory of their own, sample rows, and waiting for a write.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/subscribers/sqlite_store.h"
#include "control/subscribers/store.h"

namespace sallyport::control {

/// Removed with what is in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory();

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/// Files cannot grow beyond so many octets while it lives: a disk that is full to this process.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(std::uint64_t octets);
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit();

 private:
  std::uint64_t before_;
};

[[nodiscard]] StoreConfig store_config(const std::string& path);
[[nodiscard]] Result<std::unique_ptr<Store>> open_store(const std::string& path);

struct StoreContents {
  std::vector<User> users;
  std::vector<std::pair<std::string, Binding>> bindings;
};
[[nodiscard]] Result<StoreContents> load(Store& store);

/// Waits for the store's word.
[[nodiscard]] Result<void> write_and_wait(Store& store, Changes changes);
/// Waits until the store has something to dispatch, and dispatches. False after ten seconds without.
[[nodiscard]] bool dispatch_once(Store& store);

template <typename... Change>
[[nodiscard]] Changes changes(Change... change) {
  Changes all;
  (all.emplace_back(std::move(change)), ...);
  return all;
}

[[nodiscard]] User make_user(const std::string& name, const std::string& password = "secret");
[[nodiscard]] Binding make_binding(std::uint64_t id, const std::string& contact, WallTime until);

}  // namespace sallyport::control
