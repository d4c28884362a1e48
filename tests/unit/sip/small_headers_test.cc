// SPDX-License-Identifier: GPL-3.0-or-later
// Small headers: CSeq, RAck, Contact, Event, Replaces, Refer-To, Reason, Retry-After, identity and privacy.
#include <string>

#include <gtest/gtest.h>

#include "sip/contact.h"
#include "sip/cseq.h"
#include "sip/event.h"
#include "sip/identity.h"
#include "sip/message.h"
#include "sip/reason.h"
#include "sip/replaces.h"

namespace sallyport::sip {

namespace {

Message with(const std::string& headers) {
  return parse_message(
             "OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\n"
             "To: <sip:b@h>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n" +
             headers + "Content-Length: 0\r\n\r\n")
      .message;
}

TEST(CSeqHeader, IsANumberAndAMethod) {
  const auto cseq = parse_cseq(" 0009\t INVITE ");
  ASSERT_TRUE(cseq);
  EXPECT_EQ(cseq->number, 9U);
  EXPECT_EQ(cseq->method, Method::invite);
  EXPECT_EQ(parse_cseq("2147483647 X")->method, Method::other);
  EXPECT_EQ(write_cseq(7, "X-Y"), "7 X-Y");
  for (const char* text :
       {"", "1", "1 ", "INVITE", "1INVITE", "-1 INVITE", "+1 INVITE", "1.0 INVITE", "2147483648 INVITE",
        "36893488147419103232 INVITE", "1 INVITE x", "1 IN,VITE", "x INVITE", "1 \"INVITE\""})
    EXPECT_FALSE(parse_cseq(text)) << text;
}

TEST(RAckHeader, NamesAResponse) {
  const auto rack = parse_rack("776656 1 INVITE");
  ASSERT_TRUE(rack);
  EXPECT_EQ(rack->response_number, 776656U);
  EXPECT_EQ(rack->cseq.number, 1U);
  EXPECT_EQ(write_rack(776656, rack->cseq), "776656 1 INVITE");
  for (const char* text : {"", "1", "1 1", "0 1 INVITE", "1 x INVITE", "1 1 INVITE x", "4294967296 1 INVITE",
                           "1 2147483648 INVITE"})
    EXPECT_FALSE(parse_rack(text)) << text;
  EXPECT_EQ(parse_rseq("988789"), 988789U);
  for (const char* text : {"", "0", "x", "-1", "1 1", "4294967296"}) EXPECT_FALSE(parse_rseq(text)) << text;
}

TEST(ContactHeader, HasWhatARegistrarWants) {
  const auto contact = parse_contact(
      "\"A\" "
      "<sip:a@h;ob>;q=0.75;expires=60;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\";reg-"
      "id=2");
  ASSERT_TRUE(contact);
  EXPECT_EQ(contact->q, 750);
  EXPECT_EQ(contact->expires, 60U);
  EXPECT_EQ(contact->instance, "<urn:uuid:00000000-0000-1000-8000-000A95A0E128>");
  EXPECT_EQ(contact->reg_id, 2U);
  EXPECT_TRUE(contact->outbound);
  EXPECT_FALSE(contact->star);
  EXPECT_TRUE(parse_contact(" * ")->star);
  // RFC 3261 §20.10: a malformed value counts as an hour, a large one as the largest.
  EXPECT_EQ(parse_contact("<sip:a@h>;expires=soon")->expires, 3600U);
  EXPECT_EQ(parse_contact("<sip:a@h>;expires=280297596632815")->expires, 0xffffffffU);
  for (const char* text :
       {"", "**", "<sip:a@h>;q=2", "<sip:a@h>;q=1.1", "<sip:a@h>;q=0.1234", "<sip:a@h>;q=.5", "<sip:a@h>;q",
        "<sip:a@h>;reg-id=0", "<sip:a@h>;reg-id=x", "<sip:a@h>;reg-id=2147483648",
        "<sip:a@h>;+sip.instance=x", "<sip:a b@h>", "sip:a@h?Route=%3Csip:x%3E", "<sip:@h>"})
    EXPECT_FALSE(parse_contact(text)) << text;
}

TEST(ContactHeader, IsAList) {
  const auto two = with("Contact: <sip:a@h>, \"B, C\" <sip:b@h>\r\nm: <sip:c@h>\r\n");
  EXPECT_EQ(contacts(two)->size(), 3U);
  EXPECT_EQ(contacts(with(""))->size(), 0U);
  EXPECT_TRUE(contacts(with("Contact: *\r\n"))->front().star);
  for (const char* header : {"Contact: *, <sip:a@h>\r\n", "Contact: *\r\nContact: *\r\n",
                             "Contact: <sip:a@h>,\r\n", "Contact:\r\n", "Contact: <sip:a@h>;q=7\r\n"}) {
    const Message message = with(header);
    EXPECT_FALSE(contacts(message)) << header;
  }
  std::string many = "Contact: <sip:a@h>";
  for (std::uint32_t i = 0; i < kStandardLimits[Limit::list_values]; ++i) many += ",<sip:a@h>";
  EXPECT_EQ(contacts(with(many + "\r\n")).error().error_class, ErrorClass::exhausted);
}

TEST(EventHeader, IsAPackageWithAnId) {
  const auto event = parse_event("presence.winfo ; id=7;x");
  ASSERT_TRUE(event);
  EXPECT_EQ(event->package, "presence.winfo");
  EXPECT_EQ(event->id, "7");
  EXPECT_TRUE(same_event(*event, *parse_event("presence.winfo;id=7")));
  EXPECT_FALSE(same_event(*event, *parse_event("presence.winfo")));
  EXPECT_FALSE(same_event(*event, *parse_event("Presence.winfo;id=7")));
  for (const char* text : {"", ";id=1", "a b", "a;", "a,b"}) EXPECT_FALSE(parse_event(text)) << text;
}

TEST(SubscriptionStateHeader, IsAStateWithParameters) {
  const auto state = parse_subscription_state("terminated;reason=rejected;retry-after=5");
  ASSERT_TRUE(state);
  EXPECT_EQ(state->state, SubscriptionState::State::terminated);
  EXPECT_EQ(state->reason, "rejected");
  EXPECT_EQ(state->retry_after_s, 5U);
  EXPECT_EQ(parse_subscription_state("Active;expires=x")->expires_s, std::nullopt);
  EXPECT_EQ(parse_subscription_state("waiting")->state, SubscriptionState::State::other);
  EXPECT_FALSE(parse_subscription_state(""));
  EXPECT_FALSE(parse_subscription_state("active;"));
}

TEST(ReplacesHeader, NamesADialog) {
  const auto replaces = parse_replaces("12adf2f34456gs5@h;to-tag=12345;from-tag=54321;early-only");
  ASSERT_TRUE(replaces);
  EXPECT_EQ(replaces->call_id, "12adf2f34456gs5@h");
  EXPECT_EQ(replaces->to_tag, "12345");
  EXPECT_EQ(replaces->from_tag, "54321");
  EXPECT_TRUE(replaces->early_only);
  EXPECT_EQ(write_replaces(*replaces), "12adf2f34456gs5@h;to-tag=12345;from-tag=54321;early-only");
  EXPECT_EQ(parse_target_dialog("a;local-tag=1;remote-tag=2")->from_tag, "2");
  for (const char* text :
       {"", "a", "a;to-tag=1", "a;from-tag=1", "a;to-tag=1;from-tag=2;to-tag=3", ";to-tag=1;from-tag=2",
        "a b;to-tag=1;from-tag=2", "a;to-tag;from-tag=2", "a;to-tag=1;from-tag=2;"})
    EXPECT_FALSE(parse_replaces(text)) << text;
}

TEST(ReferToHeader, MayCarryReplaces) {
  const auto refer =
      parse_refer_to("<sip:b@h;method=BYE?Replaces=12345%40h%3Bto-tag%3D1%3Bfrom-tag%3D2&Accept-Contact=x>");
  ASSERT_TRUE(refer);
  EXPECT_EQ(refer->method, Method::bye);
  EXPECT_EQ(refer->replaces, "12345@h;to-tag=1;from-tag=2");
  EXPECT_EQ(parse_refer_to("sip:b@h")->method, Method::invite);
  for (const char* text : {"", "b", "<sip:>", "<sip:b@h?Replaces>", "sip:b@h?Replaces=x"})
    EXPECT_FALSE(parse_refer_to(text)) << text;
}

TEST(ReasonHeader, HasACause) {
  const auto reason = parse_reason("Q.850 ;cause=16 ;text=\"Terminated; \\\"really\\\"\"");
  ASSERT_TRUE(reason);
  EXPECT_EQ(reason->protocol, "Q.850");
  EXPECT_EQ(reason->cause, 16U);
  EXPECT_EQ(reason->text, "Terminated; \\\"really\\\"");
  EXPECT_EQ(parse_reason("SIP;cause=x")->cause, std::nullopt);
  EXPECT_EQ(write_reason("SIP", 480, "media \"lost\""), "SIP;cause=480;text=\"media \\\"lost\\\"\"");
  for (const char* text : {"", ";cause=1", "SIP cause=1", "SIP;", "SIP;text=\"x"})
    EXPECT_FALSE(parse_reason(text)) << text;
}

TEST(RetryAfterHeader, MayHaveACommentAndADuration) {
  EXPECT_EQ(parse_retry_after("18000;duration=3600")->duration_s, 3600U);
  EXPECT_EQ(parse_retry_after("120 (I'm in a (long) meeting \\))")->seconds, 120U);
  EXPECT_EQ(parse_retry_after("949302838503028349304023988")->seconds, 0xffffffffU);
  for (const char* text : {"", "x", "-1", "1 x", "1 (", "1 (\\", "1 (a))", "1;", "(a) 1"})
    EXPECT_FALSE(parse_retry_after(text)) << text;
  EXPECT_EQ(write_warning(399, "h", "a\"b"), "399 h \"a\\\"b\"");
}

TEST(IdentityHeader, IsOneOfAKind) {
  const Message both = with("P-Asserted-Identity: \"A\" <sip:a@h>, <tel:+1>\r\n");
  const auto identity = asserted_identity(both, HeaderId::p_asserted_identity);
  ASSERT_TRUE(identity);
  EXPECT_EQ(identity->sip->uri, "sip:a@h");
  EXPECT_EQ(identity->tel->uri, "tel:+1");
  EXPECT_FALSE(asserted_identity(both, HeaderId::p_preferred_identity)->sip);
  for (const char* value :
       {"<sip:a@h>, <sips:b@h>", "<tel:+1>, <tel:+2>", "<http://h>", "a", "<sip:a@h>,", "<sip:a b@h>"}) {
    const Message message = with("P-Asserted-Identity: " + std::string(value) + "\r\n");
    EXPECT_FALSE(asserted_identity(message, HeaderId::p_asserted_identity)) << value;
  }
}

TEST(PrivacyHeader, IsWords) {
  const auto words = privacy(with("Privacy: ID ; critical;somethingNew\r\n"));
  ASSERT_TRUE(words);
  EXPECT_TRUE(words->id);
  EXPECT_TRUE(words->critical);
  EXPECT_TRUE(words->other);
  EXPECT_FALSE(words->none);
  EXPECT_TRUE(privacy(with("Privacy: none\r\n"))->none);
  EXPECT_FALSE(privacy(with(""))->id);
  for (const char* value : {"", ";", "id;", ";id", "none;id", "id none", "\"id\""})
    EXPECT_FALSE(privacy(with("Privacy: " + std::string(value) + "\r\n"))) << value;
}

}  // namespace

}  // namespace sallyport::sip
