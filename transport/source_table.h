// SPDX-License-Identifier: GPL-3.0-or-later
// SourceTable: how many connections and handshakes each source has, and who is refused one more.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>

#include "base/ip_address.h"
#include "transport/limit_table.h"

namespace sallyport::transport {

/// Any thread. An ordered map: no choice of addresses makes it slow.
class SourceTable {
 public:
  /// A place for one connection, given back when it goes.
  class Place {
   public:
    Place() = default;
    Place(Place&& other) noexcept;
    Place& operator=(Place&& other) noexcept;
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { leave(); }

    /// The handshake is over: it no longer counts, the connection does.
    void end_handshake();
    void leave();
    [[nodiscard]] explicit operator bool() const { return table_ != nullptr; }

   private:
    friend class SourceTable;
    Place(SourceTable& table, const IpAddress& source, bool accepted, bool handshaking)
        : table_(&table), source_(source), accepted_(accepted), handshaking_(handshaking) {}

    SourceTable* table_ = nullptr;
    IpAddress source_;
    bool accepted_ = false;
    bool handshaking_ = false;
  };

  explicit SourceTable(Limits& limits) : limits_(limits) {}

  /// An accepted connection, or the limit that refuses it (and counts that).
  [[nodiscard]] Result<Place> admit(const IpAddress& remote, bool handshake);
  /// A connection of our own counts in all, but for no source.
  [[nodiscard]] Result<Place> admit_own();

  [[nodiscard]] std::uint64_t connections() const;
  [[nodiscard]] std::uint64_t handshakes() const;
  [[nodiscard]] std::size_t sources() const;

 private:
  struct Load {
    std::uint32_t connections = 0;
    std::uint32_t handshakes = 0;
  };

  [[nodiscard]] bool full(Limit limit, std::uint64_t load) const { return load >= limits_[limit]; }

  Limits& limits_;
  mutable std::mutex mutex_;
  std::map<IpAddress, Load> sources_;
  std::uint64_t connections_ = 0;
  std::uint64_t handshakes_ = 0;
};

}  // namespace sallyport::transport
