// SPDX-License-Identifier: GPL-3.0-or-later
// The one door to spdlog.
#include "base/log.h"

#include <array>
#include <memory>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace sallyport::log {

namespace {

constexpr std::array<std::string_view, 4> kNames = {"debug", "info", "warning", "error"};

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> instance = [] {
    auto made =
        std::make_shared<spdlog::logger>("sallyport", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("time=%Y-%m-%dT%H:%M:%S.%eZ %v", spdlog::pattern_time_type::utc);
    made->flush_on(spdlog::level::debug);
    return made;
  }();
  return *instance;
}

bool needs_quotes(std::string_view value) {
  if (value.empty()) return true;
  for (const char c : value)
    if (static_cast<unsigned char>(c) <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f) return true;
  return false;
}

void append_value(std::string& line, std::string_view value) {
  if (!needs_quotes(value)) {
    line += value;
    return;
  }
  line += '"';
  for (const char c : value) {
    if (c == '"' || c == '\\') line += '\\';
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f)
      line += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else
      line += c;
  }
  line += '"';
}

}  // namespace

void write(Level level, std::string_view event, std::initializer_list<Field> fields) {
  const auto threshold = to_spdlog(level);
  if (!logger().should_log(threshold)) return;
  std::string line = fmt::format("level={} event={}", name(level), event);
  for (const Field& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    append_value(line, field.value);
  }
  logger().log(threshold, "{}", line);
}

void set_level(Level level) {
  logger().set_level(to_spdlog(level));
}

Level level() {
  for (const Level candidate : {Level::debug, Level::info, Level::warning})
    if (logger().should_log(to_spdlog(candidate))) return candidate;
  return Level::error;
}

std::string_view name(Level level) {
  return kNames[static_cast<std::size_t>(level)];
}

Result<Level> parse_level(std::string_view text) {
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (kNames[i] == text) return static_cast<Level>(i);
  return fail(ErrorClass::malformed, "a log level is one of debug, info, warning, error");
}

}  // namespace sallyport::log
