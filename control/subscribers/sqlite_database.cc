// SPDX-License-Identifier: GPL-3.0-or-later
// The door to SQLite: handles, and what its codes mean.
#include "control/subscribers/sqlite_database.h"

#include <cassert>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sallyport::control {

namespace {

Error error_of(sqlite3* database, int code) {
  switch (code & 0xff) {
    case SQLITE_NOTADB:
      return {ErrorClass::refused, "is not an SQLite database"};
    case SQLITE_CORRUPT:
      return {ErrorClass::refused,
              "is damaged: restore a copy of it, or move it away to begin with an empty one"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {ErrorClass::refused, "is in use by another process"};
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
      return {ErrorClass::refused, "cannot be written: " + std::string(sqlite3_errstr(code))};
    case SQLITE_FULL:
      return {ErrorClass::exhausted, "has no room on its disk"};
    default: {
      const int cause = sqlite3_system_errno(database);
      std::string text = "fails: " + std::string(sqlite3_errmsg(database));
      if ((code & 0xff) == SQLITE_IOERR && cause != 0) text += std::string(" (") + std::strerror(cause) + ")";
      return {ErrorClass::internal, std::move(text)};
    }
  }
}

tl::unexpected<Error> failure(sqlite3* database, int code) {
  return tl::unexpected<Error>(error_of(database, code));
}

// SQLite gives its journal files the mode of the database, so that only the database has to be right.
Result<void> make_private_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0)
    return fail(ErrorClass::refused, "cannot be opened: " + std::string(std::strerror(errno)));
  struct stat about {};
  const bool regular = fstat(descriptor, &about) == 0 && S_ISREG(about.st_mode);
  // Whoever reads the digests of passwords can use them as such.
  const bool closed = regular && ((about.st_mode & 077) == 0 || fchmod(descriptor, 0600) == 0);
  close(descriptor);
  if (!regular) return fail(ErrorClass::refused, "is not a regular file");
  if (!closed)
    return fail(ErrorClass::refused, "can be read or written by others, but holds credentials: chmod 600 it");
  return {};
}

}  // namespace

void SqliteStatement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

void SqliteStatement::bind(int parameter, std::int64_t number) {
  sqlite3_bind_int64(statement_.get(), parameter + 1, number);
}

void SqliteStatement::bind(int parameter, std::string_view text) {
  // A null pointer would bind NULL.
  sqlite3_bind_text(statement_.get(), parameter + 1, text.data() == nullptr ? "" : text.data(),
                    static_cast<int>(text.size()), SQLITE_STATIC);
}

void SqliteStatement::bind(int parameter, std::span<const std::uint8_t> octets) {
  sqlite3_bind_blob(statement_.get(), parameter + 1, octets.data(), static_cast<int>(octets.size()),
                    SQLITE_STATIC);
}

void SqliteStatement::bind_null(int parameter) {
  sqlite3_bind_null(statement_.get(), parameter + 1);
}

Result<bool> SqliteStatement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return failure(sqlite3_db_handle(statement_.get()), code);
}

Result<void> SqliteStatement::run() {
  const auto row = step();
  reset();
  if (!row) return tl::unexpected(row.error());
  return {};
}

void SqliteStatement::reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
}

std::int64_t SqliteStatement::number(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

bool SqliteStatement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

std::string_view SqliteStatement::text(int column) const {
  const auto* text = sqlite3_column_text(statement_.get(), column);
  if (text == nullptr) return {};
  return {reinterpret_cast<const char*>(text),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

std::span<const std::uint8_t> SqliteStatement::octets(int column) const {
  const auto* octets = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_.get(), column));
  if (octets == nullptr) return {};
  return {octets, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

void SqliteDatabase::Close::operator()(sqlite3* database) const {
  sqlite3_close_v2(database);
}

Result<SqliteDatabase> SqliteDatabase::open(const std::string& path) {
  if (auto file = make_private_file(path); !file) return tl::unexpected(file.error());
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(
      path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  SqliteDatabase database;
  database.database_.reset(raw);
  if (code != SQLITE_OK) return failure(raw, code);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  return database;
}

Result<void> SqliteDatabase::run(const char* statements) {
  const int code = sqlite3_exec(database_.get(), statements, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return failure(database_.get(), code);
  return {};
}

Result<SqliteStatement> SqliteDatabase::prepare(std::string_view statement) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v3(database_.get(), statement.data(), static_cast<int>(statement.size()),
                                      SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  SqliteStatement prepared;
  prepared.statement_.reset(raw);
  if (code != SQLITE_OK) return failure(database_.get(), code);
  return prepared;
}

Result<std::int64_t> SqliteDatabase::number(std::string_view statement) {
  auto prepared = prepare(statement);
  if (!prepared) return tl::unexpected(prepared.error());
  const auto row = prepared->step();
  if (!row) return tl::unexpected(row.error());
  return *row ? prepared->number(0) : 0;
}

bool SqliteDatabase::in_transaction() const {
  return sqlite3_get_autocommit(database_.get()) == 0;
}

}  // namespace sallyport::control
