// SPDX-License-Identifier: GPL-3.0-or-later
// The dialogs of one INVITE, told apart by the tags of those who answered.
#include "sip/dialog_set.h"

#include <algorithm>
#include <utility>

namespace sallyport::sip {

Result<Dialog*> DialogSet::received(const Message& response) {
  const bool is_success = response.status() / 100 == 2;
  const auto to = response.to();
  if (response.status() <= 100 || response.status() >= 300 || !to || (!is_success && to->tag().empty()))
    return nullptr;
  for (const auto& dialog : dialogs_) {
    if (!dialog->owns_response(response)) continue;
    if (!is_success) return dialog.get();
    if (const auto confirmed = dialog->confirm(response); !confirmed)
      return tl::unexpected(confirmed.error());
    return dialog.get();
  }
  if (dialogs_.size() >= limits_[Limit::forked_dialogs]) {
    limits_.count_refusal(Limit::forked_dialogs);
    return fail(ErrorClass::exhausted, "limit 'forked_dialogs' is reached");
  }
  auto made = Dialog::from_response(response, request_uri_, is_secure_);
  if (!made) return tl::unexpected(made.error());
  dialogs_.push_back(std::make_unique<Dialog>(std::move(*made)));
  return dialogs_.back().get();
}

void DialogSet::end_early() {
  for (const auto& dialog : dialogs_)
    if (dialog->state() == DialogState::early) dialog->terminate();
}

std::size_t DialogSet::count(DialogState state) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(dialogs_, [state](const auto& dialog) { return dialog->state() == state; }));
}

}  // namespace sallyport::sip
