// SPDX-License-Identifier: GPL-3.0-or-later
// Messages of a call as arrows between caller, Sallyport and callee.
#pragma once

#include <string>

#include <boost/json/object.hpp>

namespace sallyport::sallyctl {

/// Two lines: who stands where.
[[nodiscard]] std::string ladder_head();
/// One message as `trace.show` and the event `trace` tell it.
[[nodiscard]] std::string ladder_line(const boost::json::object& message);
/// A whole trace of `trace.show`.
[[nodiscard]] std::string ladder(const boost::json::object& trace);
/// A whole message with a line that says where it goes: data of the event `trace`.
[[nodiscard]] std::string whole_message(const boost::json::object& message);

}  // namespace sallyport::sallyctl
