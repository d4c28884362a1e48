// SPDX-License-Identifier: GPL-3.0-or-later
// Header fields: the ones we know by name, with their compact forms and how often they may occur.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sallyport::sip {

/// `other` is any name that the table does not know: passed on untouched, by its text.
enum class HeaderId : std::uint8_t {
  other,
  accept,
  accept_contact,
  accept_encoding,
  accept_language,
  accept_resource_priority,
  alert_info,
  allow,
  allow_events,
  authentication_info,
  authorization,
  call_id,
  call_info,
  contact,
  content_disposition,
  content_encoding,
  content_id,
  content_language,
  content_length,
  content_transfer_encoding,
  content_type,
  cseq,
  date,
  diversion,
  error_info,
  event,
  expires,
  feature_caps,
  flow_timer,
  from,
  geolocation,
  history_info,
  identity,
  identity_info,
  in_reply_to,
  info_package,
  join,
  max_breadth,
  max_forwards,
  mime_version,
  min_expires,
  min_se,
  organization,
  p_access_network_info,
  p_asserted_identity,
  p_associated_uri,
  p_called_party_id,
  p_charging_function_addresses,
  p_charging_vector,
  p_early_media,
  p_preferred_identity,
  p_visited_network_id,
  path,
  priority,
  privacy,
  proxy_authenticate,
  proxy_authentication_info,
  proxy_authorization,
  proxy_require,
  rack,
  reason,
  record_route,
  recv_info,
  refer_sub,
  refer_to,
  referred_by,
  reject_contact,
  remote_party_id,
  replaces,
  reply_to,
  request_disposition,
  require,
  resource_priority,
  retry_after,
  route,
  rseq,
  security_client,
  security_server,
  security_verify,
  server,
  service_route,
  session_expires,
  session_id,
  sip_etag,
  sip_if_match,
  subject,
  subscription_state,
  supported,
  target_dialog,
  timestamp,
  to,
  unsupported,
  user_agent,
  user_to_user,
  via,
  warning,
  www_authenticate,
};

enum class HeaderKind : std::uint8_t {
  single,    ///< at most one; a second is refused with 400
  list,      ///< values joined by commas, in one field or several (RFC 3261 §7.3.1)
  repeated,  ///< several fields, each a value of its own in spite of its commas: credentials, challenges
  text,      ///< nothing here depends on it; a second one is passed on like the first
};

struct HeaderInfo {
  HeaderId id;
  std::string_view name;
  char compact;  ///< its one-letter form, or 0
  HeaderKind kind;
};

inline constexpr std::array kHeaders = std::to_array<HeaderInfo>({
    {HeaderId::other, "", 0, HeaderKind::text},
    {HeaderId::accept, "Accept", 0, HeaderKind::list},
    {HeaderId::accept_contact, "Accept-Contact", 'a', HeaderKind::list},
    {HeaderId::accept_encoding, "Accept-Encoding", 0, HeaderKind::list},
    {HeaderId::accept_language, "Accept-Language", 0, HeaderKind::list},
    {HeaderId::accept_resource_priority, "Accept-Resource-Priority", 0, HeaderKind::list},
    {HeaderId::alert_info, "Alert-Info", 0, HeaderKind::list},
    {HeaderId::allow, "Allow", 0, HeaderKind::list},
    {HeaderId::allow_events, "Allow-Events", 'u', HeaderKind::list},
    {HeaderId::authentication_info, "Authentication-Info", 0, HeaderKind::single},
    {HeaderId::authorization, "Authorization", 0, HeaderKind::repeated},
    {HeaderId::call_id, "Call-ID", 'i', HeaderKind::single},
    {HeaderId::call_info, "Call-Info", 0, HeaderKind::list},
    {HeaderId::contact, "Contact", 'm', HeaderKind::list},
    {HeaderId::content_disposition, "Content-Disposition", 0, HeaderKind::single},
    {HeaderId::content_encoding, "Content-Encoding", 'e', HeaderKind::list},
    {HeaderId::content_id, "Content-ID", 0, HeaderKind::single},
    {HeaderId::content_language, "Content-Language", 0, HeaderKind::list},
    {HeaderId::content_length, "Content-Length", 'l', HeaderKind::single},
    {HeaderId::content_transfer_encoding, "Content-Transfer-Encoding", 0, HeaderKind::single},
    {HeaderId::content_type, "Content-Type", 'c', HeaderKind::single},
    {HeaderId::cseq, "CSeq", 0, HeaderKind::single},
    {HeaderId::date, "Date", 0, HeaderKind::text},
    {HeaderId::diversion, "Diversion", 0, HeaderKind::list},
    {HeaderId::error_info, "Error-Info", 0, HeaderKind::list},
    {HeaderId::event, "Event", 'o', HeaderKind::single},
    {HeaderId::expires, "Expires", 0, HeaderKind::single},
    {HeaderId::feature_caps, "Feature-Caps", 0, HeaderKind::list},
    {HeaderId::flow_timer, "Flow-Timer", 0, HeaderKind::single},
    {HeaderId::from, "From", 'f', HeaderKind::single},
    {HeaderId::geolocation, "Geolocation", 0, HeaderKind::list},
    {HeaderId::history_info, "History-Info", 0, HeaderKind::list},
    {HeaderId::identity, "Identity", 'y', HeaderKind::repeated},
    {HeaderId::identity_info, "Identity-Info", 'n', HeaderKind::single},
    {HeaderId::in_reply_to, "In-Reply-To", 0, HeaderKind::list},
    {HeaderId::info_package, "Info-Package", 0, HeaderKind::single},
    {HeaderId::join, "Join", 0, HeaderKind::single},
    {HeaderId::max_breadth, "Max-Breadth", 0, HeaderKind::single},
    {HeaderId::max_forwards, "Max-Forwards", 0, HeaderKind::single},
    {HeaderId::mime_version, "MIME-Version", 0, HeaderKind::single},
    {HeaderId::min_expires, "Min-Expires", 0, HeaderKind::single},
    {HeaderId::min_se, "Min-SE", 0, HeaderKind::single},
    {HeaderId::organization, "Organization", 0, HeaderKind::text},
    {HeaderId::p_access_network_info, "P-Access-Network-Info", 0, HeaderKind::list},
    {HeaderId::p_asserted_identity, "P-Asserted-Identity", 0, HeaderKind::list},
    {HeaderId::p_associated_uri, "P-Associated-URI", 0, HeaderKind::list},
    {HeaderId::p_called_party_id, "P-Called-Party-ID", 0, HeaderKind::single},
    {HeaderId::p_charging_function_addresses, "P-Charging-Function-Addresses", 0, HeaderKind::text},
    {HeaderId::p_charging_vector, "P-Charging-Vector", 0, HeaderKind::text},
    {HeaderId::p_early_media, "P-Early-Media", 0, HeaderKind::text},
    {HeaderId::p_preferred_identity, "P-Preferred-Identity", 0, HeaderKind::list},
    {HeaderId::p_visited_network_id, "P-Visited-Network-ID", 0, HeaderKind::text},
    {HeaderId::path, "Path", 0, HeaderKind::list},
    {HeaderId::priority, "Priority", 0, HeaderKind::text},
    {HeaderId::privacy, "Privacy", 0, HeaderKind::single},
    {HeaderId::proxy_authenticate, "Proxy-Authenticate", 0, HeaderKind::repeated},
    {HeaderId::proxy_authentication_info, "Proxy-Authentication-Info", 0, HeaderKind::single},
    {HeaderId::proxy_authorization, "Proxy-Authorization", 0, HeaderKind::repeated},
    {HeaderId::proxy_require, "Proxy-Require", 0, HeaderKind::list},
    {HeaderId::rack, "RAck", 0, HeaderKind::single},
    {HeaderId::reason, "Reason", 0, HeaderKind::list},
    {HeaderId::record_route, "Record-Route", 0, HeaderKind::list},
    {HeaderId::recv_info, "Recv-Info", 0, HeaderKind::list},
    {HeaderId::refer_sub, "Refer-Sub", 0, HeaderKind::single},
    {HeaderId::refer_to, "Refer-To", 'r', HeaderKind::single},
    {HeaderId::referred_by, "Referred-By", 'b', HeaderKind::single},
    {HeaderId::reject_contact, "Reject-Contact", 'j', HeaderKind::list},
    {HeaderId::remote_party_id, "Remote-Party-ID", 0, HeaderKind::list},
    {HeaderId::replaces, "Replaces", 0, HeaderKind::single},
    {HeaderId::reply_to, "Reply-To", 0, HeaderKind::single},
    {HeaderId::request_disposition, "Request-Disposition", 'd', HeaderKind::list},
    {HeaderId::require, "Require", 0, HeaderKind::list},
    {HeaderId::resource_priority, "Resource-Priority", 0, HeaderKind::list},
    {HeaderId::retry_after, "Retry-After", 0, HeaderKind::single},
    {HeaderId::route, "Route", 0, HeaderKind::list},
    {HeaderId::rseq, "RSeq", 0, HeaderKind::single},
    {HeaderId::security_client, "Security-Client", 0, HeaderKind::list},
    {HeaderId::security_server, "Security-Server", 0, HeaderKind::list},
    {HeaderId::security_verify, "Security-Verify", 0, HeaderKind::list},
    {HeaderId::server, "Server", 0, HeaderKind::text},
    {HeaderId::service_route, "Service-Route", 0, HeaderKind::list},
    {HeaderId::session_expires, "Session-Expires", 'x', HeaderKind::single},
    {HeaderId::session_id, "Session-ID", 0, HeaderKind::single},
    {HeaderId::sip_etag, "SIP-ETag", 0, HeaderKind::single},
    {HeaderId::sip_if_match, "SIP-If-Match", 0, HeaderKind::single},
    {HeaderId::subject, "Subject", 's', HeaderKind::text},
    {HeaderId::subscription_state, "Subscription-State", 0, HeaderKind::single},
    {HeaderId::supported, "Supported", 'k', HeaderKind::list},
    {HeaderId::target_dialog, "Target-Dialog", 0, HeaderKind::single},
    {HeaderId::timestamp, "Timestamp", 0, HeaderKind::single},
    {HeaderId::to, "To", 't', HeaderKind::single},
    {HeaderId::unsupported, "Unsupported", 0, HeaderKind::list},
    {HeaderId::user_agent, "User-Agent", 0, HeaderKind::text},
    {HeaderId::user_to_user, "User-to-User", 0, HeaderKind::text},
    {HeaderId::via, "Via", 'v', HeaderKind::list},
    {HeaderId::warning, "Warning", 0, HeaderKind::list},
    {HeaderId::www_authenticate, "WWW-Authenticate", 0, HeaderKind::repeated},
});
inline constexpr std::size_t kHeaderCount = kHeaders.size();

constexpr bool headers_stand_at_their_values() {
  for (std::size_t i = 0; i < kHeaders.size(); ++i)
    if (static_cast<std::size_t>(kHeaders[i].id) != i) return false;
  return kHeaders.back().id == HeaderId::www_authenticate;
}
static_assert(headers_stand_at_their_values());

[[nodiscard]] constexpr const HeaderInfo& info(HeaderId id) {
  return kHeaders[static_cast<std::size_t>(id)];
}

/// Finds a name in either form and any case; `other` if it is unknown.
[[nodiscard]] HeaderId header_id_of(std::string_view name);

}  // namespace sallyport::sip
