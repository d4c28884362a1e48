// SPDX-License-Identifier: GPL-3.0-or-later
// A client context's last session with each server.
#include "transport/tls_sessions.h"

#include <map>
#include <memory>
#include <mutex>

#include <openssl/ssl.h>

namespace sallyport::transport {

namespace {

/// Servers are those of the configuration and of DNS: enough, and bounded.
constexpr std::size_t kMostServers = 1024;

struct ReleaseSession {
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};

/// Tickets come to the signalling thread, with what the server says first; handshakes have threads of their
/// own.
struct Sessions {
  std::mutex mutex;
  std::map<std::string, std::unique_ptr<SSL_SESSION, ReleaseSession>, std::less<>> by_server;
};

/// Connections outlive what they were made from by nothing but their context, so the sessions hang on it.
void free_sessions(void*, void* sessions, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<Sessions*>(sessions);
}
void free_name(void*, void* name, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<std::string*>(name);
}

int sessions_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_sessions);
  return index;
}
int name_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, free_name);
  return index;
}

Sessions* sessions_of(const SSL* ssl) {
  return static_cast<Sessions*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), sessions_index()));
}

/// 1 tells OpenSSL that the session is now ours.
int on_new_session(SSL* ssl, SSL_SESSION* session) {
  Sessions* const sessions = sessions_of(ssl);
  const std::string* const name = server_name(ssl);
  if (sessions == nullptr || name == nullptr) return 0;
  const std::lock_guard lock(sessions->mutex);
  const auto found = sessions->by_server.find(*name);
  if (found != sessions->by_server.end())
    found->second.reset(session);
  else if (sessions->by_server.size() < kMostServers)
    sessions->by_server.emplace(*name, session);
  else
    return 0;
  return 1;
}

}  // namespace

bool keep_sessions(ssl_ctx_st* context) {
  auto sessions = std::make_unique<Sessions>();
  if (SSL_CTX_set_ex_data(context, sessions_index(), sessions.get()) != 1) return false;
  static_cast<void>(sessions.release());  // the context's
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, on_new_session);
  return true;
}

bool set_server_name(ssl_st* ssl, const std::string& name) {
  auto owned = std::make_unique<std::string>(name);
  if (SSL_set_ex_data(ssl, name_index(), owned.get()) != 1) return false;
  static_cast<void>(owned.release());  // the connection's
  return true;
}

const std::string* server_name(const ssl_st* ssl) {
  return static_cast<const std::string*>(SSL_get_ex_data(ssl, name_index()));
}

void offer_session(ssl_st* ssl) {
  Sessions* const sessions = sessions_of(ssl);
  const std::string* const name = server_name(ssl);
  if (sessions == nullptr || name == nullptr) return;
  const std::lock_guard lock(sessions->mutex);
  const auto found = sessions->by_server.find(*name);
  if (found == sessions->by_server.end()) return;
  // A copy: the library spoils a session whose connection does not end in order.
  const std::unique_ptr<SSL_SESSION, ReleaseSession> copy(SSL_SESSION_dup(found->second.get()));
  if (copy) SSL_set_session(ssl, copy.get());
}

}  // namespace sallyport::transport
