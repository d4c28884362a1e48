// SPDX-License-Identifier: GPL-3.0-or-later
// Reading and writing what descriptions say of bundles.
#include "sip/sdp_bundle.h"

#include <algorithm>
#include <utility>

#include "sip/sdp_words.h"
#include "sip/text.h"

namespace sallyport::sip {

namespace {

constexpr std::string_view kMidExtension = "urn:ietf:params:rtp-hdrext:sdes:mid";
constexpr std::uint64_t kHighestExtension = 255;  // RFC 8285 §4.3: ids of two-byte headers

std::string_view mid_of(const Sdp& sdp, std::size_t medium) {
  const std::string_view mid = sdp.media_attribute(medium, SdpAttribute::mid).value_or("");
  const bool usable = mid.size() <= kMaxMidLength &&
                      std::ranges::all_of(mid, [](char c) { return text::is(c, text::kToken); });
  return usable ? mid : std::string_view();
}

/// The media that a group names, in its order; none where it makes no sense.
std::vector<std::size_t> members(std::string_view mids, const std::vector<BundlePlace>& places) {
  std::vector<std::size_t> found;
  for (std::string_view mid = next_word(mids); !mid.empty(); mid = next_word(mids)) {
    const auto place = std::ranges::find(places, mid, &BundlePlace::mid);
    if (place == places.end() || place->tagged || found.size() == kMaxBundleMedia) return {};
    const auto medium = static_cast<std::size_t>(place - places.begin());
    if (std::ranges::find(found, medium) != found.end()) return {};
    found.push_back(medium);
  }
  return found;
}

/// `1 urn:…` or `1/sendonly urn:…` (RFC 8285 §5); 0: another extension.
std::uint8_t extension_for_mid(std::string_view argument) {
  const std::string_view id = next_word(argument);
  if (next_word(argument) != kMidExtension) return 0;
  const auto number = whole_number(id.substr(0, id.find('/')));
  return number && *number <= kHighestExtension ? static_cast<std::uint8_t>(*number) : 0;
}

/// What is wrong with one group of an answer; `named`: the media of groups before, and then of this one.
Result<void> check_group(const Sdp& answer, std::string_view mids, std::span<const std::string_view> offered,
                         std::vector<std::size_t>& named) {
  bool is_first = true;
  for (std::string_view mid = next_word(mids); !mid.empty(); mid = next_word(mids)) {
    const auto place = std::ranges::find(offered, mid);
    const auto medium = static_cast<std::size_t>(place - offered.begin());
    if (place == offered.end() || mid_of(answer, medium) != mid)
      return fail(ErrorClass::malformed, "SDP: the answer bundles a medium that was not offered");
    if (std::ranges::find(named, medium) != named.end())
      return fail(ErrorClass::malformed, "SDP: the answer bundles a medium twice");
    if (std::exchange(is_first, false) && answer.media(medium).port == 0)
      return fail(ErrorClass::malformed, "SDP: the answer's bundle begins with a medium that is refused");
    named.push_back(medium);
  }
  return {};
}

void note_ssrc(std::string_view argument, std::vector<std::uint32_t>& ssrcs) {
  const auto number = whole_number(next_word(argument));
  if (!number || *number > UINT32_MAX || ssrcs.size() == kMaxBundleSsrcs) return;
  const auto ssrc = static_cast<std::uint32_t>(*number);
  if (std::ranges::find(ssrcs, ssrc) == ssrcs.end()) ssrcs.push_back(ssrc);
}

}  // namespace

std::vector<BundlePlace> bundle_places(const Sdp& sdp) {
  std::vector<BundlePlace> places(sdp.media_count());
  for (std::size_t i = 0; i < places.size(); ++i) {
    const std::string_view mid = mid_of(sdp, i);
    if (mid.empty()) continue;
    if (std::ranges::find(places, mid, &BundlePlace::mid) != places.end())
      return std::vector<BundlePlace>(places.size());
    places[i].mid = mid;
    places[i].only = sdp.media_attribute(i, SdpAttribute::bundle_only).has_value();
  }
  for (const SdpLine line : sdp.session_lines()) {
    if (line.type != 'a' || line.attribute != SdpAttribute::group) continue;
    std::string_view mids = line.argument;
    if (next_word(mids) != "BUNDLE") continue;
    const std::vector<std::size_t> group = members(mids, places);
    const auto tagged = std::ranges::find_if(group, [&](std::size_t i) { return sdp.media(i).port != 0; });
    if (tagged == group.end()) continue;
    for (const std::size_t medium : group) places[medium].tagged = *tagged;
  }
  return places;
}

Result<std::vector<BundlePlace>> answered_places(const Sdp& answer,
                                                 std::span<const std::string_view> offered) {
  const bool none = std::ranges::all_of(offered, &std::string_view::empty);
  if (none) return std::vector<BundlePlace>(answer.media_count());
  std::vector<std::size_t> named;
  for (const SdpLine line : answer.session_lines()) {
    if (line.type != 'a' || line.attribute != SdpAttribute::group) continue;
    std::string_view mids = line.argument;
    if (next_word(mids) != "BUNDLE") continue;
    if (auto group = check_group(answer, mids, offered, named); !group) return tl::unexpected(group.error());
  }
  auto places = bundle_places(answer);
  // Other media that repeat their mids make groups mean nothing.
  if (std::ranges::any_of(named, [&](std::size_t medium) { return !places[medium].tagged; }))
    return fail(ErrorClass::malformed, "SDP: the answer's groups contradict themselves");
  return places;
}

bool is_mid_extension(const SdpLine& line) {
  std::string_view argument = line.argument;
  static_cast<void>(next_word(argument));  // the id
  return line.attribute == SdpAttribute::extmap && next_word(argument) == kMidExtension;
}

BundleMarks bundle_marks(const Sdp& sdp, std::size_t medium, std::string_view mid) {
  BundleMarks marks;
  marks.mid = mid;
  for (const SdpFormat& format : sdp.formats(medium)) {
    const auto payload = whole_number(format.payload);
    if (payload && *payload < marks.payloads.size()) marks.payloads.set(*payload);
  }
  for (const SdpLine line : sdp.media_lines(medium)) {
    if (line.type != 'a') continue;
    if (line.attribute == SdpAttribute::ssrc) note_ssrc(line.argument, marks.ssrcs);
    if (is_mid_extension(line) && marks.mid_extension == 0)
      marks.mid_extension = extension_for_mid(line.argument);
  }
  return marks;
}

void append_bundle(std::string& text, std::span<const std::string_view> mids) {
  text.append("a=group:BUNDLE");
  for (const std::string_view mid : mids) text.append(1, ' ').append(mid);
  text.append("\r\n");
}

}  // namespace sallyport::sip
