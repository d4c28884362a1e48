// SPDX-License-Identifier: GPL-3.0-or-later
// Attributes of DTLS, ICE and ZRTP of any octets, alone and in a description: refused, or written and read
// again to the same.
#include <cstdlib>
#include <string>

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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  read_alone(text);
  const auto sdp = parse_sdp(text);
  if (!sdp) return 0;
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
