// SPDX-License-Identifier: GPL-3.0-or-later
// Digest headers: challenges, credentials, and what is refused in them.
#include "sip/digest_header.h"

#include <string>

#include <gtest/gtest.h>

namespace sallyport::sip {

namespace {

TEST(Challenge, HasItsParts) {
  const auto list = parse_challenges(
      "Digest realm=\"a \\\"b\\\"\", nonce=\"n\", opaque=\"\", algorithm=SHA-256, qop=\"auth, auth-int\","
      "stale=TRUE, userhash=true, charset=UTF-8, domain=\"sip:a sip:b\", unknown=x");
  ASSERT_TRUE(list);
  ASSERT_EQ(list->size(), 1U);
  const DigestChallenge& challenge = list->front();
  EXPECT_TRUE(challenge.is_digest());
  EXPECT_EQ(challenge.realm, "a \\\"b\\\"");
  EXPECT_EQ(challenge.nonce, "n");
  EXPECT_EQ(challenge.algorithm, "SHA-256");
  EXPECT_TRUE(challenge.offers("auth"));
  EXPECT_TRUE(challenge.offers("AUTH-INT"));
  EXPECT_FALSE(challenge.offers("auth-"));
  EXPECT_TRUE(challenge.stale);
  EXPECT_TRUE(challenge.userhash);
}

TEST(Challenge, SeveralInOneField) {
  const auto list = parse_challenges(
      "Digest realm=\"a, Digest\", nonce=\"1\", algorithm=SHA-512-256, NTLM, Bearer x=\"y\" , "
      "digest realm=\"b\" , nonce=\"2\",");
  ASSERT_TRUE(list) << list.error().text;
  ASSERT_EQ(list->size(), 4U);
  EXPECT_EQ((*list)[0].realm, "a, Digest");
  EXPECT_EQ((*list)[1].scheme, "NTLM");
  EXPECT_FALSE((*list)[1].is_digest());
  EXPECT_EQ((*list)[3].nonce, "2");
}

TEST(Challenge, AForeignSchemeWithAnyGrammarIsKeptByName) {
  for (const char* text : {"Negotiate", "NoOneKnowsThisScheme opaque-data=here",
                           "Basic YWxhZGRpbjpvcGVuc2VzYW1l==", "AKA <>@;"}) {
    const auto list = parse_challenges(text);
    ASSERT_TRUE(list) << text;
    EXPECT_FALSE(list->front().is_digest()) << text;
  }
}

TEST(Challenge, Malformed) {
  for (const char* text : {"",
                           " ",
                           ",",
                           "=",
                           "Digest",
                           "Digest ",
                           "Digest realm",
                           "Digest realm=",
                           "Digest realm=\"a\"",
                           "Digest nonce=\"a\"",
                           "Digest realm=\"a\" nonce=\"b\"",
                           "Digest realm=\"a, nonce=\"b\"",
                           "Digest realm=\"a\",nonce=\"b",
                           "Digest realm=\"a\";nonce=\"b\"",
                           "Digest realm=\"a\",nonce=\"b\",realm=\"c\"",
                           "Digest realm=\"a\",nonce=\"b\",NONCE=c",
                           "realm=\"a\",nonce=\"b\"",
                           "Digest realm=\"a\",nonce=\"b\",\"c\"",
                           "Digest realm=\"a\",nonce=\"b\" c d",
                           "Digest realm=\"a\",nonce=\"b\",algorithm=\"MD5, realm=c\"",
                           "Digest realm=\"a\",nonce=\"b\",charset=\"UTF 8\""})
    EXPECT_FALSE(parse_challenges(text)) << text;
}

TEST(Challenge, IsWrittenAndReadAgain) {
  DigestChallenge challenge;
  challenge.realm = "r";
  challenge.nonce = "n=";
  challenge.algorithm = "MD5";
  challenge.qop = "auth";
  challenge.stale = true;
  const std::string text = write_challenge(challenge);
  EXPECT_EQ(text, "Digest realm=\"r\", nonce=\"n=\", stale=true, algorithm=MD5, qop=\"auth\"");
  EXPECT_EQ(parse_challenges(text)->front().nonce, "n=");
}

const std::string kGood =
    "Digest "
    "username=\"alice\",realm=\"r\",nonce=\"n\",uri=\"sip:r\",response=\"0123456789abcdef0123456789ABCDEF\"";

TEST(Credentials, HaveTheirParts) {
  const std::string text =
      kGood + ", cnonce=\"c\", nc=0000001f, qop=auth, opaque=\"o\", algorithm=MD5, userhash=false, auts=x";
  const auto credentials = parse_credentials(text);
  ASSERT_TRUE(credentials);
  EXPECT_EQ(credentials->username, "alice");
  EXPECT_TRUE(credentials->has_username);
  EXPECT_EQ(credentials->uri, "sip:r");
  EXPECT_EQ(credentials->nonce_count, 31U);
  EXPECT_EQ(credentials->nonce_count_text, "0000001f");
  EXPECT_EQ(credentials->qop, "auth");
  EXPECT_EQ(credentials->cnonce, "c");
  EXPECT_EQ(credentials->opaque, "o");
  EXPECT_FALSE(credentials->userhash);
}

TEST(Credentials, QuotesAreAMatterOfTaste) {
  const auto credentials = parse_credentials(
      "DIGEST username=\"\", realm=\"\", nonce=\"n\", uri=\"/\", response=\"ab\", qop=\"auth\", "
      "nc=\"00000001\", algorithm=\"MD5\"");
  ASSERT_TRUE(credentials);
  EXPECT_TRUE(credentials->has_username);
  EXPECT_EQ(credentials->username, "");
  EXPECT_EQ(credentials->qop, "auth");
  EXPECT_EQ(credentials->nonce_count, 1U);
}

TEST(Credentials, ForeignSchemesAreNamed) {
  const auto credentials = parse_credentials("Basic YWxhZGRpbjpvcGVuc2VzYW1l");
  ASSERT_TRUE(credentials);
  EXPECT_FALSE(credentials->is_digest());
}

TEST(Credentials, Malformed) {
  for (const std::string& text : {
           std::string(),
           std::string("Digest"),
           std::string("Digest x"),
           std::string("username=\"a\""),
           kGood + ",nc=1",
           kGood + ",nc=0000000g",
           kGood + ",nc=000000001",
           kGood + ",realm=\"s\"",
           kGood + ",Username=\"b\"",
           kGood + ",username*=UTF-8''b",
           kGood + ",x",
           kGood + " x=1",
           kGood + ",x=\"",
           kGood + ";x=1",
           kGood + ", Digest a=b",
           kGood + ",algorithm=\"MD5 \"",
           kGood + ",qop=\"auth,auth-int\"",
           kGood + ",qop=\"auth\\\"\"",
           std::string("Digest username*=\"UTF-8''a b\",realm=\"r\",nonce=\"n\",uri=\"u\",response=\"ab\""),
           std::string("Digest realm=\"r\",nonce=\"n\",uri=\"u\",response=\"ab\""),
           std::string("Digest username=\"a\",nonce=\"n\",uri=\"u\",response=\"ab\""),
           std::string("Digest username=\"a\",realm=\"r\",uri=\"u\",response=\"ab\""),
           std::string("Digest username=\"a\",realm=\"r\",nonce=\"n\",response=\"ab\""),
           std::string("Digest username=\"a\",realm=\"r\",nonce=\"n\",uri=\"u\""),
           std::string("Digest username=\"a\",realm=\"r\",nonce=\"n\",uri=\"u\",response=\"\""),
           std::string("Digest username=\"a\",realm=\"r\",nonce=\"n\",uri=\"u\",response=\"xyz\""),
       })
    EXPECT_FALSE(parse_credentials(text)) << text;
}

TEST(Credentials, AreWrittenAndReadAgain) {
  DigestCredentials credentials;
  const std::string name = encode_extended("J\xc3\xa4s\xc3\xb8n Doe");
  credentials.username_extended = name;
  credentials.realm = "r";
  credentials.nonce = "n";
  credentials.uri = "sip:r;x=y";
  credentials.response = "0a";
  credentials.qop = "auth";
  credentials.nonce_count_text = "00000001";
  credentials.cnonce = "c";
  const std::string text = write_credentials(credentials);
  const auto again = parse_credentials(text);
  ASSERT_TRUE(again) << text;
  EXPECT_EQ(decode_extended(again->username_extended), "J\xc3\xa4s\xc3\xb8n Doe");
  EXPECT_FALSE(again->has_username);
  EXPECT_EQ(again->uri, "sip:r;x=y");
  EXPECT_EQ(again->nonce_count, 1U);
}

TEST(AuthenticationInfoHeader, IsReadAndWritten) {
  const auto value =
      parse_authentication_info("nextnonce=\"n\", rspauth=\"ab\", qop=auth, nc=00000001, cnonce=\"c\"");
  ASSERT_TRUE(value);
  EXPECT_EQ(value->next_nonce, "n");
  EXPECT_EQ(value->response, "ab");
  EXPECT_EQ(write_authentication_info(*value),
            "nextnonce=\"n\", qop=auth, rspauth=\"ab\", cnonce=\"c\", nc=00000001");
  for (const char* text :
       {"", "Digest a=b", "a", "nextnonce=\"n\" qop=auth", "qop=auth,qop=auth", "a=\"", "qop=\"auth int\""})
    EXPECT_FALSE(parse_authentication_info(text)) << text;
}

TEST(ExtendedValues, AreUtf8) {
  EXPECT_EQ(decode_extended("utf-8'en'a%20b"), "a b");
  for (const char* text : {"", "a", "UTF-8", "UTF-8'", "UTF-8'en", "ISO-8859-1''a", "UTF-8''%", "UTF-8''%zz"})
    EXPECT_FALSE(decode_extended(text)) << text;
}

}  // namespace

}  // namespace sallyport::sip
