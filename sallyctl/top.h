// SPDX-License-Identifier: GPL-3.0-or-later
// `sallyctl top`: the relays, live.
#pragma once

#include "sallyctl/client.h"

namespace sallyport::sallyctl {

/// Redraws every `interval_ms` until q, Ctrl-C or the daemon's end. Without a terminal, or with `once`,
/// prints one table. Throws Failure.
void run_top(Client& client, int interval_ms, bool once);

}  // namespace sallyport::sallyctl
