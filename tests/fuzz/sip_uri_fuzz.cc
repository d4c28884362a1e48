// SPDX-License-Identifier: GPL-3.0-or-later
// A URI or address may hold anything; comparison is reflexive and symmetric, and escapes come back as they
// went.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "sip/name_addr.h"
#include "sip/uri.h"
#include "sip/via.h"

using namespace sallyport::sip;

namespace {

void expect(bool holds) {
  if (!holds) std::abort();
}

void check_uri(const Uri& uri) {
  expect(equivalent(uri, uri));
  if (uri.scheme == UriScheme::other) return;
  const std::string key = address_of_record(uri);
  const auto again = parse_uri(key);
  expect(again.has_value());
  expect(address_of_record(*again) == key);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string_view first = text.substr(0, text.find('\n'));
  const std::string_view second = first.size() < text.size() ? text.substr(first.size() + 1) : first;
  const auto a = parse_uri(first);
  const auto b = parse_uri(second);
  if (a) check_uri(*a);
  if (a && b) expect(equivalent(*a, *b) == equivalent(*b, *a));
  if (const auto plain = unescape(escape_user(text)); !plain || *plain != text) std::abort();
  if (const auto address = parse_name_addr(first)) {
    const std::string written = write_name_addr(address->display_name(), address->uri);
    expect(address->display_name().find('\r') != std::string::npos || parse_name_addr(written).has_value());
  }
  if (const auto via = parse_via(first)) {
    const sallyport::Endpoint source{sallyport::IpAddress::v4({192, 0, 2, 1}), 5060};
    const std::string marked = with_source(*via, source);
    const auto again = parse_via(marked);
    expect(again && again->branch == via->branch && again->host == via->host);
    static_cast<void>(response_target(*via));
  }
  return 0;
}
