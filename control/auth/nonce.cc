// SPDX-License-Identifier: GPL-3.0-or-later
// Issuing and recognising nonces, and the table of counts that were used.
#include "control/auth/nonce.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/base64.h"
#include "base/bytes.h"
#include "crypto/equal.h"

namespace sallyport::control {

namespace {

constexpr std::size_t kFieldOctets = 17;
constexpr std::size_t kCodeOctets = 16;
constexpr std::size_t kNonceOctets = kFieldOctets + kCodeOctets;
constexpr std::size_t kNonceCharacters = kNonceOctets / 3 * 4;
static_assert(kNonceOctets % 3 == 0, "else one nonce would have several texts");
constexpr unsigned kNonceVersion = 1;

using Octets = std::array<std::uint8_t, kNonceOctets>;

crypto::HmacSha256::Code code_of(const crypto::HmacSha256& hmac, const Octets& octets,
                                 std::string_view realm) {
  return hmac({"nonce", {reinterpret_cast<const char*>(octets.data()), kFieldOctets}, realm});
}

std::uint8_t pack(const NonceTerms& terms) {
  return static_cast<std::uint8_t>(kNonceVersion << 4U | static_cast<unsigned>(terms.algorithm) << 2U |
                                   terms.qops);
}

}  // namespace

std::string NonceMint::issue(const NonceTerms& terms, std::string_view realm) {
  Octets octets{};
  octets[0] = pack(terms);
  store_be32(&octets[1], run_);
  store_be32(&octets[5], terms.expires_s);
  store_be64(&octets[9], ++issued_);
  const auto code = code_of(code_, octets, realm);
  std::copy_n(code.begin(), kCodeOctets, octets.begin() + kFieldOctets);
  std::string text;
  text.reserve(kNonceCharacters);
  append_base64(text, octets, false);
  return text;
}

std::optional<Nonce> NonceMint::read(std::string_view text, std::string_view realm) const {
  Octets octets{};
  if (text.size() != kNonceCharacters || decode_base64(text, octets) != kNonceOctets) return std::nullopt;
  const auto code = code_of(code_, octets, realm);
  if (!crypto::equal(code.data(), &octets[kFieldOctets], kCodeOctets)) return std::nullopt;
  if (octets[0] >> 4U != kNonceVersion) return std::nullopt;
  Nonce nonce;
  nonce.terms.algorithm = static_cast<crypto::DigestAlgorithm>(octets[0] >> 2U & 3U);
  nonce.terms.qops = octets[0] & 3U;
  nonce.run = load_be32(&octets[1]);
  nonce.terms.expires_s = load_be32(&octets[5]);
  nonce.serial = load_be64(&octets[9]);
  nonce.place = load_be64(&code[kCodeOctets]);
  return nonce;
}

NonceTable::NonceTable(Limits& limits)
    : limits_(limits), sets_(std::max<std::size_t>(1, (limits[Limit::nonces] + kWays - 1) / kWays)) {}

NonceTable::Use NonceTable::advance(Entry& entry, std::uint32_t count) {
  if (count > entry.highest) {
    const std::uint32_t by = count - entry.highest;
    entry.used = (by < kWindow ? entry.used << by : 0) | 1;
    entry.highest = count;
    return Use::first;
  }
  const std::uint32_t behind = entry.highest - count;
  if (behind >= kWindow || (entry.used >> behind & 1U) != 0) return Use::replayed;
  entry.used |= std::uint64_t{1} << behind;
  return Use::first;
}

NonceTable::Use NonceTable::use(const Nonce& nonce, std::uint32_t count, std::uint64_t now_s) {
  Set& set = sets_[(nonce.place >> 32U) * sets_.size() >> 32U];
  for (Entry& entry : set.entries)
    if (entry.serial == nonce.serial) return advance(entry, count);
  if (nonce.serial <= set.floor) return Use::old;
  Entry& oldest = *std::ranges::min_element(set.entries, {}, &Entry::serial);
  // A free entry has serial 0; one whose nonce has expired is as good as free, for age is asked first.
  if (oldest.serial > nonce.serial) {
    set.floor = nonce.serial;
    limits_.count_refusal(Limit::nonces);
    return Use::old;
  }
  if (oldest.serial != 0) {
    set.floor = oldest.serial;
    if (now_s < oldest.expires_s) limits_.count_refusal(Limit::nonces);
  }
  oldest = {nonce.serial, 1, count, nonce.terms.expires_s};
  return Use::first;
}

}  // namespace sallyport::control
