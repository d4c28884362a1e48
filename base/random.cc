// SPDX-License-Identifier: GPL-3.0-or-later
// getrandom(2) until all octets are there.
#include "base/random.h"

#include <cerrno>
#include <cstddef>
#include <cstdlib>

#include <sys/random.h>

namespace sallyport {

void fill_random(std::span<std::uint8_t> octets) {
  std::size_t filled = 0;
  while (filled < octets.size()) {
    const ssize_t count = getrandom(octets.data() + filled, octets.size() - filled, 0);
    if (count < 0 && errno != EINTR) std::abort();
    if (count > 0) filled += static_cast<std::size_t>(count);
  }
}

}  // namespace sallyport
