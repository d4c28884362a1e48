// SPDX-License-Identifier: GPL-3.0-or-later
// Digest headers: one walker over `name=value` with commas between, and a table of names for each header.
#include "sip/digest_header.h"

#include <array>
#include <span>

#include "sip/limits.h"
#include "sip/text.h"
#include "sip/uri.h"

namespace sallyport::sip {

namespace {

/// One parameter, or what begins a new challenge.
struct AuthItem {
  std::string_view name;
  std::string_view value;  ///< without quotes
  bool is_scheme = false;  ///< `name` is a scheme: no `=` follows it
};

/// Walks over `Scheme a=1, b="2", Scheme c=3`.
class AuthWalker {
 public:
  explicit AuthWalker(std::string_view text) : rest_(text) { skip_separators(); }

  [[nodiscard]] bool at_end() const { return rest_.empty(); }

  /// Nothing if the grammar is broken.
  std::optional<AuthItem> next() {
    const std::size_t name_size = text::span_of(rest_, 0, text::kToken);
    if (name_size == 0) return std::nullopt;
    AuthItem item{rest_.substr(0, name_size), {}, false};
    const std::size_t at = text::skip_space(rest_, name_size);
    if (at >= rest_.size() || rest_[at] != '=') {
      // `Scheme a=1`, `Scheme,` or a scheme alone at the end.
      item.is_scheme = true;
      rest_.remove_prefix(at);
      if (at == name_size && !rest_.empty() && rest_.front() != ',') return std::nullopt;
      skip_separators();
      return item;
    }
    return take_value(item, text::skip_space(rest_, at + 1));
  }

  /// Leaves out everything up to the end: the parameters of a scheme that is not ours.
  void skip_all() { rest_ = {}; }

 private:
  std::optional<AuthItem> take_value(AuthItem item, std::size_t begin) {
    std::size_t end = begin;
    if (begin < rest_.size() && rest_[begin] == '"') {
      end = text::skip_quoted(rest_, begin);
      if (end == std::string_view::npos) return std::nullopt;
      item.value = rest_.substr(begin + 1, end - begin - 2);
    } else {
      end += text::span_of(rest_, begin, text::kValue);
      if (end == begin) return std::nullopt;
      item.value = rest_.substr(begin, end - begin);
    }
    rest_.remove_prefix(text::skip_space(rest_, end));
    if (!rest_.empty() && rest_.front() != ',') return std::nullopt;
    skip_separators();
    return item;
  }

  /// Lists may have empty places (RFC 7230 §7), and some clients end theirs with a comma.
  void skip_separators() {
    while (!rest_.empty() && (rest_.front() == ',' || text::is_space(rest_.front()))) rest_.remove_prefix(1);
  }

  std::string_view rest_;
};

/// A parameter's name and where its value goes.
struct Target {
  std::string_view name;
  std::string_view* value;
  bool is_plain = false;  ///< goes without quotes; some write them, around no more than would go without
};

/// Stores the item; a name that nobody knows is left out. Says what is wrong, or nothing.
const char* store(const AuthItem& item, std::span<const Target> targets, std::uint32_t& seen) {
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (!text::equal_ignoring_case(targets[i].name, item.name)) continue;
    if ((seen & (1U << i)) != 0) return "a digest parameter twice";
    if (targets[i].is_plain && !text::all(item.value, text::kValue)) return "quotes around what is no token";
    seen |= 1U << i;
    *targets[i].value = item.value;
    return nullptr;
  }
  return nullptr;
}

bool is_true(std::string_view value) {
  return text::equal_ignoring_case(value, "true");
}

bool is_digest_scheme(std::string_view scheme) {
  return text::equal_ignoring_case(scheme, "Digest");
}

/// The parameters of one Digest challenge, up to the next scheme, which comes back in `next_scheme`.
Result<DigestChallenge> parse_digest_challenge(AuthWalker& walker, std::string_view scheme,
                                               std::optional<AuthItem>& next_scheme) {
  DigestChallenge challenge;
  challenge.scheme = scheme;
  std::string_view stale;
  std::string_view userhash;
  const std::array targets = std::to_array<Target>({{"realm", &challenge.realm},
                                                    {"nonce", &challenge.nonce},
                                                    {"opaque", &challenge.opaque},
                                                    {"domain", &challenge.domain},
                                                    {"algorithm", &challenge.algorithm, true},
                                                    {"qop", &challenge.qop},
                                                    {"charset", &challenge.charset, true},
                                                    {"stale", &stale},
                                                    {"userhash", &userhash}});
  std::uint32_t seen = 0;
  next_scheme.reset();
  while (!walker.at_end() && !next_scheme) {
    const auto item = walker.next();
    if (!item) return malformed("a malformed challenge");
    if (item->is_scheme)
      next_scheme = item;
    else if (const char* fault = store(*item, targets, seen))
      return malformed(fault);
  }
  if ((seen & 3U) != 3U) return malformed("a challenge without realm or nonce");
  challenge.stale = is_true(stale);
  challenge.userhash = is_true(userhash);
  return challenge;
}

/// Another scheme's parameters need not look like ours: they are skipped to the next scheme as far as they
/// do, and to the end where they do not.
std::optional<AuthItem> skip_foreign_challenge(AuthWalker& walker) {
  while (!walker.at_end()) {
    const auto item = walker.next();
    if (!item)
      walker.skip_all();
    else if (item->is_scheme)
      return item;
  }
  return std::nullopt;
}

bool is_hexadecimal(std::string_view text) {
  return !text.empty() && text::all(text, text::kHexDigit);
}

Result<DigestCredentials> checked(DigestCredentials credentials, std::uint32_t seen) {
  constexpr std::uint32_t kNamed = 3;      // username, username*
  constexpr std::uint32_t kRequired = 60;  // realm, nonce, uri, response
  if ((seen & kRequired) != kRequired) return malformed("credentials without realm, nonce, uri or response");
  if ((seen & kNamed) == 0) return malformed("credentials without a username");
  if ((seen & kNamed) == kNamed) return malformed("credentials with two usernames");
  if (!is_hexadecimal(credentials.response)) return malformed("credentials with a malformed response");
  const std::string_view count = credentials.nonce_count_text;
  if (!count.empty() && (count.size() != 8 || !is_hexadecimal(count)))
    return malformed("credentials with a malformed nonce count");
  for (const char c : count)
    credentials.nonce_count = credentials.nonce_count * 16 + static_cast<std::uint32_t>(text::hex_value(c));
  credentials.has_username = (seen & 1U) != 0;
  credentials.has_realm = true;
  return credentials;
}

/// Appends `name=value`, quoted or not, with a comma unless it is the first.
class AuthWriter {
 public:
  explicit AuthWriter(std::string text) : text_(std::move(text)) {}

  AuthWriter& quoted(std::string_view name, std::string_view value, bool even_if_empty = false) {
    if (value.empty() && !even_if_empty) return *this;
    open(name) += '"';
    text_ += value;
    text_ += '"';
    return *this;
  }
  AuthWriter& plain(std::string_view name, std::string_view value) {
    if (!value.empty()) open(name) += value;
    return *this;
  }
  [[nodiscard]] std::string finish() && { return std::move(text_); }

 private:
  std::string& open(std::string_view name) {
    if (!first_) text_ += ", ";
    first_ = false;
    text_ += name;
    return text_ += '=';
  }

  std::string text_;
  bool first_ = true;
};

}  // namespace

bool DigestChallenge::is_digest() const {
  return is_digest_scheme(scheme);
}

bool DigestCredentials::is_digest() const {
  return is_digest_scheme(scheme);
}

bool DigestChallenge::offers(std::string_view quality) const {
  std::string_view rest = qop;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    if (text::equal_ignoring_case(text::trim(rest.substr(0, end)), quality)) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

Result<std::vector<DigestChallenge>> parse_challenges(std::string_view text) {
  std::vector<DigestChallenge> challenges;
  AuthWalker walker(text);
  if (walker.at_end()) return malformed("an empty challenge");
  std::optional<AuthItem> scheme = walker.next();
  if (!scheme || !scheme->is_scheme) return malformed("a challenge without a scheme");
  while (scheme) {
    if (challenges.size() >= kStandardLimits[Limit::list_values])
      return fail(ErrorClass::exhausted, "too many challenges");
    if (is_digest_scheme(scheme->name)) {
      auto challenge = parse_digest_challenge(walker, scheme->name, scheme);
      if (!challenge) return tl::unexpected(challenge.error());
      challenges.push_back(*challenge);
    } else {
      DigestChallenge foreign;
      foreign.scheme = scheme->name;
      challenges.push_back(foreign);
      scheme = skip_foreign_challenge(walker);
    }
  }
  return challenges;
}

std::string write_challenge(const DigestChallenge& challenge) {
  AuthWriter writer("Digest ");
  writer.quoted("realm", challenge.realm, true).quoted("nonce", challenge.nonce, true);
  writer.quoted("opaque", challenge.opaque).quoted("domain", challenge.domain);
  writer.plain("stale", challenge.stale ? "true" : "").plain("algorithm", challenge.algorithm);
  writer.quoted("qop", challenge.qop).plain("charset", challenge.charset);
  writer.plain("userhash", challenge.userhash ? "true" : "");
  return std::move(writer).finish();
}

Result<DigestCredentials> parse_credentials(std::string_view text) {
  DigestCredentials credentials;
  std::string_view userhash;
  const std::array targets = std::to_array<Target>({{"username", &credentials.username},
                                                    {"username*", &credentials.username_extended, true},
                                                    {"realm", &credentials.realm},
                                                    {"nonce", &credentials.nonce},
                                                    {"uri", &credentials.uri},
                                                    {"response", &credentials.response},
                                                    {"algorithm", &credentials.algorithm, true},
                                                    {"cnonce", &credentials.cnonce},
                                                    {"opaque", &credentials.opaque},
                                                    {"qop", &credentials.qop, true},
                                                    {"nc", &credentials.nonce_count_text, true},
                                                    {"userhash", &userhash}});
  AuthWalker walker(text);
  if (walker.at_end()) return malformed("empty credentials");
  const auto scheme = walker.next();
  if (!scheme || !scheme->is_scheme) return malformed("credentials without a scheme");
  credentials.scheme = scheme->name;
  if (!credentials.is_digest()) return credentials;
  std::uint32_t seen = 0;
  while (!walker.at_end()) {
    const auto item = walker.next();
    if (!item || item->is_scheme) return malformed("malformed credentials");
    if (const char* fault = store(*item, targets, seen)) return malformed(fault);
  }
  credentials.userhash = is_true(userhash);
  return checked(credentials, seen);
}

std::string write_credentials(const DigestCredentials& credentials) {
  AuthWriter writer("Digest ");
  if (credentials.username_extended.empty())
    writer.quoted("username", credentials.username, true);
  else
    writer.plain("username*", credentials.username_extended);
  writer.quoted("realm", credentials.realm, true).quoted("nonce", credentials.nonce, true);
  writer.quoted("uri", credentials.uri, true).quoted("response", credentials.response);
  writer.plain("algorithm", credentials.algorithm).quoted("cnonce", credentials.cnonce);
  writer.quoted("opaque", credentials.opaque).plain("qop", credentials.qop);
  writer.plain("nc", credentials.nonce_count_text).plain("userhash", credentials.userhash ? "true" : "");
  return std::move(writer).finish();
}

Result<AuthenticationInfo> parse_authentication_info(std::string_view text) {
  AuthenticationInfo value;
  const std::array targets = std::to_array<Target>({{"nextnonce", &value.next_nonce},
                                                    {"qop", &value.qop, true},
                                                    {"rspauth", &value.response},
                                                    {"cnonce", &value.cnonce},
                                                    {"nc", &value.nonce_count_text, true}});
  std::uint32_t seen = 0;
  AuthWalker walker(text);
  if (walker.at_end()) return malformed("an empty Authentication-Info");
  while (!walker.at_end()) {
    const auto item = walker.next();
    if (!item || item->is_scheme) return malformed("a malformed Authentication-Info");
    if (const char* fault = store(*item, targets, seen)) return malformed(fault);
  }
  return value;
}

std::string write_authentication_info(const AuthenticationInfo& value) {
  AuthWriter writer("");
  writer.quoted("nextnonce", value.next_nonce).plain("qop", value.qop).quoted("rspauth", value.response);
  writer.quoted("cnonce", value.cnonce).plain("nc", value.nonce_count_text);
  return std::move(writer).finish();
}

Result<std::string> decode_extended(std::string_view text) {
  constexpr std::string_view kCharset = "UTF-8'";
  if (!text::starts_with_ignoring_case(text, kCharset))
    return malformed("an extended value that is not UTF-8");
  text.remove_prefix(kCharset.size());
  const std::size_t quote_at = text.find('\'');
  if (quote_at == std::string_view::npos) return malformed("an extended value without its language part");
  return unescape(text.substr(quote_at + 1));
}

std::string encode_extended(std::string_view octets) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string text = "UTF-8''";
  for (const char c : octets) {
    if (text::is(c, text::kAlpha | text::kDigit) || c == '-' || c == '.' || c == '_' || c == '~') {
      text += c;
      continue;
    }
    text += '%';
    text += kHex[static_cast<unsigned char>(c) >> 4];
    text += kHex[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

}  // namespace sallyport::sip
