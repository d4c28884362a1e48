// SPDX-License-Identifier: GPL-3.0-or-later
// SDP attributes that this program knows by name, and the group each belongs to when a description crosses
// the border.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sallyport::sip {

enum class SdpAttribute : std::uint8_t {
  other,
  acap,
  acfg,
  alt,
  altc,
  bcap,
  bundle_only,
  candidate,
  ccap,
  connection,
  creq,
  crypto,
  csup,
  dtls_id,
  end_of_candidates,
  extmap,
  extmap_allow_mixed,
  fingerprint,
  fmtp,
  group,
  ice_lite,
  ice_mismatch,
  ice_options,
  ice_pacing,
  ice_pwd,
  ice_ufrag,
  icap,
  identity,
  inactive,
  key_mgmt,
  lcfg,
  maxptime,
  mcap,
  mfcap,
  mid,
  mscap,
  msid,
  msid_semantic,
  omcap,
  pcfg,
  ptime,
  recvonly,
  remote_candidates,
  rmcap,
  rtcp,
  rtcp_fb,
  rtcp_mux,
  rtcp_mux_only,
  rtpmap,
  sendonly,
  sendrecv,
  sescap,
  setup,
  source_filter,
  ssrc,
  ssrc_group,
  tcap,
  tls_id,
  tool,
  zrtp_hash,
};

/// What becomes of an attribute depends on its group.
enum class SdpGroup : std::uint8_t {
  plain,       ///< about codecs or unknown: passed on
  direction,   ///< written anew from the stream's direction
  transport,   ///< written anew: it tells addresses and ports
  keying,      ///< holds keys: ends here, always
  capability,  ///< RFC 5939, 6871: offers within an offer, with keys in them; ends here, always
  ice,         ///< RFC 8839
  dtls,        ///< RFC 8122, 8842
  zrtp,        ///< RFC 6189
  bundle,      ///< RFC 5888, 9143: streams that share a transport
  source,      ///< RFC 5576, 8830: SSRCs with names of their senders
  extension,   ///< RFC 8285: header extensions of RTP
  identity,    ///< tells who or what made the description
};

struct SdpAttributeInfo {
  SdpAttribute id;
  std::string_view name;
  SdpGroup group;
};

inline constexpr std::array kSdpAttributes = std::to_array<SdpAttributeInfo>({
    {SdpAttribute::other, "", SdpGroup::plain},
    {SdpAttribute::acap, "acap", SdpGroup::capability},
    {SdpAttribute::acfg, "acfg", SdpGroup::capability},
    {SdpAttribute::alt, "alt", SdpGroup::ice},
    {SdpAttribute::altc, "altc", SdpGroup::transport},
    {SdpAttribute::bcap, "bcap", SdpGroup::capability},
    {SdpAttribute::bundle_only, "bundle-only", SdpGroup::bundle},
    {SdpAttribute::candidate, "candidate", SdpGroup::ice},
    {SdpAttribute::ccap, "ccap", SdpGroup::capability},
    {SdpAttribute::connection, "connection", SdpGroup::dtls},
    {SdpAttribute::creq, "creq", SdpGroup::capability},
    {SdpAttribute::crypto, "crypto", SdpGroup::keying},
    {SdpAttribute::csup, "csup", SdpGroup::capability},
    {SdpAttribute::dtls_id, "dtls-id", SdpGroup::dtls},
    {SdpAttribute::end_of_candidates, "end-of-candidates", SdpGroup::ice},
    {SdpAttribute::extmap, "extmap", SdpGroup::extension},
    {SdpAttribute::extmap_allow_mixed, "extmap-allow-mixed", SdpGroup::extension},
    {SdpAttribute::fingerprint, "fingerprint", SdpGroup::dtls},
    {SdpAttribute::fmtp, "fmtp", SdpGroup::plain},
    {SdpAttribute::group, "group", SdpGroup::bundle},
    {SdpAttribute::ice_lite, "ice-lite", SdpGroup::ice},
    {SdpAttribute::ice_mismatch, "ice-mismatch", SdpGroup::ice},
    {SdpAttribute::ice_options, "ice-options", SdpGroup::ice},
    {SdpAttribute::ice_pacing, "ice-pacing", SdpGroup::ice},
    {SdpAttribute::ice_pwd, "ice-pwd", SdpGroup::ice},
    {SdpAttribute::ice_ufrag, "ice-ufrag", SdpGroup::ice},
    {SdpAttribute::icap, "icap", SdpGroup::capability},
    {SdpAttribute::identity, "identity", SdpGroup::identity},
    {SdpAttribute::inactive, "inactive", SdpGroup::direction},
    {SdpAttribute::key_mgmt, "key-mgmt", SdpGroup::keying},
    {SdpAttribute::lcfg, "lcfg", SdpGroup::capability},
    {SdpAttribute::maxptime, "maxptime", SdpGroup::plain},
    {SdpAttribute::mcap, "mcap", SdpGroup::capability},
    {SdpAttribute::mfcap, "mfcap", SdpGroup::capability},
    {SdpAttribute::mid, "mid", SdpGroup::bundle},
    {SdpAttribute::mscap, "mscap", SdpGroup::capability},
    {SdpAttribute::msid, "msid", SdpGroup::source},
    {SdpAttribute::msid_semantic, "msid-semantic", SdpGroup::source},
    {SdpAttribute::omcap, "omcap", SdpGroup::capability},
    {SdpAttribute::pcfg, "pcfg", SdpGroup::capability},
    {SdpAttribute::ptime, "ptime", SdpGroup::plain},
    {SdpAttribute::recvonly, "recvonly", SdpGroup::direction},
    {SdpAttribute::remote_candidates, "remote-candidates", SdpGroup::ice},
    {SdpAttribute::rmcap, "rmcap", SdpGroup::capability},
    {SdpAttribute::rtcp, "rtcp", SdpGroup::transport},
    {SdpAttribute::rtcp_fb, "rtcp-fb", SdpGroup::plain},
    {SdpAttribute::rtcp_mux, "rtcp-mux", SdpGroup::transport},
    {SdpAttribute::rtcp_mux_only, "rtcp-mux-only", SdpGroup::transport},
    {SdpAttribute::rtpmap, "rtpmap", SdpGroup::plain},
    {SdpAttribute::sendonly, "sendonly", SdpGroup::direction},
    {SdpAttribute::sendrecv, "sendrecv", SdpGroup::direction},
    {SdpAttribute::sescap, "sescap", SdpGroup::capability},
    {SdpAttribute::setup, "setup", SdpGroup::dtls},
    {SdpAttribute::source_filter, "source-filter", SdpGroup::transport},
    {SdpAttribute::ssrc, "ssrc", SdpGroup::source},
    {SdpAttribute::ssrc_group, "ssrc-group", SdpGroup::source},
    {SdpAttribute::tcap, "tcap", SdpGroup::capability},
    {SdpAttribute::tls_id, "tls-id", SdpGroup::dtls},
    {SdpAttribute::tool, "tool", SdpGroup::identity},
    {SdpAttribute::zrtp_hash, "zrtp-hash", SdpGroup::zrtp},
});

[[nodiscard]] constexpr const SdpAttributeInfo& info(SdpAttribute attribute) {
  return kSdpAttributes[static_cast<std::size_t>(attribute)];
}

constexpr bool sdp_attributes_stand_at_their_ids() {
  for (std::size_t i = 0; i < kSdpAttributes.size(); ++i) {
    if (static_cast<std::size_t>(kSdpAttributes[i].id) != i) return false;
    if (i > 1 && kSdpAttributes[i].name.front() < kSdpAttributes[i - 1].name.front()) return false;
  }
  return kSdpAttributes.back().id == SdpAttribute::zrtp_hash;
}
static_assert(sdp_attributes_stand_at_their_ids());

namespace detail {
/// Where the names with each first letter begin: the table is in the order of first letters.
constexpr std::array<std::uint8_t, 27> sdp_attribute_index() {
  std::array<std::uint8_t, 27> index{};
  std::size_t at = 1;
  for (std::size_t letter = 0; letter < 27; ++letter) {
    while (at < kSdpAttributes.size() &&
           static_cast<std::size_t>(kSdpAttributes[at].name.front() - 'a') < letter)
      ++at;
    index[letter] = static_cast<std::uint8_t>(at);
  }
  return index;
}
inline constexpr auto kSdpAttributeIndex = sdp_attribute_index();
}  // namespace detail

/// Attribute names are case-sensitive (RFC 8866 §5.13).
[[nodiscard]] constexpr SdpAttribute sdp_attribute(std::string_view name) {
  if (name.empty() || name.front() < 'a' || name.front() > 'z') return SdpAttribute::other;
  const auto letter = static_cast<std::size_t>(name.front() - 'a');
  for (std::size_t i = detail::kSdpAttributeIndex[letter]; i < detail::kSdpAttributeIndex[letter + 1]; ++i)
    if (kSdpAttributes[i].name == name) return kSdpAttributes[i].id;
  return SdpAttribute::other;
}

}  // namespace sallyport::sip
