// SPDX-License-Identifier: GPL-3.0-or-later
// Credentials and candidates of ICE in descriptions.
#include "sip/sdp_ice.h"

#include <gtest/gtest.h>

namespace sallyport::sip {
namespace {

const std::string kCredentials = "a=ice-ufrag:RsdO\r\na=ice-pwd:OtSK0WpNtpUjkY4+86js7Z/l\r\n";

Sdp description(const std::string& session, const std::string& media) {
  return std::move(*parse_sdp("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n" +
                              session + "m=audio 4000 UDP/TLS/RTP/SAVPF 0\r\n" + media));
}

TEST(SdpCandidate, OfAllKindsAreRead) {
  const auto reflexive = parse_candidate(
      "3038348387 1 udp 1845501695 198.51.100.1 43995 typ srflx raddr 10.24.16.82 rport 43995 generation 0");
  ASSERT_TRUE(reflexive);
  EXPECT_EQ(reflexive->foundation, "3038348387");
  EXPECT_EQ(reflexive->component, 1);
  EXPECT_TRUE(reflexive->is_udp);
  EXPECT_EQ(reflexive->priority, 1845501695u);
  EXPECT_EQ(reflexive->address->to_string(), "198.51.100.1");
  EXPECT_EQ(reflexive->port, 43995);
  EXPECT_EQ(reflexive->type, CandidateType::srflx);

  const auto tcp = parse_candidate("1 1 TCP 2105524479 192.168.8.221 9 typ host tcptype active");
  ASSERT_TRUE(tcp);
  EXPECT_FALSE(tcp->is_udp);
  const auto v6 = parse_candidate("aaaaaaa 2 UDP 2130706174 2001:db8:4321::3 6201 typ relay");
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->address->to_string(), "2001:db8:4321::3");
  EXPECT_EQ(v6->type, CandidateType::relay);
  const auto mdns = parse_candidate("1 1 udp 2113937151 4f0c1c1e-2d5f-4f0b.local 51032 typ host");
  ASSERT_TRUE(mdns);
  EXPECT_FALSE(mdns->address);
  EXPECT_EQ(mdns->connection, "4f0c1c1e-2d5f-4f0b.local");
  EXPECT_EQ(parse_candidate("1 1 udp 1 192.0.2.1 1 typ future")->type, CandidateType::other);
}

TEST(SdpCandidate, RubbishIsNone) {
  for (const std::string& argument :
       {std::string(), std::string("1 1 udp 1 192.0.2.1 1"), std::string("1 1 udp 1 192.0.2.1 1 typ"),
        std::string("1 0 udp 1 192.0.2.1 1 typ host"), std::string("1 257 udp 1 192.0.2.1 1 typ host"),
        std::string("1 1 udp 4294967296 192.0.2.1 1 typ host"),
        std::string("1 1 udp 1 192.0.2.1 65536 typ host"), std::string("1 1 udp 1 192.0.2.1 -1 typ host"),
        std::string("1 1 udp x 192.0.2.1 1 typ host"), std::string("1 1 udp 1 192.0.2.1 1 type host"),
        std::string(33, 'f') + " 1 udp 1 192.0.2.1 1 typ host"})
    EXPECT_FALSE(parse_candidate(argument)) << argument;
}

TEST(SdpCandidate, OursIsReadAgain) {
  for (const char* at : {"192.0.2.1:30000", "[2001:db8::1]:30000"}) {
    std::string text;
    append_candidate(text, "1", 1, 2130706431, *Endpoint::parse(at));
    ASSERT_TRUE(text.starts_with("a=candidate:") && text.ends_with("\r\n"));
    const auto candidate = parse_candidate(std::string_view(text).substr(12, text.size() - 14));
    ASSERT_TRUE(candidate);
    EXPECT_EQ((Endpoint{*candidate->address, candidate->port}).to_string(), at);
    EXPECT_EQ(candidate->priority, 2130706431u);
    EXPECT_EQ(candidate->type, CandidateType::host);
  }
}

TEST(SdpCandidate, PriorityIsTheFormulas) {
  EXPECT_EQ(host_candidate_priority(1), 2130706431U);  // RFC 8445 §5.1.2.1, as everybody's
  EXPECT_EQ(host_candidate_priority(2), 2130706430U);
}

TEST(SdpCredentials, HaveTheirLengthAndTheirCharacters) {
  EXPECT_TRUE(parse_ice_fragment("RsdO"));
  EXPECT_FALSE(parse_ice_fragment("abc"));
  EXPECT_FALSE(parse_ice_fragment(std::string(257, 'a')));
  EXPECT_FALSE(parse_ice_fragment("a:bc"));
  EXPECT_TRUE(parse_ice_password(std::string(22, '+')));
  EXPECT_FALSE(parse_ice_password(std::string(21, 'a')));
  EXPECT_FALSE(parse_ice_password("-"));
}

TEST(IceDescriptions, GatherWhatAppliesToAMedium) {
  const Sdp sdp = description("a=ice-lite\r\na=ice-options:ice2 trickle\r\n" + kCredentials,
                              "a=candidate:1 1 UDP 1 192.0.2.9 4000 typ host\r\na=end-of-candidates\r\n");
  const auto ice = ice_description(sdp, 0);
  ASSERT_TRUE(ice);
  EXPECT_TRUE(ice->has_ice());
  EXPECT_EQ(ice->fragment, "RsdO");
  EXPECT_TRUE(ice->is_lite);
  EXPECT_TRUE(ice->trickles);
  EXPECT_TRUE(ice->is_complete);
  EXPECT_FALSE(ice->mismatches);
  EXPECT_EQ(ice->candidates.size(), 1u);
}

TEST(IceDescriptions, TheMediumsCredentialsComeFirst) {
  const Sdp sdp = description(kCredentials, "a=ice-ufrag:own1\r\na=ice-pwd:" + std::string(24, 'p') + "\r\n");
  EXPECT_EQ(ice_description(sdp, 0)->fragment, "own1");
}

TEST(IceDescriptions, FaultsHaveTheirClass) {
  const auto error_of = [](const std::string& media) {
    const auto read = ice_description(description("", media), 0);
    return read ? ErrorClass::internal : read.error().error_class;
  };
  EXPECT_EQ(error_of("a=ice-ufrag:RsdO\r\n"), ErrorClass::malformed);
  EXPECT_EQ(error_of("a=ice-pwd:OtSK0WpNtpUjkY4+86js7Z/l\r\n"), ErrorClass::malformed);
  EXPECT_EQ(error_of("a=ice-ufrag:RsdO\r\na=ice-pwd:short\r\n"), ErrorClass::malformed);
  EXPECT_EQ(error_of(kCredentials + "a=candidate:rubbish\r\n"), ErrorClass::malformed);
  std::string many = kCredentials;
  for (std::size_t i = 0; i <= IceDescription::kMaxCandidates; ++i)
    many += "a=candidate:1 1 UDP 1 192.0.2.9 4000 typ host\r\n";
  EXPECT_EQ(error_of(many), ErrorClass::exhausted);
  EXPECT_EQ(error_of(""), ErrorClass::internal);  // none is no fault
  EXPECT_FALSE(ice_description(description("", ""), 0)->has_ice());
}

}  // namespace
}  // namespace sallyport::sip
