// SPDX-License-Identifier: GPL-3.0-or-later
// The registrar against RFC 3261 §10.3, RFC 3327, RFC 3608 and RFC 5626, with a store behind it that crashes
// and fails.
#include "control/subscribers/registrar.h"

#include <algorithm>
#include <csignal>

#include <gtest/gtest.h>

#include "tests/unit/control/registrar_rig.h"

namespace sallyport::control {
namespace {

using Lines = std::vector<std::string>;
using enum sip::HeaderId;

constexpr const char* kContact = "Contact: <sip:alice@192.0.2.1:5061;transport=tls>";
const std::string kInstance = "+sip.instance=\"<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>\"";

class RegistrarTest : public testing::Test {
 protected:
  RegistrarRig rig;
};

TEST_F(RegistrarTest, ABindingIsMadeAndEnumerated) {
  const auto answer = rig.ask({.lines = {kContact, "Expires: 600", "User-Agent: phone"}});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.all(contact), Lines{"<sip:alice@192.0.2.1:5061;transport=tls>;expires=600"});
  EXPECT_EQ(answer.header(date), "Tue, 14 Nov 2023 22:13:20 GMT");
  EXPECT_EQ(answer.header(call_id), "call-1");
  EXPECT_EQ(answer.message.to()->tag(), "tag-of-ours");
  EXPECT_FALSE(answer.message.has(require));
  EXPECT_FALSE(answer.message.has(flow_timer));
  EXPECT_EQ(rig.registered(), Lines{"sip:alice@192.0.2.1:5061;transport=tls;expires=600"});
  EXPECT_EQ(rig.registrar->count(RegisterOutcome::stored), 1U);
}

TEST_F(RegistrarTest, WithoutContactItIsAQuestion) {
  EXPECT_TRUE(rig.ask({}).all(contact).empty());
  (void)rig.ask({.lines = {kContact, "Expires: 600"}});
  rig.now += std::chrono::seconds(100);
  EXPECT_EQ(rig.ask({.cseq = 2}).all(contact), Lines{"<sip:alice@192.0.2.1:5061;transport=tls>;expires=500"});
  EXPECT_EQ(rig.registrar->count(RegisterOutcome::fetched), 2U);
}

struct Interval {
  Lines lines;
  std::string granted;  ///< or the status
};

TEST_F(RegistrarTest, IntervalsFollowParameterThenHeaderThenDefault) {
  std::uint32_t cseq = 0;
  for (const Interval& one :
       {Interval{{"Contact: <sip:a@b>"}, "3600"}, Interval{{"Contact: <sip:a@b>", "Expires: 120"}, "120"},
        Interval{{"Contact: <sip:a@b>;expires=90", "Expires: 120"}, "90"},
        Interval{{"Contact: <sip:a@b>;expires=99999999999"}, "7200"},
        Interval{{"Contact: <sip:a@b>", "Expires: soon"}, "3600"},
        Interval{{"Contact: <sip:a@b>;expires=60"}, "60"}, Interval{{"Contact: <sip:a@b>;expires=59"}, "423"},
        Interval{{"Contact: <sip:a@b>", "Expires: 1"}, "423"},
        Interval{{"Contact: <sip:a@b>;expires=600, <sip:a@c>;expires=5"}, "423"}}) {
    const auto answer = rig.ask({.cseq = ++cseq, .lines = one.lines});
    if (answer.status == 423) {
      EXPECT_EQ(one.granted, "423");
      EXPECT_EQ(answer.header(min_expires), "60");
      continue;
    }
    EXPECT_EQ(answer.all(contact), Lines{"<sip:a@b>;expires=" + one.granted}) << one.lines.back();
  }
}

TEST_F(RegistrarTest, AMinimumAboveAnHourDoesNotRefuseAnHour) {
  rig.config.min_expires_s = 3600;
  EXPECT_EQ(rig.ask({.lines = {"Contact: <sip:a@b>;expires=3600"}}).status, 200);
  EXPECT_EQ(rig.ask({.cseq = 2, .lines = {"Contact: <sip:a@b>;expires=3599"}}).status, 423);
}

TEST_F(RegistrarTest, AllParametersOfAContactComeBack) {
  const auto answer =
      rig.ask({.lines = {"Contact: \"Alice, home\" <sip:alice@192.0.2.1>;q=0.75;methods=\"INVITE, "
                         "ACK\";expires=600;audio;" +
                         kInstance}});
  EXPECT_EQ(answer.all(contact), Lines{"<sip:alice@192.0.2.1>;methods=\"INVITE, ACK\";audio;q=0.75;" +
                                       kInstance + ";expires=600"});
}

TEST_F(RegistrarTest, ContactsAreComparedAsUris) {
  (void)rig.ask({.lines = {"Contact: <sip:Alice@EXAMPLE.org:5061;transport=tls>;expires=600"}});
  (void)rig.ask({.cseq = 2, .lines = {"Contact: <sip:%41lice@example.org:5061;transport=TLS>;expires=700"}});
  EXPECT_EQ(rig.registered(), Lines{"sip:%41lice@example.org:5061;transport=TLS;expires=700"});
  (void)rig.ask({.cseq = 3, .lines = {"Contact: <sip:alice@example.org:5061;transport=tls>;expires=800"}});
  EXPECT_EQ(rig.registered().size(), 2U) << "the user part tells upper case from lower case";
}

TEST_F(RegistrarTest, OlderRequestsOfACallIdAreRefusedWhole) {
  EXPECT_EQ(rig.ask({.cseq = 5, .lines = {kContact, "Expires: 600"}}).status, 200);
  for (const std::uint32_t cseq : {5U, 4U, 1U})
    for (const char* expires : {"Expires: 700", "Expires: 0"}) {
      const auto late = rig.ask({.cseq = cseq, .lines = {"Contact: <sip:new@192.0.2.9>", kContact, expires}});
      EXPECT_EQ(late.status, 500);
      EXPECT_EQ(late.reason(), "CSeq Out Of Order");
    }
  EXPECT_EQ(rig.ask({.cseq = 5, .lines = {"Contact: *", "Expires: 0"}}).status, 500);
  EXPECT_EQ(rig.registered(), Lines{"sip:alice@192.0.2.1:5061;transport=tls;expires=600"});
  EXPECT_EQ(rig.ask({.call_id = "call-2", .cseq = 1, .lines = {kContact, "Expires: 800"}}).status, 200);
  EXPECT_EQ(rig.registered(), Lines{"sip:alice@192.0.2.1:5061;transport=tls;expires=800"});
  EXPECT_EQ(rig.registrar->count(RegisterOutcome::out_of_order), 7U);
}

TEST_F(RegistrarTest, ZeroRemoves) {
  (void)rig.ask({.lines = {"Contact: <sip:a@b>, <sip:a@c>", "Expires: 600"}});
  const auto answer =
      rig.ask({.cseq = 2, .lines = {"Contact: <sip:a@b>;expires=0, <sip:never@there>;expires=0"}});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.all(contact), Lines{"<sip:a@c>;expires=600"});
  EXPECT_EQ(rig.registered(), Lines{"sip:a@c;expires=600"});
}

TEST_F(RegistrarTest, AStarRemovesAll) {
  (void)rig.ask({.lines = {"Contact: <sip:a@b>, <sip:a@c>", "Expires: 600"}});
  (void)rig.ask({.call_id = "other", .lines = {"Contact: <sip:a@d>", "Expires: 600"}});
  const auto answer = rig.ask({.cseq = 2, .lines = {"Contact: *", "Expires: 0"}});
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.all(contact).empty());
  EXPECT_TRUE(rig.registered().empty());
  EXPECT_EQ(rig.ask({.cseq = 3, .lines = {"Contact: *", "Expires: 0"}}).status, 200) << "of nothing";
}

TEST_F(RegistrarTest, TheSameContactTwiceInOneRequestIsOne) {
  const auto answer = rig.ask({.lines = {"Contact: <sip:a@b>;expires=600, <sip:a@b>;expires=700"}});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(rig.registered(), Lines{"sip:a@b;expires=700"});
}

struct Bad {
  Register request;
  std::uint16_t status;
  std::string reason;
};

TEST_F(RegistrarTest, WhatIsRefused) {
  const Lines good{kContact, "Expires: 600"};
  const std::string long_text(600, 'x');
  const auto with = [&good](Lines more) {
    more.insert(more.end(), good.begin(), good.end());
    return more;
  };
  const std::vector<Bad> table{
      {{.uri = "sip:example.org", .lines = good}, 404, "Not A Domain Of This Registrar"},
      {{.uri = "tel:+15551234", .lines = good}, 400, "Malformed Request-URI"},
      {{.to = "<sip:alice@example.org>", .lines = good}, 404, "Not A Domain Of This Registrar"},
      {{.to = "<sip:bob@example.com>", .lines = good}, 403, "Not Your Address"},
      {{.to = "<sip:Alice@example.com>", .lines = good}, 403, "Not Your Address"},
      {{.to = "<sip:alice@example.net>", .lines = good}, 403, "Not Your Address"},
      {{.to = "<sip:example.com>", .lines = good}, 400, "Malformed Address Of Record"},
      {{.to = "<tel:+15551234>", .lines = good}, 400, "Malformed Address Of Record"},
      {{.lines = with({"Require: gruu"})}, 420, "Bad Extension"},
      {{.lines = with({"Require: path, 100rel"})}, 420, "Bad Extension"},
      {{.lines = with({"Path: <sip:p.example.com;lr>"})}, 420, "Bad Extension"},
      {{.lines = with({"Supported: path", "Path: nonsense"})}, 400, "Malformed Path"},
      {{.lines = with({"Supported: path", "Path: <tel:+1555>"})}, 400, "Malformed Path"},
      {{.lines = with({"Supported: path", "Path: <sip:" + long_text + long_text + ";lr>"})},
       400,
       "Path Too Long"},
      {{.lines = {"Contact: *"}}, 400, "Contact * Needs Expires: 0"},
      {{.lines = {"Contact: *", "Expires: 10"}}, 400, "Contact * Needs Expires: 0"},
      {{.lines = {"Contact: *", "Expires: x"}}, 400, "Contact * Needs Expires: 0"},
      {{.lines = {"Contact: *, <sip:a@b>", "Expires: 0"}}, 400, "Malformed Contact"},
      {{.lines = {"Contact: *", "Contact: <sip:a@b>", "Expires: 0"}}, 400, "Malformed Contact"},
      {{.lines = {"Contact: <sip:a@b>;q=2"}}, 400, "Malformed Contact"},
      {{.lines = {"Contact: <sip:" + long_text + "@b>"}}, 400, "Contact Too Long"},
      {{.lines = {"Contact: <sip:a@b>;x=" + long_text}}, 400, "Contact Too Long"},
      {{.call_id = std::string(300, 'c'), .lines = good}, 400, "Call-ID Too Long"},
      {{.lines = {"Contact: <sip:a@b>;reg-id=1;" + kInstance + ", <sip:a@c>"}},
       400,
       "More Than One Contact Beside A reg-id"},
  };
  for (const Bad& one : table) {
    const auto answer = rig.ask(one.request);
    EXPECT_EQ(answer.status, one.status) << text_of(one.request);
    EXPECT_EQ(answer.reason(), one.reason) << text_of(one.request);
  }
  EXPECT_TRUE(rig.registered().empty());
  EXPECT_TRUE(rig.registered("sip:bob@example.com").empty());
}

TEST_F(RegistrarTest, UnknownExtensionsAreNamed) {
  EXPECT_EQ(rig.ask({.lines = {"Require: path, gruu, outbound, x-y"}}).header(unsupported), "gruu, x-y");
  EXPECT_EQ(rig.ask({.lines = {"Path: <sip:p.example.com;lr>"}}).header(unsupported), "path");
}

TEST_F(RegistrarTest, OneAddressHasManySpellings) {
  std::uint32_t cseq = 0;
  for (const char* to : {"<sip:alice@EXAMPLE.com>", "<sip:%61lice@example.com;user=phone>",
                         "sip:alice@example.com", "\"A\" <sips:alice@example.com>"})
    EXPECT_EQ(rig.ask({.to = to, .cseq = ++cseq, .lines = {kContact}}).status, 200) << to;
  EXPECT_EQ(rig.registered().size(), 1U);
}

TEST_F(RegistrarTest, ADisabledUserDoesNotRegister) {
  rig.alice.enabled = false;
  EXPECT_EQ(rig.ask({.lines = {kContact}}).status, 403);
}

TEST_F(RegistrarTest, PathAndServiceRouteComeBack) {
  rig.config.service_route = {"sip:edge.example.com;lr", "sip:core.example.com;lr"};
  const auto answer = rig.ask(
      {.lines = {kContact, "Supported: path", "Path: <sip:p1.example.com;lr>, <sip:p2.example.com;lr>",
                 "Path: <sip:p3.example.com;lr>"}});
  const Lines path_values{"<sip:p1.example.com;lr>", "<sip:p2.example.com;lr>", "<sip:p3.example.com;lr>"};
  EXPECT_EQ(answer.all(path), path_values);
  EXPECT_EQ(answer.all(service_route), (Lines{"<sip:edge.example.com;lr>", "<sip:core.example.com;lr>"}));
  const auto targets = rig.registrar->targets("sip:alice@example.com", rig.now);
  ASSERT_EQ(targets.size(), 1U);
  EXPECT_EQ(targets[0].path, "<sip:p1.example.com;lr>, <sip:p2.example.com;lr>, <sip:p3.example.com;lr>");
  rig.config.require_path_support = false;
  EXPECT_EQ(rig.ask({.cseq = 2, .lines = {kContact, "Path: <sip:p1.example.com;lr>"}}).status, 200);
}

TEST_F(RegistrarTest, AuthenticationInfoIsPassedOn) {
  const auto parsed = sip::parse_message(text_of({}));
  std::string text;
  rig.registrar->handle({parsed.message, rig.alice, rig.hop, rig.now, "t", "nextnonce=\"n\""},
                        [&text](std::uint16_t, std::string answer) { text = std::move(answer); });
  EXPECT_NE(text.find("\r\nAuthentication-Info: nextnonce=\"n\"\r\n"), std::string::npos) << text;
}

TEST_F(RegistrarTest, OutboundReplacesByInstanceAndRegId) {
  const auto flow = [](int reg_id, const std::string& contact_uri) {
    return "Contact: <" + contact_uri + ">;reg-id=" + std::to_string(reg_id) + ";" + kInstance;
  };
  const auto first = rig.ask({.lines = {flow(1, "sip:a@192.0.2.1:1"), "Supported: path, outbound"}});
  EXPECT_EQ(first.all(require), Lines{"outbound"});
  EXPECT_EQ(first.header(flow_timer), "120");
  rig.hop.connection = 2;
  (void)rig.ask({.call_id = "x", .lines = {flow(2, "sip:a@192.0.2.1:2"), "Supported: path, outbound"}});
  EXPECT_EQ(rig.registered().size(), 2U);
  rig.hop.connection = 3;
  rig.now += std::chrono::seconds(1);
  (void)rig.ask({.call_id = "y", .lines = {flow(1, "sip:a@192.0.2.1:3"), "Supported: path, outbound"}});
  EXPECT_EQ(rig.registered(), (Lines{"sip:a@192.0.2.1:2;expires=3599", "sip:a@192.0.2.1:3;expires=3600"}));
  const auto targets = rig.registrar->targets("sip:alice@example.com", rig.now);
  ASSERT_EQ(targets.size(), 2U);
  EXPECT_EQ(targets[0].contact, "sip:a@192.0.2.1:3");
  EXPECT_EQ(targets[0].flow.connection, 3U);
  EXPECT_FALSE(targets[0].alternate);
  EXPECT_EQ(targets[1].flow.connection, 2U);
  EXPECT_TRUE(targets[1].alternate) << "the same instance is not called twice at once";
}

struct Outbound {
  bool proxy;
  Lines lines;
  std::uint16_t status;
  bool required;  ///< outbound, in the answer
  std::uint32_t reg_id;
};

TEST_F(RegistrarTest, OutboundNeedsAFirstHopThatDoesIt) {
  const std::string contact_line = "Contact: <sip:a@b>;reg-id=1;" + kInstance;
  std::uint32_t cseq = 0;
  for (const Outbound& one : {
           Outbound{false, {contact_line, "Supported: outbound"}, 200, true, 1},
           Outbound{false, {contact_line}, 200, false, 1},
           Outbound{false, {"Contact: <sip:a@b>;reg-id=1", "Supported: outbound"}, 200, false, 0},
           Outbound{true, {contact_line, "Supported: outbound, path"}, 439, false, 0},
           Outbound{true, {contact_line, "Supported: outbound, path", "Path: <sip:p;lr>"}, 439, false, 0},
           Outbound{true,
                    {contact_line, "Supported: outbound, path", "Path: <sip:p;lr>, <sip:q;ob;lr>"},
                    439,
                    false,
                    0},
           Outbound{true, {contact_line, "Supported: path", "Path: <sip:p;lr>"}, 200, false, 0},
           Outbound{true, {contact_line, "Supported: outbound, path", "Path: <sip:t@p;lr;ob>"}, 200, true, 1},
       }) {
    const auto answer = rig.ask({.cseq = ++cseq, .lines = one.lines, .through_a_proxy = one.proxy});
    EXPECT_EQ(answer.status, one.status) << cseq;
    EXPECT_EQ(answer.message.has(require), one.required) << cseq;
    EXPECT_EQ(answer.message.has(flow_timer), one.required && !one.proxy) << cseq;
    if (answer.status != 200) continue;
    const auto targets = rig.registrar->targets("sip:alice@example.com", rig.now);
    ASSERT_EQ(targets.size(), 1U) << cseq;
    EXPECT_EQ(targets[0].reg_id, one.reg_id) << cseq;
    (void)rig.ask({.cseq = ++cseq, .lines = {"Contact: *", "Expires: 0"}});
  }
}

TEST_F(RegistrarTest, ABindingOfAFlowIsEndedByItsUri) {
  (void)rig.ask({.lines = {"Contact: <sip:a@b>;reg-id=1;" + kInstance}});
  (void)rig.ask({.cseq = 2, .lines = {"Contact: <sip:a@b>;expires=0"}});
  EXPECT_TRUE(rig.registered().empty());
}

TEST_F(RegistrarTest, TargetsAreOrderedByQThenAge) {
  const auto add = [this](const char* call_id_text, const char* line) {
    rig.now += std::chrono::seconds(1);
    ASSERT_EQ(rig.ask({.call_id = call_id_text, .lines = {line}}).status, 200);
  };
  add("1", "Contact: <sip:low@b>;q=0.1");
  add("2", "Contact: <sip:old@b>;q=0.5");
  add("3", "Contact: <sip:new@b>;q=0.5");
  add("4", "Contact: <sip:best@b>");
  add("5", "Contact: <sip:never@b>;q=0");
  Lines order;
  for (const Target& target : rig.registrar->targets("sip:alice@example.com", rig.now))
    order.push_back(target.contact);
  EXPECT_EQ(order, (Lines{"sip:best@b", "sip:new@b", "sip:old@b", "sip:low@b", "sip:never@b"}));
  EXPECT_TRUE(rig.registrar->targets("sip:bob@example.com", rig.now).empty());
}

TEST_F(RegistrarTest, FlowsThatEndedAreNotOffered) {
  (void)rig.ask({.lines = {"Contact: <sip:a@b>;reg-id=1;" + kInstance}});
  rig.hop.connection = 2;
  (void)rig.ask({.call_id = "2", .lines = {"Contact: <sip:a@c>"}});
  const auto both = rig.registrar->targets("sip:alice@example.com", rig.now);
  ASSERT_EQ(both.size(), 2U);
  for (const Target& target : both) rig.registrar->flow_failed("sip:alice@example.com", target);
  auto left = rig.registrar->targets("sip:alice@example.com", rig.now);
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].contact, "sip:a@c");
  EXPECT_EQ(left[0].flow.connection, 0U) << "only its contact is left to try";
  rig.hop.connection = 3;
  (void)rig.ask({.call_id = "2", .cseq = 2, .lines = {"Contact: <sip:a@c>"}});
  rig.registrar->set_connection_check([](std::uint64_t connection) { return connection != 3; });
  EXPECT_EQ(rig.registrar->targets("sip:alice@example.com", rig.now)[0].flow.connection, 0U);
  rig.registrar->flow_failed("sip:alice@example.com", left[0]);
  EXPECT_EQ(rig.registrar->location().bindings("sip:alice@example.com").back().flow.connection, 3U)
      << "an old target does not end a new flow";
}

TEST_F(RegistrarTest, BindingsEndInTime) {
  (void)rig.ask({.lines = {"Contact: <sip:a@b>;expires=60, <sip:a@c>;expires=120"}});
  rig.pass(59);
  EXPECT_EQ(rig.registrar->location().size(), 2U);
  rig.pass(1);
  EXPECT_EQ(rig.registrar->location().size(), 1U);
  EXPECT_EQ(rig.registered(), Lines{"sip:a@c;expires=60"});
  rig.pass(60);
  EXPECT_EQ(rig.registrar->location().size(), 0U);
  EXPECT_EQ(rig.registrar->expired(), 2U);
  rig.restart(false);
  EXPECT_EQ(rig.registrar->location().size(), 0U) << "nor do they come back";
}

TEST_F(RegistrarTest, RefreshesPutTheEndOff) {
  (void)rig.ask({.lines = {"Contact: <sip:a@b>;expires=60"}});
  for (std::uint32_t i = 2; i < 50; ++i) {
    rig.pass(30);
    ASSERT_EQ(rig.ask({.cseq = i, .lines = {"Contact: <sip:a@b>;expires=60"}}).status, 200);
  }
  EXPECT_EQ(rig.registrar->location().size(), 1U);
  rig.pass(61);
  EXPECT_EQ(rig.registrar->location().size(), 0U);
}

TEST_F(RegistrarTest, MostRefreshesNeedNoStore) {
  const Lines lines{"Contact: <sip:a@b>;expires=60"};
  (void)rig.ask({.lines = lines});
  for (std::uint32_t i = 2; i <= 101; ++i) {
    rig.now += std::chrono::seconds(30);
    rig.hop.connection = i;  // and another port: a stream's end is nothing that outlives a restart
    rig.hop.remote.port = static_cast<std::uint16_t>(40000 + i);
    ASSERT_EQ(rig.ask({.cseq = i, .lines = lines}).status, 200);
    // Whatever happens now, what was promised is kept.
    const Binding& binding = rig.registrar->location().bindings("sip:alice@example.com")[0];
    ASSERT_GE(binding.stored_until, binding.expires);
    ASSERT_LE(binding.stored_until, binding.expires + std::chrono::seconds(60));
  }
  EXPECT_EQ(rig.registrar->count(RegisterOutcome::refreshed), 67U);
  EXPECT_EQ(rig.registrar->count(RegisterOutcome::stored), 34U);
}

TEST_F(RegistrarTest, WhatACallNeedsIsStoredAtOnce) {
  std::uint32_t cseq = 1;
  const auto stored = [this, &cseq](const Lines& lines) {
    const auto before = rig.registrar->count(RegisterOutcome::stored);
    EXPECT_EQ(rig.ask({.cseq = ++cseq, .lines = lines}).status, 200) << lines[0];
    return rig.registrar->count(RegisterOutcome::stored) > before;
  };
  const std::string contact_line = "Contact: <sip:a@b>;expires=600";
  EXPECT_TRUE(stored({contact_line}));
  EXPECT_FALSE(stored({contact_line}));
  EXPECT_TRUE(stored({contact_line + ";q=0.5"}));
  EXPECT_TRUE(stored({contact_line + ";video"}));
  EXPECT_TRUE(stored({contact_line, "Supported: path", "Path: <sip:p;lr>"}));
  EXPECT_TRUE(stored({contact_line}));
  EXPECT_FALSE(stored({contact_line, "User-Agent: another"}));
  rig.hop.listener = 2;
  EXPECT_TRUE(stored({contact_line}));
  rig.hop = {sip::Transport::udp, *Endpoint::parse("192.0.2.1:5060"), 0, 2};
  EXPECT_TRUE(stored({contact_line}));
  EXPECT_FALSE(stored({contact_line}));
  rig.hop.remote.port = 5070;
  EXPECT_TRUE(stored({contact_line})) << "datagrams go where the last came from";
  EXPECT_TRUE(stored({"Contact: <sip:a@b>;expires=60"})) << "the stored end may not be far from the true one";
}

TEST_F(RegistrarTest, ACrashLosesNothingThatWasAcknowledged) {
  (void)rig.ask({.lines = {"Contact: <sip:a@b>;expires=600;q=0.3, <sip:a@c>;expires=600"}});
  (void)rig.ask({.cseq = 2, .lines = {"Contact: <sip:a@c>;expires=0"}});
  rig.now += std::chrono::seconds(300);
  (void)rig.ask({.cseq = 3, .lines = {"Contact: <sip:a@b>;expires=600;q=0.3"}});
  EXPECT_EQ(rig.registrar->count(RegisterOutcome::refreshed), 1U);
  rig.restart(false);
  const auto targets = rig.registrar->targets("sip:alice@example.com", rig.now + std::chrono::seconds(599));
  ASSERT_EQ(targets.size(), 1U) << "the refresh was not stored, but foreseen";
  EXPECT_EQ(targets[0].contact, "sip:a@b");
  EXPECT_EQ(targets[0].q, 300);
  EXPECT_EQ(targets[0].flow.connection, 0U);
  EXPECT_EQ(rig.ask({.cseq = 1, .lines = {"Contact: <sip:a@b>;expires=0"}}).status, 500)
      << "requests stay in order across a restart";
  const auto next = rig.ask({.cseq = 4, .lines = {"Contact: <sip:a@d>;expires=600"}});
  EXPECT_EQ(next.all(contact).size(), 2U);
}

TEST_F(RegistrarTest, AnOrderlyEndIsExact) {
  (void)rig.ask({.lines = {"Contact: <sip:a@b>;expires=600"}});
  rig.now += std::chrono::seconds(300);
  (void)rig.ask({.cseq = 2, .lines = {"Contact: <sip:a@b>;expires=600"}});
  rig.restart(true);
  EXPECT_EQ(rig.registered(), Lines{"sip:a@b;expires=600"});
  EXPECT_EQ(rig.ask({.cseq = 2, .lines = {"Contact: <sip:a@b>"}}).status, 500) << "the CSeq as well";
  rig.now += std::chrono::seconds(600);
  rig.restart(true);
  EXPECT_EQ(rig.registrar->location().size(), 0U);
}

TEST_F(RegistrarTest, AnsweredOnlyOnceStored) {
  std::vector<Answer> answers;
  rig.ask_later(rig.alice, {.lines = {"Contact: <sip:a@b>;expires=600"}}, answers);
  EXPECT_TRUE(answers.empty());
  EXPECT_TRUE(rig.registered().empty()) << "nor is it visible before";
  rig.store->drain();
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(rig.registered().size(), 1U);
}

TEST_F(RegistrarTest, RequestsThatOvertakeTheStoreSeeEachOther) {
  std::vector<Answer> answers;
  const auto later = [&](std::uint32_t cseq, const std::string& line) {
    rig.ask_later(rig.alice, {.cseq = cseq, .lines = {line}}, answers);
  };
  later(1, "Contact: <sip:a@b>;expires=600");
  later(2, "Contact: <sip:a@c>;expires=600");
  later(3, "Contact: <sip:a@b>;expires=700");
  later(2, "Contact: <sip:a@b>;expires=800");
  later(4, "Contact: <sip:a@c>;expires=0");
  later(5, "Contact: <sip:a@b>;expires=650");
  ASSERT_EQ(answers.size(), 1U) << "only what is refused is answered at once";
  EXPECT_EQ(answers[0].status, 500);
  rig.store->drain();
  ASSERT_EQ(answers.size(), 6U);
  EXPECT_EQ(answers[2].all(contact).size(), 2U);
  EXPECT_EQ(answers[5].all(contact), Lines{"<sip:a@b>;expires=650"});
  EXPECT_EQ(rig.registered(), Lines{"sip:a@b;expires=650"});
  rig.restart(false);
  EXPECT_EQ(rig.registrar->location().size(), 1U);
}

TEST_F(RegistrarTest, ABindingThatIsBeingRefreshedDoesNotEnd) {
  (void)rig.ask({.lines = {"Contact: <sip:a@b>;expires=60"}});
  rig.now += std::chrono::seconds(59);
  std::vector<Answer> answers;
  rig.ask_later(rig.alice, {.cseq = 2, .lines = {"Contact: <sip:a@b>;expires=60;q=0.5"}}, answers);
  rig.now += std::chrono::seconds(2);
  rig.registrar->advance(rig.now);
  rig.store->drain();
  EXPECT_EQ(rig.registered(), Lines{"sip:a@b;expires=58"});
  rig.pass(2);
  rig.restart(false);
  EXPECT_EQ(rig.registrar->location().size(), 1U);
}

TEST_F(RegistrarTest, TooManyContactsAreRefused) {
  rig.config.bindings_per_user = 2;
  EXPECT_EQ(rig.ask({.lines = {"Contact: <sip:a@1>, <sip:a@2>, <sip:a@3>"}}).status, 503);
  EXPECT_TRUE(rig.registered().empty()) << "all or nothing";
  EXPECT_EQ(rig.ask({.lines = {"Contact: <sip:a@1>, <sip:a@2>"}}).status, 200);
  const auto full = rig.ask({.cseq = 2, .lines = {"Contact: <sip:a@3>"}});
  EXPECT_EQ(full.status, 503);
  EXPECT_EQ(full.reason(), "Too Many Registered Contacts");
  EXPECT_FALSE(full.message.has(retry_after)) << "it would silence the client's calls";
  EXPECT_EQ(rig.ask({.cseq = 2, .lines = {"Contact: <sip:a@1>"}}).status, 200) << "refreshing is not adding";
  EXPECT_EQ(rig.ask({.cseq = 3, .lines = {"Contact: <sip:a@3>, <sip:a@1>;expires=0"}}).status, 200)
      << "nor exchanging";
  rig.alice.bindings_limit = 3;
  EXPECT_EQ(rig.ask({.cseq = 4, .lines = {"Contact: <sip:a@4>"}}).status, 200) << "the user's own limit";
  EXPECT_EQ(rig.registrar->count(RegisterOutcome::too_many_bindings), 2U);
}

TEST_F(RegistrarTest, DeadConnectionsMakeRoom) {
  rig.config.bindings_per_user = 2;
  (void)rig.ask({.lines = {"Contact: <sip:a@1>"}});
  rig.hop.connection = 2;
  (void)rig.ask({.call_id = "2", .lines = {"Contact: <sip:a@2>"}});
  rig.registrar->set_connection_check([](std::uint64_t connection) { return connection != 1; });
  rig.hop.connection = 3;
  EXPECT_EQ(rig.ask({.call_id = "3", .lines = {"Contact: <sip:a@3>"}}).status, 200);
  EXPECT_EQ(rig.registered(), (Lines{"sip:a@2;expires=3600", "sip:a@3;expires=3600"}));
}

TEST_F(RegistrarTest, TheSumOfBindingsIsBounded) {
  rig.config.bindings = 1;
  EXPECT_EQ(rig.ask({.lines = {kContact}}).status, 200);
  const auto full = rig.ask_as(rig.bob, {.to = "<sip:bob@example.com>", .lines = {kContact}});
  EXPECT_EQ(full.status, 503);
  EXPECT_EQ(full.reason(), "Too Many Registrations");
  EXPECT_EQ(rig.ask({.cseq = 2, .lines = {kContact}}).status, 200);
}

TEST_F(RegistrarTest, AFullDiskRefusesWhatIsNewAndNothingElse) {
  (void)rig.ask({.lines = {"Contact: <sip:a@b>;expires=600"}});
  {
    const FileSizeLimit full(1);
    const auto refused = rig.ask({.cseq = 2, .lines = {"Contact: <sip:a@c>;expires=600"}});
    EXPECT_EQ(refused.status, 500);
    EXPECT_EQ(refused.reason(), "Store Failed");
    EXPECT_EQ(rig.registered(), Lines{"sip:a@b;expires=600"}) << "no trace of it";
    EXPECT_EQ(rig.ask({.cseq = 3, .lines = {"Contact: <sip:a@b>;expires=600"}}).status, 200)
        << "refreshes go on";
    EXPECT_EQ(rig.ask({.cseq = 4}).all(contact).size(), 1U) << "and questions";
    EXPECT_EQ(rig.registrar->targets("sip:alice@example.com", rig.now).size(), 1U) << "and calls";
    EXPECT_EQ(rig.ask({.cseq = 5, .lines = {"Contact: *", "Expires: 0"}}).status, 500);
    EXPECT_EQ(rig.registered().size(), 1U);
  }
  EXPECT_EQ(rig.ask({.cseq = 6, .lines = {"Contact: <sip:a@c>;expires=600"}}).status, 200)
      << "until there is room";
  EXPECT_EQ(rig.registrar->count(RegisterOutcome::store_failed), 2U);
  rig.restart(false);
  EXPECT_EQ(rig.registrar->location().size(), 2U);
}

TEST_F(RegistrarTest, DroppedByHand) {
  (void)rig.ask({.lines = {"Contact: <sip:a@b>, <sip:a@c>, <sip:a@d>"}});
  const auto drop = [this](std::optional<std::uint64_t> binding) {
    std::optional<std::size_t> count;
    rig.registrar->drop("sip:alice@example.com", binding,
                        [&count](const Result<std::size_t>& dropped) { count = dropped.value_or(999); });
    rig.store->drain();
    return count;
  };
  const std::uint64_t first = rig.registrar->location().bindings("sip:alice@example.com")[0].id;
  EXPECT_EQ(drop(first), 1U);
  EXPECT_EQ(drop(first), 0U);
  EXPECT_EQ(drop(std::nullopt), 2U);
  rig.restart(false);
  EXPECT_EQ(rig.registrar->location().size(), 0U);
}

}  // namespace
}  // namespace sallyport::control
