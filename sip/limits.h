// SPDX-License-Identifier: GPL-3.0-or-later
// Limits: everything a SIP peer can make grow here, each with a name, a bound, the answer to what
// exceeds it and a count of refusals.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sallyport::sip {

enum class Limit : std::uint8_t {
  none,
  header_bytes,
  body_bytes,
  header_fields,
  header_value_bytes,
  uri_bytes,
  list_values,
  parameters,
  via_fields,
  multipart_parts,
  multipart_depth,
  server_transactions,
  client_transactions,
  forked_dialogs,
  sdp_lines,
  sdp_media,
  sdp_crypto,
};

struct LimitInfo {
  Limit limit;
  std::string_view name;
  std::uint32_t standard;  ///< the default
  std::uint32_t lowest;
  std::uint32_t highest;
  std::uint16_t status;  ///< the answer to a request that exceeds it
  const char* reason;    ///< its reason phrase
  std::string_view meaning;
};

/// `none` stands for defects that are no matter of size; `header_fields` is bounded by its index of one
/// octet.
inline constexpr std::array kLimits = std::to_array<LimitInfo>({
    {Limit::none, "none", 0, 0, 0, 400, "Bad Request", "no limit"},
    {Limit::header_bytes, "header_bytes", 32768, 1024, 1048576, 513, "Message Too Large: header",
     "octets of a message's start line and header"},
    {Limit::body_bytes, "body_bytes", 65536, 0, 1048576, 413, "Request Entity Too Large",
     "octets of a message's body"},
    {Limit::header_fields, "header_fields", 128, 16, 250, 513, "Message Too Large: header fields",
     "header fields of a message"},
    {Limit::header_value_bytes, "header_value_bytes", 8192, 256, 65535, 513,
     "Message Too Large: header field value", "octets of one header field's value"},
    {Limit::uri_bytes, "uri_bytes", 2048, 256, 65535, 414, "Request-URI Too Long", "octets of a Request-URI"},
    {Limit::list_values, "list_values", 128, 16, 1024, 400, "Too Many Values in a Header Field",
     "values of one kind of header field that is a list"},
    {Limit::parameters, "parameters", 64, 8, 1024, 400, "Too Many Parameters",
     "parameters of one URI or header field value"},
    {Limit::via_fields, "via_fields", 70, 8, 250, 513, "Message Too Large: Via",
     "Via header fields of a message"},
    {Limit::multipart_parts, "multipart_parts", 16, 1, 256, 413, "Request Entity Too Large: body parts",
     "parts of a multipart body"},
    {Limit::multipart_depth, "multipart_depth", 3, 1, 8, 413, "Request Entity Too Large: nested bodies",
     "multipart bodies inside each other"},
    {Limit::server_transactions, "server_transactions", 200000, 16, 4000000, 503, "Service Unavailable",
     "requests from others that are answered or remembered at one time"},
    {Limit::client_transactions, "client_transactions", 200000, 16, 4000000, 503, "Service Unavailable",
     "requests of ours that wait for answers or for their repetitions at one time"},
    {Limit::forked_dialogs, "forked_dialogs", 32, 1, 1024, 503, "Service Unavailable",
     "dialogs that one INVITE of ours makes"},
    {Limit::sdp_lines, "sdp_lines", 1024, 64, 65535, 488, "Not Acceptable Here: too many SDP lines",
     "lines of a session description"},
    {Limit::sdp_media, "sdp_media", 16, 1, 250, 488, "Not Acceptable Here: too many media",
     "media of a session description"},
    {Limit::sdp_crypto, "sdp_crypto", 16, 1, 250, 488, "Not Acceptable Here: too many crypto lines",
     "crypto attributes of one medium that are looked at"},
});
inline constexpr std::size_t kLimitCount = kLimits.size();

[[nodiscard]] constexpr const LimitInfo& info(Limit limit) {
  return kLimits[static_cast<std::size_t>(limit)];
}

constexpr bool limits_stand_at_their_values() {
  for (std::size_t i = 0; i < kLimits.size(); ++i)
    if (static_cast<std::size_t>(kLimits[i].limit) != i) return false;
  return kLimits.back().limit == Limit::sdp_crypto;
}
static_assert(limits_stand_at_their_values());

/// The bounds in force and how often each refused something. One thread's.
class Limits {
 public:
  constexpr Limits() {
    for (std::size_t i = 0; i < kLimitCount; ++i) bounds_[i] = kLimits[i].standard;
  }

  [[nodiscard]] constexpr std::uint32_t operator[](Limit limit) const { return bounds_[index(limit)]; }
  constexpr void set(Limit limit, std::uint32_t bound) { bounds_[index(limit)] = bound; }
  [[nodiscard]] constexpr std::uint64_t refusals(Limit limit) const { return refusals_[index(limit)]; }
  constexpr void count_refusal(Limit limit) { ++refusals_[index(limit)]; }

 private:
  [[nodiscard]] static constexpr std::size_t index(Limit limit) { return static_cast<std::size_t>(limit); }

  std::array<std::uint32_t, kLimitCount> bounds_{};
  std::array<std::uint64_t, kLimitCount> refusals_{};
};

inline constexpr Limits kStandardLimits{};

}  // namespace sallyport::sip
