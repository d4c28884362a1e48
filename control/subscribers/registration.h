// SPDX-License-Identifier: GPL-3.0-or-later
// Registration: what a REGISTER asks for, checked as far as the request alone can tell.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "control/config/store.h"
#include "control/subscribers/register_outcome.h"
#include "sip/header_table.h"
#include "sip/message.h"
#include "sip/uri.h"

namespace sallyport::control {

/// One contact. Views last as long as the message.
struct ContactWish {
  std::string_view uri;
  sip::Uri parsed;
  std::string parameters;  ///< those without members here, each with its `;`
  std::string_view instance;
  std::uint32_t reg_id = 0;  ///< 0: none, or none that counts
  std::uint16_t q = 1000;
  std::uint32_t expires_s = 0;  ///< granted; 0: shall be removed
};

struct Registration {
  bool wildcard = false;  ///< all shall be removed
  std::vector<ContactWish> contacts;
  std::string path;  ///< a Route header's value, or empty
  std::string_view call_id;
  std::uint32_t cseq = 0;
  std::string_view user_agent;
  bool direct = false;    ///< nobody stands between the client and us
  bool outbound = false;  ///< a reg-id counts and the client supports outbound: the answer says so
};

struct RegistrationRefusal {
  RegisterOutcome outcome = RegisterOutcome::malformed;
  std::string_view reason = {};  ///< empty: the outcome's
  sip::HeaderId header = sip::HeaderId::other;
  std::string value = {};
};

/// RFC 3261 §10.3 steps 2, 6 and 7, RFC 3327 §5.3 and RFC 5626 §6, without a look at what is registered.
[[nodiscard]] tl::expected<Registration, RegistrationRefusal> read_registration(
    const sip::Message& request, const RegistrarConfig& config);

/// Octets of one contact's texts; each is a bound of its own so that a binding stays small.
inline constexpr std::size_t kMaxContactOctets = 512;
inline constexpr std::size_t kMaxContactParameterOctets = 512;
inline constexpr std::size_t kMaxInstanceOctets = 128;
inline constexpr std::size_t kMaxCallIdOctets = 256;
inline constexpr std::size_t kMaxPathOctets = 1024;
inline constexpr std::size_t kMaxUserAgentOctets = 64;  ///< the rest is cut off

}  // namespace sallyport::control
