// SPDX-License-Identifier: GPL-3.0-or-later
// Trunks: all of them: which to try, where they are, whether they live, and who calls from one.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "control/calls/out_of_dialog_sender.h"
#include "control/calls/trunk.h"
#include "control/config/limit_table.h"
#include "control/subscribers/user_directory.h"
#include "transport/server_selection.h"

namespace sallyport::control {

/// The control thread's. Trunks are shared with the calls that use them: one that a reload takes away lasts
/// until its last call has ended.
class Trunks {
 public:
  struct Services {
    transport::ServerLocator& locator;
    OutOfDialogSender& sender;
    Limits& limits;
    DigestClient::RandomSource draw;          ///< for secrets
    transport::ServerLocator::Random choose;  ///< for weights: a number from 0 to below
  };
  /// `services` refer to what outlives the object.
  Trunks(std::vector<TrunkConfig> configs, Services services, std::int64_t now_ms);
  Trunks(const Trunks&) = delete;
  Trunks& operator=(const Trunks&) = delete;

  /// By name: known trunks keep their state, calls and counters.
  void configure(std::vector<TrunkConfig> configs, std::int64_t now_ms);

  [[nodiscard]] TrunkPtr find(std::string_view name);
  /// In the file's order.
  [[nodiscard]] std::vector<TrunkPtr> all();

  /// The trunks of a group in the order in which to try them: by priority, within one by a draw in which the
  /// weights are the chances; those that are down after all others. Disabled ones and those that are full
  /// are left out, the latter counted as refusals.
  [[nodiscard]] std::vector<TrunkPtr> select(std::string_view group);
  /// The same for a single trunk, by its name.
  [[nodiscard]] std::vector<TrunkPtr> select_one(std::string_view name);
  [[nodiscard]] bool is_full(const Trunk& trunk) const;

  /// Its servers in the order of failover (RFC 3263), ready to be reached. Calls back later, unless this
  /// object is gone by then.
  using Located = std::function<void(Result<std::vector<transport::Target>>)>;
  void locate(const Trunk& trunk, Located located);
  /// No answer from there, or 503: for a while it comes after the trunk's other servers.
  void mark_failed(const transport::Target& target);

  /// Whose request this is: by listener, and by the names in the peer's verified certificate or the source
  /// address, or both where the trunk has both. Null: nobody's. Of several the one with names, then the one
  /// with the longest prefix. Whether it is disabled, and whether it must prove more (inbound_auth), is for
  /// the caller to ask.
  [[nodiscard]] TrunkPtr recognize(const sip::Hop& hop, const transport::PeerIdentity* peer);
  /// Those that inbound_auth asks for, for an Authenticator, which may keep the reference over reloads; their
  /// `aor` is `trunk:NAME`.
  [[nodiscard]] const UserDirectory& inbound_users() const { return inbound_users_; }
  [[nodiscard]] TrunkPtr of_inbound_user(const User& user);

  /// Begins checks that are due and gives up those that got no answer; about once a second.
  void advance(std::int64_t now_ms);

 private:
  /// One look at one trunk. It has failed when none of the servers answered before the deadline.
  struct Check {
    Trunk* trunk = nullptr;
    std::int64_t deadline_ms = 0;
    std::vector<transport::Target> targets;
    std::size_t next = 0;  ///< of `targets`: the one that has not been asked yet
    std::string last_fault = "no server was found";
  };

  // trunks.cc
  void retire(Trunk& trunk, std::int64_t now_ms);
  void rebuild_inbound_users();
  [[nodiscard]] bool may_be_tried(Trunk& trunk);
  [[nodiscard]] std::size_t draw_place(const std::vector<std::uint32_t>& weights) const;
  [[nodiscard]] static std::vector<transport::Target> targets_of(
      const TrunkConfig& config, const std::vector<transport::Destination>& found);

  // trunk_checks.cc
  void begin_check(Trunk& trunk);
  void try_next(std::uint64_t serial);
  void on_answer(std::uint64_t serial, std::size_t place, const Result<unsigned>& status);
  void fail_check(std::uint64_t serial, const std::string& why);

  Services services_;
  std::vector<TrunkPtr> trunks_;
  UserDirectory inbound_users_{false};
  std::map<std::uint64_t, Check> checks_;  ///< under way, by serial number
  std::map<const Trunk*, std::int64_t> next_check_ms_;
  std::uint64_t last_check_ = 0;
  std::int64_t now_ms_ = 0;
  /// What calls back late asks whether this object still exists.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

/// What a trunk's OPTIONS are for: `sip:host:port`.
[[nodiscard]] std::string trunk_uri(const TrunkConfig& config, std::string_view user = {});

}  // namespace sallyport::control
