// SPDX-License-Identifier: GPL-3.0-or-later
// The command line's way to write a leg: `side=access,remote=192.0.2.9:4000,suite=…,send-key=@FILE,…`.
#pragma once

#include <string>
#include <string_view>

#include <boost/json/object.hpp>

namespace sallyport::sallyctl {

/// Becomes the `a` or `b` of relay.add. `option` names the argument in errors. Throws Failure (usage).
///
/// Command lines can be read by every user of the machine, so a key is given as `@FILE`, `env:NAME` or `-`
/// (one line of standard input), never as itself.
[[nodiscard]] boost::json::object parse_leg(std::string_view option, std::string_view text);

}  // namespace sallyport::sallyctl
