// SPDX-License-Identifier: GPL-3.0-or-later
// Lost, doubled and late messages at every place of every exchange, over UDP and TCP, and many at once.
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/sip/transaction_rig.h"

namespace sallyport::sip {
namespace {

struct Exchange {
  const char* name;
  Method method;
  Behaviour behaviour;
  std::uint32_t give_up_ms;
  unsigned outcome;  ///< the final response of an undisturbed run
};

// A caller gives up on INVITEs after a while: nothing else ends one whose final response is lost on a stream.
const std::vector<Exchange> kExchanges = {
    {"INVITE accepted at once", Method::invite, {}, 60000, 200},
    {"INVITE rings and is accepted", Method::invite, {180, 300, 200, 3000}, 60000, 200},
    {"INVITE refused at once", Method::invite, {0, 0, 486, 0}, 60000, 486},
    {"INVITE rings and is refused", Method::invite, {180, 200, 603, 2500}, 60000, 603},
    {"INVITE cancelled while it rings", Method::invite, {180, 200, 200, 40000}, 2000, 487},
    {"INVITE cancelled before anything", Method::invite, {180, 5000, 200, 40000}, 1, 487},
    {"OPTIONS answered at once", Method::options, {}, 0, 200},
    {"OPTIONS refused late", Method::options, {0, 0, 404, 6000}, 0, 404},
    {"BYE with a 100 between", Method::bye, {100, 200, 200, 7000}, 0, 200},
};

void start(Rig& rig, const Exchange& exchange) {
  rig.callee.behaviour = exchange.behaviour;
  if (exchange.method == Method::invite) {
    rig.caller.give_up_ms = exchange.give_up_ms;
    (void)rig.caller.invite(rig.now);
  } else {
    (void)rig.caller.request(exchange.method, rig.now);
  }
}

/// What holds whatever the network did.
void expect_all_over(const Rig& rig_of, const std::string& where) {
  auto& rig = const_cast<Rig&>(rig_of);
  for (End* end : {&rig.caller, &rig.callee}) {
    EXPECT_EQ(end->layer().clients(), 0U) << where;
    EXPECT_EQ(end->layer().servers(), 0U) << where;
    EXPECT_EQ(end->layer().next_deadline(), std::nullopt) << where;
  }
  EXPECT_EQ(rig.caller.errors + rig.callee.errors, 0) << where;
}

/// One outcome: a final response, of which a 2xx to INVITE may come again, or a timeout.
void expect_one_outcome(const Rig& rig, const Exchange& exchange, const std::string& where) {
  const bool may_repeat =
      exchange.method == Method::invite && !rig.caller.finals.empty() && rig.caller.finals.front() == 200;
  if (rig.caller.timeouts == 0 && may_repeat) {
    for (const unsigned status : rig.caller.finals) EXPECT_EQ(status, 200U) << where;
    return;
  }
  EXPECT_EQ(rig.caller.finals.size() + static_cast<std::size_t>(rig.caller.timeouts), 1U) << where;
}

std::size_t undisturbed_length(const Exchange& exchange, Transport transport) {
  Rig rig(transport);
  start(rig, exchange);
  rig.run();
  EXPECT_EQ(rig.caller.finals, std::vector<unsigned>{exchange.outcome}) << exchange.name;
  EXPECT_EQ(rig.callee.requests, 1) << exchange.name;
  EXPECT_EQ(rig.caller.timeouts, 0) << exchange.name;
  EXPECT_EQ(rig.callee.no_acks + rig.callee.never_acknowledged, 0) << exchange.name;
  expect_all_over(rig, exchange.name);
  return rig.network.log.size();
}

TEST(TransactionFaults, UndisturbedExchangesSendNoMoreThanTheyMust) {
  struct Row {
    std::size_t exchange;
    std::vector<std::string> log;
  };
  const std::string invite = "INVITE sip:bob@biloxi.example.com SIP/2.0";
  const std::string cancel = "CANCEL sip:bob@biloxi.example.com SIP/2.0";
  const std::string ack = "ACK sip:bob@biloxi.example.com SIP/2.0";
  const std::string ack_of_success = "ACK sip:bob@192.0.2.2 SIP/2.0";
  for (const Row& row : {
           Row{0, {invite, "SIP/2.0 200 OK", ack_of_success}},
           Row{1, {invite, "SIP/2.0 100 Trying", "SIP/2.0 180 Ringing", "SIP/2.0 200 OK", ack_of_success}},
           Row{2, {invite, "SIP/2.0 486 Busy Here", ack}},
           Row{4,
               {invite, "SIP/2.0 100 Trying", "SIP/2.0 180 Ringing", cancel, "SIP/2.0 200 OK",
                "SIP/2.0 487 Request Terminated", ack}},
           Row{6, {"OPTIONS sip:bob@biloxi.example.com SIP/2.0", "SIP/2.0 200 OK"}},
       })
    for (const Transport transport : {Transport::udp, Transport::tcp}) {
      Rig rig(transport);
      start(rig, kExchanges[row.exchange]);
      rig.run();
      EXPECT_EQ(rig.network.log, row.log) << kExchanges[row.exchange].name;
    }
}

// One message at a time is lost, doubled or held up, each in its turn, those included that are only sent
// because of it.
TEST(TransactionFaults, OneFaultAtEveryPlaceOverUdp) {
  for (const Exchange& exchange : kExchanges) {
    const std::size_t length = undisturbed_length(exchange, Transport::udp);
    for (const Fault& fault :
         {kLost, Fault{10, 10}, Fault{10, 600}, Fault{10, 4000}, Fault{300}, Fault{900}, Fault{4500}})
      for (std::size_t place = 0; place < length + 2; ++place) {
        Rig rig(Transport::udp);
        rig.network.faults = [&](std::size_t number) { return number == place ? fault : kDelivered; };
        start(rig, exchange);
        rig.run();
        const std::string where = std::string(exchange.name) + ", message " + std::to_string(place) + ", " +
                                  (fault.empty() ? "lost" : std::to_string(fault.back()) + " ms late") +
                                  (fault.size() > 1 ? ", twice" : "");
        expect_all_over(rig, where);
        expect_one_outcome(rig, exchange, where);
        ASSERT_FALSE(rig.caller.finals.empty()) << where;
        EXPECT_EQ(rig.caller.finals.front(), exchange.outcome) << where;
        EXPECT_EQ(rig.callee.requests, 1) << where;
        EXPECT_EQ(rig.callee.no_acks + rig.callee.never_acknowledged, 0) << where;
      }
  }
}

TEST(TransactionFaults, TwoLossesAtEveryPairOfPlacesOverUdp) {
  for (const Exchange& exchange : kExchanges) {
    const std::size_t length = undisturbed_length(exchange, Transport::udp);
    for (std::size_t first = 0; first < length + 3; ++first)
      for (std::size_t second = first + 1; second < length + 3; ++second) {
        Rig rig(Transport::udp);
        rig.network.faults = [&](std::size_t n) { return n == first || n == second ? kLost : kDelivered; };
        start(rig, exchange);
        rig.run();
        const std::string where =
            std::string(exchange.name) + ", lost " + std::to_string(first) + " and " + std::to_string(second);
        expect_all_over(rig, where);
        expect_one_outcome(rig, exchange, where);
        ASSERT_FALSE(rig.caller.finals.empty()) << where;
        EXPECT_EQ(rig.caller.finals.front(), exchange.outcome) << where;
        EXPECT_EQ(rig.callee.requests, 1) << where;
      }
  }
}

// A stream loses nothing by itself, but a proxy behind it may crash. Nothing is repeated then, and everything
// ends.
TEST(TransactionFaults, OneFaultAtEveryPlaceOverTcp) {
  for (const Exchange& exchange : kExchanges) {
    const std::size_t length = undisturbed_length(exchange, Transport::tcp);
    for (const Fault& fault : {kLost, Fault{10, 10}, Fault{900}})
      for (std::size_t place = 0; place < length + 2; ++place) {
        Rig rig(Transport::tcp);
        rig.network.faults = [&](std::size_t number) { return number == place ? fault : kDelivered; };
        start(rig, exchange);
        rig.run();
        const std::string where = std::string(exchange.name) + ", message " + std::to_string(place) + ", " +
                                  std::to_string(fault.size()) + " copies";
        expect_all_over(rig, where);
        expect_one_outcome(rig, exchange, where);
        EXPECT_EQ(rig.caller.layer().counters().retransmissions, 0U) << where;
        EXPECT_EQ(rig.callee.layer().counters().retransmissions, 0U) << where;
      }
  }
}

TEST(TransactionFaults, ManyFaultsAtRandom) {
  std::mt19937 source(3261);
  const auto random = [&] { return static_cast<std::uint32_t>(source()); };
  for (int run = 0; run < 3000; ++run) {
    const Exchange& exchange = kExchanges[static_cast<std::size_t>(run) % kExchanges.size()];
    const unsigned percent = 5 + random() % 90;
    Rig rig(run % 2 == 0 ? Transport::udp : Transport::tcp);
    rig.network.faults = [&](std::size_t) {
      Fault fault;
      if (random() % 100 >= percent) fault.push_back(random() % 100);
      while (random() % 100 < percent / 3) fault.push_back(random() % 3000);
      return fault;
    };
    start(rig, exchange);
    rig.run();
    const std::string where = std::string(exchange.name) + ", run " + std::to_string(run);
    expect_all_over(rig, where);
    expect_one_outcome(rig, exchange, where);
  }
}

TEST(TransactionFaults, NobodyThere) {
  for (const Transport transport : {Transport::udp, Transport::tcp}) {
    Rig rig(transport);
    rig.network.faults = [](std::size_t) { return kLost; };
    (void)rig.caller.invite(rig.now);
    rig.run();
    EXPECT_EQ(rig.now, 1000U + 32000U);
    EXPECT_EQ(rig.caller.timeouts, 1);
    // RFC 3261 §17.1.1.2: seven requests in 64*T1, one over a stream.
    EXPECT_EQ(rig.network.log.size(), transport == Transport::udp ? 7U : 1U);
    expect_all_over(rig, "INVITE");
    (void)rig.caller.request(Method::options, rig.now);
    rig.run();
    EXPECT_EQ(rig.caller.timeouts, 2);
    // 500 ms, 1 s, 2 s, 4 s, 4 s …: eleven.
    EXPECT_EQ(rig.network.log.size(), transport == Transport::udp ? 7U + 11U : 2U);
    expect_all_over(rig, "OPTIONS");
  }
}

}  // namespace
}  // namespace sallyport::sip
