// SPDX-License-Identifier: GPL-3.0-or-later
// Exchanges of ZRTP with a peer of bare bzrtp: keys and SAS of both ends, and what an attacker's, a broken or
// a silent peer's messages come to.
#include "keying/zrtp_association.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include "base/bytes.h"
#include "keying/zrtp_confirm.h"
#include "tests/unit/keying/zrtp_rig.h"

namespace sallyport::keying::test {
namespace {

/// While it lives, Confirms of this program lie within what is authentic: that they hold a signature of 2 KB,
/// or about H0.
struct LyingConfirms {
  explicit LyingConfirms(std::size_t octet) {
    changed = octet;
    lies = 0;
  }
  ~LyingConfirms() { changed = 0; }
  static constexpr std::size_t kH0 = 1;
  static constexpr std::size_t kSignatureLength = 34;
  static inline std::size_t changed = 0;  ///< which octet; 0: none
  static inline std::size_t lies = 0;
};

void close_confirm(const EVP_CIPHER* cipher, const std::uint8_t* key, const std::uint8_t* iv,
                   const std::uint8_t* input, std::size_t length, std::uint8_t* output) {
  Octets plain(input, input + length);
  if (LyingConfirms::changed != 0 && length == 40) {
    plain[LyingConfirms::changed - 1] ^= 1;
    plain[LyingConfirms::changed] ^= 0xff;
    ++LyingConfirms::lies;
  }
  EVP_CIPHER_CTX* const context = EVP_CIPHER_CTX_new();
  int written = 0;
  EVP_EncryptInit_ex(context, cipher, nullptr, key, iv);
  EVP_EncryptUpdate(context, output, &written, plain.data(), static_cast<int>(length));
  EVP_CIPHER_CTX_free(context);
}

}  // namespace
}  // namespace sallyport::keying::test

// bzrtp does not free what it decrypted of a Confirm that it refuses afterwards: 40 octets an exchange.
extern "C" const char* __lsan_default_suppressions() {
  return "leak:bzrtp_packetParser\n";
}

// bzrtp's, as it closes what it sends: a peer that lies within what is authentic.
extern "C" void bctbx_aes128CfbEncrypt(const std::uint8_t* key, const std::uint8_t* IV,
                                       const std::uint8_t* input, std::size_t inputLength,
                                       std::uint8_t* output) {
  sallyport::keying::test::close_confirm(EVP_aes_128_cfb128(), key, IV, input, inputLength, output);
}
extern "C" void bctbx_aes256CfbEncrypt(const std::uint8_t* key, const std::uint8_t* IV,
                                       const std::uint8_t* input, std::size_t inputLength,
                                       std::uint8_t* output) {
  sallyport::keying::test::close_confirm(EVP_aes_256_cfb128(), key, IV, input, inputLength, output);
}

namespace sallyport::keying::test {
namespace {

using enum ZrtpAlgorithm;
using State = ZrtpAssociation::State;

void expect_secured(ZrtpConversation& talk) {
  ASSERT_EQ(talk.ours->state(), State::secured) << info(talk.ours->outcome()).name;
  ASSERT_TRUE(talk.peer.secured);
  EXPECT_EQ(talk.ours->security().sas, talk.peer.sas);
  EXPECT_FALSE(talk.peer.sas.empty());
  const auto keys = talk.ours->take_keys();
  ASSERT_TRUE(keys);
  EXPECT_FALSE(talk.ours->take_keys());
  const auto octets = [](const auto& secret) { return Octets(secret.view().begin(), secret.view().end()); };
  EXPECT_EQ(octets(keys->send.key), talk.peer.peer_key);
  EXPECT_EQ(octets(keys->send.salt), talk.peer.peer_salt);
  EXPECT_EQ(octets(keys->receive.key), talk.peer.self_key);
  EXPECT_EQ(octets(keys->receive.salt), talk.peer.self_salt);
  EXPECT_FALSE(crypto::same_master_key(keys->send, keys->receive));
  EXPECT_EQ(keys->send.key.size(), crypto::suite(keys->suite).key_length);
  EXPECT_EQ(keys->send.salt.size(), crypto::suite(keys->suite).salt_length);
  EXPECT_EQ(keys->suite, suite_of(talk.ours->security().algorithms));
}

/// Changes messages of one type, and makes their CRC right again.
ZrtpConversation::Change changing(ZrtpMessageType type, bool from_peer, std::function<void(Octets&)> how) {
  return [=](Octets& packet, bool by_peer) {
    if (packet.empty() || by_peer != from_peer || type_of(packet) != type) return;
    how(packet);
    if (!packet.empty()) number_zrtp(packet, load_be16(packet.data() + 2));
  };
}
ZrtpConversation::Change losing(ZrtpMessageType type, bool from_peer) {
  return changing(type, from_peer, [](Octets& packet) { packet.clear(); });
}

/// Who has had no HelloACK sends no Commit, and so becomes the responder.
ZrtpConversation::Change making_us_commit(bool we_commit) {
  return losing(ZrtpMessageType::hello_ack, !we_commit);
}

TEST(ZrtpAssociations, EveryAlgorithmGivesBothEndsTheSameKeys) {
  const std::vector<std::vector<ZrtpAlgorithm>> combinations = {
      {s256, aes1, hs80, x255, b32},  {s384, aes3, hs80, x448, b256}, {s256, aes3, hs32, dh3k, b32},
      {s384, aes1, hs32, x255, b256}, {s256, aes1, hs32, dh3k, b256},
  };
  for (const auto& wanted : combinations) {
    ZrtpSettings settings;
    settings.policy.algorithms = wanted;
    ZrtpConversation talk(std::move(settings),
                          {{ZRTP_KEYAGREEMENT_X255, ZRTP_KEYAGREEMENT_X448, ZRTP_KEYAGREEMENT_DH3k}});
    // Ours as initiator: then it is our order that counts.
    talk.run(making_us_commit(true));
    expect_secured(talk);
    const auto got = talk.ours->security().algorithms.all();
    EXPECT_TRUE(std::ranges::equal(got, wanted)) << info(wanted[0]).name << ' ' << info(wanted[3]).name;
    EXPECT_EQ(talk.peer.sas.find(':') != std::string::npos, wanted[4] == b256) << talk.peer.sas;
  }
}

TEST(ZrtpAssociations, BothRolesAndWhoeverCommitsFirst) {
  for (const bool we_commit : {false, true}) {
    ZrtpConversation talk;
    std::size_t answers = 0;
    const auto lose = making_us_commit(we_commit);
    talk.run([&](Octets& packet, bool from_peer) {
      if (type_of(packet) == ZrtpMessageType::dh_part1 && from_peer == we_commit) ++answers;
      lose(packet, from_peer);
    });
    expect_secured(talk);
    EXPECT_EQ(answers, 1U);
  }
  // Both Commits meet on the way.
  for (int again = 0; again < 8; ++again) {
    ZrtpConversation talk;
    talk.run();
    expect_secured(talk);
  }
}

TEST(ZrtpAssociations, BadPathsDelayThemOnly) {
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    ZrtpSettings settings;
    settings.limits.handshake_ms = 60000;
    ZrtpConversation talk(std::move(settings), {{ZRTP_KEYAGREEMENT_X255}},
                          {.loss = 20, .duplication = 20, .reordering = 30, .seed = seed});
    talk.run();
    // bzrtp gives a message up after eleven times: none of these seeds takes so many.
    expect_secured(talk);
  }
}

TEST(ZrtpAssociations, TheHelloHashIsTheOneThatThePeerChecks) {
  ZrtpConversation talk;
  talk.peer.expect(talk.ours->hello_hash());
  talk.run();
  expect_secured(talk);
  ZrtpConversation other;
  other.peer.expect(talk.ours->hello_hash());
  other.run({}, 3000);
  EXPECT_FALSE(other.peer.secured);
}

TEST(ZrtpAssociations, AHelloOfAnotherHashIsRefused) {
  RawZrtp honest;
  ZrtpSettings settings;
  settings.peer_hello_hash = honest.hello_hash();
  ZrtpConversation talk(std::move(settings));
  talk.run();
  EXPECT_EQ(talk.ours->state(), State::over);
  EXPECT_EQ(talk.ours->outcome(), ZrtpOutcome::impostor);
  EXPECT_GE(talk[ZrtpOutcome::wrong_hello_hash], 1U);
  EXPECT_EQ(talk[ZrtpOutcome::impostor], 1U);
  EXPECT_FALSE(talk.ours->take_keys());
  EXPECT_FALSE(talk.peer.secured);
}

TEST(ZrtpAssociations, AHashThatComesLateIsCheckedToo) {
  ZrtpConversation talk;
  talk.run();
  EXPECT_EQ(talk.ours->announce(talk.peer.hello_hash()), ZrtpOutcome::idle);
  EXPECT_EQ(talk.ours->announce(RawZrtp().hello_hash()), ZrtpOutcome::ignored);
  expect_secured(talk);
  ZrtpConversation other;
  other.run();
  EXPECT_EQ(other.ours->announce(talk.peer.hello_hash()), ZrtpOutcome::impostor);
  EXPECT_EQ(other.ours->state(), State::over);
  EXPECT_FALSE(other.ours->take_keys());
  ZrtpConversation early;
  early.ours->announce(early.peer.hello_hash());
  early.run();
  expect_secured(early);
}

TEST(ZrtpAssociations, TheRightHelloIsTakenAmongForgedOnes) {
  ZrtpSettings settings;
  std::optional<ZrtpConversation> talk;
  RawZrtp attacker;
  attacker.start(1000);
  talk.emplace(std::move(settings));
  talk->ours->announce(talk->peer.hello_hash());
  talk->ours->begin(talk->outbox, talk->now);
  EXPECT_EQ(talk->ours->receive(attacker.sent.front(), talk->now), ZrtpOutcome::wrong_hello_hash);
  talk->run();
  expect_secured(*talk);
}

TEST(ZrtpAssociations, DamagedPacketsAreDroppedAndCounted) {
  ZrtpConversation talk;
  std::size_t damaged = 0;
  talk.run([&](Octets& packet, bool from_peer) {
    if (from_peer && damaged < 3) packet[20 + damaged++] ^= 1;
  });
  EXPECT_EQ(talk[ZrtpOutcome::wrong_crc], 3U);
  expect_secured(talk);
  EXPECT_EQ(talk.ours->receive(Octets{16, 0, 0}, talk.now), ZrtpOutcome::malformed);
}

TEST(ZrtpAssociations, AChangedConfirmIsDroppedAndTheRightOneTaken) {
  for (const auto& [type, we_commit] :
       {std::pair{ZrtpMessageType::confirm1, true}, {ZrtpMessageType::confirm2, false}}) {
    ZrtpConversation talk;
    bool changed = false;
    const auto change = changing(type, true, [&](Octets& packet) {
      if (!std::exchange(changed, true)) packet[24] ^= 1;  // its MAC
    });
    const auto lose = making_us_commit(we_commit);
    talk.run([&](Octets& packet, bool from_peer) {
      lose(packet, from_peer);
      change(packet, from_peer);
    });
    EXPECT_EQ(talk[ZrtpOutcome::wrong_confirm_mac], 1U);
    expect_secured(talk);
  }
}

TEST(ZrtpAssociations, AChangedHelloEndsTheExchange) {
  // The MAC of a Hello can be checked when the next message has shown its key.
  ZrtpConversation talk;
  const auto change =
      changing(ZrtpMessageType::hello, true, [](Octets& packet) { packet[kZrtpOverhead + 30] ^= 1; });
  talk.run(change);
  EXPECT_EQ(talk.ours->state(), State::over);
  EXPECT_TRUE(talk.ours->outcome() == ZrtpOutcome::wrong_message_mac ||
              talk.ours->outcome() == ZrtpOutcome::timed_out)
      << info(talk.ours->outcome()).name;
  EXPECT_FALSE(talk.ours->take_keys());
}

// What bzrtp would copy from behind the end of what it decrypted, where no sanitizer looks.
TEST(ZrtpConfirms, AreOpenedWithoutTheLengthOfASignature) {
  EXPECT_TRUE(confirms_are_guarded());
  const Octets key(32, 0x11);
  const Octets iv(16, 0x22);
  const Octets plain(40, 0xff);
  for (const bool is_long : {false, true}) {
    Octets closed(plain.size());
    Octets opened(plain.size());
    close_confirm(is_long ? EVP_aes_256_cfb128() : EVP_aes_128_cfb128(), key.data(), iv.data(), plain.data(),
                  plain.size(), closed.data());
    (is_long ? bctbx_aes256CfbDecrypt : bctbx_aes128CfbDecrypt)(key.data(), iv.data(), closed.data(),
                                                                closed.size(), opened.data());
    Octets expected = plain;
    expected[33] = 0xfe;
    expected[34] = 0;
    EXPECT_EQ(opened, expected);
  }
}

TEST(ZrtpAssociations, AConfirmThatClaimsASignatureIsReadNoFurther) {
  for (const bool we_commit : {false, true}) {
    for (const std::uint8_t cipher : {std::uint8_t{ZRTP_CIPHER_AES1}, std::uint8_t{ZRTP_CIPHER_AES3}}) {
      const LyingConfirms lie(LyingConfirms::kSignatureLength);
      ZrtpConversation talk({}, {.ciphers = {cipher, ZRTP_CIPHER_AES1}});
      talk.run(making_us_commit(we_commit));
      EXPECT_GE(LyingConfirms::lies, 1U);
      expect_secured(talk);
    }
  }
}

TEST(ZrtpAssociations, AConfirmOfAnotherChainEndsTheExchange) {
  for (const bool we_commit : {false, true}) {
    const LyingConfirms lie(LyingConfirms::kH0);
    ZrtpConversation talk;
    talk.run(making_us_commit(we_commit));
    EXPECT_TRUE(we_commit ? talk.ours->outcome() == ZrtpOutcome::wrong_message_mac : !talk.peer.secured);
    EXPECT_FALSE(talk.ours->take_keys());
    EXPECT_EQ(talk[ZrtpOutcome::wrong_hash_chain], 0U);
  }
}

TEST(ZrtpAssociations, CommitsOfStrangersChangeNothing) {
  for (const ZrtpMessageType type : {ZrtpMessageType::commit, ZrtpMessageType::dh_part2}) {
    ZrtpConversation talk;
    const auto lose = making_us_commit(false);
    talk.run([&](Octets& packet, bool from_peer) {
      lose(packet, from_peer);
      if (!from_peer || packet.empty() || type_of(packet) != type) return;
      Octets forged = packet;
      forged[kZrtpHeaderLength + kZrtpMessageHeaderLength] ^= 1;  // H2, or H1
      number_zrtp(forged, 65535);
      EXPECT_EQ(talk.ours->receive(forged, talk.now), ZrtpOutcome::wrong_hash_chain);
      // Nor do such that would end the exchange, if they were the peer's: other algorithms, a public value of
      // 0.
      std::fill(forged.begin() + 88, forged.end() - 12, std::uint8_t{0});
      std::fill(forged.begin() + 56 + kZrtpHeaderLength, forged.begin() + 72, std::uint8_t{'X'});
      number_zrtp(forged, 65535);
      EXPECT_EQ(talk.ours->receive(forged, talk.now), ZrtpOutcome::wrong_hash_chain);
    });
    expect_secured(talk);
  }
}

TEST(ZrtpAssociations, AForgedSequenceNumberStopsNobody) {
  ZrtpConversation talk;
  talk.ours->begin(talk.outbox, talk.now);
  Octets forged = write_zrtp(ZrtpMessageType::hello_ack, 0x12345678);
  number_zrtp(forged, 65535);
  talk.ours->receive(forged, talk.now);
  talk.run();
  expect_secured(talk);
}

TEST(ZrtpAssociations, ACommitToWhatWasNotAgreedIsRefused) {
  struct Case {
    std::size_t offset;  ///< of the algorithm in the message, after H2 and the ZID
    std::string_view code;
    std::uint32_t error;
  };
  for (const Case& wrong : {Case{56, "S512", 0x51},
                            {60, "2FS1", 0x52},
                            {64, "SK32", 0x54},
                            {68, "X448", 0x53},
                            {68, "DH3k", 0x53},
                            {72, "B999", 0x55}}) {
    ZrtpConversation talk;
    const auto lose = making_us_commit(false);
    const auto change = changing(ZrtpMessageType::commit, true, [&](Octets& packet) {
      std::ranges::copy(wrong.code, packet.begin() + kZrtpHeaderLength + static_cast<long>(wrong.offset));
    });
    talk.run([&](Octets& packet, bool from_peer) {
      lose(packet, from_peer);
      change(packet, from_peer);
    });
    EXPECT_EQ(talk.ours->outcome(), ZrtpOutcome::no_common_algorithm) << wrong.code;
    EXPECT_EQ(talk[ZrtpOutcome::no_common_algorithm], 1U);
    EXPECT_FALSE(talk.peer.secured);
  }
}

TEST(ZrtpAssociations, ACommitOfAnotherZidIsDropped) {
  ZrtpConversation talk;
  const auto lose = making_us_commit(false);
  const auto change = changing(ZrtpMessageType::commit, true, [](Octets& packet) { packet[56] ^= 1; });
  talk.run([&](Octets& packet, bool from_peer) {
    lose(packet, from_peer);
    change(packet, from_peer);
  });
  EXPECT_GE(talk[ZrtpOutcome::refused], 1U);
  EXPECT_EQ(talk.ours->outcome(), ZrtpOutcome::timed_out);
}

TEST(ZrtpAssociations, APolicyIsKeptInEitherRole) {
  for (const bool we_commit : {false, true}) {
    ZrtpSettings settings;
    settings.policy.algorithms = {s256, aes3, hs80, hs32, x255, dh3k, b32};
    ZrtpConversation talk(std::move(settings), {.ciphers = {ZRTP_CIPHER_AES1}});
    talk.run(making_us_commit(we_commit), 5000);
    EXPECT_EQ(talk.ours->outcome(), ZrtpOutcome::no_common_algorithm);
    EXPECT_FALSE(talk.peer.secured);
  }
}

TEST(ZrtpAssociations, AKnownSecretIsRefused) {
  for (const bool we_commit : {false, true}) {
    for (const int agreement : {ZRTP_KEYAGREEMENT_DH3k, ZRTP_KEYAGREEMENT_X255}) {
      ZrtpSettings settings;
      settings.policy.algorithms = {s256, aes1, hs80, hs32, dh3k, b32};
      if (agreement == ZRTP_KEYAGREEMENT_X255)
        settings.policy.algorithms.insert(settings.policy.algorithms.begin(), x255);
      ZrtpConversation talk(std::move(settings), {.agreements = {static_cast<std::uint8_t>(agreement)}});
      const auto lose = making_us_commit(we_commit);
      const auto change = changing(we_commit ? ZrtpMessageType::dh_part1 : ZrtpMessageType::dh_part2, true,
                                   [](Octets& packet) {
                                     std::fill(packet.begin() + 88, packet.end() - 12, std::uint8_t{0});
                                     packet[packet.size() - 13] = 1;
                                     if (packet.size() < 200) packet[packet.size() - 13] = 0;
                                   });
      std::vector<std::uint32_t> codes;
      talk.run([&](Octets& packet, bool from_peer) {
        lose(packet, from_peer);
        change(packet, from_peer);
      });
      EXPECT_EQ(talk.ours->outcome(), ZrtpOutcome::bad_public_value);
      EXPECT_FALSE(talk.ours->take_keys());
    }
  }
}

TEST(ZrtpAssociations, ErrorsEndWhatIsUnderWay) {
  ZrtpConversation talk;
  const Octets error = write_zrtp_error(0x12345678, ZrtpErrorCode::protocol_timeout);
  talk.ours->begin(talk.outbox, talk.now);
  EXPECT_EQ(talk.ours->receive(error, talk.now), ZrtpOutcome::ignored);
  talk.peer.start(talk.now);
  for (const Octets& packet : talk.peer.sent) talk.ours->receive(packet, talk.now);
  talk.outbox.forget();
  EXPECT_EQ(talk.ours->receive(error, talk.now), ZrtpOutcome::error_received);
  ASSERT_EQ(talk.outbox.datagrams.size(), 1U);
  EXPECT_EQ(type_of(talk.outbox.datagrams[0]), ZrtpMessageType::error_ack);
  EXPECT_EQ(talk.ours->state(), State::over);
  EXPECT_EQ(talk.ours->receive(error, talk.now), ZrtpOutcome::ignored);
}

TEST(ZrtpAssociations, NobodyTalksThemIntoTheClear) {
  ZrtpConversation talk;
  talk.run();
  talk.outbox.forget();
  EXPECT_EQ(talk.ours->receive(write_zrtp(ZrtpMessageType::go_clear, 1, Octets(8)), talk.now),
            ZrtpOutcome::go_clear_refused);
  EXPECT_EQ(talk.ours->receive(write_zrtp_error(1, ZrtpErrorCode::equal_zids), talk.now),
            ZrtpOutcome::ignored);
  EXPECT_EQ(talk.errors(), std::vector<std::uint32_t>{0x100});
  expect_secured(talk);
}

TEST(ZrtpAssociations, PingsAreAnswered) {
  ZrtpConversation talk;
  talk.ours->begin(talk.outbox, talk.now);
  talk.outbox.forget();
  Octets body(12, 0x21);
  std::ranges::copy(std::string_view("1.10"), body.begin());
  talk.ours->receive(write_zrtp(ZrtpMessageType::ping, 0x01020304, body), talk.now);
  ASSERT_EQ(talk.outbox.datagrams.size(), 1U);
  const Octets& answer = talk.outbox.datagrams[0];
  ASSERT_EQ(type_of(answer), ZrtpMessageType::ping_ack);
  EXPECT_EQ(answer[36], 0x21);
  EXPECT_EQ(load_be32(answer.data() + 44), 0x01020304U);
}

TEST(ZrtpAssociations, APeerMayTakeItsTime) {
  ZrtpConversation talk;
  talk.ours->begin(talk.outbox, talk.now);
  talk.go_on();
  EXPECT_EQ(talk.ours->state(), State::waiting);
  EXPECT_EQ(talk.ours->outcome(), ZrtpOutcome::unanswered);
  EXPECT_EQ(talk.ours->deadline(), talk.now - 10 + ZrtpLimits{}.patience_ms);
  // RFC 6189 §6, table 9: T1 sends a Hello twenty times again, and so does bzrtp, or nearly.
  EXPECT_GE(talk.outbox.count, 20U);
  EXPECT_LE(talk.outbox.count, 23U);
  EXPECT_EQ(talk.ours->receive(write_zrtp(ZrtpMessageType::hello_ack, 1), talk.now), ZrtpOutcome::ignored);
  talk.now += ZrtpLimits{}.patience_ms - 20;
  talk.peer.start(talk.now);
  for (const Octets& packet : std::exchange(talk.peer.sent, {})) talk.ours->receive(packet, talk.now);
  EXPECT_EQ(talk.ours->state(), State::handshaking);
  talk.go_on();
  expect_secured(talk);
}

TEST(ZrtpAssociations, ButNotForEver) {
  ZrtpConversation talk;
  talk.ours->begin(talk.outbox, talk.now);
  talk.go_on();
  ASSERT_TRUE(talk.ours->deadline());
  EXPECT_EQ(talk.ours->on_timer(*talk.ours->deadline()), ZrtpOutcome::timed_out);
  EXPECT_EQ(talk.ours->state(), State::over);
  EXPECT_FALSE(talk.ours->deadline());
  talk.peer.start(talk.now);
  EXPECT_EQ(talk.ours->receive(talk.peer.sent.front(), talk.now), ZrtpOutcome::ignored);
}

TEST(ZrtpAssociations, WhoFallsSilentTimesOut) {
  ZrtpConversation talk;
  talk.run([&](Octets& packet, bool from_peer) {
    if (from_peer && type_of(packet) != ZrtpMessageType::hello) packet.clear();
  });
  EXPECT_EQ(talk.ours->outcome(), ZrtpOutcome::timed_out);
  EXPECT_EQ(talk.ours->state(), State::over);
  EXPECT_LE(talk.now, 1000 + ZrtpLimits{}.handshake_ms + 100);
}

TEST(ZrtpAssociations, OctetsAreBounded) {
  ZrtpSettings settings;
  settings.limits.max_received = 2000;
  ZrtpConversation talk(std::move(settings));
  talk.ours->begin(talk.outbox, talk.now);
  talk.peer.start(talk.now);
  const Octets hello = talk.peer.sent.front();
  ZrtpOutcome last = ZrtpOutcome::progress;
  std::size_t taken = 0;
  for (; taken < 100 && last == ZrtpOutcome::progress; ++taken) last = talk.ours->receive(hello, talk.now);
  EXPECT_EQ(last, ZrtpOutcome::too_much_data);
  EXPECT_EQ(taken, 2000 / hello.size() + 1);
  // Nobody gets more back than came, but for what we say to begin with.
  EXPECT_LE(talk.outbox.octets, 2 * 200 + taken * hello.size());
}

TEST(ZrtpAssociations, OurOwnEchoIsNoPeer) {
  ZrtpConversation talk;
  talk.ours->begin(talk.outbox, talk.now);
  const Octets own = talk.outbox.take().front();
  EXPECT_EQ(talk.ours->receive(own, talk.now), ZrtpOutcome::equal_zids);
  EXPECT_EQ(talk.errors(), std::vector<std::uint32_t>{0x90});
}

TEST(ZrtpAssociations, AnotherVersionIsDropped) {
  ZrtpConversation talk;
  talk.run(changing(ZrtpMessageType::hello, true, [](Octets& packet) { packet[24] = '2'; }), 3000);
  EXPECT_GE(talk[ZrtpOutcome::wrong_version], 1U);
  EXPECT_FALSE(talk.peer.secured);
}

TEST(ZrtpAssociations, TheLastAcknowledgementCanBeHadAgainForAWhile) {
  ZrtpConversation talk;
  Octets confirm2;
  const auto lose = making_us_commit(false);
  talk.run([&](Octets& packet, bool from_peer) {
    lose(packet, from_peer);
    if (!packet.empty() && from_peer && type_of(packet) == ZrtpMessageType::confirm2) confirm2 = packet;
  });
  ASSERT_FALSE(confirm2.empty());
  talk.outbox.forget();
  talk.ours->receive(confirm2, talk.now);
  ASSERT_EQ(talk.outbox.datagrams.size(), 1U);
  EXPECT_EQ(type_of(talk.outbox.take().front()), ZrtpMessageType::conf2_ack);
  ASSERT_TRUE(talk.ours->deadline());
  talk.ours->on_timer(*talk.ours->deadline());
  EXPECT_FALSE(talk.ours->deadline());
  EXPECT_EQ(talk.ours->receive(confirm2, talk.now), ZrtpOutcome::ignored);
  EXPECT_TRUE(talk.outbox.datagrams.empty());
  expect_secured(talk);
}

TEST(ZrtpAssociations, AfterTheEndNothingIsLeft) {
  ZrtpConversation talk;
  talk.run();
  EXPECT_EQ(talk.ours->close(), ZrtpOutcome::closed);
  EXPECT_EQ(talk.ours->close(), ZrtpOutcome::ignored);
  EXPECT_FALSE(talk.ours->take_keys());
  EXPECT_FALSE(talk.ours->deadline());
}

}  // namespace
}  // namespace sallyport::keying::test
