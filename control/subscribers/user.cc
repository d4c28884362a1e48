// SPDX-License-Identifier: GPL-3.0-or-later
// Names of users and their addresses.
#include "control/subscribers/user.h"

#include <algorithm>

#include "sip/uri.h"

namespace sallyport::control {

namespace {

constexpr std::size_t kMaxNameOctets = 64;

}  // namespace

std::string make_aor(std::string_view name, std::string_view domain) {
  const std::string text = "sip:" + sip::escape_user(name) + "@" + std::string(domain);
  const auto uri = sip::parse_uri(text);
  return uri ? sip::address_of_record(*uri) : text;
}

bool is_user_name(std::string_view name) {
  const auto good = [](char c) {
    return static_cast<unsigned char>(c) > ' ' && c != 0x7f && c != ':' && c != '"' && c != '\\' && c != '@';
  };
  return !name.empty() && name.size() <= kMaxNameOctets && std::ranges::all_of(name, good);
}

}  // namespace sallyport::control
