// SPDX-License-Identifier: GPL-3.0-or-later
// Reloader: the configuration file once more, while everything goes on.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "control/config/config.h"

namespace sallyport::control {

class Signalling;
class SipService;

/// A key whose value in the file is not the one in force.
struct ConfigChange {
  std::string key;             ///< dotted
  std::string in_force, file;  ///< as JSON; `null` where there is none
  bool live = false;           ///< a reload takes it up; else it needs a restart
};

/// The control thread's.
class Reloader {
 public:
  struct Domain {
    Config& config;  ///< that everything refers to: it is changed in place
    Limits& limits;
    std::string path;
  };
  /// What `domain` refers to outlives the object.
  explicit Reloader(Domain domain) : domain_(std::move(domain)) {}

  /// Once it stands; without it nothing of SIP can be taken up.
  void set_sip(SipService& sip) { sip_ = &sip; }
  [[nodiscard]] const std::string& path() const { return domain_.path; }

  [[nodiscard]] std::vector<ConfigChange> changes_to(const Config& next) const;
  /// Takes up what is live and tells all that differed. Calls, registrations and connections stay. After an
  /// error nothing has changed.
  [[nodiscard]] Result<std::vector<ConfigChange>> reload();

 private:
  [[nodiscard]] bool is_live(std::string_view key) const;
  [[nodiscard]] Result<void> check(const Config& next) const;
  [[nodiscard]] Result<void> take_up_sip(Config& next);
  void take_up_listeners(Config& next);
  void take_up_records(const std::string& path, std::vector<ConfigChange>& changes);

  Domain domain_;
  SipService* sip_ = nullptr;
};

}  // namespace sallyport::control
