// SPDX-License-Identifier: GPL-3.0-or-later
// A flood of what a worker hands on rather than relays: forged ClientHellos and STUN checks, turn about.
//
//     punt_flood RATE SECONDS TARGETS ADDRESS…
//
// TARGETS is a file with one ADDRESS:PORT a line; packets go to each in turn, from sockets on all the named
// addresses, RATE a second. At the end it prints a line of JSON: what was sent, what the kernel did not take,
// how long it took.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <sys/socket.h>
#include <time.h>

#include "base/descriptor.h"
#include "keying/stun.h"
#include "transport/socket.h"

namespace sallyport::bench {
namespace {

constexpr std::size_t kSocketsAnAddress = 256;
constexpr std::size_t kBatch = 32;    ///< packets of one socket that leave by one system call
constexpr std::size_t kForms = 1024;  ///< different packets of each kind
constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr long kTickNs = 500'000;
/// A stall is not followed by more than what this time would have brought.
constexpr std::uint64_t kLatestNs = 5'000'000;

using Octets = std::vector<std::uint8_t>;

class Draw {
 public:
  [[nodiscard]] std::uint8_t octet() { return static_cast<std::uint8_t>(engine_()); }
  void append(Octets& octets, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) octets.push_back(octet());
  }

 private:
  std::mt19937 engine_{20260101};  // the same flood each time
};

void append_big(Octets& octets, std::uint64_t number, std::size_t length) {
  for (std::size_t i = length; i-- > 0;) octets.push_back(static_cast<std::uint8_t>(number >> (8 * i)));
}

void append(Octets& octets, const Octets& more) {
  octets.insert(octets.end(), more.begin(), more.end());
}

//    | type 22, DTLS 1.0, epoch 0, sequence number, length                        |  RFC 6347 §4.1
//    | type 1, length, message_seq 0, fragment_offset 0, fragment_length          |  §4.2.2
//    | DTLS 1.2, random, no session, no cookie, two suites, no compression        |  §4.2.1
//    | supported_groups, signature_algorithms, extended_master_secret, use_srtp   |
Octets client_hello(Draw& draw) {
  constexpr std::uint64_t kDtls10 = 0xfeff;
  constexpr std::uint64_t kDtls12 = 0xfefd;
  const Octets extensions = {0, 10, 0, 4, 0, 2, 0, 29,      // X25519
                             0, 13, 0, 4, 0, 2, 4, 3,       // ECDSA with P-256 and SHA-256
                             0, 23, 0, 0,                   //
                             0, 14, 0, 5, 0, 2, 0, 1,  0};  // SRTP_AES128_CM_HMAC_SHA1_80
  Octets body;
  append_big(body, kDtls12, 2);
  draw.append(body, 32);
  append(body, {0, 0, 0, 4, 0xc0, 0x2b, 0xc0, 0x2f, 1, 0});  // ECDHE with AES-128-GCM
  append_big(body, extensions.size(), 2);
  append(body, extensions);
  Octets packet = {22};
  append_big(packet, kDtls10, 2);
  append_big(packet, draw.octet(), 8);
  append_big(packet, body.size() + 12, 2);
  append_big(packet, 1, 1);
  append_big(packet, body.size(), 3);
  append_big(packet, 0, 5);
  append_big(packet, body.size(), 3);
  append(packet, body);
  return packet;
}

/// As an ICE agent that controls would send it, but for the user and the password.
Octets check(Draw& draw) {
  Octets id;
  Octets password;
  draw.append(id, keying::StunTransactionId().size());
  draw.append(password, 24);
  keying::StunTransactionId transaction;
  std::ranges::copy(id, transaction.begin());
  keying::StunWriter writer(keying::StunClass::request, keying::kStunBinding, transaction);
  writer.username("abcd" + std::to_string(draw.octet()) + ":wxyz");
  writer.priority(0x6e7f00ff);
  writer.use_candidate();
  writer.ice_controlling(draw.octet());
  writer.message_integrity(keying::StunKey(password));
  writer.fingerprint();
  return {writer.octets().begin(), writer.octets().end()};
}

std::vector<Octets> packets() {
  Draw draw;
  std::vector<Octets> made;
  for (std::size_t i = 0; i < kForms; ++i) {
    made.push_back(client_hello(draw));
    made.push_back(check(draw));
  }
  return made;
}

std::vector<Descriptor> sockets(char** addresses, std::size_t count) {
  std::vector<Descriptor> made;
  for (std::size_t i = 0; i < count * kSocketsAnAddress; ++i) {
    const auto address = IpAddress::parse(addresses[i % count]);
    if (!address) throw std::runtime_error(std::string("no address: ") + addresses[i % count]);
    const transport::SocketAddress name(Endpoint{*address, 0});
    Descriptor bound(socket(name.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!bound || bind(bound.get(), name.get(), name.size) != 0)
      throw std::runtime_error(std::string(addresses[i % count]) + ": " + std::strerror(errno));
    made.push_back(std::move(bound));
  }
  return made;
}

std::vector<transport::SocketAddress> targets(const char* path) {
  std::ifstream file(path);
  std::vector<transport::SocketAddress> read;
  for (std::string line; std::getline(file, line);) {
    const auto endpoint = Endpoint::parse(line);
    if (!endpoint) throw std::runtime_error("no address and port: " + line);
    read.emplace_back(*endpoint);
  }
  if (read.empty()) throw std::runtime_error(std::string("no targets in ") + path);
  return read;
}

class Flood {
 public:
  Flood(std::vector<transport::SocketAddress> targets, std::vector<Descriptor> sockets)
      : targets_(std::move(targets)), sockets_(std::move(sockets)), packets_(packets()) {}

  void send(std::uint64_t count) {
    for (std::uint64_t rest = count; rest != 0;) {
      const auto batch = static_cast<std::size_t>(std::min<std::uint64_t>(rest, kBatch));
      send_batch(batch);
      rest -= batch;
    }
  }
  [[nodiscard]] std::uint64_t sent() const { return sent_; }
  [[nodiscard]] std::uint64_t refused() const { return refused_; }

 private:
  void send_batch(std::size_t count) {
    std::array<mmsghdr, kBatch> messages{};
    std::array<iovec, kBatch> parts{};
    for (std::size_t i = 0; i < count; ++i, ++next_) {
      // Two kinds, one after the other, to each target; next time round the other kind comes first, for the
      // first of two may spend what a port has for both.
      Octets& packet = packets_[(next_ + next_ / (2 * targets_.size())) % packets_.size()];
      transport::SocketAddress& target = targets_[next_ / 2 % targets_.size()];
      parts[i] = {packet.data(), packet.size()};
      messages[i].msg_hdr.msg_name = &target.storage;
      messages[i].msg_hdr.msg_namelen = target.size;
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    const int socket = sockets_[batches_++ % sockets_.size()].get();
    const int taken = sendmmsg(socket, messages.data(), static_cast<unsigned>(count), MSG_DONTWAIT);
    const std::uint64_t went = taken < 0 ? 0 : static_cast<std::uint64_t>(taken);
    sent_ += went;
    refused_ += count - went;
  }

  std::vector<transport::SocketAddress> targets_;
  std::vector<Descriptor> sockets_;
  std::vector<Octets> packets_;
  std::uint64_t next_ = 0;
  std::uint64_t batches_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t refused_ = 0;
};

std::uint64_t now_ns() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * kSecond + static_cast<std::uint64_t>(time.tv_nsec);
}

void run(Flood& flood, double rate, double seconds) {
  const double per_ns = rate / static_cast<double>(kSecond);
  const std::uint64_t begun = now_ns();
  const std::uint64_t end = begun + static_cast<std::uint64_t>(seconds * static_cast<double>(kSecond));
  std::uint64_t paid = begun;  ///< until when everything is sent
  for (std::uint64_t now = begun; now < end; now = now_ns()) {
    paid = std::max(paid, now - std::min(now, kLatestNs));
    const auto due = static_cast<std::uint64_t>(static_cast<double>(now - paid) * per_ns);
    flood.send(due);
    paid += static_cast<std::uint64_t>(static_cast<double>(due) / per_ns);
    const timespec tick{0, kTickNs};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &tick, nullptr);
  }
  std::printf("{\"sent\": %" PRIu64 ", \"refused\": %" PRIu64 ", \"seconds\": %.3f}\n", flood.sent(),
              flood.refused(), static_cast<double>(now_ns() - begun) / static_cast<double>(kSecond));
}

}  // namespace
}  // namespace sallyport::bench

int main(int argc, char** argv) {
  using namespace sallyport::bench;
  if (argc < 5) {
    std::fprintf(stderr, "usage: %s RATE SECONDS TARGETS ADDRESS…\n", argv[0]);
    return 2;
  }
  try {
    const double rate = std::strtod(argv[1], nullptr);
    const double seconds = std::strtod(argv[2], nullptr);
    if (rate <= 0 || seconds <= 0) throw std::runtime_error("RATE and SECONDS are more than nothing");
    Flood flood(targets(argv[3]), sockets(argv + 4, static_cast<std::size_t>(argc - 4)));
    run(flood, rate, seconds);
    return 0;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 1;
  }
}
