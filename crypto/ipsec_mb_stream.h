// SPDX-License-Identifier: GPL-3.0-or-later
// Set-up. A stream of the IPsec-MB engine: one allocation that holds context, keys, replay windows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#include <intel-ipsec-mb.h>

#include "base/secret.h"
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
    return std::unique_ptr<Direction>(new (layout.total) IpsecMbStream(layout, config, manager));
  }

  ~IpsecMbStream() override {
    auto* begin = reinterpret_cast<std::uint8_t*>(this);
    wipe(begin + sizeof(IpsecMbStream), total_ - sizeof(IpsecMbStream));
  }
  static void operator delete(void* memory) {
    ::operator delete (memory, std::align_val_t{kStreamAlignment});
  }

  [[nodiscard]] StreamStatus status() const override { return status_of(context); }
  [[nodiscard]] std::size_t hot_bytes() const override { return hot_; }
  [[nodiscard]] std::size_t memory_bytes() const override { return total_; }

  CryptoContext context{};

 private:
  static void* operator new(std::size_t, std::size_t total) {
    void* memory = ::operator new (total, std::align_val_t{kStreamAlignment});
    std::memset(memory, 0, total);
    return memory;
  }
  static void operator delete(void* memory, std::size_t) { operator delete(memory); }

  IpsecMbStream(const StreamLayout& layout, const SrtpConfig& config, IMB_MGR& manager)
      : total_(static_cast<std::uint32_t>(layout.total)),
        hot_(static_cast<std::uint32_t>(layout.slots + layout.slot_stride)) {
    static_assert(sizeof(IpsecMbStream) + sizeof(SessionKeys) == 2 * kStreamAlignment);
    fill_context(context, this, layout, config, manager);
  }

  std::uint32_t total_;
  std::uint32_t hot_;
};

}  // namespace sallyport::crypto
