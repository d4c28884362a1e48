// SPDX-License-Identifier: GPL-3.0-or-later
// The request that makes a WebSocket for SIP of a connection, and its answer (RFC 6455 §4.2, RFC 7118 §4).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "transport/counters.h"
#include "transport/tls_settings.h"

namespace sallyport::transport {

enum class UpgradeStep : std::uint8_t {
  wants_input,  ///< the request goes on
  granted,      ///< answer() is to be sent, then frames follow
  refused,      ///< answer() is to be sent, then the end
};

/// Who asks is a stranger: nothing is read beyond the head of one request.
class WebSocketUpgrade {
 public:
  explicit WebSocketUpgrade(std::shared_ptr<const WebSocketRules> rules) : rules_(std::move(rules)) {}

  /// `longest` bounds the request's octets.
  [[nodiscard]] UpgradeStep take(std::string_view octets, std::size_t longest);
  [[nodiscard]] const std::string& answer() const { return answer_; }
  /// Why it was refused, as the answer says it.
  [[nodiscard]] std::string_view why() const { return why_; }
  /// What counts the refusal; one for its length is `upgrade_bytes`'s own.
  [[nodiscard]] Count count() const { return count_; }
  [[nodiscard]] bool too_long() const { return too_long_; }

 private:
  struct Refusal;
  [[nodiscard]] UpgradeStep judge();
  [[nodiscard]] UpgradeStep refuse(const Refusal& refusal);

  std::shared_ptr<const WebSocketRules> rules_;
  std::string received_;
  std::string answer_;
  std::string_view why_;
  Count count_ = Count::upgrades;
  bool too_long_ = false;
};

}  // namespace sallyport::transport
