// SPDX-License-Identifier: GPL-3.0-or-later
// A resolver that asks a name server of the test's own, with a clock that the test moves.
#pragma once

#include <chrono>
#include <optional>

#include <boost/asio/io_context.hpp>

#include "tests/support/dns_server.h"
#include "transport/resolver.h"

namespace sallyport::transport {

struct DnsRig {
  test::DnsServer server;
  boost::asio::io_context context;
  Limits limits;
  Counters counters;
  std::int64_t now = 1000;
  Resolver resolver;

  explicit DnsRig(const LimitValues& values = {}, std::uint32_t timeout_ms = 2000)
      : limits(values),
        resolver(context,
                 {.servers = {server.endpoint()},
                  .timeout_ms = timeout_ms,
                  .attempts = 1,
                  .hosts_file = false,
                  .clock = [this] { return now; }},
                 limits, counters) {}

  /// Runs until `done` holds a value.
  template <typename T>
  bool run_until(const std::optional<T>& done) {
    context.restart();
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!done && std::chrono::steady_clock::now() < limit) {
      if (context.stopped()) context.restart();
      context.run_one_for(std::chrono::milliseconds(100));
    }
    return done.has_value();
  }
  Result<DnsAnswer> lookup(const std::string& name, DnsType type) {
    std::optional<Result<DnsAnswer>> result;
    resolver.lookup(name, type, [&](const Result<DnsAnswer>& answer) { result = answer; });
    return run_until(result) ? *result : fail(ErrorClass::internal, "the test waited too long");
  }
};

}  // namespace sallyport::transport
