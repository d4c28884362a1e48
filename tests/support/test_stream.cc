// SPDX-License-Identifier: GPL-3.0-or-later
// Blocking sockets and OpenSSL as a peer would use them.
#include "tests/support/test_stream.h"

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>

#include "transport/socket.h"

namespace sallyport::test {

using transport::Descriptor;
using transport::TlsHandle;

namespace {
constexpr timeval kSocketPatience{20, 0};
}

struct TestStream::State {
  Descriptor descriptor;
  TlsHandle<ssl_ctx_st> context;
  TlsHandle<ssl_st> ssl;
  int last_error = 0;
  std::string session;
};

TestStream::TestStream(std::unique_ptr<State> state) : state_(std::move(state)) {
  setsockopt(state_->descriptor.get(), SOL_SOCKET, SO_RCVTIMEO, &kSocketPatience, sizeof kSocketPatience);
  setsockopt(state_->descriptor.get(), SOL_SOCKET, SO_SNDTIMEO, &kSocketPatience, sizeof kSocketPatience);
}
TestStream::TestStream(TestStream&&) noexcept = default;
TestStream& TestStream::operator=(TestStream&&) noexcept = default;
TestStream::~TestStream() = default;

TestStream TestStream::connect(const Endpoint& remote) {
  auto state = std::make_unique<State>();
  const transport::SocketAddress name(remote);
  state->descriptor = Descriptor(socket(name.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(state->descriptor.get(), name.get(), name.size) != 0)
    throw std::runtime_error("connect " + remote.to_string() + ": " + std::strerror(errno));
  return TestStream(std::move(state));
}

TestStream TestStream::accepted(int descriptor) {
  auto state = std::make_unique<State>();
  state->descriptor = Descriptor(descriptor);
  return TestStream(std::move(state));
}

std::string TestStream::handshake(const TlsOptions& options, bool as_server) {
  state_->context.reset(SSL_CTX_new(as_server ? TLS_server_method() : TLS_client_method()));
  SSL_CTX* context = state_->context.get();
  if (options.only_1_2) SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF * 0);
  if (!options.ca.empty()) {
    SSL_CTX_load_verify_locations(context, options.ca.c_str(), nullptr);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (as_server ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), nullptr);
  }
  if (options.certificate) {
    SSL_CTX_use_certificate_chain_file(context, options.certificate->certificate.c_str());
    SSL_CTX_use_PrivateKey_file(context, options.certificate->key.c_str(), SSL_FILETYPE_PEM);
  }
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_set_app_data(context, &state_->session);
  SSL_CTX_sess_set_new_cb(context, [](SSL* ssl, SSL_SESSION* session) {
    unsigned char octets[16384];
    unsigned char* at = octets;
    if (i2d_SSL_SESSION(session, nullptr) > static_cast<int>(sizeof octets)) return 0;
    const int size = i2d_SSL_SESSION(session, &at);
    static_cast<std::string*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)))
        ->assign(reinterpret_cast<const char*>(octets), static_cast<std::size_t>(size));
    return 0;
  });
  state_->ssl.reset(SSL_new(context));
  SSL* ssl = state_->ssl.get();
  SSL_set_fd(ssl, state_->descriptor.get());
  if (!options.server_name.empty()) SSL_set_tlsext_host_name(ssl, options.server_name.c_str());
  if (!options.session.empty()) {
    const auto* at = reinterpret_cast<const unsigned char*>(options.session.data());
    SSL_SESSION* session = d2i_SSL_SESSION(nullptr, &at, static_cast<long>(options.session.size()));
    SSL_set_session(ssl, session);
    SSL_SESSION_free(session);
  }
  ERR_clear_error();
  const int result = as_server ? SSL_accept(ssl) : SSL_connect(ssl);
  if (result == 1) return {};
  const std::string why = transport::tls_error_text();
  return why.empty() ? "failed" : why;
}

bool TestStream::send(std::string_view octets) {
  while (!octets.empty()) {
    ERR_clear_error();
    const ssize_t sent = state_->ssl
                             ? SSL_write(state_->ssl.get(), octets.data(), static_cast<int>(octets.size()))
                             : ::send(state_->descriptor.get(), octets.data(), octets.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    octets.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::string TestStream::receive() {
  char room[16384];
  ERR_clear_error();
  const ssize_t got = state_->ssl ? SSL_read(state_->ssl.get(), room, sizeof room)
                                  : recv(state_->descriptor.get(), room, sizeof room, 0);
  if (got <= 0)
    state_->last_error = state_->ssl ? SSL_get_error(state_->ssl.get(), static_cast<int>(got)) : errno;
  return got <= 0 ? std::string() : std::string(room, static_cast<std::size_t>(got));
}

std::string TestStream::receive(std::size_t octets) {
  std::string all;
  while (all.size() < octets) {
    const std::string more = receive();
    if (more.empty()) break;
    all += more;
  }
  return all;
}

bool TestStream::ended() {
  char room[4096];
  errno = 0;
  ERR_clear_error();
  if (state_->ssl) {
    const int got = SSL_read(state_->ssl.get(), room, sizeof room);
    state_->last_error = SSL_get_error(state_->ssl.get(), got);
    return got <= 0 && errno != EAGAIN;
  }
  const ssize_t got = recv(state_->descriptor.get(), room, sizeof room, 0);
  return got == 0 || (got < 0 && errno != EAGAIN);
}

bool TestStream::ended_in_order() {
  return ended() && (!state_->ssl || state_->last_error == SSL_ERROR_ZERO_RETURN);
}

bool TestStream::renegotiate() {
  ERR_clear_error();
  return SSL_renegotiate(state_->ssl.get()) == 1 && SSL_do_handshake(state_->ssl.get()) == 1 &&
         !receive().empty();
}

std::string TestStream::peer_fingerprint() const {
  const X509* peer = SSL_get0_peer_certificate(state_->ssl.get());
  return peer == nullptr ? std::string() : transport::read_identity(*peer).fingerprint;
}

std::string TestStream::version() const {
  return SSL_get_version(state_->ssl.get());
}

bool TestStream::resumed() const {
  return SSL_session_reused(state_->ssl.get()) == 1;
}

std::string TestStream::session() const {
  return state_->session;
}

Endpoint TestStream::local() const {
  return transport::local_endpoint(state_->descriptor.get());
}

int TestStream::descriptor() const {
  return state_->descriptor.get();
}

void TestStream::reset() {
  const linger now{1, 0};
  setsockopt(state_->descriptor.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  state_->descriptor.reset();
}

void TestStream::goodbye() {
  if (state_->ssl) SSL_shutdown(state_->ssl.get());
  state_->descriptor.reset();
}

std::string sip_request(std::string_view method, std::string_view call_id, std::string_view extra,
                        std::string_view body) {
  std::string text(method);
  text += " sip:example.com SIP/2.0\r\nVia: SIP/2.0/TLS 192.0.2.1;branch=z9hG4bK";
  text += call_id;
  text +=
      "\r\nMax-Forwards: 70\r\nFrom: <sip:alice@example.com>;tag=1\r\nTo: <sip:bob@example.com>\r\nCall-ID: ";
  text += call_id;
  text += "\r\nCSeq: 1 ";
  text += method;
  text += "\r\n";
  text += extra;
  text += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  text += body;
  return text;
}

}  // namespace sallyport::test
