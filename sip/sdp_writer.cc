// SPDX-License-Identifier: GPL-3.0-or-later
// A description is copied line by line; what tells of the other side is left out or written anew.
#include "sip/sdp_writer.h"

#include <algorithm>
#include <cassert>

#include "sip/sdp_bundle.h"
#include "sip/sdp_ice.h"
#include "sip/text.h"

namespace sallyport::sip {

namespace {

void append_line(std::string& text, const SdpLine& line) {
  text.append(1, line.type).append(1, '=').append(line.value).append("\r\n");
}

void append_address(std::string& text, const IpAddress& address) {
  text.append(address.is_v4() ? "IN IP4 " : "IN IP6 ").append(address.to_string());
}

bool matches(std::string_view pattern, std::string_view attribute_name) {
  if (!pattern.ends_with('*')) return text::equal_ignoring_case(pattern, attribute_name);
  return text::starts_with_ignoring_case(attribute_name, pattern.substr(0, pattern.size() - 1));
}

/// The medium that the group of the same bundle begins with: the one whose transport it is, or the first if
/// that one is refused.
std::size_t tagged(std::span<const MediaEdit> media, std::size_t index) {
  const LocalBundle* const bundle = media[index].bundle;
  if (bundle == nullptr) return index;
  const auto shares = [&](const MediaEdit& edit) {
    return edit.local && edit.bundle != nullptr && edit.bundle->carrier == bundle->carrier;
  };
  if (bundle->carrier < media.size() && shares(media[bundle->carrier])) return bundle->carrier;
  return static_cast<std::size_t>(std::ranges::find_if(media, shares) - media.begin());
}

void append_bundles(std::string& text, std::span<const MediaEdit> media) {
  for (std::size_t first = 0; first < media.size(); ++first) {
    if (!media[first].local || media[first].bundle == nullptr || tagged(media, first) != first) continue;
    std::vector<std::string_view> mids{media[first].bundle->mid};
    for (std::size_t i = 0; i < media.size(); ++i)
      if (i != first && media[i].local && media[i].bundle != nullptr && tagged(media, i) == first)
        mids.push_back(media[i].bundle->mid);
    append_bundle(text, mids);
  }
}

void append_session(std::string& text, const Sdp& source, const LocalOrigin& origin, const SdpFilter& filter,
                    bool is_ice_lite) {
  text.append("v=0\r\no=- ").append(std::to_string(origin.session_id));
  text.append(1, ' ').append(std::to_string(origin.version)).append(1, ' ');
  append_address(text, origin.address);
  text.append("\r\ns=-\r\nc=");
  append_address(text, origin.address);
  text.append("\r\n");
  constexpr std::string_view kLeftOut = "voscieupka";
  bool has_time = false;
  for (const SdpLine line : source.session_lines()) {
    if (kLeftOut.find(line.type) != std::string_view::npos) continue;
    has_time = has_time || line.type == 't';
    append_line(text, line);
  }
  if (!has_time) text.append("t=0 0\r\n");
  if (is_ice_lite) text.append("a=ice-lite\r\n");
  for (const SdpLine line : source.session_lines())
    if (line.type == 'a' && !filter.drops(line)) append_line(text, line);
}

void append_transport(std::string& text, const MediaEdit& edit, const LocalOrigin& origin) {
  if (edit.local->address != origin.address) {
    text.append("c=");
    append_address(text, edit.local->address);
    text.append("\r\n");
  }
}

/// One candidate a component (RFC 8839 §5.1): where we receive, and nowhere else.
void append_ice(std::string& text, const MediaEdit& edit) {
  text.append("a=ice-ufrag:").append(edit.ice->fragment);
  text.append("\r\na=ice-pwd:").append(edit.ice->password).append("\r\n");
  append_candidate(text, "1", 1, host_candidate_priority(1), *edit.local);
  if (edit.mux) return;
  const Endpoint above{edit.local->address, static_cast<std::uint16_t>(edit.local->port + 1)};
  append_candidate(text, "1", 2, host_candidate_priority(2), edit.local_rtcp.value_or(above));
}

void append_dtls(std::string& text, const MediaEdit& edit) {
  append_fingerprint(text, edit.dtls->fingerprint);
  text.append("a=setup:").append(name(edit.setup)).append("\r\n");
  if (!edit.dtls->tls_id.empty()) text.append("a=tls-id:").append(edit.dtls->tls_id).append("\r\n");
}

/// Of a bundle all media tell of the transport: RFC 9143 §7.3.3 has it said once, but Firefox 153 ends at
/// such an answer, and nobody minds the others.
void append_attributes(std::string& text, const MediaEdit& edit) {
  text.append("a=").append(name(edit.direction)).append("\r\n");
  if (edit.bundle != nullptr) text.append("a=mid:").append(edit.bundle->mid).append("\r\n");
  if (edit.mux) text.append("a=rtcp-mux\r\n");
  const Endpoint next{edit.local->address, static_cast<std::uint16_t>(edit.local->port + 1)};
  if (edit.local_rtcp && *edit.local_rtcp != next && *edit.local_rtcp != *edit.local) {
    text.append("a=rtcp:").append(std::to_string(edit.local_rtcp->port)).append(1, ' ');
    append_address(text, edit.local_rtcp->address);
    text.append("\r\n");
  }
  for (const CryptoAttribute& crypto : edit.crypto) append_crypto(text, crypto);
  if (edit.dtls != nullptr) append_dtls(text, edit);
  if (edit.zrtp != nullptr) append_zrtp_hash(text, *edit.zrtp);
  if (edit.ice != nullptr) append_ice(text, edit);
}

/// The other leg's packets have MIDs that mean nothing, or another medium, under the names that this leg
/// knows.
bool has_other_mid(const Sdp& source, std::size_t index, const MediaEdit& edit) {
  const auto theirs = source.media_attribute(index, SdpAttribute::mid);
  return edit.bundle != nullptr && theirs && *theirs != edit.bundle->mid;
}

bool is_feedback(const SdpLine& line) {
  return line.attribute == SdpAttribute::rtcp_fb;
}

void append_medium(std::string& text, const Sdp& source, std::size_t index, std::span<const MediaEdit> media,
                   const LocalOrigin& origin, const SdpFilter& filter) {
  const MediaEdit& edit = media[index];
  const SdpMedia medium = source.media(index);
  text.append("m=").append(medium.type).append(1, ' ');
  text.append(std::to_string(edit.local ? edit.local->port : 0)).append(1, ' ');
  text.append(edit.protocol).append(1, ' ').append(medium.formats).append("\r\n");
  if (!edit.local) return;
  append_transport(text, edit, origin);
  const bool renamed = has_other_mid(source, index, edit);
  for (const SdpLine line : source.media_lines(index)) {
    const bool ours = line.type == 'm' || line.type == 'c' || line.type == 'k' || line.type == 'i';
    const bool carried = edit.keep_zrtp && line.attribute == SdpAttribute::zrtp_hash;
    const bool stays = line.type == 'a' && !carried &&
                       (filter.drops(line) || (!edit.keep_feedback && is_feedback(line)) ||
                        (renamed && is_mid_extension(line)));
    if (!ours && !stays) append_line(text, line);
  }
  append_attributes(text, edit);
}

}  // namespace

bool SdpFilter::drops(const SdpLine& attribute) const {
  switch (info(attribute.attribute).group) {
    case SdpGroup::direction:
    case SdpGroup::transport:
    case SdpGroup::keying:
    case SdpGroup::capability:
    case SdpGroup::identity:
    case SdpGroup::ice:
    case SdpGroup::dtls:
    case SdpGroup::zrtp:
    case SdpGroup::bundle:
    case SdpGroup::source:
      return true;
    case SdpGroup::extension:
      if (!keep_extensions) return true;
      break;
    case SdpGroup::plain:
      break;
  }
  return std::ranges::any_of(dropped,
                             [&](const std::string& pattern) { return matches(pattern, attribute.name); });
}

std::string write_sdp(const Sdp& source, const LocalOrigin& origin, std::span<const MediaEdit> media,
                      const SdpFilter& filter) {
  assert(media.size() == source.media_count());
  std::string text;
  text.reserve(source.text().size() + 256 + 128 * media.size());
  const bool is_ice_lite =
      std::ranges::any_of(media, [](const MediaEdit& edit) { return edit.ice != nullptr; });
  append_session(text, source, origin, filter, is_ice_lite);
  append_bundles(text, media);
  for (std::size_t i = 0; i < media.size(); ++i) append_medium(text, source, i, media, origin, filter);
  return text;
}

}  // namespace sallyport::sip
