// SPDX-License-Identifier: GPL-3.0-or-later
// What the registrar says: answers to REGISTER, and where a user is reached.
#include <algorithm>
#include <array>
#include <ctime>

#include "control/subscribers/registrar.h"
#include "sip/writer.h"

namespace sallyport::control {

namespace {

constexpr std::size_t kSettleChunk = 1000;

std::string q_text(std::uint16_t q) {
  if (q >= 1000) return "1";
  std::string digits = std::to_string(1000 + q).substr(1);
  while (digits.size() > 1 && digits.back() == '0') digits.pop_back();
  return "0." + digits;
}

// `<sip:alice@192.0.2.1>;methods="INVITE";q=0.7;+sip.instance="<urn:uuid:…>";reg-id=1;expires=3600`
std::string contact_value(const Binding& binding, WallTime now) {
  std::string text;
  text.reserve(binding.contact().size() + binding.parameters().size() + binding.instance().size() + 64);
  text.append("<").append(binding.contact()).append(">").append(binding.parameters());
  if (binding.q != 1000) text.append(";q=").append(q_text(binding.q));
  if (!binding.instance().empty()) text.append(";+sip.instance=\"").append(binding.instance()).append("\"");
  if (binding.reg_id != 0) text.append(";reg-id=").append(std::to_string(binding.reg_id));
  return text.append(";expires=").append(std::to_string((binding.expires - now).count()));
}

Target target_of(const Binding& binding, bool alive) {
  Target target;
  target.binding = binding.id;
  target.contact = binding.contact();
  target.path = binding.path();
  target.flow = binding.flow;
  if (!alive) target.flow.connection = 0;
  target.q = binding.q;
  target.instance = binding.instance();
  target.reg_id = binding.reg_id;
  target.digest = binding.digest;
  return target;
}

}  // namespace

// RFC 3261 §20.17: always GMT, always English.
const std::string& Registrar::date_text(WallTime now) {
  if (now == date_of_ && !date_.empty()) return date_;
  static constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t seconds = now.time_since_epoch().count();
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> rest{};
  const std::size_t day = std::strftime(rest.data(), rest.size(), ", %d ", &parts);
  date_ = std::string(kDays[static_cast<std::size_t>(parts.tm_wday)]) + std::string(rest.data(), day) +
          kMonths[static_cast<std::size_t>(parts.tm_mon)];
  const std::size_t time = std::strftime(rest.data(), rest.size(), " %Y %H:%M:%S GMT", &parts);
  date_.append(rest.data(), time);
  date_of_ = now;
  return date_;
}

std::string Registrar::success(const RegisterRequest& request, const Registration& wish,
                               const std::vector<Binding>& bindings) {
  using enum sip::HeaderId;
  auto writer = sip::response_to(request.message, 200, {}, request.to_tag, &request.hop.remote);
  for (const Binding& binding : bindings) writer.header(contact, contact_value(binding, request.now));
  if (!wish.path.empty()) writer.header(path, wish.path);
  for (const std::string& uri : config_.service_route) writer.header(service_route, {"<", uri, ">"});
  writer.header(supported, "path, outbound");
  if (wish.outbound) {
    writer.header(require, "outbound");
    if (wish.direct && config_.flow_timer_s != 0)
      writer.header(flow_timer, std::uint64_t{config_.flow_timer_s});
  }
  if (!request.authentication_info.empty()) writer.header(authentication_info, request.authentication_info);
  writer.header(date, date_text(request.now));
  return std::move(writer).finish();
}

std::string Registrar::refuse(const RegisterRequest& request, const RegistrationRefusal& refusal) const {
  const RegisterOutcomeInfo& about = info(refusal.outcome);
  auto writer =
      sip::response_to(request.message, about.status, refusal.reason.empty() ? about.reason : refusal.reason,
                       request.to_tag, &request.hop.remote);
  if (refusal.header != sip::HeaderId::other) writer.header(refusal.header, refusal.value);
  return std::move(writer).finish();
}

bool Registrar::is_alive(const sip::Hop& flow) const {
  if (flow.transport == sip::Transport::udp) return true;
  return flow.connection != 0 && (!alive_ || alive_(flow.connection));
}

std::vector<Target> Registrar::targets(std::string_view aor, WallTime now) const {
  std::vector<const Binding*> bindings;
  for (const Binding& binding : location_.bindings(aor)) {
    // A flow that is gone cannot be made from this side (RFC 5626 §5.3).
    const bool reachable = binding.reg_id == 0 || !binding.path().empty() || is_alive(binding.flow);
    if (binding.expires > now && reachable) bindings.push_back(&binding);
  }
  std::ranges::stable_sort(bindings, [](const Binding* a, const Binding* b) {
    return a->q != b->q ? a->q > b->q : a->updated > b->updated;
  });
  std::vector<Target> targets;
  targets.reserve(bindings.size());
  for (const Binding* binding : bindings) {
    const bool alternate = binding->reg_id != 0 && std::ranges::any_of(targets, [&](const Target& target) {
                             return target.reg_id != 0 && target.instance == binding->instance();
                           });
    targets.push_back(target_of(*binding, is_alive(binding->flow)));
    targets.back().alternate = alternate;
  }
  return targets;
}

void Registrar::flow_failed(std::string_view aor, const Target& target) {
  if (target.flow.connection != 0) location_.forget_connection(aor, target.binding, target.flow.connection);
}

void Registrar::settle() {
  Changes changes;
  const auto write = [&] {
    if (!changes.empty()) (void)store_.write(std::exchange(changes, {}), nullptr);
  };
  location_.for_each([&](const std::string& aor, const Binding& binding) {
    if (binding.stored_until == binding.expires) return;
    changes.emplace_back(change::PutBinding{aor, binding});
    std::get<change::PutBinding>(changes.back()).binding.stored_until = binding.expires;
    if (changes.size() == kSettleChunk) write();
  });
  write();
}

}  // namespace sallyport::control
