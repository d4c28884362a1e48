// SPDX-License-Identifier: GPL-3.0-or-later
// Fields of a leg and where keys come from.
#include "sallyctl/leg_syntax.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "sallyctl/client.h"

namespace sallyport::sallyctl {

namespace json = boost::json;

namespace {

enum class FieldKind { text, key, flag, number };
struct Field {
  std::string_view written;   ///< on the command line
  std::string_view protocol;  ///< in the admin protocol
  FieldKind kind;
};

constexpr std::array kFields = std::to_array<Field>({
    {"side", "side", FieldKind::text},
    {"remote", "remote", FieldKind::text},
    {"remote-rtcp", "remote_rtcp", FieldKind::text},
    {"suite", "suite", FieldKind::text},
    {"send-key", "send_key", FieldKind::key},
    {"receive-key", "receive_key", FieldKind::key},
    {"mki", "mki", FieldKind::text},
    {"unencrypted-srtcp", "unencrypted_srtcp", FieldKind::flag},
    {"policy", "policy", FieldKind::text},
    {"family", "family", FieldKind::text},
    {"signalling-peer", "signalling_peer", FieldKind::text},
    {"mux", "mux", FieldKind::flag},
    {"dscp", "dscp", FieldKind::number},
    {"clock-rate", "clock_rate", FieldKind::number},
});

[[noreturn]] void wrong(std::string_view option, const std::string& text) {
  throw Failure{ExitCode::usage, std::string(option) + ": " + text};
}

std::string first_line(std::istream& from, std::string_view option, const std::string& source) {
  std::string line;
  if (!std::getline(from, line)) wrong(option, "no key in " + source);
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
  return line;
}

std::string read_key(std::string_view option, std::string_view field, const std::string& source) {
  if (source == "-") return first_line(std::cin, option, "standard input");
  if (source.starts_with("@")) {
    std::ifstream file(source.substr(1));
    if (!file) wrong(option, "cannot read " + source.substr(1));
    return first_line(file, option, source.substr(1));
  }
  if (source.starts_with("env:")) {
    const char* value = std::getenv(source.c_str() + 4);
    if (value == nullptr) wrong(option, "the environment has no " + source.substr(4));
    return value;
  }
  wrong(option, std::string(field) + " must be @FILE, env:NAME or - (standard input): arguments are public");
}

json::value read_value(std::string_view option, const Field& field, const std::string& text) {
  switch (field.kind) {
    case FieldKind::text:
      return json::value(text);
    case FieldKind::key:
      return json::value(read_key(option, field.written, text));
    case FieldKind::flag:
      if (text.empty() || text == "yes" || text == "true") return true;
      if (text == "no" || text == "false") return false;
      wrong(option, std::string(field.written) + " is yes or no");
    case FieldKind::number:
      break;
  }
  std::uint64_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc{} || end != text.data() + text.size())
    wrong(option, std::string(field.written) + " is a number");
  return number;
}

}  // namespace

json::object parse_leg(std::string_view option, std::string_view text) {
  json::object leg;
  while (!text.empty()) {
    const auto comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    const auto equals = part.find('=');
    const std::string_view name = part.substr(0, equals);
    const std::string value(equals == std::string_view::npos ? std::string_view{} : part.substr(equals + 1));
    const auto field = std::ranges::find(kFields, name, &Field::written);
    // What is written before '=' may be a key that went astray: it is not repeated.
    if (field == kFields.end())
      wrong(option, "unknown field; known are side, remote, suite, send-key and others: see --help");
    if (value.empty() && field->kind != FieldKind::flag) wrong(option, std::string(name) + " needs a value");
    if (leg.contains(field->protocol)) wrong(option, std::string(name) + " is given twice");
    leg[field->protocol] = read_value(option, *field, value);
  }
  return leg;
}

}  // namespace sallyport::sallyctl
