// SPDX-License-Identifier: GPL-3.0-or-later
// Requests as text: the few forms that a load sends, put together by appending.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sallyport::sallyload {

/// What a request is made of; every view is copied. Lines end with CRLF.
struct RequestText {
  std::string_view method;
  std::string_view uri;
  std::string_view transport;  ///< `TLS`
  std::string_view host_port;  ///< of Via
  std::string_view branch;
  std::string_view from;  ///< with its tag
  std::string_view to;
  std::string_view call_id;
  std::uint32_t cseq = 1;
  std::string_view lines;         ///< further header lines, each with its end
  std::string_view credentials;   ///< a header line, or empty
  std::string_view content_type;  ///< of the body
  std::string_view body;
};

[[nodiscard]] inline std::string write_request(const RequestText& request) {
  constexpr std::size_t kUsualSize = 512;
  std::string text;
  text.reserve(kUsualSize + request.lines.size() + request.credentials.size() + request.body.size());
  text.append(request.method).append(" ").append(request.uri).append(" SIP/2.0\r\nVia: SIP/2.0/");
  text.append(request.transport).append(" ").append(request.host_port).append(";branch=");
  text.append(request.branch).append(";rport\r\nMax-Forwards: 70\r\nFrom: ").append(request.from);
  text.append("\r\nTo: ").append(request.to).append("\r\nCall-ID: ").append(request.call_id);
  text.append("\r\nCSeq: ").append(std::to_string(request.cseq)).append(" ").append(request.method);
  text.append("\r\n").append(request.lines).append(request.credentials);
  if (!request.body.empty()) text.append("Content-Type: ").append(request.content_type).append("\r\n");
  text.append("Content-Length: ").append(std::to_string(request.body.size())).append("\r\n\r\n");
  return text.append(request.body);
}

}  // namespace sallyport::sallyload
