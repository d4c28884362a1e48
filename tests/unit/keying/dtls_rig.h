// SPDX-License-Identifier: GPL-3.0-or-later
// Two ends of a DTLS handshake in memory: a path that loses, repeats and reorders what a seed says, a clock
// that the test moves, and peers of bare OpenSSL that do what ours would not.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <openssl/ssl.h>

#include "keying/dtls_association.h"

namespace sallyport::keying::test {

using Octets = std::vector<std::uint8_t>;

/// The time of OpenSSL's retransmission timers in this program, in milliseconds (see dtls_rig.cc); 0: the
/// machine's.
extern InstantMs wall_clock_ms;

/// Collects what one end sends.
class Outbox final : public DatagramSink {
 public:
  void send(std::span<const std::uint8_t> payload) override {
    datagrams.emplace_back(payload.begin(), payload.end());
    ++count;
    octets += payload.size();
    if (payload.size() > largest) largest = payload.size();
  }
  [[nodiscard]] std::deque<Octets> take() { return std::exchange(datagrams, {}); }
  void forget() { datagrams.clear(); }

  std::deque<Octets> datagrams;
  std::size_t count = 0;
  std::size_t octets = 0;
  std::size_t largest = 0;
};

/// What a path does to datagrams, in per cent.
struct Weather {
  unsigned loss = 0;
  unsigned duplication = 0;
  unsigned reordering = 0;
  bool coalesces = false;  ///< joins datagrams of one flight
  std::uint32_t seed = 1;
};

class Path {
 public:
  explicit Path(const Weather& weather) : weather_(weather), random_(weather.seed) {}
  [[nodiscard]] std::deque<Octets> carry(std::deque<Octets> datagrams);

 private:
  bool happens(unsigned percent) { return random_() % 100 < percent; }

  Weather weather_;
  std::mt19937 random_;
};

[[nodiscard]] std::shared_ptr<const DtlsIdentity> ecdsa_identity();
[[nodiscard]] std::shared_ptr<const DtlsIdentity> other_identity();
[[nodiscard]] std::shared_ptr<const DtlsIdentity> rsa_identity();

/// All profiles, those with a longer key first.
[[nodiscard]] std::vector<crypto::SuiteId> all_profiles();

/// Settings of one end that trusts what the other is: change what the test is about.
[[nodiscard]] DtlsSettings settings_for(DtlsRole role, const std::shared_ptr<const DtlsIdentity>& own,
                                        const std::shared_ptr<const DtlsIdentity>& peer);

/// One end.
struct End {
  explicit End(DtlsSettings settings) : association(std::move(settings), outbox) {}
  Outbox outbox;
  DtlsAssociation association;
  DtlsOutcome last = DtlsOutcome::idle;

  [[nodiscard]] DtlsAssociation::State state() const { return association.state(); }
};

/// Two ends and the path between.
class Pair {
 public:
  Pair(DtlsSettings client, DtlsSettings server, const Weather& weather = {});

  /// Runs until both are at rest and have no deadline, or until `most_ms` have passed.
  void run(InstantMs most_ms = 30000);
  /// Carries what waits, both ways, until nothing does. No timer fires.
  void exchange();
  /// To the next deadline of either end. False: there is none.
  bool advance();

  End client;
  End server;
  InstantMs now = 1000;

 private:
  Path path_;
};

/// A peer of OpenSSL alone. `prepare` changes its context, which otherwise resembles ours.
class BarePeer {
 public:
  using Prepare = std::function<void(SSL_CTX&)>;
  /// `profiles` as OpenSSL names them; null: no use_srtp.
  BarePeer(DtlsRole role, const Prepare& prepare,
           const char* profiles = "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80");

  /// One step of the handshake, without or with a datagram. True: it is done.
  bool shake(std::span<const std::uint8_t> datagram = {});
  [[nodiscard]] crypto::CertificateFingerprints fingerprints() const;

  Outbox outbox;

 private:
  struct Context {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  DtlsWire wire_;
  std::unique_ptr<SSL_CTX, Context> context_;
  OpenSslHandle<ssl_st> ssl_;
};

/// Gives a context a fresh key and certificate. `bits` of RSA, or 0 for P-256; `padding` octets make the
/// certificate larger.
void use_new_certificate(SSL_CTX& context, int bits = 0, std::size_t padding = 0);

/// Exchanges datagrams between a bare peer and one of ours until neither has any.
void exchange(BarePeer& bare, End& ours, InstantMs now = 1000);

}  // namespace sallyport::keying::test
