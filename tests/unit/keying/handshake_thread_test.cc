// SPDX-License-Identifier: GPL-3.0-or-later
// Two handshake threads, each other's peers over a path in memory, and control between them.
#include "keying/handshake_thread.h"

#include <mutex>

#include <gtest/gtest.h>
#include <poll.h>

#include "tests/unit/keying/dtls_rig.h"

namespace sallyport::keying::test {
namespace {

const Endpoint kLeft{IpAddress::v4({192, 0, 2, 1}), 30000};
const Endpoint kRight{IpAddress::v4({192, 0, 2, 2}), 40000};

/// What one thread sends the other receives, as datagrams from `own` for the leg whose number is the port's
/// distance.
class MemoryPath final : public MediaPath {
 public:
  explicit MemoryPath(Endpoint own) : own_(own) {}
  void connect(MemoryPath& peer) { peer_ = &peer; }

  std::size_t receive(const std::function<void(const PuntedDatagram&)>& take) override {
    std::deque<Arrived> arrived;
    {
      const std::lock_guard lock(mutex_);
      arrived.swap(arrived_);
    }
    for (const auto& [leg, source, payload] : arrived) take({leg, 0, source, {}, payload});
    return arrived.size();
  }
  void send(const LocalPort& local, const Endpoint& remote, const std::optional<MacAddress>&,
            std::span<const std::uint8_t> payload) override {
    const std::lock_guard lock(peer_->mutex_);
    peer_->arrived_.push_back({LegId{remote.port} - peer_->own_.port,
                               {own_.address, local.port},
                               {payload.begin(), payload.end()}});
  }

 private:
  struct Arrived {
    LegId leg;
    Endpoint source;
    Octets payload;
  };
  const Endpoint own_;
  MemoryPath* peer_ = nullptr;
  std::mutex mutex_;
  std::deque<Arrived> arrived_;
};

LegKeying keying_of(LegId leg, DtlsRole role) {
  const bool left = role == DtlsRole::active;
  const auto distant = [leg](const Endpoint& base) {
    return Endpoint{base.address, static_cast<std::uint16_t>(base.port + leg)};
  };
  LegKeying keying;
  keying.leg = leg;
  keying.local[0].port = distant(left ? kLeft : kRight).port;
  keying.remote[0] = distant(left ? kRight : kLeft);
  keying.identity = left ? ecdsa_identity() : other_identity();
  keying.role = role;
  keying.profiles = all_profiles();
  keying.peer_fingerprints = {(left ? other_identity() : ecdsa_identity())->fingerprints()[0]};
  return keying;
}

/// Waits until the thread has told of so many events; the time is a bound for a thread that hangs.
std::vector<HandshakeEvent> events_of(HandshakeThread& thread, std::size_t count) {
  std::vector<HandshakeEvent> events;
  while (events.size() < count) {
    pollfd bell{thread.event_descriptor(), POLLIN, 0};
    if (poll(&bell, 1, 60'000) != 1) break;
    thread.poll_events([&](HandshakeEvent& event) { events.push_back(std::move(event)); });
  }
  return events;
}

/// Threads live in real time, their retransmissions too.
class HandshakeThreads : public testing::Test {
 protected:
  void SetUp() override { before_ = std::exchange(wall_clock_ms, 0); }
  void TearDown() override { wall_clock_ms = before_; }

 private:
  InstantMs before_ = 0;
};

TEST_F(HandshakeThreads, ManyLegsGetEachOthersKeys) {
  constexpr LegId kLegs = 50;
  MemoryPath left_path(kLeft);
  MemoryPath right_path(kRight);
  left_path.connect(right_path);
  right_path.connect(left_path);
  HandshakeThread right(right_path);
  HandshakeThread left(left_path);
  for (LegId leg = 0; leg < kLegs; ++leg) ASSERT_TRUE(right.order(keying_of(leg, DtlsRole::passive)));
  for (LegId leg = 0; leg < kLegs; ++leg) ASSERT_TRUE(left.order(keying_of(leg, DtlsRole::active)));
  const auto from_left = events_of(left, kLegs);
  const auto from_right = events_of(right, kLegs);
  ASSERT_EQ(from_left.size(), kLegs);
  ASSERT_EQ(from_right.size(), kLegs);
  std::map<LegId, const crypto::Keying*> left_keys;
  for (const auto& event : from_left) {
    const auto& keys = std::get<handshake_event::Keys>(event);
    left_keys[keys.leg] = &keys.keying;
  }
  EXPECT_EQ(left_keys.size(), kLegs);
  for (const auto& event : from_right) {
    const auto& keys = std::get<handshake_event::Keys>(event);
    ASSERT_TRUE(left_keys.contains(keys.leg));
    EXPECT_TRUE(crypto::same_master_key(keys.keying.send, left_keys[keys.leg]->receive));
    EXPECT_TRUE(crypto::same_master_key(keys.keying.receive, left_keys[keys.leg]->send));
  }
  EXPECT_EQ(left.counters()[DtlsOutcome::established], kLegs);
  EXPECT_EQ(right.counters()[DtlsOutcome::established], kLegs);

  // A farewell comes over and is told.
  for (LegId leg = 0; leg < kLegs; ++leg) ASSERT_TRUE(left.order(handshake_order::Remove{leg}));
  const auto ended = events_of(right, kLegs);
  ASSERT_EQ(ended.size(), kLegs);
  for (const auto& event : ended)
    EXPECT_EQ(std::get<handshake_event::Ended>(event).outcome, DtlsOutcome::closed_by_peer);
}

TEST_F(HandshakeThreads, EndsWithOrdersAndEventsUnderWay) {
  MemoryPath path(kLeft);
  MemoryPath nowhere(kRight);
  path.connect(nowhere);
  HandshakeThread thread(path);
  for (LegId leg = 0; leg < 20; ++leg) ASSERT_TRUE(thread.order(keying_of(leg, DtlsRole::active)));
}

}  // namespace
}  // namespace sallyport::keying::test
