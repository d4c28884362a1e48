// SPDX-License-Identifier: GPL-3.0-or-later
// Pace and end of a load.
#include "sallyload/load.h"

#include <chrono>
#include <csignal>

#include <sys/resource.h>

namespace sallyport::sallyload {

namespace {

constexpr std::chrono::milliseconds kFineTick{1};
constexpr std::chrono::milliseconds kCoarseTick{5};
constexpr double kMicrosecondsASecond = 1e6;

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / kMicrosecondsASecond;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double seconds_since(std::uint64_t begun_us) {
  return static_cast<double>(now_us() - begun_us) / kMicrosecondsASecond;
}

}  // namespace

Load::Load(boost::asio::io_context& context, const Settings& settings, Client& client, Report& report)
    : settings_(settings),
      client_(client),
      report_(report),
      context_(context),
      timer_(context),
      signals_(context, SIGINT, SIGTERM) {}

void Load::run() {
  client_.start(*this);
  begun_us_ = progress_us_ = now_us();
  cpu_before_s_ = cpu_seconds();
  await_signal();
  await_tick();
  prepare();
  on_turn();
  context_.run();
  client_.finish();
}

void Load::begun() {
  phase_ = Phase::running;
  begun_us_ = progress_us_ = now_us();
  cpu_before_s_ = cpu_seconds();
}

bool Load::all_begun() const {
  return stopping_ || (settings_.total != 0 && report_.started >= settings_.total);
}

bool Load::may_begin() const {
  if (phase_ != Phase::running || all_begun() || outstanding_ >= settings_.concurrency || !has_free())
    return false;
  return settings_.rate == 0 ||
         static_cast<double>(report_.started) < seconds_since(begun_us_) * settings_.rate;
}

void Load::on_turn() {
  // What fails as it begins may do so until the next turn: a lost connection is told of only then.
  const std::uint64_t failed_before = failed_;
  while (failed_ == failed_before && may_begin()) {
    ++outstanding_;
    ++report_.started;
    report_.begun_within_s = seconds_since(begun_us_);
    begin();
  }
  if (phase_ == Phase::running && all_begun() && outstanding_ == 0) end();
}

void Load::succeeded() {
  --outstanding_;
  ++report_.succeeded;
}

void Load::failed(Failure failure, std::string_view what) {
  ++failed_;
  report_.count_failure(failure);
  report_.trouble(what);
  if (phase_ == Phase::running) --outstanding_;
}

void Load::await_tick() {
  const bool fine = settings_.rate != 0 || settings_.media != MediaMode::none;
  timer_.expires_after(fine ? kFineTick : kCoarseTick);
  timer_.async_wait([this](const boost::system::error_code& failure) {
    if (failure) return;
    client_.tick();
    on_tick();
    if (phase_ == Phase::running && settings_.duration_s > 0 && !stopping_ &&
        seconds_since(begun_us_) >= settings_.duration_s)
      stop();
    if (phase_ != Phase::over && seconds_since(progress_us_) > settings_.give_up_s + settings_.hold_s &&
        (outstanding_ != 0 || phase_ == Phase::preparing))
      give_up("nothing came back for too long");
    on_turn();
    if (phase_ != Phase::over) await_tick();
  });
}

void Load::await_signal() {
  signals_.async_wait([this](const boost::system::error_code& failure, int) {
    if (failure) return;
    if (stopping_ || phase_ != Phase::running) return give_up("interrupted");
    stop();
    on_turn();
    await_signal();
  });
}

void Load::stop() {
  stopping_ = true;
  on_stop();
}

void Load::give_up(std::string_view why) {
  if (phase_ == Phase::over) return;
  if (report_.gave_up.empty()) report_.gave_up = why;
  for (; outstanding_ != 0; --outstanding_) report_.count_failure(Failure::interrupted);
  end();
}

void Load::end() {
  phase_ = Phase::over;
  report_.wall_s = seconds_since(begun_us_);
  report_.cpu_s = cpu_seconds() - cpu_before_s_;
  context_.stop();
}

}  // namespace sallyport::sallyload
