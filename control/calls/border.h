// SPDX-License-Identifier: GPL-3.0-or-later
// Border: which of one end's header fields the other end is shown. Whatever is not named here stays behind.
#pragma once

#include <string>
#include <string_view>

#include "control/config/policy.h"
#include "sip/message.h"
#include "sip/writer.h"

namespace sallyport::control {

/// Copies the end-to-end fields of a request or response that may cross. Never Via, Contact, Call-ID, routes,
/// credentials or challenges, identities, what names a product, or a body's type.
void copy_across(sip::MessageWriter& writer, const sip::Message& from, const SidePolicy& from_side,
                 const SidePolicy& to_side);

/// The body of `from` as it is, with its type: for requests whose body is none of our business.
void copy_body(sip::MessageWriter& writer, const sip::Message& from);

/// User-Agent or Server, as the side that receives it wants it.
void write_product(sip::MessageWriter& writer, sip::HeaderId id, const sip::Message* from,
                   const SidePolicy& to_side, std::string_view ours);

/// Who calls, as one side may be told.
struct CallerIdentity {
  std::string from;      ///< value of From without its tag
  std::string asserted;  ///< value of P-Asserted-CallerIdentity; empty: none
  std::string privacy;   ///< value of Privacy; empty: none
};

/// What is known of a caller: see IdentityPolicy.
struct Claim {
  std::string uri;      ///< authenticated, or asserted by whom we trust; empty: nobody vouches for From
  std::string display;  ///< display name without quotes
};

struct IdentityRefusal {
  unsigned status = 403;
  std::string reason;
};

/// What the callee's side is told of who sends `request`. `domain`: hosts of From that are addresses of the
/// caller's side become this.
[[nodiscard]] tl::expected<CallerIdentity, IdentityRefusal> identity_for(const sip::Message& request,
                                                                         const Claim& claim,
                                                                         const SidePolicy& from_side,
                                                                         const SidePolicy& to_side,
                                                                         std::string_view domain);

/// A URI as another side may see it: user part and our domain, nothing else. Of tel and others, the text.
[[nodiscard]] std::string hide_host(std::string_view uri, std::string_view domain);

}  // namespace sallyport::control
