// SPDX-License-Identifier: GPL-3.0-or-later
// Paths, ends and peers for DTLS tests.
#include "tests/unit/keying/dtls_rig.h"

#include <algorithm>
#include <ctime>
#include <stdexcept>

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/time.h>

namespace sallyport::keying::test {

InstantMs wall_clock_ms = 1'000'000;

}  // namespace sallyport::keying::test

// OpenSSL 3.0 asks this function when a flight is due again. A program's own definition comes before the C
// library's, which makes its timers the test's.
extern "C" int gettimeofday(timeval* time, void*) noexcept {
  auto ms = sallyport::keying::test::wall_clock_ms;
  if (ms == 0) {
    timespec real{};
    clock_gettime(CLOCK_REALTIME, &real);
    ms = real.tv_sec * 1000 + real.tv_nsec / 1'000'000;
  }
  time->tv_sec = ms / 1000;
  time->tv_usec = ms % 1000 * 1000;
  return 0;
}

namespace sallyport::keying::test {

std::deque<Octets> Path::carry(std::deque<Octets> datagrams) {
  std::deque<Octets> carried;
  for (Octets& datagram : datagrams) {
    if (happens(weather_.loss)) continue;
    if (happens(weather_.duplication)) carried.push_back(datagram);
    if (weather_.coalesces && !carried.empty())
      carried.back().insert(carried.back().end(), datagram.begin(), datagram.end());
    else if (happens(weather_.reordering))
      carried.push_front(std::move(datagram));
    else
      carried.push_back(std::move(datagram));
  }
  return carried;
}

std::shared_ptr<const DtlsIdentity> ecdsa_identity() {
  static const auto identity = DtlsIdentity::make(DtlsKeyType::ecdsa_p256).value();
  return identity;
}
std::shared_ptr<const DtlsIdentity> other_identity() {
  static const auto identity = DtlsIdentity::make(DtlsKeyType::ecdsa_p256).value();
  return identity;
}
std::shared_ptr<const DtlsIdentity> rsa_identity() {
  static const auto identity = DtlsIdentity::make(DtlsKeyType::rsa_2048).value();
  return identity;
}

std::vector<crypto::SuiteId> all_profiles() {
  using enum crypto::SuiteId;
  return {aead_aes_256_gcm, aead_aes_128_gcm, aes_cm_128_hmac_sha1_80, aes_cm_128_hmac_sha1_32};
}

DtlsSettings settings_for(DtlsRole role, const std::shared_ptr<const DtlsIdentity>& own,
                          const std::shared_ptr<const DtlsIdentity>& peer) {
  DtlsSettings settings;
  settings.identity = own;
  settings.role = role;
  settings.profiles = all_profiles();
  if (peer) settings.peer_fingerprints = {peer->fingerprints()[0]};
  return settings;
}

Pair::Pair(DtlsSettings client_settings, DtlsSettings server_settings, const Weather& weather)
    : client(std::move(client_settings)), server(std::move(server_settings)), path_(weather) {
  server.last = server.association.start(now);
  client.last = client.association.start(now);
}

void Pair::exchange() {
  while (!client.outbox.datagrams.empty() || !server.outbox.datagrams.empty()) {
    for (const Octets& datagram : path_.carry(client.outbox.take()))
      server.last = server.association.receive(datagram, now);
    for (const Octets& datagram : path_.carry(server.outbox.take()))
      client.last = client.association.receive(datagram, now);
  }
}

bool Pair::advance() {
  const auto theirs = server.association.deadline();
  auto next = client.association.deadline();
  if (!next || (theirs && *theirs < *next)) next = theirs;
  if (!next) return false;
  const InstantMs step = std::max<InstantMs>(*next - now, 1);
  now += step;
  wall_clock_ms += step;
  client.association.on_timer(now);
  server.association.on_timer(now);
  return true;
}

void Pair::run(InstantMs most_ms) {
  const InstantMs end = now + most_ms;
  exchange();
  while (now < end && advance()) exchange();
}

void use_new_certificate(SSL_CTX& context, int bits, std::size_t padding) {
  EVP_PKEY* key = bits == 0 ? EVP_EC_gen("P-256") : EVP_RSA_gen(static_cast<unsigned>(bits));
  X509* certificate = X509_new();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 7);
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  if (padding > 0) {
    const std::string text = "DNS:" + std::string(padding, 'x');
    X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_netscape_comment, text.c_str());
    X509_add_ext(certificate, names, -1);
    X509_EXTENSION_free(names);
  }
  X509_sign(certificate, key, EVP_sha256());
  const bool good =
      SSL_CTX_use_certificate(&context, certificate) == 1 && SSL_CTX_use_PrivateKey(&context, key) == 1;
  X509_free(certificate);
  EVP_PKEY_free(key);
  if (!good) throw std::runtime_error("no certificate");
}

BarePeer::BarePeer(DtlsRole role, const Prepare& prepare, const char* profiles)
    : wire_(outbox, {.is_unlimited = true}), context_(SSL_CTX_new(DTLS_method())) {
  SSL_CTX& context = *context_;
  SSL_CTX_set_verify(&context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                     [](int, X509_STORE_CTX*) { return 1; });
  if (profiles != nullptr) SSL_CTX_set_tlsext_use_srtp(&context, profiles);
  SSL_CTX_set_options(&context, SSL_OP_NO_QUERY_MTU);
  prepare(context);
  ssl_.reset(SSL_new(&context));
  wire_.attach(*ssl_);
  SSL_set_mtu(ssl_.get(), 1200);
  if (role == DtlsRole::active)
    SSL_set_connect_state(ssl_.get());
  else
    SSL_set_accept_state(ssl_.get());
}

bool BarePeer::shake(std::span<const std::uint8_t> datagram) {
  wire_.feed(datagram);
  ERR_clear_error();
  return SSL_do_handshake(ssl_.get()) == 1;
}

crypto::CertificateFingerprints BarePeer::fingerprints() const {
  return fingerprints_of(*SSL_get_certificate(ssl_.get()));
}

void exchange(BarePeer& bare, End& ours, InstantMs now) {
  while (!bare.outbox.datagrams.empty() || !ours.outbox.datagrams.empty()) {
    for (const Octets& datagram : bare.outbox.take()) ours.last = ours.association.receive(datagram, now);
    for (const Octets& datagram : ours.outbox.take()) bare.shake(datagram);
  }
}

}  // namespace sallyport::keying::test
