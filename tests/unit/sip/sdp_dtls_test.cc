// SPDX-License-Identifier: GPL-3.0-or-later
// Fingerprints, roles and identifiers of DTLS in descriptions.
#include "sip/sdp_dtls.h"

#include <gtest/gtest.h>

namespace sallyport::sip {
namespace {

/// So many octets of a fingerprint.
std::string octets(std::size_t count, const std::string& octet = "AB") {
  std::string text = octet;
  for (std::size_t i = 1; i < count; ++i) text += ":" + octet;
  return text;
}

Sdp description(const std::string& session, const std::string& media) {
  return std::move(*parse_sdp("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n" +
                              session + "m=audio 4000 UDP/TLS/RTP/SAVPF 0\r\n" + media));
}

TEST(SdpFingerprint, IsReadAndWrittenAgain) {
  for (const crypto::HashFunctionInfo& hash : crypto::kHashFunctions) {
    const std::string argument = std::string(hash.name) + " " + octets(hash.length, "0F");
    const auto fingerprint = parse_fingerprint(argument);
    ASSERT_TRUE(fingerprint) << argument;
    EXPECT_EQ(fingerprint->hash, hash.id);
    EXPECT_EQ(fingerprint->view().size(), hash.length);
    EXPECT_EQ(fingerprint->octets[0], 0x0f);
    std::string written;
    append_fingerprint(written, *fingerprint);
    EXPECT_EQ(written, "a=fingerprint:" + argument + "\r\n");
  }
}

TEST(SdpFingerprint, CaseDoesNotMatter) {
  const auto lower = parse_fingerprint("SHA-256 " + octets(32, "ab"));
  ASSERT_TRUE(lower);
  EXPECT_EQ(*lower, *parse_fingerprint("sha-256 " + octets(32, "AB")));
}

TEST(SdpFingerprint, WeakHashesAreUnknownAndRubbishMalformed) {
  EXPECT_EQ(parse_fingerprint("sha-1 " + octets(20)).error(), FingerprintFault::unknown_hash);
  EXPECT_EQ(parse_fingerprint(" SHA-1 " + octets(20)).error(), FingerprintFault::unknown_hash);
  EXPECT_EQ(parse_fingerprint("md5 " + octets(16)).error(), FingerprintFault::unknown_hash);
  EXPECT_EQ(parse_fingerprint("sha-3000 " + octets(900)).error(), FingerprintFault::unknown_hash);
  for (const std::string& argument :
       {std::string(), std::string("sha-256"), std::string("sha-256 "), "sha-256 " + octets(31),
        "sha-256 " + octets(33), "sha-384 " + octets(32), "sha-256 " + octets(32) + ":",
        "sha-256 " + octets(31) + ":A", "sha-256 " + octets(31) + "-AB", "sha-256 " + octets(31) + ":GG",
        "sha-256" + octets(32), "sha-256 " + octets(32) + " x", "sha 256 " + octets(32)})
    EXPECT_EQ(parse_fingerprint(argument).error(), FingerprintFault::malformed) << argument;
}

TEST(SdpSetup, RolesAnswerEachOther) {
  using enum DtlsSetup;
  for (const DtlsSetup setup : {active, passive, actpass, holdconn})
    EXPECT_EQ(parse_setup(name(setup)), setup);
  EXPECT_FALSE(parse_setup("ACTIVE"));
  EXPECT_FALSE(parse_setup(""));
  EXPECT_EQ(answer_to(actpass, active), active);
  EXPECT_EQ(answer_to(actpass, passive), passive);
  EXPECT_EQ(answer_to(active, active), passive);
  EXPECT_EQ(answer_to(passive, passive), active);
  EXPECT_TRUE(fits(active, actpass));
  EXPECT_TRUE(fits(passive, actpass));
  EXPECT_FALSE(fits(actpass, actpass));
  EXPECT_FALSE(fits(holdconn, actpass));
  EXPECT_TRUE(fits(passive, active));
  EXPECT_FALSE(fits(active, active));
}

TEST(SdpTlsId, HasItsLengthAndItsCharacters) {
  EXPECT_TRUE(parse_tls_id(std::string(20, 'a')));
  EXPECT_TRUE(parse_tls_id("abcdefghijKLMNOP+/-_0123"));
  EXPECT_TRUE(parse_tls_id(std::string(255, '0')));
  EXPECT_FALSE(parse_tls_id(std::string(19, 'a')));
  EXPECT_FALSE(parse_tls_id(std::string(256, 'a')));
  EXPECT_FALSE(parse_tls_id(std::string(20, 'a') + "!"));
}

TEST(DtlsDescriptions, TheMediumsLinesComeBeforeTheSessions) {
  const std::string session = "a=fingerprint:sha-256 " + octets(32, "11") + "\r\na=setup:actpass\r\n";
  const Sdp inherited = description(session, "");
  auto read = dtls_description(inherited, 0);
  ASSERT_TRUE(read);
  ASSERT_EQ(read->fingerprints.size(), 1u);
  EXPECT_EQ(read->fingerprints[0].octets[0], 0x11);
  EXPECT_EQ(read->setup, DtlsSetup::actpass);
  EXPECT_TRUE(read->tls_id.empty());

  const Sdp own = description(session, "a=fingerprint:sha-512 " + octets(64, "22") +
                                           "\r\na=fingerprint:sha-1 " + octets(20) +
                                           "\r\na=setup:active\r\na=tls-id:" + std::string(20, 'x') + "\r\n");
  read = dtls_description(own, 0);
  ASSERT_TRUE(read);
  ASSERT_EQ(read->fingerprints.size(), 1u);
  EXPECT_EQ(read->fingerprints[0].hash, crypto::HashFunction::sha_512);
  EXPECT_EQ(read->setup, DtlsSetup::active);
  EXPECT_EQ(read->tls_id, std::string(20, 'x'));
}

TEST(DtlsDescriptions, FaultsHaveTheirClass) {
  const auto error_of = [](const std::string& media) {
    const auto read = dtls_description(description("a=fingerprint:sha-256 " + octets(32) + "\r\n", media), 0);
    return read ? ErrorClass::internal : read.error().error_class;
  };
  EXPECT_EQ(error_of("a=fingerprint:sha-256 AB\r\n"), ErrorClass::malformed);
  // Only weak ones, and the session's better one does not count then.
  EXPECT_EQ(error_of("a=fingerprint:sha-1 " + octets(20) + "\r\n"), ErrorClass::unsupported);
  EXPECT_EQ(error_of("a=setup:both\r\n"), ErrorClass::malformed);
  EXPECT_EQ(error_of("a=tls-id:short\r\n"), ErrorClass::malformed);
  std::string many;
  for (std::size_t i = 0; i <= DtlsDescription::kMaxFingerprints; ++i)
    many += "a=fingerprint:sha-256 " + octets(32) + "\r\n";
  EXPECT_EQ(error_of(many), ErrorClass::exhausted);
}

TEST(DtlsDescriptions, NoneIsNoFault) {
  const Sdp sdp = description("", "");
  const auto read = dtls_description(sdp, 0);
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->fingerprints.empty());
  EXPECT_FALSE(read->setup);
}

}  // namespace
}  // namespace sallyport::sip
