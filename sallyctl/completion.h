// SPDX-License-Identifier: GPL-3.0-or-later
// Completion script for bash, made from the command line's own description.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace sallyport::sallyctl {

[[nodiscard]] std::string bash_completion(const CLI::App& app);

}  // namespace sallyport::sallyctl
