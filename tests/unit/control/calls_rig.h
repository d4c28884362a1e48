// SPDX-License-Identifier: GPL-3.0-or-later
// A configuration with trunks and routes, a name server, and a sender whose answers the test gives.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "control/calls/trunks.h"
#include "control/config/config.h"
#include "tests/unit/transport/dns_rig.h"

namespace sallyport::control {

/// Two sides; TLS for phones and for trunks, UDP for old trunks.
inline constexpr std::string_view kSidesAndListeners = R"([media.side.access]
device = "eth0"
addresses = ["192.0.2.1"]
[media.side.core]
device = "eth1"
addresses = ["198.51.100.1"]
[media.side.old]
device = "eth2"
addresses = ["203.0.113.1"]
[store]
path = "/var/lib/sallyport/state.db"
[registrar]
domains = ["example.com", "example.org"]
[sip]
domains = ["example.com", "example.org", "sbc.example.com"]
[sip.certificate.ours]
certificate = "/etc/sallyport/ours.pem"
key = "/etc/sallyport/ours.key"
[sip.tls]
ca = "/etc/sallyport/ca.pem"
[sip.listener.phones]
side = "access"
address = "192.0.2.1:5061"
certificates = ["ours"]
[sip.listener.peers]
side = "core"
address = "198.51.100.1:5061"
certificates = ["ours"]
client_certificates = "request"
[sip.listener.old]
side = "old"
transport = "udp"
address = "203.0.113.1:5060"
allow_plain = true
)";

/// Fails the test and gives an empty configuration if the text is wrong.
[[nodiscard]] Config config_of(std::string_view text);
/// What is wrong with it, one line each.
[[nodiscard]] std::string errors_of(std::string_view text);

/// What was to be sent, and how to answer it.
class SenderRig : public OutOfDialogSender {
 public:
  struct Sent {
    std::string trunk;
    std::string remote;
    std::string uri;
    Done done;
  };
  void send_options(Trunk& trunk, const transport::Target& target, const std::string& uri,
                    Done done) override {
    sent.push_back({trunk.config().name, target.remote.to_string(), uri, std::move(done)});
  }
  std::vector<Sent> sent;
};

/// Trunks of a configuration; the clock stands until it is moved.
struct TrunksRig : transport::DnsRig {
  explicit TrunksRig(std::string_view text);

  /// Moves the clock and lets name service settle until `count` requests have been sent.
  [[nodiscard]] bool advance(std::int64_t ms, std::size_t count);
  /// Names in the order in which they would be tried.
  [[nodiscard]] std::string order(std::string_view group);
  Trunk& trunk(std::string_view name) { return *trunks.find(name); }

  Config config;
  Limits limits;
  transport::ServerLocator locator;
  SenderRig sender;
  std::uint32_t drawn = 0;  ///< what the next draws are, modulo their bound
  std::int64_t now_ms = 1000000;
  Trunks trunks;
};

}  // namespace sallyport::control
