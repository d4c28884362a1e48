// SPDX-License-Identifier: GPL-3.0-or-later
// Daemon: the parts put together, the event loop, and the order in which things start and end.
#pragma once

#include <memory>
#include <string>

#include "control/config/config.h"

namespace sallyport::control {

class Daemon {
 public:
  /// Starts everything but the workers. `path` is where the configuration came from, for reloads. Throws
  /// std::runtime_error with one line for a person.
  Daemon(Config config, std::string path);
  ~Daemon();

  /// Drops privileges, starts the workers and serves until a signal or a client ends it.
  void run();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sallyport::control
