// SPDX-License-Identifier: GPL-3.0-or-later
// Registrar: REGISTER becomes bindings, and an address-of-record the places where it is reached (RFC 3261
// §10.3, RFC 3327, RFC 3608, RFC 5626).
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "control/config/store.h"
#include "control/subscribers/location.h"
#include "control/subscribers/register_outcome.h"
#include "control/subscribers/registration.h"
#include "control/subscribers/store.h"
#include "sip/message.h"

namespace sallyport::control {

/// What the registrar is to be told beside the request. The views need only last for the call.
struct RegisterRequest {
  const sip::Message& message;
  const User& user;  ///< whom the request's credentials proved
  sip::Hop hop;
  WallTime now;
  std::string_view to_tag;
  std::string_view authentication_info = {};           ///< value of that header in a 200, or empty
  std::optional<crypto::DigestAlgorithm> digest = {};  ///< of the credentials
};

/// A place where a user is reached.
struct Target {
  std::uint64_t binding = 0;
  std::string contact;  ///< the URI for the Request-URI
  std::string path;  ///< value for Route, or empty; then the request goes to its first URI, not down the flow
  sip::Hop flow;     ///< stream: this very connection; 0: it is gone, and only the contact is left to try
  std::uint16_t q = 0;   ///< thousandths; targets of one q may be tried at once
  std::string instance;  ///< `<urn:uuid:…>` or empty
  std::uint32_t reg_id = 0;
  std::optional<crypto::DigestAlgorithm> digest;  ///< by which it was registered, where that is known
  /// Another flow to the instance of the target before: for when that fails, never beside it (RFC 5626 §7).
  bool alternate = false;
};

/// The control thread's. What it answers with 200 is stored by then, or is a mere prolongation that the store
/// has foreseen (decision 20).
class Registrar {
 public:
  /// References outlive the object.
  Registrar(const RegistrarConfig& config, Store& store) : config_(config), store_(store) {}

  /// Tells whether a connection can still be used; without it all can.
  void set_connection_check(std::function<bool(std::uint64_t connection)> check) {
    alive_ = std::move(check);
  }

  /// For the start: a binding as it was loaded. One that has ended is deleted from the store.
  void restore(const std::string& aor, Binding binding, WallTime now);

  /// Called exactly once, with the whole response: at once, or from within Store::dispatch.
  using Reply = std::function<void(std::uint16_t status, std::string response)>;
  void handle(const RegisterRequest& request, Reply reply);

  /// Best first: q, then the most recent. Flows of outbound that have ended are left out.
  [[nodiscard]] std::vector<Target> targets(std::string_view aor, WallTime now) const;
  /// A request that was sent there found that the connection has ended.
  void flow_failed(std::string_view aor, const Target& target);

  /// Ends what has expired; once a second is enough.
  void advance(WallTime now);

  /// Takes bindings out by hand: one, or all of an address. `done` gets how many, or why not.
  void drop(const std::string& aor, std::optional<std::uint64_t> binding,
            std::function<void(Result<std::size_t>)> done);
  /// What the store needs to be exact, before the daemon ends: see decision 20.
  void settle();

  [[nodiscard]] const Location& location() const { return location_; }
  [[nodiscard]] bool is_alive(const sip::Hop& flow) const;
  [[nodiscard]] std::uint64_t count(RegisterOutcome outcome) const {
    return counts_[static_cast<std::size_t>(outcome)];
  }
  [[nodiscard]] std::uint64_t expired() const { return expired_; }

 private:
  struct Remove {
    std::uint64_t id;
  };
  using Step = std::variant<Binding, Remove>;
  /// What a request does to an address, and how it looks then.
  struct Plan {
    std::vector<Step> steps;
    std::vector<Binding> after;
    bool must_be_stored = false;
  };
  using PlanOrOutcome = tl::expected<Plan, RegisterOutcome>;

  [[nodiscard]] std::optional<RegistrationRefusal> refusal_of(const RegisterRequest& request) const;
  [[nodiscard]] bool is_ours(std::string_view host) const;
  [[nodiscard]] std::vector<Binding> expected_bindings(std::string_view aor, WallTime now) const;
  [[nodiscard]] PlanOrOutcome plan(const Registration& wish, const RegisterRequest& request);
  [[nodiscard]] bool plan_contact(const Registration& wish, const ContactWish& contact,
                                  const RegisterRequest& request, Plan& plan);
  [[nodiscard]] std::optional<RegisterOutcome> keep_limits(const User& user, std::size_t before, Plan& plan);
  void commit(const std::string& aor, std::vector<Step> steps,
              std::function<void(std::optional<RegisterOutcome>)> done);
  void apply(const std::string& aor, std::vector<Step>& steps);
  [[nodiscard]] Changes changes_of(const std::string& aor, const std::vector<Step>& steps) const;
  void accept(const RegisterRequest& request, const Registration& wish, Plan plan, Reply reply);
  [[nodiscard]] std::string success(const RegisterRequest& request, const Registration& wish,
                                    const std::vector<Binding>& bindings);
  [[nodiscard]] std::string refuse(const RegisterRequest& request, const RegistrationRefusal& refusal) const;
  [[nodiscard]] const std::string& date_text(WallTime now);
  void count_one(RegisterOutcome outcome) { ++counts_[static_cast<std::size_t>(outcome)]; }

  const RegistrarConfig& config_;
  Store& store_;
  std::function<bool(std::uint64_t)> alive_;
  Location location_;
  /// Steps on their way to the store, in order, by address; they become true when the store says so.
  std::unordered_map<std::string, std::deque<std::vector<Step>>> pending_;
  std::size_t pending_count_ = 0;
  std::uint64_t last_id_ = 0;
  std::array<std::uint64_t, kRegisterOutcomeCount> counts_{};
  std::uint64_t expired_ = 0;
  WallTime date_of_{};
  std::string date_;
};

}  // namespace sallyport::control
