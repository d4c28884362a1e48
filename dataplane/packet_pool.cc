// SPDX-License-Identifier: GPL-3.0-or-later
// Set-up. Making of a packet pool over one memory zone.
#include "dataplane/packet_pool.h"

#include <string>

#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>
#include <rte_mempool.h>
#include <rte_memzone.h>

namespace sallyport::dataplane {

namespace {

constexpr std::size_t kPage = 4096;
// An Ethernet frame of 1500-octet IP packets, what SRTP adds, and AF_XDP's extra headroom of 256 octets.
constexpr std::uint16_t kPackedRoom = 2048 + RTE_PKTMBUF_HEADROOM;
// The pool's own header takes a cache line.
constexpr std::uint16_t kPageRoom = kPage - RTE_CACHE_LINE_SIZE - sizeof(rte_mbuf);
// Buffers each core keeps for itself between visits to the shared pool.
constexpr unsigned kCache = 256;
// Buffers may cross pages (addresses are virtual), and are not padded apart for memory channels: their size
// is odd in cache lines already.
constexpr unsigned kFlags = RTE_MEMPOOL_F_NO_IOVA_CONTIG | RTE_MEMPOOL_F_NO_SPREAD;

std::uint16_t data_room(BufferLayout layout) {
  return layout == BufferLayout::packed ? kPackedRoom : kPageRoom;
}

std::uint32_t element_bytes(BufferLayout layout) {
  return static_cast<std::uint32_t>(sizeof(rte_mbuf)) + data_room(layout);
}

void free_zone(rte_mempool_memhdr*, void* zone) {
  (void)rte_memzone_free(static_cast<const rte_memzone*>(zone));
}

/// Fills an empty pool from one memory zone.
bool populate(rte_mempool& pool, unsigned count, BufferLayout layout) {
  const std::string zone_name = std::string(pool.name) + "_memory";
  const rte_memzone* zone = rte_memzone_reserve_aligned(
      zone_name.c_str(), count * packet_buffer_bytes(layout), SOCKET_ID_ANY, RTE_MEMZONE_IOVA_CONTIG, kPage);
  if (zone == nullptr) return false;
  void* const opaque = const_cast<rte_memzone*>(zone);  // DPDK's free callback takes it back as void*
  const int placed = rte_mempool_populate_iova(&pool, static_cast<char*>(zone->addr), zone->iova, zone->len,
                                               free_zone, opaque);
  if (placed == static_cast<int>(count)) return true;
  if (placed <= 0) (void)rte_memzone_free(zone);
  rte_errno = ENOMEM;
  return false;
}

}  // namespace

std::size_t packet_buffer_bytes(BufferLayout layout) {
  return rte_mempool_calc_obj_size(element_bytes(layout), kFlags, nullptr);
}

rte_mempool* make_packet_pool(const char* name, unsigned count, BufferLayout layout) {
  rte_mempool* pool = rte_mempool_create_empty(name, count, element_bytes(layout), kCache,
                                               sizeof(rte_pktmbuf_pool_private), SOCKET_ID_ANY, kFlags);
  if (pool == nullptr) return nullptr;
  rte_pktmbuf_pool_private sizes{};
  sizes.mbuf_data_room_size = data_room(layout);
  const int code = rte_mempool_set_ops_byname(pool, rte_mbuf_best_mempool_ops(), nullptr);
  if (code == 0) {
    rte_pktmbuf_pool_init(pool, &sizes);
    if (populate(*pool, count, layout)) {
      rte_mempool_obj_iter(pool, rte_pktmbuf_init, nullptr);
      return pool;
    }
  }
  rte_mempool_free(pool);
  if (code != 0) rte_errno = -code;
  return nullptr;
}

}  // namespace sallyport::dataplane
