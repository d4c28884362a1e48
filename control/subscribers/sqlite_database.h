// SPDX-License-Identifier: GPL-3.0-or-later
// SqliteDatabase and SqliteStatement: SQLite's handles with an owner each and Result instead of codes.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace sallyport::control {

/// A prepared statement; parameters and columns count from 0. One thread at a time.
class SqliteStatement {
 public:
  SqliteStatement() = default;

  /// Text and octets are not copied: they stay as they are until `step` or `run` has returned.
  void bind(int parameter, std::int64_t number);
  void bind(int parameter, std::string_view text);
  void bind(int parameter, std::span<const std::uint8_t> octets);
  void bind_null(int parameter);

  /// True while there is a row.
  [[nodiscard]] Result<bool> step();
  /// For statements without rows: does it and is ready for the next time.
  [[nodiscard]] Result<void> run();
  void reset();

  [[nodiscard]] std::int64_t number(int column) const;
  [[nodiscard]] bool is_null(int column) const;
  /// Until the next step.
  [[nodiscard]] std::string_view text(int column) const;
  [[nodiscard]] std::span<const std::uint8_t> octets(int column) const;

 private:
  friend class SqliteDatabase;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class SqliteDatabase {
 public:
  /// Opens a file for writing and keeps every other process from using it. A new file can be read by its
  /// owner alone.
  [[nodiscard]] static Result<SqliteDatabase> open(const std::string& path);

  /// Statements without parameters and rows, divided by `;`.
  [[nodiscard]] Result<void> run(const char* statements);
  [[nodiscard]] Result<SqliteStatement> prepare(std::string_view statement);
  /// The first column of the first row.
  [[nodiscard]] Result<std::int64_t> number(std::string_view statement);
  /// False once a failure ended the transaction by itself.
  [[nodiscard]] bool in_transaction() const;

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  std::unique_ptr<sqlite3, Close> database_;
};

}  // namespace sallyport::control
