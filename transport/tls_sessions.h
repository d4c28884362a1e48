// SPDX-License-Identifier: GPL-3.0-or-later
// Sessions of our own connections to servers, kept so that the next connection resumes the last.
#pragma once

#include <string>

struct ssl_ctx_st;
struct ssl_st;

namespace sallyport::transport {

/// Lets connections of this client's context leave their sessions; they live as long as the context.
/// False: no memory.
[[nodiscard]] bool keep_sessions(ssl_ctx_st* context);
/// Before a handshake: offers the last session with this server, if there is one. Any thread.
void offer_session(ssl_st* ssl, const std::string& server_name);

}  // namespace sallyport::transport
