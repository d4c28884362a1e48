// SPDX-License-Identifier: GPL-3.0-or-later
// TlsContexts: certificates, trust and rules for handshakes; built whole, never changed, replaced on a
// reload.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "transport/counters.h"
#include "transport/tls_settings.h"
#include "transport/tls_tickets.h"

namespace sallyport::transport {

/// Any thread. A connection keeps what it needs of the contexts it began with: a reload drops none.
class TlsContexts {
 public:
  /// Reads all files. `keys` and `counters` outlive every connection.
  [[nodiscard]] static Result<std::shared_ptr<const TlsContexts>> load(
      const TlsSettings& settings, std::span<const ListenerSettings> listeners, TicketKeys& keys,
      Counters& counters);

  /// A server's side of a handshake on the listener of this name; null if there is none.
  [[nodiscard]] TlsHandle<ssl_st> accept(const std::string& listener) const;
  /// A client's side towards `server_name`, which the server's certificate must carry. `certificate` names
  /// ours; empty: the first. Null: no such certificate, or no memory.
  [[nodiscard]] TlsHandle<ssl_st> connect(const std::string& name, const std::string& certificate) const;

  [[nodiscard]] std::vector<CertificateFacts> certificates() const;
  /// What is wrong, or will be within the warning time, of certificates, revocation lists and domains.
  [[nodiscard]] std::vector<CertificateWarning> warnings(std::int64_t now) const;

 private:
  struct Listener {
    std::string name;
    ClientCertificates client_certificates = ClientCertificates::none;
    std::vector<const Certificate*> certificates;
    std::vector<TlsHandle<ssl_ctx_st>> contexts;              ///< the first is the default
    std::map<std::string, ssl_ctx_st*, std::less<>> by_name;  ///< lower case
    Counters* counters = nullptr;
  };
  struct RevocationList {
    std::string issuer;
    std::int64_t next_update = 0;
  };
  using SessionScope = std::array<unsigned char, 32>;

  TlsContexts() = default;
  [[nodiscard]] Result<void> load_trust();
  [[nodiscard]] Result<void> load_revocation();
  [[nodiscard]] Result<void> add_listener(const ListenerSettings& listener, TicketKeys& keys,
                                          Counters& counters);
  [[nodiscard]] Result<void> add_client(const Certificate* certificate);
  [[nodiscard]] Result<TlsHandle<ssl_ctx_st>> make_context(bool server, ClientCertificates mode) const;
  [[nodiscard]] SessionScope session_scope(ClientCertificates mode) const;
  [[nodiscard]] const Certificate* find(const std::string& name) const;
  static int on_server_name(ssl_st* ssl, int* alert, void* listener);

  TlsSettings settings_;
  std::vector<Certificate> certificates_;
  TlsHandle<x509_store_st> trust_;
  std::string trust_text_;  ///< fingerprints of what is trusted and revoked
  std::vector<RevocationList> revocation_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::map<std::string, TlsHandle<ssl_ctx_st>, std::less<>>
      clients_;  ///< by certificate; "": the first, if any
};

/// Why this handshake's peer was refused; empty when it was not for its certificate.
[[nodiscard]] std::string peer_refusal(const ssl_st& ssl);

}  // namespace sallyport::transport
