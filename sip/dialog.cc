// SPDX-License-Identifier: GPL-3.0-or-later
// Dialogs: how they begin, which requests are theirs, and how requests find their way along the route set.
#include "sip/dialog.h"

#include <algorithm>
#include <array>
#include <utility>

#include "sip/contact.h"
#include "sip/uri.h"

namespace sallyport::sip {

namespace {

std::string_view tag_of(const Result<NameAddr>& address) {
  return address ? address->tag() : std::string_view();
}

std::string with_tag(std::string_view address, std::string_view tag) {
  std::string text(address);
  if (!tag.empty()) text.append(";tag=").append(tag);
  return text;
}

/// A route's URI as a Request-URI, without what that may not hold: headers and the method parameter (RFC 3261
/// §19.1.1).
std::string as_request_uri(std::string_view text) {
  const auto uri = parse_uri(text);
  if (!uri || !uri->is_sip()) return std::string(text);
  const std::string_view parameters = uri->parameters.text();
  // The parameters end where the headers begin; both stand at the end of the URI.
  std::size_t base_size = text.size() - parameters.size();
  if (!uri->headers.empty()) base_size -= uri->headers.size() + 1;
  std::string kept(text.substr(0, base_size));
  for (const Parameter& parameter : uri->parameters) {
    if (std::ranges::equal(parameter.name, std::string_view("method"), {}, [](char c) { return c | 0x20; }))
      continue;
    kept.append(";").append(parameter.name);
    if (parameter.has_value) kept.append("=").append(parameter.value);
  }
  return kept;
}

std::string uri_of_route(std::string_view route) {
  const auto address = parse_name_addr(route);
  return std::string(address ? address->uri : route);
}

}  // namespace

Result<Dialog> Dialog::from_request(const Message& request, std::string_view local_tag, bool secure) {
  const auto from = request.from();
  const auto to = request.to();
  const auto cseq = request.cseq();
  if (!from || !to || !cseq) return fail(ErrorClass::malformed, "From, To or CSeq is unreadable");
  Dialog dialog;
  dialog.call_id_ = request.call_id();
  dialog.local_tag_ = local_tag;
  dialog.remote_tag_ = from->tag();
  dialog.local_address_ = to->tag().empty() ? with_tag(to->text, local_tag) : std::string(to->text);
  dialog.remote_address_ = from->text;
  dialog.remote_cseq_ = cseq->number;
  if (request.method() == Method::invite) dialog.remote_invite_cseq_ = cseq->number;
  dialog.is_secure_ = secure;
  if (const auto set = dialog.set_target(request, true); !set) return tl::unexpected(set.error());
  if (const auto set = dialog.set_routes(request, false); !set) return tl::unexpected(set.error());
  return dialog;
}

Result<Dialog> Dialog::from_response(const Message& response, std::string_view request_uri, bool secure) {
  const auto from = response.from();
  const auto to = response.to();
  const auto cseq = response.cseq();
  if (!from || !to || !cseq) return fail(ErrorClass::malformed, "From, To or CSeq is unreadable");
  const bool is_success = response.status() / 100 == 2;
  if (response.status() <= 100 || response.status() >= 300 || (!is_success && to->tag().empty()))
    return fail(ErrorClass::refused, "a response that makes no dialog");
  Dialog dialog;
  dialog.call_id_ = response.call_id();
  dialog.local_tag_ = from->tag();
  dialog.remote_tag_ = to->tag();
  dialog.local_address_ = from->text;
  dialog.remote_address_ = to->text;
  dialog.local_cseq_ = cseq->number;
  dialog.remote_target_ = request_uri;
  dialog.state_ = is_success ? DialogState::confirmed : DialogState::early;
  dialog.is_secure_ = secure;
  dialog.owns_call_id_ = true;
  if (const auto set = dialog.set_target(response, is_success); !set) return tl::unexpected(set.error());
  if (const auto set = dialog.set_routes(response, true); !set) return tl::unexpected(set.error());
  return dialog;
}

Result<void> Dialog::set_target(const Message& message, bool is_needed) {
  const auto text = message.header(HeaderId::contact);
  if (!text) {
    if (is_needed) return fail(ErrorClass::malformed, "no Contact");
    return {};
  }
  const auto values = contacts(message);
  if (!values) return tl::unexpected(values.error());
  if (values->size() != 1 || values->front().star)
    return fail(ErrorClass::malformed, "not exactly one Contact");
  const auto uri = values->front().address.parsed_uri();
  if (!uri) return tl::unexpected(uri.error());
  if (!uri->is_sip()) return fail(ErrorClass::malformed, "the Contact is no SIP URI");
  remote_target_ = uri->text;
  return {};
}

Result<void> Dialog::set_routes(const Message& message, bool reversed) {
  const auto routes = message.addresses(HeaderId::record_route);
  if (!routes) return tl::unexpected(routes.error());
  std::vector<std::string> route_set;
  for (const NameAddr& route : *routes) route_set.emplace_back(route.text);
  if (reversed) std::ranges::reverse(route_set);
  route_set_ = std::move(route_set);
  return {};
}

void Dialog::confirm() {
  if (state_ == DialogState::early) state_ = DialogState::confirmed;
}

Result<void> Dialog::confirm(const Message& success) {
  if (state_ == DialogState::terminated) return fail(ErrorClass::refused, "the dialog is over");
  if (const auto set = set_target(success, false); !set) return set;
  // A repetition of the 2xx, or one to a re-INVITE, leaves the route set alone.
  if (state_ == DialogState::confirmed) return {};
  state_ = DialogState::confirmed;
  return set_routes(success, true);
}

bool Dialog::owns_request(const Message& request) const {
  return request.call_id() == call_id_ && tag_of(request.to()) == local_tag_ &&
         tag_of(request.from()) == remote_tag_;
}

bool Dialog::owns_response(const Message& response) const {
  return response.call_id() == call_id_ && tag_of(response.from()) == local_tag_ &&
         tag_of(response.to()) == remote_tag_;
}

unsigned Dialog::check_request(const Message& request) {
  const auto cseq = request.cseq();
  if (!cseq || !owns_request(request) || state_ == DialogState::terminated) return 481;
  // An ACK has its INVITE's number, which later requests may have passed.
  if (request.method() == Method::ack) return cseq->number == remote_invite_cseq_ ? 0 : 481;
  //= https://www.rfc-editor.org/rfc/rfc3261#section-12.2.2
  //# If the remote sequence number was not empty, but the sequence number
  //# of the request is lower than the remote sequence number, the request
  //# is out of order and MUST be rejected with a 500 (Server Internal
  //# Error) response.
  // An equal number in another transaction is no better.
  if (remote_cseq_ && cseq->number <= *remote_cseq_) return 500;
  remote_cseq_ = cseq->number;
  if (request.method() == Method::invite) remote_invite_cseq_ = cseq->number;
  return 0;
}

Result<void> Dialog::refresh_target(const Message& message) {
  if (!is_target_refresh(message.method())) return {};
  return set_target(message, false);
}

bool Dialog::starts_with_strict_router() const {
  if (route_set_.empty()) return false;
  const std::string first = uri_of_route(route_set_.front());
  const auto uri = parse_uri(first);
  return !uri || !uri->is_loose_route();
}

MessageWriter Dialog::begin(std::string_view method, std::uint32_t cseq, std::string_view via) const {
  const bool is_strict = starts_with_strict_router();
  MessageWriter writer = MessageWriter::request(
      method, is_strict ? as_request_uri(uri_of_route(route_set_.front())) : remote_target_);
  writer.header(HeaderId::via, via);
  //= https://www.rfc-editor.org/rfc/rfc3261#section-12.2.1.1
  //# The UAC MUST add a Route header field containing
  //# the remainder of the route set values in order, including all
  //# parameters.
  for (std::size_t i = is_strict ? 1 : 0; i < route_set_.size(); ++i)
    writer.header(HeaderId::route, route_set_[i]);
  if (is_strict) writer.header(HeaderId::route, {"<", remote_target_, ">"});
  writer.header(HeaderId::max_forwards, kMaxForwards);
  writer.header(HeaderId::from, local_address_);
  writer.header(HeaderId::to, remote_address_);
  writer.header(HeaderId::call_id, call_id_);
  writer.header(HeaderId::cseq, write_cseq(cseq, method));
  return writer;
}

MessageWriter Dialog::request(Method method, std::string_view via) {
  return request(name_of(method), via);
}

MessageWriter Dialog::request(std::string_view method, std::string_view via) {
  return begin(method, ++local_cseq_, via);
}

MessageWriter Dialog::ack(std::uint32_t invite_cseq, std::string_view via) const {
  return begin(name_of(Method::ack), invite_cseq, via);
}

std::string Dialog::next_hop() const {
  return route_set_.empty() ? remote_target_ : uri_of_route(route_set_.front());
}

std::string Dialog::dump() const {
  constexpr std::array<std::string_view, 3> kNames = {"early", "confirmed", "terminated"};
  std::string text(kNames[static_cast<std::size_t>(state_)]);
  text.append(", Call-ID ").append(call_id_).append(", local ").append(std::to_string(local_cseq_));
  return text.append(", remote ").append(remote_cseq_ ? std::to_string(*remote_cseq_) : "none");
}

Hash128 dialog_key(HashKey key, const Dialog& dialog) {
  return KeyedHash<>(key).text(dialog.call_id()).text(dialog.local_tag()).text(dialog.remote_tag()).finish();
}

std::optional<Hash128> dialog_key(HashKey key, const Message& request) {
  const auto from = request.from();
  const auto to = request.to();
  if (tag_of(to).empty()) return std::nullopt;
  return KeyedHash<>(key).text(request.call_id()).text(to->tag()).text(tag_of(from)).finish();
}

FailureImpact failure_impact(unsigned status) {
  constexpr auto kUsage = std::to_array<unsigned>({405, 480, 481, 489, 501});
  constexpr auto kDialog = std::to_array<unsigned>({404, 408, 410, 416, 482, 483, 484, 485, 502, 604});
  if (std::ranges::binary_search(kUsage, status)) return FailureImpact::usage;
  return std::ranges::binary_search(kDialog, status) ? FailureImpact::dialog : FailureImpact::transaction;
}

}  // namespace sallyport::sip
