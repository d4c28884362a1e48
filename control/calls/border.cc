// SPDX-License-Identifier: GPL-3.0-or-later
// One list of what crosses, and the rules of RFC 3323 and RFC 3325 for identities.
#include "control/calls/border.h"

#include <array>
#include <cstddef>

#include "base/ip_address.h"
#include "sip/identity.h"
#include "sip/text.h"
#include "sip/uri.h"

namespace sallyport::control {

using sip::HeaderId;

namespace {

constexpr std::array kAlways = {
    HeaderId::accept,
    HeaderId::accept_contact,
    HeaderId::accept_encoding,
    HeaderId::accept_language,
    HeaderId::content_disposition,
    HeaderId::content_language,
    HeaderId::date,
    HeaderId::event,
    HeaderId::expires,
    HeaderId::info_package,
    HeaderId::min_expires,
    HeaderId::p_early_media,
    HeaderId::priority,
    HeaderId::reason,
    HeaderId::recv_info,
    HeaderId::refer_sub,
    HeaderId::reject_contact,
    HeaderId::request_disposition,
    HeaderId::retry_after,
    HeaderId::subject,
    HeaderId::subscription_state,
    HeaderId::unsupported,
    HeaderId::user_to_user,
};

// Only between sides that both are in the trust domain.
constexpr std::array kBetweenTrusted = {
    HeaderId::alert_info,        HeaderId::call_info,
    HeaderId::diversion,         HeaderId::error_info,
    HeaderId::geolocation,       HeaderId::history_info,
    HeaderId::organization,      HeaderId::p_access_network_info,
    HeaderId::p_called_party_id, HeaderId::p_charging_function_addresses,
    HeaderId::p_charging_vector, HeaderId::p_visited_network_id,
    HeaderId::resource_priority, HeaderId::accept_resource_priority,
};

constexpr auto crossing_table(const auto& ids) {
  std::array<bool, sip::kHeaderCount> table{};
  for (const HeaderId id : ids) table[static_cast<std::size_t>(id)] = true;
  return table;
}
constexpr auto kCrossesAlways = crossing_table(kAlways);
constexpr auto kCrossesBetweenTrusted = crossing_table(kBetweenTrusted);

// Names that nobody has told us of. P- headers are for those who trust each other (RFC 3427 §4.1).
bool crosses_unknown(std::string_view name, bool trusted) {
  return trusted || !sip::text::starts_with_ignoring_case(name, "P-");
}

constexpr std::string_view kAnonymousFrom = "\"Anonymous\" <sip:anonymous@anonymous.invalid>";

bool is_address(std::string_view host) {
  if (host.starts_with('[')) return true;
  return IpAddress::parse(host).has_value();
}

}  // namespace

void copy_across(sip::MessageWriter& writer, const sip::Message& from, const SidePolicy& from_side,
                 const SidePolicy& to_side) {
  const bool trusted = from_side.trust && to_side.trust;
  for (const sip::Field field : from.fields()) {
    if (field.id == HeaderId::other) {
      if (crosses_unknown(field.name, trusted)) writer.header(field.name, field.value);
      continue;
    }
    const auto id = static_cast<std::size_t>(field.id);
    if (kCrossesAlways[id] || (trusted && kCrossesBetweenTrusted[id])) writer.header(field.id, field.value);
  }
}

void copy_body(sip::MessageWriter& writer, const sip::Message& from) {
  if (from.body().empty()) return;
  writer.body(from.header(HeaderId::content_type).value_or("application/octet-stream"), from.body());
}

void write_product(sip::MessageWriter& writer, HeaderId id, const sip::Message* from,
                   const SidePolicy& to_side, std::string_view ours) {
  switch (to_side.user_agent) {
    case ProductPolicy::ours:
      if (!ours.empty()) writer.header(id, ours);
      return;
    case ProductPolicy::pass:
      if (from == nullptr) return;
      for (const HeaderId source : {HeaderId::user_agent, HeaderId::server})
        if (const auto product = from->header(source)) {
          writer.header(id, *product);
          return;
        }
      return;
    case ProductPolicy::none:
      return;
  }
}

std::string hide_host(std::string_view uri, std::string_view domain) {
  const auto parsed = sip::parse_uri(uri);
  if (!parsed || !parsed->is_sip()) return std::string(uri);
  std::string text = "sip:";
  if (parsed->has_user) text.append(parsed->user).append("@");
  return text.append(domain);
}

tl::expected<CallerIdentity, IdentityRefusal> identity_for(const sip::Message& request, const Claim& claim,
                                                           const SidePolicy& from_side,
                                                           const SidePolicy& to_side,
                                                           std::string_view domain) {
  const auto from = request.from();
  const auto privacy = sip::privacy(request);
  if (!from) return tl::unexpected(IdentityRefusal{400, "Malformed From"});
  if (!privacy) return tl::unexpected(IdentityRefusal{400, "Malformed Privacy"});
  const auto from_uri = from->parsed_uri();
  if (!from_uri) return tl::unexpected(IdentityRefusal{400, "Malformed From"});

  std::string shown(from->uri);
  if (from_uri->is_sip() && is_address(from_uri->host)) shown = hide_host(from->uri, domain);
  if (!claim.uri.empty()) {
    const auto claimed = sip::parse_uri(claim.uri);
    const bool same = claimed && sip::address_of_record(*from_uri) == sip::address_of_record(*claimed);
    if (from_side.identity == IdentityPolicy::match && !same)
      return tl::unexpected(IdentityRefusal{403, "From Is Not Your Address"});
    if (from_side.identity == IdentityPolicy::rewrite) shown = claim.uri;
  }
  const std::string display = claim.display.empty() ? from->display_name() : claim.display;

  CallerIdentity identity;
  identity.from = sip::write_name_addr(display, shown);
  if (to_side.trust && !claim.uri.empty()) identity.asserted = sip::write_name_addr(display, claim.uri);
  const bool wants_privacy = privacy->id || privacy->user || privacy->header;
  if (!wants_privacy) return identity;
  if (to_side.privacy == PrivacyPolicy::refuse) return tl::unexpected(IdentityRefusal{433, {}});
  identity.privacy = request.header(HeaderId::privacy).value_or("");
  if (to_side.privacy == PrivacyPolicy::enforce && !to_side.trust) {
    identity.from = kAnonymousFrom;
    identity.asserted.clear();
  } else if (to_side.privacy == PrivacyPolicy::enforce) {
    identity.from = kAnonymousFrom;
  }
  return identity;
}

}  // namespace sallyport::control
