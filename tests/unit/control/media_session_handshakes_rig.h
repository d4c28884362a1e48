// SPDX-License-Identifier: GPL-3.0-or-later
// A media session whose leg a is keyed by DTLS-SRTP, and what its peer and the handshake thread say.
#pragma once

#include "tests/unit/control/media_session_rig.h"

namespace sallyport::control::test {

using keying::LegId;
using keying::LegKeying;
using sip::KeyAgreement;

inline constexpr std::string_view kFingerprint =
    "a=fingerprint:sha-256 12:DF:3E:5D:49:6B:19:E5:7C:AB:4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:"
    "E5:7C:AB:4A:AD\r\n";
inline constexpr std::string_view kOtherFingerprint =
    "a=fingerprint:sha-256 13:DF:3E:5D:49:6B:19:E5:7C:AB:4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:"
    "E5:7C:AB:4A:AD\r\n";
inline constexpr std::string_view kIce = "a=ice-ufrag:8hhY\r\na=ice-pwd:asd88fgpdd777uzjYhagZg\r\n";
inline constexpr std::string_view kRestarted = "a=ice-ufrag:9iiZ\r\na=ice-pwd:bsd88fgpdd777uzjYhagZg\r\n";
inline constexpr std::string_view kMux = "a=rtcp-mux\r\n";
inline const Endpoint kNominated = *Endpoint::parse("203.0.113.7:40000");

inline std::string dtls(int port, std::string_view setup, std::string_view more = "",
                        std::string_view fingerprint = kFingerprint) {
  return "m=audio " + std::to_string(port) + " UDP/TLS/RTP/SAVP 0 8\r\n" + std::string(fingerprint) +
         "a=setup:" + std::string(setup) + "\r\n" + std::string(more);
}
inline std::string value_of(const std::string& text, std::string_view attribute) {
  const std::string begin = "a=" + std::string(attribute) + ":";
  const std::size_t at = text.find(begin);
  return at == text.npos ? "" : text.substr(at + begin.size(), text.find("\r\n", at) - at - begin.size());
}

inline Keying keys_of(std::uint8_t seed) {
  Keying keying;
  keying.suite = crypto::SuiteId::aes_cm_128_hmac_sha1_80;
  const auto material = [](std::uint8_t octet) {
    crypto::KeyMaterial made;
    made.key = Secret<crypto::kMaxMasterKeyLength>(std::vector<std::uint8_t>(16, octet));
    made.salt = Secret<crypto::kMaxMasterSaltLength>(std::vector<std::uint8_t>(14, octet));
    return made;
  };
  keying.send = material(seed);
  keying.receive = material(static_cast<std::uint8_t>(seed + 1));
  return keying;
}

class MediaSessionHandshakes : public MediaSessionRig {
 protected:
  MediaSessionHandshakes() { begin_dtls(); }
  ~MediaSessionHandshakes() override {
    session.reset();
    EXPECT_EQ(handshakes.legs(), 0U);
  }
  /// Leg a is DTLS's, leg b in clear.
  void begin_dtls(sip::IceUse ice = sip::IceUse::accept) {
    sip::MediaPolicy a = policy(MediaSecurity::required);
    a.agreements = {KeyAgreement::dtls, KeyAgreement::sdes};
    a.ice = ice;
    session.emplace(services,
                    std::array<MediaLegSettings, kLegs>{
                        {{"access", a, peer_a}, {"core", policy(MediaSecurity::none), {}}}},
                    "call-1");
    session->set_on_failure(
        [this](Leg leg, std::string_view outcome) { failures.emplace_back(leg, outcome); });
  }
  void give_keys(LegId leg, std::uint8_t component, std::uint8_t seed) {
    keying::HandshakeEvent event = keying::handshake_event::Keys{leg, component, keys_of(seed)};
    handshakes.on_event(event);
    orders = run();
  }
  void nominate(LegId leg, std::uint8_t component, const Endpoint& remote) {
    keying::HandshakeEvent event = keying::handshake_event::Nominated{leg, component, remote, {}};
    handshakes.on_event(event);
    orders = run();
  }
  /// What the flow of the last order receives on leg a with.
  const dataplane::FlowConfig& from_a() {
    return config_of(*(last.kind == CommandKind::replace ? last.replacements : last.flows)[0]);
  }
  const dataplane::FlowConfig& to_a() {
    return config_of(*(last.kind == CommandKind::replace ? last.replacements : last.flows)[1]);
  }
  /// A call offered by leg a; gives its order to the handshake thread.
  LegKeying call_of_a(std::string_view more = kMux, std::string_view setup = "actpass") {
    told = exchange(Leg::a, sdp(dtls(5000, setup, more)), sdp(plain("audio", 6000), "198.51.100.9"));
    return handshake_thread.take<LegKeying>();
  }

  std::array<std::string, kLegs> told;
  std::vector<std::pair<Leg, std::string>> failures;
};

}  // namespace sallyport::control::test
