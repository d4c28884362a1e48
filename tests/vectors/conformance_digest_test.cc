// SPDX-License-Identifier: GPL-3.0-or-later
// Digest responses published by others, all algorithms and qualities of protection.
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "crypto/digest.h"

namespace sallyport::crypto::test {
namespace {

std::string field(const boost::json::object& entry, std::string_view name) {
  const auto* value = entry.if_contains(name);
  return value == nullptr ? std::string() : std::string(value->as_string());
}

void check(const boost::json::object& entry, DigestAlgorithm algorithm) {
  const std::string nonce = field(entry, "nonce"), method = field(entry, "method"), uri = field(entry, "uri"),
                    count = field(entry, "nc"), cnonce = field(entry, "cnonce"), body = field(entry, "body");
  DigestInput input{nonce, method, uri, Qop::none, count, cnonce, body};
  if (field(entry, "qop") == "auth") input.qop = Qop::auth;
  if (field(entry, "qop") == "auth-int") input.qop = Qop::auth_int;
  const Ha1 ha1 =
      make_ha1(algorithm, field(entry, "username"), field(entry, "realm"), field(entry, "password"));
  EXPECT_EQ(digest_response(algorithm, ha1, input).text(), field(entry, "response")) << field(entry, "id");
}

TEST(ConformanceDigest, ResponsesAgree) {
  const char* const folder = std::getenv("SALLYPORT_CONFORMANCE");
  if (folder == nullptr || *folder == '\0') GTEST_SKIP() << "no conformance folder";
  std::ifstream file(std::string(folder) + "/digest/digest.json");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const boost::json::value document = boost::json::parse(text);
  std::size_t checked = 0;
  for (const auto& entry : document.as_object().at("cases").as_array()) {
    const auto algorithm = digest_algorithm_by_name(field(entry.as_object(), "algorithm"));
    if (!algorithm) continue;  // the -sess forms
    check(entry.as_object(), *algorithm);
    ++checked;
  }
  EXPECT_GE(checked, 12U);
}

}  // namespace
}  // namespace sallyport::crypto::test
