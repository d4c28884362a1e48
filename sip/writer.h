// SPDX-License-Identifier: GPL-3.0-or-later
// Writer: builds a request or response in one string, with the right Content-Length.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/ip_address.h"
#include "sip/header_table.h"
#include "sip/message.h"
#include "sip/method.h"

namespace sallyport::sip {

/// Of requests that begin here (RFC 3261 §8.1.1.6).
inline constexpr std::uint64_t kMaxForwards = 70;

/// Fields stand in the order in which they were added. A control character in a value becomes a space, so
/// that nothing that passes through here can open a line of its own.
///
///     MessageWriter writer = MessageWriter::request(Method::bye, "sip:alice@192.0.2.1");
///     writer.header(HeaderId::max_forwards, 70).header(HeaderId::to, {"<sip:alice@example.com>;tag=", tag});
///     std::string octets = writer.finish();
class MessageWriter {
 public:
  [[nodiscard]] static MessageWriter request(Method method, std::string_view uri);
  [[nodiscard]] static MessageWriter request(std::string_view method, std::string_view uri);
  /// An empty reason takes the usual phrase.
  [[nodiscard]] static MessageWriter response(unsigned status, std::string_view reason = {});

  MessageWriter& header(HeaderId id, std::string_view value);
  MessageWriter& header(HeaderId id, const std::string& value) { return header(id, std::string_view(value)); }
  MessageWriter& header(HeaderId id, const char* value) { return header(id, std::string_view(value)); }
  /// The parts are joined without anything between them.
  MessageWriter& header(HeaderId id, std::initializer_list<std::string_view> parts);
  MessageWriter& header(HeaderId id, std::uint64_t number);
  /// A header of any name.
  MessageWriter& header(std::string_view name, std::string_view value);
  /// All fields of this id, each as it stands in `from`, under their full name.
  MessageWriter& copy(const Message& from, HeaderId id);
  /// Sets the body and its Content-Type, once, after the last header. Without it the body is empty.
  MessageWriter& body(std::string_view type, std::string_view octets);

  /// Closes the header with Content-Length and gives the message; the writer is spent.
  [[nodiscard]] std::string finish();

  /// 0 for a request.
  [[nodiscard]] unsigned status() const { return status_; }
  [[nodiscard]] std::string_view so_far() const { return text_; }

 private:
  friend MessageWriter response_to(const Message& request, unsigned status, std::string_view reason,
                                   std::string_view to_tag, const Endpoint* source);

  MessageWriter() = default;
  void name(HeaderId id);
  void append_clean(std::string_view text);
  void append_copied(std::string_view text);
  void copied_header(HeaderId id, std::initializer_list<std::string_view> parts);

  std::string text_;
  std::string body_;
  std::uint16_t status_ = 0;
};

/// A response with what it takes from its request: Via, From, To, Call-ID, CSeq, and Timestamp in a 100 (RFC
/// 3261 §8.2.6). `to_tag` is added to a To that has none. `source`, where the request came from, is written
/// into the topmost Via. Record-Route is not copied: `writer.copy(request, HeaderId::record_route)`.
[[nodiscard]] MessageWriter response_to(const Message& request, unsigned status, std::string_view reason = {},
                                        std::string_view to_tag = {}, const Endpoint* source = nullptr);

}  // namespace sallyport::sip
