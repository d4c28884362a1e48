// SPDX-License-Identifier: GPL-3.0-or-later
// Structured lines on standard error: `time=… level=info event=relay.added relay=7`. Never keys.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sallyport::log {

enum class Level { debug, info, warning, error };

/// One `key=value` of a line; values with spaces, quotes or control characters are quoted and escaped.
struct Field {
  Field(std::string_view name, std::string_view text) : key(name), value(text) {}
  Field(std::string_view name, const char* text) : key(name), value(text) {}
  Field(std::string_view name, const std::string& text) : key(name), value(text) {}
  Field(std::string_view name, bool flag) : key(name), value(flag ? "true" : "false") {}
  Field(std::string_view name, std::integral auto number) : key(name), value(std::to_string(number)) {}

  std::string_view key;
  std::string value;
};

/// Writes one line. May be called from any thread except a worker.
void write(Level level, std::string_view event, std::initializer_list<Field> fields = {});

inline void debug(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::debug, event, fields);
}
inline void info(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::info, event, fields);
}
inline void warning(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::warning, event, fields);
}
inline void error(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::error, event, fields);
}

void set_level(Level level);
[[nodiscard]] Level level();
[[nodiscard]] std::string_view name(Level level);
[[nodiscard]] Result<Level> parse_level(std::string_view text);

}  // namespace sallyport::log
