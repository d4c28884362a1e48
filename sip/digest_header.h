// SPDX-License-Identifier: GPL-3.0-or-later
// Digest headers: the grammar of WWW-Authenticate, Authorization, their Proxy siblings and
// Authentication-Info (RFC 3261 §25.1, RFC 7616 §3, RFC 8760). What the values mean is for others.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sallyport::sip {

/// Values stand without their quotes, but with the escapes inside: digests are computed over them so. An
/// empty view is an absent parameter, or one with an empty value.
struct DigestChallenge {
  std::string_view scheme;  ///< as written; nothing but the scheme is set unless it is Digest
  std::string_view realm;
  std::string_view nonce;
  std::string_view opaque;
  std::string_view domain;
  std::string_view algorithm;  ///< empty means MD5
  std::string_view qop;        ///< the list as written: `auth,auth-int`
  std::string_view charset;
  bool stale = false;
  bool userhash = false;

  [[nodiscard]] bool is_digest() const;
  /// Whether the list of qop holds this one.
  [[nodiscard]] bool offers(std::string_view quality) const;
};

/// One header field's value may hold several challenges. Fails on a Digest challenge without realm or nonce,
/// with a parameter twice, with grammar that is not to be understood, or with quotes around what is no token
/// where one belongs (RFC 7616 §3.3: algorithm, charset); another scheme is kept by its name.
[[nodiscard]] Result<std::vector<DigestChallenge>> parse_challenges(std::string_view text);
[[nodiscard]] std::string write_challenge(const DigestChallenge& challenge);

struct DigestCredentials {
  std::string_view scheme;  ///< as written; nothing but the scheme is set unless it is Digest
  std::string_view username;
  std::string_view username_extended;  ///< `username*` as written: `UTF-8''J%C3%A4s%C3%B8n`
  std::string_view realm;
  std::string_view nonce;
  std::string_view uri;
  std::string_view response;
  std::string_view algorithm;
  std::string_view cnonce;
  std::string_view opaque;
  std::string_view qop;
  std::string_view nonce_count_text;  ///< the eight digits of `nc`, as the digest wants them
  std::uint32_t nonce_count = 0;
  bool userhash = false;
  bool has_username = false;  ///< an empty one was written
  bool has_realm = false;

  [[nodiscard]] bool is_digest() const;
};

/// The value of one Authorization or Proxy-Authorization field. Fails on Digest credentials with a parameter
/// twice, without username, realm, nonce, uri or response, with `username` and `username*` both, with a
/// response that is not hexadecimal, with an `nc` of other than eight digits, with quotes around what is no
/// token where one belongs (RFC 7616 §3.4: algorithm, qop, nc, username*).
[[nodiscard]] Result<DigestCredentials> parse_credentials(std::string_view text);
[[nodiscard]] std::string write_credentials(const DigestCredentials& credentials);

struct AuthenticationInfo {
  std::string_view next_nonce;
  std::string_view qop;
  std::string_view response;  ///< `rspauth`
  std::string_view cnonce;
  std::string_view nonce_count_text;
};
[[nodiscard]] Result<AuthenticationInfo> parse_authentication_info(std::string_view text);
[[nodiscard]] std::string write_authentication_info(const AuthenticationInfo& value);

/// `UTF-8''J%C3%A4s%C3%B8n` to its octets (RFC 8187 §3.2.1); UTF-8 only. And back.
[[nodiscard]] Result<std::string> decode_extended(std::string_view text);
[[nodiscard]] std::string encode_extended(std::string_view octets);

}  // namespace sallyport::sip
