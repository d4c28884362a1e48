// SPDX-License-Identifier: GPL-3.0-or-later
// Load: begins things at a rate or as fast as they end, counts how they end, and knows when all is over.
#pragma once

#include <cstdint>
#include <string_view>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include "sallyload/client.h"
#include "sallyload/report.h"
#include "sallyload/settings.h"

namespace sallyport::sallyload {

class Load : public ClientUser {
 public:
  Load(boost::asio::io_context& context, const Settings& settings, Client& client, Report& report);

  /// Runs to the end of the load, by its own measure, a signal or for want of success.
  void run();

  void on_turn() override;

 protected:
  /// Whether there is a subscriber or a pair of them that has nothing to do.
  [[nodiscard]] virtual bool has_free() const = 0;
  /// Begins one registration, call or ping; sooner or later ended() must follow.
  virtual void begin() = 0;
  /// What must be done before the load; begun() says that it is.
  virtual void prepare() { begun(); }
  /// Every tick.
  virtual void on_tick() {}
  /// Nothing more will be begun: what lasts should end now.
  virtual void on_stop() {}

  void begun();
  void succeeded();
  void failed(Failure failure, std::string_view what);
  /// Something came back: the server lives.
  void progress() { progress_us_ = now_us(); }
  void give_up(std::string_view why);
  [[nodiscard]] bool is_stopping() const { return stopping_; }

  const Settings& settings_;
  Client& client_;
  Report& report_;

 private:
  enum class Phase { preparing, running, over };

  void await_tick();
  void await_signal();
  void stop();
  void end();
  [[nodiscard]] bool may_begin() const;
  [[nodiscard]] bool all_begun() const;

  boost::asio::io_context& context_;
  boost::asio::steady_timer timer_;
  boost::asio::signal_set signals_;
  Phase phase_ = Phase::preparing;
  bool stopping_ = false;
  std::uint64_t outstanding_ = 0;
  std::uint64_t failed_ = 0;
  std::uint64_t begun_us_ = 0;
  std::uint64_t progress_us_ = 0;
  double cpu_before_s_ = 0;
};

}  // namespace sallyport::sallyload
