// SPDX-License-Identifier: GPL-3.0-or-later
// Our own connections to servers: whom each is to reach, and sessions that are kept so that the next
// connection resumes the last.
#pragma once

#include <string>

struct ssl_ctx_st;
struct ssl_st;

namespace sallyport::transport {

/// Lets connections of this client's context leave their sessions; they live as long as the context.
/// False: no memory.
[[nodiscard]] bool keep_sessions(ssl_ctx_st* context);

/// The name that the server's certificate must carry, for as long as the connection lives. False: no memory.
[[nodiscard]] bool set_server_name(ssl_st* ssl, const std::string& name);
/// Null: none was set.
[[nodiscard]] const std::string* server_name(const ssl_st* ssl);
/// Before a handshake: offers the last session with the server so named, if there is one. Any thread.
void offer_session(ssl_st* ssl);

}  // namespace sallyport::transport
