// SPDX-License-Identifier: GPL-3.0-or-later
//        s  caller                                Sallyport                                callee
//    0.000  |------ INVITE sip:bob@example.com +SDP ----->|                                        |
//    192.0.2.7:40112 TLS
#include "sallyctl/ladder.h"

#include <algorithm>
#include <cstdio>

#include <boost/json/array.hpp>

#include "sallyctl/table.h"

namespace sallyport::sallyctl {

namespace json = boost::json;

namespace {

constexpr std::size_t kWidth = 48;  ///< between two bars

bool flag(const json::object& object, const char* key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

std::string seconds(const json::object& message) {
  const json::value* at = message.if_contains("at_ms");
  char text[32];
  std::snprintf(text, sizeof text, "%9.3f",
                at != nullptr && at->is_number() ? at->to_number<double>() / 1000.0 : 0.0);
  return text;
}

/// `INVITE sip:bob@example.com +SDP`, without the URI's parameters, in as much room as there is.
std::string text_of(const json::object& message) {
  const std::string more = flag(message, "sdp") ? " +SDP" : "";
  const std::size_t room = kWidth - 6 - more.size();
  std::string text = member(message, "text");
  text.resize(std::min(text.find(';'), text.size()));
  if (text.size() > room) text = text.substr(0, room - 3) + "...";
  return text + more;
}

std::string arrow(const std::string& text, bool to_the_right) {
  const std::size_t lines = kWidth - 1 - text.size() - 2;
  const std::string left(lines / 2, '-'), right(lines - lines / 2, '-');
  const std::string shaft = left + " " + text + " " + right;
  return to_the_right ? shaft + ">" : "<" + shaft;
}

std::string padded(std::string text, std::size_t width) {
  text.resize(width, ' ');
  return text;
}

}  // namespace

std::string ladder_head() {
  return "        s  " + padded("caller", kWidth - 3) + "Sallyport" + std::string(kWidth - 10, ' ') +
         "callee\n";
}

std::string ladder_line(const json::object& message) {
  const bool caller_side = member(message, "leg") == "a";
  const bool received = flag(message, "received");
  // What the caller sends goes to the right, and so does what we send to the callee.
  const std::string drawn = arrow(text_of(message), caller_side == received);
  const std::string empty(kWidth, ' ');
  return seconds(message) + "  |" + (caller_side ? drawn : empty) + "|" + (caller_side ? empty : drawn) +
         "|  " + member(message, "peer") + " " + member(message, "transport") + "\n";
}

std::string ladder(const json::object& trace) {
  std::string text =
      "call " + member(trace, "call") + (flag(trace, "ended") ? ", ended\n" : "\n") + ladder_head();
  if (const auto* lines = trace.if_contains("lines"); lines != nullptr && lines->is_array())
    for (const json::value& line : lines->get_array())
      if (line.is_object()) text += ladder_line(line.get_object());
  if (const std::string more = member(trace, "left_out"); more != "0" && more != "-")
    text += "           and " + more + " messages more that were not kept\n";
  return text;
}

// A peer's octets may hold anything: nothing of it may steer the terminal.
std::string whole_message(const json::object& message) {
  const std::string end = member(message, "leg") == "a" ? "caller " : "callee ";
  const std::string peer = end + member(message, "peer") + " " + member(message, "transport");
  std::string text = "---- call " + member(message, "call") + ", " + seconds(message) + " s, " +
                     (flag(message, "received") ? "from " : "to ") + peer + "\n";
  const json::value* whole = message.if_contains("message");
  if (whole != nullptr && whole->is_string())
    for (const char c : whole->get_string())
      if (c != '\r') text += (static_cast<unsigned char>(c) < ' ' && c != '\n') || c == 0x7f ? '?' : c;
  return text + "\n";
}

}  // namespace sallyport::sallyctl
