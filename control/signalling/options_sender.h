// SPDX-License-Identifier: GPL-3.0-or-later
// OptionsSender: asks trunks whether anybody is there.
#pragma once

#include <string>

#include "control/calls/out_of_dialog_sender.h"
#include "control/signalling/signalling.h"

namespace sallyport::control {

/// The control thread's. A challenge is an answer as good as any: somebody is there.
class OptionsSender final : public OutOfDialogSender {
 public:
  /// `signalling` outlives the object, which outlives whoever asks.
  explicit OptionsSender(Signalling& signalling) : signalling_(signalling) {}

  void send_options(Trunk& trunk, const transport::Target& target, const std::string& uri,
                    Done done) override;

 private:
  Signalling& signalling_;
};

}  // namespace sallyport::control
