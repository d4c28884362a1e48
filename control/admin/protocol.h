// SPDX-License-Identifier: GPL-3.0-or-later
// The admin protocol, version 1: request lines become typed requests, results become reply lines.
// docs/admin-protocol.md describes it for clients.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/ip_address.h"
#include "base/log.h"
#include "base/result.h"
#include "control/admin/sip_requests.h"
#include "control/admin/subscriber_requests.h"
#include "control/media/relay_spec.h"

namespace sallyport::control {

inline constexpr unsigned kProtocolVersion = 1;
inline constexpr std::uint64_t kMaxListCount = 1000;  ///< relays of one page

namespace request {
struct Status {};
struct RelayAdd {
  RelaySpec spec;
};
struct RelayList {
  std::uint64_t after = 0;  ///< relays with a higher id
  std::uint64_t count = 100;
};
struct RelayShow {
  std::uint64_t relay = 0;
};
struct RelaySet {
  std::uint64_t relay = 0;
  RelaySpec spec;
};
struct RelayDrop {
  std::optional<std::uint64_t> relay;  ///< nothing: all
};
struct PortList {};
struct WorkerList {};
struct Stats {};
struct CaptureStart {
  std::uint64_t relay = 0;
  Leg leg = Leg::a;
  bool opened = false;  ///< after decryption instead of as received
  std::string file;     ///< a name within the capture directory; empty: made from relay and leg
  std::optional<std::uint64_t> max_bytes;
};
struct CaptureStop {
  std::uint64_t capture = 0;
};
struct CaptureList {};
struct LogLevel {
  std::optional<log::Level> level;  ///< nothing: only tell
};
struct ConfigShow {};
struct Ban {
  IpAddress source;
};
struct Unban {
  IpAddress source;
};
struct BanList {};
struct Subscribe {};
struct Shutdown {};
}  // namespace request

using RequestBody =
    std::variant<request::Status, request::RelayAdd, request::RelayList, request::RelayShow,
                 request::RelaySet, request::RelayDrop, request::PortList, request::WorkerList,
                 request::Stats, request::CaptureStart, request::CaptureStop, request::CaptureList,
                 request::LogLevel, request::ConfigShow, request::Ban, request::Unban, request::BanList,
                 request::Subscribe, request::TraceFollow, request::Shutdown, SubscriberRequest, CallRequest,
                 TrunkRequest, CertificateRequest, ConfigRequest>;

struct Request {
  std::uint64_t id = 0;
  RequestBody body;
};

/// Why a request is not done, with the field to blame: `params.a.receive_key`, or empty.
struct Refusal {
  Error error;
  std::string key;
};

/// One of the two is called, once, now or later; `json` is a JSON value.
struct AdminReply {
  std::function<void(std::string json)> result;
  std::function<void(const Refusal&)> refuse;
};

/// A refusal of a line, with the request's id if it could be read.
struct RequestError {
  std::optional<std::uint64_t> id;
  Refusal refusal;
};

/// Parses one line without its newline. All memory that held parts of it is wiped, but for the line itself,
/// which is the caller's to wipe.
[[nodiscard]] tl::expected<Request, RequestError> parse_request(std::string_view line);

/// The protocol's word for a class: `refused`.
[[nodiscard]] std::string_view name(ErrorClass error_class);

/// Lines end with a newline. `json` is a JSON value.
[[nodiscard]] std::string result_line(std::uint64_t id, std::string_view json);
[[nodiscard]] std::string error_line(std::optional<std::uint64_t> id, const Refusal& refusal);
[[nodiscard]] std::string event_line(std::string_view event, std::string_view json);

}  // namespace sallyport::control
