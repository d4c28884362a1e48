// SPDX-License-Identifier: GPL-3.0-or-later
// Results of the admin protocol as JSON text. docs/admin-protocol.md lists their fields.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/admin/handshake_domain.h"
#include "control/media/captures.h"
#include "control/media/handshakes.h"
#include "control/media/relay.h"
#include "control/media/relay_manager.h"
#include "control/media/worker_meter.h"
#include "control/subscribers/subscribers.h"

namespace sallyport::control {

class SipService;

/// Of calls, where there is signalling.
struct CallStatus {
  std::uint64_t calls = 0, begun = 0, answered = 0, failed = 0, refused = 0;
};

struct DaemonStatus {
  std::string version;
  std::int64_t process = 0;
  double uptime_s = 0;
  std::uint64_t relays = 0, captures = 0, bans = 0, connections = 0, next_hops = 0, orders_under_way = 0;
  std::string engine;
  std::optional<std::uint64_t> registrations;
  std::optional<CallStatus> calls;
};

[[nodiscard]] std::string to_json(const DaemonStatus& status);
[[nodiscard]] std::string to_json(const RelayAdded& added);
[[nodiscard]] std::string to_json(const RelayInfo& relay);
[[nodiscard]] std::string to_json(const CaptureInfo& capture);
[[nodiscard]] std::string to_json(const RelayEvent& event);
[[nodiscard]] std::string to_json(const Handshakes::Secured& secured);
[[nodiscard]] std::string captures_json(const std::vector<CaptureInfo>& captures);
/// `next` is what to ask for `after` to see the following page; 0: there is none.
[[nodiscard]] std::string relays_json(const std::vector<RelayInfo>& relays, std::uint64_t total,
                                      std::uint64_t next);
[[nodiscard]] std::string ports_json(const MediaPlane& plane);
[[nodiscard]] std::string workers_json(const MediaPlane& plane, const WorkerMeter& meter,
                                       const RelayManager& relays);
[[nodiscard]] std::string stats_json(const MediaPlane& plane, const Limits& limits,
                                     const RelayManager::Totals& totals, const Subscribers* subscribers,
                                     SipService* sip, const HandshakeDomain& handshakes);
[[nodiscard]] std::string config_json(const Config& config);
/// `{"KEY":VALUE}`.
[[nodiscard]] std::string single_json(std::string_view key, std::uint64_t value);
[[nodiscard]] std::string single_json(std::string_view key, std::string_view value);
[[nodiscard]] std::string list_json(std::string_view key, const std::vector<std::string>& values);

}  // namespace sallyport::control
