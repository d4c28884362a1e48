// SPDX-License-Identifier: GPL-3.0-or-later
// Wording of refusals.
#include "control/config/limit_table.h"

#include <string>

namespace sallyport::control {

tl::unexpected<Error> Limits::refuse(Limit limit) {
  count_refusal(limit);
  const LimitInfo& about = info(limit);
  std::string text = "limit '" + std::string(about.name) + "'";
  if ((*this)[limit] != 0) text += " of " + std::to_string((*this)[limit]);
  return fail(ErrorClass::exhausted, text + " is reached: " + std::string(about.meaning));
}

}  // namespace sallyport::control
