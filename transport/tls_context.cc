// SPDX-License-Identifier: GPL-3.0-or-later
// Building TLS contexts, choosing certificates by name, verifying peers.
#include "transport/tls_context.h"

#include <algorithm>
#include <ctime>
#include <optional>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "sip/text.h"
#include "transport/tls_sessions.h"

namespace sallyport::transport {

namespace {

constexpr int kMaxChain = 8;

tl::unexpected<Error> openssl_failure(const std::string& what) {
  return fail(ErrorClass::refused, what + ": " + tls_error_text());
}

/// Called for each certificate of a chain, the peer's own last. OpenSSL has checked signatures, times,
/// constraints and revocation; purpose and name are SIP's.
int on_verify(int good, X509_STORE_CTX* context) {
  if (good != 1 || X509_STORE_CTX_get_error_depth(context) != 0) return good;
  const X509* peer = X509_STORE_CTX_get_current_cert(context);
  auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx()));
  const bool peer_is_server = SSL_is_server(ssl) == 0;
  if (!usable_for_sip(*peer, peer_is_server)) {
    X509_STORE_CTX_set_error(context, X509_V_ERR_INVALID_PURPOSE);
    return 0;
  }
  if (!peer_is_server) return 1;
  const std::string* const expected = server_name(ssl);
  //= https://www.rfc-editor.org/rfc/rfc5922#section-7.3
  //# If the server is not authenticated, the client MUST close the
  //# connection immediately.
  if (expected != nullptr && matches(read_identity(*peer), *expected)) return 1;
  X509_STORE_CTX_set_error(context, X509_V_ERR_HOSTNAME_MISMATCH);
  return 0;
}

bool use_certificate(SSL_CTX* context, const Certificate& certificate) {
  if (SSL_CTX_use_certificate(context, certificate.leaf.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context, certificate.key.get()) != 1 || SSL_CTX_clear_chain_certs(context) != 1)
    return false;
  return std::ranges::all_of(certificate.chain, [&](const TlsHandle<x509_st>& link) {
    return SSL_CTX_add1_chain_cert(context, link.get()) == 1;
  });
}

std::string_view key_kind(const Certificate& certificate) {
  return std::string_view(certificate.facts.key).substr(0, certificate.facts.key.find(' '));
}

}  // namespace

Result<std::shared_ptr<const TlsContexts>> TlsContexts::load(const TlsSettings& settings,
                                                             std::span<const ListenerSettings> listeners,
                                                             TicketKeys& keys, Counters& counters) {
  std::shared_ptr<TlsContexts> made(new TlsContexts);
  made->settings_ = settings;
  for (const CertificateFiles& files : settings.certificates) {
    auto certificate = load_certificate(files);
    if (!certificate) return tl::unexpected(certificate.error());
    made->certificates_.push_back(std::move(*certificate));
  }
  if (auto done = made->load_trust(); !done) return tl::unexpected(done.error());
  if (auto done = made->load_revocation(); !done) return tl::unexpected(done.error());
  for (const ListenerSettings& listener : listeners) {
    if (!sip::is_secure(listener.transport)) continue;
    if (auto done = made->add_listener(listener, keys, counters); !done) return tl::unexpected(done.error());
  }
  if (auto done = made->add_client(nullptr); !done) return tl::unexpected(done.error());
  for (const Certificate& certificate : made->certificates_)
    if (auto done = made->add_client(&certificate); !done) return tl::unexpected(done.error());
  return std::shared_ptr<const TlsContexts>(std::move(made));
}

Result<void> TlsContexts::load_trust() {
  trust_.reset(X509_STORE_new());
  if (!trust_) return openssl_failure("no memory for trusted certificates");
  if (settings_.ca.empty()) {
    X509_STORE_set_default_paths(trust_.get());
    return {};
  }
  const auto roots = load_certificates(settings_.ca);
  if (!roots) return tl::unexpected(roots.error());
  for (const auto& root : *roots) {
    if (X509_STORE_add_cert(trust_.get(), root.get()) != 1) return openssl_failure(settings_.ca);
    trust_text_ += read_identity(*root).fingerprint;
  }
  return {};
}

Result<void> TlsContexts::load_revocation() {
  if (settings_.crl.empty()) return {};
  const std::unique_ptr<BIO, decltype(&BIO_free)> file(BIO_new_file(settings_.crl.c_str(), "r"), BIO_free);
  if (!file) return openssl_failure(settings_.crl);
  while (X509_CRL* next = PEM_read_bio_X509_CRL(file.get(), nullptr, nullptr, nullptr)) {
    const TlsHandle<X509_crl_st> list(next);
    if (X509_STORE_add_crl(trust_.get(), list.get()) != 1) return openssl_failure(settings_.crl);
    char issuer[256];
    X509_NAME_oneline(X509_CRL_get_issuer(list.get()), issuer, sizeof issuer);
    revocation_.push_back({issuer, unix_time(X509_CRL_get0_nextUpdate(list.get()))});
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
    unsigned size = 0;
    if (X509_CRL_digest(list.get(), EVP_sha256(), digest.data(), &size) == 1)
      trust_text_.append(reinterpret_cast<const char*>(digest.data()), size);
  }
  const unsigned long why = ERR_peek_last_error();
  const bool ended = ERR_GET_LIB(why) == ERR_LIB_PEM && ERR_GET_REASON(why) == PEM_R_NO_START_LINE;
  const std::string reason = tls_error_text();
  if (!ended) return fail(ErrorClass::malformed, settings_.crl + ": " + reason);
  if (revocation_.empty())
    return fail(ErrorClass::malformed, settings_.crl + ": there is no revocation list in it");
  X509_VERIFY_PARAM_set_flags(X509_STORE_get0_param(trust_.get()), X509_V_FLAG_CRL_CHECK);
  return {};
}

/// Tickets are good only where they were given: for the same demand on clients, the same trust and the same
/// revocations. So a client that a new list revokes cannot resume.
TlsContexts::SessionScope TlsContexts::session_scope(ClientCertificates mode) const {
  SessionScope scope{};
  const std::string text = std::to_string(static_cast<int>(mode)) + trust_text_;
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), scope.data(), &size, EVP_sha256(), nullptr);
  return scope;
}

Result<TlsHandle<ssl_ctx_st>> TlsContexts::make_context(bool server, ClientCertificates mode) const {
  TlsHandle<ssl_ctx_st> context(SSL_CTX_new(server ? TLS_server_method() : TLS_client_method()));
  if (!context) return openssl_failure("no TLS context");
  SSL_CTX* raw = context.get();
  SSL_CTX_set_min_proto_version(
      raw, settings_.min_version == TlsVersion::tls1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                               SSL_OP_PRIORITIZE_CHACHA);
  // The chain is what the file has: else each handshake searches the trusted certificates for one.
  SSL_CTX_set_mode(raw, SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (SSL_CTX_set_cipher_list(raw, settings_.ciphers.c_str()) != 1) return openssl_failure("ciphers");
  if (SSL_CTX_set_ciphersuites(raw, settings_.suites.c_str()) != 1) return openssl_failure("suites");
  if (SSL_CTX_set1_groups_list(raw, settings_.groups.c_str()) != 1) return openssl_failure("groups");
  SSL_CTX_set1_cert_store(raw, trust_.get());
  X509_VERIFY_PARAM* rules = SSL_CTX_get0_param(raw);
  // on_verify checks the extended key usage: OpenSSL does not know that of SIP.
  X509_VERIFY_PARAM_set_purpose(rules, X509_PURPOSE_ANY);
  X509_VERIFY_PARAM_set_depth(rules, kMaxChain);
  if (!server) {
    SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, on_verify);
    SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
    if (settings_.resume && !keep_sessions(raw)) return openssl_failure("no memory for sessions");
    return context;
  }
  const SessionScope scope = session_scope(mode);
  SSL_CTX_set_session_id_context(raw, scope.data(), static_cast<unsigned>(scope.size()));
  if (mode == ClientCertificates::none) return context;
  SSL_CTX_set_verify(
      raw, SSL_VERIFY_PEER | (mode == ClientCertificates::require ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
      on_verify);
  SSL_CTX_set_client_CA_list(raw,
                             settings_.ca.empty() ? nullptr : SSL_load_client_CA_file(settings_.ca.c_str()));
  return context;
}

Result<void> TlsContexts::add_listener(const ListenerSettings& settings, TicketKeys& keys,
                                       Counters& counters) {
  auto listener = std::make_unique<Listener>();
  listener->name = settings.name;
  listener->client_certificates = settings.client_certificates;
  listener->counters = &counters;
  if (settings.certificates.empty())
    return fail(ErrorClass::refused, "listener " + settings.name + " has no certificate");
  if (settings.client_certificates != ClientCertificates::none && settings_.ca.empty())
    return fail(ErrorClass::refused,
                "listener " + settings.name + " asks for client certificates, but no CA is named");
  std::map<std::pair<std::vector<std::string>, std::string>, std::vector<std::string_view>> kinds_of_context;
  std::map<std::pair<std::vector<std::string>, std::string>, SSL_CTX*> contexts;
  for (const std::string& name : settings.certificates) {
    const Certificate* certificate = find(name);
    if (certificate == nullptr) return fail(ErrorClass::not_found, "there is no certificate '" + name + "'");
    listener->certificates.push_back(certificate);
    // An RSA and an EC certificate for the same names go into one context: the client's abilities choose.
    std::vector<std::string> names = certificate->facts.domains;
    std::ranges::sort(names);
    const auto key = std::pair(names, names.empty() ? certificate->facts.name : std::string());
    auto& kinds = kinds_of_context[key];
    if (kinds.empty() || std::ranges::find(kinds, key_kind(*certificate)) != kinds.end()) {
      auto made = make_context(true, settings.client_certificates);
      if (!made) return tl::unexpected(made.error());
      contexts[key] = made->get();
      kinds.clear();
      listener->contexts.push_back(std::move(*made));
      use_tickets(contexts[key], keys);
      SSL_CTX_set_tlsext_servername_callback(contexts[key], on_server_name);
      SSL_CTX_set_tlsext_servername_arg(contexts[key], listener.get());
    }
    kinds.push_back(key_kind(*certificate));
    if (!use_certificate(contexts[key], *certificate)) return openssl_failure(certificate->facts.file);
    for (const std::string& domain : names) listener->by_name.try_emplace(domain, contexts[key]);
  }
  listeners_.push_back(std::move(listener));
  return {};
}

Result<void> TlsContexts::add_client(const Certificate* certificate) {
  auto context = make_context(false, ClientCertificates::none);
  if (!context) return tl::unexpected(context.error());
  const Certificate* used = certificate != nullptr  ? certificate
                            : certificates_.empty() ? nullptr
                                                    : &certificates_.front();
  if (used != nullptr && !use_certificate(context->get(), *used)) return openssl_failure(used->facts.file);
  clients_.emplace(certificate == nullptr ? std::string() : certificate->facts.name, std::move(*context));
  return {};
}

const Certificate* TlsContexts::find(const std::string& name) const {
  const auto found =
      std::ranges::find_if(certificates_, [&](const Certificate& c) { return c.facts.name == name; });
  return found == certificates_.end() ? nullptr : &*found;
}

int TlsContexts::on_server_name(ssl_st* ssl, int*, void* argument) {
  const auto* listener = static_cast<const Listener*>(argument);
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
  const auto found = listener->by_name.find(sip::text::lower(name));
  if (found == listener->by_name.end()) {
    // Phones that know us by an address or a host name go on with the first certificate and judge it
    // themselves.
    listener->counters->add(Count::sni_unknown);
    return SSL_TLSEXT_ERR_NOACK;
  }
  SSL_set_SSL_CTX(ssl, found->second);
  return SSL_TLSEXT_ERR_OK;
}

TlsHandle<ssl_st> TlsContexts::accept(const std::string& listener) const {
  const auto found =
      std::ranges::find_if(listeners_, [&](const auto& other) { return other->name == listener; });
  if (found == listeners_.end()) return nullptr;
  TlsHandle<ssl_st> ssl(SSL_new((*found)->contexts.front().get()));
  if (ssl) SSL_set_accept_state(ssl.get());
  return ssl;
}

TlsHandle<ssl_st> TlsContexts::connect(const std::string& name, const std::string& certificate) const {
  const auto found = clients_.find(certificate);
  if (found == clients_.end()) return nullptr;
  TlsHandle<ssl_st> ssl(SSL_new(found->second.get()));
  if (!ssl) return nullptr;
  SSL_set_connect_state(ssl.get());
  if (!set_server_name(ssl.get(), name)) return nullptr;
  // RFC 6066 §3: an address is no server name.
  if (!IpAddress::parse(name)) SSL_set_tlsext_host_name(ssl.get(), name.c_str());
  if (settings_.resume) offer_session(ssl.get());
  return ssl;
}

std::vector<CertificateFacts> TlsContexts::certificates() const {
  std::vector<CertificateFacts> facts;
  for (const Certificate& certificate : certificates_) facts.push_back(certificate.facts);
  return facts;
}

std::vector<CertificateWarning> TlsContexts::warnings(std::int64_t now) const {
  std::vector<CertificateWarning> all;
  const auto take = [&](std::vector<CertificateWarning> some) {
    std::ranges::move(some, std::back_inserter(all));
  };
  for (const Certificate& certificate : certificates_) take(check_certificate(certificate.facts, now));
  for (const auto& listener : listeners_) {
    std::vector<const CertificateFacts*> facts;
    for (const Certificate* certificate : listener->certificates) facts.push_back(&certificate->facts);
    take(check_domains(listener->name, facts, settings_.domains));
  }
  for (const RevocationList& list : revocation_) {
    if (list.next_update == 0) continue;
    const std::int64_t left = list.next_update - now;
    // Lists live for days: a tenth of the warning time of certificates.
    if (left <= 0)
      all.push_back({"crl.expired", list.issuer,
                     "the revocation list is out of date: its issuer's peers are refused", true});
    else if (left < kWarnBeforeSeconds / 10)
      all.push_back({"crl.expiring", list.issuer,
                     "the revocation list is out of date in " + std::to_string(left / 3600) + " hours",
                     false});
  }
  return all;
}

std::string peer_refusal(const ssl_st& ssl) {
  const long result = SSL_get_verify_result(&ssl);
  if (result == X509_V_OK) return {};
  return X509_verify_cert_error_string(result);
}

}  // namespace sallyport::transport
