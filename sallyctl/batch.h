// SPDX-License-Identifier: GPL-3.0-or-later
// Many requests of one kind from a file, sent without waiting for each answer.
#pragma once

#include <string>

#include "sallyctl/client.h"

namespace sallyport::sallyctl {

struct BatchKind {
  const char* method;  ///< `relay.add`
  const char* things;  ///< what is added: `relays`
};

/// One `params` object a line (`-`: standard input). Prints one answer a line with --json, else a summary.
/// Throws Failure of the first that was refused, after all were tried.
void run_batch(Client& client, const BatchKind& kind, const std::string& path, bool json);

}  // namespace sallyport::sallyctl
