// SPDX-License-Identifier: GPL-3.0-or-later
// HandshakeThread: the thread beside the workers that runs a HandshakeTable. Orders come from control and
// datagrams from the workers; keys go to control and datagrams to the workers. Nobody waits for it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <variant>

#include "base/descriptor.h"
#include "base/ring.h"
#include "keying/handshake_table.h"

namespace sallyport::keying {

namespace handshake_order {

struct Settle {
  LegId leg;
};
struct Remove {
  LegId leg;
};
/// Of ZRTP's short authentication string.
struct Verify {
  LegId leg;
  bool equal;
};

}  // namespace handshake_order

using HandshakeOrder = std::variant<LegKeying, LegAnswer, handshake_order::Settle, handshake_order::Remove,
                                    handshake_order::Verify>;

class HandshakeThread final : private HandshakeEvents {
 public:
  static constexpr std::size_t kOrderRingSize = 16384;
  static constexpr std::size_t kEventRingSize = 16384;
  /// Workers cannot wake anybody, so what they pass on is looked for this often while there are legs, and
  /// oftener while handshakes are under way, each flight of which waits for it.
  static constexpr std::chrono::microseconds kPoll{1000}, kPollInHandshakes{200};

  /// Starts the thread, which uses `path` until it ends. Throws std::system_error or std::runtime_error.
  explicit HandshakeThread(MediaPath& path, const HandshakeLimits& limits = {});
  /// Ends it. What it knew is forgotten without a farewell.
  ~HandshakeThread();
  HandshakeThread(const HandshakeThread&) = delete;
  HandshakeThread& operator=(const HandshakeThread&) = delete;

  // Called by the control thread.
  /// False: kOrderRingSize orders wait; try again.
  [[nodiscard]] bool order(HandshakeOrder order);
  [[nodiscard]] bool has_room() const { return orders_.write_available() > 0; }
  /// Hands over what has happened, in its order; returns how much.
  std::size_t poll_events(const std::function<void(HandshakeEvent&)>& take);
  /// Readable when something has happened since it was last polled.
  [[nodiscard]] int event_descriptor() const { return event_bell_.get(); }
  [[nodiscard]] const HandshakeCounters& counters() const { return counters_; }

 private:
  void run();
  std::size_t take_orders(InstantMs now);
  void obey(HandshakeOrder& order, InstantMs now);
  void happened(HandshakeEvent event) override;
  void deliver_events();
  void wait(InstantMs now);

  MediaPath& path_;
  HandshakeCounters counters_;
  HandshakeTable table_;
  // Rings carry owning pointers: what they point to holds keys and cannot be copied.
  Ring<HandshakeOrder*> orders_{kOrderRingSize};
  Ring<HandshakeEvent*> events_{kEventRingSize};
  /// What the ring has no room for; bounded by the legs, of which each has few events to tell.
  std::deque<std::unique_ptr<HandshakeEvent>> waiting_;
  Descriptor order_bell_;
  Descriptor event_bell_;
  std::atomic<bool> stopping_{false};
  std::jthread thread_;
};

}  // namespace sallyport::keying
