// SPDX-License-Identifier: GPL-3.0-or-later
// RelayManager: sets relays up, changes and ends them. Whatever it lends to a worker it frees on the receipt
// only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "control/config/config.h"
#include "control/media/media_plane.h"
#include "control/media/media_ports.h"
#include "control/media/next_hops.h"
#include "control/media/relay.h"

namespace sallyport::control {

/// By leg.
using LegPorts = std::array<PortLease, kLegs>;

/// The local addresses that a peer must be told.
struct RelayAdded {
  std::uint64_t id = 0;
  std::uint8_t worker = 0;
  std::array<Endpoint, kLegs> rtp;
  std::array<Endpoint, kLegs> rtcp;
};

/// What became of a relay without anyone asking.
struct RelayEvent {
  enum class Kind : std::uint8_t {
    media_timeout,
    media_resumed,
    latched,
    unreachable,
    changed,
    ended,
    verified,  ///< the first media under keys of a handshake
  };
  Kind kind = Kind::media_timeout;
  std::uint64_t relay = 0;
  Leg leg = Leg::a;                 ///< of latched, unreachable and verified
  Endpoint endpoint;                ///< of latched and unreachable
  std::uint64_t handshake_leg = 0;  ///< of verified
};
[[nodiscard]] std::string_view name(RelayEvent::Kind kind);

/// Called by the control thread alone. Answers come by callback when the worker's receipt is there.
class RelayManager {
 public:
  template <typename T>
  using Answer = std::function<void(tl::expected<T, SpecError>)>;

  struct Totals {
    std::uint64_t added = 0, refused = 0, dropped = 0, changed = 0, media_timeouts = 0, link_failures = 0;
  };

  /// All arguments outlive the object.
  RelayManager(const Config& config, Limits& limits, MediaPlane& plane, NextHopTable& next_hops,
               MediaPorts& ports);
  ~RelayManager();

  /// The relay's ports may have been leased before, for both legs or none. Gives the relay's id, which can be
  /// dropped at once; 0 if it was refused.
  std::uint64_t add(RelaySpec spec, Answer<RelayAdded> done, LegPorts leases = {});
  /// New parameters for both legs; sides and local ports stay, but that a leg may join a bundle and give its
  /// own ports back. A stream whose key stays, in its place and with the same suite, goes on: rollover
  /// counter, replay window and statistics. Any other key that the relay has or had is refused: under it a
  /// stream would start over and use keystream twice.
  void set(std::uint64_t id, RelaySpec spec, Answer<RelayAdded> done);
  /// Why set() would be refused now; nothing if it would not.
  [[nodiscard]] std::optional<SpecError> check_set(std::uint64_t id, const RelaySpec& spec);
  /// From whom media is expected (LegSpec::expects_media), without an order to the worker.
  void expect_media(std::uint64_t id, std::array<bool, kLegs> legs);
  void drop(std::uint64_t id, Answer<std::uint64_t> done);
  /// Answers with how many were dropped, when the last receipt is there.
  void drop_all(std::function<void(std::uint64_t)> done);
  /// Copies of what a leg receives, as it came or as opened; both false ends it.
  void capture(std::uint64_t id, Leg leg, bool received, bool opened, Answer<std::uint64_t> done);

  [[nodiscard]] bool has(std::uint64_t id) const;
  /// Whose relay it is, and which ports it holds; of one that exists.
  [[nodiscard]] std::uint8_t worker_of(std::uint64_t id) const { return relays_.at(id)->worker; }
  [[nodiscard]] const PortLease& ports_of(std::uint64_t id, Leg leg) const {
    return relays_.at(id)->legs[index(leg)].ports;
  }
  /// Whether the leg is one medium of a transport that may carry more.
  [[nodiscard]] bool is_bundled(std::uint64_t id, Leg leg) const {
    return relays_.at(id)->legs[index(leg)].bundled;
  }
  [[nodiscard]] std::optional<RelayInfo> show(std::uint64_t id) const;
  /// Up to `count` relays with ids above `after`, in their order.
  [[nodiscard]] std::vector<RelayInfo> list(std::uint64_t after, std::size_t count) const;
  [[nodiscard]] std::size_t size() const { return relays_.size(); }
  [[nodiscard]] std::size_t operations_under_way() const { return operations_.size(); }
  [[nodiscard]] Limits& limits() { return limits_; }
  [[nodiscard]] const Totals& totals() const { return totals_; }
  [[nodiscard]] std::size_t relays_on(std::size_t worker) const { return worker_relays_[worker]; }

  void on_receipt(const dataplane::Command& receipt);
  void on_event(const dataplane::Event& event);
  /// Looks at up to `count` relays, round robin: has media stopped, do routes lead elsewhere now?
  void scan(std::size_t count);
  /// The kernel's routes changed: every target is looked up anew in the course of the next scans.
  void routes_changed();
  void set_observer(std::function<void(const RelayEvent&)> observer) { observer_ = std::move(observer); }

 private:
  struct Operation;
  struct Streams;
  using RelayTable = std::map<std::uint64_t, std::unique_ptr<Relay>>;

  [[nodiscard]] std::optional<SpecError> place(const RelaySpec& spec, Relay& relay, LegPorts leases);
  [[nodiscard]] std::optional<SpecError> place_leased(const RelaySpec& spec, Leg leg, Relay& relay,
                                                      PortLease lease);
  [[nodiscard]] std::optional<SpecError> check_ports(const LegSpec& wanted, const RelayLeg& leg,
                                                     const std::string& prefix) const;
  // Legs that share a transport (relay_bundle.cc).
  [[nodiscard]] std::optional<SpecError> check_joining(const LegSpec& wanted, Leg leg, std::uint64_t relay);
  [[nodiscard]] std::optional<SpecError> check_bundle_change(const LegSpec& wanted, const Relay& relay,
                                                             Leg leg);
  [[nodiscard]] tl::expected<std::uint8_t, SpecError> choose_worker(const RelaySpec& spec);
  [[nodiscard]] const Relay* carrier_of(const RelayLeg& leg) const;
  void enlist(const Relay& relay);
  void strike(const Relay& relay);
  void mark_received(Relay& relay, Leg leg);
  [[nodiscard]] bool media_came(const Relay& relay, Leg leg) const;
  [[nodiscard]] std::uint64_t last_packet(const Relay& relay) const;

  [[nodiscard]] std::optional<SpecError> check_change(const RelaySpec& spec, const Relay& relay);
  [[nodiscard]] std::optional<SpecError> make_streams(const RelaySpec& spec, Leg leg, Relay& relay,
                                                      const Relay* predecessor, Streams& streams);
  /// `predecessor`: the relay as it is, when `relay` is what becomes of it.
  [[nodiscard]] std::optional<SpecError> make_flows(const RelaySpec& spec, Relay& relay,
                                                    const Relay* predecessor = nullptr);
  void describe_leg(const LegSpec& spec, RelayLeg& leg) const;
  [[nodiscard]] dataplane::FlowConfig flow_config(const RelaySpec& spec, Relay& relay, Leg from,
                                                  const Relay* predecessor);
  [[nodiscard]] NextHopLease find_hop(const Relay& relay, Leg leg, const Endpoint& target);
  [[nodiscard]] RelayAdded added(const Relay& relay) const;
  [[nodiscard]] Endpoint local(const RelayLeg& leg, dataplane::Component component) const;
  [[nodiscard]] RelayInfo describe(const Relay& relay) const;
  [[nodiscard]] LegInfo describe_leg(const Relay& relay, Leg leg) const;
  [[nodiscard]] std::uint8_t least_loaded_worker() const;
  [[nodiscard]] Relay* find(std::uint64_t id);
  [[nodiscard]] Relay* find_by_flow(std::uint64_t flow_id);

  void submit(dataplane::Command order, const Relay& relay, std::unique_ptr<Operation> operation);
  void finish_link(Operation& operation, dataplane::CommandResult result);
  void finish_replace(Operation& operation, dataplane::CommandResult result);
  void finish_unlink(Operation& operation);
  void start_drop(Relay& relay, Answer<std::uint64_t> done);
  void retarget(Relay& relay, Leg leg, dataplane::Component component, NextHopLease hop);
  void check_media(Relay& relay, std::uint64_t now);
  void check_handshakes(Relay& relay);
  void check_routes(Relay& relay);
  void forget(std::uint64_t id);
  void tell(RelayEvent::Kind kind, std::uint64_t relay, Leg leg = Leg::a, Endpoint endpoint = {});

  const Config& config_;
  Limits& limits_;
  MediaPlane& plane_;
  NextHopTable& next_hops_;
  MediaPorts& ports_;
  RelayTable relays_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Operation>> operations_;  ///< by cookie
  std::vector<std::size_t> worker_relays_;
  std::function<void(const RelayEvent&)> observer_;
  Totals totals_;
  std::uint64_t last_id_ = 0;
  std::uint64_t last_cookie_ = 0;
  std::uint64_t scan_position_ = 0;
  std::size_t route_checks_left_ = 0;
};

}  // namespace sallyport::control
