// SPDX-License-Identifier: GPL-3.0-or-later
// What a description says of transports that several media share (RFC 9143): a=group:BUNDLE, a=mid,
// a=bundle-only; and by what packets of one of them are known.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sip/sdp.h"

namespace sallyport::sip {

/// As many octets as an element of a one-byte header extension has (RFC 8285 §4.2).
inline constexpr std::size_t kMaxMidLength = 16;
inline constexpr std::size_t kMaxBundleMedia = 8;
/// More a=ssrc lines of one medium are passed over: packets are known by more than these.
inline constexpr std::size_t kMaxBundleSsrcs = 8;

/// Where a medium stands in the groups of its description.
struct BundlePlace {
  std::string_view mid;               ///< empty: none that we could use
  std::optional<std::size_t> tagged;  ///< the medium that describes its transport; nothing: no group has it
  bool only = false;                  ///< a=bundle-only: port 0 does not mean that it is refused
};

/// By medium. Groups that contradict themselves (a mid that two media have, or none; more than
/// kMaxBundleMedia) are as good as none.
[[nodiscard]] std::vector<BundlePlace> bundle_places(const Sdp& sdp);

/// The same of an answer, judged (RFC 9143 §7.3). `offered`: the mids of the offer's media, in their order;
/// empty for those that were in no group. Fails (`malformed`) if a group names a medium that was not offered
/// in one, or twice, or begins with one that the answer refuses.
[[nodiscard]] Result<std::vector<BundlePlace>> answered_places(const Sdp& answer,
                                                               std::span<const std::string_view> offered);

/// By what packets of a bundled medium are told from those of the others (RFC 9143 §9.2).
struct BundleMarks {
  std::string mid;
  std::uint8_t mid_extension = 0;  ///< id of the header extension that has the mid; 0: none
  std::bitset<128> payloads;
  std::vector<std::uint32_t> ssrcs;

  friend bool operator==(const BundleMarks&, const BundleMarks&) = default;
};

/// Whether the line is an a=extmap of the extension with MIDs (RFC 9143 §15).
[[nodiscard]] bool is_mid_extension(const SdpLine& line);

/// All that the medium's own lines say.
[[nodiscard]] BundleMarks bundle_marks(const Sdp& sdp, std::size_t medium, std::string_view mid);

/// Appends `a=group:BUNDLE …` and the line's end.
void append_bundle(std::string& text, std::span<const std::string_view> mids);

}  // namespace sallyport::sip
