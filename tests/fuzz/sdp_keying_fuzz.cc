// SPDX-License-Identifier: GPL-3.0-or-later
// Attributes of DTLS, ICE and ZRTP of any octets, alone and in a description: refused, or written and read
// again to the same. Media in two m-lines: folded, and unfolded to what they were.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "sip/sdp_alternatives.h"
#include "sip/sdp_bundle.h"
#include "sip/sdp_dtls.h"
#include "sip/sdp_ice.h"
#include "sip/sdp_zrtp.h"

using namespace sallyport;
using namespace sallyport::sip;

namespace {

void need(bool condition) {
  if (!condition) std::abort();
}

void read_alone(std::string_view text) {
  if (const auto fingerprint = parse_fingerprint(text)) {
    std::string written;
    append_fingerprint(written, *fingerprint);
    const auto again = parse_fingerprint(std::string_view(written).substr(14, written.size() - 16));
    need(again && *again == *fingerprint);
  }
  if (const auto candidate = parse_candidate(text); candidate && candidate->address) {
    std::string written;
    append_candidate(written, candidate->foundation, candidate->component, candidate->priority,
                     {*candidate->address, candidate->port});
    const auto again = parse_candidate(std::string_view(written).substr(12, written.size() - 14));
    need(again && again->address == candidate->address && again->port == candidate->port &&
         again->priority == candidate->priority && again->foundation == candidate->foundation);
  }
  if (const auto hash = parse_zrtp_hash(text); hash && hash->is_spoken()) {
    std::string written;
    append_zrtp_hash(written, hash->octets);
    const auto again = parse_zrtp_hash(std::string_view(written).substr(12, written.size() - 14));
    need(again && again->octets == hash->octets);
  }
  if (const auto setup = parse_setup(text)) need(!name(answer_to(*setup, DtlsSetup::active)).empty());
  if (const auto id = parse_tls_id(text)) need(id->size() >= 20 && id->size() <= 255);
  if (const auto fragment = parse_ice_fragment(text)) need(fragment->size() >= 4 && fragment->size() <= 256);
}

constexpr LocalOrigin kOrigin{1, 1, {}};

MediaPolicy policy(MediaSecurity security) {
  MediaPolicy chosen;
  chosen.security = security;
  chosen.agreements = {KeyAgreement::sdes, KeyAgreement::dtls};
  chosen.dual_lines = DualLines::offer;
  chosen.transport_secure = true;
  chosen.crypto.suites = {crypto::SuiteId::aes_cm_128_hmac_sha1_80};
  return chosen;
}

/// Every m-line of an offer has its place in the answer, and in the same offer once more.
void answer_folded(const std::string& text, const Sdp& folded, const MediaPolicy& with,
                   const MediaLayout& layout) {
  std::vector<MediaEdit> edits;
  for (std::size_t i = 0; i < folded.media_count(); ++i)
    edits.push_back({.protocol = folded.media(i).protocol});
  const auto offered = parse_sdp(text);
  const auto answer = parse_sdp(unfold_answer(write_sdp(folded, kOrigin, edits, with.filter), layout));
  need(answer && answer->media_count() == offered->media_count());
  for (std::size_t i = 0; i < answer->media_count(); ++i) {
    const SdpMedia given = answer->media(i), wanted = offered->media(i);
    need(given.port == 0 && given.type == wanted.type && given.protocol == wanted.protocol &&
         given.formats == wanted.formats);
  }
  auto again = parse_sdp(text);
  MediaLayout later = layout;
  need(fold_offer(*again, with, kStandardLimits, later).has_value());
  need(later.places.size() == layout.places.size() && again->media_count() == folded.media_count());
  for (std::size_t i = 0; i < layout.places.size(); ++i)
    need(later.places[i].taken == layout.places[i].taken);
}

/// What another leg is offered of it, in one m-line a medium or two, is folded to the same media when it
/// comes back as an answer.
void offer_unfolded(const Sdp& folded, const MediaPolicy& with) {
  const auto read = read_offer(folded, with);
  if (!read) return;
  const std::vector<LocalMedia> local(folded.media_count(), {.rtp = {IpAddress(), 30000}});
  const auto draw = [](std::span<std::uint8_t> out) { std::ranges::fill(out, std::uint8_t{7}); };
  auto sent = write_offer(folded, *read, with, local, kOrigin, draw);
  if (!sent) return;
  MediaLayout layout;
  unfold_offer(*sent, with, layout);
  need(layout.media_count() == folded.media_count());
  auto echo = parse_sdp(sent->text);
  if (!echo) return;  // too many lines for a peer with our limits
  need(echo->media_count() == layout.places.size());
  const auto agreed = fold_answer(*echo, *sent, layout);
  need(agreed && echo->media_count() == layout.media_count());
  need(parse_sdp(refuse_untaken(sent->text, *agreed)).value().media_count() == layout.places.size());
}

void fold(const std::string& text) {
  for (const MediaSecurity security :
       {MediaSecurity::required, MediaSecurity::preferred, MediaSecurity::none}) {
    const MediaPolicy with = policy(security);
    auto sdp = parse_sdp(text);
    MediaLayout layout;
    need(fold_offer(*sdp, with, kStandardLimits, layout).has_value());
    need(sdp->media_count() == layout.media_count());
    answer_folded(text, *sdp, with, layout);
    offer_unfolded(*sdp, with);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  read_alone(text);
  const auto sdp = parse_sdp(text);
  if (!sdp) return 0;
  fold(text);
  const std::vector<BundlePlace> places = bundle_places(*sdp);
  need(places.size() == sdp->media_count());
  std::vector<std::string_view> mids;
  for (const BundlePlace& place : places) mids.push_back(place.mid);
  if (const auto answered = answered_places(*sdp, mids)) need(answered->size() == places.size());
  for (std::size_t medium = 0; medium < sdp->media_count(); ++medium) {
    const BundlePlace& place = places[medium];
    need(!place.tagged || (!place.mid.empty() && places[*place.tagged].tagged == place.tagged));
    need(!place.tagged || sdp->media(*place.tagged).port != 0);
    const BundleMarks marks = bundle_marks(*sdp, medium, place.mid);
    need(marks.mid.size() <= kMaxMidLength && marks.ssrcs.size() <= kMaxBundleSsrcs);
    const auto dtls = dtls_description(*sdp, medium);
    need(!dtls || dtls->fingerprints.size() <= DtlsDescription::kMaxFingerprints);
    const auto zrtp = zrtp_hash(*sdp, medium);
    need(!zrtp || !*zrtp || (*zrtp)->is_spoken());
    const auto ice = ice_description(*sdp, medium);
    need(!ice || ice->candidates.size() <= IceDescription::kMaxCandidates);
  }
  return 0;
}
