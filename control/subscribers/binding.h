// SPDX-License-Identifier: GPL-3.0-or-later
// Binding: one contact of an address-of-record, and how to reach it (RFC 3261 §10, RFC 3327, RFC 5626).
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/digest.h"
#include "sip/hop.h"

namespace sallyport::control {

/// Time of day: what is stored means the same after a restart.
using WallTime = std::chrono::sys_seconds;
[[nodiscard]] inline WallTime wall_time() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

/// The texts of a binding, one behind the other in one allocation: a hundred thousand of them are kept.
class BindingTexts {
 public:
  enum Part : std::uint8_t { contact, parameters, instance, call_id, user_agent, path, count };
  using Parts = std::array<std::string_view, count>;

  BindingTexts() = default;
  /// All together at most kMaxOctets; the registrar's limits see to it.
  explicit BindingTexts(const Parts& parts);

  [[nodiscard]] std::string_view operator[](Part part) const {
    const std::size_t begin = part == 0 ? 0 : ends_[static_cast<std::size_t>(part) - 1];
    return std::string_view(text_).substr(begin, ends_[part] - begin);
  }
  [[nodiscard]] Parts parts() const;
  [[nodiscard]] std::size_t memory_bytes() const { return text_.capacity(); }
  friend bool operator==(const BindingTexts&, const BindingTexts&) = default;

  static constexpr std::size_t kMaxOctets = 65535;

 private:
  std::string text_;
  std::array<std::uint16_t, count> ends_{};
};

struct Binding {
  std::uint64_t id = 0;  ///< names it in the store and to operators
  WallTime expires{};
  /// What the store holds for `expires`: at or after it, so that a refresh need not always be written.
  WallTime stored_until{};
  WallTime updated{};
  std::uint32_t cseq = 0;
  std::uint32_t reg_id = 0;  ///< 0: not registered over a flow of its own (RFC 5626)
  std::uint16_t q = 1000;    ///< thousandths
  /// By which who registered it proved who it is; nothing after a restart.
  std::optional<crypto::DigestAlgorithm> digest;
  sip::Hop flow;  ///< as it came; `connection` is 0 after a restart or when the flow has failed
  BindingTexts texts;

  /// The contact's URI, without angle brackets.
  [[nodiscard]] std::string_view contact() const { return texts[BindingTexts::contact]; }
  /// Contact parameters but those that have members of their own: `;methods="INVITE"`, or empty.
  [[nodiscard]] std::string_view parameters() const { return texts[BindingTexts::parameters]; }
  /// `<urn:uuid:…>`, or empty.
  [[nodiscard]] std::string_view instance() const { return texts[BindingTexts::instance]; }
  [[nodiscard]] std::string_view call_id() const { return texts[BindingTexts::call_id]; }
  [[nodiscard]] std::string_view user_agent() const { return texts[BindingTexts::user_agent]; }
  /// The value of a Route header that leads there (RFC 3327 §5.4), or empty.
  [[nodiscard]] std::string_view path() const { return texts[BindingTexts::path]; }
  /// The same contact under RFC 5626's key.
  [[nodiscard]] bool same_flow_key(std::string_view other_instance, std::uint32_t other_reg_id) const {
    return reg_id != 0 && reg_id == other_reg_id && instance() == other_instance;
  }
};

/// True if `now` cannot be told from `before` once the daemon has restarted, but for its times: then nothing
/// need be written. A stream's remote address ends with its connection; a datagram's is where calls are sent.
[[nodiscard]] bool same_when_stored(const Binding& before, const Binding& now);

}  // namespace sallyport::control
