// SPDX-License-Identifier: GPL-3.0-or-later
// What `stats` tells of signalling.
#pragma once

#include <boost/json/fwd.hpp>

namespace sallyport::control {

class SipService;

[[nodiscard]] boost::json::object sip_stats(SipService& sip);

}  // namespace sallyport::control
