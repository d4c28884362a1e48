// SPDX-License-Identifier: GPL-3.0-or-later
// Calls: all calls, and which of them a message belongs to.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/keyed_hash.h"
#include "control/calls/call.h"
#include "control/calls/call_trace.h"
#include "control/calls/trunks.h"
#include "control/media/relay_manager.h"
#include "control/signalling/reception.h"
#include "sip/replaces.h"
#include "transport/asio_fwd.h"

namespace sallyport::control {

/// What calls are made with; all outlive them.
struct CallDomain {
  boost::asio::io_context& context;
  const Config& config;
  Limits& limits;
  Signalling& signalling;
  Gatekeeper& gatekeeper;
  Subscribers& subscribers;
  Trunks& trunks;
  Router& router;
  Admission& admission;
  MediaServices& media;
  RecordFile& records;
};

struct CallCounters {
  std::uint64_t begun = 0;    ///< that reached routing
  std::uint64_t refused = 0;  ///< before any target was tried
  std::uint64_t answered = 0;
  std::uint64_t failed = 0;  ///< tried, but never answered
  std::uint64_t media_timeouts = 0;
  std::uint64_t handshake_failures = 0;  ///< of media, whatever became of the call
  std::uint64_t looped = 0;
};

/// The control thread's.
class Calls final : public CallService {
 public:
  explicit Calls(const CallDomain& domain);
  ~Calls() override;

  // CallService
  void on_invite(sip::ServerTransactionId id, const sip::Message& request, const sip::Hop& hop) override;
  [[nodiscard]] bool on_dialog_request(sip::ServerTransactionId id, const sip::Message& request,
                                       const sip::Hop& hop) override;
  void on_cancel(sip::ServerTransactionId id, const sip::Message& cancel) override;
  void on_ack(const sip::Message& ack, const sip::Hop& hop) override;
  void on_connection_closed(const sip::Hop& hop) override;

  void on_relay_event(const RelayEvent& event);
  /// Ends all calls, before the daemon does.
  void end_all();

  [[nodiscard]] Call* find(CallId id);
  [[nodiscard]] std::size_t size() const { return calls_.size(); }
  /// Up to `count` calls with ids above `after`, in their order.
  [[nodiscard]] std::vector<const Call*> list(CallId after, std::size_t count) const;
  [[nodiscard]] const CallCounters& counters() const { return counters_; }
  [[nodiscard]] CallTraces& traces() { return traces_; }

  // For calls and for what is like them.

  [[nodiscard]] const CallDomain& domain() const { return domain_; }
  [[nodiscard]] CallCounters& counters() { return counters_; }
  [[nodiscard]] const CallTraces& traces() const { return traces_; }
  /// 128 bits that nobody can foresee, in hexadecimal digits: for Call-IDs and tags.
  [[nodiscard]] std::string token();
  void index(const sip::Dialog& dialog, CallId call, std::size_t branch, Leg leg);
  void forget(const sip::Dialog& dialog);
  void index(sip::ServerTransactionId invite, CallId call) { invites_[invite] = call; }
  void forget(sip::ServerTransactionId invite) { invites_.erase(invite); }
  /// The call is told when the connection ends.
  void watch(const sip::Hop& hop, CallId call);
  void unwatch(const sip::Hop& hop, CallId call);
  /// Its events are the call's from now on.
  void index_relays(const MediaSession& media, CallId call);
  void forget_relays(const MediaSession& media);
  void set_timer(CallTimer& timer, sip::InstantMs due_ms);
  void stop_timer(CallTimer& timer) { wheel_.stop(timer); }
  /// Once whoever called has returned.
  void retire(CallId id);
  [[nodiscard]] const SidePolicy& policy(const std::string& side) const;
  /// The mark in our Vias by which a request that comes round is known.
  [[nodiscard]] std::string loop_mark(const sip::Message& request, std::string_view side) const;
  [[nodiscard]] bool has_looped(const sip::Message& request, std::string_view side) const;
  [[nodiscard]] PartyAddress address_of(const Caller& caller, const sip::Hop& hop) const;
  [[nodiscard]] Claim claim_of(const Caller& caller, const sip::Message& request,
                               const PartyAddress& from) const;
  /// Whether a request within a dialog comes from the end that is at `at`: decision 32. `refused` has been
  /// answered; after `moved` the end is reached by `hop`.
  enum class Origin : std::uint8_t { refused, same, moved };
  [[nodiscard]] Origin origin_of(const PartyAddress& at, sip::ServerTransactionId id,
                                 const sip::Message& request, const sip::Hop& hop);
  /// By what the other end of a dialog is reached now: as until now, by another connection of the same phone,
  /// or by a new one. Nothing if there is no way.
  [[nodiscard]] std::optional<sip::Hop> way_to(const PartyAddress& at, const sip::Dialog& dialog);
  /// By what a phone has registered anew whose connection was lost.
  [[nodiscard]] std::optional<sip::Hop> returned(const PartyAddress& at, const sip::Dialog& dialog) const;
  /// A numeric address out of a URI, without asking anybody; nothing for host names.
  [[nodiscard]] std::optional<sip::Hop> reach_uri(std::string_view uri, const sip::Hop& like);

 private:
  struct DialogPlace {
    CallId call;
    std::size_t branch;
    Leg leg;
  };
  struct HashOf {
    std::size_t operator()(const Hash128& hash) const { return hash.low; }
    std::size_t operator()(sip::ServerTransactionId id) const {
      return static_cast<std::size_t>(id.index) << 32 | id.generation;
    }
  };

  void refuse(sip::ServerTransactionId id, unsigned status, std::string_view reason = {},
              std::uint32_t retry_after_s = 0);
  [[nodiscard]] bool describes_session(sip::ServerTransactionId id, const sip::Message& request);
  [[nodiscard]] bool has_usable_timer(sip::ServerTransactionId id, const sip::Message& request);
  [[nodiscard]] bool redirect_to_replaced(const sip::Message& request, Call::Start& start);
  void arm() { deadline_.arm(wheel_.next_deadline()); }

  CallDomain domain_;
  HashKey secret_;
  std::uint64_t tokens_ = 0;
  CallId last_id_ = 0;
  std::map<CallId, std::unique_ptr<Call>> calls_;
  std::vector<std::unique_ptr<Call>> retired_;
  std::unordered_map<Hash128, DialogPlace, HashOf> dialogs_;
  std::unordered_map<sip::ServerTransactionId, CallId, HashOf> invites_;
  std::unordered_multimap<std::uint64_t, CallId> connections_;  ///< of the ends of calls
  std::unordered_map<std::uint64_t, CallId> relays_;
  sip::TimerWheel wheel_;
  DeadlineTimer deadline_;
  CallTraces traces_;
  CallCounters counters_;
};

/// What a call gives away to be called back by: it finds the call again, or does nothing.
template <typename Handler>
auto Call::later(Branch& branch, Handler handler) {
  return
      [calls = &calls_, id = id_, number = branch.index, handler = std::move(handler)](auto&&... arguments) {
        Call* const call = calls->find(id);
        if (call != nullptr)
          handler(*call, *call->branch(number), std::forward<decltype(arguments)>(arguments)...);
      };
}

}  // namespace sallyport::control
