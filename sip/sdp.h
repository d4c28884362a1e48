// SPDX-License-Identifier: GPL-3.0-or-later
// Sdp: a session description (RFC 8866) that was parsed once into offsets over its own text. Lines that are
// not understood are kept.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "base/result.h"
#include "sip/limits.h"
#include "sip/rtp_profile.h"
#include "sip/sdp_attributes.h"

namespace sallyport::sip {

/// Who sends (bit 0) and receives (bit 1), seen by whoever wrote the description.
enum class Direction : std::uint8_t { inactive = 0, sendonly = 1, recvonly = 2, sendrecv = 3 };

[[nodiscard]] constexpr std::string_view name(Direction direction) {
  constexpr std::array<std::string_view, 4> kNames = {"inactive", "sendonly", "recvonly", "sendrecv"};
  return kNames[static_cast<std::size_t>(direction)];
}
[[nodiscard]] constexpr bool sends(Direction direction) {
  return (static_cast<unsigned>(direction) & 1U) != 0;
}
[[nodiscard]] constexpr bool receives(Direction direction) {
  return (static_cast<unsigned>(direction) & 2U) != 0;
}
/// What is left when only one way or neither may be.
[[nodiscard]] constexpr Direction both(Direction left, Direction right) {
  return static_cast<Direction>(static_cast<unsigned>(left) & static_cast<unsigned>(right));
}
/// The same seen from the other end.
[[nodiscard]] constexpr Direction reversed(Direction direction) {
  return direction == Direction::sendonly   ? Direction::recvonly
         : direction == Direction::recvonly ? Direction::sendonly
                                            : direction;
}

enum class MediaKind : std::uint8_t { audio, video, other };

/// `TYPE=VALUE`. Of an attribute `a=NAME:ARGUMENT`.
struct SdpLine {
  char type = 0;
  SdpAttribute attribute = SdpAttribute::other;  ///< of a= lines
  std::string_view value;
  std::string_view name;      ///< of a= lines
  std::string_view argument;  ///< of a= lines; empty if there is no colon
};

struct SdpOrigin {
  std::string_view user, session_id, version, network, address_type, address;
};

/// One m= line.
struct SdpMedia {
  MediaKind kind = MediaKind::other;
  std::string_view type;  ///< as written
  std::uint16_t port = 0;
  std::uint32_t port_count = 1;
  RtpProfile profile = RtpProfile::other;
  std::string_view protocol;  ///< as written
  std::string_view formats;   ///< separated by spaces
};

/// One format of an RTP medium, with what rtpmap or RFC 3551 say of it.
struct SdpFormat {
  std::string_view payload;
  std::string_view encoding;     ///< `PCMU`; empty if unknown
  std::uint32_t clock_rate = 0;  ///< 0: unknown
};

struct SdpDefect {
  ErrorClass error_class = ErrorClass::malformed;
  const char* text = "";
  Limit limit = Limit::none;  ///< the limit that it exceeds, to be counted
};

/// Every view lasts as long as the description is neither moved nor changed.
class Sdp {
  struct Record {
    std::uint32_t begin;  ///< of the value
    std::uint32_t size;
    std::uint16_t name_size;
    SdpAttribute attribute;
    char type;
  };
  struct Medium {
    std::uint32_t first_line;  ///< its m= line
    std::uint32_t protocol_begin, formats_begin;
    std::uint32_t port_count;
    std::uint16_t port;
    std::uint16_t type_size, protocol_size;
    MediaKind kind;
    RtpProfile profile;
  };

 public:
  class Lines;

  [[nodiscard]] std::string_view text() const { return text_; }
  [[nodiscard]] SdpOrigin origin() const;

  [[nodiscard]] std::size_t media_count() const { return media_.size(); }
  [[nodiscard]] SdpMedia media(std::size_t index) const;
  /// Lines before the first m= line.
  [[nodiscard]] Lines session_lines() const;
  /// Lines of one medium, its m= line first.
  [[nodiscard]] Lines media_lines(std::size_t index) const;

  /// The first attribute of this name; without it nothing, and an empty view if it has no argument.
  [[nodiscard]] std::optional<std::string_view> session_attribute(SdpAttribute attribute) const;
  /// A medium's own, or else the session's.
  [[nodiscard]] std::optional<std::string_view> attribute(std::size_t index, SdpAttribute attribute) const {
    const auto own = media_attribute(index, attribute);
    return own ? own : session_attribute(attribute);
  }
  [[nodiscard]] std::optional<std::string_view> media_attribute(std::size_t index,
                                                                SdpAttribute attribute) const;
  /// Of the medium, else of the session, else sendrecv (RFC 8866 §6.7). An address of zeros (RFC 3264 §8.4,
  /// the hold of RFC 2543) takes receiving away.
  [[nodiscard]] Direction direction(std::size_t index) const;
  /// The same, but addresses have no say: with ICE, zeros only mean that none is known yet (RFC 8840 §4.1.1).
  [[nodiscard]] Direction stated_direction(std::size_t index) const;
  /// Where the medium is to be sent by its c= line or else the session's. Refuses host names, multicast and
  /// a missing line; gives the unspecified address for `0.0.0.0`.
  [[nodiscard]] Result<IpAddress> address(std::size_t index) const;
  /// The place of RTCP by a=rtcp (RFC 3605); nothing if there is no such line.
  [[nodiscard]] Result<std::optional<Endpoint>> rtcp(std::size_t index) const;
  /// All formats in their order.
  [[nodiscard]] std::vector<SdpFormat> formats(std::size_t index) const;
  /// That of the first format which is no telephone event and whose rate is known; else 8000.
  [[nodiscard]] std::uint32_t clock_rate(std::size_t index) const;

  /// Takes one medium with its lines out; those behind it move up. text() keeps them.
  void remove_medium(std::size_t index);

 private:
  friend class SdpParser;

  [[nodiscard]] SdpLine line(const Record& record) const;
  [[nodiscard]] std::string_view view(std::size_t begin, std::size_t size) const {
    return std::string_view(text_).substr(begin, size);
  }
  [[nodiscard]] std::size_t session_end() const {
    return media_.empty() ? lines_.size() : media_.front().first_line;
  }
  [[nodiscard]] std::optional<std::string_view> connection(std::size_t index) const;

  std::string text_;
  std::vector<Record> lines_;
  std::vector<Medium> media_;
};

/// `for (SdpLine line : sdp.media_lines(0))`
class Sdp::Lines {
 public:
  class Iterator {
   public:
    using iterator_concept = std::forward_iterator_tag;
    using difference_type = std::ptrdiff_t;
    using value_type = SdpLine;

    Iterator() = default;
    Iterator(const Sdp* sdp, std::size_t index) : sdp_(sdp), index_(index) {}
    SdpLine operator*() const { return sdp_->line(sdp_->lines_[index_]); }
    Iterator& operator++() {
      ++index_;
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const Iterator&, const Iterator&) = default;

   private:
    const Sdp* sdp_ = nullptr;
    std::size_t index_ = 0;
  };

  Lines(const Sdp* sdp, std::size_t begin, std::size_t end) : sdp_(sdp), begin_(begin), end_(end) {}
  [[nodiscard]] Iterator begin() const { return {sdp_, begin_}; }
  [[nodiscard]] Iterator end() const { return {sdp_, end_}; }
  [[nodiscard]] std::size_t size() const { return end_ - begin_; }

 private:
  const Sdp* sdp_;
  std::size_t begin_, end_;
};

/// Lines may end with LF alone; empty ones may follow at the end. The grammar of v=, o=, c= and m= lines is
/// checked here, that of others where they are used. o=, s= and t= may be missing, as in the field.
[[nodiscard]] tl::expected<Sdp, SdpDefect> parse_sdp(std::string text,
                                                     const Limits& limits = kStandardLimits);

}  // namespace sallyport::sip
