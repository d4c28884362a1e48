// SPDX-License-Identifier: GPL-3.0-or-later
// Beast reads the request; what it must say is checked here, the most general first.
#include "transport/websocket_upgrade.h"

#include <algorithm>
#include <array>
#include <optional>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>

#include "base/base64.h"
#include "crypto/sha1.h"

namespace sallyport::transport {

namespace http = boost::beast::http;
using http::field;

struct WebSocketUpgrade::Refusal {
  Count count;
  std::string_view status;
  std::string_view why;
  std::string_view header = {};  ///< beside the usual ones, with its line's end
  bool too_long = false;
};

namespace {

using Request = http::request<http::empty_body>;

constexpr std::string_view kEnd = "\r\n\r\n";
constexpr std::string_view kProtocol = "sip";
constexpr std::size_t kKeyOctets = 16;
/// RFC 6455 §1.3.
constexpr std::string_view kMagic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

/// The value of a field that must not come twice.
std::optional<std::string_view> only(const Request& request, field name) {
  if (request.count(name) != 1) return std::nullopt;
  return view(request[name]);
}

bool lists(const Request& request, field name, std::string_view token) {
  const auto [begin, end] = request.equal_range(name);
  return std::any_of(begin, end, [&](const auto& one) {
    return http::token_list(one.value()).exists(boost::beast::string_view(token.data(), token.size()));
  });
}

bool is_key(std::optional<std::string_view> key) {
  std::array<std::uint8_t, kKeyOctets> octets;
  // 16 octets in base64 are 24 characters, padding included.
  return key && key->size() == 24 && decode_base64(*key, octets) == kKeyOctets;
}

std::string accept_of(std::string_view key) {
  std::string text;
  append_base64(text, crypto::sha1(std::string(key).append(kMagic)), true);
  return text;
}

bool path_is(std::string_view target, std::string_view path) {
  return path.empty() || target.substr(0, target.find('?')) == path;
}

bool may_come_from(const WebSocketRules& rules, const Request& request) {
  if (request.count(field::origin) == 0) return rules.no_origin;
  if (rules.any_origin) return true;
  return std::ranges::find(rules.origins, view(request[field::origin])) != rules.origins.end();
}

}  // namespace

UpgradeStep WebSocketUpgrade::take(std::string_view octets, std::size_t longest) {
  const std::size_t from = received_.size() < kEnd.size() ? 0 : received_.size() - kEnd.size() + 1;
  received_ += octets;
  const std::size_t end = received_.find(kEnd, from);
  const std::size_t size = end == std::string::npos ? received_.size() : end + kEnd.size();
  if (size > longest)
    return refuse({Count::upgrades_malformed,
                   "431 Request Header Fields Too Large",
                   "the request is too long",
                   {},
                   true});
  if (end == std::string::npos) return UpgradeStep::wants_input;
  return judge();
}

UpgradeStep WebSocketUpgrade::judge() {
  const auto malformed = [](std::string_view why) {
    return Refusal{Count::upgrades_malformed, "400 Bad Request", why};
  };
  http::request_parser<http::empty_body> parser;
  parser.header_limit(static_cast<std::uint32_t>(received_.size()));
  boost::system::error_code problem;
  const std::size_t taken = parser.put(boost::asio::buffer(received_), problem);
  if (problem || !parser.is_header_done()) return refuse(malformed("this is no HTTP request"));
  // Whoever asks must wait for the answer (RFC 6455 §4.1).
  if (taken != received_.size() || parser.chunked() || parser.content_length_remaining().value_or(0) != 0)
    return refuse(malformed("something follows the request"));

  const Request& request = parser.get();
  if (request.method() != http::verb::get)
    return refuse({Count::upgrades_malformed, "405 Method Not Allowed", "only GET", "Allow: GET\r\n"});
  if (request.version() != 11 || !only(request, field::host))
    return refuse(malformed("HTTP/1.1 with one Host is needed"));
  if (!path_is(view(request.target()), rules_->path))
    return refuse({Count::upgrades_path, "404 Not Found", "there is nothing at this path"});
  if (!lists(request, field::upgrade, "websocket") || !lists(request, field::connection, "upgrade"))
    return refuse({Count::upgrades_not_websocket, "426 Upgrade Required", "SIP over WebSocket only",
                   "Upgrade: websocket\r\n"});
  if (only(request, field::sec_websocket_version) != "13")
    return refuse({Count::upgrades_version, "426 Upgrade Required", "only version 13 of WebSocket",
                   "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"});
  const auto key = only(request, field::sec_websocket_key);
  if (!is_key(key)) return refuse(malformed("Sec-WebSocket-Key is needed: 16 octets in base64"));
  if (request.count(field::origin) > 1) return refuse(malformed("two origins"));
  if (!may_come_from(*rules_, request))
    return refuse({Count::upgrades_origin, "403 Forbidden", "this origin may not connect"});
  if (!lists(request, field::sec_websocket_protocol, kProtocol))
    return refuse({Count::upgrades_protocol, "400 Bad Request", "Sec-WebSocket-Protocol must offer sip"});

  answer_ =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: " +
      accept_of(*key) + "\r\nSec-WebSocket-Protocol: " + std::string(kProtocol) + "\r\n\r\n";
  return UpgradeStep::granted;
}

UpgradeStep WebSocketUpgrade::refuse(const Refusal& refusal) {
  count_ = refusal.count;
  too_long_ = refusal.too_long;
  why_ = refusal.why;
  answer_ = "HTTP/1.1 ";
  answer_.append(refusal.status).append("\r\n").append(refusal.header);
  answer_ += "Connection: close\r\nContent-Type: text/plain\r\nContent-Length: " +
             std::to_string(refusal.why.size() + 1) + "\r\n\r\n";
  answer_.append(refusal.why) += '\n';
  return UpgradeStep::refused;
}

}  // namespace sallyport::transport
