// SPDX-License-Identifier: GPL-3.0-or-later
// TlsStream: one TLS connection over a non-blocking socket, whose received octets come in through a buffer
// that all connections of a thread share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "transport/tls_certificate.h"
#include "transport/tls_handles.h"

namespace sallyport::transport {

enum class TlsStep : std::uint8_t {
  done,
  wants_input,   ///< more octets from the peer
  wants_output,  ///< the socket must become writable
  ended,         ///< the peer said close_notify
  failed,        ///< error() says why
};

struct TlsMoved {
  TlsStep step = TlsStep::done;
  std::size_t octets = 0;
};

struct TlsFacts {
  std::string version;
  std::string cipher;
  std::string server_name;  ///< what the client asked for
  bool resumed = false;
};

/// One thread at a time. Reading costs one system call for all that has come: receive into the shared buffer,
/// feed(), then read() until it wants input; all of it has then been taken.
class TlsStream {
 public:
  TlsStream(TlsHandle<ssl_st> ssl, int descriptor);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  /// Octets from the socket; they must stay where they are until all were taken.
  void feed(std::string_view octets) { input_ = octets; }
  /// What was fed and not taken yet.
  [[nodiscard]] std::string_view unread() const { return input_; }

  /// Part of a record is here: the peer should not take forever over the rest.
  [[nodiscard]] bool in_record() const;

  [[nodiscard]] TlsStep handshake();
  [[nodiscard]] TlsMoved read(std::span<char> room);
  [[nodiscard]] TlsMoved write(std::string_view octets);
  /// Says close_notify, if the socket takes it.
  void say_goodbye();

  [[nodiscard]] const std::string& error() const { return error_; }
  /// The peer's certificate was why the handshake failed.
  [[nodiscard]] bool peer_refused() const { return peer_refused_; }
  [[nodiscard]] TlsFacts facts() const;
  [[nodiscard]] bool resumed() const;
  /// Of the peer's verified certificate, if it showed one.
  [[nodiscard]] std::optional<PeerIdentity> peer() const;

 private:
  friend struct TlsWire;
  [[nodiscard]] TlsStep judge(int result);

  std::string_view input_;
  TlsHandle<ssl_st> ssl_;
  int descriptor_;
  bool peer_refused_ = false;
  std::string error_;
};

}  // namespace sallyport::transport
