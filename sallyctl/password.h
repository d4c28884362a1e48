// SPDX-License-Identifier: GPL-3.0-or-later
// Passwords from a terminal, standard input or a file: never from arguments, which everybody can read.
#pragma once

#include <string>

#include "base/secret.h"

namespace sallyport::sallyctl {

/// The first line of a file; `-` is standard input, and empty asks on the terminal, twice and without echo,
/// or takes standard input's first line when that is no terminal. Throws Failure.
[[nodiscard]] Secret<256> read_password(const std::string& file);

}  // namespace sallyport::sallyctl
