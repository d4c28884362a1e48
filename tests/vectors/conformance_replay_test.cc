// SPDX-License-Identifier: GPL-3.0-or-later
// What libsrtp accepted and rejected of reordered, repeated and damaged streams, and captured calls of real
// phones.
#include <map>

#include "tests/vectors/conformance_rig.h"

namespace sallyport::crypto::test {
namespace {

SrtpConfig config_of(SuiteId id, const Octets& key_and_salt) {
  SrtpConfig config;
  config.suite = id;
  const std::span<const std::uint8_t> octets(key_and_salt);
  config.master_key = Secret<kMaxMasterKeyLength>(octets.first(suite(id).key_length));
  config.master_salt = Secret<kMaxMasterSaltLength>(octets.subspan(suite(id).key_length));
  return config;
}

class ConformanceReplay : public Conformance {};

TEST_F(ConformanceReplay, Scenarios) {
  const auto document = read_json("srtp/replay-roc-scenario.json");
  std::size_t events = 0;
  for (const auto& scenario : document.at("scenarios").as_array()) {
    SrtpConfig config =
        config_of(suite_by_name(text_of(scenario, "suite")).value(), hex_of(scenario, "master_key_and_salt"));
    config.rtp_replay_window = number_of(scenario, "replay_window");
    config.initial_rollover_counter = number_of(scenario, "initial_roc");
    Pair pair(config);
    for (const auto& event : scenario.at("events").as_array()) {
      Octets packet = hex_of(event, "packet");
      const SrtpOutcome outcome = unprotect_rtp(*pair.receiver, *pair.inbound, packet);
      ASSERT_EQ(outcome == SrtpOutcome::ok, text_of(event, "expect") == "accept")
          << text_of(event, "event") << " " << event.at("seq");
      ++events;
      if (outcome != SrtpOutcome::ok) continue;
      ASSERT_EQ(Octets(packet.begin() + 12, packet.end()),
                Octets(20, static_cast<std::uint8_t>(number_of(event, "seq"))));
    }
  }
  EXPECT_EQ(events, 516u);
}

/// The UDP payloads of a pcap file of Ethernet frames with IPv4, in host order of this machine.
std::vector<Octets> udp_payloads(const std::string& file) {
  std::vector<Octets> payloads;
  const std::string text = read_file(file);
  const Octets octets(text.begin(), text.end());
  const auto little = [&octets](std::size_t at) {
    return static_cast<std::size_t>(__builtin_bswap32(load_be32(&octets[at])));
  };
  constexpr std::size_t kFileHeader = 24;
  constexpr std::size_t kRecordHeader = 16;
  constexpr std::size_t kFrameHeaders = 14 + 20 + 8;
  for (std::size_t at = kFileHeader; at + kRecordHeader <= octets.size();) {
    const std::size_t length = little(at + 8);
    at += kRecordHeader;
    if (length > kFrameHeaders && octets[at + 12] == 0x08 && octets[at + 14] == 0x45 &&
        octets[at + 23] == 17) {
      const std::size_t udp_length = load_be16(&octets[at + 38]);
      const auto begin = octets.begin() + static_cast<std::ptrdiff_t>(at + kFrameHeaders);
      payloads.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(udp_length - 8));
    }
    at += length;
  }
  return payloads;
}

struct Call {
  const char* file;
  const char* key_and_salt;
  std::uint32_t ssrc;
  std::size_t packets;
};

// The keys stand as base64 (RFC 4568) in the captures' description; here they are hexadecimal.
constexpr Call kCalls[] = {
    {"pcap/alice_srtp.pcap", "f6c39df96ef68a5c1f36036dd05ce51988fa6193cca8dd6c249c78dd4b92", 0x2a1ad144,
     1556},
    {"pcap/bob_srtp.pcap", "361a812bf263b5526098e80fc832a9bcc4c48ef1424387a2c9541e945eb1", 0xc2f6a014, 1564},
};

TEST_F(ConformanceReplay, CapturedCallsAuthenticateThroughout) {
  for (const Call& call : kCalls) {
    const auto engine = make_engine();
    const auto stream = std::move(
        engine->make_inbound(config_of(SuiteId::aes_cm_128_hmac_sha1_80, hex(call.key_and_salt))).value());
    std::size_t accepted = 0;
    for (Octets& payload : udp_payloads(call.file)) {
      if (payload.size() < 22 || load_be32(&payload[8]) != call.ssrc) continue;
      ASSERT_EQ(unprotect_rtp(*engine, *stream, payload), SrtpOutcome::ok);
      ++accepted;
    }
    EXPECT_EQ(accepted, call.packets) << call.file;
  }
}

}  // namespace
}  // namespace sallyport::crypto::test
