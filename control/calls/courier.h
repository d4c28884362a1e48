// SPDX-License-Identifier: GPL-3.0-or-later
// Courier: takes requests outside of calls across the border, and what comes of them back.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "control/calls/calls.h"

namespace sallyport::control {

/// A request of somebody who may send it, and the one place where it goes.
struct Errand {
  sip::ServerTransactionId id;
  PartyAddress from;
  Claim claim;
  RouteTarget target;
  PartyAddress to;
  CallerIdentity identity;  ///< what is told there
};
using ErrandPtr = std::shared_ptr<Errand>;

/// What makes our request one of a dialog.
struct RequestNames {
  std::string call_id;
  std::string from_tag;
  std::uint32_t cseq = 1;
};

/// The control thread's. Keeps nothing: the two transactions know of each other.
class Courier {
 public:
  /// Outlives the object.
  explicit Courier(Calls& calls) : calls_(calls), domain_(calls.domain()) {}

  /// Finds out who sends the request and where it goes: to the first place where the one asked for is
  /// reached. `go` is called once, now or later; not at all where the request has been answered instead.
  void set_out(sip::ServerTransactionId id, const sip::Message& request, const sip::Hop& hop,
               std::function<void(const ErrandPtr&)> go);

  /// Adds to our request, or to our response, what is particular about it.
  using Fill = std::function<void(sip::MessageWriter&)>;
  /// Sends what of the request may be seen there, with its body, anew when a trunk asks who we are. `done` is
  /// called with the final reply.
  void send(const ErrandPtr& errand, const RequestNames& names, const Fill& fill, const OnReply& done);

  /// Answers the request with what came back for it.
  void pass_back(const Errand& errand, const Reply& reply, const Fill& fill);
  void answer(sip::ServerTransactionId id, unsigned status, std::string_view reason = {},
              std::uint32_t retry_after_s = 0);

 private:
  void reach(const ErrandPtr& errand, const sip::Hop& hop, const std::function<void(const ErrandPtr&)>& go);
  void send_attempt(const ErrandPtr& errand, const RequestNames& names, const Fill& fill, const OnReply& done,
                    unsigned attempt);
  [[nodiscard]] std::string write(const Errand& errand, const sip::Message& request,
                                  const RequestNames& names, const std::string& via, const Fill& fill) const;

  Calls& calls_;
  const CallDomain& domain_;
};

/// What crosses between those who publish events and those who watch them.
void copy_event_fields(sip::MessageWriter& writer, const sip::Message& from);

}  // namespace sallyport::control
