// SPDX-License-Identifier: GPL-3.0-or-later
// What our rules cost a DTLS handshake: CPU beside that of bare OpenSSL with the same certificate and groups,
// and the memory of a leg afterwards.
//
// Figures: dtls/handshakes/{rate,bare_rate,over_bare_openssl} and
// memory/{dtls_leg_bytes,dtls_lingering_leg_bytes}.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <exception>
#include <memory>
#include <stdexcept>
#include <vector>

#include <malloc.h>
#include <openssl/srtp.h>
#include <openssl/ssl.h>

#include "bench/figures.h"
#include "keying/dtls_association.h"

namespace sallyport::bench {
namespace {

using keying::DtlsAssociation;
using keying::DtlsRole;

constexpr std::size_t kRounds = 15;
constexpr int kHandshakes = 50;  // a run
constexpr std::size_t kLegs = 10000;

/// Datagrams on their way to one end.
class Queue final : public keying::DatagramSink {
 public:
  void send(std::span<const std::uint8_t> payload) override {
    datagrams.emplace_back(payload.begin(), payload.end());
  }
  std::deque<std::vector<std::uint8_t>> datagrams;
};

std::shared_ptr<const keying::DtlsIdentity> identity() {
  static const auto made = keying::DtlsIdentity::make(keying::DtlsKeyType::ecdsa_p256).value();
  return made;
}

keying::DtlsSettings settings(DtlsRole role) {
  keying::DtlsSettings made;
  made.identity = identity();
  made.role = role;
  made.profiles = {crypto::SuiteId::aead_aes_256_gcm, crypto::SuiteId::aes_cm_128_hmac_sha1_80};
  made.peer_fingerprints = {identity()->fingerprints()[0]};
  return made;
}

/// OpenSSL and nothing else, with our context but for our rules: any certificate is good.
class BareEnd {
 public:
  BareEnd(DtlsRole role, Queue& sink) : wire_(sink, {.is_unlimited = true}), ssl_(SSL_new(context())) {
    wire_.attach(*ssl_);
    SSL_set_mtu(ssl_.get(), 1200);
    SSL_set_tlsext_use_srtp(ssl_.get(), "SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80");
    if (role == DtlsRole::active)
      SSL_set_connect_state(ssl_.get());
    else
      SSL_set_accept_state(ssl_.get());
  }
  void start() { SSL_do_handshake(ssl_.get()); }
  void receive(std::span<const std::uint8_t> datagram) {
    wire_.feed(datagram);
    SSL_do_handshake(ssl_.get());
  }
  [[nodiscard]] bool has_keys() {
    std::array<unsigned char, 88> keys{};
    return SSL_is_init_finished(ssl_.get()) == 1 &&
           SSL_export_keying_material(ssl_.get(), keys.data(), keys.size(), "EXTRACTOR-dtls_srtp", 19,
                                      nullptr, 0, 0) == 1;
  }

 private:
  static SSL_CTX* context() {
    static SSL_CTX* const made = [] {
      SSL_CTX* c = SSL_CTX_new(DTLS_method());
      SSL_CTX* const ours = identity()->context();
      SSL_CTX_use_certificate(c, SSL_CTX_get0_certificate(ours));
      SSL_CTX_use_PrivateKey(c, SSL_CTX_get0_privatekey(ours));
      SSL_CTX_set1_groups_list(c, "X25519:P-256:P-384");
      SSL_CTX_set_cipher_list(c, "ECDHE-ECDSA-AES128-GCM-SHA256");
      SSL_CTX_set_options(c, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET);
      SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
      SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr);
      SSL_CTX_set_cert_verify_callback(
          c, [](X509_STORE_CTX*, void*) { return 1; }, nullptr);
      return c;
    }();
    return made;
  }

  keying::DtlsWire wire_;
  keying::OpenSslHandle<ssl_st> ssl_;
};

/// One of ours.
class OurEnd {
 public:
  OurEnd(DtlsRole role, Queue& sink) : association_(settings(role), sink) {}
  void start() { association_.start(0); }
  void receive(std::span<const std::uint8_t> datagram) { association_.receive(datagram, 0); }
  [[nodiscard]] bool has_keys() { return association_.take_keys().has_value(); }
  DtlsAssociation& association() { return association_; }

 private:
  DtlsAssociation association_;
};

template <typename End>
void shake_hands(End& client, Queue& from_client, End& server, Queue& from_server) {
  client.start();
  while (!from_client.datagrams.empty() || !from_server.datagrams.empty()) {
    for (const auto& datagram : std::exchange(from_client.datagrams, {})) server.receive(datagram);
    for (const auto& datagram : std::exchange(from_server.datagrams, {})) client.receive(datagram);
  }
}

/// Both ends of each handshake: half of it is one leg's.
template <typename End>
void handshakes() {
  for (int i = 0; i < kHandshakes; ++i) {
    Queue from_client;
    Queue from_server;
    End client(DtlsRole::active, from_client);
    End server(DtlsRole::passive, from_server);
    shake_hands(client, from_client, server, from_server);
    if (!client.has_keys() || !server.has_keys()) throw std::runtime_error("a handshake failed");
  }
}

/// Handshakes a second of one leg.
std::vector<double> rates(const std::vector<double>& run_ns) {
  std::vector<double> result;
  for (const double ns : run_ns) result.push_back(2 * kHandshakes * 1e9 / ns);
  return result;
}

void measure_handshakes(Figures& figures) {
  const auto runs = interleaved(kRounds, {handshakes<OurEnd>, handshakes<BareEnd>});
  const auto ours = rates(runs[0]);
  const auto bare = rates(runs[1]);
  figures.add("dtls/handshakes/rate", ours, "1/s");
  figures.add("dtls/handshakes/bare_rate", bare, "1/s");
  figures.add("dtls/handshakes/over_bare_openssl", ratios(ours, bare), "ratio");
}

double heap_bytes() {
  const struct mallinfo2 heap = mallinfo2();
  return static_cast<double>(heap.uordblks + heap.hblkhd);
}

/// The heap of the passive ends alone: their clients are gone.
void measure_memory(Figures& figures) {
  struct Leg {
    Queue sink;
    std::unique_ptr<OurEnd> end;
  };
  std::vector<std::unique_ptr<Leg>> legs;
  const auto add_leg = [&] {
    auto leg = std::make_unique<Leg>();
    leg->end = std::make_unique<OurEnd>(DtlsRole::passive, leg->sink);
    Queue from_client;
    OurEnd client(DtlsRole::active, from_client);
    shake_hands(client, from_client, *leg->end, leg->sink);
    if (!leg->end->has_keys()) throw std::runtime_error("a handshake failed");
    legs.push_back(std::move(leg));
  };
  for (std::size_t i = 0; i < 100; ++i) add_leg();  // what is made once is made
  for (const auto& leg : legs) leg->end->association().settle();
  const double before = heap_bytes();
  for (std::size_t i = 0; i < kLegs; ++i) add_leg();
  const double whole = heap_bytes();
  figures.add("memory/dtls_lingering_leg_bytes", {(whole - before) / kLegs}, "bytes");
  for (const auto& leg : legs) leg->end->association().settle();
  figures.add("memory/dtls_leg_bytes", {(heap_bytes() - before) / kLegs}, "bytes");
}

}  // namespace
}  // namespace sallyport::bench

int main(int argc, char** argv) {
  using namespace sallyport::bench;
  try {
    Figures figures(argc, argv);
    if (!figures.requested()) {
      std::fprintf(stderr, "usage: %s --figures FILE [--only PREFIX]\n", argv[0]);
      return 2;
    }
    if (figures.wanted("dtls/handshakes/over_bare_openssl") || figures.wanted("dtls/handshakes/rate"))
      measure_handshakes(figures);
    if (figures.wanted("memory/dtls_leg_bytes") || figures.wanted("memory/dtls_lingering_leg_bytes"))
      measure_memory(figures);
    return figures.write() ? 0 : 1;
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "%s\n", problem.what());
    return 1;
  }
}
