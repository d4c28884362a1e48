// SPDX-License-Identifier: GPL-3.0-or-later
// Parts in the order in which they need each other.
#include "control/sip_service.h"

#include "base/log.h"
#include "base/random.h"

namespace sallyport::control {

namespace {

void draw(std::span<std::uint8_t> octets) {
  fill_random(octets);
}

std::uint32_t draw_below(std::uint32_t below) {
  return below == 0 ? 0 : static_cast<std::uint32_t>(random_value<std::uint64_t>() % below);
}

}  // namespace

SipService::SipService(const Domain& domain)
    : domain_(domain),
      resolver_(domain.context, domain.config.sip.resolver, domain.signalling.transport().limits(),
                domain.signalling.transport().counters()),
      locator_(resolver_, draw_below),
      options_(domain.signalling),
      trunks_(domain.config.trunks, {locator_, options_, domain.limits, draw, draw_below},
              static_cast<std::int64_t>(steady_ms())),
      router_(domain.config, {&domain.subscribers.users(), &domain.subscribers.registrar()}, trunks_),
      admission_(domain.limits, domain.config.calls),
      media_{domain.relays, domain.ports, draw, domain.signalling.sip_limits(), domain.handshakes},
      records_(domain.config.records.path),
      gatekeeper_(domain.signalling, domain.subscribers.users(), trunks_, domain.limits, domain.config.auth,
                  domain.config.calls),
      calls_({domain.context, domain.config, domain.limits, domain.signalling, gatekeeper_,
              domain.subscribers, trunks_, router_, admission_, media_, records_}),
      pager_(calls_),
      subscriptions_(calls_),
      reception_(domain.signalling, gatekeeper_, domain.subscribers, calls_, pager_, subscriptions_) {}

void SipService::start() {
  if (const auto opened = records_.reopen(); !opened)
    log::error("records.not_open", {{"path", records_.path()}, {"why", opened.error().text}});
  domain_.signalling.set_handler(reception_);
  domain_.signalling.start();
}

void SipService::advance() {
  const auto now = static_cast<std::int64_t>(steady_ms());
  trunks_.advance(now);
  subscriptions_.advance(now);
}

}  // namespace sallyport::control
