// SPDX-License-Identifier: GPL-3.0-or-later
// TestStream: a peer of our transports with blocking calls, over TCP or TLS.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/ip_address.h"
#include "transport/descriptor.h"
#include "transport/tls_certificate.h"

namespace sallyport::test {

struct TlsOptions {
  std::string ca;           ///< whom to trust; empty: everybody
  std::string server_name;  ///< SNI; empty: none
  std::optional<transport::CertificateFiles> certificate;
  bool only_1_2 = false;
  std::string session;  ///< of an earlier stream, to resume
};

class TestStream {
 public:
  /// TCP. Throws std::runtime_error.
  static TestStream connect(const Endpoint& remote);
  /// A listener of the test's own has accepted it.
  static TestStream accepted(int descriptor);
  TestStream(TestStream&&) noexcept;
  TestStream& operator=(TestStream&&) noexcept;
  ~TestStream();

  /// The reason why the handshake failed, or nothing. With TLS 1.3 the server's refusal comes with the first
  /// read.
  [[nodiscard]] std::string handshake(const TlsOptions& options, bool as_server = false);
  [[nodiscard]] bool send(std::string_view octets);
  /// Something; nothing when the peer ended, for good or ill, or said nothing for long.
  [[nodiscard]] std::string receive();
  /// At least so much, or what came until the end.
  [[nodiscard]] std::string receive(std::size_t octets);
  /// The peer ends without sending more.
  [[nodiscard]] bool ended();
  /// And said close_notify.
  [[nodiscard]] bool ended_in_order();
  /// The server tried to be renegotiated with; what it answers.
  [[nodiscard]] bool renegotiate();

  [[nodiscard]] std::string peer_fingerprint() const;
  [[nodiscard]] std::string version() const;
  [[nodiscard]] bool resumed() const;
  [[nodiscard]] std::string session() const;
  [[nodiscard]] Endpoint local() const;
  [[nodiscard]] int descriptor() const;
  void reset();    ///< ends with RST
  void goodbye();  ///< close_notify, then the end

 private:
  struct State;
  explicit TestStream(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// A complete request; `extra` are header lines with their ends.
[[nodiscard]] std::string sip_request(std::string_view method, std::string_view call_id,
                                      std::string_view extra = "", std::string_view body = "");

}  // namespace sallyport::test
