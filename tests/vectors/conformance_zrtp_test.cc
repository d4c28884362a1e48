// SPDX-License-Identifier: GPL-3.0-or-later
// A whole exchange of ZRTP published by others: frames, hash images, hashes of Hellos, and what an
// association of ours says to the Hello of another library.
#include <openssl/sha.h>

#include "keying/zrtp_association.h"
#include "tests/vectors/conformance_rig.h"

namespace sallyport::keying::test {
namespace {

using crypto::test::hex_of;
using crypto::test::Octets;
using crypto::test::read_json;
using crypto::test::text_of;

class ConformanceZrtp : public crypto::test::Conformance {};

Octets sha256(std::span<const std::uint8_t> octets) {
  Octets hash(32);
  SHA256(octets.data(), octets.size(), hash.data());
  return hash;
}
template <typename Range>
Octets octets_of(const Range& range) {
  return {range.begin(), range.end()};
}
/// The digits at the end of an a=zrtp-hash line.
Octets hash_of_line(const boost::json::value& object, const char* key) {
  const std::string line = text_of(object, key);
  return crypto::test::hex(line.substr(line.rfind(' ') + 1));
}

TEST_F(ConformanceZrtp, AnExchangeIsReadAsPublished) {
  const auto document = read_json("zrtp/zrtp.json");
  const auto& exchange = document.at("exchange");
  const auto image = [&](bool responder, std::size_t step) {
    const auto& images = exchange.at("hash_images").at(responder ? "responder" : "initiator").as_array();
    return crypto::test::hex(std::string(images.at(step).as_string()));
  };
  std::size_t seen = 0;
  for (const auto& entry : exchange.at("packets").as_array()) {
    const Octets datagram = hex_of(entry, "packet");
    const auto packet = parse_zrtp(datagram);
    ASSERT_TRUE(packet) << text_of(entry, "type");
    std::string name = text_of(entry, "type");
    name.resize(8, ' ');
    EXPECT_EQ(info(packet->type).name, name);
    EXPECT_EQ(packet->sequence, entry.at("seq").to_number<int>());
    const std::string source = text_of(entry, "sender_ssrc");
    EXPECT_EQ(packet->source, std::stoul(source, nullptr, 16));
    const bool responder = source == text_of(exchange, "responder_ssrc");
    const char* const side = responder ? "responder" : "initiator";
    if (packet->type == ZrtpMessageType::hello) {
      const auto hello = parse_zrtp_hello(*packet);
      ASSERT_TRUE(hello);
      EXPECT_EQ(octets_of(hello->h3), image(responder, 3));
      EXPECT_EQ(octets_of(hello->zid), hex_of(exchange.at("zid"), side));
      EXPECT_EQ(sha256(packet->message), hash_of_line(exchange.at("zrtp_hash_sdp"), side));
    }
    if (packet->type == ZrtpMessageType::commit) {
      const ZrtpCommit commit = parse_zrtp_commit(*packet);
      EXPECT_EQ(octets_of(commit.h2), image(responder, 2));
      EXPECT_EQ(octets_of(commit.zid), hex_of(exchange.at("zid"), side));
      const auto algorithms = algorithms_of(commit);
      ASSERT_TRUE(algorithms);
      EXPECT_EQ(info(algorithms->hash).name, text_of(exchange, "hash"));
      EXPECT_EQ(info(algorithms->cipher).name, text_of(exchange, "cipher"));
      EXPECT_EQ(info(algorithms->agreement).name, text_of(exchange, "key_agreement"));
    }
    if (packet->type == ZrtpMessageType::dh_part1 || packet->type == ZrtpMessageType::dh_part2) {
      const ZrtpDhPart part = parse_zrtp_dh_part(*packet);
      EXPECT_EQ(octets_of(part.h1), image(responder, 1));
      EXPECT_TRUE(is_sound_public_value(ZrtpAlgorithm::dh3k, part.public_value));
    }
    ++seen;
  }
  EXPECT_EQ(seen, 9U);
}

TEST_F(ConformanceZrtp, ChecksumsAreThePublishedOnes) {
  const auto document = read_json("zrtp/zrtp.json");
  for (const auto& entry : document.at("crc").at("cases").as_array()) {
    Octets packet = hex_of(entry, "input");
    const Octets field = hex_of(entry, "crc_field");
    packet.insert(packet.end(), field.begin(), field.end());
    EXPECT_TRUE(parse_zrtp(packet));
    Octets numbered = packet;
    number_zrtp(numbered, static_cast<std::uint16_t>(packet[2] << 8 | packet[3]));
    EXPECT_EQ(numbered, packet);
  }
}

TEST_F(ConformanceZrtp, AHelloOfAnotherLibraryIsTakenByItsHashAlone) {
  const auto document = read_json("zrtp/zrtp.json");
  const auto& entry = document.at("zrtp_hash");
  const Octets hello = hex_of(entry, "packet");
  class Ignore final : public DatagramSink {
    void send(std::span<const std::uint8_t>) override {}
  } sink;
  for (const bool right : {true, false}) {
    ZrtpSettings settings;
    settings.peer_hello_hash.emplace();
    std::ranges::copy(hash_of_line(entry, right ? "sdp" : "wrong"), settings.peer_hello_hash->begin());
    const auto association = ZrtpAssociation::make(std::move(settings)).value();
    association->begin(sink, 0);
    EXPECT_EQ(association->receive(hello, 0), right ? ZrtpOutcome::progress : ZrtpOutcome::wrong_hello_hash);
  }
}

}  // namespace
}  // namespace sallyport::keying::test
