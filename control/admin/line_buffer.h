// SPDX-License-Identifier: GPL-3.0-or-later
// LineBuffer: octets in, lines out; bounded, and wiped behind the reader because lines carry keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace sallyport::control {

class LineBuffer {
 public:
  /// Lines longer than `longest` octets, without their newline, do not fit.
  explicit LineBuffer(std::size_t longest) : longest_(longest) {}
  LineBuffer(const LineBuffer&) = delete;
  LineBuffer& operator=(const LineBuffer&) = delete;
  ~LineBuffer();

  /// Room to read into; call commit with how much of it was filled. Invalidates lines.
  [[nodiscard]] std::span<char> prepare();
  void commit(std::size_t octets) { end_ += octets; }

  /// The next whole line without its newline, valid until `release`.
  [[nodiscard]] std::optional<std::string_view> next_line();
  /// Wipes and forgets the line that next_line gave.
  void release();
  /// There is no newline within the longest line: the sender will not end it.
  [[nodiscard]] bool overflowed() const { return overflowed_; }
  [[nodiscard]] bool empty() const { return begin_ == end_; }

 private:
  static constexpr std::size_t kChunk = 16384;

  std::size_t longest_;
  std::vector<char> octets_;
  std::size_t begin_ = 0;     ///< of what was not released
  std::size_t searched_ = 0;  ///< no newline before this
  std::size_t end_ = 0;
  std::size_t line_end_ = 0;
  bool overflowed_ = false;
};

}  // namespace sallyport::control
