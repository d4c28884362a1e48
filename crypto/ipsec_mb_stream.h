// SPDX-License-Identifier: GPL-3.0-or-later
// Set-up. A stream of the IPsec-MB engine: one allocation that holds context, keys, replay windows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#include <intel-ipsec-mb.h>

#include "base/key_memory.h"
#include "crypto/crypto_context.h"
#include "crypto/srtp.h"

namespace sallyport::crypto {

/// Where the parts of a stream lie, in octets from the stream's address. A packet touches them from the front
/// on.
struct StreamLayout {
  std::size_t rtp_keys = 0;
  std::size_t slots = 0;
  std::size_t slot_stride = 0;
  std::size_t retired = 0;
  std::size_t rtcp_keys = 0;
  std::size_t total = 0;
  std::uint32_t hot_lines = 0;  ///< as StreamBase::hot_lines() tells
};

/// A stream begins at a cache line. Its object and one salt fill two, so that SRTP's GCM key data begin at
/// the third.
inline constexpr std::size_t kStreamAlignment = 64;

/// The configuration has passed check_config().
[[nodiscard]] StreamLayout layout_of(const SrtpConfig& config, std::size_t stream_bytes);
/// Writes constants and session keys behind a stream at `stream`, whose memory is zero.
void fill_context(CryptoContext& context, const void* stream, const StreamLayout& layout,
                  const SrtpConfig& config, IMB_MGR& manager);
[[nodiscard]] StreamStatus status_of(const CryptoContext& context);

/// `Direction` is InboundStream or OutboundStream.
template <typename Direction>
class IpsecMbStream final : public Direction {
 public:
  [[nodiscard]] static std::unique_ptr<Direction> make(const SrtpConfig& config, IMB_MGR& manager) {
    const StreamLayout layout = layout_of(config, sizeof(IpsecMbStream));
    return std::unique_ptr<Direction>(new (Octets{layout.total}) IpsecMbStream(layout, config, manager));
  }

  /// Told by the object itself how large it was.
  static void operator delete(IpsecMbStream* stream, std::destroying_delete_t) {
    const std::size_t total = stream->total_;
    stream->~IpsecMbStream();
    release_key_memory(stream, total);
  }

  [[nodiscard]] StreamStatus status() const override { return status_of(context); }
  [[nodiscard]] std::uint32_t hot_lines() const override { return hot_lines_; }
  [[nodiscard]] std::size_t memory_bytes() const override { return total_; }

  CryptoContext context{};

 private:
  /// Of the object and what lies behind it.
  struct Octets {
    std::size_t count;
  };
  static void* operator new(std::size_t, Octets octets) { return allocate_key_memory(octets.count); }
  static void operator delete(void* memory, Octets octets) { release_key_memory(memory, octets.count); }

  IpsecMbStream(const StreamLayout& layout, const SrtpConfig& config, IMB_MGR& manager)
      : total_(static_cast<std::uint32_t>(layout.total)), hot_lines_(layout.hot_lines) {
    static_assert(sizeof(IpsecMbStream) + sizeof(SessionKeys) == 2 * kStreamAlignment);
    fill_context(context, this, layout, config, manager);
  }

  std::uint32_t total_;
  std::uint32_t hot_lines_;
};

}  // namespace sallyport::crypto
