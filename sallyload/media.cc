// SPDX-License-Identifier: GPL-3.0-or-later
// Packets: written, protected, sent; received, opened, judged.
//
//     0                   1                   2                   3
//    | RTP header, 12 octets: version 2, type 0 (PCMU), no CSRC          |
//    | mark, 8 octets | stream, 8 octets | number from 1, 8 octets       |
//    | sent at: nanoseconds of this machine's clock, 8 octets | pattern  |
#include "sallyload/media.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>

#include <sys/random.h>
#include <sys/socket.h>

#include "sallyload/client.h"
#include "transport/socket.h"

namespace sallyport::sallyload {

namespace {

constexpr std::size_t kRtpHeader = 12;
constexpr std::uint64_t kMark = 0x31444c594c4c4153;  // SALLYLD1
constexpr std::size_t kStamps = 32;
constexpr unsigned kClockRate = 8000;
/// A tick that comes late sends what it missed, but no more than this at once.
constexpr std::uint64_t kMostMissedMs = 200;

std::uint64_t now_ns() {
  using std::chrono::steady_clock;
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(steady_clock::now().time_since_epoch()).count());
}

template <typename Number>
void put_big(std::uint8_t* at, Number number) {
  for (std::size_t i = 0; i < sizeof number; ++i)
    at[i] = static_cast<std::uint8_t>(number >> (8 * (sizeof number - 1 - i)));
}

std::uint64_t stamp(std::span<const std::uint8_t> payload, std::size_t index) {
  std::uint64_t number = 0;
  std::memcpy(&number, payload.data() + 8 * index, sizeof number);
  return number;
}

/// RFC 5761 §4: what is not RTP on this socket.
bool is_rtcp(std::span<const std::uint8_t> packet) {
  return packet.size() > 1 && packet[1] >= 192 && packet[1] <= 223;
}

/// RFC 7983 §7: STUN or DTLS.
bool is_handshake(std::span<const std::uint8_t> packet) {
  return !packet.empty() && (packet[0] <= 3 || (packet[0] >= 20 && packet[0] <= 63));
}

std::size_t header_length(std::span<const std::uint8_t> packet) {
  std::size_t length = kRtpHeader;
  if (packet.size() < length) return 0;
  length += 4U * (packet[0] & 0x0fU);
  if ((packet[0] & 0x10U) != 0) {
    if (packet.size() < length + 4) return 0;
    length += 4 + 4U * (std::size_t{packet[length + 2]} << 8 | packet[length + 3]);
  }
  return packet.size() < length ? 0 : length;
}

}  // namespace

crypto::KeyMaterial draw_key(crypto::SuiteId suite) {
  const crypto::Suite& about = crypto::suite(suite);
  std::array<std::uint8_t, crypto::kMaxMasterKeyLength + crypto::kMaxMasterSaltLength> octets{};
  if (getrandom(octets.data(), octets.size(), 0) != static_cast<ssize_t>(octets.size()))
    throw std::runtime_error("no random octets");
  crypto::KeyMaterial key;
  const std::span<const std::uint8_t> all(octets);
  key.key = Secret<crypto::kMaxMasterKeyLength>(all.first(about.key_length));
  key.salt = Secret<crypto::kMaxMasterSaltLength>(all.subspan(about.key_length, about.salt_length));
  wipe(octets.data(), octets.size());
  return key;
}

MediaPlane::MediaPlane(boost::asio::io_context& context, const Settings& settings, const IpAddress& address,
                       Report& report)
    : settings_(settings),
      report_(report),
      address_(address),
      next_port_(settings.first_media_port),
      readiness_(context, ::dup(poller_.descriptor())),
      slots_(1000 / settings.packets_per_second),
      pattern_(settings.payload - kStamps) {
  for (std::size_t i = 0; i < pattern_.size(); ++i) pattern_[i] = static_cast<std::uint8_t>(31 * i + 7);
  if (settings.media == MediaMode::srtp || settings.media == MediaMode::dtls) {
    auto engine = crypto::make_srtp_engine(crypto::EngineKind::ipsec_mb);
    if (!engine) throw std::runtime_error(engine.error().text);
    engine_ = std::move(*engine);
  }
  if (settings.media == MediaMode::dtls) {
    auto identity = keying::DtlsIdentity::make(keying::DtlsKeyType::ecdsa_p256);
    if (!identity) throw std::runtime_error(identity.error().text);
    identity_ = std::move(*identity);
  }
  await_readable();
}

Result<std::unique_ptr<MediaEnd>> MediaPlane::open(std::uint64_t id, std::uint64_t expected) {
  auto end = std::make_unique<MediaEnd>();
  end->id = id;
  end->expected = expected;
  end->ssrc = static_cast<std::uint32_t>(id * 2654435761U);
  const unsigned ports = (settings_.last_media_port - settings_.first_media_port) / 2U + 1U;
  for (unsigned i = 0; i < ports; ++i) {
    const Endpoint local{address_, next_port_};
    next_port_ = next_port_ + 2U > settings_.last_media_port ? settings_.first_media_port
                                                             : static_cast<std::uint16_t>(next_port_ + 2U);
    const transport::SocketAddress name(local);
    transport::Descriptor bound(socket(name.storage.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!bound) return fail(ErrorClass::exhausted, "no descriptor for media");
    if (bind(bound.get(), name.get(), name.size) != 0) continue;
    end->local = local;
    end->socket = std::move(bound);
    return end;
  }
  return fail(ErrorClass::exhausted, "no media port is free");
}

crypto::SrtpConfig MediaPlane::config(const crypto::KeyMaterial& key) const {
  crypto::SrtpConfig made;
  made.suite = *settings_.suite;
  made.master_key = key.key.duplicate();
  made.master_salt = key.salt.duplicate();
  made.mki = key.mki;
  made.mki_length = key.mki_length;
  return made;
}

Result<void> MediaPlane::listen(MediaEnd& end, const crypto::KeyMaterial* key) {
  if (engine_) {
    if (key == nullptr) return fail(ErrorClass::malformed, "no key to open media with");
    auto stream = engine_->make_inbound(config(*key));
    if (!stream) return tl::unexpected(stream.error());
    end.inbound = std::move(*stream);
  }
  return watch(end);
}

Result<void> MediaPlane::watch(MediaEnd& end) {
  // The socket leaves the set when it is closed.
  if (!poller_.add(end.socket.get(), std::bit_cast<std::uintptr_t>(&end)))
    return fail(ErrorClass::exhausted, "the kernel watches no more descriptors");
  return {};
}

Result<void> MediaPlane::send(MediaEnd& end, const Endpoint& remote, const crypto::KeyMaterial* key) {
  if (engine_) {
    auto stream = engine_->make_outbound(config(*key));
    if (!stream) return tl::unexpected(stream.error());
    end.outbound = std::move(*stream);
  }
  if (auto done = connect_to(end, remote); !done) return done;
  start_sending(end);
  return {};
}

Result<void> MediaPlane::connect_to(MediaEnd& end, const Endpoint& remote) {
  const transport::SocketAddress name(remote);
  if (connect(end.socket.get(), name.get(), name.size) != 0)
    return fail(ErrorClass::refused, std::string("media: ") + std::strerror(errno));
  return {};
}

void MediaPlane::start_sending(MediaEnd& end) {
  end.sending = true;
  end.slot = next_slot_++ % static_cast<std::uint32_t>(slots_.size());
  end.place = static_cast<std::uint32_t>(slots_[end.slot].size());
  slots_[end.slot].push_back(&end);
}

void MediaPlane::stop(MediaEnd& end) {
  end.handshake.reset();  // keys that come from now on are too late
  if (!end.sending) return;
  end.sending = false;
  std::vector<MediaEnd*>& slot = slots_[end.slot];
  slot[end.place] = slot.back();
  slot[end.place]->place = end.place;
  slot.pop_back();
}

void MediaPlane::tick() {
  if (identity_) serve_handshakes();
  const std::uint64_t now = now_us() / 1000;
  if (now - last_tick_ms_ > kMostMissedMs) last_tick_ms_ = now - 1;
  for (; last_tick_ms_ < now; ++last_tick_ms_) send_slot(slots_[last_tick_ms_ % slots_.size()]);
}

void MediaPlane::send_slot(std::vector<MediaEnd*>& slot) {
  for (std::size_t begin = 0; begin < slot.size(); begin += kBurst)
    send_some(std::span<MediaEnd* const>(slot).subspan(begin, std::min(kBurst, slot.size() - begin)));
}

std::size_t MediaPlane::write_packet(MediaEnd& end, std::uint8_t* packet) const {
  packet[0] = 0x80;
  packet[1] = 0;
  put_big(packet + 2, ++end.sequence);
  put_big(packet + 4, end.timestamp += kClockRate / settings_.packets_per_second);
  put_big(packet + 8, end.ssrc);
  const std::array<std::uint64_t, 4> stamps = {kMark, end.id, ++end.counts.sent, now_ns()};
  std::memcpy(packet + kRtpHeader, stamps.data(), kStamps);
  std::memcpy(packet + kRtpHeader + kStamps, pattern_.data(), pattern_.size());
  return kRtpHeader + settings_.payload;
}

void MediaPlane::send_some(std::span<MediaEnd* const> ends) {
  std::array<crypto::OutboundPacket, kBurst> burst;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    crypto::OutboundPacket& packet = burst[i];
    packet.data = buffers_[i].data();
    packet.length = static_cast<std::uint16_t>(write_packet(*ends[i], packet.data));
    packet.room = kRoom;
    packet.header_length = kRtpHeader;
    packet.sequence = ends[i]->sequence;
    packet.ssrc = ends[i]->ssrc;
    packet.stream = ends[i]->outbound.get();
  }
  if (engine_) engine_->protect_rtp(std::span(burst).first(ends.size()));
  for (std::size_t i = 0; i < ends.size(); ++i) {
    const bool sent = burst[i].outcome == crypto::SrtpOutcome::ok &&
                      ::send(ends[i]->socket.get(), burst[i].data, burst[i].length, MSG_DONTWAIT) >= 0;
    if (!sent) ++ends[i]->counts.not_sent;
  }
}

void MediaPlane::await_readable() {
  readiness_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                        [this](const boost::system::error_code& failure) {
                          if (failure) return;
                          read_all();
                          await_readable();
                        });
}

// One packet of each socket that has some, as many sockets at a time as a burst holds.
void MediaPlane::read_all() {
  const auto events = poller_.wait(0);
  for (std::size_t begin = 0; begin < events.size();) {
    std::array<crypto::InboundPacket, kBurst> burst;
    std::array<MediaEnd*, kBurst> ends{};
    std::size_t count = 0;
    for (; begin < events.size() && count < kBurst; ++begin) {
      auto* const end = std::bit_cast<MediaEnd*>(static_cast<std::uintptr_t>(events[begin].data.u64));
      std::uint8_t* const data = buffers_[count].data();
      const ssize_t octets = recv(end->socket.get(), data, kRoom, MSG_DONTWAIT);
      if (octets <= 0) continue;
      const std::span<const std::uint8_t> packet(data, static_cast<std::size_t>(octets));
      if (identity_ && is_handshake(packet)) shake(*end, packet);
      if (is_rtcp(packet) || (identity_ && (is_handshake(packet) || !end->inbound))) continue;
      const std::size_t header = header_length(packet);
      if (header == 0) {
        ++end->counts.wrong;
        continue;
      }
      crypto::InboundPacket& inbound = burst[count];
      inbound.data = data;
      inbound.length = static_cast<std::uint16_t>(octets);
      inbound.room = kRoom;
      inbound.header_length = static_cast<std::uint16_t>(header);
      inbound.sequence = static_cast<std::uint16_t>(data[2] << 8 | data[3]);
      inbound.ssrc = std::uint32_t{data[8]} << 24 | std::uint32_t{data[9]} << 16 |
                     std::uint32_t{data[10]} << 8 | data[11];
      inbound.stream = end->inbound.get();
      ends[count++] = end;
    }
    if (engine_) engine_->unprotect_rtp(std::span(burst).first(count));
    for (std::size_t i = 0; i < count; ++i) {
      if (burst[i].outcome != crypto::SrtpOutcome::ok)
        ++ends[i]->counts.unopened;
      else
        judge(*ends[i],
              std::span<const std::uint8_t>(burst[i].data, burst[i].length).subspan(burst[i].header_length));
    }
  }
}

void MediaPlane::judge(MediaEnd& end, std::span<const std::uint8_t> payload) {
  if (payload.size() != settings_.payload || stamp(payload, 0) != kMark ||
      stamp(payload, 1) != end.expected || !std::ranges::equal(payload.subspan(kStamps), pattern_)) {
    ++end.counts.wrong;
    return;
  }
  if (!is_new(end, stamp(payload, 2))) {
    ++end.counts.repeated;
    return;
  }
  if (end.first == 0) {
    end.first = stamp(payload, 2);
    end.heard_us = now_us();
  }
  ++end.counts.received;
  report_.record(Exchange::media_delay, (now_ns() - stamp(payload, 3)) / 1000);
}

bool MediaPlane::is_new(MediaEnd& end, std::uint64_t number) {
  constexpr std::uint64_t kWindow = 64;
  if (number > end.highest) {
    const std::uint64_t ahead = number - end.highest;
    end.window = ahead < kWindow ? end.window << ahead : 0;
    end.window |= 1;
    end.highest = number;
    return true;
  }
  ++end.counts.out_of_order;
  const std::uint64_t behind = end.highest - number;
  if (behind >= kWindow) return true;  // so late that nobody remembers
  const std::uint64_t bit = std::uint64_t{1} << behind;
  const bool seen = (end.window & bit) != 0;
  end.window |= bit;
  return !seen;
}

}  // namespace sallyport::sallyload
