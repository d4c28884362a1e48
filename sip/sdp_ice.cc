// SPDX-License-Identifier: GPL-3.0-or-later
// Reading and writing what descriptions say of ICE.
#include "sip/sdp_ice.h"

#include <algorithm>

#include "sip/sdp_words.h"
#include "sip/text.h"

namespace sallyport::sip {

namespace {

constexpr std::size_t kMaxFoundation = 32;
constexpr std::uint64_t kMaxComponent = 256;
constexpr std::uint64_t kMaxPriority =
    0xffffffff;  // RFC 8445 allows 2^31 - 1; more was seen, and does no harm
constexpr std::size_t kMaxCredential = 256;
constexpr std::size_t kMinFragment = 4;
constexpr std::size_t kMinPassword = 22;

bool is_ice_text(std::string_view text, std::size_t least, std::size_t most) {
  return text.size() >= least && text.size() <= most && std::ranges::all_of(text, [](char c) {
           return text::is(c, text::kAlpha | text::kDigit) || c == '+' || c == '/';
         });
}

bool same_word(std::string_view word, std::string_view lower) {
  return std::ranges::equal(word, lower, {},
                            [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
}

std::optional<std::string_view> credential(std::string_view argument, std::size_t least) {
  const std::string_view text = text::trim(argument);
  return is_ice_text(text, least, kMaxCredential) ? std::optional(text) : std::nullopt;
}

CandidateType type_of(std::string_view word) {
  for (const CandidateType type :
       {CandidateType::host, CandidateType::srflx, CandidateType::prflx, CandidateType::relay})
    if (word == name(type)) return type;
  return CandidateType::other;
}

bool has_option(std::string_view options, std::string_view wanted) {
  for (std::string_view option = next_word(options); !option.empty(); option = next_word(options))
    if (option == wanted) return true;
  return false;
}

Result<void> take_credentials(const Sdp& sdp, std::size_t medium, IceDescription& description) {
  const auto fragment = sdp.attribute(medium, SdpAttribute::ice_ufrag);
  const auto password = sdp.attribute(medium, SdpAttribute::ice_pwd);
  if (!fragment && !password) return {};
  const auto read_fragment = parse_ice_fragment(fragment.value_or(""));
  const auto read_password = parse_ice_password(password.value_or(""));
  if (!read_fragment || !read_password)
    return fail(ErrorClass::malformed, "a=ice-ufrag or a=ice-pwd is malformed or missing");
  description.fragment = *read_fragment;
  description.password = *read_password;
  return {};
}

}  // namespace

// foundation component transport priority address port "typ" type *(extension)
std::optional<IceCandidate> parse_candidate(std::string_view argument) {
  IceCandidate candidate;
  candidate.foundation = next_word(argument);
  const auto component = whole_number(next_word(argument));
  const std::string_view transport = next_word(argument);
  const auto priority = whole_number(next_word(argument));
  candidate.connection = next_word(argument);
  const auto port = whole_number(next_word(argument));
  const std::string_view typ = next_word(argument);
  const std::string_view type = next_word(argument);
  // Foundations with `-` and the like come from libraries that many use.
  const bool named = !candidate.foundation.empty() && candidate.foundation.size() <= kMaxFoundation;
  if (!named || !component || *component == 0 || *component > kMaxComponent || !priority ||
      *priority > kMaxPriority || candidate.connection.empty() || !port || *port > 0xffff || typ != "typ" ||
      type.empty())
    return std::nullopt;
  candidate.component = static_cast<std::uint16_t>(*component);
  candidate.is_udp = same_word(transport, "udp");
  candidate.priority = static_cast<std::uint32_t>(*priority);
  candidate.port = static_cast<std::uint16_t>(*port);
  candidate.type = type_of(type);
  if (const auto address = IpAddress::parse(candidate.connection)) candidate.address = *address;
  return candidate;
}

void append_candidate(std::string& text, std::string_view foundation, std::uint16_t component,
                      std::uint32_t priority, const Endpoint& at) {
  text += "a=candidate:";
  text += foundation;
  text += " " + std::to_string(component) + " UDP " + std::to_string(priority) + " " +
          at.address.to_string() + " " + std::to_string(at.port) + " typ host\r\n";
}

std::optional<std::string_view> parse_ice_fragment(std::string_view argument) {
  return credential(argument, kMinFragment);
}

std::optional<std::string_view> parse_ice_password(std::string_view argument) {
  return credential(argument, kMinPassword);
}

Result<IceDescription> ice_description(const Sdp& sdp, std::size_t medium) {
  IceDescription description;
  if (auto taken = take_credentials(sdp, medium, description); !taken) return tl::unexpected(taken.error());
  description.is_lite = sdp.session_attribute(SdpAttribute::ice_lite).has_value();
  description.mismatches = sdp.media_attribute(medium, SdpAttribute::ice_mismatch).has_value();
  description.is_complete = sdp.attribute(medium, SdpAttribute::end_of_candidates).has_value();
  description.trickles = has_option(sdp.attribute(medium, SdpAttribute::ice_options).value_or(""), "trickle");
  for (const SdpLine line : sdp.media_lines(medium)) {
    if (line.type != 'a' || line.attribute != SdpAttribute::candidate) continue;
    if (description.candidates.size() == IceDescription::kMaxCandidates)
      return fail(ErrorClass::exhausted, "too many a=candidate lines");
    const auto candidate = parse_candidate(line.argument);
    if (!candidate) return fail(ErrorClass::malformed, "malformed a=candidate");
    description.candidates.push_back(*candidate);
  }
  return description;
}

}  // namespace sallyport::sip
