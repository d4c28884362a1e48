// SPDX-License-Identifier: GPL-3.0-or-later
// A REGISTER may hold anything: it becomes a wish that keeps the registrar's bounds, or a refusal with a
// status.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "control/subscribers/binding.h"
#include "control/subscribers/registration.h"

using namespace sallyport;
using namespace sallyport::control;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parsed = sip::parse_message(std::string(reinterpret_cast<const char*>(data), size));
  if (parsed.defect || !parsed.message.is_request()) return 0;
  const RegistrarConfig config;
  const auto wish = read_registration(parsed.message, config);
  if (!wish) {
    if (info(wish.error().outcome).status < 400) std::abort();
    return 0;
  }
  if (wish->wildcard && !wish->contacts.empty()) std::abort();
  for (const ContactWish& contact : wish->contacts) {
    if (contact.expires_s != 0 && contact.expires_s < config.min_expires_s) std::abort();
    if (contact.expires_s > config.max_expires_s || contact.q > 1000) std::abort();
    if (contact.reg_id != 0 && contact.instance.empty()) std::abort();
    BindingTexts::Parts parts;
    parts[BindingTexts::contact] = contact.uri;
    parts[BindingTexts::parameters] = contact.parameters;
    parts[BindingTexts::instance] = contact.instance;
    parts[BindingTexts::call_id] = wish->call_id;
    parts[BindingTexts::user_agent] = wish->user_agent;
    parts[BindingTexts::path] = wish->path;
    if (BindingTexts(parts).parts() != parts) std::abort();
  }
  return 0;
}
