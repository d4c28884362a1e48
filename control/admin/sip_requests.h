// SPDX-License-Identifier: GPL-3.0-or-later
// What the admin protocol can ask about calls, trunks, certificates and the configuration.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "control/media/relay_spec.h"

namespace sallyport::control {

class JsonFields;

namespace request {
struct CallList {
  std::uint64_t after = 0;  ///< calls with a higher id
  std::uint64_t count = 100;
};
struct CallShow {
  std::uint64_t call = 0;
};
struct CallDrop {
  std::optional<std::uint64_t> call;  ///< nothing: all
  std::string reason;                 ///< told to both ends; empty: a standard one
};
/// Of ZRTP's short authentication string.
struct CallVerify {
  std::uint64_t call = 0;
  Leg leg = Leg::a;
  bool equal = true;  ///< people have compared it, and it was
};
struct TraceList {
  std::uint64_t after = 0;
  std::uint64_t count = 100;
};
struct TraceShow {
  std::uint64_t call = 0;
};
struct TraceFollow {
  std::optional<std::uint64_t> call;  ///< nothing: all
};
struct TrunkList {};
struct TrunkShow {
  std::string trunk;
};
struct TrunkEnable {
  std::string trunk;
  bool enabled = true;
};
struct CertificateList {};
struct CertificateCheck {};
struct CertificateReload {};
struct ConfigCheck {
  std::string file;  ///< empty: the daemon's own
};
struct ConfigDiff {};
struct ConfigReload {};
}  // namespace request

using CallRequest = std::variant<request::CallList, request::CallShow, request::CallDrop, request::CallVerify,
                                 request::TraceList, request::TraceShow>;
using TrunkRequest = std::variant<request::TrunkList, request::TrunkShow, request::TrunkEnable>;
using CertificateRequest =
    std::variant<request::CertificateList, request::CertificateCheck, request::CertificateReload>;
using ConfigRequest = std::variant<request::ConfigCheck, request::ConfigDiff, request::ConfigReload>;

/// Readers of `params`; what is wrong is left in the fields' refusal.
[[nodiscard]] CallRequest read_call_list(JsonFields& params);
[[nodiscard]] CallRequest read_call_show(JsonFields& params);
[[nodiscard]] CallRequest read_call_drop(JsonFields& params);
[[nodiscard]] CallRequest read_call_verify(JsonFields& params);
[[nodiscard]] CallRequest read_trace_list(JsonFields& params);
[[nodiscard]] CallRequest read_trace_show(JsonFields& params);
[[nodiscard]] request::TraceFollow read_trace_follow(JsonFields& params);
[[nodiscard]] TrunkRequest read_trunk_show(JsonFields& params);
[[nodiscard]] TrunkRequest read_trunk_enable(JsonFields& params);
[[nodiscard]] TrunkRequest read_trunk_disable(JsonFields& params);
[[nodiscard]] ConfigRequest read_config_check(JsonFields& params);

}  // namespace sallyport::control
