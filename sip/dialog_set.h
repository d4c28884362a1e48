// SPDX-License-Identifier: GPL-3.0-or-later
// DialogSet: the dialogs that one INVITE of ours makes, more than one where it forked.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sip/dialog.h"
#include "sip/limits.h"
#include "sip/message.h"

namespace sallyport::sip {

class DialogSet {
 public:
  DialogSet(std::string_view request_uri, bool secure, Limits& limits)
      : request_uri_(request_uri), limits_(limits), is_secure_(secure) {}

  /// The dialog of a 1xx or 2xx to the INVITE, made or confirmed by it; none for a 100 or another 1xx without
  /// tag. Exhausted if it would be one dialog too many: a 2xx among these still wants its ACK and BYE.
  [[nodiscard]] Result<Dialog*> received(const Message& response);
  /// A failure came, or no further 2xx can (64*T1 after the first): what is early is over.
  void end_early();

  /// In the order in which they began; dialogs stay where they are.
  [[nodiscard]] const std::vector<std::unique_ptr<Dialog>>& dialogs() const { return dialogs_; }
  [[nodiscard]] std::size_t count(DialogState state) const;

 private:
  std::vector<std::unique_ptr<Dialog>> dialogs_;
  std::string request_uri_;
  Limits& limits_;
  bool is_secure_;
};

}  // namespace sallyport::sip
