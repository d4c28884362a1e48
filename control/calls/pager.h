// SPDX-License-Identifier: GPL-3.0-or-later
// Pager: carries MESSAGE outside of calls (RFC 3428): one request there, one answer back.
#pragma once

#include <cstdint>
#include <string>

#include "control/calls/calls.h"

namespace sallyport::control {

/// The control thread's. Keeps nothing: the two transactions know of each other.
class Pager final : public MessageService {
 public:
  /// Outlives the object.
  explicit Pager(Calls& calls) : calls_(calls), domain_(calls.domain()) {}

  /// Goes to the first place where the called one is reached; who sends it is told what came of it there.
  void on_message(sip::ServerTransactionId id, const sip::Message& request, const sip::Hop& hop) override;

  [[nodiscard]] std::uint64_t carried() const { return carried_; }

 private:
  /// What is needed of the sender until the answer is there.
  struct Page {
    sip::ServerTransactionId id;
    PartyAddress from;
    Claim claim;
    RouteTarget target;
  };
  void send(const Page& page, const sip::Hop& hop);
  void answer(sip::ServerTransactionId id, unsigned status, std::string_view reason = {},
              std::uint32_t retry_after_s = 0);

  Calls& calls_;
  const CallDomain& domain_;
  std::uint64_t carried_ = 0;
};

}  // namespace sallyport::control
