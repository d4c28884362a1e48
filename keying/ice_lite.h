// SPDX-License-Identifier: GPL-3.0-or-later
// IceLiteAgent: a lite agent (RFC 8445 §2.5) for one component of a leg. It never asks, it answers what is
// authenticated, and it learns which remote address its peer has nominated.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/ip_address.h"
#include "base/secret.h"
#include "keying/clock.h"
#include "keying/stun.h"

namespace sallyport::keying {

/// RFC 8839 §5.4: 4 to 256 and 22 to 256 of the characters that base64 uses.
struct IceCredentials {
  static constexpr std::size_t kMaxPassword = 256;

  std::string fragment;
  Secret<kMaxPassword> password;

  [[nodiscard]] IceCredentials duplicate() const { return {fragment, password.duplicate()}; }
};

/// Fresh ones: 48 random bits name, 144 keep secret; RFC 8445 §5.3 asks for 24 and 128.
[[nodiscard]] IceCredentials make_ice_credentials();

/// What became of a datagram. Only those that `is_answered` have an answer; nobody who does not know the
/// password gets one.
enum class IceOutcome : std::uint8_t {
  checked,    ///< a right check: answered
  nominated,  ///< the same, and its source is the nominated address from now on
  role_conflict,
  unknown_attribute,
  bad_request,
  malformed,
  no_fingerprint,
  no_integrity,
  wrong_username,
  forged,
  indication,
  not_a_check,
};

struct IceOutcomeInfo {
  IceOutcome outcome;
  bool is_answered;
  std::string_view name;
  std::string_view meaning;
};

inline constexpr std::array kIceOutcomes = std::to_array<IceOutcomeInfo>({
    {IceOutcome::checked, true, "ice_checked", "connectivity and consent checks answered"},
    {IceOutcome::nominated, true, "ice_nominated", "checks that nominated another address, answered"},
    {IceOutcome::role_conflict, true, "ice_role_conflict",
     "checks of a peer that calls itself controlled, answered 487"},
    {IceOutcome::unknown_attribute, true, "ice_unknown_attribute",
     "checks with an attribute that must be understood and is not, answered 420"},
    {IceOutcome::bad_request, true, "ice_bad_request",
     "authentic checks without priority or role, answered 400"},
    {IceOutcome::malformed, false, "ice_malformed", "no well-formed STUN message"},
    {IceOutcome::no_fingerprint, false, "ice_no_fingerprint", "STUN without FINGERPRINT"},
    {IceOutcome::no_integrity, false, "ice_no_integrity", "requests without user name or integrity"},
    {IceOutcome::wrong_username, false, "ice_wrong_username", "requests that name no user of the leg"},
    {IceOutcome::forged, false, "ice_forged", "requests whose integrity is not the password's"},
    {IceOutcome::indication, false, "ice_indication", "Binding indications, which keep NATs open"},
    {IceOutcome::not_a_check, false, "ice_not_a_check", "responses, and methods other than Binding"},
});
inline constexpr std::size_t kIceOutcomeCount = kIceOutcomes.size();

[[nodiscard]] constexpr const IceOutcomeInfo& info(IceOutcome outcome) {
  return kIceOutcomes[static_cast<std::size_t>(outcome)];
}

constexpr bool ice_outcomes_stand_at_their_values() {
  for (std::size_t i = 0; i < kIceOutcomes.size(); ++i)
    if (static_cast<std::size_t>(kIceOutcomes[i].outcome) != i) return false;
  return kIceOutcomes.back().outcome == IceOutcome::not_a_check;
}
static_assert(ice_outcomes_stand_at_their_values());

/// Used by one thread.
class IceLiteAgent {
 public:
  /// A nomination of lower priority counts only when the present one has not been repeated for so long: peers
  /// that nominate every pair they try mean the best of them, others mean the last.
  static constexpr InstantMs kNominationHoldMs = 1000;
  /// Addresses from which a right check came, the oldest forgotten first: a check needs the password, but who
  /// has it may still send from everywhere.
  static constexpr std::size_t kMaxValidated = 8;

  explicit IceLiteAgent(IceCredentials local);

  struct Reply {
    IceOutcome outcome = IceOutcome::malformed;
    std::optional<StunWriter> answer;  ///< to where the datagram came from
  };
  /// A datagram that RFC 7983 calls STUN.
  Reply receive(std::span<const std::uint8_t> datagram, const Endpoint& from, InstantMs now);

  /// RFC 8445 §9: new credentials. The old ones are answered, and what they nominated holds, until the new
  /// ones have nominated.
  void restart(IceCredentials local);

  [[nodiscard]] const std::string& local_fragment() const { return current_.fragment; }
  /// Where media and handshakes go; nothing before a nomination.
  [[nodiscard]] const std::optional<Endpoint>& nominated() const { return nominated_; }
  /// Whether a right check came from there: a handshake may begin with it.
  [[nodiscard]] bool is_validated(const Endpoint& remote) const;
  /// When the last right check came (RFC 7675 calls it consent when it is the other way round).
  [[nodiscard]] std::optional<InstantMs> last_check() const { return last_check_; }

 private:
  struct User {
    std::string fragment;
    StunKey key;
  };
  [[nodiscard]] static User make_user(const IceCredentials& credentials);
  [[nodiscard]] const User* find_user(std::string_view username) const;
  [[nodiscard]] IceOutcome judge(const StunMessage& check, const Endpoint& from, const User& user,
                                 InstantMs now);
  [[nodiscard]] bool nominate(std::uint32_t priority, const Endpoint& from, bool current, InstantMs now);
  void validate(const Endpoint& from);

  User current_;
  std::optional<User> previous_;  ///< before a restart
  std::optional<Endpoint> nominated_;
  std::uint32_t nominated_priority_ = 0;
  InstantMs nominated_at_ = 0;
  std::optional<InstantMs> last_check_;
  std::array<Endpoint, kMaxValidated> validated_{};
  std::size_t validated_count_ = 0;  ///< ever; the oldest is overwritten
};

}  // namespace sallyport::keying
