// SPDX-License-Identifier: GPL-3.0-or-later
// From a REGISTER to a plan, and from the plan to the store. What is written back is in registrar_answer.cc.
#include "control/subscribers/registrar.h"

#include <algorithm>

#include "base/log.h"

namespace sallyport::control {

namespace {

// Order of requests of one client (RFC 3261 §10.3 steps 6 and 7).
bool out_of_order(const Registration& wish, const Binding& binding) {
  return binding.call_id() == wish.call_id && wish.cseq <= binding.cseq;
}

bool same_contact(const Binding& binding, const ContactWish& wish) {
  if (wish.reg_id != 0) return binding.same_flow_key(wish.instance, wish.reg_id);
  // Without a reg-id it may end a binding that was made with one, but does not change it.
  if (binding.reg_id != 0 && wish.expires_s != 0) return false;
  if (binding.contact() == wish.uri) return true;
  const auto uri = sip::parse_uri(binding.contact());
  return uri && sip::equivalent(*uri, wish.parsed);
}

Binding make_binding(const Registration& wish, const ContactWish& contact, const RegisterRequest& request) {
  Binding binding;
  binding.expires = request.now + std::chrono::seconds(contact.expires_s);
  binding.updated = request.now;
  binding.cseq = wish.cseq;
  binding.reg_id = contact.reg_id;
  binding.q = contact.q;
  binding.flow = request.hop;
  binding.digest = request.digest;
  BindingTexts::Parts parts;
  parts[BindingTexts::contact] = contact.uri;
  parts[BindingTexts::parameters] = contact.parameters;
  parts[BindingTexts::instance] = contact.instance;
  parts[BindingTexts::call_id] = wish.call_id;
  parts[BindingTexts::user_agent] = wish.user_agent;
  parts[BindingTexts::path] = wish.path;
  binding.texts = BindingTexts(parts);
  return binding;
}

// The stored time runs ahead of the promised one by one interval, so that refreshes within it need no disk,
// and never further: after a crash a binding may outlive its client by that much (decision 20).
bool stored_well_enough(const Binding& before, const Binding& now, std::chrono::seconds interval) {
  return same_when_stored(before, now) && now.expires <= before.stored_until &&
         before.stored_until - now.expires <= interval;
}

}  // namespace

void Registrar::restore(const std::string& aor, Binding binding, WallTime now) {
  last_id_ = std::max(last_id_, binding.id);
  if (binding.expires > now) return location_.put(aor, std::move(binding));
  Changes changes;
  changes.emplace_back(change::DeleteBinding{binding.id});
  (void)store_.write(std::move(changes), nullptr);
}

bool Registrar::is_ours(std::string_view host) const {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::any_of(config_.domains, [&](const std::string& domain) {
    return std::ranges::equal(domain, host, {}, {}, lower);
  });
}

// What concerns the whole address: RFC 3261 §10.3 steps 1, 4 and 5.
std::optional<RegistrationRefusal> Registrar::refusal_of(const RegisterRequest& request) const {
  const auto target = sip::parse_uri(request.message.request_uri());
  if (!target || !target->is_sip())
    return RegistrationRefusal{RegisterOutcome::malformed, "Malformed Request-URI"};
  if (!is_ours(target->host)) return RegistrationRefusal{RegisterOutcome::foreign_domain};
  const auto to = request.message.to();
  const auto address = to ? to->parsed_uri() : tl::unexpected(to.error());
  if (!address || !address->is_sip() || address->user.empty())
    return RegistrationRefusal{RegisterOutcome::malformed, "Malformed Address Of Record"};
  if (!is_ours(address->host)) return RegistrationRefusal{RegisterOutcome::foreign_domain};
  if (sip::address_of_record(*address) != request.user.aor)
    return RegistrationRefusal{RegisterOutcome::foreign_address};
  if (!request.user.enabled) return RegistrationRefusal{RegisterOutcome::disabled};
  return std::nullopt;
}

void Registrar::handle(const RegisterRequest& request, Reply reply) {
  auto refusal = refusal_of(request);
  tl::expected<Registration, RegistrationRefusal> wish;
  if (!refusal) {
    wish = read_registration(request.message, config_);
    if (!wish) refusal = std::move(wish.error());
  }
  if (!refusal) {
    auto planned = plan(*wish, request);
    if (planned) return accept(request, *wish, std::move(*planned), std::move(reply));
    refusal = RegistrationRefusal{planned.error()};
  }
  count_one(refusal->outcome);
  reply(info(refusal->outcome).status, refuse(request, *refusal));
}

// As the address will be when the store has done what is on its way.
std::vector<Binding> Registrar::expected_bindings(std::string_view aor, WallTime now) const {
  std::vector<Binding> bindings = location_.bindings(aor);
  std::erase_if(bindings, [now](const Binding& binding) { return binding.expires <= now; });
  const auto pending = pending_count_ == 0 ? pending_.end() : pending_.find(std::string(aor));
  if (pending == pending_.end()) return bindings;
  for (const std::vector<Step>& steps : pending->second)
    for (const Step& step : steps) {
      const auto* put = std::get_if<Binding>(&step);
      const std::uint64_t id = put != nullptr ? put->id : std::get<Remove>(step).id;
      const auto old = std::ranges::find(bindings, id, &Binding::id);
      if (put == nullptr && old != bindings.end())
        bindings.erase(old);
      else if (put != nullptr && old != bindings.end())
        *old = *put;
      else if (put != nullptr)
        bindings.push_back(*put);
    }
  return bindings;
}

// False if the request is out of order.
bool Registrar::plan_contact(const Registration& wish, const ContactWish& contact,
                             const RegisterRequest& request, Plan& plan) {
  const auto same = [&contact](const Binding& binding) { return same_contact(binding, contact); };
  const auto old = std::ranges::find_if(plan.after, same);
  const bool known = old != plan.after.end();
  // A contact that stands twice in one request is not out of order with itself.
  const auto changed_now = [&](const Step& step) {
    const auto* put = std::get_if<Binding>(&step);
    return put != nullptr && put->id == old->id;
  };
  if (known && out_of_order(wish, *old) && std::ranges::none_of(plan.steps, changed_now)) return false;
  if (contact.expires_s == 0) {
    if (!known) return true;
    plan.steps.emplace_back(Remove{old->id});
    plan.after.erase(old);
    plan.must_be_stored = true;
    return true;
  }
  Binding binding = make_binding(wish, contact, request);
  const std::chrono::seconds interval(contact.expires_s);
  if (known && stored_well_enough(*old, binding, interval)) {
    binding.stored_until = old->stored_until;
  } else {
    binding.stored_until = binding.expires + interval;
    plan.must_be_stored = true;
  }
  binding.id = known ? old->id : ++last_id_;
  if (known)
    *old = binding;
  else
    plan.after.push_back(binding);
  plan.steps.emplace_back(std::move(binding));
  return true;
}

// A connection that has ended leaves a binding that nobody can be reached by; those make room first.
std::optional<RegisterOutcome> Registrar::keep_limits(const User& user, std::size_t before, Plan& plan) {
  const std::size_t limit = user.bindings_limit != 0 ? user.bindings_limit : config_.bindings_per_user;
  const auto dead = [this](const Binding& binding) {
    return binding.path().empty() && !is_alive(binding.flow);
  };
  while (plan.after.size() > limit && plan.after.size() > before) {
    const auto victim = std::ranges::find_if(plan.after, dead);
    if (victim == plan.after.end()) return RegisterOutcome::too_many_bindings;
    plan.steps.emplace_back(Remove{victim->id});
    plan.after.erase(victim);
  }
  if (plan.after.size() > before && location_.size() >= config_.bindings)
    return RegisterOutcome::registrar_full;
  return std::nullopt;
}

Registrar::PlanOrOutcome Registrar::plan(const Registration& wish, const RegisterRequest& request) {
  Plan plan;
  plan.after = expected_bindings(request.user.aor, request.now);
  plan.must_be_stored = pending_count_ != 0 && pending_.contains(request.user.aor);
  const std::size_t before = plan.after.size();
  if (wish.wildcard) {
    for (const Binding& binding : plan.after) {
      if (out_of_order(wish, binding)) return tl::unexpected(RegisterOutcome::out_of_order);
      plan.steps.emplace_back(Remove{binding.id});
    }
    plan.must_be_stored = !plan.after.empty();
    plan.after.clear();
    return plan;
  }
  for (const ContactWish& contact : wish.contacts)
    if (!plan_contact(wish, contact, request, plan)) return tl::unexpected(RegisterOutcome::out_of_order);
  if (const auto full = keep_limits(request.user, before, plan)) return tl::unexpected(*full);
  return plan;
}

Changes Registrar::changes_of(const std::string& aor, const std::vector<Step>& steps) const {
  Changes changes;
  changes.reserve(steps.size());
  for (const Step& step : steps) {
    if (const auto* put = std::get_if<Binding>(&step))
      changes.emplace_back(change::PutBinding{aor, *put});
    else
      changes.emplace_back(change::DeleteBinding{std::get<Remove>(step).id});
  }
  return changes;
}

void Registrar::apply(const std::string& aor, std::vector<Step>& steps) {
  for (Step& step : steps) {
    if (auto* put = std::get_if<Binding>(&step))
      location_.put(aor, std::move(*put));
    else
      location_.remove(aor, std::get<Remove>(step).id);
  }
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-10.3
//# The binding updates MUST be committed (that is, made visible to
//# the proxy or redirect server) if and only if all binding
//# updates and additions succeed.
void Registrar::commit(const std::string& aor, std::vector<Step> steps,
                       std::function<void(std::optional<RegisterOutcome>)> done) {
  const auto stored = [this, aor, done](const Result<void>& outcome) {
    const auto pending = pending_.find(aor);
    std::vector<Step> first = std::move(pending->second.front());
    pending->second.pop_front();
    if (pending->second.empty()) pending_.erase(pending);
    --pending_count_;
    if (outcome) apply(aor, first);
    done(outcome ? std::nullopt : std::optional(RegisterOutcome::store_failed));
  };
  if (!store_.write(changes_of(aor, steps), stored)) return done(RegisterOutcome::store_busy);
  pending_[aor].push_back(std::move(steps));
  ++pending_count_;
}

void Registrar::accept(const RegisterRequest& request, const Registration& wish, Plan plan, Reply reply) {
  std::string answer = success(request, wish, plan.after);
  if (plan.steps.empty() || !plan.must_be_stored) {
    const bool fetched = plan.steps.empty() && wish.contacts.empty() && !wish.wildcard;
    apply(request.user.aor, plan.steps);
    count_one(fetched ? RegisterOutcome::fetched : RegisterOutcome::refreshed);
    return reply(200, std::move(answer));
  }
  // The request may be gone when the store answers, so the other answers are ready, too.
  struct Waiting {
    Reply reply;
    std::string success, busy, failed;
  };
  Waiting waiting{std::move(reply), std::move(answer), refuse(request, {RegisterOutcome::store_busy}),
                  refuse(request, {RegisterOutcome::store_failed})};
  commit(request.user.aor, std::move(plan.steps),
         [this, waiting = std::move(waiting)](std::optional<RegisterOutcome> failure) mutable {
           const RegisterOutcome outcome = failure.value_or(RegisterOutcome::stored);
           count_one(outcome);
           std::string& text = !failure                                  ? waiting.success
                               : *failure == RegisterOutcome::store_busy ? waiting.busy
                                                                         : waiting.failed;
           waiting.reply(info(outcome).status, std::move(text));
         });
}

void Registrar::drop(const std::string& aor, std::optional<std::uint64_t> binding,
                     std::function<void(Result<std::size_t>)> done) {
  std::vector<Step> steps;
  for (const Binding& one : expected_bindings(aor, WallTime::min()))
    if (!binding || one.id == *binding) steps.emplace_back(Remove{one.id});
  if (steps.empty()) return done(0);
  const std::size_t count = steps.size();
  commit(aor, std::move(steps), [done, count](std::optional<RegisterOutcome> failure) {
    if (!failure) return done(count);
    done(fail(*failure == RegisterOutcome::store_busy ? ErrorClass::exhausted : ErrorClass::internal,
              "the store could not remove them"));
  });
}

void Registrar::advance(WallTime now) {
  Changes changes;
  const auto held = [this](std::string_view aor) {
    return pending_count_ != 0 && pending_.contains(std::string(aor));
  };
  location_.advance(now, held, [&](std::string_view aor, const Binding& binding) {
    ++expired_;
    changes.emplace_back(change::DeleteBinding{binding.id});
    log::debug("binding.expired", {{"aor", aor}, {"binding", binding.id}});
  });
  // If this is not stored, the next start finds that they have ended.
  if (!changes.empty()) (void)store_.write(std::move(changes), nullptr);
}

}  // namespace sallyport::control
