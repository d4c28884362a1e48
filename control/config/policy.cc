// SPDX-License-Identifier: GPL-3.0-or-later
// Reading [policy.SIDE] for every side, with defaults that fit its listeners.
#include "control/config/policy.h"

#include <algorithm>

#include "control/config/section.h"

namespace sallyport::control {

namespace {

using crypto::SuiteId;
using sip::MediaSecurity;

/// What every phone knows first, then what is stronger: many take the first line that they know, some choke
/// on a first line that they do not.
const std::vector<SuiteId> kStandardSuites = {
    SuiteId::aes_cm_128_hmac_sha1_80, SuiteId::aes_cm_128_hmac_sha1_32, SuiteId::aes_256_cm_hmac_sha1_80,
    SuiteId::aead_aes_128_gcm, SuiteId::aead_aes_256_gcm};

std::vector<SuiteId> read_suites(ConfigSection& section) {
  if (!section.has("suites")) {
    static_cast<void>(section.texts("suites"));
    return kStandardSuites;
  }
  std::vector<SuiteId> suites;
  for (const std::string& text : section.texts("suites")) {
    const auto suite = crypto::suite_by_name(text);
    if (!suite)
      section.error("suites", "'" + text + "' is no SRTP suite such as \"AES_CM_128_HMAC_SHA1_80\"");
    else if (std::ranges::find(suites, *suite) != suites.end())
      section.error("suites", "names a suite twice");
    else
      suites.push_back(*suite);
  }
  if (suites.empty()) section.error("suites", "must list at least one");
  return suites;
}

/// Whether signalling on a side can carry keys: on some listener, on none, or (without listeners) who knows.
struct Carriers {
  bool secure = false, plain = false;
};

Carriers carriers_of(const Config& config, std::string_view side) {
  Carriers carriers;
  for (std::size_t i = 0; i < config.sip.listeners.size(); ++i) {
    if (config.sip.listeners[i].side != side) continue;
    const bool secure = sip::is_secure(config.sip.transport.listeners[i].transport);
    (secure ? carriers.secure : carriers.plain) = true;
  }
  return carriers;
}

void read_media(ConfigSection& section, Carriers carriers, sip::MediaPolicy& media) {
  // Keys never cross an open wire, so where there is no other, media cannot be secret.
  const bool open_only = carriers.plain && !carriers.secure;
  const MediaSecurity standard = open_only ? MediaSecurity::none : MediaSecurity::required;
  media.security = section.choice("media", standard,
                                  {{"required", MediaSecurity::required},
                                   {"preferred", MediaSecurity::preferred},
                                   {"none", MediaSecurity::none}});
  if (open_only && media.security != MediaSecurity::none)
    section.error("media", "must be none: the side has no TLS listener, and keys go over TLS only");
  media.crypto.suites = read_suites(section);
  media.crypto.unencrypted_srtcp = section.flag("unencrypted_srtcp", media.crypto.unencrypted_srtcp);
  media.accept_mux = section.flag("accept_mux", media.accept_mux);
  media.offer_mux = section.flag("offer_mux", media.offer_mux);
  if (!section.has("drop_attributes")) {
    static_cast<void>(section.texts("drop_attributes"));
    return;
  }
  media.filter.dropped = section.texts("drop_attributes");
  const auto is_name = [](const std::string& text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f && c != ':'; });
  };
  if (!std::ranges::all_of(media.filter.dropped, is_name))
    section.error("drop_attributes", "must list names of attributes such as \"X-*\" or \"fmtp\"");
}

SidePolicy read_policy(ConfigSection section, Carriers carriers) {
  SidePolicy policy;
  read_media(section, carriers, policy.media);
  policy.trust = section.flag("trust", policy.trust);
  policy.identity = section.choice("identity", policy.identity,
                                   {{"rewrite", IdentityPolicy::rewrite},
                                    {"assert", IdentityPolicy::assert_only},
                                    {"match", IdentityPolicy::match},
                                    {"pass", IdentityPolicy::pass}});
  policy.privacy = section.choice("privacy", policy.privacy,
                                  {{"enforce", PrivacyPolicy::enforce},
                                   {"pass", PrivacyPolicy::pass},
                                   {"refuse", PrivacyPolicy::refuse}});
  policy.user_agent = section.choice(
      "user_agent", policy.user_agent,
      {{"ours", ProductPolicy::ours}, {"pass", ProductPolicy::pass}, {"none", ProductPolicy::none}});
  policy.events = section.flag("events", policy.events);
  if (!policy.trust && policy.identity == IdentityPolicy::pass)
    section.error("identity", "pass needs trust = true: else callers could be anybody");
  if (!policy.trust && policy.privacy == PrivacyPolicy::pass)
    section.error("privacy", "pass needs trust = true: else nobody keeps callers anonymous");
  section.finish();
  return policy;
}

}  // namespace

void read_policies(ConfigSection section, Config& config) {
  for (const SideConfig& side : config.sides)
    config.policies.insert_or_assign(side.name, read_policy(section.section(side.name, "policy." + side.name),
                                                            carriers_of(config, side.name)));
  for (const std::string& name : section.keys())
    if (!config.policies.contains(name)) section.error(name, "there is no [media.side." + name + "]");
}

}  // namespace sallyport::control
