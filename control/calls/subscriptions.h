// SPDX-License-Identifier: GPL-3.0-or-later
// Subscriptions: SUBSCRIBE and its NOTIFYs outside of calls (RFC 6665), carried from one side to the other.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/keyed_hash.h"
#include "control/calls/courier.h"
#include "sip/dialog.h"

namespace sallyport::control {

/// One end of a subscription as we see it: the subscriber, or whom it watches.
struct EventEnd {
  PartyAddress at;
  std::unique_ptr<sip::Dialog> dialog;  ///< null until the 2xx of the SUBSCRIBE
};

struct Subscription {
  std::uint64_t id = 0;
  EventEnd subscriber, notifier;
  RequestNames names;       ///< of our SUBSCRIBE
  std::string event;        ///< value of Event, for people
  std::string target;       ///< Request-URI of the SUBSCRIBE, for people
  std::int64_t due_ms = 0;  ///< nothing of it is left then
  /// A NOTIFY that was faster than the 2xx of our SUBSCRIBE.
  std::optional<sip::ServerTransactionId> early;
};

struct SubscriptionCounters {
  std::uint64_t begun = 0;     ///< that a notifier accepted
  std::uint64_t refused = 0;   ///< by us or by the notifier
  std::uint64_t ended = 0;     ///< by a last NOTIFY, or because an end forgot it
  std::uint64_t expired = 0;   ///< that nobody refreshed
  std::uint64_t notified = 0;  ///< NOTIFYs that reached the subscriber
};

/// The control thread's. Each is two dialogs with the same life: what we send in one is what came in the
/// other.
class Subscriptions final : public SubscriptionService {
 public:
  /// Outlives the object.
  explicit Subscriptions(Calls& calls);

  // SubscriptionService
  void on_subscribe(sip::ServerTransactionId id, const sip::Message& request, const sip::Hop& hop) override;
  [[nodiscard]] bool on_dialog_request(sip::ServerTransactionId id, const sip::Message& request,
                                       const sip::Hop& hop) override;

  /// Forgets what nobody has refreshed. Once a second.
  void advance(std::int64_t now_ms);

  [[nodiscard]] const SubscriptionCounters& counters() const { return counters_; }
  [[nodiscard]] std::size_t size() const { return subscriptions_.size(); }

 private:
  struct Place {
    std::uint64_t id;
    bool is_subscriber;
  };
  struct HashOf {
    std::size_t operator()(const Hash128& hash) const { return hash.low; }
  };

  [[nodiscard]] Subscription* find(std::uint64_t id);
  [[nodiscard]] bool has_room(const std::string& aor);
  void subscribe(const ErrandPtr& errand);
  void on_answer(std::uint64_t id, const Errand& errand, const Reply& reply);
  [[nodiscard]] bool establish(Subscription& subscription, const Errand& errand, const sip::Message& success);
  [[nodiscard]] bool hold_early(sip::ServerTransactionId id, const sip::Message& request);
  void pass(Subscription& subscription, bool from_subscriber, sip::ServerTransactionId id,
            const sip::Message& request);
  void on_passed(Subscription& subscription, bool from_subscriber, sip::ServerTransactionId id,
                 const Reply& reply);
  void extend(Subscription& subscription, std::uint32_t expires_s);
  void write_common(sip::MessageWriter& writer, const EventEnd& to, const sip::Message& source,
                    const EventEnd& from) const;
  void forget(std::uint64_t id);

  Calls& calls_;
  const CallDomain& domain_;
  Courier courier_;
  HashKey secret_;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, Subscription> subscriptions_;
  std::unordered_map<Hash128, Place, HashOf> dialogs_;
  std::unordered_map<std::string, std::uint64_t> by_call_id_;  ///< of our SUBSCRIBEs without an answer
  std::unordered_map<std::string, std::size_t> of_user_;
  std::set<std::pair<std::int64_t, std::uint64_t>> due_;
  SubscriptionCounters counters_;
};

}  // namespace sallyport::control
