// SPDX-License-Identifier: GPL-3.0-or-later
// A registrar with a real store, and REGISTER requests as text.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/subscribers/registrar.h"
#include "tests/unit/control/store_rig.h"

namespace sallyport::control {

struct Register {
  std::string uri = "sip:example.com";
  std::string to = "<sip:alice@example.com>";
  std::string call_id = "call-1";
  std::uint32_t cseq = 1;
  std::vector<std::string> lines;  ///< further header lines: `Contact: …`
  bool through_a_proxy = false;
};

[[nodiscard]] std::string text_of(const Register& what);

struct Answer {
  std::uint16_t status = 0;
  sip::Message message;
  [[nodiscard]] std::string reason() const { return std::string(message.reason()); }
  [[nodiscard]] std::string header(sip::HeaderId id) const {
    return std::string(message.header(id).value_or(""));
  }
  [[nodiscard]] std::vector<std::string> all(sip::HeaderId id) const;
};

class RegistrarRig {
 public:
  RegistrarRig();

  /// Waits for the store if need be.
  [[nodiscard]] Answer ask(const Register& what) { return ask_as(alice, what); }
  [[nodiscard]] Answer ask_as(const User& user, const Register& what);
  /// The answer comes when the store is dispatched.
  void ask_later(const User& user, const Register& what, std::vector<Answer>& answers);
  /// As one line each: `sip:alice@192.0.2.1;expires=60`.
  [[nodiscard]] std::vector<std::string> registered(std::string_view aor = "sip:alice@example.com") const;
  /// A new store and registrar on the same file. A crash does without the store's last words.
  void restart(bool orderly);
  void pass(int seconds);

  TemporaryDirectory directory;
  RegistrarConfig config;
  User alice = make_user("alice"), bob = make_user("bob");
  sip::Hop hop;
  WallTime now{std::chrono::seconds(1700000000)};
  std::unique_ptr<Store> store;
  std::unique_ptr<Registrar> registrar;
};

}  // namespace sallyport::control
