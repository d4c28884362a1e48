// SPDX-License-Identifier: GPL-3.0-or-later
// RegisterOutcome: how a REGISTER ended; each value is a counter.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sallyport::control {

enum class RegisterOutcome : std::uint8_t {
  stored,
  refreshed,
  fetched,
  malformed,
  foreign_domain,
  foreign_address,
  disabled,
  unsupported_extension,
  unknown_path,
  too_brief,
  no_outbound,
  out_of_order,
  too_many_bindings,
  registrar_full,
  store_busy,
  store_failed,
};

struct RegisterOutcomeInfo {
  RegisterOutcome outcome;
  std::string_view name;
  std::uint16_t status;
  std::string_view reason;  ///< empty: the usual phrase
  std::string_view meaning;
};

// Too many contacts is 503, as users of Kamailio's max_contacts know it; without a Retry-After, which would
// silence the client's calls as well (RFC 3261 §21.5.4).
inline constexpr std::array kRegisterOutcomes = std::to_array<RegisterOutcomeInfo>({
    {RegisterOutcome::stored, "stored", 200, "", "bindings were made, changed or removed, and stored"},
    {RegisterOutcome::refreshed, "refreshed", 200, "",
     "bindings were prolonged within the time that is stored"},
    {RegisterOutcome::fetched, "fetched", 200, "", "bindings were only asked for"},
    {RegisterOutcome::malformed, "malformed", 400, "", "the request breaks a rule"},
    {RegisterOutcome::foreign_domain, "foreign_domain", 404, "Not A Domain Of This Registrar",
     "the Request-URI or the address names a domain that is not ours"},
    {RegisterOutcome::foreign_address, "foreign_address", 403, "Not Your Address",
     "the address is not the one of the authenticated user"},
    {RegisterOutcome::disabled, "disabled", 403, "", "the user is disabled"},
    {RegisterOutcome::unsupported_extension, "unsupported_extension", 420, "",
     "an extension is required that the registrar does not have"},
    {RegisterOutcome::unknown_path, "unknown_path", 420, "",
     "there is a Path, but the client does not support it (RFC 3327)"},
    {RegisterOutcome::too_brief, "too_brief", 423, "", "the expiry is shorter than the shortest allowed"},
    {RegisterOutcome::no_outbound, "no_outbound", 439, "",
     "outbound is asked for through a first hop that lacks it (RFC 5626)"},
    {RegisterOutcome::out_of_order, "out_of_order", 500, "CSeq Out Of Order",
     "a later request of the same Call-ID was there before"},
    {RegisterOutcome::too_many_bindings, "too_many_bindings", 503, "Too Many Registered Contacts",
     "the user's limit of bindings is reached"},
    {RegisterOutcome::registrar_full, "registrar_full", 503, "Too Many Registrations",
     "the limit of all bindings is reached"},
    {RegisterOutcome::store_busy, "store_busy", 503, "Store Overloaded",
     "too many writes wait for the store"},
    {RegisterOutcome::store_failed, "store_failed", 500, "Store Failed",
     "the store could not keep the bindings"},
});
inline constexpr std::size_t kRegisterOutcomeCount = kRegisterOutcomes.size();

constexpr bool register_outcomes_stand_at_their_values() {
  for (std::size_t i = 0; i < kRegisterOutcomes.size(); ++i)
    if (static_cast<std::size_t>(kRegisterOutcomes[i].outcome) != i) return false;
  return kRegisterOutcomes.back().outcome == RegisterOutcome::store_failed;
}
static_assert(register_outcomes_stand_at_their_values());

[[nodiscard]] constexpr const RegisterOutcomeInfo& info(RegisterOutcome outcome) {
  return kRegisterOutcomes[static_cast<std::size_t>(outcome)];
}

}  // namespace sallyport::control
