// SPDX-License-Identifier: GPL-3.0-or-later
// Set-up. The pool of packet buffers, laid out so that AF_XDP can share it with the kernel.
#pragma once

#include <cstddef>
#include <cstdint>

struct rte_mempool;

namespace sallyport::dataplane {

/// How large a packet buffer is.
enum class BufferLayout : std::uint8_t {
  packed,     ///< one after the other; the kernel copies, and does not mind page borders
  page_each,  ///< one a memory page, which zero-copy drivers need
};

/// Octets of one buffer with all its headers.
[[nodiscard]] std::size_t packet_buffer_bytes(BufferLayout layout);

/// A pool in one piece of memory; null: it does not fit, and rte_errno says why. DPDK's own
/// rte_pktmbuf_pool_create keeps buffers off page borders and leaves holes there, which its AF_XDP driver
/// does not reckon with when it tells the kernel how long the pool is: buffers near the end would be lost on
/// receipt.
[[nodiscard]] rte_mempool* make_packet_pool(const char* name, unsigned count, BufferLayout layout);

}  // namespace sallyport::dataplane
