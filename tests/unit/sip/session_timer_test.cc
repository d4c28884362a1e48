// SPDX-License-Identifier: GPL-3.0-or-later
// SessionTimer: what RFC 4028 lets each side ask for and answer, and what happens when time passes.
#include "sip/session_timer.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace sallyport::sip {
namespace {

Message make(const std::string& start, const std::vector<std::string>& more) {
  std::string text =
      start +
      "\r\nVia: SIP/2.0/TLS a.example.com;branch=z9hG4bK1\r\nFrom: <sip:a@example.com>;tag=1\r\n"
      "To: <sip:b@example.com>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n";
  if (!start.starts_with("SIP/")) text += "Max-Forwards: 70\r\n";
  for (const std::string& field : more) text += field + "\r\n";
  ParsedMessage parsed = parse_message(text + "Content-Length: 0\r\n\r\n");
  EXPECT_FALSE(parsed.defect) << parsed.defect->reason;
  return std::move(parsed.message);
}
Message request(const std::vector<std::string>& more) {
  return make("INVITE sip:b@example.com SIP/2.0", more);
}
Message success(const std::vector<std::string>& more) {
  return make("SIP/2.0 200 OK", more);
}
Message too_small(const std::vector<std::string>& more) {
  return make("SIP/2.0 422 Session Interval Too Small", more);
}

/// `Session-Expires|Min-SE` as a request carries them.
std::string asks(SessionTimer& timer) {
  MessageWriter writer = MessageWriter::request(Method::invite, "sip:b@example.com");
  timer.write_request(writer);
  const ParsedMessage parsed = parse_message(std::move(writer).finish());
  EXPECT_EQ(parsed.message.header(HeaderId::supported), "timer");
  return std::string(parsed.message.header(HeaderId::session_expires).value_or("-")) + "|" +
         std::string(parsed.message.header(HeaderId::min_se).value_or("-"));
}

TEST(SessionExpires, Grammar) {
  EXPECT_EQ(parse_session_expires("1800").value(), (SessionExpires{1800, Refresher::unsaid}));
  EXPECT_EQ(parse_session_expires("90;refresher=uac").value(), (SessionExpires{90, Refresher::uac}));
  EXPECT_EQ(parse_session_expires("4000 ; x=1 ;refresher=uas").value(),
            (SessionExpires{4000, Refresher::uas}));
  EXPECT_EQ(parse_session_expires("4000;refresher=proxy").value().refresher, Refresher::unsaid);
  for (const char* bad : {"", "x", "-1", "1800x", "99999999999", ";refresher=uac", "1800,1800", "1800;=3"})
    EXPECT_FALSE(parse_session_expires(bad)) << bad;
  EXPECT_EQ(write_session_expires({1800, Refresher::uas}), "1800;refresher=uas");
  EXPECT_EQ(write_session_expires({90, Refresher::unsaid}), "90");
  EXPECT_EQ(parse_min_se("120;lr").value(), 120U);
  EXPECT_FALSE(parse_min_se("soon"));
}

// RFC 4028 Table 2 and §9.
TEST(SessionTimer, WhatIsAnswered) {
  struct Row {
    SessionTimerPolicy policy;
    std::vector<std::string> fields;
    unsigned status;
    std::string answer;
    bool require;
  };
  const SessionTimerPolicy ours = {1800, 120, true};
  const SessionTimerPolicy lazy = {1800, 120, false};
  const SessionTimerPolicy off = {0, 120, true};
  const std::string timer = "Supported: 100rel, Timer";
  for (const Row& row : std::vector<Row>{
           {ours, {"Session-Expires: 900"}, 0, "900;refresher=uas", false},
           {ours, {timer, "Session-Expires: 900"}, 0, "900;refresher=uas", true},
           {lazy, {timer, "Session-Expires: 900"}, 0, "900;refresher=uac", true},
           {ours, {timer, "Session-Expires: 900;refresher=uac"}, 0, "900;refresher=uac", true},
           {lazy, {timer, "Session-Expires: 900;refresher=uas"}, 0, "900;refresher=uas", true},
           {ours, {"Session-Expires: 900;refresher=uac"}, 0, "900;refresher=uas", false},  // not allowed: it
                                                                                           // cannot
           {ours, {timer, "Session-Expires: 3600"}, 0, "1800;refresher=uas", true},        // shortened
           {ours, {timer, "Session-Expires: 3600", "Min-SE: 2000"}, 0, "2000;refresher=uas", true},
           {ours, {timer, "Session-Expires: 119"}, 422, "", false},
           {ours, {"Session-Expires: 119"}, 0, "119;refresher=uas", false},  // a 422 would not be understood
           {ours, {"Session-Expires: 5"}, 0, "1800;refresher=uas", false},   // below what RFC 4028 knows
           {off, {timer, "Session-Expires: 3600"}, 0, "3600;refresher=uas", true},
           {off, {timer}, 0, "-", false},
           {off, {}, 0, "-", false},
           {ours, {timer}, 0, "1800;refresher=uas", true},
           {ours, {timer, "Min-SE: 7200"}, 0, "7200;refresher=uas", true},
           {ours, {}, 0, "1800;refresher=uas", false},
           {ours, {timer, "Session-Expires: soon"}, 400, "", false},
           {ours, {timer, "x: 600"}, 0, "600;refresher=uas", true},
       }) {
    SessionTimer session(row.policy);
    const SessionTimer::Answer answer = session.received_request(request(row.fields));
    const std::string where = row.fields.empty() ? "nothing" : row.fields.back();
    EXPECT_EQ(answer.status, row.status) << where;
    EXPECT_FALSE(session.is_running()) << where;
    if (row.status == 422) {
      EXPECT_EQ(answer.min_se_s, 120U);
    }
    if (row.status != 0) continue;
    EXPECT_EQ(answer.session_expires ? write_session_expires(*answer.session_expires) : "-", row.answer)
        << where;
    EXPECT_EQ(answer.require_timer, row.require) << where;
    session.sent_success(answer, 0);
    EXPECT_EQ(session.is_running(), row.answer != "-") << where;
    EXPECT_EQ(session.we_refresh(), row.answer.ends_with("uas")) << where;
  }
}

TEST(SessionTimer, AnswerInTheSuccess) {
  MessageWriter writer = MessageWriter::response(200);
  SessionTimer::write_success(writer, {0, 0, SessionExpires{600, Refresher::uac}, true});
  const std::string text(writer.so_far());
  EXPECT_NE(text.find("Session-Expires: 600;refresher=uac\r\n"), std::string::npos);
  EXPECT_NE(text.find("Require: timer\r\n"), std::string::npos);
}

// RFC 4028 §13, as far as the caller sees it: 422 with 3600, 422 with 4000, then success.
TEST(SessionTimer, TheExampleFlow) {
  SessionTimer session({1000, 90, true});
  EXPECT_EQ(asks(session), "1000|-");
  EXPECT_TRUE(session.received_422(too_small({"Min-SE: 3600"})));
  EXPECT_EQ(asks(session), "3600|3600");
  EXPECT_TRUE(session.received_422(too_small({"Min-SE: 4000"})));
  EXPECT_EQ(asks(session), "4000|4000");
  session.received_success(success({"Require: timer", "Session-Expires: 4000;refresher=uac"}), 10'000);
  EXPECT_EQ(session.dump(), "4000 s, we refresh");
  EXPECT_EQ(session.next_deadline(), 10'000U + 2'000'000U);
  EXPECT_EQ(session.advance(2'009'999), SessionTimer::Step::nothing);
  EXPECT_EQ(session.advance(2'010'000), SessionTimer::Step::refresh);
  EXPECT_EQ(asks(session), "4000;refresher=uac|-");  // what came before the dialog is forgotten
  EXPECT_EQ(session.advance(2'010'001), SessionTimer::Step::nothing);
  session.received_success(success({"Session-Expires: 4000;refresher=uas"}), 2'010'100);
  EXPECT_EQ(session.dump(), "4000 s, they refresh");
  EXPECT_EQ(asks(session), "4000;refresher=uas|-");
}

TEST(SessionTimer, ARefusalWithoutUseIsNotRepeated) {
  SessionTimer session;
  EXPECT_EQ(asks(session), "1800|-");
  EXPECT_FALSE(session.received_422(too_small({})));
  EXPECT_FALSE(session.received_422(too_small({"Min-SE: nonsense"})));
  EXPECT_FALSE(session.received_422(too_small({"Min-SE: 1800"})));  // what was asked for
  for (std::uint32_t minimum = 2000; minimum <= 2003; ++minimum) {
    EXPECT_TRUE(session.received_422(too_small({"Min-SE: " + std::to_string(minimum)})));
    (void)asks(session);
  }
  EXPECT_FALSE(session.received_422(too_small({"Min-SE: 2004"})));  // someone plays with us
}

TEST(SessionTimer, TheOtherSideKnowsNoTimers) {
  SessionTimer session({600, 90, true});
  (void)asks(session);
  session.received_success(success({}), 0);
  EXPECT_EQ(session.dump(), "600 s, we refresh");
  // It is not asked for: off.
  SessionTimer quiet({0, 90, true});
  EXPECT_EQ(asks(quiet), "-|-");
  quiet.received_success(success({}), 0);
  EXPECT_EQ(quiet.dump(), "off");
  EXPECT_EQ(quiet.next_deadline(), std::nullopt);
  EXPECT_EQ(quiet.advance(1'000'000'000), SessionTimer::Step::nothing);
  // It asks although we did not; far too often, which is not done.
  quiet.received_success(success({"Session-Expires: 1;refresher=uac"}), 0);
  EXPECT_EQ(quiet.dump(), "90 s, we refresh");
}

TEST(SessionTimer, ASessionThatNobodyRefreshesExpires) {
  SessionTimer session({1800, 90, false});
  const auto answer = session.received_request(request({"Supported: timer", "Session-Expires: 1800"}));
  session.sent_success(answer, 0);
  EXPECT_FALSE(session.we_refresh());
  // A third of the interval, but no more than 32 s, before its end.
  EXPECT_EQ(session.next_deadline(), 1'768'000U);
  EXPECT_EQ(session.advance(1'767'999), SessionTimer::Step::nothing);
  session.sent_success(answer, 1'000'000);  // a refresh came
  EXPECT_EQ(session.advance(1'768'000), SessionTimer::Step::nothing);
  EXPECT_EQ(session.advance(2'768'000), SessionTimer::Step::expired);
  EXPECT_EQ(session.advance(9'000'000), SessionTimer::Step::nothing);

  SessionTimer brief({90, 90, true});
  brief.sent_success({0, 0, SessionExpires{90, Refresher::uac}, true}, 0);
  EXPECT_EQ(brief.next_deadline(), 60'000U);
}

TEST(SessionTimer, ARefreshThatFailsIsTriedAgainUntilTheEnd) {
  SessionTimer session({180, 90, true});
  (void)asks(session);
  session.received_success(success({"Session-Expires: 180;refresher=uac"}), 0);
  EXPECT_EQ(session.advance(90'000), SessionTimer::Step::refresh);
  session.retry_refresh(92'100);  // a 491
  EXPECT_EQ(session.next_deadline(), 92'100U);
  EXPECT_EQ(session.advance(92'100), SessionTimer::Step::refresh);
  EXPECT_EQ(session.next_deadline(), 148'000U);
  EXPECT_EQ(session.advance(148'000), SessionTimer::Step::expired);
}

TEST(SessionTimer, MinSeOfTheirsIsRemembered) {
  SessionTimer session({600, 90, true});
  const auto answer =
      session.received_request(request({"Supported: timer", "Session-Expires: 1200", "Min-SE: 1000"}));
  session.sent_success(answer, 0);
  EXPECT_EQ(session.interval_s(), 1000U);
  EXPECT_EQ(asks(session), "1000;refresher=uac|1000");
}

}  // namespace
}  // namespace sallyport::sip
