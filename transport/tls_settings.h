// SPDX-License-Identifier: GPL-3.0-or-later
// What the configuration says about TLS and listeners.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ip_address.h"
#include "sip/hop.h"
#include "transport/tls_certificate.h"

namespace sallyport::transport {

enum class ClientCertificates : std::uint8_t {
  none,     ///< not asked for
  request,  ///< asked for; one that comes must be good
  require,  ///< without a good one there is no connection
};

enum class TlsVersion : std::uint8_t { tls1_2, tls1_3 };

struct TlsSettings {
  std::vector<CertificateFiles> certificates;
  std::string ca;  ///< PEM: whom peers' certificates must lead to; empty: the system's list, for servers only
  std::string crl;  ///< PEM: revocation lists; with it, a peer's issuer must have a current one
  TlsVersion min_version = TlsVersion::tls1_2;
  /// TLS 1.2: forward secrecy and authenticated encryption, nothing else.
  std::string ciphers =
      "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
      "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
  std::string suites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
  std::string groups = "X25519:P-256:P-384";
  /// What peers know us by: every TLS listener should have a certificate for each.
  std::vector<std::string> domains;
  /// Our own connections resume the last session with their server: not where its certificate is to be judged
  /// anew for each.
  bool resume = false;
};

/// Who may make a WebSocket of a connection (RFC 6455 §4.2, RFC 7118), and how it is kept.
struct WebSocketRules {
  std::vector<std::string>
      origins;                ///< of the pages that may, as browsers write them: `https://phone.example.com`
  bool any_origin = false;    ///< every page may
  bool no_origin = false;     ///< who is no browser and names none may
  std::string path;           ///< of the request; empty: any
  std::uint32_t ping_s = 30;  ///< seconds of silence after which the peer is asked for a sign of life
};

struct ListenerSettings {
  std::string name;
  sip::Transport transport = sip::Transport::tls;
  Endpoint address;
  std::vector<std::string>
      certificates;  ///< TLS: by name; the first is shown to those who ask for none that we know
  ClientCertificates client_certificates = ClientCertificates::none;
  WebSocketRules websocket;
};

}  // namespace sallyport::transport
