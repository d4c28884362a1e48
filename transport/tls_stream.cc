// SPDX-License-Identifier: GPL-3.0-or-later
// OpenSSL between the shared receive buffer and the socket.
#include "transport/tls_stream.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "crypto/openssl_wire.h"
#include "transport/tls_context.h"

namespace sallyport::transport {

/// OpenSSL's transport: reads what was fed, writes to the socket.
struct TlsWire {
  static int read(BIO* bio, char* room, int size) {
    auto& stream = *static_cast<TlsStream*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    if (stream.input_.empty()) {
      BIO_set_retry_read(bio);
      return -1;
    }
    const std::size_t octets = std::min(stream.input_.size(), static_cast<std::size_t>(size));
    std::memcpy(room, stream.input_.data(), octets);
    stream.input_.remove_prefix(octets);
    return static_cast<int>(octets);
  }

  static int write(BIO* bio, const char* octets, int size) {
    const auto& stream = *static_cast<TlsStream*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    const ssize_t sent =
        send(stream.descriptor_, octets, static_cast<std::size_t>(size), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
    return static_cast<int>(sent);
  }
};

TlsStream::TlsStream(TlsHandle<ssl_st> ssl, int descriptor) : ssl_(std::move(ssl)), descriptor_(descriptor) {
  crypto::attach_wire<TlsWire>(*ssl_, this);
}

TlsStream::~TlsStream() = default;

TlsStep TlsStream::judge(int result) {
  const int why = SSL_get_error(ssl_.get(), result);
  if (why == SSL_ERROR_WANT_READ) return TlsStep::wants_input;
  if (why == SSL_ERROR_WANT_WRITE) return TlsStep::wants_output;
  if (why == SSL_ERROR_ZERO_RETURN) return TlsStep::ended;
  error_ = peer_refusal(*ssl_);
  peer_refused_ = !error_.empty();
  if (peer_refused_)
    ERR_clear_error();
  else
    error_ = why == SSL_ERROR_SYSCALL ? std::string("the connection broke") : tls_error_text();
  return TlsStep::failed;
}

bool TlsStream::in_record() const {
  return SSL_has_pending(ssl_.get()) == 1;
}

TlsStep TlsStream::handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  return result == 1 ? TlsStep::done : judge(result);
}

TlsMoved TlsStream::read(std::span<char> room) {
  ERR_clear_error();
  std::size_t octets = 0;
  const int result = SSL_read_ex(ssl_.get(), room.data(), room.size(), &octets);
  return result == 1 ? TlsMoved{TlsStep::done, octets} : TlsMoved{judge(result), 0};
}

TlsMoved TlsStream::write(std::string_view octets) {
  ERR_clear_error();
  std::size_t taken = 0;
  const int result = SSL_write_ex(ssl_.get(), octets.data(), octets.size(), &taken);
  return result == 1 ? TlsMoved{TlsStep::done, taken} : TlsMoved{judge(result), 0};
}

void TlsStream::say_goodbye() {
  ERR_clear_error();
  // After a fatal error, or within a handshake, there is nothing to say.
  if (error_.empty() && SSL_is_init_finished(ssl_.get())) SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

TlsFacts TlsStream::facts() const {
  const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
  return {SSL_get_version(ssl_.get()), SSL_get_cipher_name(ssl_.get()), name == nullptr ? "" : name,
          resumed()};
}

bool TlsStream::resumed() const {
  return SSL_session_reused(ssl_.get()) == 1;
}

std::optional<PeerIdentity> TlsStream::peer() const {
  const X509* certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate == nullptr || SSL_get_verify_result(ssl_.get()) != X509_V_OK) return std::nullopt;
  return read_identity(*certificate);
}

}  // namespace sallyport::transport
