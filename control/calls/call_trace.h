// SPDX-License-Identifier: GPL-3.0-or-later
// CallTraces: the messages of calls in their order, as ladders; also of calls that have ended lately.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "control/signalling/signalling.h"

namespace sallyport::control {

/// One message of a call.
struct TraceLine {
  std::int64_t at_ms = 0;  ///< since the call began
  bool received = false;
  bool caller_side = false;  ///< on the caller's dialog; else on one of the callee's
  sip::Transport transport = sip::Transport::udp;
  Endpoint peer;
  std::string text;  ///< `INVITE sip:alice@example.com`, `200 OK (INVITE)`
  bool has_description = false;
};

struct CallTrace {
  std::uint64_t call = 0;
  bool ended = false;
  std::int64_t began_ms = 0;
  std::vector<TraceLine> lines;
  std::size_t left_out = 0;  ///< beyond kMaxLines
};

/// The control thread's.
class CallTraces final : public MessageTap {
 public:
  /// A message of a call, whole, with its secrets masked: told while somebody follows.
  using Follower = std::function<void(std::uint64_t call, const TraceLine& line, const std::string& message)>;
  /// No more will come of a call.
  using Over = std::function<void(std::uint64_t call)>;
  void set_follower(Follower follower, Over over) {
    follower_ = std::move(follower);
    over_ = std::move(over);
  }
  [[nodiscard]] bool is_followed() const { return static_cast<bool>(follower_); }

  /// With the INVITE that it came of.
  void begin(std::uint64_t call, const sip::Message& invite, const sip::Hop& from);
  /// A callee's dialog of the same call.
  void add(std::uint64_t call, std::string_view call_id);
  void end(std::uint64_t call);
  /// The last message has passed.
  void over(std::uint64_t call) const {
    if (over_) over_(call);
  }
  /// Null if there is none, or none any more.
  [[nodiscard]] const CallTrace* find(std::uint64_t call) const;
  /// Up to `count` of calls with ids above `after`, in their order.
  [[nodiscard]] std::vector<const CallTrace*> list(std::uint64_t after, std::size_t count) const;

  void on_received(const sip::Message& message, const sip::Hop& from) override;
  void on_sent(std::string_view message, const sip::Hop& to) override;

  static constexpr std::size_t kMaxLines = 64;
  static constexpr std::size_t kEndedKept = 256;

 private:
  struct Place {
    std::uint64_t call = 0;
    bool caller_side = false;
  };
  /// What a line tells of a message beside its first line.
  struct Described {
    std::string_view text, call_id, cseq, content_type;
  };
  void add_line(const Described& message, const sip::Hop& hop, bool received);
  void forget(std::uint64_t call);

  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  std::unordered_map<std::string, Place, Hash, std::equal_to<>> by_call_id_;
  std::unordered_map<std::uint64_t, CallTrace> traces_;
  std::unordered_map<std::uint64_t, std::vector<std::string>> call_ids_;
  std::deque<std::uint64_t> ended_;
  Follower follower_;
  Over over_;
};

/// The message with keys (a=crypto, k=), credentials and nonces replaced by `…`.
[[nodiscard]] std::string mask_secrets(std::string_view message);

}  // namespace sallyport::control
