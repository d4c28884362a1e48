// SPDX-License-Identifier: GPL-3.0-or-later
// Media: RTP and SRTP from sockets of our own, each packet numbered and stamped so that whoever gets it can
// judge it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "crypto/keying.h"
#include "crypto/srtp.h"
#include "keying/dtls_identity.h"
#include "sallyload/media_handshake.h"
#include "sallyload/report.h"
#include "sallyload/settings.h"
#include "transport/descriptor.h"

namespace sallyport::sallyload {

/// One end of one call's stream.
struct MediaEnd {
  Endpoint local;
  transport::Descriptor socket;
  std::uint64_t id = 0;        ///< in each packet that it sends
  std::uint64_t expected = 0;  ///< in each packet that it should get
  crypto::OutboundStreamPtr outbound;
  crypto::InboundStreamPtr inbound;
  MediaCounts counts;
  std::uint64_t highest = 0;  ///< number of a packet that came, from 1
  std::uint64_t window = 0;   ///< bit n: the packet n below the highest came
  std::uint16_t sequence = 0;
  std::uint32_t timestamp = 0;
  std::uint32_t ssrc = 0;
  bool sending = false;
  std::uint32_t slot = 0;   ///< when in its period it sends
  std::uint32_t place = 0;  ///< in its slot
  std::unique_ptr<MediaHandshake> handshake;
  std::uint64_t keyed_us = 0;  ///< when DTLS-SRTP had given keys; 0: it has not
  std::uint64_t heard_us = 0;  ///< when media came first; 0: none did
  std::uint64_t first = 0;     ///< number of the packet that came first
};

class MediaPlane {
 public:
  /// Throws std::runtime_error.
  MediaPlane(boost::asio::io_context& context, const Settings& settings, const IpAddress& address,
             Report& report);

  /// A socket on an even port; its neighbour stays free for the RTCP that others may send.
  [[nodiscard]] Result<std::unique_ptr<MediaEnd>> open(std::uint64_t id, std::uint64_t expected);
  /// From now on it reads what comes; `key` is the sender's, of SRTP.
  [[nodiscard]] Result<void> listen(MediaEnd& end, const crypto::KeyMaterial* key);
  [[nodiscard]] Result<void> send(MediaEnd& end, const Endpoint& remote, const crypto::KeyMaterial* key);
  void stop(MediaEnd& end);

  // By DTLS-SRTP (media_handshake.cc): in the place of listen() and send().
  /// Of the certificate that all ends share.
  [[nodiscard]] const crypto::Fingerprint& fingerprint() const { return identity_->fingerprints().front(); }
  /// From now on the end reads, and answers `peer`'s handshake if that is how it is to be.
  [[nodiscard]] Result<void> await_handshake(MediaEnd& end, const Endpoint& remote, DtlsPeer peer);
  /// An active end begins. Media follows its keys.
  void begin_handshake(MediaEnd& end);

  /// Sends what is due, handshakes' flights included; reads nothing.
  void tick();

 private:
  static constexpr std::size_t kBurst = crypto::SrtpEngine::kMaxBurst;
  static constexpr std::size_t kRoom = 2048;

  [[nodiscard]] crypto::SrtpConfig config(const crypto::KeyMaterial& key) const;
  [[nodiscard]] Result<void> watch(MediaEnd& end);
  [[nodiscard]] static Result<void> connect_to(MediaEnd& end, const Endpoint& remote);
  void start_sending(MediaEnd& end);
  void shake(MediaEnd& end, std::span<const std::uint8_t> datagram);
  [[nodiscard]] Result<void> take_keys(MediaEnd& end, const crypto::Keying& keys);
  void serve_handshakes();
  void send_slot(std::vector<MediaEnd*>& slot);
  void send_some(std::span<MediaEnd* const> ends);
  [[nodiscard]] std::size_t write_packet(MediaEnd& end, std::uint8_t* packet) const;
  void await_readable();
  void read_all();
  void judge(MediaEnd& end, std::span<const std::uint8_t> packet);
  [[nodiscard]] static bool is_new(MediaEnd& end, std::uint64_t number);

  const Settings& settings_;
  Report& report_;
  IpAddress address_;
  std::uint16_t next_port_;
  std::unique_ptr<crypto::SrtpEngine> engine_;
  std::shared_ptr<const keying::DtlsIdentity> identity_;
  MediaHandshakes handshakes_;  ///< that may have flights to repeat
  keying::InstantMs last_flights_ms_ = 0;
  transport::Poller poller_;
  boost::asio::posix::stream_descriptor readiness_;
  std::vector<std::vector<MediaEnd*>> slots_;  ///< one for each millisecond of the period
  std::uint32_t next_slot_ = 0;
  std::uint64_t last_tick_ms_ = 0;
  std::vector<std::uint8_t> pattern_;  ///< what every payload looks like behind its number
  std::array<std::array<std::uint8_t, kRoom>, kBurst> buffers_;
};

/// Key and salt of a suite, from the kernel's random source. Throws std::runtime_error.
[[nodiscard]] crypto::KeyMaterial draw_key(crypto::SuiteId suite);

}  // namespace sallyport::sallyload
