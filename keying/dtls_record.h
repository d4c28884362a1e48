// SPDX-License-Identifier: GPL-3.0-or-later
// A first look at a datagram of DTLS 1.2 records (RFC 6347 §4.1), before OpenSSL sets memory aside for what
// it claims.
//
//   +------+---------+-------+-----------------+--------+- - - - - -
//   | type | version | epoch | sequence number | length | fragment
//   +------+---------+-------+-----------------+--------+- - - - - -
//     1      2         2       6                 2
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace sallyport::keying {

enum class DtlsShape : std::uint8_t {
  whole,      ///< records, one after the other, to the end
  malformed,  ///< not that
  oversized,  ///< a handshake message in the clear says that it is larger than `max_message`
};

[[nodiscard]] DtlsShape inspect_dtls(std::span<const std::uint8_t> datagram, std::size_t max_message);

}  // namespace sallyport::keying
