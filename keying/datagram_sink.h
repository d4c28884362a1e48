// SPDX-License-Identifier: GPL-3.0-or-later
// Where the machines of this folder put the datagrams that they want sent.
#pragma once

#include <cstdint>
#include <span>

namespace sallyport::keying {

class DatagramSink {
 public:
  /// One UDP payload, valid during the call. It may be lost like any datagram.
  virtual void send(std::span<const std::uint8_t> payload) = 0;

 protected:
  ~DatagramSink() = default;
};

}  // namespace sallyport::keying
