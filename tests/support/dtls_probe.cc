// SPDX-License-Identifier: GPL-3.0-or-later
// A DTLS-SRTP endpoint on a loopback socket, for tests that let other programs talk to ours.
//
// dtls_probe passive FINGERPRINT             waits; prints its port
// dtls_probe active FINGERPRINT PORT         calls
//
// FINGERPRINT is the peer's SHA-256 in hexadecimal digits. It prints its own, then what became of the
// handshake with the suite and both master keys, which are a test's and nobody else's.
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "keying/dtls_association.h"

namespace {

using namespace sallyport;

constexpr keying::InstantMs kPatienceMs = 20'000;

keying::InstantMs now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::string digits(std::span<const std::uint8_t> octets) {
  std::string text;
  char room[3];
  for (const std::uint8_t octet : octets) {
    std::snprintf(room, sizeof room, "%02X", octet);
    text += room;
  }
  return text;
}

crypto::Fingerprint fingerprint(std::string_view text) {
  crypto::Fingerprint parsed;
  if (text.size() != 64) throw std::runtime_error("a fingerprint has 64 digits");
  for (std::size_t i = 0; i < 32; ++i)
    if (std::from_chars(text.data() + 2 * i, text.data() + 2 * i + 2, parsed.octets[i], 16).ptr !=
        text.data() + 2 * i + 2)
      throw std::runtime_error("no fingerprint");
  return parsed;
}

/// One peer: the first that speaks, or the one that is called.
class Socket final : public keying::DatagramSink {
 public:
  explicit Socket(std::uint16_t peer_port) : descriptor_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in own{};
    own.sin_family = AF_INET;
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof own;
    if (bind(descriptor_, reinterpret_cast<sockaddr*>(&own), size) != 0 ||
        getsockname(descriptor_, reinterpret_cast<sockaddr*>(&own), &size) != 0)
      throw std::runtime_error("no port");
    port = ntohs(own.sin_port);
    own.sin_port = htons(peer_port);
    peer_ = own;
  }
  ~Socket() { close(descriptor_); }

  void send(std::span<const std::uint8_t> payload) override {
    sendto(descriptor_, payload.data(), payload.size(), 0, reinterpret_cast<const sockaddr*>(&peer_),
           sizeof peer_);
  }
  /// Empty: nothing within the time.
  std::span<const std::uint8_t> receive(keying::InstantMs timeout_ms) {
    pollfd ready{descriptor_, POLLIN, 0};
    if (poll(&ready, 1, static_cast<int>(timeout_ms)) != 1) return {};
    socklen_t size = sizeof peer_;
    const ssize_t octets =
        recvfrom(descriptor_, room_, sizeof room_, 0, reinterpret_cast<sockaddr*>(&peer_), &size);
    return {room_, octets > 0 ? static_cast<std::size_t>(octets) : 0};
  }

  std::uint16_t port = 0;

 private:
  int descriptor_;
  sockaddr_in peer_{};
  std::uint8_t room_[65536];
};

keying::DtlsOutcome converse(keying::DtlsAssociation& association, Socket& socket) {
  using State = keying::DtlsAssociation::State;
  const keying::InstantMs end = now_ms() + kPatienceMs;
  association.start(now_ms());
  while (association.state() != State::established && association.state() != State::over && now_ms() < end) {
    const keying::InstantMs wait = association.deadline().value_or(end) - now_ms();
    const auto datagram = socket.receive(std::max<keying::InstantMs>(wait, 0));
    if (datagram.empty())
      association.on_timer(now_ms());
    else
      association.receive(datagram, now_ms());
  }
  return association.outcome();
}

int run(std::string_view role, std::string_view peer_fingerprint, std::string_view port) {
  std::uint16_t peer_port = 0;
  std::from_chars(port.data(), port.data() + port.size(), peer_port);
  Socket socket(peer_port);
  keying::DtlsSettings settings;
  settings.identity = keying::DtlsIdentity::make(keying::DtlsKeyType::ecdsa_p256).value();
  settings.role = role == "active" ? keying::DtlsRole::active : keying::DtlsRole::passive;
  settings.profiles = {crypto::SuiteId::aead_aes_256_gcm, crypto::SuiteId::aead_aes_128_gcm,
                       crypto::SuiteId::aes_cm_128_hmac_sha1_80, crypto::SuiteId::aes_cm_128_hmac_sha1_32};
  settings.peer_fingerprints = {fingerprint(peer_fingerprint)};
  std::printf("port %u\nfingerprint %s\n", socket.port,
              digits(settings.identity->fingerprints()[0].view()).c_str());
  std::fflush(stdout);
  keying::DtlsAssociation association(std::move(settings), socket);
  const auto outcome = converse(association, socket);
  std::printf("outcome %s\n", std::string(info(outcome).name).c_str());
  if (const auto keys = association.take_keys())
    std::printf("suite %s\nsends %s\nreceives %s\n", std::string(crypto::suite(keys->suite).name).c_str(),
                (digits(keys->send.key.view()) + " " + digits(keys->send.salt.view())).c_str(),
                (digits(keys->receive.key.view()) + " " + digits(keys->receive.salt.view())).c_str());
  association.close();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  try {
    return run(argv[1], argv[2], argc > 3 ? argv[3] : "0");
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "%s\n", problem.what());
    return 1;
  }
}
