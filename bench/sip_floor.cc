// SPDX-License-Identifier: GPL-3.0-or-later
// What is the least that answering SIP over TLS can cost? One thread, one epoll set, OpenSSL, canned answers.
//
//     sip_floor CERTIFICATE KEY PORT
//
// REGISTER without credentials is answered by 401, everything else by 200. Nothing is checked or remembered;
// what a client needs to know its answer by (Via, From, To, Call-ID, CSeq, Contact) is copied line by line.
#include <array>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "transport/descriptor.h"
#include "transport/socket.h"
#include "transport/tls_handles.h"

namespace sallyport::bench {
namespace {

using transport::Descriptor;

constexpr std::string_view kChallenge =
    "WWW-Authenticate: Digest realm=\"bench.test\", nonce=\"ZrM0Zma4pG8y1Yq0qk0S0cJ2Rjm5sVtU\", "
    "algorithm=SHA-256, qop=\"auth\"\r\nServer: floor\r\nContent-Length: 0\r\n\r\n";
constexpr std::string_view kDone = "Server: floor\r\nContent-Length: 0\r\n\r\n";
constexpr std::array<std::string_view, 6> kCopied = {"Via:", "From:", "To:", "Call-ID:", "CSeq:", "Contact:"};

class Floor {
 public:
  Floor(const char* certificate, const char* key, std::uint16_t port)
      : listener_(*transport::listen_on({IpAddress::v4({127, 0, 0, 1}), port})),
        context_(SSL_CTX_new(TLS_server_method())) {
    if (SSL_CTX_use_certificate_chain_file(context_.get(), certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(context_.get(), key, SSL_FILETYPE_PEM) != 1)
      throw std::runtime_error("certificate or key cannot be used");
    SSL_CTX_set_mode(context_.get(), SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context_.get(), SSL_SESS_CACHE_OFF);
    static_cast<void>(poller_.add(listener_.get(), 0));
  }

  [[noreturn]] void run() {
    for (;;)
      for (const epoll_event& event : poller_.wait(-1))
        event.data.u64 == 0 ? accept_one() : serve(event.data.u64);
  }

 private:
  struct Peer {
    Descriptor descriptor;
    transport::TlsHandle<ssl_st> ssl;
  };

  void accept_one() {
    Descriptor descriptor(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!descriptor) return;
    const auto number = static_cast<std::uint64_t>(descriptor.get());
    Peer peer{std::move(descriptor), transport::TlsHandle<ssl_st>(SSL_new(context_.get()))};
    SSL_set_fd(peer.ssl.get(), peer.descriptor.get());
    SSL_set_accept_state(peer.ssl.get());
    static_cast<void>(poller_.add(peer.descriptor.get(), number));
    peers_.insert_or_assign(number, std::move(peer));
  }

  void serve(std::uint64_t number) {
    SSL* ssl = peers_.at(number).ssl.get();
    const int got = SSL_read(ssl, request_.data(), static_cast<int>(request_.size()));
    if (got > 0) {
      answer({request_.data(), static_cast<std::size_t>(got)});
      SSL_write(ssl, answer_.data(), static_cast<int>(answer_.size()));
    } else if (SSL_get_error(ssl, got) != SSL_ERROR_WANT_READ) {
      SSL_shutdown(ssl);
      peers_.erase(number);
    }
  }

  /// The client writes a message whole into one record, and header names in full.
  void answer(std::string_view request) {
    const bool challenged =
        request.starts_with("REGISTER") && request.find("\r\nAuthorization:") == std::string_view::npos;
    answer_ = challenged ? "SIP/2.0 401 Unauthorized\r\n" : "SIP/2.0 200 OK\r\n";
    for (std::size_t begin = request.find("\r\n") + 2; begin < request.size();) {
      const std::size_t end = request.find("\r\n", begin);
      if (end == std::string_view::npos || end == begin) break;
      const std::string_view line = request.substr(begin, end - begin);
      for (const std::string_view name : kCopied)
        if (line.starts_with(name)) answer_.append(line).append(name == "To:" ? ";tag=1\r\n" : "\r\n");
      begin = end + 2;
    }
    answer_ += challenged ? kChallenge : kDone;
  }

  Descriptor listener_;
  transport::TlsHandle<ssl_ctx_st> context_;
  transport::Poller poller_;
  std::unordered_map<std::uint64_t, Peer> peers_;
  std::array<char, 16384> request_{};
  std::string answer_;
};

}  // namespace
}  // namespace sallyport::bench

int main(int argc, char** argv) {
  std::uint16_t port = 0;
  const std::string_view text = argc == 4 ? argv[3] : "";
  if (std::from_chars(text.data(), text.data() + text.size(), port).ec != std::errc()) {
    std::fprintf(stderr, "usage: %s CERTIFICATE KEY PORT\n", argv[0]);
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  try {
    sallyport::transport::raise_descriptor_limit();
    sallyport::bench::Floor(argv[1], argv[2], port).run();
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "%s\n", problem.what());
    return 1;
  }
}
