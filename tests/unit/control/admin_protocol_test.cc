// SPDX-License-Identifier: GPL-3.0-or-later
// Request lines: what they mean, what is refused and why, and that no refusal shows a key.
#include <string>

#include <gtest/gtest.h>

#include "control/admin/protocol.h"

namespace sallyport::control {
namespace {

// 30 octets each: key and salt of AES-CM-128.
const std::string kKey1 = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const std::string kKey2 = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB";
const std::string kKey3 = "CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC";
const std::string kKey4 = "DDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDD";

std::string with_params(std::string_view method, const std::string& params) {
  return R"({"v":1,"id":7,"method":")" + std::string(method) + R"(","params":)" + params + "}";
}

std::string keyed_leg(const std::string& send, const std::string& receive, const std::string& more = "") {
  return R"({"side":"access","remote":"192.0.2.9:4000","suite":"AES_CM_128_HMAC_SHA1_80","send_key":")" +
         send + R"(","receive_key":")" + receive + "\"" + more + "}";
}

const std::string kPlainLeg = R"({"side":"core","remote":"198.51.100.9:5000"})";

std::string add(const std::string& a, const std::string& b = kPlainLeg) {
  return with_params("relay.add", R"({"a":)" + a + R"(,"b":)" + b + "}");
}

TEST(AdminProtocol, RelayAddIsReadWhole) {
  const auto request = parse_request(
      add(keyed_leg(kKey1, "inline:" + kKey2 + "|2^20|258:4",
                    R"(,"policy":"latch","mux":true,"dscp":10,"clock_rate":48000,"unencrypted_srtcp":true)"),
          R"({"side":"core","policy":"latch","family":"ipv6","signalling_peer":"2001:db8::5"})"));
  ASSERT_TRUE(request) << request.error().refusal.key << request.error().refusal.error.text;
  EXPECT_EQ(request->id, 7U);
  const auto& spec = std::get<request::RelayAdd>(request->body).spec;
  const LegSpec& a = spec.legs[0];
  EXPECT_EQ(a.side, "access");
  EXPECT_EQ(a.remote->to_string(), "192.0.2.9:4000");
  EXPECT_EQ(a.policy, dataplane::SourcePolicy::latch);
  EXPECT_TRUE(a.mux);
  EXPECT_EQ(a.dscp, 10);
  EXPECT_EQ(a.clock_rate, 48000U);
  ASSERT_TRUE(a.keying);
  EXPECT_TRUE(a.keying->unencrypted_srtcp);
  EXPECT_EQ(a.keying->send.key.size(), 16U);
  EXPECT_EQ(a.keying->send.salt.size(), 14U);
  EXPECT_EQ(a.keying->send.mki_length, 0);
  EXPECT_EQ(a.keying->receive.lifetime, std::uint64_t{1} << 20);
  ASSERT_EQ(a.keying->receive.mki_length, 4);
  EXPECT_EQ(a.keying->receive.mki[2], 1);
  EXPECT_EQ(a.keying->receive.mki[3], 2);
  const LegSpec& b = spec.legs[1];
  EXPECT_FALSE(b.keying);
  EXPECT_EQ(b.family, AddressFamily::v6);
  EXPECT_EQ(b.signalling_peer.to_string(), "2001:db8::5");
}

TEST(AdminProtocol, KeyOctetsAreWhatBase64Says) {
  const auto request = parse_request(add(keyed_leg("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd", kKey2)));
  ASSERT_TRUE(request);
  const auto& send = std::get<request::RelayAdd>(request->body).spec.legs[0].keying->send;
  for (std::size_t i = 0; i < 16; ++i) EXPECT_EQ(send.key.view()[i], i);
  for (std::size_t i = 0; i < 14; ++i) EXPECT_EQ(send.salt.view()[i], 16 + i);
}

TEST(AdminProtocol, PaddingOfLongKeysMayBeLeftOut) {
  const std::string unpadded(62, 'A');  // 46 octets: AES-256 and its salt
  for (const std::string& text : {unpadded, unpadded + "=="})
    EXPECT_TRUE(parse_key(text, crypto::SuiteId::aes_256_cm_hmac_sha1_80)) << text;
  EXPECT_FALSE(parse_key(unpadded + "=", crypto::SuiteId::aes_256_cm_hmac_sha1_80));
}

TEST(AdminProtocol, MkiInHexadecimalServesBothDirections) {
  const auto request = parse_request(add(keyed_leg(kKey1, kKey2, R"(,"mki":"00fF")")));
  ASSERT_TRUE(request);
  const auto& keying = *std::get<request::RelayAdd>(request->body).spec.legs[0].keying;
  EXPECT_EQ(keying.send.mki_length, 2);
  EXPECT_EQ(keying.receive.mki[1], 0xff);
}

TEST(AdminProtocol, SmallRequests) {
  EXPECT_TRUE(std::holds_alternative<request::Status>(
      parse_request(R"({"v":1,"id":0,"method":"status"})").value().body));
  const auto list = parse_request(with_params("relay.list", R"({"after":9,"count":5})")).value();
  EXPECT_EQ(std::get<request::RelayList>(list.body).after, 9U);
  const auto one = parse_request(with_params("relay.drop", R"({"relay":3})")).value();
  EXPECT_EQ(std::get<request::RelayDrop>(one.body).relay, 3U);
  const auto all = parse_request(with_params("relay.drop", R"({"all":true})")).value();
  EXPECT_EQ(std::get<request::RelayDrop>(all.body).relay, std::nullopt);
  const auto drop = parse_request(with_params("call.drop", R"({"call":4,"reason":"why"})")).value();
  EXPECT_EQ(std::get<request::CallDrop>(std::get<CallRequest>(drop.body)).reason, "why");
  const auto verify = parse_request(with_params("call.verify", R"({"call":4,"leg":"b"})")).value();
  EXPECT_EQ(std::get<request::CallVerify>(std::get<CallRequest>(verify.body)).leg, Leg::b);
  EXPECT_TRUE(std::get<request::CallVerify>(std::get<CallRequest>(verify.body)).equal);
  const auto differs =
      parse_request(with_params("call.verify", R"({"call":4,"leg":"a","equal":false})")).value();
  EXPECT_FALSE(std::get<request::CallVerify>(std::get<CallRequest>(differs.body)).equal);
  const auto follow = parse_request(with_params("trace.follow", "{}")).value();
  EXPECT_EQ(std::get<request::TraceFollow>(follow.body).call, std::nullopt);
  const auto disable = parse_request(with_params("trunk.disable", R"({"trunk":"x"})")).value();
  EXPECT_FALSE(std::get<request::TrunkEnable>(std::get<TrunkRequest>(disable.body)).enabled);
  const auto level = parse_request(with_params("log.level", R"({"level":"debug"})")).value();
  EXPECT_EQ(std::get<request::LogLevel>(level.body).level, log::Level::debug);
  const auto ban = parse_request(with_params("ban", R"({"source":"192.0.2.66"})")).value();
  EXPECT_EQ(std::get<request::Ban>(ban.body).source.to_string(), "192.0.2.66");
  const auto capture =
      parse_request(with_params("capture.start", R"({"relay":3,"leg":"b","mode":"opened","file":"x.pcap"})"))
          .value();
  EXPECT_TRUE(std::get<request::CaptureStart>(capture.body).opened);
}

struct Bad {
  std::string line;
  std::string_view error_class;
  std::string_view key;
};

class AdminProtocolRefuses : public testing::TestWithParam<Bad> {};

TEST_P(AdminProtocolRefuses, WithClassAndField) {
  const auto request = parse_request(GetParam().line);
  ASSERT_FALSE(request) << GetParam().line;
  const Refusal& refusal = request.error().refusal;
  EXPECT_EQ(name(refusal.error.error_class), GetParam().error_class) << refusal.error.text;
  EXPECT_EQ(refusal.key, GetParam().key) << refusal.error.text;
  const std::string line = error_line(request.error().id, refusal);
  for (const std::string& key : {kKey1, kKey2, kKey3, kKey4})
    EXPECT_EQ(line.find(key.substr(0, 12)), std::string::npos) << line;
  EXPECT_EQ(line.find('\n'), line.size() - 1);
}

INSTANTIATE_TEST_SUITE_P(
    Envelope, AdminProtocolRefuses,
    testing::Values(Bad{"", "malformed", ""}, Bad{"hello", "malformed", ""}, Bad{"[]", "malformed", ""},
                    Bad{"{}", "malformed", "id"}, Bad{"{}{}", "malformed", ""},
                    Bad{R"({"v":1,)", "malformed", ""},
                    Bad{R"({"id":1,"method":"status"})", "malformed", "v"},
                    Bad{R"({"v":2,"id":1,"method":"status"})", "unsupported", "v"},
                    Bad{R"({"v":1,"id":-1,"method":"status"})", "malformed", "id"},
                    Bad{R"({"v":1,"id":"x","method":"status"})", "malformed", "id"},
                    Bad{R"({"v":1,"id":1})", "malformed", "method"},
                    Bad{R"({"v":1,"id":1,"method":"reboot"})", "unsupported", "method"},
                    Bad{R"({"v":1,"id":1,"method":"status","extra":1})", "malformed", "extra"},
                    Bad{R"({"v":1,"id":1,"method":"status","params":[]})", "malformed", "params"},
                    Bad{R"({"v":1,"id":1,"method":"status","params":{"x":1}})", "malformed", "params.x"},
                    Bad{R"({"v":1,"id":1,"method":"status","params":{")" + kKey1 + R"(":1}})", "malformed",
                        "params.?"},
                    Bad{R"({"v":1,"id":1,"method":"status","params":{"x":{"y":{"z":{}}}}})", "malformed", ""},
                    Bad{std::string(100000, '['), "malformed", ""},
                    Bad{"{\"v\":1,\"id\":1,\"method\":\"\xff\"}", "malformed", ""}));

INSTANTIATE_TEST_SUITE_P(
    Params, AdminProtocolRefuses,
    testing::Values(Bad{with_params("relay.show", "{}"), "malformed", "params.relay"},
                    Bad{with_params("relay.show", R"({"relay":0})"), "malformed", "params.relay"},
                    Bad{with_params("relay.show", R"({"relay":1.5})"), "malformed", "params.relay"},
                    Bad{with_params("relay.drop", "{}"), "malformed", "params.relay"},
                    Bad{with_params("relay.drop", R"({"all":false})"), "malformed", "params.all"},
                    Bad{with_params("relay.drop", R"({"all":true,"relay":1})"), "malformed", "params.all"},
                    Bad{with_params("relay.list", R"({"count":1001})"), "malformed", "params.count"},
                    Bad{with_params("log.level", R"({"level":"loud"})"), "malformed", "params.level"},
                    Bad{with_params("ban", "{}"), "malformed", "params.source"},
                    Bad{with_params("ban", R"({"source":"192.0.2.0/24"})"), "malformed", "params.source"},
                    Bad{with_params("capture.start", R"({"relay":1,"leg":"c"})"), "malformed", "params.leg"},
                    Bad{with_params("capture.start", R"({"relay":1,"leg":"a","mode":"raw"})"), "malformed",
                        "params.mode"}));

INSTANTIATE_TEST_SUITE_P(
    Sip, AdminProtocolRefuses,
    testing::Values(
        Bad{with_params("call.show", "{}"), "malformed", "params.call"},
        Bad{with_params("call.show", R"({"call":0})"), "malformed", "params.call"},
        Bad{with_params("call.list", R"({"count":0})"), "malformed", "params.count"},
        Bad{with_params("call.drop", "{}"), "malformed", "params.call"},
        Bad{with_params("call.drop", R"({"all":false})"), "malformed", "params.all"},
        Bad{with_params("call.drop", R"({"all":true,"call":1})"), "malformed", "params.all"},
        Bad{with_params("call.drop", R"({"call":1,"reason":"a\r\nb"})"), "malformed", "params.reason"},
        Bad{with_params("call.drop", R"({"call":1,"reason":")" + std::string(129, 'x') + "\"}"), "malformed",
            "params.reason"},
        Bad{with_params("call.verify", R"({"leg":"a"})"), "malformed", "params.call"},
        Bad{with_params("call.verify", R"({"call":1})"), "malformed", "params.leg"},
        Bad{with_params("call.verify", R"({"call":1,"leg":"c"})"), "malformed", "params.leg"},
        Bad{with_params("call.verify", R"({"call":1,"leg":"a","equal":1})"), "malformed", "params.equal"},
        Bad{with_params("trace.show", "{}"), "malformed", "params.call"},
        Bad{with_params("trace.list", R"({"after":-1})"), "malformed", "params.after"},
        Bad{with_params("trace.follow", R"({"call":"1"})"), "malformed", "params.call"},
        Bad{with_params("trunk.list", R"({"trunk":"x"})"), "malformed", "params.trunk"},
        Bad{with_params("trunk.show", "{}"), "malformed", "params.trunk"},
        Bad{with_params("trunk.enable", R"({"trunk":1})"), "malformed", "params.trunk"},
        Bad{with_params("cert.make", "{}"), "unsupported", "method"},
        Bad{with_params("config.check", R"({"file":"relative"})"), "malformed", "params.file"},
        Bad{with_params("config.check", R"({"file":""})"), "malformed", "params.file"},
        Bad{with_params("config.reload", R"({"file":"/x"})"), "malformed", "params.file"}));

INSTANTIATE_TEST_SUITE_P(
    RelayAdd, AdminProtocolRefuses,
    testing::Values(
        Bad{with_params("relay.add", "{}"), "malformed", "params.a"}, Bad{add("5"), "malformed", "params.a"},
        Bad{add("{}"), "malformed", "params.a.side"},
        Bad{add(R"({"side":"x"})"), "refused", "params.a.remote"},
        Bad{add(R"({"side":"x","remote":"192.0.2.1"})"), "malformed", "params.a.remote"},
        Bad{add(R"({"side":"x","remote":"192.0.2.1:0"})"), "malformed", "params.a.remote"},
        Bad{add(R"({"side":"x","remote":"224.0.0.1:4000"})"), "refused", "params.a.remote"},
        Bad{add(R"({"side":"x","remote":"0.0.0.0:4000"})"), "refused", "params.a.remote"},
        Bad{add(R"({"side":"x","remote":"192.0.2.1:65535"})"), "refused", "params.a.remote"},
        Bad{add(R"({"side":"x","remote":"192.0.2.1:4000","family":"ipv6"})"), "refused", "params.a.family"},
        Bad{add(R"({"side":"x","remote":"192.0.2.1:4000","family":"ipx"})"), "malformed", "params.a.family"},
        Bad{add(R"({"side":"x","remote":"192.0.2.1:4000","policy":"any"})"), "malformed", "params.a.policy"},
        Bad{add(R"({"side":"x","remote":"192.0.2.1:4000","dscp":64})"), "malformed", "params.a.dscp"},
        Bad{add(R"({"side":"x","remote":"192.0.2.1:4000","clock_rate":0})"), "malformed",
            "params.a.clock_rate"},
        Bad{add(R"({"side":"x","remote":"192.0.2.1:4000","clock_rate":99999999})"), "refused",
            "params.a.clock_rate"},
        Bad{add(R"({"side":"x","remote":"192.0.2.1:4000","mux":1})"), "malformed", "params.a.mux"},
        Bad{add(R"({"side":"x","remote":"192.0.2.1:4000","mux":true,"remote_rtcp":"192.0.2.1:4001"})"),
            "refused", "params.a.remote_rtcp"},
        Bad{add(R"({"side":"x","remote":"192.0.2.1:4000","remote_rtcp":"[2001:db8::1]:4001"})"), "refused",
            "params.a.remote_rtcp"},
        Bad{add(R"({"side":"x","policy":"latch","remote_rtcp":"192.0.2.1:4001"})"), "refused",
            "params.a.remote_rtcp"},
        Bad{add(R"({"side":"x","remote":"192.0.2.1:4000","signalling_peer":"192.0.2.2"})"), "refused",
            "params.a.signalling_peer"},
        Bad{add(keyed_leg(kKey1, kKey2, R"(,"policy":"latch","signalling_peer":"192.0.2.2")")), "refused",
            "params.a.signalling_peer"},
        Bad{add(R"({"side":"x","remote":"192.0.2.1:4000","send_key":")" + kKey1 + "\"}"), "malformed",
            "params.a.send_key"},
        Bad{add(R"({"side":"x","remote":"192.0.2.1:4000","suite":"AES_CM_128_HMAC_SHA1_80"})"), "malformed",
            "params.a.send_key"},
        Bad{add(R"({"side":"x","remote":"192.0.2.1:4000","suite":"F8_128_HMAC_SHA1_80"})"), "unsupported",
            "params.a.suite"},
        Bad{add(keyed_leg(kKey1, kKey1)), "refused", "params.a.receive_key"},
        Bad{add(keyed_leg(kKey1, kKey2), keyed_leg(kKey3, kKey1)), "refused", "params.b.receive_key"},
        Bad{add(keyed_leg(kKey1, kKey2), keyed_leg(kKey2, kKey4)), "refused", "params.b.send_key"},
        Bad{add(keyed_leg(kKey1 + "AAAA", kKey2)), "malformed", "params.a.send_key"},
        Bad{add(keyed_leg(kKey1.substr(4), kKey2)), "malformed", "params.a.send_key"},
        Bad{add(keyed_leg(kKey1.substr(1) + "!", kKey2)), "malformed", "params.a.send_key"},
        Bad{add(keyed_leg(std::string(400, 'A'), kKey2)), "malformed", "params.a.send_key"},
        Bad{add(keyed_leg(kKey1, "inline:" + kKey2 + "|")), "malformed", "params.a.receive_key"},
        Bad{add(keyed_leg(kKey1, "inline:" + kKey2 + "|2^99")), "malformed", "params.a.receive_key"},
        Bad{add(keyed_leg(kKey1, "inline:" + kKey2 + "|0")), "malformed", "params.a.receive_key"},
        Bad{add(keyed_leg(kKey1, "inline:" + kKey2 + "|1:0")), "malformed", "params.a.receive_key"},
        Bad{add(keyed_leg(kKey1, "inline:" + kKey2 + "|256:1")), "malformed", "params.a.receive_key"},
        Bad{add(keyed_leg(kKey1, "inline:" + kKey2 + "|1:17")), "malformed", "params.a.receive_key"},
        Bad{add(keyed_leg(kKey1, "inline:" + kKey2 + "|1:4|2^20")), "malformed", "params.a.receive_key"},
        Bad{add(keyed_leg(kKey1, "inline:" + kKey2 + "|1:4", R"(,"mki":"01")")), "refused", "params.a.mki"},
        Bad{add(keyed_leg(kKey1, kKey2, R"(,"mki":"0")")), "malformed", "params.a.mki"},
        Bad{add(keyed_leg(kKey1, kKey2, R"(,"mki":"0g")")), "malformed", "params.a.mki"},
        Bad{add(keyed_leg(kKey1, kKey2, R"(,"mki":"0102030405060708090a0b0c0d0e0f1011")")), "malformed",
            "params.a.mki"},
        Bad{with_params("relay.add", R"({"label":")" + std::string(65, 'x') + R"(","a":)" + kPlainLeg +
                                         R"(,"b":)" + kPlainLeg + "}"),
            "refused", "params.label"}));

TEST(AdminProtocol, ReplyLines) {
  EXPECT_EQ(result_line(7, "{\"relay\":1}"), "{\"v\":1,\"id\":7,\"result\":{\"relay\":1}}\n");
  EXPECT_EQ(error_line(std::nullopt, {Error{ErrorClass::malformed, "say \"it\""}, ""}),
            "{\"v\":1,\"id\":null,\"error\":{\"class\":\"malformed\",\"message\":\"say \\\"it\\\"\"}}\n");
  EXPECT_EQ(error_line(3, {Error{ErrorClass::not_found, "no such relay"}, "params.relay"}),
            "{\"v\":1,\"id\":3,\"error\":{\"class\":\"not_found\",\"message\":\"no such relay\",\"key\":"
            "\"params.relay\"}}\n");
}

}  // namespace
}  // namespace sallyport::control
