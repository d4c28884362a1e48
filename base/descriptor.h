// SPDX-License-Identifier: GPL-3.0-or-later
// Descriptor: owns a file descriptor; bells are those by which one thread wakes another.
#pragma once

#include <utility>

#include <unistd.h>

namespace sallyport {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      reset();
      number_ = std::exchange(other.number_, -1);
    }
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { reset(); }

  void reset() {
    if (number_ >= 0) ::close(std::exchange(number_, -1));
  }
  [[nodiscard]] int get() const { return number_; }
  [[nodiscard]] explicit operator bool() const { return number_ >= 0; }

 private:
  int number_ = -1;
};

/// An eventfd. Throws std::runtime_error when the process has no descriptors left.
[[nodiscard]] Descriptor make_event_descriptor();
void ring_bell(int descriptor);
void silence_bell(int descriptor);

}  // namespace sallyport
