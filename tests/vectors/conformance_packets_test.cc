// SPDX-License-Identifier: GPL-3.0-or-later
// Whole packets made by libsrtp: protect(plain) = protected, unprotect(protected) = plain, and no bit may
// change.
#include <optional>

#include "tests/vectors/conformance_rig.h"

namespace sallyport::crypto::test {
namespace {

struct PacketCase {
  std::string id;
  SrtpConfig config;
  bool rtcp = false;
  std::uint32_t srtcp_index = 0;
  Octets plain;
  Octets sealed;
};

/// Nothing for what no suite of ours does: header extension encryption (RFC 6904).
std::optional<PacketCase> read_case(const boost::json::value& json) {
  if (json.as_object().contains("encrypted_ext_ids")) return std::nullopt;
  PacketCase made;
  made.id = text_of(json, "id");
  std::string name = text_of(json, "suite");
  if (name == "NULL_HMAC_SHA1_80") {
    name = "AES_CM_128_HMAC_SHA1_80";
    made.config.encrypt_srtp = made.config.encrypt_srtcp = false;
  }
  made.config.suite = suite_by_name(name).value();
  made.config.master_key = Secret<kMaxMasterKeyLength>(hex_of(json, "master_key"));
  made.config.master_salt = Secret<kMaxMasterSaltLength>(hex_of(json, "master_salt"));
  if (json.as_object().contains("mki")) {
    const Octets mki = hex_of(json, "mki");
    std::copy(mki.begin(), mki.end(), made.config.mki.begin());
    made.config.mki_length = static_cast<std::uint8_t>(mki.size());
  }
  made.rtcp = text_of(json, "kind") == "srtcp";
  if (made.rtcp)
    made.srtcp_index = number_of(json, "srtcp_index");
  else
    made.config.initial_rollover_counter = number_of(json, "roc");
  made.plain = hex_of(json, "plain");
  made.sealed = hex_of(json, "protected");
  return made;
}

void expect_sealed_and_opened(const PacketCase& c) {
  Pair pair(c.config);
  // libsrtp numbers SRTCP packets from 1, and we from 0: both may (RFC 3711 §3.4).
  context_of(*pair.outbound).srtcp_packets.set(c.srtcp_index);
  EXPECT_EQ(c.rtcp ? pair.protected_rtcp(c.plain) : pair.protected_rtp(c.plain), c.sealed) << c.id;
  Octets opened = c.sealed;
  EXPECT_EQ(c.rtcp ? unprotect_rtcp(*pair.receiver, *pair.inbound, opened)
                   : unprotect_rtp(*pair.receiver, *pair.inbound, opened),
            SrtpOutcome::ok)
      << c.id;
  EXPECT_EQ(opened, c.plain) << c.id;
}

void expect_no_bit_may_change(const PacketCase& c) {
  Pair pair(c.config);
  // The caller reads lengths from the header's first octet and the extension's length, so those stay as they
  // are.
  const std::uint16_t clear = c.rtcp ? kRtcpHeaderLength : header_length(c.plain);
  for (std::size_t bit = 0; bit < c.sealed.size() * 8; ++bit) {
    Octets bad = c.sealed;
    bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1 << bit % 8));
    const std::size_t length = bad.size();
    auto view = c.rtcp ? rtcp_view(*pair.inbound, bad, length) : InboundPacket{};
    if (!c.rtcp) {
      view.data = bad.data();
      view.length = view.room = static_cast<std::uint16_t>(length);
      view.header_length = clear;
      view.sequence = load_be16(&bad[2]);
      view.ssrc = load_be32(&bad[8]);
      view.stream = pair.inbound.get();
    }
    if (c.rtcp)
      pair.receiver->unprotect_rtcp({&view, 1});
    else
      pair.receiver->unprotect_rtp({&view, 1});
    ASSERT_NE(view.outcome, SrtpOutcome::ok) << c.id << " bit " << bit;
  }
}

void run_cases(const std::string& file, std::size_t expected) {
  std::size_t tested = 0;
  const auto document = read_json(file);
  for (const auto& json : document.at("cases").as_array()) {
    const auto made = read_case(json);
    if (!made) continue;
    expect_sealed_and_opened(*made);
    expect_no_bit_may_change(*made);
    ++tested;
  }
  EXPECT_EQ(tested, expected);
}

class ConformancePackets : public Conformance {};

TEST_F(ConformancePackets, LibsrtpValidation) {
  run_cases("srtp/libsrtp-packets.json", 10);
}
TEST_F(ConformancePackets, LibsrtpGenerated) {
  run_cases("srtp/libsrtp2-generated.json", 114);
}

}  // namespace
}  // namespace sallyport::crypto::test
