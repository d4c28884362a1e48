// SPDX-License-Identifier: GPL-3.0-or-later
// Making event descriptors, ringing and silencing them.
#include "base/descriptor.h"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>

#include <sys/eventfd.h>

namespace sallyport {

Descriptor make_event_descriptor() {
  Descriptor event(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!event) throw std::runtime_error(std::string("eventfd: ") + std::strerror(errno));
  return event;
}

void ring_bell(int descriptor) {
  const std::uint64_t one = 1;
  // Fails only when the bell rings already.
  [[maybe_unused]] const ssize_t written = write(descriptor, &one, sizeof one);
}

void silence_bell(int descriptor) {
  std::uint64_t rings;
  [[maybe_unused]] const ssize_t got = read(descriptor, &rings, sizeof rings);
}

}  // namespace sallyport
