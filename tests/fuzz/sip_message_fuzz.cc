// SPDX-License-Identifier: GPL-3.0-or-later
// A datagram may hold anything: it becomes a message whose parts lie inside it, or a defect that can be
// answered without harm, and what is good survives being written and parsed again.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "sip/contact.h"
#include "sip/digest_header.h"
#include "sip/event.h"
#include "sip/identity.h"
#include "sip/message.h"
#include "sip/multipart.h"
#include "sip/reason.h"
#include "sip/replaces.h"
#include "sip/writer.h"

using namespace sallyport::sip;

namespace {

void expect(bool holds) {
  if (!holds) std::abort();
}

bool is_inside(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void decode_everything(const Message& message) {
  for (const Field field : message.fields()) {
    expect(is_inside(field.name, message.text()) && is_inside(field.value, message.text()));
    for (const std::string_view value : message.values(field.id))
      expect(is_inside(value, message.text()) || value.empty());
    static_cast<void>(message.addresses(field.id));
    static_cast<void>(message.number(field.id));
    static_cast<void>(parse_event(field.value));
    static_cast<void>(parse_subscription_state(field.value));
    static_cast<void>(parse_reason(field.value));
    static_cast<void>(parse_retry_after(field.value));
    static_cast<void>(parse_replaces(field.value));
    static_cast<void>(parse_refer_to(field.value));
    static_cast<void>(parse_rack(field.value));
    static_cast<void>(parse_challenges(field.value));
  }
  static_cast<void>(contacts(message));
  static_cast<void>(privacy(message));
  static_cast<void>(asserted_identity(message, HeaderId::p_asserted_identity));
  static_cast<void>(find_body(message, "application/sdp"));
}

/// A response to a good request is good; to a defective one it is at least one message and no more.
void answer(const ParsedMessage& request) {
  const sallyport::Endpoint source{sallyport::IpAddress::v4({192, 0, 2, 1}), 5060};
  const std::string octets = response_to(request.message, 400, "Bad Request", "tag", &source).finish();
  expect(octets.find("\r\n\r\n") == octets.size() - 4);
  const ParsedMessage response = parse_message(octets);
  expect(!response.message.is_request() && response.message.status() == 400);
  if (request.defect) return;
  expect(!response.defect);
  expect(response.message.call_id() == request.message.call_id());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ParsedMessage parsed = parse_message(std::string(reinterpret_cast<const char*>(data), size));
  const Message& message = parsed.message;
  expect(is_inside(message.request_uri(), message.text()) && is_inside(message.body(), message.text()));
  decode_everything(message);
  if (parsed.defect) {
    expect(parsed.defect->status >= 400 && parsed.defect->status < 700);
    if (parsed.defect->answerable) answer(parsed);
    return 0;
  }
  expect(message.top_via() && message.from() && message.to() && message.cseq() && !message.call_id().empty());
  if (is_answerable(message)) answer(parsed);
  return 0;
}
