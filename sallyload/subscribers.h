// SPDX-License-Identifier: GPL-3.0-or-later
// Subscribers: who they are, and their requests outside dialogs: REGISTER and OPTIONS, with the challenge
// that may come first.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sallyload/client.h"
#include "sallyload/credentials.h"
#include "sallyload/report.h"
#include "sallyload/settings.h"
#include "sip/hop.h"

namespace sallyport::sallyload {

/// What a context names, in its highest octet; below it a number.
enum class ContextKind : std::uint8_t { subscriber, invite, bye };
[[nodiscard]] constexpr std::uint64_t make_context(ContextKind kind, std::uint64_t number) {
  return std::uint64_t{static_cast<std::uint8_t>(kind)} << 56 | number;
}
[[nodiscard]] constexpr ContextKind kind_of(std::uint64_t context) {
  return static_cast<ContextKind>(context >> 56);
}
[[nodiscard]] constexpr std::uint64_t number_of(std::uint64_t context) {
  return context & ((std::uint64_t{1} << 56) - 1);
}

struct Subscriber {
  Credentials credentials;
  sip::Hop hop;  ///< of its last registration
  std::uint32_t cseq = 0;
  std::uint8_t attempt = 0;
  bool registering = false;    ///< the request under way; else it takes the binding away
  std::uint64_t begun_us = 0;  ///< the whole
  std::uint64_t sent_us = 0;   ///< the last request
};

class Subscribers {
 public:
  /// How a request of a subscriber ended: nothing, or why it failed and in words.
  using Ended = std::function<void(std::uint64_t index, std::optional<Failure>, std::string_view what)>;

  Subscribers(const Settings& settings, Client& client, Report& report, Ended ended);

  /// Sends a REGISTER, or the load's OPTIONS. Ended may be called from within.
  void begin(std::uint64_t index, sip::Method method, bool bind);
  void on_response(std::uint64_t index, sip::Message& response);
  void on_failure(std::uint64_t index, Failure failure) { end(index, failure, "REGISTER or OPTIONS"); }

  [[nodiscard]] Subscriber& operator[](std::uint64_t index) { return subscribers_[index]; }
  [[nodiscard]] std::string name(std::uint64_t index) const { return settings_.users.name(index); }
  [[nodiscard]] std::string uri(std::uint64_t index) const {
    return "sip:" + name(index) + "@" + settings_.domain;
  }
  /// `sip:user000001@192.0.2.1:5061;transport=tls`.
  [[nodiscard]] std::string contact(std::uint64_t index) const;
  [[nodiscard]] std::string from(std::uint64_t index, std::string_view tag) const;
  [[nodiscard]] const CredentialRules& rules() const { return rules_; }
  /// Told apart from those of other runs.
  [[nodiscard]] const std::string& run() const { return run_; }
  [[nodiscard]] Result<sip::Hop> hop(std::uint64_t index);

 private:
  void send(std::uint64_t index, sip::Method method);
  void end(std::uint64_t index, std::optional<Failure> failure, std::string_view what);
  void on_success(std::uint64_t index, const sip::Message& response);
  [[nodiscard]] bool lists_contact(std::uint64_t index, const sip::Message& response) const;

  const Settings& settings_;
  Client& client_;
  Report& report_;
  Ended ended_;
  CredentialRules rules_;
  std::string run_;
  std::string registrar_uri_;
  std::vector<Subscriber> subscribers_;
};

}  // namespace sallyport::sallyload
