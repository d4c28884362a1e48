// SPDX-License-Identifier: GPL-3.0-or-later
// What a run of sallyload is to do, as its command line says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/ip_address.h"
#include "base/result.h"
#include "crypto/digest.h"
#include "crypto/suite.h"
#include "sip/hop.h"

namespace sallyport::sallyload {

enum class Task : std::uint8_t { registrations, calls, options };
/// `srtp` has its keys from the descriptions, `dtls` by DTLS-SRTP.
enum class MediaMode : std::uint8_t { none, rtp, srtp, dtls };

/// `user%06d` over a range of numbers.
struct Users {
  std::string before;
  std::string after;
  unsigned digits = 0;  ///< filled with zeros from the left
  std::uint64_t first = 0;
  std::uint64_t count = 1;

  [[nodiscard]] std::string name(std::uint64_t index) const;
  /// The index of the user of this name, if it is one of them.
  [[nodiscard]] std::optional<std::uint64_t> index(std::string_view name) const;
};
/// `FIRST..LAST` or `N`, and a pattern with one `%d` or `%0Nd`.
[[nodiscard]] Result<Users> parse_users(std::string_view range, std::string_view pattern);

struct Settings {
  Task task = Task::registrations;

  // Whom to talk to, and as whom.
  Endpoint server;
  sip::Transport transport = sip::Transport::tls;
  std::string ca;           ///< PEM; empty: the system's
  std::string server_name;  ///< that the server's certificate must carry
  bool resume = false;      ///< TLS sessions
  std::optional<IpAddress> local;
  std::string domain;
  Users users;
  std::string password;
  std::optional<crypto::DigestAlgorithm> algorithm;  ///< nothing: the strongest that is offered
  bool reuse_nonce = false;

  // How much, and how fast.
  double rate = 0;          ///< a second; 0: as fast as `concurrency` allows
  std::uint64_t total = 0;  ///< 0: until `duration_s` is over
  double duration_s = 0;    ///< 0: until `total` is reached
  std::uint64_t concurrency = 100;
  std::uint64_t connections = 0;  ///< kept ones that all users share; 0: one for each user
  bool new_connection = false;    ///< for each registration
  unsigned handshake_threads = 1;
  std::uint32_t timeout_ms = 32000;
  double give_up_s = 10;  ///< without any success

  // Registrations.
  std::uint32_t expires_s = 3600;
  bool unregister = false;

  // Calls.
  double hold_s = 0;
  MediaMode media = MediaMode::none;
  std::optional<crypto::SuiteId> suite = crypto::SuiteId::aes_cm_128_hmac_sha1_80;  ///< nothing: RTP/AVP
  bool ice = false;  ///< before DTLS-SRTP's handshakes
  unsigned packets_per_second = 50;
  std::size_t payload = 160;
  std::uint16_t first_media_port = 40000;
  std::uint16_t last_media_port = 59998;

  std::string json;  ///< where the results go; empty: nowhere, `-`: standard output
};

}  // namespace sallyport::sallyload
