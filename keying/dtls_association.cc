// SPDX-License-Identifier: GPL-3.0-or-later
// OpenSSL under our own rules about whom to believe, how long and how much.
#include "keying/dtls_association.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/srtp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/time.h>

#include "keying/dtls_record.h"

namespace sallyport::keying {

namespace {

using crypto::SuiteId;

struct Profile {
  SuiteId suite;
  unsigned long number;  ///< RFC 5764 §4.1.2, RFC 7714 §14.2
  std::string_view name;
};
constexpr std::array kProfiles = std::to_array<Profile>({
    {SuiteId::aes_cm_128_hmac_sha1_80, SRTP_AES128_CM_SHA1_80, "SRTP_AES128_CM_SHA1_80"},
    {SuiteId::aes_cm_128_hmac_sha1_32, SRTP_AES128_CM_SHA1_32, "SRTP_AES128_CM_SHA1_32"},
    {SuiteId::aead_aes_128_gcm, SRTP_AEAD_AES_128_GCM, "SRTP_AEAD_AES_128_GCM"},
    {SuiteId::aead_aes_256_gcm, SRTP_AEAD_AES_256_GCM, "SRTP_AEAD_AES_256_GCM"},
});

constexpr std::string_view kExporterLabel = "EXTRACTOR-dtls_srtp";  // RFC 5764 §4.2
constexpr int kLeastSecurityBits = 112;
constexpr int kLargestKeyBits = 8192;  // an RSA key beyond costs more to check than it proves
constexpr unsigned kFirstTimeoutUs = 100'000;
constexpr unsigned kLongestTimeoutUs = 2'000'000;

const Profile* find_profile(SuiteId suite) {
  const auto* found = std::ranges::find(kProfiles, suite, &Profile::suite);
  return found == kProfiles.end() ? nullptr : found;
}

/// RFC 6347 §4.2.4.1 doubles from one second; callers who wait for a voice deserve better.
unsigned next_timeout(SSL*, unsigned last_us) {
  return last_us == 0 ? kFirstTimeoutUs : std::min(2 * last_us, kLongestTimeoutUs);
}

std::string profile_names(const std::vector<SuiteId>& suites) {
  std::string names;
  for (const SuiteId suite : suites) {
    const Profile* profile = find_profile(suite);
    if (profile == nullptr) continue;
    if (!names.empty()) names += ':';
    names += profile->name;
  }
  return names;
}

/// What OpenSSL's last failure amounts to. Alerts stand at 1000 and above.
DtlsOutcome outcome_of_error() {
  const unsigned long error = ERR_peek_error();
  const int reason = ERR_GET_LIB(error) == ERR_LIB_SSL ? ERR_GET_REASON(error) : 0;
  ERR_clear_error();
  switch (reason) {
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return DtlsOutcome::no_certificate;
    case SSL_R_EXCESSIVE_MESSAGE_SIZE:
      return DtlsOutcome::too_much_data;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_UNKNOWN_PROTOCOL:
      return DtlsOutcome::no_common_version;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SHARED_GROUPS:
    case SSL_R_NO_SUITABLE_GROUPS:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
      return DtlsOutcome::no_common_cipher;
    case SSL_R_READ_TIMEOUT_EXPIRED:
      return DtlsOutcome::timed_out;
    default:
      return reason >= SSL_AD_REASON_OFFSET ? DtlsOutcome::alert_received : DtlsOutcome::protocol_error;
  }
}

crypto::KeyMaterial material(std::span<const std::uint8_t> key, std::span<const std::uint8_t> salt) {
  crypto::KeyMaterial made;
  made.key = Secret<crypto::kMaxMasterKeyLength>(key);
  made.salt = Secret<crypto::kMaxMasterSaltLength>(salt);
  return made;
}

bool is_strong(const X509& certificate) {
  const EVP_PKEY* key = X509_get0_pubkey(&certificate);
  return key != nullptr && EVP_PKEY_get_security_bits(key) >= kLeastSecurityBits &&
         EVP_PKEY_get_bits(key) <= kLargestKeyBits;
}

}  // namespace

bool has_dtls_profile(SuiteId suite) {
  return find_profile(suite) != nullptr;
}

DtlsAssociation::DtlsAssociation(DtlsSettings settings, DatagramSink& sink)
    : role_(settings.role),
      limits_(settings.limits),
      profiles_(std::move(settings.profiles)),
      announced_(std::move(settings.peer_fingerprints)),
      wire_(sink, settings.budget),
      ssl_(SSL_new(settings.identity->context())) {
  if (!ssl_) std::abort();
  SSL* const ssl = ssl_.get();
  SSL_set_app_data(ssl, static_cast<DtlsCertificateJudge*>(this));
  wire_.attach(*ssl);
  SSL_set_mtu(ssl, limits_.mtu);
  DTLS_set_timer_cb(ssl, next_timeout);
  if (role_ == DtlsRole::active)
    SSL_set_connect_state(ssl);
  else
    SSL_set_accept_state(ssl);
  const std::string names = profile_names(profiles_);
  // It returns 0 for success. Without any name there is no profile, and the handshake will say so.
  if (!names.empty() && SSL_set_tlsext_use_srtp(ssl, names.c_str()) != 0) std::abort();
}

DtlsAssociation::~DtlsAssociation() = default;

void DtlsAssociation::begin_at(InstantMs now) {
  state_ = State::handshaking;
  ends_at_ = now + limits_.handshake_ms;
}

DtlsOutcome DtlsAssociation::start(InstantMs now) {
  if (state_ != State::waiting || role_ == DtlsRole::passive) return DtlsOutcome::idle;
  begin_at(now);
  return shake(now);
}

DtlsOutcome DtlsAssociation::receive(std::span<const std::uint8_t> datagram, InstantMs now) {
  if (!ssl_) return DtlsOutcome::ignored;
  const DtlsShape shape = inspect_dtls(datagram, limits_.max_message);
  if (shape == DtlsShape::malformed) return DtlsOutcome::malformed;
  if (shape == DtlsShape::oversized) return DtlsOutcome::oversized;
  if (state_ == State::waiting) {
    if (role_ == DtlsRole::active) return DtlsOutcome::ignored;
    begin_at(now);
  }
  wire_.feed(datagram);
  if (state_ != State::handshaking) return read_rest();
  return wire_.received() > limits_.max_received ? end(DtlsOutcome::too_much_data) : shake(now);
}

DtlsOutcome DtlsAssociation::shake(InstantMs now) {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) return finish(now);
  const int why = SSL_get_error(ssl_.get(), result);
  if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
    const DtlsOutcome reason = outcome_of_error();
    return end(refusal_.value_or(reason));
  }
  set_deadline(now);
  return DtlsOutcome::progress;
}

void DtlsAssociation::set_deadline(InstantMs now) {
  deadline_ = ends_at_;
  timeval left{};
  if (DTLSv1_get_timeout(ssl_.get(), &left) != 1) return;
  const InstantMs left_ms = InstantMs{left.tv_sec} * 1000 + (left.tv_usec + 999) / 1000;
  deadline_ = std::min(ends_at_, now + left_ms);
}

DtlsOutcome DtlsAssociation::on_timer(InstantMs now) {
  if (!deadline_ || now < *deadline_) return DtlsOutcome::idle;
  if (state_ == State::established) settle();
  if (state_ != State::handshaking) return DtlsOutcome::idle;
  if (now >= ends_at_) return end(DtlsOutcome::timed_out);
  ERR_clear_error();
  const long result = DTLSv1_handle_timeout(ssl_.get());
  if (result < 0) return end(outcome_of_error());
  set_deadline(now);
  return result > 0 ? DtlsOutcome::retransmitted : DtlsOutcome::idle;
}

bool DtlsAssociation::accept_certificate(const x509_st& certificate) {
  certificate_seen_ = true;
  peer_ = fingerprints_of(certificate);
  if (!is_strong(certificate))
    refusal_ = DtlsOutcome::weak_certificate;
  else
    refusal_ = objection();
  return !refusal_;
}

// Asked when the certificate comes, so that the peer is told, and again at the end, for there it counts.
std::optional<DtlsOutcome> DtlsAssociation::objection() const {
  const SRTP_PROTECTION_PROFILE* profile = SSL_get_selected_srtp_profile(ssl_.get());
  const bool taken = profile != nullptr && std::ranges::any_of(profiles_, [&](SuiteId suite) {
                       const Profile* ours = find_profile(suite);
                       return ours != nullptr && ours->number == profile->id;
                     });
  if (!taken) return DtlsOutcome::no_common_profile;
  // OpenSSL tells when the handshake is done.
  if (SSL_is_init_finished(ssl_.get()) == 1 && SSL_get_extms_support(ssl_.get()) != 1)
    return DtlsOutcome::no_extended_master_secret;
  if (!certificate_seen_) return DtlsOutcome::no_certificate;
  if (!announced_.empty() && !is_announced(peer_, announced_)) return DtlsOutcome::wrong_fingerprint;
  return std::nullopt;
}

DtlsOutcome DtlsAssociation::finish(InstantMs now) {
  deadline_.reset();
  if (const auto why_not = objection()) return end(*why_not);
  if (const auto why_not = export_keys()) return end(*why_not);
  wire_.prove_path();
  state_ = State::unverified;
  outcome_ = DtlsOutcome::unverified;
  // The datagram may hold more than the handshake's end.
  const DtlsOutcome rest = read_rest();
  if (state_ == State::over) return rest;
  return announced_.empty() ? outcome_ : release_keys(now);
}

// RFC 5764 §4.2: client's key, server's key, client's salt, server's salt.
std::optional<DtlsOutcome> DtlsAssociation::export_keys() {
  const unsigned long number = SSL_get_selected_srtp_profile(ssl_.get())->id;
  const auto* profile = std::ranges::find(kProfiles, number, &Profile::number);
  const crypto::Suite& suite = crypto::suite(profile->suite);
  std::array<std::uint8_t, 2 * (crypto::kMaxMasterKeyLength + crypto::kMaxMasterSaltLength)> room{};
  const std::size_t length = 2 * std::size_t{suite.key_length} + 2 * std::size_t{suite.salt_length};
  if (SSL_export_keying_material(ssl_.get(), room.data(), length, kExporterLabel.data(),
                                 kExporterLabel.size(), nullptr, 0, 0) != 1)
    return outcome_of_error();
  const std::span<const std::uint8_t> octets(room);
  const auto salts = octets.subspan(2 * std::size_t{suite.key_length});
  auto client = material(octets.first(suite.key_length), salts.first(suite.salt_length));
  auto server = material(octets.subspan(suite.key_length, suite.key_length),
                         salts.subspan(suite.salt_length, suite.salt_length));
  wipe(room.data(), room.size());
  if (crypto::same_master_key(client, server)) return DtlsOutcome::reflected_keys;
  keys_ = std::make_unique<crypto::Keying>();
  keys_->suite = profile->suite;
  keys_->send = std::move(role_ == DtlsRole::active ? client : server);
  keys_->receive = std::move(role_ == DtlsRole::active ? server : client);
  return std::nullopt;
}

// After the handshake: alerts, and a last flight of the peer that asks for ours again, which OpenSSL sees to.
DtlsOutcome DtlsAssociation::read_rest() {
  std::array<char, 2048> room;
  DtlsOutcome outcome = DtlsOutcome::ignored;
  for (;;) {
    ERR_clear_error();
    const int result = SSL_read(ssl_.get(), room.data(), static_cast<int>(room.size()));
    if (result > 0) continue;  // application data is nobody's here
    const int why = SSL_get_error(ssl_.get(), result);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) break;
    outcome = why == SSL_ERROR_ZERO_RETURN ? DtlsOutcome::closed_by_peer : outcome_of_error();
    return end(outcome);
  }
  // Between datagrams that seldom come, buffers of 16 KB are not kept.
  SSL_free_buffers(ssl_.get());
  return outcome;
}

DtlsOutcome DtlsAssociation::release_keys(InstantMs now) {
  state_ = State::established;
  // The passive end's flight is the last: its peer may miss it, and ask.
  if (role_ == DtlsRole::active)
    settle();
  else
    deadline_ = now + limits_.linger_ms;
  return outcome_ = DtlsOutcome::established;
}

DtlsOutcome DtlsAssociation::announce(std::span<const crypto::Fingerprint> peer_fingerprints, InstantMs now) {
  if (state_ == State::over || !announced_.empty()) return DtlsOutcome::ignored;
  announced_.assign(peer_fingerprints.begin(), peer_fingerprints.end());
  if (state_ != State::unverified) return DtlsOutcome::idle;
  if (is_announced(peer_, announced_)) return release_keys(now);
  say_goodbye();
  return end(DtlsOutcome::wrong_fingerprint);
}

std::optional<crypto::Keying> DtlsAssociation::take_keys() {
  if (state_ != State::established || !keys_) return std::nullopt;
  return std::move(*std::exchange(keys_, nullptr));
}

DtlsOutcome DtlsAssociation::close() {
  if (state_ == State::over) return DtlsOutcome::ignored;
  say_goodbye();
  return end(DtlsOutcome::closed);
}

void DtlsAssociation::say_goodbye() {
  if (!goodbye_.empty()) return wire_.send(goodbye_);
  if (ssl_ && path_is_proven()) write_goodbye();
}

void DtlsAssociation::write_goodbye() {
  // An empty read first: it brings back the buffers that were freed, without which OpenSSL cannot write.
  char none = 0;
  wire_.feed({});
  static_cast<void>(SSL_read(ssl_.get(), &none, 1));
  static_cast<void>(SSL_shutdown(ssl_.get()));
  ERR_clear_error();
}

void DtlsAssociation::settle() {
  if (state_ != State::established || !ssl_) return;
  wire_.divert_to(&goodbye_);
  write_goodbye();
  wire_.divert_to(nullptr);
  deadline_.reset();
  ssl_.reset();
}

DtlsOutcome DtlsAssociation::end(DtlsOutcome outcome) {
  state_ = State::over;
  deadline_.reset();
  keys_.reset();
  ssl_.reset();
  return outcome_ = outcome;
}

}  // namespace sallyport::keying
