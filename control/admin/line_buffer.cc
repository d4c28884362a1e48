// SPDX-License-Identifier: GPL-3.0-or-later
// Search, compaction and wiping.
#include "control/admin/line_buffer.h"

#include <algorithm>
#include <cstring>

#include "base/secret.h"

namespace sallyport::control {

LineBuffer::~LineBuffer() {
  wipe(octets_.data(), octets_.size());
}

std::span<char> LineBuffer::prepare() {
  if (begin_ != 0) {
    const std::size_t held = end_ - begin_;
    std::memmove(octets_.data(), octets_.data() + begin_, held);
    wipe(octets_.data() + held, end_ - held);
    searched_ -= begin_;
    begin_ = 0;
    end_ = held;
  }
  if (octets_.size() - end_ < kChunk) {
    std::vector<char> larger(std::max(octets_.size() * 2, end_ + kChunk));
    std::copy_n(octets_.begin(), end_, larger.begin());
    wipe(octets_.data(), octets_.size());
    octets_.swap(larger);
  }
  return {octets_.data() + end_, kChunk};
}

std::optional<std::string_view> LineBuffer::next_line() {
  const auto* start = octets_.data() + searched_;
  const auto* newline = end_ == searched_ ? nullptr : std::memchr(start, '\n', end_ - searched_);
  line_end_ = newline == nullptr
                  ? end_
                  : static_cast<std::size_t>(static_cast<const char*>(newline) - octets_.data());
  searched_ = line_end_;
  overflowed_ = line_end_ - begin_ > longest_;
  if (newline == nullptr || overflowed_) return std::nullopt;
  return std::string_view(octets_.data() + begin_, line_end_ - begin_);
}

void LineBuffer::release() {
  wipe(octets_.data() + begin_, line_end_ - begin_);
  begin_ = searched_ = line_end_ + 1;
}

}  // namespace sallyport::control
