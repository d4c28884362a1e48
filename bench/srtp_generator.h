// SPDX-License-Identifier: GPL-3.0-or-later
// A generator of SRTP calls: two parties of each call in two network namespaces, and a relay between them
// that is measured by what comes back. Every packet that comes is opened and judged.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/histogram.h"
#include "base/ip_address.h"
#include "crypto/srtp.h"
#include "transport/descriptor.h"

namespace sallyport::bench {

/// Where the sockets of one side of all calls are.
struct Side {
  std::string network_namespace;  ///< a name of ip-netns(8)
  IpAddress address;              ///< IPv4
};

/// One party of a call: its own port, where it sends to, and under which keys (base64 of key and salt).
struct Party {
  std::uint16_t port = 0;
  Endpoint relay;
  std::string send_key;
  std::string receive_key;
};

struct Call {
  std::array<Party, 2> parties;
};

/// One call a line: of each party port, relay's address and port, send key, receive key. Throws
/// std::runtime_error.
[[nodiscard]] std::vector<Call> read_calls(const std::string& path);

/// Since the generator began, but for the times.
struct GeneratorReport {
  std::uint64_t sent = 0;
  std::uint64_t not_sent = 0;  ///< refused by the kernel
  std::uint64_t received = 0;  ///< verified, whole, and for the first time
  std::uint64_t repeated = 0;  ///< replayed or too old
  std::uint64_t unopened = 0;  ///< whose tag did not verify
  std::uint64_t wrong = 0;     ///< opened, but not what was sent
  Histogram latency;           ///< since the last report, in nanoseconds from before protection to the
                               ///< kernel's receipt
  std::uint64_t skipped = 0;   ///< left out, because their time was long over
};

class Generator {
 public:
  /// Throws std::runtime_error.
  Generator(const std::array<Side, 2>& sides, const std::vector<Call>& calls);

  /// Packets a second over as many streams as that needs, 20 ms from packet to packet of each. 0: none.
  /// False: there are not so many streams.
  [[nodiscard]] bool set_rate(std::uint64_t packets_per_second);
  [[nodiscard]] bool sends() const { return rate_ != 0; }
  /// Sends what is due.
  void send();
  /// Takes all that has come.
  void receive();
  [[nodiscard]] GeneratorReport report();

 private:
  static constexpr std::size_t kBurst = crypto::SrtpEngine::kMaxBurst;
  static constexpr std::size_t kRoom = 512;

  /// One direction of a call.
  struct Stream {
    int socket = -1;
    sockaddr_in relay{};
    crypto::OutboundStreamPtr outbound;
    crypto::InboundStreamPtr inbound;
    std::uint16_t sequence = 0;
    std::uint32_t timestamp = 0;
  };
  using Room = std::array<std::uint8_t, kRoom>;

  [[nodiscard]] int socket_of(const Side& side, std::uint16_t port);
  void add_stream(const Side& side, const Party& from, const Party& to);
  [[nodiscard]] crypto::OutboundPacket write_packet(std::uint32_t index, Room& room, std::uint64_t now);
  void send_burst(std::size_t count);
  void receive_burst(std::span<const mmsghdr> messages);
  void judge(const crypto::InboundPacket& packet, std::uint64_t came);

  std::unique_ptr<crypto::SrtpEngine> engine_;
  std::map<std::pair<std::string, std::uint16_t>, transport::Descriptor> sockets_;
  std::vector<Stream> streams_;
  GeneratorReport report_;
  std::uint64_t rate_ = 0;
  std::uint64_t begun_ns_ = 0;  ///< when the first packet at this rate was due
  std::uint64_t due_ = 0;       ///< packets of this rate that have been sent
  std::size_t active_ = 0;      ///< streams that this rate needs
  std::array<Room, kBurst> rooms_{};
};

}  // namespace sallyport::bench
