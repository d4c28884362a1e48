// SPDX-License-Identifier: GPL-3.0-or-later
// Reading a REGISTER.
#include "control/subscribers/registration.h"

#include <algorithm>
#include <array>

#include "sip/contact.h"

namespace sallyport::control {

namespace {

using Refused = tl::unexpected<RegistrationRefusal>;

constexpr std::uint32_t kUnreadableExpires = 3600;  // RFC 3261 §20.19
/// GRUU is not among them.
constexpr std::array<std::string_view, 2> kExtensions{"path", "outbound"};

Refused malformed(std::string_view reason) {
  return Refused(RegistrationRefusal{RegisterOutcome::malformed, reason});
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

bool names_option(const sip::Message& request, sip::HeaderId header, std::string_view option) {
  for (const std::string_view value : request.values(header))
    if (equal_ignoring_case(value, option)) return true;
  return false;
}

std::string unknown_extensions(const sip::Message& request) {
  std::string unknown;
  for (const std::string_view option : request.values(sip::HeaderId::require)) {
    const auto known = [option](std::string_view one) { return equal_ignoring_case(one, option); };
    if (option.empty() || std::ranges::any_of(kExtensions, known)) continue;
    unknown.append(unknown.empty() ? "" : ", ").append(option);
  }
  return unknown;
}

// The values of several Path fields are one list (RFC 3327 §4).
std::string path_of(const sip::Message& request) {
  std::string path;
  for (const std::string_view value : request.values(sip::HeaderId::path))
    path.append(path.empty() ? "" : ", ").append(value);
  return path;
}

tl::expected<void, RegistrationRefusal> read_path(const sip::Message& request, const RegistrarConfig& config,
                                                  Registration& registration) {
  if (!request.has(sip::HeaderId::path)) return {};
  if (config.require_path_support && !names_option(request, sip::HeaderId::supported, "path"))
    return Refused(
        RegistrationRefusal{RegisterOutcome::unknown_path, "", sip::HeaderId::unsupported, "path"});
  const auto hops = request.addresses(sip::HeaderId::path);
  if (!hops) return malformed("Malformed Path");
  for (const sip::NameAddr& hop : *hops) {
    const auto uri = hop.parsed_uri();
    if (!uri || !uri->is_sip() || !hop.bracketed) return malformed("Malformed Path");
  }
  registration.path = path_of(request);
  if (registration.path.size() > kMaxPathOctets) return malformed("Path Too Long");
  return {};
}

std::size_t count_vias(const sip::Message& request) {
  std::size_t count = 0;
  for ([[maybe_unused]] const std::string_view via : request.values(sip::HeaderId::via)) ++count;
  return count;
}

bool first_hop_does_outbound(const sip::Message& request, bool direct) {
  if (direct) return true;
  const auto hops = request.addresses(sip::HeaderId::path);
  if (!hops || hops->empty()) return false;
  const auto uri = hops->front().parsed_uri();
  return uri && uri->parameters.has("ob");
}

bool has_member(std::string_view parameter) {
  for (const std::string_view known : {"q", "expires", "+sip.instance", "reg-id"})
    if (equal_ignoring_case(parameter, known)) return true;
  return false;
}

std::string other_parameters(const sip::Parameters& parameters) {
  std::string text;
  for (const sip::Parameter& parameter : parameters) {
    if (has_member(parameter.name)) continue;
    text.append(";").append(parameter.name);
    if (parameter.has_value) text.append("=").append(parameter.value);
  }
  return text;
}

tl::expected<ContactWish, RegistrationRefusal> read_contact(const sip::Contact& contact) {
  ContactWish wish;
  wish.uri = contact.address.uri;
  const auto uri = sip::parse_uri(wish.uri);
  if (!uri) return malformed("Malformed Contact URI");
  wish.parsed = *uri;
  wish.parameters = other_parameters(contact.address.parameters);
  wish.instance = contact.instance;
  wish.reg_id = contact.instance.empty() ? 0 : contact.reg_id.value_or(0);
  wish.q = contact.q.value_or(1000);
  if (wish.uri.size() > kMaxContactOctets || wish.parameters.size() > kMaxContactParameterOctets ||
      wish.instance.size() > kMaxInstanceOctets)
    return malformed("Contact Too Long");
  return wish;
}

// What the client wants, cut to what it may have; nothing if it is too little.
std::optional<std::uint32_t> grant(std::uint32_t wanted, const RegistrarConfig& config) {
  if (wanted > 0 && wanted < config.min_expires_s && wanted < 3600) return std::nullopt;
  return std::min(wanted, config.max_expires_s);
}

tl::expected<void, RegistrationRefusal> check_outbound(const sip::Message& request,
                                                       Registration& registration) {
  const auto counts = [](const ContactWish& contact) { return contact.reg_id != 0; };
  if (std::ranges::none_of(registration.contacts, counts)) return {};
  const bool supported = names_option(request, sip::HeaderId::supported, "outbound");
  if (!first_hop_does_outbound(request, registration.direct)) {
    if (supported) return Refused(RegistrationRefusal{RegisterOutcome::no_outbound});
    for (ContactWish& contact : registration.contacts) contact.reg_id = 0;
    return {};
  }
  //= https://www.rfc-editor.org/rfc/rfc5626#section-6
  //# Therefore, if the Contact header field contains
  //# more than one header field value with a non-zero expiration and any
  //# of these header field values contain a "reg-id" Contact header field
  //# parameter, the entire registration SHOULD be rejected with a 400 (Bad
  //# Request) response.
  const auto stays = [](const ContactWish& contact) { return contact.expires_s != 0; };
  if (std::ranges::count_if(registration.contacts, stays) > 1)
    return malformed("More Than One Contact Beside A reg-id");
  registration.outbound = supported;
  return {};
}

tl::expected<void, RegistrationRefusal> read_contacts(const sip::Message& request,
                                                      const RegistrarConfig& config,
                                                      Registration& registration) {
  const auto contacts = sip::contacts(request);
  if (!contacts) return malformed("Malformed Contact");
  const auto number = request.number(sip::HeaderId::expires);
  const std::uint32_t common = number ? number->value_or(config.default_expires_s) : kUnreadableExpires;
  if (!contacts->empty() && contacts->front().star) {
    if (contacts->size() != 1 || !request.has(sip::HeaderId::expires) || common != 0)
      return malformed("Contact * Needs Expires: 0");
    registration.wildcard = true;
    return {};
  }
  for (const sip::Contact& contact : *contacts) {
    auto wish = read_contact(contact);
    if (!wish) return Refused(std::move(wish.error()));
    const auto granted = grant(contact.expires.value_or(common), config);
    if (!granted)
      return Refused(RegistrationRefusal{RegisterOutcome::too_brief, "", sip::HeaderId::min_expires,
                                         std::to_string(config.min_expires_s)});
    wish->expires_s = *granted;
    registration.contacts.push_back(std::move(*wish));
  }
  return check_outbound(request, registration);
}

}  // namespace

tl::expected<Registration, RegistrationRefusal> read_registration(const sip::Message& request,
                                                                  const RegistrarConfig& config) {
  if (std::string unknown = unknown_extensions(request); !unknown.empty())
    return Refused(RegistrationRefusal{RegisterOutcome::unsupported_extension, "", sip::HeaderId::unsupported,
                                       std::move(unknown)});
  Registration registration;
  const auto cseq = request.cseq();
  if (!cseq) return malformed("Malformed CSeq");
  registration.cseq = cseq->number;
  registration.call_id = request.call_id();
  if (registration.call_id.size() > kMaxCallIdOctets) return malformed("Call-ID Too Long");
  registration.user_agent =
      request.header(sip::HeaderId::user_agent).value_or("").substr(0, kMaxUserAgentOctets);
  registration.direct = count_vias(request) == 1;
  if (auto path = read_path(request, config, registration); !path) return Refused(std::move(path.error()));
  if (auto contacts = read_contacts(request, config, registration); !contacts)
    return Refused(std::move(contacts.error()));
  return registration;
}

}  // namespace sallyport::control
