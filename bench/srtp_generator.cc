// SPDX-License-Identifier: GPL-3.0-or-later
// Packets: paced, stamped, protected, sent; received, opened, judged.
//
//    | RTP header, 12 octets: version 2, type 0 (PCMU), the stream's number as SSRC |
//    | sent at: nanoseconds of this machine's clock, 8 octets | pattern, 152 octets |
#include "bench/srtp_generator.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <tuple>

#include <fcntl.h>
#include <sched.h>
#include <time.h>

#include "base/base64.h"

namespace sallyport::bench {

namespace {

constexpr std::size_t kHeader = 12;
constexpr std::size_t kPayload = 160;
constexpr std::uint64_t kPacketsPerStream = 50;  ///< a second
constexpr std::uint32_t kTicksPerPacket = 160;   ///< of a clock of 8 kHz
constexpr std::uint32_t kFirstSsrc = 0x53000000;
constexpr std::uint64_t kSecond = 1'000'000'000;
/// What is later than this is left out, so that a stall is not followed by a flood.
constexpr std::uint64_t kLatestNs = 100'000'000;
constexpr int kSocketBuffer = 32 << 20;

std::uint64_t nanoseconds(const timespec& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * kSecond + static_cast<std::uint64_t>(time.tv_nsec);
}
/// Of the clock that the kernel stamps packets by.
std::uint64_t now_ns() {
  timespec time{};
  clock_gettime(CLOCK_REALTIME, &time);
  return nanoseconds(time);
}

[[noreturn]] void give_up(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

const std::array<std::uint8_t, kPayload - 8>& pattern() {
  static const auto octets = [] {
    std::array<std::uint8_t, kPayload - 8> made{};
    for (std::size_t i = 0; i < made.size(); ++i) made[i] = static_cast<std::uint8_t>(31 * i + 7);
    return made;
  }();
  return octets;
}

crypto::SrtpConfig configure(const std::string& key) {
  crypto::SrtpConfig config;
  const crypto::Suite& suite = crypto::suite(config.suite);
  std::array<std::uint8_t, crypto::kMaxMasterKeyLength + crypto::kMaxMasterSaltLength> octets{};
  if (decode_base64(key, octets) != suite.key_length + suite.salt_length)
    throw std::runtime_error("a key is not base64 of key and salt");
  const std::span<const std::uint8_t> all(octets);
  config.master_key = Secret<crypto::kMaxMasterKeyLength>(all.first(suite.key_length));
  config.master_salt = Secret<crypto::kMaxMasterSaltLength>(all.subspan(suite.key_length, suite.salt_length));
  wipe(octets.data(), octets.size());
  return config;
}

sockaddr_in to_kernel(const Endpoint& endpoint) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(endpoint.port);
  std::ranges::copy(endpoint.address.v4_octets(), reinterpret_cast<std::uint8_t*>(&name.sin_addr));
  return name;
}

/// Sockets made while it lives belong to another network namespace.
class InNamespace {
 public:
  explicit InNamespace(const std::string& name) : own_(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)) {
    const transport::Descriptor there(open(("/run/netns/" + name).c_str(), O_RDONLY | O_CLOEXEC));
    if (!own_ || !there || setns(there.get(), CLONE_NEWNET) != 0) give_up("network namespace " + name);
  }
  InNamespace(const InNamespace&) = delete;
  InNamespace& operator=(const InNamespace&) = delete;
  ~InNamespace() { static_cast<void>(setns(own_.get(), CLONE_NEWNET)); }

 private:
  transport::Descriptor own_;
};

std::uint32_t read_big32(const std::uint8_t* at) {
  return std::uint32_t{at[0]} << 24 | std::uint32_t{at[1]} << 16 | std::uint32_t{at[2]} << 8 | at[3];
}
void write_big(std::uint8_t* at, std::uint32_t number, unsigned octets) {
  for (unsigned i = 0; i < octets; ++i) at[i] = static_cast<std::uint8_t>(number >> (8 * (octets - 1 - i)));
}

/// When the kernel took a datagram in; 0 if it did not say.
std::uint64_t arrival(const msghdr& message) {
  for (const cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(const_cast<msghdr*>(&message), const_cast<cmsghdr*>(part)))
    if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_TIMESTAMPNS) {
      timespec time{};
      std::memcpy(&time, CMSG_DATA(part), sizeof time);
      return nanoseconds(time);
    }
  return 0;
}

}  // namespace

std::vector<Call> read_calls(const std::string& path) {
  std::ifstream file(path);
  std::vector<Call> calls;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    Call call;
    for (Party& party : call.parties) {
      std::string relay;
      if (!(words >> party.port >> relay >> party.send_key >> party.receive_key))
        throw std::runtime_error(path + ": a line that is no call");
      const auto endpoint = Endpoint::parse(relay);
      if (!endpoint || !endpoint->address.is_v4())
        throw std::runtime_error(path + ": no IPv4 address and port: " + relay);
      party.relay = *endpoint;
    }
    calls.push_back(std::move(call));
  }
  if (calls.empty()) throw std::runtime_error(path + ": no calls");
  return calls;
}

Generator::Generator(const std::array<Side, 2>& sides, const std::vector<Call>& calls) {
  auto engine = crypto::make_srtp_engine(crypto::EngineKind::ipsec_mb);
  if (!engine) throw std::runtime_error(engine.error().text);
  engine_ = std::move(*engine);
  // Streams that share a socket follow each other, so that a burst leaves by few system calls.
  for (std::size_t begin = 0; begin < calls.size();) {
    const auto first = calls.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto end = std::find_if(
        first, calls.end(), [&](const Call& call) { return call.parties[0].port != first->parties[0].port; });
    for (std::size_t side = 0; side < 2; ++side)
      for (auto call = first; call != end; ++call)
        add_stream(sides[side], call->parties[side], call->parties[1 - side]);
    // The other side's sockets must be there before anything comes.
    for (auto call = first; call != end; ++call)
      static_cast<void>(socket_of(sides[1], call->parties[1].port));
    begin = static_cast<std::size_t>(end - calls.begin());
  }
}

int Generator::socket_of(const Side& side, std::uint16_t port) {
  transport::Descriptor& descriptor = sockets_[{side.network_namespace, port}];
  if (descriptor) return descriptor.get();
  const InNamespace inside(side.network_namespace);
  descriptor = transport::Descriptor(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const sockaddr_in name = to_kernel({side.address, port});
  if (!descriptor || bind(descriptor.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0)
    give_up("a socket on " + Endpoint{side.address, port}.to_string());
  const int on = 1;
  if (setsockopt(descriptor.get(), SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0)
    give_up("SO_TIMESTAMPNS");
  for (const int buffer : {SO_RCVBUFFORCE, SO_SNDBUFFORCE})
    if (setsockopt(descriptor.get(), SOL_SOCKET, buffer, &kSocketBuffer, sizeof kSocketBuffer) != 0)
      give_up("a socket's buffer");
  return descriptor.get();
}

void Generator::add_stream(const Side& side, const Party& from, const Party& to) {
  auto outbound = engine_->make_outbound(configure(from.send_key));
  auto inbound = engine_->make_inbound(configure(to.receive_key));
  if (!outbound || !inbound) throw std::runtime_error("a key was refused");
  Stream stream;
  stream.socket = socket_of(side, from.port);
  stream.relay = to_kernel(from.relay);
  stream.outbound = std::move(*outbound);
  stream.inbound = std::move(*inbound);
  streams_.push_back(std::move(stream));
}

bool Generator::set_rate(std::uint64_t packets_per_second) {
  const std::uint64_t needed = (packets_per_second + kPacketsPerStream - 1) / kPacketsPerStream;
  if (needed > streams_.size()) return false;
  rate_ = packets_per_second;
  active_ = static_cast<std::size_t>(needed);
  due_ = 0;
  begun_ns_ = now_ns();
  return true;
}

void Generator::send() {
  if (rate_ == 0) return;
  const std::uint64_t now = now_ns();
  const std::uint64_t wanted = (now - begun_ns_) * rate_ / kSecond;
  if (wanted <= due_) return;
  const std::uint64_t most = kLatestNs * rate_ / kSecond;
  if (wanted - due_ > most) {
    report_.skipped += wanted - due_ - most;
    due_ = wanted - most;
  }
  while (due_ < wanted) send_burst(static_cast<std::size_t>(std::min<std::uint64_t>(wanted - due_, kBurst)));
}

crypto::OutboundPacket Generator::write_packet(std::uint32_t index, Room& room, std::uint64_t now) {
  Stream& stream = streams_[index];
  room[0] = 0x80;
  room[1] = 0;
  write_big(&room[2], ++stream.sequence, 2);
  write_big(&room[4], stream.timestamp += kTicksPerPacket, 4);
  write_big(&room[8], kFirstSsrc + index, 4);
  std::memcpy(&room[kHeader], &now, sizeof now);
  std::ranges::copy(pattern(), room.begin() + kHeader + sizeof now);
  crypto::OutboundPacket packet;
  packet.data = room.data();
  packet.length = kHeader + kPayload;
  packet.room = kRoom;
  packet.header_length = kHeader;
  packet.sequence = stream.sequence;
  packet.ssrc = kFirstSsrc + index;
  packet.stream = stream.outbound.get();
  return packet;
}

void Generator::send_burst(std::size_t count) {
  std::array<crypto::OutboundPacket, kBurst> packets;
  std::array<iovec, kBurst> pieces{};
  std::array<mmsghdr, kBurst> messages{};
  std::array<int, kBurst> sockets{};
  const std::uint64_t now = now_ns();
  for (std::size_t i = 0; i < count; ++i) {
    const auto index = static_cast<std::uint32_t>(due_++ % active_);
    packets[i] = write_packet(index, rooms_[i], now);
    sockets[i] = streams_[index].socket;
    messages[i].msg_hdr.msg_name = &streams_[index].relay;
    messages[i].msg_hdr.msg_namelen = sizeof streams_[index].relay;
  }
  engine_->protect_rtp(std::span(packets).first(count));
  for (std::size_t i = 0; i < count; ++i) {
    pieces[i] = {packets[i].data, packets[i].length};
    messages[i].msg_hdr.msg_iov = &pieces[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  for (std::size_t begin = 0; begin < count;) {
    std::size_t end = begin + 1;
    while (end < count && sockets[end] == sockets[begin]) ++end;
    const int sent = sendmmsg(sockets[begin], &messages[begin], static_cast<unsigned>(end - begin), 0);
    if (sent > 0) report_.sent += static_cast<std::uint64_t>(sent);
    begin += static_cast<std::size_t>(std::max(sent, 0));
    if (begin == end) continue;
    ++report_.not_sent;  // the one at which the kernel stopped; the rest is tried again
    ++begin;
  }
}

void Generator::receive() {
  std::array<Room, kBurst> rooms;
  std::array<iovec, kBurst> pieces{};
  std::array<mmsghdr, kBurst> messages{};
  alignas(cmsghdr) std::array<std::array<char, 64>, kBurst> controls{};
  for (std::size_t i = 0; i < kBurst; ++i) {
    pieces[i] = {rooms[i].data(), rooms[i].size()};
    messages[i].msg_hdr.msg_iov = &pieces[i];
    messages[i].msg_hdr.msg_iovlen = 1;
    messages[i].msg_hdr.msg_control = controls[i].data();
  }
  for (const auto& [name, descriptor] : sockets_)
    for (int got = kBurst; got == static_cast<int>(kBurst);) {
      for (mmsghdr& message : messages) message.msg_hdr.msg_controllen = controls[0].size();
      got = recvmmsg(descriptor.get(), messages.data(), kBurst, MSG_DONTWAIT, nullptr);
      if (got > 0) receive_burst(std::span(messages).first(static_cast<std::size_t>(got)));
    }
}

void Generator::receive_burst(std::span<const mmsghdr> messages) {
  std::array<crypto::InboundPacket, kBurst> packets;
  std::array<std::uint64_t, kBurst> came{};
  std::size_t count = 0;
  for (const mmsghdr& message : messages) {
    auto* const data = static_cast<std::uint8_t*>(message.msg_hdr.msg_iov->iov_base);
    if (message.msg_len >= 2 && data[1] >= 192 && data[1] <= 223) continue;  // RTCP that a relay made up
    const std::uint32_t index = message.msg_len < kHeader ? UINT32_MAX : read_big32(data + 8) - kFirstSsrc;
    if (index >= streams_.size()) {
      ++report_.wrong;
      continue;
    }
    came[count] = arrival(message.msg_hdr);
    crypto::InboundPacket& packet = packets[count++];
    packet.data = data;
    packet.length = static_cast<std::uint16_t>(message.msg_len);
    packet.room = kRoom;
    packet.header_length = kHeader;
    packet.sequence = static_cast<std::uint16_t>(data[2] << 8 | data[3]);
    packet.ssrc = kFirstSsrc + index;
    packet.stream = streams_[index].inbound.get();
  }
  engine_->unprotect_rtp(std::span(packets).first(count));
  for (std::size_t i = 0; i < count; ++i) judge(packets[i], came[i]);
}

void Generator::judge(const crypto::InboundPacket& packet, std::uint64_t came) {
  using crypto::SrtpOutcome;
  if (packet.outcome == SrtpOutcome::replayed || packet.outcome == SrtpOutcome::too_old) {
    ++report_.repeated;
    return;
  }
  if (packet.outcome != SrtpOutcome::ok) {
    ++report_.unopened;
    return;
  }
  const std::span<const std::uint8_t> payload(packet.data + kHeader, packet.length - kHeader);
  if (payload.size() != kPayload || !std::ranges::equal(payload.subspan(8), pattern())) {
    ++report_.wrong;
    return;
  }
  ++report_.received;
  std::uint64_t left = 0;
  std::memcpy(&left, payload.data(), sizeof left);
  if (came >= left) report_.latency.record(came - left);
}

GeneratorReport Generator::report() {
  const GeneratorReport told = report_;
  report_.latency = {};
  return told;
}

}  // namespace sallyport::bench
