// SPDX-License-Identifier: GPL-3.0-or-later
// Counting connections by where they come from.
#include "transport/source_table.h"

#include <algorithm>
#include <utility>

namespace sallyport::transport {

SourceTable::Place::Place(Place&& other) noexcept
    : table_(std::exchange(other.table_, nullptr)),
      source_(other.source_),
      accepted_(other.accepted_),
      handshaking_(other.handshaking_) {}

SourceTable::Place& SourceTable::Place::operator=(Place&& other) noexcept {
  if (this == &other) return *this;
  leave();
  table_ = std::exchange(other.table_, nullptr);
  source_ = other.source_;
  accepted_ = other.accepted_;
  handshaking_ = other.handshaking_;
  return *this;
}

void SourceTable::Place::end_handshake() {
  if (table_ == nullptr || !std::exchange(handshaking_, false)) return;
  const std::lock_guard lock(table_->mutex_);
  --table_->handshakes_;
  --table_->sources_[source_].handshakes;
}

void SourceTable::Place::leave() {
  if (table_ == nullptr) return;
  SourceTable& table = *std::exchange(table_, nullptr);
  const std::lock_guard lock(table.mutex_);
  --table.connections_;
  if (handshaking_) --table.handshakes_;
  if (!accepted_) return;
  const auto found = table.sources_.find(source_);
  if (handshaking_) --found->second.handshakes;
  if (--found->second.connections == 0) table.sources_.erase(found);
}

Result<SourceTable::Place> SourceTable::admit(const IpAddress& remote, bool handshake) {
  const IpAddress source = source_of(remote);
  const std::lock_guard lock(mutex_);
  if (full(Limit::connections, connections_)) return tl::unexpected(limits_.refuse(Limit::connections));
  if (handshake && full(Limit::handshakes, handshakes_))
    return tl::unexpected(limits_.refuse(Limit::handshakes));
  const auto found = sources_.find(source);
  const Load load = found == sources_.end() ? Load{} : found->second;
  if (full(Limit::connections_per_source, load.connections))
    return tl::unexpected(limits_.refuse(Limit::connections_per_source));
  if (handshake && full(Limit::handshakes_per_source, load.handshakes))
    return tl::unexpected(limits_.refuse(Limit::handshakes_per_source));
  Load& own = found == sources_.end() ? sources_[source] : found->second;
  ++own.connections;
  ++connections_;
  if (handshake) {
    ++own.handshakes;
    ++handshakes_;
  }
  return Place(*this, source, true, handshake);
}

Result<SourceTable::Place> SourceTable::admit_own() {
  const std::lock_guard lock(mutex_);
  if (full(Limit::connections, connections_)) return tl::unexpected(limits_.refuse(Limit::connections));
  ++connections_;
  return Place(*this, {}, false, false);
}

std::uint64_t SourceTable::connections() const {
  const std::lock_guard lock(mutex_);
  return connections_;
}

std::uint64_t SourceTable::handshakes() const {
  const std::lock_guard lock(mutex_);
  return handshakes_;
}

std::size_t SourceTable::sources() const {
  const std::lock_guard lock(mutex_);
  return sources_.size();
}

}  // namespace sallyport::transport
