// SPDX-License-Identifier: GPL-3.0-or-later
// ConfigSection: one TOML table, read key by key; collects what is wrong and in the end what nobody asked
// for.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/config/config.h"

namespace toml {
inline namespace v3 {
class node;
class table;
}  // namespace v3
}  // namespace toml

namespace sallyport::control {

class ConfigSection {
 public:
  /// `table` may be null: then every key has its default. `prefix` names the section: `media.side.access`.
  ConfigSection(const toml::table* table, std::string prefix, std::string file, ConfigErrors& errors);

  [[nodiscard]] std::string text(std::string_view key, std::string standard);
  [[nodiscard]] bool flag(std::string_view key, bool standard);
  [[nodiscard]] std::uint64_t number(std::string_view key, std::uint64_t standard, std::uint64_t lowest,
                                     std::uint64_t highest);
  /// The same, of 32 bits.
  [[nodiscard]] std::uint32_t count(std::string_view key, std::uint32_t standard, std::uint32_t lowest,
                                    std::uint32_t highest) {
    return static_cast<std::uint32_t>(number(key, standard, lowest, highest));
  }
  [[nodiscard]] std::vector<std::string> texts(std::string_view key);
  [[nodiscard]] std::vector<std::uint64_t> numbers(std::string_view key, std::uint64_t highest);

  /// One of the names given.
  template <typename T, std::size_t N>
  [[nodiscard]] T choice(std::string_view key, T standard, const std::pair<std::string_view, T> (&names)[N]) {
    if (!has(key)) return standard;
    const std::size_t errors_before = errors_.size();
    const std::string chosen = text(key, "");
    if (errors_.size() != errors_before) return standard;
    std::string allowed;
    for (const auto& [name, value] : names) {
      if (name == chosen) return value;
      allowed += (allowed.empty() ? "" : ", ") + std::string(name);
    }
    error(key, "must be one of " + allowed);
    return standard;
  }

  [[nodiscard]] bool has(std::string_view key) const;
  /// A sub-table, or null if there is none; anything else under this key is an error.
  [[nodiscard]] const toml::table* table(std::string_view key);
  /// The same as a section; without such a table every key in it has its default.
  [[nodiscard]] ConfigSection section(std::string_view key, std::string prefix);
  /// The tables of a list, `[[key]]`, in their order; their prefixes are `key.1`, `key.2`, …
  [[nodiscard]] std::vector<ConfigSection> list(std::string_view key);
  /// Names of all sub-tables, in the file's order of lines.
  [[nodiscard]] std::vector<std::string> keys() const;

  /// Reports at the key's place, or at the section's if the key is absent.
  void error(std::string_view key, std::string text);
  /// Every key that was never asked for is an error.
  void finish();

 private:
  [[nodiscard]] const toml::node* find(std::string_view key);
  void error_at(const toml::node* node, std::string_view key, std::string text);

  const toml::table* table_;
  std::string prefix_;
  std::string file_;
  ConfigErrors& errors_;
  std::set<std::string, std::less<>> known_;
};

}  // namespace sallyport::control
