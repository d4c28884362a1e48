// SPDX-License-Identifier: GPL-3.0-or-later
// What does TLS through our transports cost beyond a bare OpenSSL loop: a new connection, an exchange of two
// messages on an open one, and an idle connection's memory?
//
// Each server is a process of its own, so that its CPU time and memory are its own; the client's load is the
// same for both, and they take turns.
#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <functional>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <openssl/ssl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/figures.h"
#include "tests/support/test_pki.h"
#include "tests/support/test_stream.h"
#include "transport/socket.h"
#include "transport/transport_layer.h"

namespace sallyport::bench {
namespace {

using test::TestPki;
using test::TestStream;
using transport::CertificateFiles;
using transport::Descriptor;

constexpr std::size_t kRounds = 7;
constexpr std::size_t kNewConnections = 400;
constexpr std::size_t kClients = 4;
constexpr std::size_t kExchanges = 20'000;
constexpr std::size_t kOpen = 50;
constexpr std::size_t kIdle = 4000;
constexpr std::size_t kIdleBefore = 200;  ///< opened before memory is looked at: what is paid once
const std::string kAnswer =
    "SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS 192.0.2.1;branch=z9hG4bK1\r\n" + std::string(250, 'x');
constexpr const char* kServe = "--serve";  ///< kind, certificate and key follow: this program is the server
const Endpoint kLoopback{IpAddress::v4({127, 0, 0, 1}), 0};

/// Both servers answer each message, whole in one record, with kAnswer.
class OurServer : public transport::TransportUser {
 public:
  OurServer(const CertificateFiles& certificate, const std::function<void(std::uint16_t)>& ready) {
    transport::TransportSettings settings;
    settings.tls.certificates = {certificate};
    settings.listeners = {{"bench", sip::Transport::tls, kLoopback, {certificate.name}, {}}};
    for (const auto limit : {transport::Limit::connections_per_source, transport::Limit::messages_per_second})
      settings.limits.set(limit, 10'000'000);
    layer_ = std::make_unique<transport::TransportLayer>(context_, settings, *this);
    layer_->start();
    ready(layer_->listeners()[0].settings.address.port);
    context_.run();
  }

 private:
  void on_message(sip::Frame, const sip::Hop& from) override {
    static_cast<void>(layer_->send(from, kAnswer));
  }
  void on_connection_closed(const sip::Hop&, const Error&) override {}
  void on_unreachable(const sip::Hop&, const Error&) override {}

  boost::asio::io_context context_;
  std::unique_ptr<transport::TransportLayer> layer_;
};

/// One thread, one epoll set, SSL_set_fd, buffers released: the least that a server can do.
class BareServer {
 public:
  BareServer(const CertificateFiles& certificate, const std::function<void(std::uint16_t)>& ready)
      : listener_(*transport::listen_on(kLoopback)), context_(SSL_CTX_new(TLS_server_method())) {
    SSL_CTX_use_certificate_chain_file(context_.get(), certificate.certificate.c_str());
    SSL_CTX_use_PrivateKey_file(context_.get(), certificate.key.c_str(), SSL_FILETYPE_PEM);
    SSL_CTX_set_mode(context_.get(), SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context_.get(), SSL_SESS_CACHE_OFF);
    static_cast<void>(poller_.add(listener_.get(), 0));
    ready(transport::local_endpoint(listener_.get()).port);
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
    char room[16384];
    const int got = SSL_read(ssl, room, sizeof room);
    if (got > 0) {
      SSL_write(ssl, kAnswer.data(), static_cast<int>(kAnswer.size()));
    } else if (SSL_get_error(ssl, got) != SSL_ERROR_WANT_READ) {
      SSL_shutdown(ssl);
      peers_.erase(number);
    }
  }

  Descriptor listener_;
  transport::TlsHandle<ssl_ctx_st> context_;
  transport::Poller poller_;
  std::unordered_map<std::uint64_t, Peer> peers_;
};

/// A fresh program: a forked one would begin with this one's heap, and its memory would say nothing.
class ServerProcess {
 public:
  ServerProcess(const char* kind, const CertificateFiles& certificate) : endpoint_(kLoopback) {
    int pipe_ends[2];
    if (pipe(pipe_ends) != 0) throw std::runtime_error("no pipe");
    id_ = fork();
    if (id_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      dup2(pipe_ends[1], STDOUT_FILENO);
      execl("/proc/self/exe", "tls_bench", kServe, kind, certificate.certificate.c_str(),
            certificate.key.c_str(), nullptr);
      _exit(127);
    }
    close(pipe_ends[1]);
    const bool told = read(pipe_ends[0], &endpoint_.port, sizeof endpoint_.port) == sizeof endpoint_.port;
    close(pipe_ends[0]);
    if (!told) throw std::runtime_error("a server did not start");
  }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;
  ~ServerProcess() {
    if (id_ <= 0) return;
    kill(id_, SIGKILL);
    waitpid(id_, nullptr, 0);
  }

  [[nodiscard]] const Endpoint& endpoint() const { return endpoint_; }
  [[nodiscard]] double cpu_ns() const {
    clockid_t clock;
    timespec time{};
    if (clock_getcpuclockid(id_, &clock) != 0 || clock_gettime(clock, &time) != 0)
      throw std::runtime_error("no clock");
    return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
  }
  [[nodiscard]] double resident_bytes() const {
    std::ifstream status("/proc/" + std::to_string(id_) + "/statm");
    double total = 0;
    double resident = 0;
    status >> total >> resident;
    return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
  }

 private:
  pid_t id_ = 0;
  Endpoint endpoint_;
};

/// A client of many connections that share one context: TestStream makes one for each, which is too much
/// here.
class Client {
 public:
  explicit Client(const Endpoint& server) : server_(server), context_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_set_session_cache_mode(context_.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context_.get(), SSL_MODE_RELEASE_BUFFERS);
  }
  struct Stream {
    Descriptor descriptor;
    transport::TlsHandle<ssl_st> ssl;
  };
  Stream open() {
    const transport::SocketAddress name(server_);
    Stream stream{Descriptor(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), {}};
    if (connect(stream.descriptor.get(), name.get(), name.size) != 0)
      throw std::runtime_error("cannot connect");
    stream.ssl.reset(SSL_new(context_.get()));
    SSL_set_fd(stream.ssl.get(), stream.descriptor.get());
    if (SSL_connect(stream.ssl.get()) != 1) throw std::runtime_error("the handshake failed");
    return stream;
  }
  static void ask(const Stream& stream, const std::string& request) {
    if (SSL_write(stream.ssl.get(), request.data(), static_cast<int>(request.size())) <= 0)
      throw std::runtime_error("cannot send");
  }
  static void expect_answer(const Stream& stream) {
    char room[2048];
    if (SSL_read(stream.ssl.get(), room, sizeof room) != static_cast<int>(kAnswer.size()))
      throw std::runtime_error("no whole answer");
  }

 private:
  Endpoint server_;
  transport::TlsHandle<ssl_ctx_st> context_;
};

const std::string& request() {
  static const std::string text =
      test::sip_request("REGISTER", "bench", "Subject: " + std::string(200, 'x') + "\r\n");
  return text;
}

/// CPU nanoseconds of the server for a connection with one exchange, from SYN to close.
double new_connection_ns(const ServerProcess& server) {
  const double before = server.cpu_ns();
  std::vector<std::jthread> clients;
  for (std::size_t i = 0; i < kClients; ++i)
    clients.emplace_back([&] {
      Client client(server.endpoint());
      for (std::size_t n = 0; n < kNewConnections / kClients; ++n) {
        const auto stream = client.open();
        Client::ask(stream, request());
        Client::expect_answer(stream);
        SSL_shutdown(stream.ssl.get());
      }
    });
  clients.clear();
  return (server.cpu_ns() - before) / kNewConnections;
}

/// CPU nanoseconds of the server for one message in and one out, with many connections busy.
double exchange_ns(const ServerProcess& server, const std::vector<Client::Stream>& streams) {
  const double before = server.cpu_ns();
  for (std::size_t n = 0; n < kExchanges / streams.size(); ++n) {
    for (const auto& stream : streams) Client::ask(stream, request());
    for (const auto& stream : streams) Client::expect_answer(stream);
  }
  return (server.cpu_ns() - before) / kExchanges;
}

double idle_bytes(const ServerProcess& server) {
  Client client(server.endpoint());
  std::vector<Client::Stream> streams;
  double before = 0;
  while (streams.size() < kIdleBefore + kIdle) {
    if (streams.size() == kIdleBefore) before = server.resident_bytes();
    streams.push_back(client.open());
    Client::ask(streams.back(), request());
    Client::expect_answer(streams.back());
  }
  return (server.resident_bytes() - before) / kIdle;
}

/// Whether any of a group of figures is asked for.
bool wanted(const Figures& figures, const std::string& group, std::initializer_list<const char*> names) {
  return std::ranges::any_of(names, [&](const char* name) { return figures.wanted(group + name); });
}
constexpr std::initializer_list<const char*> kTimes = {"/ns", "/floor_ns", "/over_floor"};
constexpr std::initializer_list<const char*> kBytes = {"_transport_bytes", "_floor_bytes"};

void add_times(Figures& figures, const std::string& name, const std::vector<std::vector<double>>& results) {
  figures.add(name + "/ns", results[0], "ns");
  figures.add(name + "/floor_ns", results[1], "ns");
  figures.add(name + "/over_floor", ratios(results[0], results[1]), "ratio");
}

void measure_new_connections(Figures& figures, const CertificateFiles& certificate) {
  const ServerProcess ours("ours", certificate);
  const ServerProcess bare("bare", certificate);
  add_times(figures, "transport/new_tls",
            interleaved_results(
                kRounds, {[&] { return new_connection_ns(ours); }, [&] { return new_connection_ns(bare); }}));
}

void measure_exchanges(Figures& figures, const CertificateFiles& certificate) {
  const ServerProcess ours("ours", certificate);
  const ServerProcess bare("bare", certificate);
  Client to_ours(ours.endpoint());
  Client to_bare(bare.endpoint());
  std::vector<Client::Stream> our_streams;
  std::vector<Client::Stream> bare_streams;
  for (std::size_t i = 0; i < kOpen; ++i) {
    our_streams.push_back(to_ours.open());
    bare_streams.push_back(to_bare.open());
  }
  add_times(figures, "transport/exchange",
            interleaved_results(kRounds, {[&] { return exchange_ns(ours, our_streams); },
                                          [&] { return exchange_ns(bare, bare_streams); }}));
}

void measure_memory(Figures& figures, const CertificateFiles& certificate) {
  std::vector<double> ours;
  std::vector<double> bare;
  for (int run = 0; run < 3; ++run) {
    ours.push_back(idle_bytes(ServerProcess("ours", certificate)));
    bare.push_back(idle_bytes(ServerProcess("bare", certificate)));
  }
  figures.add("memory/idle_tls_transport_bytes", ours, "bytes");
  figures.add("memory/idle_tls_floor_bytes", bare, "bytes");
}

void serve(const std::string& kind, const CertificateFiles& certificate) {
  const auto ready = [](std::uint16_t port) {
    if (write(STDOUT_FILENO, &port, sizeof port) != sizeof port) throw std::runtime_error("nobody waits");
  };
  transport::raise_descriptor_limit();
  if (kind == "ours")
    const OurServer server(certificate, ready);
  else
    const BareServer server(certificate, ready);
}

}  // namespace
}  // namespace sallyport::bench

int main(int argc, char** argv) {
  using namespace sallyport::bench;
  try {
    if (argc == 5 && std::string_view(argv[1]) == kServe)
      return serve(argv[2], {"bench", argv[3], argv[4]}), 1;
    Figures figures(argc, argv);
    if (!figures.requested()) {
      std::fprintf(stderr, "usage: %s --figures FILE [--only PREFIX]\n", argv[0]);
      return 2;
    }
    sallyport::transport::raise_descriptor_limit();
    sallyport::test::TestPki pki;
    const auto certificate = pki.issue({.name = "bench", .names = {"DNS:bench.test"}});
    if (wanted(figures, "transport/new_tls", kTimes)) measure_new_connections(figures, certificate);
    if (wanted(figures, "transport/exchange", kTimes)) measure_exchanges(figures, certificate);
    if (wanted(figures, "memory/idle_tls", kBytes)) measure_memory(figures, certificate);
    return figures.write() ? 0 : 1;
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "%s\n", problem.what());
    return 1;
  }
}
