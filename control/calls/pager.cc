// SPDX-License-Identifier: GPL-3.0-or-later
// What stands between one request and one answer is the courier; here is who may use it.
#include "control/calls/pager.h"

namespace sallyport::control {

void Pager::on_message(sip::ServerTransactionId id, const sip::Message& request, const sip::Hop& hop) {
  courier_.set_out(id, request, hop, [this](const ErrandPtr& errand) {
    const sip::Message* const source = calls_.domain().signalling.request_of(errand->id);
    if (source == nullptr) return;
    const bool is_event = source->method() != sip::Method::message;
    if (is_event && !(errand->from.policy->events && errand->to.policy->events))
      return courier_.answer(errand->id, 403, "Events Do Not Cross Here");
    ++carried_;
    const auto fill = [this, errand](sip::MessageWriter& writer) {
      if (const sip::Message* const message = calls_.domain().signalling.request_of(errand->id))
        copy_event_fields(writer, *message);
    };
    courier_.send(errand, {calls_.token(), calls_.token()}, fill, [this, errand](const Reply& reply) {
      courier_.pass_back(*errand, reply, [&reply](sip::MessageWriter& writer) {
        if (reply.message != nullptr) copy_event_fields(writer, *reply.message);
      });
    });
  });
}

}  // namespace sallyport::control
