// SPDX-License-Identifier: GPL-3.0-or-later
// DtlsWire: what OpenSSL believes to be its network: one datagram in at a time, datagrams out as they are
// written, and no more of them than an unproven address may be sent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "keying/datagram_sink.h"

struct bio_st;
struct ssl_st;

namespace sallyport::keying {

/// A memory BIO would not do: it forgets where one datagram ends and the next begins.
class DtlsWire {
 public:
  /// Towards an address of which nobody knows that it wants our packets: so many octets, and three times what
  /// came from there. The first sum lets a whole flight out, three times, after a short ClientHello.
  struct Budget {
    bool is_unlimited = false;
    std::uint32_t allowance = 4096;
    std::uint32_t amplification = 3;
  };

  DtlsWire(DatagramSink& sink, const Budget& budget) : sink_(sink), budget_(budget) {}
  DtlsWire(const DtlsWire&) = delete;
  DtlsWire& operator=(const DtlsWire&) = delete;

  /// Makes this the network of `ssl`, which must not outlive it. Out of memory aborts.
  void attach(ssl_st& ssl);
  /// The next datagram that OpenSSL reads. It must live until then, or until the next one.
  void feed(std::span<const std::uint8_t> datagram);
  /// The peer has answered something that only whoever receives our packets could have known.
  void prove_path() { budget_.is_unlimited = true; }

  /// Sends a record that was diverted before.
  void send(std::span<const std::uint8_t> record) { sink_.send(record); }
  /// Until the next call what is written goes there, not out; null: out again.
  void divert_to(std::vector<std::uint8_t>* record) { diverted_ = record; }

  /// Octets from the peer so far.
  [[nodiscard]] std::uint64_t received() const { return received_; }
  [[nodiscard]] std::uint64_t sent() const { return sent_; }
  /// Datagrams that the budget held back.
  [[nodiscard]] std::uint32_t withheld() const { return withheld_; }

 private:
  friend struct DtlsWireMethod;

  [[nodiscard]] bool may_send(std::size_t octets) const;

  DatagramSink& sink_;
  Budget budget_;
  std::vector<std::uint8_t>* diverted_ = nullptr;
  std::span<const std::uint8_t> input_;
  std::uint64_t received_ = 0;
  std::uint64_t sent_ = 0;
  std::uint32_t withheld_ = 0;
};

}  // namespace sallyport::keying
