// SPDX-License-Identifier: GPL-3.0-or-later
// Project Wycheproof's AES-GCM and HMAC-SHA1 cases, as far as SRTP's sizes let them through our engine.
#include "tests/vectors/conformance_rig.h"

namespace sallyport::crypto::test {
namespace {

class ConformanceWycheproof : public Conformance {};

SuiteId gcm_of(std::size_t key_length) {
  return key_length == 16 ? SuiteId::aead_aes_128_gcm : SuiteId::aead_aes_256_gcm;
}

/// The additional data become the header, and the nonce the salt of SSRC 0 and index 0.
SrtpOutcome open_as_packet(const boost::json::value& test, Octets& packet) {
  const Octets key = hex_of(test, "key");
  Pair pair(make_config(gcm_of(key.size())));
  set_gcm_session_keys(context_of(*pair.inbound), key, hex_of(test, "iv"));
  InboundPacket view;
  view.data = packet.data();
  view.length = view.room = static_cast<std::uint16_t>(packet.size());
  view.header_length = static_cast<std::uint16_t>(hex_of(test, "aad").size());
  view.stream = pair.inbound.get();
  pair.receiver->unprotect_rtp({&view, 1});
  packet.resize(view.length);
  return view.outcome;
}

Octets joined(std::initializer_list<Octets> parts) {
  Octets all;
  for (const Octets& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

TEST_F(ConformanceWycheproof, AesGcm) {
  const auto document = read_json("wycheproof/aes_gcm_test.json");
  std::size_t tested = 0;
  for (const auto& group : document.at("testGroups").as_array()) {
    const auto key_bits = number_of(group, "keySize");
    if (key_bits == 192 || number_of(group, "ivSize") != 96 || number_of(group, "tagSize") != 128) continue;
    for (const auto& test : group.at("tests").as_array()) {
      const Octets aad = hex_of(test, "aad");
      if (aad.size() < kRtpHeaderLength) continue;
      Octets packet = joined({aad, hex_of(test, "ct"), hex_of(test, "tag")});
      const bool valid = text_of(test, "result") == "valid";
      ASSERT_EQ(open_as_packet(test, packet), valid ? SrtpOutcome::ok : SrtpOutcome::forged)
          << test.at("tcId");
      if (valid) {
        ASSERT_EQ(packet, joined({aad, hex_of(test, "msg")})) << test.at("tcId");
      }
      ++tested;
    }
  }
  EXPECT_GT(tested, 20u);
}

TEST_F(ConformanceWycheproof, HmacSha1) {
  const auto document = read_json("wycheproof/hmac_sha1_test.json");
  const auto batch = std::make_unique<HashBatch>(shared_manager(), hmac_sha1_burst_for_this_cpu());
  std::size_t tested = 0;
  for (const auto& group : document.at("testGroups").as_array()) {
    if (number_of(group, "keySize") != 160 || number_of(group, "tagSize") != 80) continue;
    for (const auto& test : group.at("tests").as_array()) {
      CounterKeys keys{};
      prepare_hmac_key(shared_manager(), hex_of(test, "key"), keys.hmac, keys.hmac + kHmacSha1StateLength);
      const Octets message = hex_of(test, "msg");
      if (message.empty()) continue;
      const std::uint8_t* tag =
          batch->single(keys, message.data(), static_cast<std::uint32_t>(message.size()));
      const bool same = Octets(tag, tag + 10) == hex_of(test, "tag");
      ASSERT_EQ(same, text_of(test, "result") == "valid") << test.at("tcId");
      ++tested;
    }
  }
  EXPECT_GT(tested, 20u);
}

}  // namespace
}  // namespace sallyport::crypto::test
