// SPDX-License-Identifier: GPL-3.0-or-later
// Sealing and opening session tickets.
#include "transport/tls_tickets.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace sallyport::transport {

namespace {

TicketKeys::Key new_key(std::int64_t now) {
  std::array<std::uint8_t, 80> random;
  // Without randomness nothing here is safe; the machine is broken.
  if (RAND_priv_bytes(random.data(), static_cast<int>(random.size())) != 1) std::abort();
  TicketKeys::Key key;
  std::copy_n(random.begin(), 16, key.name.begin());
  key.cipher = Secret<32>(std::span(random).subspan<16, 32>());
  key.mac = Secret<32>(std::span(random).subspan<48, 32>());
  key.made = now;
  wipe(random.data(), random.size());
  return key;
}

TicketKeys::Key copy(const TicketKeys::Key& key) {
  return {key.name, key.cipher.duplicate(), key.mac.duplicate(), key.made};
}

int context_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

bool set_mac(EVP_MAC_CTX* mac, const TicketKeys::Key& key) {
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, const_cast<std::uint8_t*>(key.mac.view().data()),
                                        key.mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
  return EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

/// OpenSSL's convention: negative, an error; 0, no resumption; 1, done; 2, done and a new ticket is due.
int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
              int seal) {
  auto* keys = static_cast<TicketKeys*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), context_index()));
  if (keys == nullptr) return 0;
  if (seal == 1) {
    const TicketKeys::Key key = keys->newest();
    if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return -1;
    std::ranges::copy(key.name, name);
    return EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher.view().data(), iv) == 1 &&
                   set_mac(mac, key)
               ? 1
               : -1;
  }
  const auto found = keys->find(std::span<const std::uint8_t, 16>(name, 16));
  if (!found) return 0;
  const bool ready = set_mac(mac, found->key) && EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr,
                                                                    found->key.cipher.view().data(), iv) == 1;
  if (!ready) return -1;
  return found->newest ? 1 : 2;
}

/// A resumed session skips the verification of the peer's certificate: one that has expired since ends here.
SSL_TICKET_RETURN on_opened(SSL*, SSL_SESSION* session, const unsigned char*, std::size_t,
                            SSL_TICKET_STATUS status, void*) {
  if (status == SSL_TICKET_EMPTY || status == SSL_TICKET_NO_DECRYPT) return SSL_TICKET_RETURN_IGNORE_RENEW;
  if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW) return SSL_TICKET_RETURN_IGNORE;
  const X509* peer = SSL_SESSION_get0_peer(session);
  if (peer != nullptr && X509_cmp_current_time(X509_get0_notAfter(peer)) < 0)
    return SSL_TICKET_RETURN_IGNORE_RENEW;
  return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

}  // namespace

TicketKeys::TicketKeys() {
  keys_[0] = new_key(0);
}

void TicketKeys::maintain(std::int64_t now) {
  const std::lock_guard lock(mutex_);
  if (!std::exchange(timed_, true)) changed_ = now;
  if (now - changed_ < kKeyLifeSeconds) return;
  changed_ = now;
  std::ranges::move_backward(keys_.begin(), keys_.end() - 1, keys_.end());
  keys_[0] = new_key(now);
}

TicketKeys::Key TicketKeys::newest() const {
  const std::lock_guard lock(mutex_);
  return copy(keys_[0]);
}

std::optional<TicketKeys::Found> TicketKeys::find(std::span<const std::uint8_t, 16> name) const {
  const std::lock_guard lock(mutex_);
  for (const Key& key : keys_)
    if (!key.cipher.empty() && std::ranges::equal(key.name, name))
      return Found{copy(key), &key == keys_.data()};
  return std::nullopt;
}

void use_tickets(ssl_ctx_st* context, TicketKeys& keys) {
  SSL_CTX_set_ex_data(context, context_index(), &keys);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
  SSL_CTX_set_session_ticket_cb(context, nullptr, on_opened, nullptr);
  // The ticket is the session: nothing is kept here.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_timeout(context, 2 * TicketKeys::kKeyLifeSeconds);
  SSL_CTX_set_num_tickets(context, 1);
}

}  // namespace sallyport::transport
