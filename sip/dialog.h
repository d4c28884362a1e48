// SPDX-License-Identifier: GPL-3.0-or-later
// Dialog: RFC 3261 §12, one end's view of a relationship with one other; early or confirmed, with its way and
// its order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/keyed_hash.h"
#include "base/result.h"
#include "sip/message.h"
#include "sip/method.h"
#include "sip/writer.h"

namespace sallyport::sip {

enum class DialogState : std::uint8_t { early, confirmed, terminated };

class Dialog {
 public:
  /// At the side that answers: `local_tag` is what the responses carry, `secure` that the request came by TLS
  /// for a sips URI. Malformed without a Contact that is a SIP URI.
  [[nodiscard]] static Result<Dialog> from_request(const Message& request, std::string_view local_tag,
                                                   bool secure);
  /// At the side that asked, from a 101-199 with a tag or a 2xx. `request_uri` is the target until a Contact
  /// says better.
  [[nodiscard]] static Result<Dialog> from_response(const Message& response, std::string_view request_uri,
                                                    bool secure);

  [[nodiscard]] DialogState state() const { return state_; }
  /// We send the 2xx.
  void confirm();
  /// We receive one: the route set is taken anew from it (RFC 3261 §13.2.2.4), and the target.
  Result<void> confirm(const Message& success);
  void terminate() { state_ = DialogState::terminated; }

  [[nodiscard]] std::string_view call_id() const { return call_id_; }
  [[nodiscard]] std::string_view local_tag() const { return local_tag_; }
  [[nodiscard]] std::string_view remote_tag() const { return remote_tag_; }
  /// From and To of our requests, tags included.
  [[nodiscard]] std::string_view local_address() const { return local_address_; }
  [[nodiscard]] std::string_view remote_address() const { return remote_address_; }
  [[nodiscard]] std::string_view remote_target() const { return remote_target_; }
  [[nodiscard]] const std::vector<std::string>& route_set() const { return route_set_; }
  [[nodiscard]] bool is_secure() const { return is_secure_; }
  /// The number of our last request.
  [[nodiscard]] std::uint32_t local_cseq() const { return local_cseq_; }
  [[nodiscard]] std::optional<std::uint32_t> remote_cseq() const { return remote_cseq_; }
  /// The Call-ID is ours: decides how long we wait after a 491.
  [[nodiscard]] bool owns_call_id() const { return owns_call_id_; }

  /// The request came from the other end of this dialog.
  [[nodiscard]] bool owns_request(const Message& request) const;
  /// The response answers a request of ours in this dialog.
  [[nodiscard]] bool owns_response(const Message& response) const;

  /// Takes note of a request's number. 0: in order; else the status to refuse it with: 481 for another
  /// dialog's, 500 if it is late. Of an ACK the status only says that it is to be dropped.
  [[nodiscard]] unsigned check_request(const Message& request);
  /// An accepted target refresh, request or 2xx, of ours or theirs: what has a Contact gives the new target.
  Result<void> refresh_target(const Message& message);

  /// A request with the next number, the route set, and Max-Forwards; `via` is the topmost Via's value.
  [[nodiscard]] MessageWriter request(Method method, std::string_view via);
  [[nodiscard]] MessageWriter request(std::string_view method, std::string_view via);
  /// The ACK of a 2xx.
  [[nodiscard]] MessageWriter ack(std::uint32_t invite_cseq, std::string_view via) const;
  /// The URI whose host requests are sent to (RFC 3261 §8.1.2).
  [[nodiscard]] std::string next_hop() const;

  /// `confirmed, Call-ID a84b4c76e66710, local 314, remote 1`.
  [[nodiscard]] std::string dump() const;

 private:
  Dialog() = default;
  Result<void> set_target(const Message& message, bool is_needed);
  Result<void> set_routes(const Message& message, bool reversed);
  [[nodiscard]] bool starts_with_strict_router() const;
  [[nodiscard]] MessageWriter begin(std::string_view method, std::uint32_t cseq, std::string_view via) const;

  std::string call_id_;
  std::string local_tag_;
  std::string remote_tag_;
  std::string local_address_;   ///< From of our requests, tag included
  std::string remote_address_;  ///< To of our requests, tag included
  std::string remote_target_;
  std::vector<std::string> route_set_;  ///< in the order of our Route
  std::uint32_t local_cseq_ = 0;
  std::optional<std::uint32_t> remote_cseq_;
  std::optional<std::uint32_t> remote_invite_cseq_;
  DialogState state_ = DialogState::early;
  bool is_secure_ = false;
  bool owns_call_id_ = false;
};

/// Requests that move the target, within INVITE's dialogs (RFC 3261, 3311) and SUBSCRIBE's (RFC 6665).
[[nodiscard]] constexpr bool is_target_refresh(Method method) {
  return method == Method::invite || method == Method::update || method == Method::subscribe ||
         method == Method::notify || method == Method::refer;
}

/// Keys for a KeyedIndex of whatever owns dialogs.
[[nodiscard]] Hash128 dialog_key(HashKey key, const Dialog& dialog);
/// Of the dialog that a request from the network belongs to; nothing if its To has no tag.
[[nodiscard]] std::optional<Hash128> dialog_key(HashKey key, const Message& request);

/// What a failure within a dialog ends (RFC 5057 §5.1). A 408 and a transaction that timed out end the dialog
/// as RFC 3261 §12.2.1.2 says, although RFC 5057 would let it live.
enum class FailureImpact : std::uint8_t { transaction, usage, dialog };
[[nodiscard]] FailureImpact failure_impact(unsigned status);

}  // namespace sallyport::sip
