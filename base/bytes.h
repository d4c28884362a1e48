// SPDX-License-Identifier: GPL-3.0-or-later
// Reading and writing of network-order integers, and a bounds-checked cursor over received octets.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace sallyport {

namespace detail {
template <typename T>
[[nodiscard]] constexpr T byte_swapped(T value) {
  static_assert(std::endian::native == std::endian::little, "big-endian hosts are not supported");
  if constexpr (sizeof(T) == 2) return static_cast<T>(__builtin_bswap16(value));
  if constexpr (sizeof(T) == 4) return static_cast<T>(__builtin_bswap32(value));
  if constexpr (sizeof(T) == 8) return static_cast<T>(__builtin_bswap64(value));
}
template <typename T>
[[nodiscard]] inline T load_big_endian(const std::uint8_t* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return byte_swapped(value);
}
template <typename T>
inline void store_big_endian(std::uint8_t* to, T value) {
  const T swapped = byte_swapped(value);
  std::memcpy(to, &swapped, sizeof swapped);
}
}  // namespace detail

// The caller has checked that the octets are there.
[[nodiscard]] inline std::uint16_t load_be16(const std::uint8_t* from) {
  return detail::load_big_endian<std::uint16_t>(from);
}
[[nodiscard]] inline std::uint32_t load_be32(const std::uint8_t* from) {
  return detail::load_big_endian<std::uint32_t>(from);
}
[[nodiscard]] inline std::uint64_t load_be64(const std::uint8_t* from) {
  return detail::load_big_endian<std::uint64_t>(from);
}
inline void store_be16(std::uint8_t* to, std::uint16_t value) {
  detail::store_big_endian(to, value);
}
inline void store_be32(std::uint8_t* to, std::uint32_t value) {
  detail::store_big_endian(to, value);
}
inline void store_be64(std::uint8_t* to, std::uint64_t value) {
  detail::store_big_endian(to, value);
}

/// Walks received octets from front to back. After one read past the end it has failed for good: every later
/// read gives zero, so a parser reads a whole header and asks `ok()` once.
class ByteCursor {
 public:
  explicit ByteCursor(std::span<const std::uint8_t> octets) : rest_(octets) {}

  [[nodiscard]] std::uint8_t u8() {
    const auto octets = take(1);
    return octets.empty() ? std::uint8_t{0} : octets[0];
  }
  [[nodiscard]] std::uint16_t u16() {
    const auto octets = take(2);
    return octets.empty() ? std::uint16_t{0} : load_be16(octets.data());
  }
  [[nodiscard]] std::uint32_t u32() {
    const auto octets = take(4);
    return octets.empty() ? std::uint32_t{0} : load_be32(octets.data());
  }
  void skip(std::size_t count) { (void)take(count); }

  /// The next `count` octets, or an empty view and a failed cursor.
  [[nodiscard]] std::span<const std::uint8_t> take(std::size_t count) {
    if (failed_ || count > rest_.size()) {
      failed_ = true;
      return {};
    }
    const auto taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }

  [[nodiscard]] bool ok() const { return !failed_; }
  [[nodiscard]] std::size_t remaining() const { return failed_ ? 0 : rest_.size(); }

 private:
  std::span<const std::uint8_t> rest_;
  bool failed_ = false;
};

}  // namespace sallyport
