// SPDX-License-Identifier: GPL-3.0-or-later
// ZrtpCache: the secrets that exchanges of ZRTP retain for the next one with the same peer (RFC 6189 §4.9),
// and whether somebody has compared the SAS, in a file of SQLite whose tables are bzrtp's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"

struct sqlite3;

namespace sallyport::keying {

/// What an association is about in the cache: a URI of ours with a URI and a ZID of a peer. 0: nothing.
using ZrtpCacheEntry = std::int32_t;

/// May be shared by the threads that make and run associations.
class ZrtpCache {
 public:
  /// Entries of one peer's URI, one for each of its devices; the oldest are forgotten first.
  static constexpr std::size_t kEntriesPerPeer = 16;
  static constexpr std::size_t kEntries = 200'000;

  /// Makes the file, for its owner's eyes only, where there is none. The folder must be writable, too.
  [[nodiscard]] static Result<std::shared_ptr<ZrtpCache>> open(const std::string& path);

  /// Whether the SAS has been compared. False: there is no such entry, or the file fails.
  bool set_verified(ZrtpCacheEntry entry, bool verified);
  /// Keeps the cache within its bounds after `entry` was written.
  void prune(ZrtpCacheEntry entry);
  [[nodiscard]] std::size_t entries() const;

  [[nodiscard]] sqlite3* database() const { return database_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  explicit ZrtpCache(sqlite3* database) : database_(database) {}

  std::unique_ptr<sqlite3, Close> database_;
};

}  // namespace sallyport::keying
