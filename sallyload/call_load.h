// SPDX-License-Identifier: GPL-3.0-or-later
// CallLoad: pairs of subscribers of which one calls the other; both are ours.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "sallyload/call_text.h"
#include "sallyload/load.h"
#include "sallyload/media.h"
#include "sallyload/subscribers.h"
#include "sip/sdp_crypto.h"

namespace sallyport::sallyload {

/// What one side of a call keeps. Between us and it stands whatever is measured, which may make two dialogs
/// of the call: Call-IDs and tags of both sides need not agree.
struct CallSide {
  std::unique_ptr<MediaEnd> media;
  std::optional<sip::CryptoAttribute> key;         ///< ours
  sip::DtlsSetup setup = sip::DtlsSetup::actpass;  ///< ours
  bool rtcp_mux = true;                            ///< by DTLS-SRTP
  std::optional<IceWords> ice;                     ///< ours
  std::string description;                         ///< ours
  Endpoint remote;                                 ///< where the media of this side goes
};

struct Call {
  enum class State { idle, inviting, up, draining, ending } state = State::idle;
  std::uint32_t number = 0;  ///< how often this pair has called: timers of earlier calls say nothing
  std::uint64_t begun_us = 0;
  std::uint64_t bye_us = 0;
  std::optional<Failure> failure;

  // The caller's dialog.
  std::string call_id;
  std::string to;      ///< with the tag, once there is one
  std::string target;  ///< the URI of requests within the dialog
  std::string route;   ///< header lines
  std::string ack;     ///< kept for repeated 200s, which UDP brings
  std::uint32_t cseq = 0;
  std::uint8_t attempt = 0;
  CallSide caller;

  // The callee's.
  std::string callee_call_id;
  bool reached = false;
  bool callee_ended = false;
  bool bye_answered = false;
  CallSide callee;
};

class CallLoad : public Load {
 public:
  CallLoad(boost::asio::io_context& context, const Settings& settings, Client& client, Report& report);

 private:
  // call_load.cc: registrations first, pairs, timers
  void prepare() override;
  [[nodiscard]] bool has_free() const override { return !free_.empty(); }
  void begin() override;
  void on_tick() override;
  void on_stop() override;
  void on_response(std::uint64_t context, sip::Message& response) override;
  void on_failure(std::uint64_t context, Failure failure) override;
  void on_request(sip::ServerTransactionId id, const sip::Message& request, const sip::Hop& hop) override;
  void on_ack(const sip::Message& ack) override;
  void register_more();
  void on_registered(std::uint64_t index, std::optional<Failure> failure, std::string_view what);
  void at(std::uint64_t us, std::uint64_t pair);
  void on_time(std::uint64_t pair);
  void finish(std::uint64_t pair);
  void spoil(std::uint64_t pair, Failure failure, std::string_view what);
  void judge_media(std::uint64_t pair);
  void judge_keys(std::uint64_t pair);

  // call_dialogs.cc: what the caller sends and the callee answers
  /// Of the caller's stream; the callee's is the next.
  [[nodiscard]] std::uint64_t media_serial(std::uint64_t pair) const {
    return 2 * (std::uint64_t{calls_[pair].number} << 32 | pair);
  }
  [[nodiscard]] Result<void> open_side(std::uint64_t pair, bool callee);
  void send_invite(std::uint64_t pair);
  void on_invite_response(std::uint64_t pair, sip::Message& response);
  void on_answer(std::uint64_t pair, const sip::Message& response);
  void send_bye(std::uint64_t pair);
  void on_bye_response(std::uint64_t pair, sip::Message& response);
  [[nodiscard]] std::string write_within_dialog(std::uint64_t pair, sip::Method method, std::uint32_t cseq,
                                                std::string_view branch);
  void answer_invite(std::uint64_t pair, sip::ServerTransactionId id, const sip::Message& request);
  void on_invite(std::uint64_t index, sip::ServerTransactionId id, const sip::Message& request,
                 const sip::Hop& hop);
  void on_bye(std::uint64_t index, sip::ServerTransactionId id);
  [[nodiscard]] Result<void> listen(CallSide& side, Description theirs);
  [[nodiscard]] std::string describe(const CallSide& side, std::uint64_t id) const;
  void start_media(CallSide& side);
  void drain(std::uint64_t pair);

  struct Timer {
    std::uint64_t at_us;
    std::uint64_t pair;
    std::uint32_t number;
    friend bool operator>(const Timer& a, const Timer& b) { return a.at_us > b.at_us; }
  };

  static constexpr std::uint64_t caller(std::uint64_t pair) { return 2 * pair; }
  static constexpr std::uint64_t callee(std::uint64_t pair) { return 2 * pair + 1; }

  Subscribers subscribers_;
  std::optional<MediaPlane> media_;
  std::vector<Call> calls_;
  std::deque<std::uint64_t> free_;
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
  std::uint64_t registering_ = 0;  ///< the next to be registered
  std::uint64_t registered_ = 0;
  std::uint64_t registrations_under_way_ = 0;
};

}  // namespace sallyport::sallyload
