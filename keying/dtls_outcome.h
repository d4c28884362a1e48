// SPDX-License-Identifier: GPL-3.0-or-later
// DtlsOutcome: what became of a datagram, a timer or an association; each value has a name, a meaning and,
// with whoever counts, a counter.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sallyport::keying {

enum class DtlsOutcome : std::uint8_t {
  progress,
  established,
  unverified,
  retransmitted,
  idle,
  ignored,
  malformed,
  oversized,
  closed_by_peer,
  closed,
  timed_out,
  too_much_data,
  no_certificate,
  weak_certificate,
  wrong_fingerprint,
  no_common_profile,
  no_extended_master_secret,
  reflected_keys,
  no_common_version,
  no_common_cipher,
  alert_received,
  protocol_error,
  limit_reached,
};

struct DtlsOutcomeInfo {
  DtlsOutcome outcome;
  bool is_failure;  ///< the association is over, and had no keys or takes none any more
  std::string_view name;
  std::string_view meaning;
};

inline constexpr std::array kDtlsOutcomes = std::to_array<DtlsOutcomeInfo>({
    {DtlsOutcome::progress, false, "dtls_progress", "datagrams that a handshake took"},
    {DtlsOutcome::established, false, "dtls_established", "handshakes done and their keys released"},
    {DtlsOutcome::unverified, false, "dtls_unverified",
     "handshakes done before the peer's fingerprint was known"},
    {DtlsOutcome::retransmitted, false, "dtls_retransmitted", "flights sent again because nothing came back"},
    {DtlsOutcome::idle, false, "dtls_idle", "times that there was nothing to do yet"},
    {DtlsOutcome::ignored, false, "dtls_ignored", "datagrams for an association that needs none any more"},
    {DtlsOutcome::malformed, false, "dtls_malformed", "datagrams that are not DTLS 1.2 records, dropped"},
    {DtlsOutcome::oversized, false, "dtls_oversized",
     "datagrams of a message larger than any may be, dropped"},
    {DtlsOutcome::closed_by_peer, true, "dtls_closed_by_peer", "associations that the peer closed"},
    {DtlsOutcome::closed, true, "dtls_closed", "associations that we closed"},
    {DtlsOutcome::timed_out, true, "dtls_timed_out", "handshakes that took too long"},
    {DtlsOutcome::too_much_data, true, "dtls_too_much_data",
     "handshakes that took more octets than any needs"},
    {DtlsOutcome::no_certificate, true, "dtls_no_certificate", "peers without a certificate"},
    {DtlsOutcome::weak_certificate, true, "dtls_weak_certificate",
     "peers whose key is too weak, or too large to be checked"},
    {DtlsOutcome::wrong_fingerprint, true, "dtls_wrong_fingerprint",
     "peers whose certificate is not the announced one"},
    {DtlsOutcome::no_common_profile, true, "dtls_no_common_profile",
     "peers without an SRTP profile that we take"},
    {DtlsOutcome::no_extended_master_secret, true, "dtls_no_extended_master_secret",
     "peers without the extended master secret (RFC 7627)"},
    {DtlsOutcome::reflected_keys, true, "dtls_reflected_keys",
     "handshakes that gave both directions one key"},
    {DtlsOutcome::no_common_version, true, "dtls_no_common_version", "peers without DTLS 1.2"},
    {DtlsOutcome::no_common_cipher, true, "dtls_no_common_cipher",
     "peers without a cipher or group that we take"},
    {DtlsOutcome::alert_received, true, "dtls_alert_received", "handshakes that the peer gave up"},
    {DtlsOutcome::protocol_error, true, "dtls_protocol_error",
     "handshakes that broke the protocol otherwise"},
    {DtlsOutcome::limit_reached, true, "dtls_limit_reached", "legs for whose handshake there was no place"},
});
inline constexpr std::size_t kDtlsOutcomeCount = kDtlsOutcomes.size();

[[nodiscard]] constexpr const DtlsOutcomeInfo& info(DtlsOutcome outcome) {
  return kDtlsOutcomes[static_cast<std::size_t>(outcome)];
}

constexpr bool dtls_outcomes_stand_at_their_values() {
  for (std::size_t i = 0; i < kDtlsOutcomes.size(); ++i)
    if (static_cast<std::size_t>(kDtlsOutcomes[i].outcome) != i) return false;
  return kDtlsOutcomes.back().outcome == DtlsOutcome::limit_reached;
}
static_assert(dtls_outcomes_stand_at_their_values());

}  // namespace sallyport::keying
