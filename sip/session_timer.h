// SPDX-License-Identifier: GPL-3.0-or-later
// Session timers (RFC 4028): what each side asks for and agrees to, who refreshes, and when a session is
// dead.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sip/message.h"
#include "sip/timers.h"
#include "sip/writer.h"

namespace sallyport::sip {

enum class Refresher : std::uint8_t { unsaid, uac, uas };

/// The Session-Expires header field.
struct SessionExpires {
  std::uint32_t interval_s = 0;
  Refresher refresher = Refresher::unsaid;

  friend constexpr bool operator==(const SessionExpires&, const SessionExpires&) = default;
};
[[nodiscard]] Result<SessionExpires> parse_session_expires(std::string_view text);
[[nodiscard]] std::string write_session_expires(const SessionExpires& value);
/// Min-SE: seconds, and parameters that nobody has defined.
[[nodiscard]] Result<std::uint32_t> parse_min_se(std::string_view text);

struct SessionTimerPolicy {
  std::uint32_t interval_s = 1800;  ///< what we ask for and shorten others to; 0: we never ask
  std::uint32_t min_se_s = 90;      ///< the shortest that we accept; at least 90
  bool prefers_to_refresh = true;   ///< where the choice is ours
};

/// The absolute minimum of RFC 4028 §4, and the interval that Min-SE stands for when it is absent.
inline constexpr std::uint32_t kShortestSessionS = 90;

/// One dialog's. Both roles may take turns in it.
class SessionTimer {
 public:
  explicit SessionTimer(const SessionTimerPolicy& policy = {});

  // The side that sends an INVITE or UPDATE.

  /// Adds Supported: timer, Session-Expires and Min-SE as the state of the dialog wants them.
  void write_request(MessageWriter& writer);
  /// A 422: true if the request is worth sending again, with the longer interval.
  [[nodiscard]] bool received_422(const Message& response);
  /// The 2xx to the request that write_request() went into.
  void received_success(const Message& response, InstantMs now);
  /// A refresh was answered by neither a 2xx nor something that ends the dialog: it will be tried again at
  /// `retry_ms`.
  void retry_refresh(InstantMs retry_ms) { refresh_ms_ = retry_ms; }

  // The side that receives one.

  struct Answer {
    unsigned status = 0;         ///< 0: go on; 422 with Min-SE of min_se_s; 400
    std::uint32_t min_se_s = 0;  ///< of a 422
    std::optional<SessionExpires> session_expires;
    bool require_timer = false;
  };
  /// What to say to an INVITE or UPDATE. Nothing is agreed before sent_success().
  [[nodiscard]] Answer received_request(const Message& request);
  /// Adds what the answer says to a 2xx.
  static void write_success(MessageWriter& writer, const Answer& answer);
  /// The 2xx was sent.
  void sent_success(const Answer& answer, InstantMs now);

  // Time.

  enum class Step : std::uint8_t {
    nothing,
    refresh,  ///< send an UPDATE without offer, or a re-INVITE with an unchanged one
    expired,  ///< send BYE
  };
  [[nodiscard]] std::optional<InstantMs> next_deadline() const;
  [[nodiscard]] Step advance(InstantMs now);

  [[nodiscard]] bool is_running() const { return interval_s_ != 0; }
  [[nodiscard]] std::uint32_t interval_s() const { return interval_s_; }
  [[nodiscard]] bool we_refresh() const { return we_refresh_; }
  /// `1800 s, we refresh`, or `off`.
  [[nodiscard]] std::string dump() const;

 private:
  void agree(std::uint32_t interval_s, bool we_refresh, InstantMs now);

  SessionTimerPolicy policy_;
  std::uint32_t asked_s_ = 0;   ///< in the request that is under way
  std::uint32_t min_se_s_ = 0;  ///< the longest minimum heard of; 0: none
  std::uint32_t interval_s_ = 0;
  std::uint8_t retries_ = 0;
  bool we_refresh_ = false;
  bool is_established_ = false;
  std::optional<InstantMs> refresh_ms_;
  InstantMs expires_ms_ = 0;
};

}  // namespace sallyport::sip
