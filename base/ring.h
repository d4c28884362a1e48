// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. A ring between two threads: one puts, one takes, nobody waits.
#pragma once

#include <boost/lockfree/spsc_queue.hpp>

namespace sallyport {

/// Fixed capacity, given at construction. push() and pop() return false when full or empty.
template <typename T>
using Ring = boost::lockfree::spsc_queue<T>;

}  // namespace sallyport
