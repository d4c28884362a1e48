// SPDX-License-Identifier: GPL-3.0-or-later
// A peer of bare bzrtp, used as its own documentation says, and a conversation of ours with it over a path
// that loses, repeats and reorders what a seed says, under a clock that the test moves.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <bzrtp/bzrtp.h>

#include "base/bytes.h"
#include "keying/zrtp_association.h"
#include "tests/unit/keying/dtls_rig.h"

namespace sallyport::keying::test {

/// What a bare peer offers, as bzrtp numbers it; empty: all that it has.
struct RawZrtpOffer {
  std::vector<std::uint8_t> agreements, ciphers, hashes, tags, renderings;
  sqlite3* cache = nullptr;
  std::string own_uri = "sip:phone@example.org";
  std::string peer_uri = "sip:sbc@example.org";
};

class RawZrtp {
 public:
  explicit RawZrtp(RawZrtpOffer offer = {}) : context_(bzrtp_createBzrtpContext()) {
    bzrtpCallbacks_t callbacks{};
    callbacks.bzrtp_sendData = [](void* self, const std::uint8_t* packet, std::uint16_t length) {
      static_cast<RawZrtp*>(self)->sent.emplace_back(packet, packet + length);
      return 0;
    };
    callbacks.bzrtp_startSrtpSession = [](void* self, const bzrtpSrtpSecrets_t* secrets, std::int32_t v) {
      static_cast<RawZrtp*>(self)->take(*secrets, v);
      return 0;
    };
    bzrtp_setCallbacks(context_, &callbacks);
    if (offer.cache != nullptr)
      bzrtp_setZIDCache(context_, offer.cache, offer.own_uri.c_str(), offer.peer_uri.c_str());
    restrict_to(ZRTP_KEYAGREEMENT_TYPE, offer.agreements);
    restrict_to(ZRTP_CIPHERBLOCK_TYPE, offer.ciphers);
    restrict_to(ZRTP_HASH_TYPE, offer.hashes);
    restrict_to(ZRTP_AUTHTAG_TYPE, offer.tags);
    restrict_to(ZRTP_SAS_TYPE, offer.renderings);
    bzrtp_initBzrtpContext(context_, kSource);
    bzrtp_setClientData(context_, kSource, this);
  }
  ~RawZrtp() { bzrtp_destroyBzrtpContext(context_, kSource); }
  RawZrtp(const RawZrtp&) = delete;
  RawZrtp& operator=(const RawZrtp&) = delete;

  void start(InstantMs now) {
    bzrtp_startChannelEngine(context_, kSource);
    iterate(now);
  }
  void iterate(InstantMs now) { bzrtp_iterate(context_, kSource, static_cast<std::uint64_t>(now)); }
  int receive(Octets packet) {
    return bzrtp_processMessage(context_, kSource, packet.data(), static_cast<std::uint16_t>(packet.size()));
  }
  [[nodiscard]] ZrtpHash hello_hash() const {
    std::array<std::uint8_t, 70> text{};
    bzrtp_getSelfHelloHash(context_, kSource, text.data(), text.size());
    ZrtpHash hash{};
    for (std::size_t i = 0; i < hash.size(); ++i)
      hash[i] = static_cast<std::uint8_t>(
          std::stoul(std::string(reinterpret_cast<const char*>(text.data()) + 5 + 2 * i, 2), nullptr, 16));
    return hash;
  }
  void verified() { bzrtp_SASVerified(context_); }
  int expect(const ZrtpHash& hash) {
    std::string text;
    for (const std::uint8_t octet : hash)
      for (const unsigned digit : {octet >> 4U & 15U, octet & 15U}) text += "0123456789abcdef"[digit];
    return bzrtp_setPeerHelloHash(context_, kSource, reinterpret_cast<std::uint8_t*>(text.data()),
                                  text.size());
  }

  std::deque<Octets> sent;
  bool secured = false;
  std::string sas;
  bool was_verified = false;
  bool mismatch = false;
  Octets self_key, self_salt, peer_key, peer_salt;

 private:
  static constexpr std::uint32_t kSource = 0x12345678;

  void restrict_to(std::uint8_t type, std::vector<std::uint8_t>& numbers) {
    if (numbers.empty()) return;
    const auto count = static_cast<std::uint8_t>(numbers.size());
    numbers.resize(7);
    bzrtp_setSupportedCryptoTypes(context_, type, numbers.data(), count);
  }
  void take(const bzrtpSrtpSecrets_t& secrets, std::int32_t verified_before) {
    secured = true;
    sas = secrets.sas;
    was_verified = verified_before != 0;
    mismatch = secrets.cacheMismatch != 0;
    self_key.assign(secrets.selfSrtpKey, secrets.selfSrtpKey + secrets.selfSrtpKeyLength);
    self_salt.assign(secrets.selfSrtpSalt, secrets.selfSrtpSalt + secrets.selfSrtpSaltLength);
    peer_key.assign(secrets.peerSrtpKey, secrets.peerSrtpKey + secrets.peerSrtpKeyLength);
    peer_salt.assign(secrets.peerSrtpSalt, secrets.peerSrtpSalt + secrets.peerSrtpSaltLength);
  }

  bzrtpContext_t* context_;
};

inline ZrtpMessageType type_of(const Octets& packet) {
  return parse_zrtp(packet).value().type;
}

/// Ours and a bare peer.
struct ZrtpConversation {
  explicit ZrtpConversation(ZrtpSettings settings = {}, RawZrtpOffer offer = {}, const Weather& weather = {})
      : ours(ZrtpAssociation::make(std::move(settings)).value()), peer(std::move(offer)), path(weather) {}

  /// Until both are secured, or ours is over, or time is up. `change` may alter or drop (by emptying) what
  /// either end has sent.
  using Change = std::function<void(Octets& packet, bool from_peer)>;
  void run(const Change& change = {}, InstantMs most_ms = 20000) {
    ours->begin(outbox, now);
    peer.start(now);
    go_on(change, most_ms);
  }
  void go_on(const Change& change = {}, InstantMs most_ms = 20000) {
    for (const InstantMs until = now + most_ms; now < until && !at_rest(); now += 10) {
      if (ours->deadline() && *ours->deadline() <= now) count(ours->on_timer(now));
      peer.iterate(now);
      for (const Octets& packet : carried(std::exchange(peer.sent, {}), change, true))
        count(ours->receive(packet, now));
      for (const Octets& packet : carried(outbox.take(), change, false)) peer.receive(packet);
    }
  }
  [[nodiscard]] bool at_rest() const {
    using enum ZrtpAssociation::State;
    return ours->state() == over || ours->state() == waiting || (ours->state() == secured && peer.secured);
  }
  void count(ZrtpOutcome outcome) { ++counts[static_cast<std::size_t>(outcome)]; }
  [[nodiscard]] std::size_t operator[](ZrtpOutcome outcome) const {
    return counts[static_cast<std::size_t>(outcome)];
  }
  /// The codes of the Errors that ours has sent, which lie in the outbox.
  [[nodiscard]] std::vector<std::uint32_t> errors() {
    std::vector<std::uint32_t> codes;
    for (const Octets& packet : outbox.take())
      if (type_of(packet) == ZrtpMessageType::error) codes.push_back(load_be32(packet.data() + 24));
    return codes;
  }

  Outbox outbox;
  std::unique_ptr<ZrtpAssociation> ours;
  RawZrtp peer;
  Path path;
  InstantMs now = 1000;
  std::array<std::size_t, kZrtpOutcomeCount> counts{};

 private:
  std::deque<Octets> carried(std::deque<Octets> packets, const Change& change, bool from_peer) {
    if (change)
      for (Octets& packet : packets) change(packet, from_peer);
    std::erase_if(packets, [](const Octets& packet) { return packet.empty(); });
    return path.carry(std::move(packets));
  }
};

}  // namespace sallyport::keying::test
