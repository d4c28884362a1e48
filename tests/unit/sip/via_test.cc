// SPDX-License-Identifier: GPL-3.0-or-later
// Via: its parts, and what a receiver adds to it.
#include "sip/via.h"

#include <gtest/gtest.h>

namespace sallyport::sip {

namespace {

TEST(Via, HasItsParts) {
  const auto via =
      parse_via("SIP/2.0/TLS [2001:db8::1]:5061;branch=z9hG4bKx;rport=7;received=192.0.2.1;maddr=m;ttl=1");
  ASSERT_TRUE(via);
  EXPECT_EQ(via->transport, ViaTransport::tls);
  EXPECT_EQ(via->sent_protocol, "SIP/2.0/TLS");
  EXPECT_TRUE(via->is_sip_2_0);
  EXPECT_EQ(via->host, "[2001:db8::1]");
  EXPECT_EQ(via->port, 5061);
  EXPECT_EQ(via->branch, "z9hG4bKx");
  EXPECT_TRUE(via->has_magic_cookie());
  EXPECT_TRUE(via->has_rport);
  EXPECT_EQ(via->rport, 7);
  EXPECT_EQ(via->received, "192.0.2.1");
  EXPECT_EQ(via->maddr, "m");
  EXPECT_EQ(via->parameters.value("ttl"), "1");
}

TEST(Via, MayHaveSpacesNearlyEverywhere) {
  const auto via = parse_via("SIP  / 2.0\t/ UDP   first.example.com : 4000 ;ttl=16 ; branch = z9hG4bKa ");
  ASSERT_TRUE(via);
  EXPECT_EQ(via->transport_text, "UDP");
  EXPECT_EQ(via->host, "first.example.com");
  EXPECT_EQ(via->port, 4000);
  EXPECT_EQ(via->branch, "z9hG4bKa");
  const auto six = parse_via("SIP/2.0/UDP [::1] : 4000");
  ASSERT_TRUE(six);
  EXPECT_EQ(six->port, 4000);
}

TEST(Via, WellFormed) {
  for (const char* text :
       {"SIP/2.0/UDP h", "sip/2.0/udp h", "SIP/2.0/UNKNOWN h;x;y=\"z;\"", "SIP/3.0/UDP h", "HTTP/1.1/TCP h",
        "SIP/2.0/UDP h;rport", "SIP/2.0/UDP h;received=2001:db8::9", "SIP/2.0/UDP h;received=[::9]",
        "SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bK56sdasks"})
    EXPECT_TRUE(parse_via(text)) << text;
  EXPECT_FALSE(parse_via("SIP/3.0/UDP h")->is_sip_2_0);
}

TEST(Via, Malformed) {
  for (const char* text : {"",
                           "SIP",
                           "SIP/2.0",
                           "SIP/2.0/",
                           "SIP/2.0/UDP",
                           "SIP/2.0/UDP ",
                           "SIP/2.0/UDPh",
                           "SIP/2.0 UDP h",
                           "SIP//UDP h",
                           "/2.0/UDP h",
                           "SIP/2.0/UDP h h",
                           "SIP/2.0/UDP h:",
                           "SIP/2.0/UDP h:0",
                           "SIP/2.0/UDP h:65536",
                           "SIP/2.0/UDP h:x",
                           "SIP/2.0/UDP h : ",
                           "SIP/2.0/UDP h:1 :2",
                           "SIP/2.0/UDP ;branch=x",
                           "SIP/2.0/UDP h;",
                           "SIP/2.0/UDP h;;,;,,",
                           "SIP/2.0/UDP h;branch=",
                           "SIP/2.0/UDP h;=x",
                           "SIP/2.0/UDP h;rport=x",
                           "SIP/2.0/UDP h;rport=65536",
                           "SIP/2.0/UDP [::1;branch=x",
                           "SIP/2.0/UDP ::1",
                           "SIP/2.0/UDP h branch=x",
                           "SIP/2.0/UDP h;x=\"y"})
    EXPECT_FALSE(parse_via(text)) << text;
}

TEST(Via, CookieNeedsSomethingBehindIt) {
  EXPECT_FALSE(parse_via("SIP/2.0/UDP h;branch=z9hG4bK")->has_magic_cookie());
  EXPECT_FALSE(parse_via("SIP/2.0/UDP h;branch=z9hG4b")->has_magic_cookie());
  EXPECT_FALSE(parse_via("SIP/2.0/UDP h")->has_magic_cookie());
  EXPECT_TRUE(parse_via("SIP/2.0/UDP h;branch=Z9HG4BK1")->has_magic_cookie());
}

TEST(Via, GetsItsSource) {
  const Endpoint source{IpAddress::v4({192, 0, 2, 7}), 4242};
  struct Case {
    const char* via;
    const char* expected;
  };
  for (const auto& [via, expected] : {
           Case{"SIP/2.0/UDP h;branch=b", "SIP/2.0/UDP h;branch=b;received=192.0.2.7"},
           Case{"SIP/2.0/UDP 192.0.2.7;branch=b", "SIP/2.0/UDP 192.0.2.7;branch=b"},
           Case{"SIP/2.0/UDP 192.0.2.7;rport;branch=b",
                "SIP/2.0/UDP 192.0.2.7;rport=4242;branch=b;received=192.0.2.7"},
           // What a sender claims about its source is not believed.
           Case{"SIP/2.0/UDP h;received=203.0.113.1;rport=1", "SIP/2.0/UDP h;rport=4242;received=192.0.2.7"},
           Case{"SIP/2.0/UDP h", "SIP/2.0/UDP h;received=192.0.2.7"},
       })
    EXPECT_EQ(with_source(*parse_via(via), source), expected);
  const Endpoint six{*IpAddress::parse("2001:db8::1"), 1};
  EXPECT_EQ(with_source(*parse_via("SIP/2.0/UDP [2001:db8::1]"), six), "SIP/2.0/UDP [2001:db8::1]");
}

TEST(Via, IsWritten) {
  EXPECT_EQ(write_via(ViaTransport::tls, "192.0.2.1:5061", "z9hG4bK1", true),
            "SIP/2.0/TLS 192.0.2.1:5061;rport;branch=z9hG4bK1");
  EXPECT_EQ(write_via(ViaTransport::udp, "h", "z9hG4bK1", false), "SIP/2.0/UDP h;branch=z9hG4bK1");
}

TEST(Via, TellsWhereAResponseGoes) {
  struct Case {
    const char* via;
    const char* host;
    int port;
  };
  for (const auto& [via, host, port] : {
           Case{"SIP/2.0/UDP h", "h", 5060},
           Case{"SIP/2.0/TLS h", "h", 5061},
           Case{"SIP/2.0/UDP h:70;rport", "h", 70},
           Case{"SIP/2.0/UDP h:70;received=r;rport=71", "r", 71},
           Case{"SIP/2.0/UDP h:70;maddr=m;received=r;rport=71", "m", 70},
       }) {
    const auto parsed = parse_via(via);
    EXPECT_EQ(response_target(*parsed).host, host) << via;
    EXPECT_EQ(response_target(*parsed).port, port) << via;
  }
}

}  // namespace

}  // namespace sallyport::sip
