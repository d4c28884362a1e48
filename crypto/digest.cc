// SPDX-License-Identifier: GPL-3.0-or-later
// Digest by OpenSSL. A hash's implementation is looked up once a thread: looking it up costs more than the
// hash.
#include "crypto/digest.h"

#include <algorithm>
#include <cstdlib>
#include <initializer_list>
#include <memory>

#include <openssl/evp.h>

#include "crypto/equal.h"

namespace sallyport::crypto {

namespace {

struct Free {
  void operator()(EVP_MD* hash) const { EVP_MD_free(hash); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

constexpr std::array<const char*, kDigestAlgorithmCount> kOpensslNames = {"MD5", "SHA2-256", "SHA2-512/256"};

/// A hash and a context that has been used with it before, which makes its next use cheap.
class Hasher {
 public:
  Hasher() = default;

  void operator()(DigestAlgorithm algorithm, std::initializer_list<std::string_view> parts,
                  std::span<std::uint8_t> out) {
    Slot& slot = slots_[static_cast<std::size_t>(algorithm)];
    if (!slot.hash) fetch(algorithm, slot);
    bool good = EVP_DigestInit_ex2(slot.context.get(), slot.hash.get(), nullptr) == 1;
    for (const std::string_view part : parts)
      good = good && EVP_DigestUpdate(slot.context.get(), part.data(), part.size()) == 1;
    good = good && EVP_DigestFinal_ex(slot.context.get(), out.data(), nullptr) == 1;
    // Only a lack of memory, which ends the process elsewhere too, makes these fail.
    if (!good) std::abort();
  }

 private:
  struct Slot {
    std::unique_ptr<EVP_MD, Free> hash;
    std::unique_ptr<EVP_MD_CTX, Free> context;
  };

  static void fetch(DigestAlgorithm algorithm, Slot& slot) {
    slot.hash.reset(EVP_MD_fetch(nullptr, kOpensslNames[static_cast<std::size_t>(algorithm)], "?fips=no"));
    slot.context.reset(EVP_MD_CTX_new());
    if (!slot.hash || !slot.context) std::abort();
  }

  std::array<Slot, kDigestAlgorithmCount> slots_;
};

/// The hash of the parts, one after the other.
class Hash {
 public:
  Hash(DigestAlgorithm algorithm, std::initializer_list<std::string_view> parts)
      : length_(info(algorithm).length) {
    static thread_local Hasher hasher;
    hasher(algorithm, parts, octets_);
  }
  Hash(const Hash&) = delete;
  Hash& operator=(const Hash&) = delete;
  ~Hash() { wipe(octets_.data(), octets_.size()); }
  [[nodiscard]] std::span<const std::uint8_t> octets() const { return std::span(octets_).first(length_); }
  [[nodiscard]] HexHash hex() const { return HexHash(octets()); }

 private:
  std::array<std::uint8_t, kMaxHashLength> octets_{};
  std::size_t length_;
};

/// HA1 in the digits that a response hashes; wiped, for it is as good as the password.
class Ha1Digits {
 public:
  explicit Ha1Digits(const Ha1& ha1) : digits_(ha1.view()) {}
  Ha1Digits(const Ha1Digits&) = delete;
  Ha1Digits& operator=(const Ha1Digits&) = delete;
  ~Ha1Digits() { wipe(&digits_, sizeof digits_); }
  [[nodiscard]] std::string_view text() const { return digits_.text(); }

 private:
  HexHash digits_;
};

// Without a branch or table that a key's octets would choose.
char hex_digit(unsigned nibble) {
  return static_cast<char>('0' + nibble + ((0U - ((9 - nibble) >> 31)) & ('a' - '0' - 10)));
}

int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  const char lower = static_cast<char>(digit | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool same_token(std::string_view left, std::string_view right) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  return std::ranges::equal(left, right, {}, lower, lower);
}

}  // namespace

std::optional<DigestAlgorithm> digest_algorithm_by_name(std::string_view name) {
  for (const DigestAlgorithmInfo& entry : kDigestAlgorithms)
    if (same_token(entry.name, name)) return entry.id;
  return std::nullopt;
}

HexHash::HexHash(std::span<const std::uint8_t> octets) {
  for (const std::uint8_t octet : octets.first(std::min(octets.size(), kMaxHashLength))) {
    digits_[size_++] = hex_digit(octet >> 4U);
    digits_[size_++] = hex_digit(octet & 15U);
  }
}

bool parse_hex(std::string_view digits, std::span<std::uint8_t> out) {
  if (digits.size() != 2 * out.size()) return false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = hex_value(digits[2 * i]), low = hex_value(digits[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return true;
}

Ha1 make_ha1(DigestAlgorithm algorithm, std::string_view user, std::string_view realm,
             std::string_view password) {
  return Ha1(Hash(algorithm, {user, ":", realm, ":", password}).octets());
}

HexHash hash_user(DigestAlgorithm algorithm, std::string_view user, std::string_view realm) {
  return Hash(algorithm, {user, ":", realm}).hex();
}

HexHash digest_response(DigestAlgorithm algorithm, const Ha1& ha1, const DigestInput& input) {
  const Ha1Digits a1(ha1);
  const HexHash a2 =
      input.qop == Qop::auth_int
          ? Hash(algorithm, {input.method, ":", input.uri, ":", Hash(algorithm, {input.body}).hex().text()})
                .hex()
          : Hash(algorithm, {input.method, ":", input.uri}).hex();
  if (input.qop == Qop::none) return Hash(algorithm, {a1.text(), ":", input.nonce, ":", a2.text()}).hex();
  return Hash(algorithm, {a1.text(), ":", input.nonce, ":", input.nonce_count, ":", input.cnonce, ":",
                          name(input.qop), ":", a2.text()})
      .hex();
}

bool digest_matches(const HexHash& expected, std::string_view response) {
  std::array<std::uint8_t, kMaxHashLength> wanted{}, given{};
  const std::size_t length = expected.text().size() / 2;
  if (!parse_hex(expected.text(), std::span(wanted).first(length)) ||
      !parse_hex(response, std::span(given).first(length)))
    return false;
  return equal(wanted.data(), given.data(), length);
}

}  // namespace sallyport::crypto
