// SPDX-License-Identifier: GPL-3.0-or-later
// Reading the rig's configuration, and moving its clock.
#include "tests/unit/control/calls_rig.h"

#include <gtest/gtest.h>

namespace sallyport::control {

std::string errors_of(std::string_view text) {
  const auto config = parse_config(text, "t.toml");
  std::string all;
  if (!config)
    for (const ConfigError& error : config.error()) all += error.to_string() + "\n";
  return all;
}

Config config_of(std::string_view text) {
  auto config = parse_config(text, "t.toml");
  EXPECT_TRUE(config) << errors_of(text);
  return config ? std::move(*config) : Config{};
}

TrunksRig::TrunksRig(std::string_view text)
    : config(config_of(std::string(kSidesAndListeners) + std::string(text))),
      limits(config.limits),
      locator(resolver, [](std::uint32_t) { return 0U; }),
      trunks(config.trunks,
             {locator, sender, limits, [](std::span<std::uint8_t> octets) { std::ranges::fill(octets, 7); },
              [this](std::uint32_t below) { return drawn % below; }},
             now_ms) {}

bool TrunksRig::advance(std::int64_t ms, std::size_t count) {
  now_ms += ms;
  trunks.advance(now_ms);
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (sender.sent.size() < count && std::chrono::steady_clock::now() < limit) {
    if (context.stopped()) context.restart();
    context.run_one_for(std::chrono::milliseconds(100));
  }
  context.restart();
  context.poll();
  return sender.sent.size() == count;
}

std::string TrunksRig::order(std::string_view group) {
  std::string names;
  for (const TrunkPtr& one : trunks.select(group)) names += (names.empty() ? "" : " ") + one->config().name;
  return names;
}

}  // namespace sallyport::control
