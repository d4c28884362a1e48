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
#include "control/subscribers/user_directory.h"
#include "transport/server_selection.h"

namespace sallyport::control {

/// The control thread's. Pointers to trunks last until a reload takes the trunk away and its last call has
/// ended.
class Trunks {
 public:
  struct Services {
    transport::ServerLocator& locator;
    OutOfDialogSender& sender;
    DigestClient::RandomSource draw;          ///< for secrets
    transport::ServerLocator::Random choose;  ///< for weights: a number from 0 to below
  };
  /// `services` refer to what outlives the object.
  Trunks(std::vector<TrunkConfig> configs, Services services, std::int64_t now_ms);
  ~Trunks();
  Trunks(const Trunks&) = delete;
  Trunks& operator=(const Trunks&) = delete;

  /// By name: known trunks keep their state, calls and counters.
  void configure(std::vector<TrunkConfig> configs, std::int64_t now_ms);

  [[nodiscard]] Trunk* find(std::string_view name);
  /// In the file's order.
  [[nodiscard]] std::vector<Trunk*> all();

  /// The trunks of a group in the order in which to try them: by priority, within one by a draw in which the
  /// weights are the chances; those that are down after all others. Disabled ones and those that are full
  /// are left out.
  [[nodiscard]] std::vector<Trunk*> select(std::string_view group);
  [[nodiscard]] bool is_full(const Trunk& trunk) const;
  /// [calls] calls_per_trunk, for trunks without a bound of their own; 0: none.
  void set_standard_max_calls(std::uint64_t bound) { standard_max_calls_ = bound; }

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
  [[nodiscard]] Trunk* recognize(const sip::Hop& hop, const transport::PeerIdentity* peer);
  /// Those that inbound_auth asks for, for an Authenticator; their `aor` is `trunk:NAME`.
  [[nodiscard]] const UserDirectory& inbound_users() const { return *inbound_users_; }
  [[nodiscard]] Trunk* of_inbound_user(const User& user);

  /// Begins checks that are due and gives up those that got no answer; about once a second.
  void advance(std::int64_t now_ms);

 private:
  struct Check;

  void rebuild_inbound_users();
  void begin_check(Trunk& trunk, std::int64_t now_ms);
  void try_next(Check& check);
  void on_answer(std::uint64_t serial, const Result<unsigned>& status);
  void end_check(std::uint64_t serial, const Result<unsigned>& status);
  [[nodiscard]] std::vector<transport::Target> targets_of(
      const TrunkConfig& config, const std::vector<transport::Destination>& found) const;

  Services services_;
  std::vector<std::unique_ptr<Trunk>> trunks_;
  std::vector<std::unique_ptr<Trunk>> retired_;  ///< no longer configured, but with calls
  std::unique_ptr<UserDirectory> inbound_users_;
  std::map<std::uint64_t, std::unique_ptr<Check>> checks_;  ///< under way, by serial number
  std::map<const Trunk*, std::int64_t> next_check_ms_;
  std::uint64_t last_check_ = 0;
  std::uint64_t standard_max_calls_ = 0;
  std::int64_t now_ms_ = 0;
  /// What calls back late asks whether this object still exists.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

/// What a trunk's OPTIONS are for: `sip:host:port`.
[[nodiscard]] std::string trunk_uri(const TrunkConfig& config, std::string_view user = {});

}  // namespace sallyport::control
