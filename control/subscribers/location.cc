// SPDX-License-Identifier: GPL-3.0-or-later
// The table of bindings. A refresh does not touch the queue of ends: the look that was planned for the old
// end finds the new one and is planned again, so a client that refreshes often costs no more than one that
// does not.
#include "control/subscribers/location.h"

#include <algorithm>

namespace sallyport::control {

namespace {

auto find_id(std::vector<Binding>& bindings, std::uint64_t id) {
  return std::ranges::find(bindings, id, &Binding::id);
}

}  // namespace

const std::vector<Binding>& Location::bindings(std::string_view aor) const {
  static const std::vector<Binding> kNone;
  const auto found = table_.find(aor);
  return found == table_.end() ? kNone : found->second.bindings;
}

// Only a look before the one that is planned is new; an entry can have no more of them than it had ends.
void Location::look_at(Node& node, WallTime at) {
  if (at >= node.second.next_look) return;
  node.second.next_look = at;
  ++node.second.looks;
  looks_.push({at, &node});
}

void Location::put(std::string_view aor, Binding binding) {
  auto found = table_.find(aor);
  if (found == table_.end()) found = table_.emplace(std::string(aor), Entry{}).first;
  std::vector<Binding>& bindings = found->second.bindings;
  look_at(*found, binding.expires);
  if (const auto old = find_id(bindings, binding.id); old != bindings.end()) {
    *old = std::move(binding);
    return;
  }
  bindings.push_back(std::move(binding));
  ++size_;
}

// The entry itself is erased when its last look comes.
void Location::remove(std::string_view aor, std::uint64_t id) {
  const auto found = table_.find(aor);
  if (found == table_.end()) return;
  std::vector<Binding>& bindings = found->second.bindings;
  const auto old = find_id(bindings, id);
  if (old == bindings.end()) return;
  bindings.erase(old);
  if (bindings.empty()) bindings.shrink_to_fit();
  --size_;
}

void Location::forget_connection(std::string_view aor, std::uint64_t id, std::uint64_t connection) {
  const auto found = table_.find(aor);
  if (found == table_.end()) return;
  const auto binding = find_id(found->second.bindings, id);
  if (binding == found->second.bindings.end() || binding->flow.connection != connection) return;
  binding->flow.connection = 0;
}

void Location::advance(WallTime now, const std::function<bool(std::string_view)>& held,
                       const std::function<void(std::string_view, const Binding&)>& expired) {
  while (!looks_.empty() && looks_.top().at <= now) {
    Node& node = *looks_.top().node;
    looks_.pop();
    Entry& entry = node.second;
    --entry.looks;
    entry.next_look = WallTime::max();
    if (held(node.first)) {
      look_at(node, now + std::chrono::seconds(1));
      continue;
    }
    std::vector<Binding>& bindings = entry.bindings;
    const auto first_ended = std::stable_partition(
        bindings.begin(), bindings.end(), [now](const Binding& binding) { return binding.expires > now; });
    for (auto ended = first_ended; ended != bindings.end(); ++ended) expired(node.first, *ended);
    size_ -= static_cast<std::size_t>(bindings.end() - first_ended);
    bindings.erase(first_ended, bindings.end());
    for (const Binding& binding : bindings) look_at(node, binding.expires);
    if (bindings.empty() && entry.looks == 0) table_.erase(table_.find(node.first));
  }
}

std::size_t Location::memory_bytes() const {
  std::size_t octets = table_.bucket_count() * sizeof(void*) + looks_.size() * sizeof(Look);
  for (const auto& [aor, entry] : table_) {
    octets += sizeof(Node) + 2 * sizeof(void*) + aor.capacity();
    octets += entry.bindings.capacity() * sizeof(Binding);
    for (const Binding& binding : entry.bindings) octets += binding.texts.memory_bytes();
  }
  return octets;
}

}  // namespace sallyport::control
