// SPDX-License-Identifier: GPL-3.0-or-later
// Whatever comes to media ports whose legs are being keyed: through a worker, the ring to the handshake
// thread and the table of handshakes, and back. Nobody gets keys; every frame has one verdict; no packet is
// lost sight of; and no port says more than it hears beside what it says anyhow.
//
// A piece of input is one datagram: an octet of flags (leg, component, who sends it, what is put right), its
// length in units of six octets, its octets.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include <rte_mbuf.h>

#include "keying/handshake_table.h"
#include "keying/zrtp_packet.h"
#include "tests/unit/dataplane/call.h"

namespace {

using namespace sallyport;
using dataplane::Call;
using dataplane::CommandKind;
using dataplane::FlowConfig;
using dataplane::FlowPtr;

constexpr std::size_t kLegs = 3;  // ICE and DTLS, passive; DTLS alone, active; ZRTP
constexpr std::size_t kUnit = 6;
constexpr keying::InstantMs kStepMs = 20;

/// The rig's worker as the handshake thread sees it; counts what it is given to send.
class RigPath final : public keying::MediaPath {
 public:
  explicit RigPath(test::RelayRig& rig) : rig_(rig) {}
  std::size_t receive(const std::function<void(const keying::PuntedDatagram&)>& take) override {
    return rig_.workers[0]->rings().handshakes.consume_all([&](const dataplane::HandshakePacket& packet) {
      take({packet.leg, static_cast<std::uint8_t>(packet.component), packet.source, packet.neighbour,
            packet.octets()});
    });
  }
  void send(const keying::LocalPort& local, const Endpoint& remote,
            const std::optional<MacAddress>& neighbour, std::span<const std::uint8_t> payload) override {
    octets += payload.size();
    rte_mbuf* packet = rig_.access.blank();
    std::ranges::copy(payload, reinterpret_cast<std::uint8_t*>(
                                   rte_pktmbuf_append(packet, static_cast<std::uint16_t>(payload.size()))));
    if (!rig_.workers[0]->rings().answers.push(
            {packet, {local.worker, local.address, local.port, remote, neighbour}}))
      rte_pktmbuf_free(packet);
  }
  std::size_t octets = 0;

 private:
  test::RelayRig& rig_;
};

struct NoKeys final : keying::HandshakeEvents {
  void happened(keying::HandshakeEvent event) override {
    if (std::holds_alternative<keying::handshake_event::Keys>(event)) std::abort();
  }
};

/// A call of which the access leg awaits its keys.
class AwaitingCall {
 public:
  AwaitingCall(test::RelayRig& rig, std::size_t number, dataplane::HandshakeFilter protocols)
      : rig_(rig),
        call(rig, {.access_mux = number == 0,
                   .access_port = static_cast<std::uint16_t>(30000 + 2 * number),
                   .core_port = static_cast<std::uint16_t>(30000 + 2 * number),
                   .id = 100 + 2 * number}) {
    FlowConfig in = call.config(true), out = call.config(false);
    in.arrival.awaits_keys = out.departure.awaits_keys = {true, true};
    in.arrival.handshakes = protocols;
    in.arrival.leg = number;
    forth_ = make_flow(std::move(in));
    back_ = make_flow(std::move(out));
    replace(*call.forth, *call.back, *forth_, *back_);
  }
  ~AwaitingCall() { replace(*forth_, *back_, *call.forth, *call.back); }

 private:
  void replace(dataplane::Flow& a, dataplane::Flow& b, dataplane::Flow& new_a, dataplane::Flow& new_b) {
    if (rig_.execute({.kind = CommandKind::replace, .flows = {&a, &b}, .replacements = {&new_a, &new_b}}) !=
        dataplane::CommandResult::done)
      std::abort();
  }
  test::RelayRig& rig_;

 public:
  Call call;

 private:
  FlowPtr forth_, back_;
};

const std::shared_ptr<const keying::DtlsIdentity>& identity() {
  static const auto made = keying::DtlsIdentity::make(keying::DtlsKeyType::ecdsa_p256).value();
  return made;
}

keying::LegKeying keying_of(std::size_t number, const Call& call, const keying::IceCredentials& ice) {
  keying::LegKeying keying;
  keying.leg = number;
  keying.muxed = number == 0;
  const auto port = call.access_local.port;
  keying.local = {keying::LocalPort{0, 0, port},
                  keying::LocalPort{0, 0, static_cast<std::uint16_t>(port + 1)}};
  keying.remote = {call.access_remote, Call::at(call.access_remote, 1)};
  if (number == 2) {
    keying.zrtp = keying::ZrtpAssociation::make({}).value();
    return keying;
  }
  keying.identity = identity();
  keying.role = number == 0 ? keying::DtlsRole::passive : keying::DtlsRole::active;
  keying.profiles = {crypto::SuiteId::aead_aes_128_gcm, crypto::SuiteId::aes_cm_128_hmac_sha1_80};
  keying.peer_fingerprints = {crypto::Fingerprint{}};
  if (number == 0) keying.ice = ice.duplicate();
  return keying;
}

/// A right check, by which an address that ICE has to validate becomes one that DTLS listens to.
std::vector<std::uint8_t> check(const keying::IceCredentials& ice) {
  keying::StunWriter writer(keying::StunClass::request, keying::kStunBinding, {});
  writer.username(ice.fragment + ":fuzz");
  writer.priority(1);
  writer.ice_controlling(1);
  writer.use_candidate();
  writer.message_integrity(keying::StunKey(ice.password.view()));
  writer.fingerprint();
  return {writer.octets().begin(), writer.octets().end()};
}

struct Piece {
  std::size_t leg;
  std::uint16_t component;
  bool from_stranger, put_right;
  std::vector<std::uint8_t> datagram;
};

Piece take_piece(std::span<const std::uint8_t>& rest) {
  const std::uint8_t flags = rest[0];
  const std::size_t length = std::min<std::size_t>(kUnit * rest[1], rest.size() - 2);
  Piece piece{flags % kLegs,
              static_cast<std::uint16_t>(flags >> 2 & 1),
              (flags & 8) != 0,
              (flags & 16) != 0,
              {rest.begin() + 2, rest.begin() + 2 + static_cast<long>(length)}};
  rest = rest.subspan(2 + length);
  return piece;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static test::RelayRig rig;
  const std::size_t out_before = test::packets_out();
  RigPath path(rig);
  NoKeys events;
  keying::HandshakeCounters counters;
  keying::HandshakeTable table(path, events, counters, {});
  const auto ice = keying::make_ice_credentials();
  const std::array<AwaitingCall, kLegs> calls{
      AwaitingCall(rig, 0,
                   {.stun = true, .dtls = true, .ice_fragment = dataplane::make_ice_fragment(ice.fragment)}),
      AwaitingCall(rig, 1, {.dtls = true}), AwaitingCall(rig, 2, {.zrtp = true})};
  keying::InstantMs now = 0;
  for (std::size_t i = 0; i < kLegs; ++i) table.add(keying_of(i, calls[i].call, ice), now);
  std::size_t fed = 0;
  std::span<const std::uint8_t> rest(data, size);
  while (rest.size() > 2) {
    Piece piece = take_piece(rest);
    if (piece.put_right && piece.leg == 0) piece.datagram = check(ice);
    if (piece.put_right && piece.leg == 2 && piece.datagram.size() > keying::kZrtpOverhead)
      keying::number_zrtp(piece.datagram, 1);
    const Call& call = calls[piece.leg].call;
    Endpoint source = Call::at(call.access_remote, piece.component);
    if (piece.from_stranger) ++source.port;
    rig.access.deliver(test::udp_frame(
        {.source = source, .destination = Call::at(call.access_local, piece.component)}, piece.datagram));
    fed += piece.datagram.size();
    rig.settle();
    path.receive([&](const keying::PuntedDatagram& datagram) { table.receive(datagram, now); });
    now += kStepMs;
    if (table.deadline() && *table.deadline() <= now) table.advance(now);
    rig.settle();
    static_cast<void>(rig.access.sent());
  }
  for (std::size_t i = 0; i < kLegs; ++i) table.remove(i);
  rig.settle();
  static_cast<void>(rig.access.sent());
  static_cast<void>(rig.core.sent());
  const auto steps = static_cast<std::size_t>(now / kStepMs);
  if (rig.verdict_sum() != rig.received() || test::packets_out() != out_before ||
      path.octets > 8192 + 3 * fed + 300 * steps)
    std::abort();
  return 0;
}
