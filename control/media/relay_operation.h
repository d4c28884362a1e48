// SPDX-License-Identifier: GPL-3.0-or-later
// Operation: an order of the relay manager that a worker has not returned yet.
#pragma once

#include "control/media/relay_manager.h"

namespace sallyport::control {

struct RelayManager::Operation {
  dataplane::CommandKind kind = dataplane::CommandKind::link;
  std::uint64_t relay = 0;
  std::uint64_t flow_id = 0;                            ///< of a capture
  std::array<dataplane::FlowPtr, kLegs> retired_flows;  ///< what the order takes out of use
  std::array<FlowHops, kLegs> retired_hops;
  LegPorts retired_ports;          ///< of legs that have joined a bundle
  Answer<RelayAdded> added;        ///< of link and replace
  Answer<std::uint64_t> answered;  ///< of unlink and capture
};

}  // namespace sallyport::control
