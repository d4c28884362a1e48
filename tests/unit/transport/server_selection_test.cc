// SPDX-License-Identifier: GPL-3.0-or-later
// From hosts to servers (RFC 3263), with a name server that says what each case needs.
#include "transport/server_selection.h"

#include <set>

#include <gtest/gtest.h>

#include "tests/unit/transport/dns_rig.h"

namespace sallyport::transport {
namespace {

using sip::Transport;

struct Rig : DnsRig {
  std::uint32_t drawn = 0;
  ServerLocator locator{resolver, [this](std::uint32_t below) { return below == 0 ? 0 : drawn % below; }};

  explicit Rig(std::uint32_t timeout_ms = 2000) : DnsRig({}, timeout_ms) {}

  Result<std::vector<Destination>> locate(const LocateQuery& query) {
    std::optional<Result<std::vector<Destination>>> result;
    locator.locate(query, [&](Result<std::vector<Destination>> found) { result = std::move(found); });
    return run_until(result) ? *result : fail(ErrorClass::internal, "the test waited too long");
  }
  /// `tls 127.0.0.1:5061 name, …`
  std::string text(const LocateQuery& query) {
    const auto found = locate(query);
    if (!found) return "error " + std::to_string(static_cast<int>(found.error().error_class));
    std::string result;
    for (const Destination& one : *found)
      result += (result.empty() ? "" : ", ") + std::string(sip::name(one.transport)) + " " +
                one.remote.to_string() + (one.server_name.empty() ? "" : " " + one.server_name);
    return result;
  }
};

// Loopback has a route on every machine.
void fill(test::DnsServer& dns) {
  for (int i = 1; i <= 4; ++i) dns.a("s" + std::to_string(i) + ".test", "127.0.0." + std::to_string(i));
  dns.a("plain.test", "127.0.1.1");
  dns.naptr("all.test", {50, 50, "s", "SIPS+D2T", "", "_sips._tcp.all.test"});
  dns.naptr("all.test", {90, 50, "S", "sip+d2t", "", "_sip._tcp.all.test"});
  dns.naptr("all.test", {100, 50, "s", "SIP+D2U", "", "_sip._udp.all.test"});
  dns.naptr("all.test", {10, 50, "u", "E2U+sip", "!^.*$!sip:x!", ""});
  dns.naptr("all.test", {1, 50, "s", "SIP+D2S", "", "_sip._sctp.all.test"});
  dns.srv("_sips._tcp.all.test", {0, 0, 5071, "s1.test"});
  dns.srv("_sip._tcp.all.test", {0, 0, 5070, "s2.test"});
  dns.srv("_sip._udp.all.test", {0, 0, 5080, "s3.test"});
  dns.srv("_sip._udp.udponly.test", {20, 0, 5060, "s2.test"});
  dns.srv("_sip._udp.udponly.test", {10, 0, 5062, "s1.test"});
  dns.srv("_sips._tcp.gone.test", {0, 0, 0, ""});
  dns.a("gone.test", "127.0.0.9");
  dns.naptr("astray.test", {1, 1, "s", "SIP+D2U", "", "_sip._udp.nowhere.test"});
  dns.a("astray.test", "127.0.0.9");
  dns.srv("_sip._tcp.nohost.test", {0, 0, 5060, "nowhere.test"});
}

struct Case {
  LocateQuery query;
  const char* found;
};

TEST(ServerLocator, FollowsRfc3263) {
  Rig rig;
  fill(rig.server);
  const std::vector<Transport> no_tls = {Transport::tcp, Transport::udp};
  const Case cases[] = {
      // Numeric hosts ask nobody.
      {{.host = "127.0.0.1"}, "UDP 127.0.0.1:5060"},
      {{.host = "127.0.0.1", .port = 5070}, "UDP 127.0.0.1:5070"},
      {{.host = "127.0.0.1", .sips = true}, "TLS 127.0.0.1:5061 127.0.0.1"},
      {{.host = "127.0.0.1", .transport = Transport::tcp}, "TCP 127.0.0.1:5060"},
      {{.host = "127.0.0.1", .transport = Transport::tls}, "TLS 127.0.0.1:5061 127.0.0.1"},
      {{.host = "[::1]"}, "UDP [::1]:5060"},
      {{.host = "::1", .port = 9}, "UDP [::1]:9"},
      // A port: addresses only.
      {{.host = "plain.test", .port = 5070}, "UDP 127.0.1.1:5070"},
      {{.host = "plain.test", .port = 5070, .sips = true}, "TLS 127.0.1.1:5070 plain.test"},
      {{.host = "all.test", .port = 5070}, "error 4"},
      // NAPTR: the most wanted of theirs that we may use.
      {{.host = "All.Test"}, "TLS 127.0.0.1:5071 all.test"},
      {{.host = "all.test", .sips = true}, "TLS 127.0.0.1:5071 all.test"},
      {{.host = "all.test", .allowed = no_tls}, "TCP 127.0.0.2:5070"},
      {{.host = "all.test", .allowed = {Transport::udp}}, "UDP 127.0.0.3:5080"},
      // A transport in the URI: its SRV records.
      {{.host = "all.test", .transport = Transport::udp}, "UDP 127.0.0.3:5080"},
      {{.host = "all.test", .transport = Transport::tcp, .sips = true}, "TLS 127.0.0.1:5071 all.test"},
      // No NAPTR: SRV by priority.
      {{.host = "udponly.test"}, "UDP 127.0.0.1:5062, UDP 127.0.0.2:5060"},
      // Neither: addresses.
      {{.host = "plain.test"}, "UDP 127.0.1.1:5060"},
      {{.host = "plain.test", .sips = true}, "TLS 127.0.1.1:5061 plain.test"},
      {{.host = "plain.test", .allowed = {Transport::tls}}, "TLS 127.0.1.1:5061 plain.test"},
      {{.host = "plain.test", .transport = Transport::tls}, "TLS 127.0.1.1:5061 plain.test"},
      // Nothing.
      {{.host = "none.test"}, "error 4"},
      {{.host = "gone.test", .transport = Transport::tls}, "error 2"},
      {{.host = "astray.test"}, "error 4"},
      {{.host = "nohost.test", .transport = Transport::tcp}, "error 4"},
      {{.host = "plain.test", .transport = Transport::udp, .sips = true}, "error 2"},
      {{.host = "plain.test", .sips = true, .allowed = no_tls}, "error 2"},
      {{.host = "plain.test", .transport = Transport::tls, .allowed = no_tls}, "error 2"},
      {{.host = "plain.test", .allowed = {}}, "error 2"},
      {{.host = ""}, "error 4"},
  };
  for (const Case& one : cases) {
    std::string found = rig.text(one.query);
    // Whether no name or no address is at fault is told apart for nobody.
    if (one.query.host.empty() && found == "error 0") found = "error 4";
    EXPECT_EQ(found, one.found) << one.query.host << " port " << one.query.port
                                << (one.query.sips ? " sips" : "");
  }
}

// An attacker who can suppress answers must not bring a client to send in the clear what was to go by TLS.
TEST(ServerLocator, SilenceIsNotTakenForAbsence) {
  Rig rig(100);
  fill(rig.server);
  rig.server.silence("_sips._tcp.plain.test");
  EXPECT_EQ(rig.text({.host = "plain.test", .transport = Transport::tls}), "error 5");
  rig.server.silence("_sip._tcp.plain.test");
  rig.server.silence("_sip._udp.plain.test");
  EXPECT_EQ(rig.text({.host = "plain.test"}), "error 5");
}

TEST(ServerLocator, ResolversThatFailOnNaptrDoNoHarm) {
  Rig rig(100);
  fill(rig.server);
  rig.server.fail("udponly.test", 4);
  EXPECT_EQ(rig.text({.host = "udponly.test"}), "UDP 127.0.0.1:5062, UDP 127.0.0.2:5060");
}

TEST(ServerLocator, FailedServersGoLast) {
  Rig rig;
  fill(rig.server);
  rig.locator.mark_failed(Transport::udp, *Endpoint::parse("127.0.0.1:5062"));
  EXPECT_EQ(rig.text({.host = "udponly.test"}), "UDP 127.0.0.2:5060, UDP 127.0.0.1:5062");
  rig.locator.mark_failed(Transport::udp, *Endpoint::parse("127.0.0.2:5060"));
  EXPECT_EQ(rig.text({.host = "udponly.test"}), "UDP 127.0.0.1:5062, UDP 127.0.0.2:5060")
      << "if all did, none is left out";
}

TEST(ServerLocator, OneServerMayHaveManyAddresses) {
  Rig rig;
  rig.server.a("many.test", "127.0.0.1");
  rig.server.a("many.test", "127.0.0.2");
  rig.server.aaaa("many.test", "::1");
  EXPECT_EQ(rig.text({.host = "many.test", .port = 5060}),
            "UDP [::1]:5060, UDP 127.0.0.1:5060, UDP 127.0.0.2:5060");
}

std::string targets(const std::vector<SrvRecord>& records) {
  std::string text;
  for (const SrvRecord& record : records) text += record.target;
  return text;
}

TEST(OrderSrv, DrawsByWeightWithinAPriority) {
  const std::vector<SrvRecord> records = {
      {10, 60, 1, "a"}, {10, 20, 1, "b"}, {10, 0, 1, "c"}, {5, 1, 1, "d"}, {20, 0, 1, "e"}};
  const auto with = [&](std::vector<std::uint32_t> draws) {
    std::size_t at = 0;
    return targets(order_srv(records, [&](std::uint32_t below) {
      const std::uint32_t drawn = at < draws.size() ? draws[at++] : 0;
      EXPECT_LT(drawn, below);
      return drawn;
    }));
  };
  EXPECT_EQ(with({0, 0}), "dcabe") << "0 of 0 to 80 is the weightless one's small chance";
  EXPECT_EQ(with({0, 1}), "dacbe");
  EXPECT_EQ(with({0, 60}), "dacbe");
  EXPECT_EQ(with({0, 61}), "dbcae");
  EXPECT_EQ(with({0, 80, 60, 0}), "dbace");
}

TEST(OrderSrv, WeightsAreChances) {
  std::uint32_t state = 1;
  const ServerLocator::Random draw = [&](std::uint32_t below) {
    state = state * 1664525 + 1013904223;
    return static_cast<std::uint32_t>((std::uint64_t{state >> 8} * below) >> 24);
  };
  int first = 0;
  for (int i = 0; i < 4000; ++i)
    if (order_srv({{0, 3, 1, "a"}, {0, 1, 1, "b"}}, draw).front().target == "a") ++first;
  EXPECT_NEAR(first, 3000, 450) << "with 0 to 4 drawn, a gets 4 of 5";
  EXPECT_TRUE(order_srv({}, draw).empty());
  EXPECT_EQ(targets(order_srv({{0, 65535, 1, "a"}, {0, 65535, 1, "b"}, {0, 65535, 1, "c"}}, draw)).size(),
            3U);
}

}  // namespace
}  // namespace sallyport::transport
