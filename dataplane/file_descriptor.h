// SPDX-License-Identifier: GPL-3.0-or-later
// An owned file descriptor.
#pragma once

#include <utility>

#include <unistd.h>

namespace sallyport::dataplane {

/// Closes what it holds. Negative: nothing.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int descriptor) : descriptor_(descriptor) {}
  FileDescriptor(FileDescriptor&& other) noexcept : descriptor_(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  [[nodiscard]] int get() const { return descriptor_; }
  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }

 private:
  int release() { return std::exchange(descriptor_, -1); }
  int descriptor_ = -1;
};

}  // namespace sallyport::dataplane
