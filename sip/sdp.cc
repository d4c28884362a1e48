// SPDX-License-Identifier: GPL-3.0-or-later
// Parsing a session description, line by line.
#include "sip/sdp.h"

#include <algorithm>
#include <cstring>

#include "sip/text.h"

namespace sallyport::sip {

namespace {

constexpr auto kNone = std::string_view::npos;
/// Payload types have seven bits: whatever more a medium lists is not looked at, only passed on.
constexpr std::size_t kMaxFormats = 128;

/// Takes what is before the next space off the front; an empty view at the end, or where two spaces meet.
std::string_view next_field(std::string_view& rest) {
  const auto space = rest.find(' ');
  const std::string_view word = rest.substr(0, space);
  rest = space == kNone ? std::string_view{} : rest.substr(space + 1);
  return word;
}

/// NETTYPE ADDRTYPE ADDRESS, as in o=, c= and a=rtcp.
struct NetworkAddress {
  std::string_view network, type, address;

  [[nodiscard]] bool complete() const { return !network.empty() && !type.empty() && !address.empty(); }
};

NetworkAddress read_network_address(std::string_view text) {
  NetworkAddress parts;
  parts.network = next_field(text);
  parts.type = next_field(text);
  parts.address = text::trim(text);  // white space at the end occurs
  if (parts.address.find(' ') != kNone) parts.address = {};
  return parts;
}

Result<IpAddress> to_address(const NetworkAddress& parts) {
  if (parts.network != "IN" || (parts.type != "IP4" && parts.type != "IP6"))
    return fail(ErrorClass::unsupported, "SDP: only IN IP4 and IN IP6 addresses are supported");
  auto address = IpAddress::parse(parts.address);  // none with the TTL of a multicast address
  if (!address)
    return fail(ErrorClass::unsupported, "SDP: media addresses must be unicast IP addresses, not names");
  if (address->is_multicast()) return fail(ErrorClass::unsupported, "SDP: multicast media is not supported");
  if (address->is_v4() != (parts.type == "IP4"))
    return fail(ErrorClass::malformed, "SDP: an address is not of its address type");
  return address;
}

MediaKind kind_of(std::string_view type) {
  return type == "audio" ? MediaKind::audio : type == "video" ? MediaKind::video : MediaKind::other;
}

RtpProfile profile_of(std::string_view protocol) {
  for (const RtpProfile profile : {RtpProfile::avp, RtpProfile::savp, RtpProfile::avpf, RtpProfile::savpf,
                                   RtpProfile::tls_savp, RtpProfile::tls_savpf})
    if (name(profile) == protocol) return profile;
  return RtpProfile::other;
}

/// RFC 3551 §6: what needs no rtpmap.
struct StaticFormat {
  std::uint8_t payload;
  std::string_view encoding;
  std::uint32_t clock_rate;
};
constexpr StaticFormat kStaticFormats[] = {
    {0, "PCMU", 8000},   {3, "GSM", 8000},   {4, "G723", 8000},   {5, "DVI4", 8000},   {6, "DVI4", 16000},
    {7, "LPC", 8000},    {8, "PCMA", 8000},  {9, "G722", 8000},   {10, "L16", 44100},  {11, "L16", 44100},
    {12, "QCELP", 8000}, {13, "CN", 8000},   {14, "MPA", 90000},  {15, "G728", 8000},  {16, "DVI4", 11025},
    {17, "DVI4", 22050}, {18, "G729", 8000}, {25, "CelB", 90000}, {26, "JPEG", 90000}, {28, "nv", 90000},
    {31, "H261", 90000}, {32, "MPV", 90000}, {33, "MP2T", 90000}, {34, "H263", 90000},
};

void describe_static(SdpFormat& format) {
  const auto number = text::decimal(format.payload, 34);
  if (!number) return;
  for (const StaticFormat& entry : kStaticFormats)
    if (entry.payload == *number) {
      format.encoding = entry.encoding;
      format.clock_rate = entry.clock_rate;
    }
}

}  // namespace

class SdpParser {
 public:
  SdpParser(std::string text, const Limits& limits) : limits_(limits) { sdp_.text_ = std::move(text); }

  tl::expected<Sdp, SdpDefect> run() {
    if (std::memchr(sdp_.text_.data(), 0, sdp_.text_.size()) != nullptr) return refuse("SDP: NUL octet");
    sdp_.lines_.reserve(std::min<std::size_t>(sdp_.text_.size() / 20 + 8, limits_[Limit::sdp_lines]));
    while (at_ < sdp_.text_.size() && !defect_.has_value()) read_line();
    if (defect_) return tl::unexpected(*defect_);
    if (sdp_.lines_.empty()) return refuse("SDP: empty");
    return std::move(sdp_);
  }

 private:
  static tl::unexpected<SdpDefect> refuse(const char* text) {
    return tl::unexpected(SdpDefect{ErrorClass::malformed, text, Limit::none});
  }
  void wrong(const char* text) { defect_ = SdpDefect{ErrorClass::malformed, text, Limit::none}; }
  void exceeds(Limit limit) { defect_ = SdpDefect{ErrorClass::exhausted, info(limit).reason, limit}; }

  void read_line() {
    const std::string_view all = sdp_.text_;
    const std::size_t begin = at_;
    const std::size_t newline = std::min(all.find('\n', begin), all.size());
    at_ = newline + 1;
    std::size_t end = newline;
    if (end > begin && all[end - 1] == '\r') --end;
    if (all.substr(begin, end - begin).find('\r') != kNone) return wrong("SDP: CR within a line");
    if (begin == end) {
      ended_ = true;
      return;
    }
    if (ended_) return wrong("SDP: an empty line between others");
    if (end - begin < 2 || all[begin + 1] != '=' || all[begin] < 'a' || all[begin] > 'z')
      return wrong("SDP: a line is not TYPE=VALUE");
    if (sdp_.lines_.size() >= limits_[Limit::sdp_lines]) return exceeds(Limit::sdp_lines);
    add_line(all[begin], begin + 2, end - begin - 2);
  }

  void add_line(char type, std::size_t begin, std::size_t size) {
    Sdp::Record record{static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(size), 0,
                       SdpAttribute::other, type};
    const std::string_view value = sdp_.view(begin, size);
    if (sdp_.lines_.empty() && (type != 'v' || value != "0")) return wrong("SDP: does not begin with v=0");
    if (type == 'a') {
      const std::string_view attribute_name = value.substr(0, value.find(':'));
      if (!text::is_token(attribute_name) || attribute_name.size() > 0xffff)
        return wrong("SDP: an attribute without a name");
      record.name_size = static_cast<std::uint16_t>(attribute_name.size());
      record.attribute = sdp_attribute(attribute_name);
    }
    if (type == 'o') check_origin(value);
    if (type == 'c' && !read_network_address(value).complete()) wrong("SDP: malformed c= line");
    if (type == 'm') add_medium(begin, value);
    sdp_.lines_.push_back(record);
  }

  void check_origin(std::string_view value) {
    const bool good = !next_field(value).empty() && !next_field(value).empty() &&
                      !next_field(value).empty() && read_network_address(value).complete();
    if (!good) wrong("SDP: malformed o= line");
  }

  // m=<media> <port>[/<number of ports>] <proto> <fmt> ...
  void add_medium(std::size_t begin, std::string_view value) {
    if (sdp_.media_.size() >= limits_[Limit::sdp_media]) return exceeds(Limit::sdp_media);
    std::string_view rest = value;
    const std::string_view type = next_field(rest), port_text = next_field(rest), protocol = next_field(rest);
    const auto slash = port_text.find('/');
    const auto port = text::decimal(port_text.substr(0, slash), 65535);
    const auto count =
        slash == kNone ? std::optional<std::uint32_t>(1) : text::decimal(port_text.substr(slash + 1));
    if (!text::is_token(type) || !port || !count || *count == 0 || protocol.empty() ||
        text::trim(rest).empty() || type.size() > 0xffff || protocol.size() > 0xffff)
      return wrong("SDP: malformed m= line");
    const auto offset = [&](std::string_view part) {
      return static_cast<std::uint32_t>(begin + static_cast<std::size_t>(part.data() - value.data()));
    };
    sdp_.media_.push_back({.first_line = static_cast<std::uint32_t>(sdp_.lines_.size()),
                           .protocol_begin = offset(protocol),
                           .formats_begin = offset(rest),
                           .port_count = *count,
                           .port = static_cast<std::uint16_t>(*port),
                           .type_size = static_cast<std::uint16_t>(type.size()),
                           .protocol_size = static_cast<std::uint16_t>(protocol.size()),
                           .kind = kind_of(type),
                           .profile = profile_of(protocol)});
  }

  Sdp sdp_;
  const Limits& limits_;
  std::optional<SdpDefect> defect_;
  std::size_t at_ = 0;
  bool ended_ = false;
};

tl::expected<Sdp, SdpDefect> parse_sdp(std::string text, const Limits& limits) {
  return SdpParser(std::move(text), limits).run();
}

SdpLine Sdp::line(const Record& record) const {
  SdpLine line{record.type, record.attribute, view(record.begin, record.size), {}, {}};
  if (record.type != 'a') return line;
  line.name = line.value.substr(0, record.name_size);
  if (line.value.size() > record.name_size) line.argument = line.value.substr(record.name_size + 1U);
  return line;
}

SdpOrigin Sdp::origin() const {
  for (const SdpLine line : session_lines()) {
    if (line.type != 'o') continue;
    std::string_view rest = line.value;
    SdpOrigin origin;
    origin.user = next_field(rest);
    origin.session_id = next_field(rest);
    origin.version = next_field(rest);
    const NetworkAddress parts = read_network_address(rest);
    origin.network = parts.network;
    origin.address_type = parts.type;
    origin.address = parts.address;
    return origin;
  }
  return {};
}

SdpMedia Sdp::media(std::size_t index) const {
  const Medium& medium = media_[index];
  const Record& record = lines_[medium.first_line];
  return {medium.kind,
          view(record.begin, medium.type_size),
          medium.port,
          medium.port_count,
          medium.profile,
          view(medium.protocol_begin, medium.protocol_size),
          text::trim(view(medium.formats_begin, record.begin + record.size - medium.formats_begin))};
}

Sdp::Lines Sdp::session_lines() const {
  return {this, 0, session_end()};
}

Sdp::Lines Sdp::media_lines(std::size_t index) const {
  const std::size_t end = index + 1 < media_.size() ? media_[index + 1].first_line : lines_.size();
  return {this, media_[index].first_line, end};
}

void Sdp::remove_medium(std::size_t index) {
  const std::uint32_t begin = media_[index].first_line;
  const auto count = static_cast<std::uint32_t>(media_lines(index).size());
  lines_.erase(lines_.begin() + begin, lines_.begin() + begin + count);
  media_.erase(media_.begin() + static_cast<std::ptrdiff_t>(index));
  for (std::size_t i = index; i < media_.size(); ++i) media_[i].first_line -= count;
}

std::optional<std::string_view> Sdp::session_attribute(SdpAttribute attribute) const {
  for (const SdpLine line : session_lines())
    if (line.type == 'a' && line.attribute == attribute) return line.argument;
  return std::nullopt;
}

std::optional<std::string_view> Sdp::media_attribute(std::size_t index, SdpAttribute attribute) const {
  for (const SdpLine line : media_lines(index))
    if (line.type == 'a' && line.attribute == attribute) return line.argument;
  return std::nullopt;
}

std::optional<std::string_view> Sdp::connection(std::size_t index) const {
  for (const SdpLine line : media_lines(index))
    if (line.type == 'c') return line.value;
  for (const SdpLine line : session_lines())
    if (line.type == 'c') return line.value;
  return std::nullopt;
}

namespace {

std::optional<Direction> direction_among(const Sdp::Lines& lines) {
  for (const SdpLine line : lines) {
    if (line.type != 'a') continue;
    for (const Direction direction :
         {Direction::sendrecv, Direction::sendonly, Direction::recvonly, Direction::inactive})
      if (info(line.attribute).name == name(direction)) return direction;
  }
  return std::nullopt;
}

}  // namespace

Direction Sdp::stated_direction(std::size_t index) const {
  auto direction = direction_among(media_lines(index));
  if (!direction) direction = direction_among(session_lines());
  return direction.value_or(Direction::sendrecv);
}

Direction Sdp::direction(std::size_t index) const {
  const auto place = address(index);
  const bool on_hold = place && place->is_unspecified();
  return both(stated_direction(index), on_hold ? Direction::sendonly : Direction::sendrecv);
}

Result<IpAddress> Sdp::address(std::size_t index) const {
  const auto value = connection(index);
  if (!value) return fail(ErrorClass::malformed, "SDP: a medium without c= line");
  return to_address(read_network_address(*value));
}

Result<std::optional<Endpoint>> Sdp::rtcp(std::size_t index) const {
  auto value = media_attribute(index, SdpAttribute::rtcp);
  if (!value) return std::optional<Endpoint>();
  const auto port = text::decimal(next_field(*value), 65535);
  if (!port || *port == 0) return fail(ErrorClass::malformed, "SDP: malformed a=rtcp");
  auto place = text::trim(*value).empty() ? address(index) : to_address(read_network_address(*value));
  if (!place) return tl::unexpected(std::move(place.error()));
  return Endpoint{*place, static_cast<std::uint16_t>(*port)};
}

std::vector<SdpFormat> Sdp::formats(std::size_t index) const {
  std::vector<SdpFormat> all;
  for (std::string_view rest = media(index).formats; !rest.empty() && all.size() < kMaxFormats;) {
    SdpFormat format;
    format.payload = next_field(rest);
    if (format.payload.empty()) continue;
    describe_static(format);
    all.push_back(format);
  }
  for (const SdpLine line : media_lines(index)) {
    if (line.type != 'a' || line.attribute != SdpAttribute::rtpmap) continue;
    std::string_view rest = line.argument;
    const std::string_view payload = next_field(rest);
    const auto found = std::ranges::find(all, payload, &SdpFormat::payload);
    const auto slash = rest.find('/');
    if (found == all.end() || slash == kNone) continue;
    const std::string_view rate = rest.substr(slash + 1);
    found->encoding = rest.substr(0, slash);
    found->clock_rate = text::decimal(text::trim(rate.substr(0, rate.find('/')))).value_or(0);
  }
  return all;
}

std::uint32_t Sdp::clock_rate(std::size_t index) const {
  for (const SdpFormat& format : formats(index))
    if (format.clock_rate != 0 && !text::equal_ignoring_case(format.encoding, "telephone-event"))
      return format.clock_rate;
  return 8000;
}

}  // namespace sallyport::sip
