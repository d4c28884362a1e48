// SPDX-License-Identifier: GPL-3.0-or-later
// Via: parsed with the white space that its grammar allows nearly everywhere.
#include "sip/via.h"

#include <algorithm>
#include <array>

#include "sip/parameter_walk.h"
#include "sip/text.h"
#include "sip/uri.h"

namespace sallyport::sip {

namespace {

struct TransportName {
  ViaTransport transport;
  std::string_view name;
};

constexpr std::array kTransports = std::to_array<TransportName>({
    {ViaTransport::udp, "UDP"},
    {ViaTransport::tcp, "TCP"},
    {ViaTransport::tls, "TLS"},
    {ViaTransport::ws, "WS"},
    {ViaTransport::wss, "WSS"},
    {ViaTransport::sctp, "SCTP"},
    {ViaTransport::tls_sctp, "TLS-SCTP"},
});

/// Takes a token and the white space around it off the front of `rest`; empty if there is none.
std::string_view take_token(std::string_view& rest) {
  const std::size_t begin = text::skip_space(rest, 0);
  const std::size_t size = text::span_of(rest, begin, text::kToken);
  const std::string_view token = rest.substr(begin, size);
  rest.remove_prefix(text::skip_space(rest, begin + size));
  return token;
}

bool take_slash(std::string_view& rest) {
  if (!rest.starts_with('/')) return false;
  rest.remove_prefix(1);
  return true;
}

ViaTransport transport_of(std::string_view name) {
  for (const TransportName& known : kTransports)
    if (text::equal_ignoring_case(known.name, name)) return known.transport;
  return ViaTransport::other;
}

/// name / version / transport, then white space. What is left begins with sent-by.
bool parse_protocol(Via& via, std::string_view& rest) {
  constexpr std::string_view kUsual = "SIP/2.0/";
  if (rest.starts_with(kUsual)) {
    rest.remove_prefix(kUsual.size());
  } else {
    const std::string_view name = take_token(rest);
    if (name.empty() || !take_slash(rest)) return false;
    const std::string_view version = take_token(rest);
    if (version.empty() || !take_slash(rest)) return false;
    via.is_sip_2_0 = version == "2.0" && text::equal_ignoring_case(name, "SIP");
  }
  via.transport_text = take_token(rest);
  if (via.transport_text.empty() || rest.empty() || !text::is_space(*(rest.data() - 1))) return false;
  via.transport = transport_of(via.transport_text);
  via.sent_protocol =
      via.text.substr(0, static_cast<std::size_t>(via.transport_text.end() - via.text.begin()));
  return true;
}

/// host [":" port] with white space around the colon.
Result<HostPort> parse_sent_by(std::string_view text) {
  auto result = parse_host_port(text);
  if (result || text.find_first_of(" \t") == std::string_view::npos) return result;
  const std::size_t bracket = text.find(']');
  const std::size_t colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon == std::string_view::npos) return result;
  result = parse_host_port(text::trim(text.substr(0, colon)));
  const auto port = text::decimal(text::trim(text.substr(colon + 1)), 65535);
  if (!port || *port == 0) return malformed("a malformed port in Via");
  if (result && result->port != 0) return malformed("two ports in Via");
  if (result) result->port = static_cast<std::uint16_t>(*port);
  return result;
}

/// Remembers those that decide the way of a response. False if one is malformed.
bool keep_parameter(Via& via, const Parameter& parameter) {
  const auto is = [&parameter](std::string_view name) {
    return text::equal_ignoring_case(parameter.name, name);
  };
  if (is("branch")) {
    via.branch = parameter.value;
  } else if (is("received")) {
    via.received = parameter.value;
  } else if (is("maddr")) {
    via.maddr = parameter.value;
  } else if (is("rport")) {
    via.has_rport = true;
    const auto port = text::decimal(parameter.value, 65535);
    via.rport = static_cast<std::uint16_t>(port.value_or(0));
    return port || !parameter.has_value;
  }
  return true;
}

/// Returns what is wrong, or nothing.
const char* parse_into(Via& via, std::string_view text) {
  via.text = text;
  std::string_view rest = text;
  if (!parse_protocol(via, rest)) return "a malformed protocol in Via";
  const std::size_t end = std::min(rest.find(';'), rest.size());
  const auto sent_by = parse_sent_by(text::trim(rest.substr(0, end)));
  if (!sent_by) return "a malformed sent-by in Via";
  via.host = sent_by->host;
  via.port = sent_by->port;
  bool good = true;
  rest.remove_prefix(end);
  const char* problem = walk_parameters(
      rest, [&](const Parameter& parameter) { good = keep_parameter(via, parameter) && good; });
  if (problem != nullptr) return problem;
  via.parameters = Parameters(rest);
  return good ? nullptr : "a malformed rport in Via";
}

}  // namespace

bool Via::has_magic_cookie() const {
  return branch.size() > kMagicCookie.size() &&
         text::equal_ignoring_case(branch.substr(0, kMagicCookie.size()), kMagicCookie);
}

Result<Via> parse_via(std::string_view text) {
  Result<Via> result(tl::in_place);
  if (const char* problem = parse_into(*result, text::trim(text))) result = malformed(problem);
  return result;
}

std::string write_via(ViaTransport transport, std::string_view host, std::string_view branch, bool rport) {
  std::string value = "SIP/2.0/";
  for (const TransportName& known : kTransports)
    if (known.transport == transport) value += known.name;
  value += ' ';
  value += host;
  if (rport) value += ";rport";
  value += ";branch=";
  value += branch;
  return value;
}

std::string with_source(const Via& via, const Endpoint& source) {
  const std::string_view list = via.parameters.text();
  std::string value;
  value.reserve(via.text.size() + 64);
  value += text::trim(via.text.substr(0, via.text.size() - list.size()));
  for (const Parameter& parameter : via.parameters) {
    // What the sender claims about itself is not kept.
    if (text::equal_ignoring_case(parameter.name, "received")) continue;
    const bool is_rport = text::equal_ignoring_case(parameter.name, "rport");
    value += ';';
    value += parameter.name;
    if (is_rport) {
      value += '=';
      value += std::to_string(source.port);
    } else if (parameter.has_value) {
      value += '=';
      value += parameter.value;
    }
  }
  const std::string address = source.address.to_string();
  std::string_view host = via.host;
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  if (via.has_rport || !text::equal_ignoring_case(host, address)) value += ";received=" + address;
  return value;
}

ResponseTarget response_target(const Via& via) {
  const bool secure = via.transport == ViaTransport::tls || via.transport == ViaTransport::wss ||
                      via.transport == ViaTransport::tls_sctp;
  const auto standard_port = static_cast<std::uint16_t>(secure ? 5061 : 5060);
  ResponseTarget target{via.host, via.port != 0 ? via.port : standard_port};
  if (!via.maddr.empty()) {
    target.host = via.maddr;
    return target;
  }
  if (!via.received.empty()) target.host = via.received;
  if (via.rport != 0) target.port = via.rport;
  return target;
}

}  // namespace sallyport::sip
