// SPDX-License-Identifier: GPL-3.0-or-later
// Every suite there and back: payload sizes, CSRCs, extensions, RTCP, truncation, bit flips, MKI.
#include <gtest/gtest.h>

#include "tests/unit/crypto/srtp_rig.h"

namespace sallyport::crypto::test {
namespace {

std::string suite_name(const testing::TestParamInfo<SuiteId>& tested) {
  return std::string(suite(tested.param).name);
}

class SrtpSuite : public testing::TestWithParam<SuiteId> {};

INSTANTIATE_TEST_SUITE_P(Suites, SrtpSuite, testing::ValuesIn([] {
                           std::vector<SuiteId> ids;
                           for (const Suite& entry : kSuites) ids.push_back(entry.id);
                           return ids;
                         }()),
                         suite_name);

TEST_P(SrtpSuite, RtpOfEveryLengthComesBack) {
  Pair pair(make_config(GetParam()));
  for (std::uint16_t length = 0; length < 400; ++length) {
    const Octets plain = rtp_packet(length, std::size_t{length});
    Octets packet = pair.protected_rtp(plain);
    ASSERT_EQ(packet.size(), plain.size() + suite(GetParam()).srtp_tag_length);
    ASSERT_TRUE(std::equal(plain.begin(), plain.begin() + 12, packet.begin())) << "the header stays in clear";
    if (length >= 16) {
      ASSERT_FALSE(std::equal(plain.begin() + 12, plain.end(), packet.begin() + 12));
    }
    ASSERT_EQ(unprotect_rtp(*pair.receiver, *pair.inbound, packet), SrtpOutcome::ok) << length;
    ASSERT_EQ(packet, plain);
  }
}

TEST_P(SrtpSuite, CsrcsAndExtensionStayInClear) {
  Pair pair(make_config(GetParam()));
  Octets plain = rtp_packet(7, std::size_t{50});
  const Octets csrcs_and_extension = {1, 2, 3, 4, 5, 6, 7, 8, 0xbe, 0xde, 0, 1, 0x10, 0xaa, 0, 0};
  plain.insert(plain.begin() + 12, csrcs_and_extension.begin(), csrcs_and_extension.end());
  plain[0] = 0x92;
  Octets packet = pair.protected_rtp(plain);
  ASSERT_TRUE(std::equal(plain.begin(), plain.begin() + 28, packet.begin()));
  ASSERT_EQ(unprotect_rtp(*pair.receiver, *pair.inbound, packet), SrtpOutcome::ok);
  EXPECT_EQ(packet, plain);
}

TEST_P(SrtpSuite, RtcpOfEveryLengthComesBack) {
  Pair pair(make_config(GetParam()));
  for (std::size_t body = 0; body < 200; ++body) {
    const Octets plain = rtcp_packet(body);
    Octets packet = pair.protected_rtcp(plain);
    ASSERT_EQ(packet.size(), plain.size() + 4 + suite(GetParam()).srtcp_tag_length);
    ASSERT_EQ(unprotect_rtcp(*pair.receiver, *pair.inbound, packet), SrtpOutcome::ok) << body;
    ASSERT_EQ(packet, plain);
  }
}

TEST_P(SrtpSuite, EveryFlippedBitIsForgedOrUnknown) {
  Pair pair(make_config(GetParam()));
  const Octets rtp = pair.protected_rtp(rtp_packet(7, std::size_t{20}));
  const Octets rtcp = pair.protected_rtcp(rtcp_packet(20));
  for (std::size_t bit = 0; bit < rtp.size() * 8; ++bit) {
    Octets bad = rtp;
    bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (0x80 >> bit % 8));
    if (bit / 8 == 0) continue;  // would change the header length that the caller reads from it
    ASSERT_EQ(pair.open_rtp(bad), SrtpOutcome::forged) << bit;
  }
  for (std::size_t bit = 0; bit < rtcp.size() * 8; ++bit) {
    Octets bad = rtcp;
    bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (0x80 >> bit % 8));
    const SrtpOutcome outcome = pair.open_rtcp(bad);
    ASSERT_TRUE(outcome == SrtpOutcome::forged || outcome == SrtpOutcome::not_encrypted) << bit;
  }
  EXPECT_EQ(pair.inbound->status().srtp_packets, 0u);
  EXPECT_EQ(pair.inbound->status().srtcp_packets, 0u);
  EXPECT_EQ(pair.open_rtp(rtp), SrtpOutcome::ok);
  EXPECT_EQ(pair.open_rtcp(rtcp), SrtpOutcome::ok);
}

TEST_P(SrtpSuite, EveryTruncationFails) {
  Pair pair(make_config(GetParam()));
  const Octets rtp = pair.protected_rtp(rtp_packet(7, std::size_t{20}));
  const Octets rtcp = pair.protected_rtcp(rtcp_packet(20));
  const std::size_t least_rtp = 12u + suite(GetParam()).srtp_tag_length;
  for (std::size_t length = 12; length < rtp.size(); ++length) {
    const SrtpOutcome outcome = pair.open_rtp(Octets(rtp.begin(), rtp.begin() + static_cast<long>(length)));
    ASSERT_EQ(outcome, length < least_rtp ? SrtpOutcome::too_short : SrtpOutcome::forged) << length;
  }
  const std::size_t least_rtcp = 8u + 4 + suite(GetParam()).srtcp_tag_length;
  for (std::size_t length = 8; length < rtcp.size(); ++length) {
    const SrtpOutcome outcome =
        pair.open_rtcp(Octets(rtcp.begin(), rtcp.begin() + static_cast<long>(length)));
    ASSERT_NE(outcome, SrtpOutcome::ok) << length;
    ASSERT_EQ(outcome == SrtpOutcome::too_short, length < least_rtcp) << length;
  }
}

TEST_P(SrtpSuite, ForgedPacketsComeBackUnchangedOrEmptied) {
  Pair pair(make_config(GetParam()));
  Octets bad = pair.protected_rtp(rtp_packet(7, std::size_t{64}));
  bad.back() = static_cast<std::uint8_t>(bad.back() ^ 1);
  Octets after = bad;
  ASSERT_EQ(unprotect_rtp(*pair.receiver, *pair.inbound, after), SrtpOutcome::forged);
  // GCM decrypts before it knows, so it leaves zeros.
  if (suite(GetParam()).mode == CipherMode::gcm)
    std::fill(bad.begin() + 12, bad.begin() + 12 + 64, std::uint8_t{0});
  EXPECT_EQ(after, bad);
}

TEST_P(SrtpSuite, ForgedPacketsNeverShowPlaintext) {
  Pair pair(make_config(GetParam()));
  const Octets plain = rtp_packet(7, std::size_t{64});
  Octets bad = pair.protected_rtp(plain);
  bad.back() = static_cast<std::uint8_t>(bad.back() ^ 1);
  ASSERT_EQ(unprotect_rtp(*pair.receiver, *pair.inbound, bad), SrtpOutcome::forged);
  EXPECT_FALSE(std::equal(plain.begin() + 12, plain.begin() + 28, bad.begin() + 12));
}

TEST_P(SrtpSuite, AnotherKeyAuthenticatesNothing) {
  Pair pair(make_config(GetParam(), 1));
  Pair other(make_config(GetParam(), 2));
  EXPECT_EQ(other.open_rtp(pair.protected_rtp(rtp_packet(7))), SrtpOutcome::forged);
  EXPECT_EQ(other.open_rtcp(pair.protected_rtcp(rtcp_packet(20))), SrtpOutcome::forged);
}

TEST_P(SrtpSuite, MkiRightWrongAbsent) {
  for (const std::uint8_t length : std::initializer_list<std::uint8_t>{1, 2, 4, 7, 16}) {
    SrtpConfig with = make_config(GetParam());
    with.mki_length = length;
    for (std::size_t i = 0; i < length; ++i) with.mki[i] = static_cast<std::uint8_t>(0xd0 + i);
    SrtpConfig wrong = make_config(GetParam());
    wrong.mki_length = length;
    wrong.mki = with.mki;
    wrong.mki[length - 1u] = 0x11;
    Pair pair(with);
    Pair other(wrong);
    Pair without(make_config(GetParam()));
    for (const bool rtcp : {false, true}) {
      const Octets plain = rtcp ? rtcp_packet(40) : rtp_packet(1, std::size_t{40});
      const Octets packet = rtcp ? pair.protected_rtcp(plain) : pair.protected_rtp(plain);
      const auto open = [rtcp](Pair& by, const Octets& octets) {
        return rtcp ? by.open_rtcp(octets) : by.open_rtp(octets);
      };
      ASSERT_EQ(open(other, packet), SrtpOutcome::unknown_mki);
      ASSERT_NE(open(without, packet), SrtpOutcome::ok);
      const Octets bare = rtcp ? without.protected_rtcp(plain) : without.protected_rtp(plain);
      ASSERT_NE(open(pair, bare), SrtpOutcome::ok);
      Octets opened = packet;
      ASSERT_EQ(rtcp ? unprotect_rtcp(*pair.receiver, *pair.inbound, opened)
                     : unprotect_rtp(*pair.receiver, *pair.inbound, opened),
                SrtpOutcome::ok);
      ASSERT_EQ(opened, plain);
    }
  }
}

TEST_P(SrtpSuite, UnencryptedRtcpIsAuthenticatedOnly) {
  SrtpConfig config = make_config(GetParam());
  config.encrypt_srtcp = false;
  Pair clear(config);
  Pair secret(make_config(GetParam()));
  const Octets plain = rtcp_packet(40);
  const Octets packet = clear.protected_rtcp(plain);
  EXPECT_TRUE(std::equal(plain.begin(), plain.end(), packet.begin()));
  EXPECT_EQ(secret.open_rtcp(packet), SrtpOutcome::not_encrypted);
  EXPECT_EQ(clear.open_rtcp(secret.protected_rtcp(plain)), SrtpOutcome::not_encrypted);
  Octets opened = packet;
  EXPECT_EQ(unprotect_rtcp(*clear.receiver, *clear.inbound, opened), SrtpOutcome::ok);
  EXPECT_EQ(opened, plain);
  for (std::size_t i = 0; i < packet.size(); ++i) {
    Octets bad = clear.protected_rtcp(plain);
    bad[i] ^= 1;
    EXPECT_NE(clear.open_rtcp(bad), SrtpOutcome::ok) << i;
  }
}

TEST_P(SrtpSuite, UnencryptedRtpIsAuthenticatedOnlyOrRefused) {
  SrtpConfig config = make_config(GetParam());
  config.encrypt_srtp = false;
  if (suite(GetParam()).mode == CipherMode::gcm) {
    const auto engine = make_engine();
    EXPECT_EQ(engine->make_inbound(config).error().error_class, ErrorClass::unsupported);
    EXPECT_EQ(engine->make_outbound(config).error().error_class, ErrorClass::unsupported);
    return;
  }
  Pair pair(config);
  const Octets plain = rtp_packet(3);
  Octets packet = pair.protected_rtp(plain);
  EXPECT_TRUE(std::equal(plain.begin(), plain.end(), packet.begin()));
  Octets bad = packet;
  bad[20] ^= 1;
  EXPECT_EQ(pair.open_rtp(bad), SrtpOutcome::forged);
  EXPECT_EQ(unprotect_rtp(*pair.receiver, *pair.inbound, packet), SrtpOutcome::ok);
  EXPECT_EQ(packet, plain);
}

TEST_P(SrtpSuite, NoRoomIsRefusedBeforeAnythingIsTouched) {
  SrtpConfig config = make_config(GetParam());
  config.mki_length = 3;
  Pair pair(config);
  const std::size_t rtp_overhead = suite(GetParam()).srtp_tag_length + 3u;
  const std::size_t rtcp_overhead = suite(GetParam()).srtcp_tag_length + 3u + 4u;
  Octets rtp = rtp_packet(9, std::size_t{30});
  const Octets before = rtp;
  auto view = rtp_view(*pair.outbound, rtp, rtp.size());
  view.room = static_cast<std::uint16_t>(rtp.size() + rtp_overhead - 1);
  pair.sender->protect_rtp({&view, 1});
  EXPECT_EQ(view.outcome, SrtpOutcome::no_room);
  EXPECT_EQ(view.length, before.size());
  EXPECT_EQ(rtp, before);
  Octets rtcp = rtcp_packet(20);
  auto rtcp_packet_view = rtcp_view(*pair.outbound, rtcp, rtcp.size());
  rtcp_packet_view.room = static_cast<std::uint16_t>(rtcp.size() + rtcp_overhead - 1);
  pair.sender->protect_rtcp({&rtcp_packet_view, 1});
  EXPECT_EQ(rtcp_packet_view.outcome, SrtpOutcome::no_room);
  EXPECT_EQ(pair.outbound->status().srtp_packets, 0u);
  EXPECT_EQ(pair.outbound->status().srtcp_packets, 0u);
  EXPECT_EQ(pair.open_rtp(pair.protected_rtp(before)), SrtpOutcome::ok) << "the index was not spent";
}

TEST_P(SrtpSuite, HeaderLengthsThatLie) {
  Pair pair(make_config(GetParam()));
  for (const std::size_t header : std::initializer_list<std::size_t>{0, 4, 11, 53, 65535}) {
    Octets octets = rtp_packet(9, std::size_t{40});
    octets.resize(octets.size() + kMaxProtectionOverhead);
    auto out = rtp_view(*pair.outbound, octets, 52);
    out.header_length = static_cast<std::uint16_t>(header);
    pair.sender->protect_rtp({&out, 1});
    EXPECT_EQ(out.outcome, SrtpOutcome::too_short) << header;
    auto in = rtp_view(*pair.inbound, octets, 52);
    in.header_length = static_cast<std::uint16_t>(header);
    pair.receiver->unprotect_rtp({&in, 1});
    EXPECT_EQ(in.outcome, SrtpOutcome::too_short) << header;
  }
}

}  // namespace
}  // namespace sallyport::crypto::test
