// SPDX-License-Identifier: GPL-3.0-or-later
// Reading [policy.SIDE] for every side, with defaults that fit its listeners.
#include "control/config/policy.h"

#include <algorithm>

#include "control/config/section.h"

namespace sallyport::control {

namespace {

using crypto::SuiteId;
using sip::BundleUse;
using sip::DualLines;
using sip::FeedbackUse;
using sip::IceUse;
using sip::KeyAgreement;
using sip::kKeyAgreements;
using sip::MediaSecurity;

/// What every phone knows first, then what is stronger: many take the first line that they know, some choke
/// on a first line that they do not.
const std::vector<SuiteId> kStandardSuites = {
    SuiteId::aes_cm_128_hmac_sha1_80, SuiteId::aes_cm_128_hmac_sha1_32, SuiteId::aes_256_cm_hmac_sha1_80,
    SuiteId::aead_aes_128_gcm, SuiteId::aead_aes_256_gcm};

std::vector<SuiteId> read_suites(ConfigSection& section, std::vector<SuiteId> standard) {
  if (!section.has("suites")) {
    static_cast<void>(section.texts("suites"));
    return standard;
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

std::vector<KeyAgreement> read_agreements(ConfigSection& section, std::vector<KeyAgreement> standard) {
  if (!section.has("keys")) {
    static_cast<void>(section.texts("keys"));
    return standard;
  }
  std::vector<KeyAgreement> agreements;
  for (const std::string& text : section.texts("keys")) {
    const auto known = std::ranges::find(kKeyAgreements, text, [](KeyAgreement each) { return name(each); });
    if (known == kKeyAgreements.end())
      section.error("keys", "'" + text + "' is no way to keys: sdes, dtls and zrtp are");
    else if (std::ranges::find(agreements, *known) != agreements.end())
      section.error("keys", "names a way twice");
    else
      agreements.push_back(*known);
  }
  if (agreements.empty()) section.error("keys", "must list at least one");
  return agreements;
}

/// What the section says otherwise than `media` has it.
void read_media(ConfigSection& section, Carriers carriers, sip::MediaPolicy& media) {
  // Keys never cross an open wire, so where there is no other, media cannot be secret.
  const bool open_only = carriers.plain && !carriers.secure;
  media.security = section.choice("media", open_only ? MediaSecurity::none : media.security,
                                  {{"required", MediaSecurity::required},
                                   {"preferred", MediaSecurity::preferred},
                                   {"none", MediaSecurity::none}});
  if (open_only && media.security != MediaSecurity::none)
    section.error("media", "must be none: the side has no TLS listener, and keys go over TLS only");
  media.agreements = read_agreements(section, media.agreements);
  media.carry_zrtp = section.flag("carry_zrtp", media.carry_zrtp);
  media.ice = section.choice("ice", media.ice,
                             {{"off", IceUse::off}, {"accept", IceUse::accept}, {"offer", IceUse::offer}});
  media.feedback = section.choice("feedback", media.feedback,
                                  {{"auto", FeedbackUse::automatic},
                                   {"pass", FeedbackUse::pass},
                                   {"on", FeedbackUse::on},
                                   {"off", FeedbackUse::off}});
  media.dual_lines =
      section.choice("dual_lines", media.dual_lines,
                     {{"off", DualLines::off}, {"accept", DualLines::accept}, {"offer", DualLines::offer}});
  media.filter.keep_extensions =
      section.choice("header_extensions", media.filter.keep_extensions, {{"pass", true}, {"strip", false}});
  media.crypto.suites = read_suites(section, media.crypto.suites);
  media.crypto.unencrypted_srtcp = section.flag("unencrypted_srtcp", media.crypto.unencrypted_srtcp);
  media.accept_mux = section.flag("accept_mux", media.accept_mux);
  media.offer_mux = section.flag("offer_mux", media.offer_mux);
  media.bundle =
      section.choice("bundle", media.bundle,
                     {{"off", BundleUse::off}, {"accept", BundleUse::accept}, {"offer", BundleUse::offer}});
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
  policy.media.agreements = {KeyAgreement::sdes, KeyAgreement::dtls};
  policy.media.crypto.suites = kStandardSuites;
  read_media(section, carriers, policy.media);
  policy.handshake_failure =
      section.choice("handshake_failure", policy.handshake_failure,
                     {{"end", HandshakeFailurePolicy::end}, {"keep", HandshakeFailurePolicy::keep}});
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

void read_listener_media(ConfigSection sip, Config& config) {
  ConfigSection listeners = sip.section("listener", "sip.listener");
  for (std::size_t i = 0; i < config.sip.listeners.size(); ++i) {
    const transport::ListenerSettings& listener = config.sip.transport.listeners[i];
    const auto policy = config.policies.find(config.sip.listeners[i].side);
    const std::string prefix = "sip.listener." + listener.name;
    ConfigSection section = listeners.section(listener.name, prefix);
    const bool browsers = listener.transport == sip::Transport::wss;
    if (policy == config.policies.end() || (!browsers && !section.has("media"))) continue;
    sip::MediaPolicy media = policy->second.media;
    if (browsers) {
      // What RFC 8827 and RFC 8829 have every browser insist on.
      media.agreements = {KeyAgreement::dtls};
      media.ice = IceUse::offer;
      media.feedback = FeedbackUse::on;
      media.accept_mux = media.offer_mux = true;
      media.bundle = BundleUse::offer;
    }
    const bool secure = sip::is_secure(listener.transport);
    ConfigSection media_section = section.section("media", prefix + ".media");
    read_media(media_section, {.secure = secure, .plain = !secure}, media);
    media_section.finish();
    config.sip.listeners[i].media = std::move(media);
  }
}

}  // namespace sallyport::control
