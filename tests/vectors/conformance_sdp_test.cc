// SPDX-License-Identifier: GPL-3.0-or-later
// Session descriptions and crypto attributes collected by others: RFC examples, browsers, servers, phones.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "sip/offer_answer.h"
#include "sip/sdp_dtls.h"
#include "sip/sdp_ice.h"

namespace sallyport::sip::test {
namespace {

std::string folder() {
  const char* const place = std::getenv("SALLYPORT_CONFORMANCE");
  return place == nullptr ? "" : place;
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Offers it to another leg under a lenient policy: whatever comes of it must parse again.
void pass_on(const Sdp& sdp, const std::string& file) {
  MediaPolicy lenient;
  lenient.security = MediaSecurity::preferred;
  lenient.transport_secure = true;
  for (const crypto::Suite& suite : crypto::kSuites) lenient.crypto.suites.push_back(suite.id);
  const auto offer = read_offer(sdp, lenient);
  if (!offer) return;
  std::vector<LocalMedia> local(sdp.media_count(), {Endpoint{IpAddress::v4({203, 0, 113, 77}), 30000}, {}});
  std::uint8_t octet = 0;
  const RandomSource random = [&octet](std::span<std::uint8_t> out) {
    for (std::uint8_t& each : out) each = ++octet;
  };
  const auto sent =
      write_offer(sdp, *offer, lenient, local, {1, 1, IpAddress::v4({203, 0, 113, 77})}, random);
  ASSERT_TRUE(sent) << file;
  const auto again = parse_sdp(sent->text);
  ASSERT_TRUE(again) << file << "\n" << sent->text << again.error().text;
  EXPECT_EQ(again->media_count(), sdp.media_count()) << file;
  EXPECT_EQ(sent->text.find(std::string(sdp.origin().address) + "\r\n"), std::string::npos) << file;
}

TEST(ConformanceSdp, RfcExamplesParse) {
  if (folder().empty()) GTEST_SKIP() << "no conformance folder";
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder() + "/sdp/rfc")) {
    if (entry.path().extension() != ".sdp") continue;
    ++count;
    const auto sdp = parse_sdp(read_file(entry.path()));
    const std::string name = entry.path().filename().string();
    if (!sdp) {
      ADD_FAILURE() << name << ": " << sdp.error().text;
      continue;
    }
    pass_on(*sdp, name);
  }
  EXPECT_GE(count, 100U);
}

// Some of these are meant to be refused; the others parse but for a few with faults that RFC 8866 forbids
// too.
TEST(ConformanceSdp, SamplesDoNoHarm) {
  if (folder().empty()) GTEST_SKIP() << "no conformance folder";
  std::size_t parsed = 0, refused = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder() + "/sdp/samples")) {
    if (entry.path().extension() != ".sdp") continue;
    const std::string name = entry.path().filename().string();
    const auto sdp = parse_sdp(read_file(entry.path()));
    if (sdp) {
      ++parsed;
      pass_on(*sdp, name);
      continue;
    }
    ++refused;
    if (std::getenv("SALLYPORT_VERBOSE") != nullptr) GTEST_LOG_(INFO) << name << ": " << sdp.error().text;
  }
  EXPECT_GT(parsed, 4 * refused) << parsed << " parsed, " << refused << " refused";
}

// What browsers and servers say of DTLS and ICE; the refused ones were broken or weak on purpose, or by a
// redactor.
TEST(ConformanceSdp, DtlsAndIceOfSamplesAreRead) {
  if (folder().empty()) GTEST_SKIP() << "no conformance folder";
  std::size_t fingerprints = 0, agents = 0, candidates = 0, refused = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder() + "/sdp/samples")) {
    if (entry.path().filename().string().starts_with("chime-")) continue;
    const auto sdp = parse_sdp(read_file(entry.path()));
    for (std::size_t medium = 0; sdp && medium < sdp->media_count(); ++medium) {
      const auto dtls = dtls_description(*sdp, medium);
      const auto ice = ice_description(*sdp, medium);
      if (dtls) fingerprints += dtls->fingerprints.size();
      if (ice) agents += ice->has_ice() ? 1 : 0;
      if (ice) candidates += ice->candidates.size();
      refused += dtls && ice ? 0 : 1;
      if (dtls && ice) continue;
      if (std::getenv("SALLYPORT_VERBOSE") == nullptr) continue;
      GTEST_LOG_(INFO) << entry.path().filename().string() << ": " << (dtls ? "" : dtls.error().text) << " "
                       << (ice ? "" : ice.error().text);
    }
  }
  EXPECT_GE(fingerprints, 40U);
  EXPECT_GE(agents, 45U);
  EXPECT_GE(candidates, 30U);
  EXPECT_LE(refused, 20U);
}

TEST(ConformanceSdp, CryptoLines) {
  if (folder().empty()) GTEST_SKIP() << "no conformance folder";
  const boost::json::value document = boost::json::parse(read_file(folder() + "/sdes/crypto-lines.json"));
  std::size_t count = 0;
  for (const auto& item : document.as_object().at("cases").as_array()) {
    const auto& entry = item.as_object();
    const std::string id(entry.at("id").as_string()), line(entry.at("line").as_string()),
        expect(entry.at("expect").as_string());
    ++count;
    const auto attribute = parse_crypto(std::string_view(line).substr(9));
    if (expect == "valid")
      EXPECT_TRUE(attribute || !is_invalid(attribute.error())) << id << ": " << meaning(attribute.error());
    else if (expect == "invalid")
      EXPECT_TRUE(!attribute && is_invalid(attribute.error())) << id;
    else
      EXPECT_TRUE(!attribute && !is_invalid(attribute.error())) << id;
    const auto* expected = entry.if_contains("parsed");
    if (!attribute || expected == nullptr) continue;
    const auto& keys = expected->as_object().at("keys").as_array();
    ASSERT_EQ(keys.size(), 1U) << id;
    std::string digits;
    for (const auto part : {attribute->key.key.view(), attribute->key.salt.view()})
      for (const std::uint8_t octet : part) {
        digits += "0123456789abcdef"[octet >> 4];
        digits += "0123456789abcdef"[octet & 15];
      }
    EXPECT_EQ(digits, std::string(keys[0].as_object().at("key_salt").as_string())) << id;
  }
  EXPECT_GE(count, 60U);
}

}  // namespace
}  // namespace sallyport::sip::test
