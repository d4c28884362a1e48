// SPDX-License-Identifier: GPL-3.0-or-later
// Resolver: DNS questions by c-ares on Asio's descriptors, each asked once however many wait for it, and a
// cache.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "transport/asio_fwd.h"
#include "transport/counters.h"
#include "transport/dns_message.h"
#include "transport/limit_table.h"
#include "transport/resolver_settings.h"

namespace sallyport::transport {

class Resolver {
 public:
  /// No records is a good answer; an error means that nobody could be asked (timeout, refused, exhausted).
  using Callback = std::function<void(const Result<DnsAnswer>&)>;

  /// Throws std::runtime_error. `limits` and `counters` outlive it.
  Resolver(boost::asio::io_context& context, ResolverSettings settings, Limits& limits, Counters& counters);
  /// Those who wait are not called any more.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// Calls back later, never before it returns.
  void lookup(const std::string& name, DnsType type, Callback callback);
  /// Runs it from the event loop, unless this object is gone by then.
  void run_later(std::function<void()> work);
  void forget_all();
  [[nodiscard]] std::size_t cached() const { return cache_.size(); }

 private:
  struct State;
  using Key = std::pair<std::string, DnsType>;
  struct Entry {
    DnsAnswer answer;
    std::int64_t until = 0;
  };

  void answer_later(Callback callback, Result<DnsAnswer> answer);
  [[nodiscard]] std::optional<DnsAnswer> from_hosts_file(const Key& key) const;
  void ask(const Key& key);
  void on_answer(const Key& key, int status, std::span<const std::uint8_t> message);
  void remember(const Key& key, const DnsAnswer& answer);
  [[nodiscard]] std::int64_t now() const;

  boost::asio::io_context& context_;
  ResolverSettings settings_;
  Limits& limits_;
  Counters& counters_;
  std::map<Key, Entry> cache_;  ///< ordered: no choice of names makes it slow
  std::map<Key, std::vector<Callback>> waiting_;
  std::unique_ptr<State> state_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace sallyport::transport
