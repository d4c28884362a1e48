// SPDX-License-Identifier: GPL-3.0-or-later
// The event loop's name without its templates: reading Asio's headers takes a compiler seconds, so only
// sources do.
#pragma once

namespace boost::asio {
class io_context;
}  // namespace boost::asio
