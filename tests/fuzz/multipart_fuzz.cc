// SPDX-License-Identifier: GPL-3.0-or-later
// A body may hold anything: the first line is its Content-Type. Parts lie inside it and do not overlap.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "sip/multipart.h"

using namespace sallyport::sip;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return 0;
  const std::string_view body = text.substr(end + 1);
  const auto parts = parse_multipart(text.substr(0, end), body);
  if (!parts) return 0;
  const char* reached = body.data();
  for (const BodyPart& part : *parts) {
    if (part.headers.data() < reached || part.body.data() < part.headers.data()) std::abort();
    reached = part.body.data() + part.body.size();
    if (reached > body.data() + body.size()) std::abort();
    static_cast<void>(part.is_optional());
    static_cast<void>(parse_media_type(part.content_type));
  }
  std::string message = "MESSAGE sip:h SIP/2.0\r\nContent-Type: ";
  message += text.substr(0, end);
  message += "\r\n\r\n";
  message += body;
  static_cast<void>(find_body(parse_message(message).message, "application/sdp"));
  return 0;
}
