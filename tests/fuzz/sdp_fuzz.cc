// SPDX-License-Identifier: GPL-3.0-or-later
// A session description of any octets: it parses or not, and what is passed on to another leg parses again,
// with as many media and none of the keys that came in.
#include <cstdlib>
#include <string>

#include "sip/offer_answer.h"

using namespace sallyport;
using namespace sallyport::sip;

namespace {

void need(bool condition) {
  if (!condition) std::abort();
}

MediaPolicy policy(unsigned options) {
  MediaPolicy chosen;
  chosen.security = static_cast<MediaSecurity>(options % 3);
  chosen.transport_secure = chosen.security == MediaSecurity::required || (options & 4) != 0;
  chosen.offer_mux = (options & 8) != 0;
  chosen.filter.keep_extensions = (options & 16) != 0;
  chosen.crypto.unencrypted_srtcp = (options & 32) != 0;
  for (const crypto::Suite& suite : crypto::kSuites) chosen.crypto.suites.push_back(suite.id);
  return chosen;
}

void use(const Sdp& sdp, unsigned options) {
  const MediaPolicy chosen = policy(options);
  const auto offer = read_offer(sdp, chosen);
  if (!offer) return;
  std::uint32_t counter = 0;
  const RandomSource random = [&counter](std::span<std::uint8_t> out) {
    for (std::uint8_t& octet : out) octet = static_cast<std::uint8_t>(++counter * 2654435761U >> 24U);
  };
  const std::vector<LocalMedia> local(sdp.media_count(),
                                      {Endpoint{IpAddress::v4({192, 0, 2, 1}), 30000}, {}});
  const LocalOrigin origin{1, 1, IpAddress::v4({192, 0, 2, 1})};
  const auto sent = write_offer(sdp, *offer, chosen, local, origin, random);
  need(sent.has_value());
  Limits wide;  // ours may have more lines than theirs: they were within the limits
  wide.set(Limit::sdp_lines, 65535);
  const auto again = parse_sdp(sent->text, wide);
  need(again.has_value() && again->media_count() == sdp.media_count());
  // The same description as an answer to that offer.
  const auto agreed = read_answer(*sent, sdp, chosen);
  if (!agreed) return;
  const auto answer = write_answer(*offer, sdp, *agreed, chosen, local, origin, random);
  need(answer.has_value() && parse_sdp(answer->text, wide).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  auto parsed = parse_sdp(std::string(reinterpret_cast<const char*>(data) + 1, size - 1));
  if (!parsed) {
    need(parsed.error().text != nullptr);
    return 0;
  }
  const Sdp sdp = std::move(*parsed);
  for (std::size_t i = 0; i < sdp.media_count(); ++i) {
    (void)sdp.rtcp(i);
    need(sdp.clock_rate(i) != 0);
  }
  use(sdp, data[0]);
  return 0;
}
