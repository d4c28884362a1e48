// SPDX-License-Identifier: GPL-3.0-or-later
// Reliable provisional responses: numbering, matching, repetition.
#include "sip/reliable_provisional.h"

#include <utility>

#include "sip/option_tags.h"

namespace sallyport::sip {

ReliableSupport reliable_support(const Message& invite) {
  if (has_option(invite, HeaderId::require, "100rel")) return ReliableSupport::required;
  return has_option(invite, HeaderId::supported, "100rel") ? ReliableSupport::supported
                                                           : ReliableSupport::none;
}

bool is_reliable_provisional(const Message& response) {
  const unsigned status = response.status();
  return status > 100 && status < 200 && has_option(response, HeaderId::require, "100rel") &&
         response.has(HeaderId::rseq);
}

void ReliableSender::sent(std::string octets, bool has_description, InstantMs now, const Timing& timing) {
  waiting_ = Waiting{next_rseq_, has_description, Repeater::of_provisional(now, timing)};
  octets_ = std::move(octets);
  ++next_rseq_;
}

ReliableSender::PrackAnswer ReliableSender::received_prack(const RAck& rack) {
  const bool matches = waiting_ && rack.response_number == waiting_->rseq &&
                       rack.cseq.number == invite_cseq_ && rack.cseq.method == Method::invite;
  if (!matches) return PrackAnswer::no_match;
  waiting_.reset();
  std::string().swap(octets_);
  return PrackAnswer::matches;
}

void ReliableSender::sent_final() {
  has_final_ = true;
  if (waiting_) waiting_->repeater.stop();
  std::string().swap(octets_);
}

Repeater::Step ReliableSender::advance(InstantMs now) {
  return waiting_ ? waiting_->repeater.advance(now) : Repeater::Step::nothing;
}

ReliableReceiver::Verdict ReliableReceiver::received(std::uint32_t rseq) {
  if (last_ && rseq <= *last_) return Verdict::repetition;
  if (last_ && rseq != *last_ + 1) return Verdict::out_of_order;
  last_ = rseq;
  return Verdict::acknowledge;
}

}  // namespace sallyport::sip
