// SPDX-License-Identifier: GPL-3.0-or-later
// What a reload would change, and that no password is in it. Taking it up is tested on the whole daemon.
#include "control/reload.h"

#include <string>

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "control/admin/config_reply.h"

namespace sallyport::control {
namespace reload_test {

const std::string kFile = R"([log]
level = "info"
[limits]
relays = 100
nonces = 1000
[media.side.access]
device = "eth0"
addresses = ["192.0.2.1"]
ports = "30000-39999"
[store]
path = "/var/lib/sallyport/state.db"
[registrar]
domains = ["example.com"]
[sip.listener.access]
side = "access"
address = "192.0.2.1:5061"
certificates = ["ours"]
[sip.certificate.ours]
certificate = "/x.pem"
key = "/x.key"
[trunk.carrier]
host = "192.0.2.9"
listener = "access"
realm = "there"
user = "us"
password = "planted"
[calls]
ring_s = 60
)";

Config parse(const std::string& text) {
  auto config = parse_config(text, "test");
  EXPECT_TRUE(config) << (config ? "" : config.error().front().to_string());
  return std::move(*config);
}

std::string replaced(std::string text, const std::string& before, const std::string& after) {
  const auto at = text.find(before);
  EXPECT_NE(at, std::string::npos) << before;
  return text.replace(at, before.size(), after);
}

struct Change {
  const char* before;
  const char* after;
  const char* key;
  const char* in_force;
  const char* file;
  bool live;  ///< without signalling, which these tests have not
};

TEST(Reload, NamesWhatDiffers) {
  const Change kChanges[] = {
      {"\"info\"", "\"debug\"", "log.level", "\"info\"", "\"debug\"", true},
      {"relays = 100", "relays = 200", "limits.relays", "100", "200", true},
      {"nonces = 1000", "nonces = 2000", "limits.nonces", "1000", "2000", false},
      {"30000-39999", "30000-39997", "media.side.access.ports", "\"30000-39999\"", "\"30000-39997\"", false},
      {"ring_s = 60", "ring_s = 61", "calls.ring_s", "60", "61", false},
      {"ring_s = 60\n", "ring_s = 60\n[records]\npath = \"/r\"\n", "records.path", "\"\"", "\"/r\"", false},
      {":5061", ":5062", "sip.listener.access.address", "\"192.0.2.1:5061\"", "\"192.0.2.1:5062\"", false},
      {"/x.key", "/y.key", "sip.certificate.ours.key", "\"/x.key\"", "\"/y.key\"", false},
      {"planted", "other", "trunk.carrier.password", "\"…\"", "\"…\"", false},
      {"\"us\"", "\"we\"", "trunk.carrier.account", "\"us in there\"", "\"we in there\"", false},
  };
  for (const Change& change : kChanges) {
    Config config = parse(kFile);
    const Reloader reloader({config, config.limits, "test"});
    const auto changes = reloader.changes_to(parse(replaced(kFile, change.before, change.after)));
    ASSERT_FALSE(changes.empty()) << change.key;
    EXPECT_EQ(changes.front().key, change.key);
    EXPECT_EQ(changes.front().in_force, change.in_force) << change.key;
    EXPECT_EQ(changes.front().file, change.file) << change.key;
    EXPECT_EQ(changes.front().live, change.live) << change.key;
  }
}

TEST(Reload, NothingDiffersFromItself) {
  Config config = parse(kFile);
  EXPECT_TRUE(Reloader({config, config.limits, "test"}).changes_to(parse(kFile)).empty());
}

TEST(Reload, WhatComesAndGoesIsOneChange) {
  Config config = parse(kFile);
  const Reloader reloader({config, config.limits, "test"});
  const auto trunk = kFile.find("[trunk.carrier]"), calls = kFile.find("[calls]");
  const auto without = reloader.changes_to(parse(kFile.substr(0, trunk) + kFile.substr(calls)));
  ASSERT_EQ(without.size(), 1U);
  EXPECT_EQ(without[0].key, "trunk.carrier");
  EXPECT_EQ(without[0].file, "null");
}

TEST(Reload, NoPasswordIsTold) {
  const std::string told = boost::json::serialize(config_object(parse(kFile)));
  EXPECT_NE(told.find("us in there"), std::string::npos);
  EXPECT_EQ(told.find("planted"), std::string::npos);
}

TEST(Reload, AFileThatIsMissingChangesNothing) {
  Config config = parse(kFile);
  Limits limits = config.limits;
  const auto reloaded = Reloader({config, limits, "/nowhere/at/all.toml"}).reload();
  ASSERT_FALSE(reloaded);
  EXPECT_EQ(reloaded.error().error_class, ErrorClass::refused);
}

}  // namespace reload_test
}  // namespace sallyport::control
