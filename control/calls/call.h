// SPDX-License-Identifier: GPL-3.0-or-later
// Call: two ends that talk through us, from the INVITE to the last BYE.
//
//     phone A ── Party a ─┬─ Branch 0 ── Party b ── a phone of B
//                         └─ Branch 1 ── Party b ── another phone, or a trunk
//
// Each branch is a whole relation of two dialogs with media of its own; the first that answers is the call.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/calls/admission.h"
#include "control/calls/border.h"
#include "control/calls/call_record.h"
#include "control/calls/party.h"
#include "control/calls/router.h"
#include "control/media/media_session.h"
#include "control/signalling/gatekeeper.h"
#include "control/signalling/signalling.h"
#include "sip/dialog_set.h"
#include "sip/reliable_provisional.h"
#include "sip/timer_wheel.h"

namespace sallyport::control {

class Calls;

using CallId = std::uint64_t;

/// An INVITE or UPDATE within the call that goes from one end to the other, until its answer is back.
struct Exchange {
  Leg from = Leg::a;
  sip::ServerTransactionId request;              ///< theirs
  sip::Method method = sip::Method::invite;      ///< of theirs
  std::optional<sip::ClientTransactionId> sent;  ///< ours, to the other end
  sip::SessionTimer::Answer session;             ///< what their 2xx says of it
  bool has_offer = false;
};

/// One destination that is or was tried.
struct Branch {
  Branch(std::size_t number, RouteTarget to) : index(number), target(std::move(to)) {}
  [[nodiscard]] Party& party(Leg leg) { return parties[control::index(leg)]; }
  [[nodiscard]] const Party& party(Leg leg) const { return parties[control::index(leg)]; }

  std::size_t index;
  RouteTarget target;
  std::array<Party, kLegs> parties;  ///< a: the caller as this branch sees it, with a To tag of its own
  std::unique_ptr<MediaSession> media;
  AdmissionTicket ticket;  ///< of the trunk

  // Until it is answered.
  std::size_t contact = 0;                         ///< of the target's contacts, which is tried
  std::vector<transport::Target> servers;          ///< of a trunk, the one that is tried first
  std::optional<sip::ClientTransactionId> invite;  ///< under way
  std::unique_ptr<sip::DialogSet> dialogs;
  sip::ReliableReceiver reliable_in;                  ///< from b
  std::unique_ptr<sip::ReliableSender> reliable_out;  ///< to a
  std::unique_ptr<sip::Message> response;             ///< that waits for its media
  std::deque<sip::Message> later_responses;           ///< that came meanwhile
  sip::SessionTimer::Answer session;                  ///< for the caller's 2xx
  std::string a_tag;
  std::string call_id, from_tag;  ///< towards b
  std::string offer;              ///< that b was sent in the INVITE
  std::string answer;             ///< for the caller, while accept_waits
  std::uint32_t invite_cseq = 0;
  sip::InstantMs began_ms = 0;
  unsigned challenges = 0;
  bool open = true;           ///< may still answer
  bool heard = false;         ///< anything at all came
  bool rings = false;         ///< more than a 100 came
  bool accept_waits = false;  ///< for the PRACK of a description (RFC 3262 §5)

  // Once it is answered.
  std::optional<Exchange> exchange;
};

enum class CallState : std::uint8_t {
  calling,   ///< the caller waits
  answered,  ///< the caller has had a 2xx
  ended,     ///< what is left are goodbyes under way
};
[[nodiscard]] constexpr std::string_view name(CallState state) {
  constexpr std::array<std::string_view, 3> kNames = {"calling", "answered", "ended"};
  return kNames[static_cast<std::size_t>(state)];
}

/// Why a call ends, for both ends and for the record.
struct Ending {
  EndedBy by = EndedBy::us;
  unsigned status = 0;  ///< the caller's final one, if it has had none
  std::string why;      ///< for the record
  std::string reason;   ///< value of a Reason header field; empty: none
};

struct CallTimer : sip::Timer {
  CallId call = 0;
};

/// A message with an offer or answer in it, or with another body.
struct Body {
  std::string type;
  std::string octets;
};
[[nodiscard]] inline Body sdp_body(std::string text) {
  return text.empty() ? Body{} : Body{"application/sdp", std::move(text)};
}

/// The control thread's. What may come late asks Calls for the call by its id.
class Call {
 public:
  Call(Calls& calls, CallId id);
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  // call_setup.cc: from the INVITE to what its callee answers.

  struct Start {
    sip::ServerTransactionId invite;
    const sip::Message& request;
    PartyAddress caller;
    Claim claim;
    std::vector<RouteTarget> targets;  ///< at least one
    AdmissionTicket ticket;
    std::string replaces;  ///< value of Replaces for the callee; empty: none
  };
  void begin(Start start);
  void on_cancel(const sip::Message& cancel);

  // call_dialog.cc: requests within its dialogs.

  void on_request(Branch& branch, Leg from, sip::ServerTransactionId id, const sip::Message& request,
                  const sip::Hop& hop);
  void on_ack(Branch& branch, Leg from, const sip::Message& ack);
  /// An end's connection is gone.
  void on_connection_lost(std::uint64_t connection);
  /// The caller or callee gives up an INVITE within the call.
  void on_exchange_cancel();

  // call_end.cc: how it ends.

  /// Ends both sides, whatever they are at.
  void end(const Ending& ending);

  // call_timers.cc

  void on_timer(sip::InstantMs now);

  [[nodiscard]] CallId id() const { return id_; }
  /// Of the caller's INVITE.
  [[nodiscard]] sip::ServerTransactionId transaction() const { return invite_; }
  [[nodiscard]] CallState state() const { return state_; }
  [[nodiscard]] sip::InstantMs began_ms() const { return began_ms_; }
  /// 0: not yet.
  [[nodiscard]] sip::InstantMs answered_ms() const { return answered_ms_; }
  [[nodiscard]] Branch* branch(std::size_t index) {
    return index < branches_.size() ? branches_[index].get() : nullptr;
  }
  [[nodiscard]] const std::vector<std::unique_ptr<Branch>>& branches() const { return branches_; }
  /// The branch that answered; null before.
  [[nodiscard]] const Branch* winner() const { return winner_; }
  [[nodiscard]] const PartyAddress& caller() const { return caller_; }
  /// Itself as it is now, as a record of it would say.
  [[nodiscard]] CallRecord describe() const;

 private:
  // call_setup.cc
  void start_stage();
  void start_trunk(Branch& branch);
  void start_contact(Branch& branch);
  void start_branch(Branch& branch, PartyAddress callee);
  [[nodiscard]] bool send_invite(Branch& branch);
  [[nodiscard]] std::string write_invite(Branch& branch, const sip::Message& source,
                                         const Signalling::NewVia& via, const CallerIdentity& identity);
  void branch_failed(Branch& branch, unsigned status, std::string_view reason,
                     std::unique_ptr<sip::Message> response = nullptr);
  void proceed();
  void refuse(unsigned status, std::string_view reason);
  [[nodiscard]] bool redirect(const Branch& branch, const sip::Message& response);
  void cancel_others(const Branch* but, std::string_view reason);

  // call_answer.cc: what the callee says, and how the caller hears of it.
  void on_invite_reply(Branch& branch, const Reply& reply);
  void handle_response(Branch& branch, sip::Message& response);
  void handle_provisional(Branch& branch, sip::Message& response);
  void handle_success(Branch& branch, sip::Message& response);
  void handle_failure(Branch& branch, sip::Message& response);
  [[nodiscard]] bool try_again(Branch& branch, const sip::Message& response);
  [[nodiscard]] bool try_elsewhere(Branch& branch);
  void take_answer(Branch& branch, sip::Message& response, bool preview);
  void on_media_ready(Branch& branch, const MediaSession::Text& text);
  void send_provisional(Branch& branch, const sip::Message& response, std::string_view sdp);
  void accept(Branch& branch, const sip::Message& response, std::string_view sdp);
  void send_prack(Branch& branch, sip::Dialog& dialog, const sip::Message& response);
  void acknowledge(Branch& branch, Leg leg, std::uint32_t cseq, std::string_view sdp);
  void refuse_late_success(Branch& branch, sip::Message& success);
  [[nodiscard]] bool open_caller_dialog(Branch& branch, const sip::Message& invite);
  [[nodiscard]] sip::MessageWriter response_to_caller(Branch& branch, const sip::Message& invite,
                                                      unsigned status, std::string_view reason);

  // call_dialog.cc
  [[nodiscard]] bool is_from(Party& party, sip::ServerTransactionId id, const sip::Message& request,
                             const sip::Hop& hop);
  void on_bye(Branch& branch, Leg from, sip::ServerTransactionId id, const sip::Message& bye);
  void on_prack(Branch& branch, Leg from, sip::ServerTransactionId id, const sip::Message& prack);
  void pass_request(Branch& branch, Leg from, sip::ServerTransactionId id, const sip::Message& request);
  void answer(sip::ServerTransactionId id, unsigned status, std::string_view reason = {});
  using Fill = std::function<void(sip::MessageWriter& writer)>;
  /// A request within a party's dialog: `fill` adds its fields. `on_reply` is called with 503 at once if
  /// there is no way to the party.
  std::optional<sip::ClientTransactionId> ask(Branch& branch, Leg leg, std::string_view method, Fill fill,
                                              Body body, OnReply on_reply, unsigned attempt = 0);
  [[nodiscard]] bool find_way(Party& party);
  [[nodiscard]] bool has_returned(Party& party);
  void move(Party& party, const sip::Hop& hop);

  // call_exchange.cc: INVITE and UPDATE within the call.
  void on_offer_request(Branch& branch, Leg from, sip::ServerTransactionId id, const sip::Message& request);
  void pass_exchange(Branch& branch, const sip::Message& request, std::string sdp);
  void on_exchange_reply(Branch& branch, sip::Method method, const Reply& reply);
  void on_exchange_success(Branch& branch, sip::Method method, sip::Message& response);
  void finish_exchange(Branch& branch, unsigned status, std::string_view reason, std::string_view sdp);
  void refresh(Branch& branch, Leg leg);
  void take_late_answer(Branch& branch, Leg from, const sip::Message& ack);

  // call_end.cc
  void say_goodbye(Branch& branch, Leg leg, std::string_view reason);
  void send_bye(Branch& branch, Leg leg, std::string_view reason);
  void close(Branch& branch);
  void conclude(const Ending& ending);
  void on_handshake_failure(Branch& branch, Leg leg, std::string_view outcome);
  void finish_if_done();
  /// What a connection knows of its peer goes with it; the record still wants to tell.
  void remember_security(const Branch& branch);
  [[nodiscard]] RecordedLeg describe_leg(const Branch& branch, Leg leg) const;

  // call_timers.cc
  void schedule();
  void watch_patience(sip::InstantMs now);
  void watch_acknowledgements(Branch& branch, sip::InstantMs now);
  void watch_session(sip::InstantMs now);
  void watch_connections(sip::InstantMs now);
  [[nodiscard]] bool sends_media(const Branch& branch, Leg leg) const;

  /// `handler` of this call and branch, if they still are when it is called.
  template <typename Handler>
  [[nodiscard]] auto later(Branch& branch, Handler handler);
  /// What every message of ours within a call says to one end; `source` is the other end's.
  void write_common(sip::MessageWriter& writer, const Branch& branch, Leg to, const sip::Message* source,
                    bool is_request);

  Calls& calls_;
  CallId id_;
  CallState state_ = CallState::calling;
  CallTimer timer_;
  PartyAddress caller_;
  Claim claim_;
  AdmissionTicket ticket_;
  std::string replaces_;
  std::vector<RouteTarget> targets_;
  std::size_t next_target_ = 0;
  std::uint32_t redirects_ = 0;
  sip::ServerTransactionId invite_;
  bool has_offer_ = false;  ///< the caller's INVITE
  bool definite_ = false;   ///< nobody else is to be tried
  bool starting_ = false;
  std::vector<std::unique_ptr<Branch>> branches_;
  Branch* winner_ = nullptr;
  std::size_t goodbyes_ = 0;  ///< BYEs of ours that wait for an answer or may not be sent yet
  unsigned best_status_ = 0;
  unsigned best_rank_ = 0;
  std::string best_reason_;
  std::unique_ptr<sip::Message> best_response_;
  sip::InstantMs began_ms_ = 0;
  sip::InstantMs answered_ms_ = 0;
  CallRecord record_;
};

}  // namespace sallyport::control
