// SPDX-License-Identifier: GPL-3.0-or-later
// Bodies: media types, and the parts of multipart bodies (RFC 2046 §5.1, RFC 5621).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sip/limits.h"
#include "sip/message.h"
#include "sip/parameters.h"

namespace sallyport::sip {

/// `type/subtype;parameters`, as Content-Type and Accept have it. Views.
struct MediaType {
  std::string_view type;
  std::string_view subtype;
  Parameters parameters;

  /// Compares `type/subtype`; case does not matter.
  [[nodiscard]] bool is(std::string_view name) const;
  [[nodiscard]] bool is_multipart() const;
};
[[nodiscard]] Result<MediaType> parse_media_type(std::string_view text);

/// One part, or a whole body that has no parts. Views; headers that are absent are empty.
struct BodyPart {
  std::string_view content_type;  ///< `text/plain` if the part says nothing (RFC 2046 §5.1)
  std::string_view disposition;
  std::string_view content_id;
  std::string_view transfer_encoding;
  std::string_view headers;  ///< all of them as written
  std::string_view body;

  /// `handling=optional` in the disposition: who does not understand the part may ignore it (RFC 5621 §8).
  [[nodiscard]] bool is_optional() const;
};

/// The parts of a multipart body in order. Fails on a Content-Type without a proper boundary, a body in which
/// the boundary never comes or that does not close, more parts than the limit, a part whose header is
/// malformed.
[[nodiscard]] Result<std::vector<BodyPart>> parse_multipart(std::string_view content_type,
                                                            std::string_view body,
                                                            const Limits& limits = kStandardLimits);

struct FoundBody {
  BodyPart part;
  /// Beside it stood parts of other types whose handling is `required`, by word or by default: who neither
  /// understands them nor passes them on answers 415 (RFC 5621 §8.3).
  bool leaves_required = false;
};
/// The body of this media type (`application/sdp`), wherever it is: the whole body, or a part at any depth
/// within the limit; of multipart/alternative the last that fits, else the first. Nothing if there is none.
/// Fails as parse_multipart does, and with class unsupported if the part found has a transfer encoding other
/// than identity: 7bit, 8bit or binary.
[[nodiscard]] Result<std::optional<FoundBody>> find_body(const Message& message, std::string_view media_type,
                                                         const Limits& limits = kStandardLimits);

/// Joins parts; `boundary` must not occur in any (random text from the caller). The Content-Type that goes
/// with it is `multipart/mixed;boundary="…"`, or another subtype.
[[nodiscard]] std::string write_multipart(std::string_view boundary, const std::vector<BodyPart>& parts);

}  // namespace sallyport::sip
