// SPDX-License-Identifier: GPL-3.0-or-later
// If the command ring is full, control waits, never a worker.
#include "control/media/dataplane_client.h"

namespace sallyport::control {

void DataplaneClient::submit(const dataplane::Command& order) {
  // An order never overtakes one that waits: later ones may rely on it.
  if (held_back_.empty() && runtime_.submit(order)) return;
  held_back_.push_back(order);
}

void DataplaneClient::send_held_back() {
  while (!held_back_.empty() && runtime_.submit(held_back_.front())) held_back_.pop_front();
}

std::size_t DataplaneClient::poll(const std::function<void(const dataplane::Command&)>& take) {
  const std::size_t receipts = runtime_.poll_receipts(take);
  send_held_back();
  return receipts;
}

}  // namespace sallyport::control
