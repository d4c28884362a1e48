// SPDX-License-Identifier: GPL-3.0-or-later
// The tables of the SQLite store, and their rows as users and bindings. Included by sqlite_store.cc alone.
#pragma once

#include <string>

#include "control/subscribers/sqlite_database.h"
#include "control/subscribers/store.h"

namespace sallyport::control {

/// Makes the tables in an empty database, or sees that they are ours and of a version we know.
[[nodiscard]] Result<void> prepare_schema(SqliteDatabase& database);

/// Every statement that changes rows, prepared once.
class SqliteWriter {
 public:
  [[nodiscard]] static Result<SqliteWriter> prepare(SqliteDatabase& database);
  [[nodiscard]] Result<void> apply(const Change& change);

 private:
  [[nodiscard]] Result<void> apply(const change::PutUser& put);
  [[nodiscard]] Result<void> apply(const change::DeleteUser& removed);
  [[nodiscard]] Result<void> apply(const change::PutBinding& put);
  [[nodiscard]] Result<void> apply(const change::DeleteBinding& removed);

  SqliteStatement put_user_, delete_user_, put_binding_, delete_binding_;
};

/// Gives every row; a row that cannot be one of ours is an error that names its table.
[[nodiscard]] Result<void> load_users(SqliteDatabase& database, const std::function<void(User)>& user);
[[nodiscard]] Result<void> load_bindings(SqliteDatabase& database,
                                         const std::function<void(std::string, Binding)>& binding);

}  // namespace sallyport::control
