// SPDX-License-Identifier: GPL-3.0-or-later
// Dialog: RFC 3261 §12 at both ends, loose and strict routers, order of requests, forks.
#include "sip/dialog.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "sip/dialog_set.h"

namespace sallyport::sip {
namespace {

struct Fields {
  std::string start = "INVITE sip:bob@biloxi.example.com SIP/2.0";
  std::string from = "\"Alice\" <sip:alice@atlanta.example.com>;tag=a1";
  std::string to = "<sip:bob@biloxi.example.com>";
  std::string cseq = "100 INVITE";
  std::vector<std::string> more = {"Contact: <sip:alice@192.0.2.1;transport=tls>"};
  std::string call_id = "a84b4c76e66710";
};

Message make(const Fields& fields) {
  std::string text =
      fields.start + "\r\nVia: SIP/2.0/TLS pc33.atlanta.example.com;branch=z9hG4bK1\r\nFrom: " + fields.from +
      "\r\nTo: " + fields.to + "\r\nCall-ID: " + fields.call_id + "\r\nCSeq: " + fields.cseq + "\r\n";
  if (!fields.start.starts_with("SIP/")) text += "Max-Forwards: 70\r\n";
  for (const std::string& field : fields.more) text += field + "\r\n";
  ParsedMessage parsed = parse_message(text + "Content-Length: 0\r\n\r\n");
  EXPECT_FALSE(parsed.defect) << parsed.defect->reason;
  return std::move(parsed.message);
}

Fields answer(const std::string& status, const std::string& tag,
              std::vector<std::string> more = {"Contact: <sip:bob@192.0.2.2>"}) {
  Fields fields;
  fields.start = "SIP/2.0 " + status;
  if (!tag.empty()) fields.to += ";tag=" + tag;
  fields.more = std::move(more);
  return fields;
}

Message parsed(MessageWriter writer) {
  ParsedMessage result = parse_message(std::move(writer).finish());
  EXPECT_FALSE(result.defect) << result.defect->reason;
  return std::move(result.message);
}

constexpr std::string_view kVia = "SIP/2.0/TLS sbc.example.com;branch=z9hG4bKx";

std::vector<std::string> routes(const Message& message) {
  std::vector<std::string> values;
  for (const std::string_view value : message.values(HeaderId::route)) values.emplace_back(value);
  return values;
}

TEST(Dialog, AtTheSideThatAnswers) {
  Fields fields;
  fields.more.emplace_back("Record-Route: <sip:p2.example.com;lr>, <sip:p1.example.com;lr;x=a%2Cb>");
  auto dialog = Dialog::from_request(make(fields), "b1", true);
  ASSERT_TRUE(dialog);
  EXPECT_EQ(dialog->dump(), "early, Call-ID a84b4c76e66710, local 0, remote 100");
  EXPECT_TRUE(dialog->is_secure());
  EXPECT_FALSE(dialog->owns_call_id());
  dialog->confirm();
  EXPECT_EQ(dialog->state(), DialogState::confirmed);

  const Message bye = parsed(dialog->request(Method::bye, kVia));
  EXPECT_EQ(bye.request_uri(), "sip:alice@192.0.2.1;transport=tls");
  EXPECT_EQ(routes(bye),
            (std::vector<std::string>{"<sip:p2.example.com;lr>", "<sip:p1.example.com;lr;x=a%2Cb>"}));
  EXPECT_EQ(bye.header(HeaderId::from), "<sip:bob@biloxi.example.com>;tag=b1");
  EXPECT_EQ(bye.header(HeaderId::to), "\"Alice\" <sip:alice@atlanta.example.com>;tag=a1");
  EXPECT_EQ(bye.header(HeaderId::cseq), "1 BYE");
  EXPECT_EQ(bye.header(HeaderId::max_forwards), "70");
  EXPECT_EQ(bye.header(HeaderId::via), kVia);
  EXPECT_EQ(dialog->next_hop(), "sip:p2.example.com;lr");
  EXPECT_EQ(parsed(dialog->request("X-OWN", kVia)).header(HeaderId::cseq), "2 X-OWN");
}

TEST(Dialog, AtTheSideThatAsked) {
  Fields fields = answer(
      "180 Ringing", "b1",
      {"Contact: <sip:bob@192.0.2.2>", "Record-Route: <sip:p2.example.com;lr>, <sip:p1.example.com;lr>"});
  auto dialog = Dialog::from_response(make(fields), "sip:bob@biloxi.example.com", false);
  ASSERT_TRUE(dialog);
  EXPECT_EQ(dialog->state(), DialogState::early);
  EXPECT_EQ(dialog->route_set(),
            (std::vector<std::string>{"<sip:p1.example.com;lr>", "<sip:p2.example.com;lr>"}));
  EXPECT_EQ(dialog->remote_cseq(), std::nullopt);
  EXPECT_TRUE(dialog->owns_call_id());
  EXPECT_EQ(parsed(dialog->request(Method::prack, kVia)).header(HeaderId::cseq), "101 PRACK");
  // The 2xx brings the route set anew and another target; numbers stay.
  fields = answer("200 OK", "b1", {"Contact: <sip:bob@192.0.2.3>", "Record-Route: <sip:p9.example.com;lr>"});
  EXPECT_TRUE(dialog->confirm(make(fields)));
  EXPECT_EQ(dialog->route_set(), std::vector<std::string>{"<sip:p9.example.com;lr>"});
  const Message ack = parsed(dialog->ack(100, kVia));
  EXPECT_EQ(ack.header(HeaderId::cseq), "100 ACK");
  EXPECT_EQ(ack.request_uri(), "sip:bob@192.0.2.3");
  EXPECT_EQ(dialog->local_cseq(), 101U);
  // A 2xx to a re-INVITE leaves the route set alone.
  fields = answer("200 OK", "b1", {"Contact: <sip:bob@192.0.2.4>"});
  EXPECT_TRUE(dialog->confirm(make(fields)));
  EXPECT_EQ(dialog->remote_target(), "sip:bob@192.0.2.4");
  EXPECT_EQ(dialog->route_set().size(), 1U);
}

TEST(Dialog, StrictRouterOfRfc3261Section12) {
  Fields fields;
  fields.more = {"Contact: <sip:user@remoteua>",
                 "Record-Route: <sip:proxy1;method=BYE;ttl=3?Subject=x>, <sip:proxy2>",
                 "Record-Route: <sip:proxy3;lr>, <sip:proxy4>"};
  auto dialog = Dialog::from_request(make(fields), "b1", false);
  ASSERT_TRUE(dialog) << dialog.error().text;
  const Message request = parsed(dialog->request(Method::info, kVia));
  EXPECT_EQ(request.request_uri(), "sip:proxy1;ttl=3");
  EXPECT_EQ(routes(request), (std::vector<std::string>{"<sip:proxy2>", "<sip:proxy3;lr>", "<sip:proxy4>",
                                                       "<sip:user@remoteua>"}));
}

TEST(Dialog, WhatMakesNone) {
  Fields fields;
  for (const std::vector<std::string>& more :
       std::vector<std::vector<std::string>>{{},
                                             {"Contact: *"},
                                             {"Contact: <tel:+15551234>"},
                                             {"Contact: <sip:a@192.0.2.1>, <sip:b@192.0.2.1>"}}) {
    fields.more = more;
    const auto made = Dialog::from_request(make(fields), "b1", false);
    ASSERT_FALSE(made) << (more.empty() ? "" : more.back());
    EXPECT_EQ(made.error().error_class, ErrorClass::malformed);
  }
  for (const Fields& response : {answer("100 Trying", "b1"), answer("180 Ringing", ""),
                                 answer("486 Busy Here", "b1"), answer("200 OK", "b1", {})})
    EXPECT_FALSE(Dialog::from_response(make(response), "sip:bob@biloxi.example.com", false))
        << response.start;
  // A 180 without Contact makes one: its target is where the INVITE went.
  const auto early =
      Dialog::from_response(make(answer("180 Ringing", "b1", {})), "sip:bob@biloxi.example.com", false);
  ASSERT_TRUE(early);
  EXPECT_EQ(early->remote_target(), "sip:bob@biloxi.example.com");
  // So does the 200 of a server that knows no tags (RFC 2543).
  const auto old = Dialog::from_response(make(answer("200 OK", "")), "sip:bob@biloxi.example.com", false);
  ASSERT_TRUE(old);
  EXPECT_EQ(old->remote_tag(), "");
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-12.2.2
//= type=test
//# If the remote sequence number was not empty, but the sequence number
//# of the request is lower than the remote sequence number, the request
//# is out of order and MUST be rejected with a 500 (Server Internal
//# Error) response.
TEST(Dialog, RequestsOutOfOrderOrOfOthers) {
  auto dialog = Dialog::from_request(make({}), "b1", false);
  ASSERT_TRUE(dialog);
  struct Row {
    const char* method;
    const char* number;
    const char* from_tag;
    const char* to_tag;
    const char* call_id;
    unsigned status;
  };
  for (const Row& row : std::vector<Row>{{"ACK", "100", "a1", "b1", "a84b4c76e66710", 0},
                                         {"ACK", "99", "a1", "b1", "a84b4c76e66710", 481},
                                         {"BYE", "101", "a1", "b2", "a84b4c76e66710", 481},
                                         {"BYE", "101", "a2", "b1", "a84b4c76e66710", 481},
                                         {"BYE", "101", "A1", "b1", "a84b4c76e66710", 481},
                                         {"BYE", "101", "a1", "b1", "a84b4c76e66711", 481},
                                         {"INFO", "99", "a1", "b1", "a84b4c76e66710", 500},
                                         {"INFO", "100", "a1", "b1", "a84b4c76e66710", 500},
                                         {"INFO", "105", "a1", "b1", "a84b4c76e66710", 0},
                                         {"INFO", "105", "a1", "b1", "a84b4c76e66710", 500},
                                         {"INFO", "104", "a1", "b1", "a84b4c76e66710", 500},
                                         {"ACK", "100", "a1", "b1", "a84b4c76e66710", 0},
                                         {"INVITE", "106", "a1", "b1", "a84b4c76e66710", 0},
                                         {"ACK", "100", "a1", "b1", "a84b4c76e66710", 481},
                                         {"ACK", "106", "a1", "b1", "a84b4c76e66710", 0}}) {
    Fields fields;
    fields.start = std::string(row.method) + " sip:sbc.example.com SIP/2.0";
    fields.cseq = std::string(row.number) + " " + row.method;
    fields.from = std::string("<sip:alice@atlanta.example.com>;tag=") + row.from_tag;
    fields.to += std::string(";tag=") + row.to_tag;
    fields.call_id = row.call_id;
    EXPECT_EQ(dialog->check_request(make(fields)), row.status) << row.method << " " << row.number;
  }
  dialog->terminate();
  Fields late;
  late.start = "BYE sip:sbc.example.com SIP/2.0";
  late.cseq = "200 BYE";
  late.to += ";tag=b1";
  EXPECT_EQ(dialog->check_request(make(late)), 481U);
  EXPECT_FALSE(dialog->confirm(make(answer("200 OK", "b1"))));
}

TEST(Dialog, OnlyTargetRefreshesMoveTheTarget) {
  auto dialog = Dialog::from_request(make({}), "b1", false);
  ASSERT_TRUE(dialog);
  const auto refresh = [&](const std::string& method, const std::string& contact) {
    Fields fields;
    fields.start = method + " sip:sbc.example.com SIP/2.0";
    fields.cseq = "101 " + method;
    fields.more = {"Contact: " + contact};
    return dialog->refresh_target(make(fields)).has_value();
  };
  EXPECT_TRUE(refresh("INFO", "<sip:x@192.0.2.77>"));
  EXPECT_TRUE(refresh("BYE", "<sip:x@192.0.2.77>"));
  EXPECT_EQ(dialog->remote_target(), "sip:alice@192.0.2.1;transport=tls");
  EXPECT_FALSE(refresh("INVITE", "<tel:+1>"));
  EXPECT_FALSE(refresh("UPDATE", "*"));
  EXPECT_EQ(dialog->remote_target(), "sip:alice@192.0.2.1;transport=tls");
  EXPECT_TRUE(refresh("UPDATE", "<sip:alice@192.0.2.5>"));
  EXPECT_EQ(dialog->remote_target(), "sip:alice@192.0.2.5");
}

TEST(Dialog, KeysOfBothSidesMeet) {
  const HashKey key{1, 2};
  const auto dialog = Dialog::from_request(make({}), "b1", false);
  ASSERT_TRUE(dialog);
  Fields bye;
  EXPECT_EQ(dialog_key(key, make(bye)), std::nullopt);
  bye.to += ";tag=b1";
  EXPECT_EQ(dialog_key(key, make(bye)), dialog_key(key, *dialog));
  bye.call_id += "x";
  EXPECT_NE(dialog_key(key, make(bye)), dialog_key(key, *dialog));
}

TEST(Dialog, FailuresOfRfc5057) {
  for (const unsigned status :
       {400U, 401U, 403U, 407U, 422U, 486U, 487U, 488U, 491U, 499U, 500U, 503U, 504U, 600U, 603U})
    EXPECT_EQ(failure_impact(status), FailureImpact::transaction) << status;
  for (const unsigned status : {405U, 480U, 481U, 489U, 501U})
    EXPECT_EQ(failure_impact(status), FailureImpact::usage) << status;
  for (const unsigned status : {404U, 408U, 410U, 416U, 482U, 483U, 484U, 485U, 502U, 604U})
    EXPECT_EQ(failure_impact(status), FailureImpact::dialog) << status;
}

TEST(DialogSet, AForkMakesADialogForEachTag) {
  Limits limits;
  limits.set(Limit::forked_dialogs, 3);
  DialogSet set("sip:bob@biloxi.example.com", false, limits);
  EXPECT_EQ(set.received(make(answer("100 Trying", "b1"))), nullptr);
  EXPECT_EQ(set.received(make(answer("180 Ringing", ""))), nullptr);
  EXPECT_EQ(set.received(make(answer("486 Busy Here", "b1"))), nullptr);
  const auto first = set.received(make(answer("180 Ringing", "b1")));
  const auto second = set.received(make(answer("183 Session Progress", "b2")));
  ASSERT_TRUE(first && second);
  EXPECT_NE(*first, *second);
  EXPECT_EQ(set.received(make(answer("183 Session Progress", "b1"))), *first);
  EXPECT_EQ(set.received(make(answer("200 OK", "b2"))), *second);
  EXPECT_EQ((*second)->state(), DialogState::confirmed);
  const auto third = set.received(make(answer("200 OK", "b3")));  // a second phone was as fast
  ASSERT_TRUE(third);
  EXPECT_EQ(set.count(DialogState::confirmed), 2U);
  const auto fourth = set.received(make(answer("180 Ringing", "b4")));
  ASSERT_FALSE(fourth);
  EXPECT_EQ(fourth.error().error_class, ErrorClass::exhausted);
  EXPECT_EQ(limits.refusals(Limit::forked_dialogs), 1U);
  set.end_early();
  EXPECT_EQ((*first)->state(), DialogState::terminated);
  EXPECT_EQ(set.count(DialogState::confirmed), 2U);
  EXPECT_FALSE(set.received(make(answer("200 OK", "b1"))));  // too late for it
}

}  // namespace
}  // namespace sallyport::sip
