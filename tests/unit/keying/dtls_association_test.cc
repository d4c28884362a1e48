// SPDX-License-Identifier: GPL-3.0-or-later
// Handshakes of two of ours, in fair and foul weather.
#include "keying/dtls_association.h"

#include <gtest/gtest.h>

#include "tests/unit/keying/dtls_rig.h"

namespace sallyport::keying::test {
namespace {

using State = DtlsAssociation::State;
using enum crypto::SuiteId;

DtlsSettings client_settings() {
  return settings_for(DtlsRole::active, ecdsa_identity(), other_identity());
}
DtlsSettings server_settings() {
  return settings_for(DtlsRole::passive, other_identity(), ecdsa_identity());
}

bool same(const crypto::KeyMaterial& left, const crypto::KeyMaterial& right) {
  return std::ranges::equal(left.key.view(), right.key.view()) &&
         std::ranges::equal(left.salt.view(), right.salt.view());
}

/// Both have keys, each other's.
void expect_mirrored_keys(Pair& pair, crypto::SuiteId suite) {
  ASSERT_EQ(pair.client.state(), State::established);
  ASSERT_EQ(pair.server.state(), State::established);
  const auto ours = pair.client.association.take_keys();
  const auto theirs = pair.server.association.take_keys();
  ASSERT_TRUE(ours && theirs);
  EXPECT_EQ(ours->suite, suite);
  EXPECT_EQ(theirs->suite, suite);
  EXPECT_EQ(ours->send.key.size(), crypto::suite(suite).key_length);
  EXPECT_EQ(ours->send.salt.size(), crypto::suite(suite).salt_length);
  EXPECT_TRUE(same(ours->send, theirs->receive));
  EXPECT_TRUE(same(ours->receive, theirs->send));
  EXPECT_FALSE(same(ours->send, ours->receive));
  EXPECT_FALSE(pair.client.association.take_keys());
}

TEST(DtlsAssociation, BothEndsGetEachOthersKeys) {
  Pair pair(client_settings(), server_settings());
  pair.exchange();
  expect_mirrored_keys(pair, aead_aes_256_gcm);
  EXPECT_LE(pair.client.outbox.largest, 1200U);
  EXPECT_LE(pair.server.outbox.largest, 1200U);
  EXPECT_EQ(pair.server.association.wire().withheld(), 0U);
}

TEST(DtlsAssociation, NoTwoHandshakesGiveTheSameKeys) {
  Pair one(client_settings(), server_settings());
  Pair two(client_settings(), server_settings());
  one.exchange();
  two.exchange();
  EXPECT_FALSE(same(one.client.association.take_keys()->send, two.client.association.take_keys()->send));
}

TEST(DtlsAssociation, EveryProfileAlone) {
  for (const crypto::SuiteId suite : all_profiles()) {
    DtlsSettings client = client_settings();
    client.profiles = {suite};
    Pair pair(std::move(client), server_settings());
    pair.exchange();
    expect_mirrored_keys(pair, suite);
  }
}

TEST(DtlsAssociation, ThePassiveEndsOrderDecides) {
  DtlsSettings server = server_settings();
  server.profiles = {aes_cm_128_hmac_sha1_32, aead_aes_128_gcm, aead_aes_256_gcm};
  DtlsSettings client = client_settings();
  client.profiles = {aead_aes_256_gcm, aead_aes_128_gcm, aes_cm_128_hmac_sha1_32};
  Pair pair(std::move(client), std::move(server));
  pair.exchange();
  expect_mirrored_keys(pair, aes_cm_128_hmac_sha1_32);
}

TEST(DtlsAssociation, RsaAndEcdsaEachWithEach) {
  for (const auto& ours : {ecdsa_identity(), rsa_identity()})
    for (const auto& theirs : {other_identity(), rsa_identity()}) {
      Pair pair(settings_for(DtlsRole::active, ours, theirs), settings_for(DtlsRole::passive, theirs, ours));
      pair.run();
      expect_mirrored_keys(pair, aead_aes_256_gcm);
    }
}

TEST(DtlsAssociation, NoCommonProfileIsSaidByBoth) {
  DtlsSettings client = client_settings();
  client.profiles = {aead_aes_128_gcm};
  DtlsSettings server = server_settings();
  server.profiles = {aes_cm_128_hmac_sha1_80};
  Pair pair(std::move(client), std::move(server));
  pair.exchange();
  // The client sees it first, in the ServerHello, and tells the server.
  EXPECT_EQ(pair.client.association.outcome(), DtlsOutcome::no_common_profile);
  EXPECT_EQ(pair.server.association.outcome(), DtlsOutcome::alert_received);
  EXPECT_FALSE(pair.client.association.take_keys());
}

TEST(DtlsAssociation, WithoutAnyProfileThereIsNoHandshake) {
  DtlsSettings client = client_settings();
  client.profiles = {aes_256_cm_hmac_sha1_80};  // has no number in DTLS
  EXPECT_FALSE(has_dtls_profile(aes_256_cm_hmac_sha1_80));
  Pair pair(std::move(client), server_settings());
  pair.exchange();
  EXPECT_EQ(pair.client.association.outcome(), DtlsOutcome::no_common_profile);
}

struct WrongFingerprint {
  DtlsRole deceived;
};
class DtlsFingerprints : public testing::TestWithParam<DtlsRole> {
 protected:
  /// A pair in which the end of this role is told `announced` about its peer.
  std::unique_ptr<Pair> pair(std::vector<crypto::Fingerprint> announced) {
    DtlsSettings client = client_settings();
    DtlsSettings server = server_settings();
    (GetParam() == DtlsRole::active ? client : server).peer_fingerprints = std::move(announced);
    auto made = std::make_unique<Pair>(std::move(client), std::move(server));
    made->exchange();
    return made;
  }
  static End& told(Pair& pair) { return GetParam() == DtlsRole::active ? pair.client : pair.server; }
  static End& other(Pair& pair) { return GetParam() == DtlsRole::active ? pair.server : pair.client; }
  /// The right ones of the peer of the end in question.
  static const crypto::CertificateFingerprints& right() {
    return (GetParam() == DtlsRole::active ? other_identity() : ecdsa_identity())->fingerprints();
  }
  static const crypto::CertificateFingerprints& wrong() { return rsa_identity()->fingerprints(); }
};

TEST_P(DtlsFingerprints, AWrongOneEndsTheHandshakeWithoutKeys) {
  const auto made = pair({wrong()[0]});
  EXPECT_EQ(told(*made).association.outcome(), DtlsOutcome::wrong_fingerprint);
  EXPECT_EQ(told(*made).state(), State::over);
  EXPECT_FALSE(told(*made).association.take_keys());
  EXPECT_TRUE(info(other(*made).association.outcome()).is_failure);
}

TEST_P(DtlsFingerprints, EveryHashFunctionServes) {
  for (const crypto::Fingerprint& fingerprint : right())
    EXPECT_EQ(told(*pair({fingerprint})).state(), State::established);
}

TEST_P(DtlsFingerprints, AnyOfTheStrongestMayMatch) {
  EXPECT_EQ(told(*pair({wrong()[1], right()[1]})).state(), State::established);
  EXPECT_EQ(told(*pair({wrong()[0], right()[2]})).state(), State::established);
  EXPECT_EQ(told(*pair({right()[0], right()[1], right()[2]})).state(), State::established);
}

TEST_P(DtlsFingerprints, AWeakerOneDoesNotMakeUpForAStrongerThatIsWrong) {
  EXPECT_EQ(told(*pair({right()[0], wrong()[2]})).association.outcome(), DtlsOutcome::wrong_fingerprint);
  EXPECT_EQ(told(*pair({right()[1], right()[0], wrong()[2]})).association.outcome(),
            DtlsOutcome::wrong_fingerprint);
}

TEST_P(DtlsFingerprints, OneFlippedBitIsAnother) {
  crypto::Fingerprint almost = right()[0];
  almost.octets[31] ^= 1;
  EXPECT_EQ(told(*pair({almost})).association.outcome(), DtlsOutcome::wrong_fingerprint);
}

TEST_P(DtlsFingerprints, KeysWaitForTheAnnouncement) {
  const auto made = pair({});
  DtlsAssociation& association = told(*made).association;
  EXPECT_EQ(association.state(), State::unverified);
  EXPECT_FALSE(association.take_keys());
  EXPECT_EQ(association.announce(std::vector{right()[0]}, 2000), DtlsOutcome::established);
  EXPECT_TRUE(association.take_keys());
  // What is said later changes nothing.
  EXPECT_EQ(association.announce(std::vector{wrong()[0]}, 2000), DtlsOutcome::ignored);
  EXPECT_EQ(association.state(), State::established);
}

TEST_P(DtlsFingerprints, ALateAnnouncementMayBeWrongToo) {
  const auto made = pair({});
  EXPECT_EQ(told(*made).association.announce(std::vector{wrong()[0]}, 2000), DtlsOutcome::wrong_fingerprint);
  EXPECT_FALSE(told(*made).association.take_keys());
  made->exchange();
  EXPECT_EQ(other(*made).association.outcome(),
            GetParam() == DtlsRole::active ? DtlsOutcome::closed_by_peer : DtlsOutcome::established);
}

INSTANTIATE_TEST_SUITE_P(Roles, DtlsFingerprints, testing::Values(DtlsRole::active, DtlsRole::passive),
                         [](const auto& role) {
                           return role.param == DtlsRole::active ? "Active" : "Passive";
                         });

TEST(DtlsAssociation, SurvivesLossDuplicationAndReordering) {
  unsigned done = 0;
  for (std::uint32_t seed = 1; seed <= 100; ++seed) {
    Pair pair(client_settings(), server_settings(), {20, 20, 20, false, seed});
    pair.run();
    // The client may have given up where the last flight was lost every time; never may only one of two be
    // wrong.
    if (pair.client.state() == State::established) {
      ++done;
      expect_mirrored_keys(pair, aead_aes_256_gcm);
    }
  }
  EXPECT_GE(done, 97U);
}

TEST(DtlsAssociation, SurvivesFlightsInOneDatagram) {
  DtlsSettings client = client_settings();
  client.limits.mtu = 400;
  DtlsSettings server = server_settings();
  server.limits.mtu = 300;
  Pair pair(std::move(client), std::move(server), {0, 0, 0, true, 1});
  pair.run();
  expect_mirrored_keys(pair, aead_aes_256_gcm);
  EXPECT_LE(pair.client.outbox.largest, 400U);
  EXPECT_LE(pair.server.outbox.largest, 300U);
}

TEST(DtlsAssociation, ALostLastFlightIsSentAgain) {
  Pair pair(client_settings(), server_settings());
  const auto deliver = [&](std::deque<Octets> datagrams, End& to) {
    for (const Octets& datagram : datagrams) to.association.receive(datagram, pair.now);
  };
  deliver(pair.client.outbox.take(), pair.server);
  deliver(pair.server.outbox.take(), pair.client);
  deliver(pair.client.outbox.take(), pair.server);
  ASSERT_EQ(pair.server.state(), State::established);
  EXPECT_FALSE(pair.server.outbox.take().empty());  // lost
  ASSERT_EQ(pair.client.state(), State::handshaking);
  ASSERT_TRUE(pair.advance());
  pair.exchange();
  expect_mirrored_keys(pair, aead_aes_256_gcm);
}

TEST(DtlsAssociation, ASilentPeerIsAskedAgainAndThenGivenUp) {
  End client(client_settings());
  InstantMs now = 5000;
  EXPECT_EQ(client.association.start(now), DtlsOutcome::progress);
  EXPECT_EQ(client.outbox.count, 1U);
  std::vector<InstantMs> waits;
  while (client.association.deadline()) {
    const InstantMs next = *client.association.deadline();
    EXPECT_EQ(client.association.on_timer(next - 1), DtlsOutcome::idle);
    waits.push_back(next - now);
    wall_clock_ms += next - now;
    now = next;
    const DtlsOutcome outcome = client.association.on_timer(now);
    if (outcome == DtlsOutcome::timed_out) break;
    EXPECT_EQ(outcome, DtlsOutcome::retransmitted);
  }
  EXPECT_EQ(client.association.outcome(), DtlsOutcome::timed_out);
  EXPECT_FALSE(client.association.deadline());
  EXPECT_EQ(now, 5000 + DtlsLimits{}.handshake_ms);
  const std::vector<InstantMs> first(waits.begin(), waits.begin() + 6);
  EXPECT_EQ(first, (std::vector<InstantMs>{100, 200, 400, 800, 1600, 2000}));
}

TEST(DtlsAssociation, APassiveEndWaitsWithoutATimer) {
  End server(server_settings());
  EXPECT_EQ(server.association.start(0), DtlsOutcome::idle);
  EXPECT_FALSE(server.association.deadline());
  EXPECT_EQ(server.outbox.count, 0U);
  EXPECT_EQ(server.state(), State::waiting);
}

TEST(DtlsAssociation, AnUnprovenAddressGetsLittle) {
  End client(client_settings());
  client.association.start(0);
  const Octets hello = client.outbox.datagrams.front();
  DtlsSettings settings = server_settings();
  settings.limits.handshake_ms = 600'000;
  End server(std::move(settings));
  server.association.receive(hello, 0);
  InstantMs now = 0;
  for (int i = 0; i < 8 && server.association.deadline(); ++i) {
    const InstantMs next = *server.association.deadline();
    wall_clock_ms += next - now;
    now = next;
    server.association.on_timer(now);
  }
  EXPECT_LE(server.outbox.octets, DtlsWire::Budget{}.allowance + 3 * hello.size());
  EXPECT_GT(server.association.wire().withheld(), 0U);
  // The flood's other half: what comes from there raises the budget only by its own size.
  EXPECT_FALSE(server.association.path_is_proven());
}

TEST(DtlsAssociation, AValidatedAddressGetsWhatItNeeds) {
  End client(client_settings());
  client.association.start(0);
  DtlsSettings settings = server_settings();
  settings.budget = {.is_unlimited = true};
  End server(std::move(settings));
  server.association.receive(client.outbox.datagrams.front(), 0);
  InstantMs now = 0;
  while (server.association.deadline()) {
    const InstantMs next = *server.association.deadline();
    wall_clock_ms += next - now;
    now = next;
    server.association.on_timer(now);
  }
  EXPECT_EQ(server.association.outcome(), DtlsOutcome::timed_out);
  EXPECT_EQ(server.association.wire().withheld(), 0U);
}

TEST(DtlsAssociation, ASpoofedHelloChangesNothingOnALiveAssociation) {
  End stranger(settings_for(DtlsRole::active, rsa_identity(), nullptr));
  stranger.association.start(0);
  const Octets hello = stranger.outbox.datagrams.front();
  Pair pair(client_settings(), server_settings());
  pair.exchange();
  for (End* end : {&pair.client, &pair.server}) {
    const std::size_t sent = end->outbox.count;
    EXPECT_EQ(end->association.receive(hello, pair.now), DtlsOutcome::ignored);
    EXPECT_EQ(end->outbox.count, sent);
    EXPECT_EQ(end->state(), State::established);
  }
  expect_mirrored_keys(pair, aead_aes_256_gcm);
}

TEST(DtlsAssociation, ASpoofedHelloDoesNotDisturbAHandshake) {
  End stranger(settings_for(DtlsRole::active, rsa_identity(), nullptr));
  stranger.association.start(0);
  Pair pair(client_settings(), server_settings());
  for (const Octets& datagram : pair.client.outbox.take())
    pair.server.association.receive(datagram, pair.now);
  pair.server.association.receive(stranger.outbox.datagrams.front(), pair.now);
  pair.run();
  expect_mirrored_keys(pair, aead_aes_256_gcm);
}

TEST(DtlsAssociation, CloseNotifyIsSentAndUnderstood) {
  for (const bool client_closes : {true, false}) {
    Pair pair(client_settings(), server_settings());
    pair.exchange();
    End& closes = client_closes ? pair.client : pair.server;
    End& hears = client_closes ? pair.server : pair.client;
    EXPECT_EQ(closes.association.close(), DtlsOutcome::closed);
    EXPECT_EQ(closes.outbox.datagrams.size(), 1U);
    pair.exchange();
    // An active end has settled by then, and does not hear it.
    EXPECT_EQ(hears.association.outcome(),
              client_closes ? DtlsOutcome::closed_by_peer : DtlsOutcome::established);
    EXPECT_EQ(hears.association.take_keys().has_value(), !client_closes);
    EXPECT_EQ(closes.association.close(), DtlsOutcome::ignored);
  }
}

TEST(DtlsAssociation, ClosingBeforeTheEndSaysNothing) {
  End client(client_settings());
  client.association.start(0);
  static_cast<void>(client.outbox.take());
  EXPECT_EQ(client.association.close(), DtlsOutcome::closed);
  EXPECT_TRUE(client.outbox.datagrams.empty());
  EXPECT_FALSE(client.association.deadline());
}

TEST(DtlsAssociation, AnActiveEndSettlesAtOnceAndAPassiveOneInTime) {
  Pair pair(client_settings(), server_settings());
  pair.exchange();
  EXPECT_FALSE(pair.client.association.deadline());
  EXPECT_EQ(pair.server.association.deadline(), pair.now + DtlsLimits{}.linger_ms);
  pair.now = *pair.server.association.deadline();
  EXPECT_EQ(pair.server.association.on_timer(pair.now), DtlsOutcome::idle);
  EXPECT_FALSE(pair.server.association.deadline());
  expect_mirrored_keys(pair, aead_aes_256_gcm);
}

TEST(DtlsAssociation, SettledItKeepsKeysAndItsFarewell) {
  Pair pair(client_settings(), server_settings());
  pair.exchange();
  pair.server.association.settle();
  EXPECT_FALSE(pair.server.association.deadline());
  EXPECT_TRUE(pair.server.outbox.datagrams.empty());  // the farewell waits
  EXPECT_EQ(pair.server.association.receive(Octets{21, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0}, 0),
            DtlsOutcome::ignored);
  EXPECT_EQ(pair.server.state(), State::established);
  EXPECT_TRUE(pair.server.association.take_keys());
  EXPECT_EQ(pair.server.association.close(), DtlsOutcome::closed);
  EXPECT_EQ(pair.server.outbox.datagrams.size(), 1U);
  EXPECT_EQ(pair.server.outbox.datagrams.front()[0], 21);  // an alert
}

TEST(DtlsAssociation, SettlingAnUnfinishedHandshakeIsNothing) {
  Pair pair(client_settings(), server_settings());
  pair.client.association.settle();
  pair.exchange();
  expect_mirrored_keys(pair, aead_aes_256_gcm);
}

TEST(DtlsAssociation, RubbishIsDroppedWithoutHarm) {
  Pair pair(client_settings(), server_settings());
  const Octets rubbish[] = {{},
                            {22},
                            {22, 0xfe, 0xfd},
                            Octets(40, 0x16),
                            Octets(1500, 0x3f),
                            {20, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 1}};
  for (const Octets& octets : rubbish) {
    EXPECT_EQ(pair.server.association.receive(octets, pair.now), DtlsOutcome::malformed);
    EXPECT_EQ(pair.client.association.receive(octets, pair.now), DtlsOutcome::malformed);
  }
  pair.exchange();
  expect_mirrored_keys(pair, aead_aes_256_gcm);
}

TEST(DtlsAssociation, MessagesThatClaimTooMuchAreDropped) {
  End server(server_settings());
  //                 type version     epoch sequence          length  type length       seq   offset    length
  //                 body
  const Octets huge{22, 0xfe, 0xfd, 0,    0, 0, 0, 0, 0, 0, 1, 0, 13,
                    1,  0x01, 0x00, 0x00, 0, 0, 0, 0, 0, 0, 0, 1, 0};
  EXPECT_EQ(server.association.receive(huge, 0), DtlsOutcome::oversized);
  EXPECT_EQ(server.state(), State::waiting);
}

TEST(DtlsAssociation, EndlessHandshakesAreCutOff) {
  DtlsSettings settings = server_settings();
  settings.limits.max_received = 2000;
  End server(std::move(settings));
  End client(client_settings());
  client.association.start(0);
  const Octets hello = client.outbox.datagrams.front();
  DtlsOutcome outcome = DtlsOutcome::progress;
  for (int i = 0; i < 20 && outcome == DtlsOutcome::progress; ++i)
    outcome = server.association.receive(hello, 0);
  EXPECT_EQ(outcome, DtlsOutcome::too_much_data);
  EXPECT_EQ(server.association.receive(hello, 0), DtlsOutcome::ignored);
}

TEST(DtlsIdentity, RotatesInTimeAndOutlivesItsRotation) {
  DtlsIdentities identities(DtlsKeyType::ecdsa_p256, 1000);
  const auto first = identities.current(0).value();
  EXPECT_EQ(identities.current(999).value(), first);
  const auto second = identities.current(1000).value();
  EXPECT_NE(second, first);
  EXPECT_NE(second->fingerprints(), first->fingerprints());
  Pair pair(settings_for(DtlsRole::active, first, second), settings_for(DtlsRole::passive, second, first));
  pair.exchange();
  expect_mirrored_keys(pair, aead_aes_256_gcm);
}

}  // namespace
}  // namespace sallyport::keying::test
