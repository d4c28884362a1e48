// SPDX-License-Identifier: GPL-3.0-or-later
// Set-up. Sends what DPDK and libbpf have to say to our own log, and remembers DPDK's complaint.
#pragma once

#include <string>

namespace sallyport::dataplane {

/// From now on DPDK's and libbpf's lines become `event=dpdk` and `event=bpf` lines of base/log.h. Call before
/// rte_eal_init; calling it again changes nothing.
void route_foreign_logs();

/// DPDK's first error line since this was last asked, without its newline; empty: none. The first is nearest
/// to the cause, and DPDK's return codes alone rarely say what is wrong.
[[nodiscard]] std::string take_dpdk_error();

}  // namespace sallyport::dataplane
