// SPDX-License-Identifier: GPL-3.0-or-later
// OutOfDialogSender: what trunks need of signalling to see whether anybody is there.
#pragma once

#include <functional>

#include "base/result.h"
#include "transport/transport_layer.h"

namespace sallyport::control {

class Trunk;

class OutOfDialogSender {
 public:
  /// The final status, or why there was none.
  using Done = std::function<void(const Result<unsigned>& status)>;

  virtual ~OutOfDialogSender() = default;
  /// Sends OPTIONS for `uri` to `target`, and answers a challenge with the trunk's account if it has one.
  /// Calls back at most once, never before it returns; not after whoever asked is gone.
  virtual void send_options(Trunk& trunk, const transport::Target& target, const std::string& uri,
                            Done done) = 0;
};

}  // namespace sallyport::control
