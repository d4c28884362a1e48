// SPDX-License-Identifier: GPL-3.0-or-later
// The file of retained secrets.
#include "keying/zrtp_cache.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <bzrtp/bzrtp.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sallyport::keying {

namespace {

constexpr int kBusyMs = 100;

Result<void> make_private_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return fail(ErrorClass::refused, "cannot be opened: " + std::string(strerror(errno)));
  struct stat about {};
  const bool closed = fstat(descriptor, &about) == 0 && S_ISREG(about.st_mode) && (about.st_mode & 077) == 0;
  close(descriptor);
  if (!closed)
    return fail(ErrorClass::refused, "is not a regular file of mode 0600, but holds secrets of calls");
  return {};
}

bool execute(sqlite3* database, const char* sql) {
  return sqlite3_exec(database, sql, nullptr, nullptr, nullptr) == SQLITE_OK;
}

/// One statement with numbers; the number in its first row, 0 without one.
int run(sqlite3* database, const char* sql, std::initializer_list<std::int64_t> numbers) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(database, sql, -1, &statement, nullptr) != SQLITE_OK) return 0;
  int place = 0;
  for (const std::int64_t number : numbers) sqlite3_bind_int64(statement, ++place, number);
  const int result = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int(statement, 0) : 0;
  sqlite3_finalize(statement);
  return result;
}

}  // namespace

void ZrtpCache::Close::operator()(sqlite3* database) const {
  sqlite3_close_v2(database);
}

Result<std::shared_ptr<ZrtpCache>> ZrtpCache::open(const std::string& path) {
  if (auto file = make_private_file(path); !file) return tl::unexpected(file.error());
  sqlite3* raw = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX, nullptr);
  std::shared_ptr<ZrtpCache> cache(new ZrtpCache(raw));
  if (code != SQLITE_OK) return fail(ErrorClass::refused, "cannot be opened as a database");
  sqlite3_busy_timeout(raw, kBusyMs);
  // Nobody waits for the disk between two messages: a crash of the machine may cost the last exchanges'
  // secrets, which then look like a mismatch. What is forgotten is overwritten.
  if (!execute(raw, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON"))
    return fail(ErrorClass::refused, "is not a database that can be written");
  const int made = bzrtp_initCache_lock(raw, nullptr);
  if (made != 0 && made != BZRTP_CACHE_SETUP && made != BZRTP_CACHE_UPDATE)
    return fail(ErrorClass::refused, "is not a cache of ZRTP");
  // bzrtp searches without one.
  if (!execute(raw, "CREATE INDEX IF NOT EXISTS ziduri_by_peer ON ziduri(selfuri, peeruri, zid)"))
    return fail(ErrorClass::internal, "cannot be indexed");
  return cache;
}

bool ZrtpCache::set_verified(ZrtpCacheEntry entry, bool verified) {
  if (entry == 0) return false;
  return run(database_.get(),
             "UPDATE zrtp SET pvs = CASE ?2 WHEN 1 THEN x'01' ELSE x'00' END WHERE zuid = ?1 RETURNING 1",
             {entry, verified ? 1 : 0}) == 1;
}

void ZrtpCache::prune(ZrtpCacheEntry entry) {
  // Numbers only rise, so that the difference bounds the count. Secrets go with their entry, by foreign key.
  run(database_.get(), "DELETE FROM ziduri WHERE zuid <= ?1 - ?2 AND peeruri <> 'self'", {entry, kEntries});
  run(database_.get(),
      "DELETE FROM ziduri WHERE zuid IN (SELECT old.zuid FROM ziduri AS old JOIN ziduri AS new"
      " ON new.zuid = ?1 AND old.selfuri = new.selfuri AND old.peeruri = new.peeruri"
      " WHERE new.peeruri <> 'self' ORDER BY old.zuid DESC LIMIT -1 OFFSET ?2)",
      {entry, kEntriesPerPeer});
}

std::size_t ZrtpCache::entries() const {
  return static_cast<std::size_t>(
      run(database_.get(), "SELECT count(*) FROM ziduri WHERE peeruri <> 'self'", {}));
}

}  // namespace sallyport::keying
