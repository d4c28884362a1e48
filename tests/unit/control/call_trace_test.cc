// SPDX-License-Identifier: GPL-3.0-or-later
// What may be read of messages that operators follow, however oddly a peer writes them.
#include "control/calls/call_trace.h"

#include <string>

#include <gtest/gtest.h>

namespace sallyport::control {
namespace {

constexpr std::string_view kSecret = "cGxhbnRlZHBsYW50ZWRwbGFudGVk";

struct Line {
  std::string_view given;
  std::string_view shown;
};

TEST(MaskSecrets, LinesWithSecrets) {
  const Line kLines[] = {
      {"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:cGxhbnRlZHBsYW50ZWRwbGFudGVk",
       "a=crypto:1 AES_CM_128_HMAC_SHA1_80 …"},
      {"a=crypto:1  AES_CM_128_HMAC_SHA1_80\tinline:cGxhbnRlZHBsYW50ZWRwbGFudGVk",
       "a=crypto:1  AES_CM_128_HMAC_SHA1_80 …"},
      {"a=crypto:1\tinline:cGxhbnRlZHBsYW50ZWRwbGFudGVk", "a=crypto: …"},
      {"a=crypto:inline:cGxhbnRlZHBsYW50ZWRwbGFudGVk", "a=crypto: …"},
      {"a=crypto:1 cGxhbnRlZHBsYW50ZWRwbGFudGVk", "a=crypto: …"},
      {"a=crypto:cGxhbnRlZHBsYW50ZWRwbGFudGVk AES x", "a=crypto: …"},
      {"a=key-mgmt:mikey cGxhbnRlZHBsYW50ZWRwbGFudGVk", "a=key-mgmt: …"},
      {"k=base64:cGxhbnRlZHBsYW50ZWRwbGFudGVk", "k= …"},
      {"k=cGxhbnRlZHBsYW50ZWRwbGFudGVk", "k= …"},
      {"Authorization: Digest response=\"cGxhbnRlZHBsYW50ZWRwbGFudGVk\"", "Authorization: Digest …"},
      {"authorization :Digest response=\"cGxhbnRlZHBsYW50ZWRwbGFudGVk\"", "authorization :Digest …"},
      {"Proxy-Authorization: cGxhbnRlZHBsYW50ZWRwbGFudGVk", "Proxy-Authorization: …"},
      {"Proxy-Authorization:\r\n Digest x,\r\n\tresponse=\"cGxhbnRlZHBsYW50ZWRwbGFudGVk\"",
       "Proxy-Authorization: …"},
      {"WWW-Authenticate: Digest nonce=\"cGxhbnRlZHBsYW50ZWRwbGFudGVk\"", "WWW-Authenticate: Digest …"},
      {"PROXY-AUTHENTICATE: Digest nonce=\"cGxhbnRlZHBsYW50ZWRwbGFudGVk\"", "PROXY-AUTHENTICATE: Digest …"},
      {"Authentication-Info: nextnonce=\"cGxhbnRlZHBsYW50ZWRwbGFudGVk\"", "Authentication-Info: …"},
  };
  for (const Line& line : kLines) {
    for (const std::string_view end : {"\r\n", "\n"}) {
      const std::string before = "INVITE sip:a@example.com SIP/2.0\r\n", after = "Via: x\r\n";
      const std::string masked = mask_secrets(before + std::string(line.given) + std::string(end) + after);
      EXPECT_EQ(masked, before + std::string(line.shown) + "\r\n" + after);
      EXPECT_EQ(masked.find(kSecret), std::string::npos);
    }
    EXPECT_EQ(mask_secrets(line.given).find(kSecret), std::string::npos) << line.given;
  }
}

TEST(MaskSecrets, TheRestStays) {
  for (const std::string_view text :
       {"", "\r\n", " folded", "Via: SIP/2.0/TLS x\r\n y\r\n\r\nv=0\r\na=rtpmap:0 PCMU/8000\r\n",
        "Authorizations: x\r\n", "X-Authorization: x\r\n", "a=cryptography:1\r\n"})
    EXPECT_EQ(mask_secrets(text), text);
}

}  // namespace
}  // namespace sallyport::control
