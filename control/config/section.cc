// SPDX-License-Identifier: GPL-3.0-or-later
// Reading TOML values with their places.
#include "control/config/section.h"

#include <algorithm>

#include <toml++/toml.h>

namespace sallyport::control {

ConfigSection::ConfigSection(const toml::table* table, std::string prefix, std::string file,
                             ConfigErrors& errors)
    : table_(table), prefix_(std::move(prefix)), file_(std::move(file)), errors_(errors) {}

const toml::node* ConfigSection::find(std::string_view key) {
  known_.emplace(key);
  return table_ == nullptr ? nullptr : table_->get(key);
}

ConfigSection ConfigSection::section(std::string_view key, std::string prefix) {
  return {table(key), std::move(prefix), file_, errors_};
}

bool ConfigSection::has(std::string_view key) const {
  return table_ != nullptr && table_->contains(key);
}

void ConfigSection::error_at(const toml::node* node, std::string_view key, std::string text) {
  ConfigError found;
  found.file = file_;
  found.key = prefix_;
  if (!key.empty()) found.key += (prefix_.empty() ? "" : ".") + std::string(key);
  found.text = std::move(text);
  if (node == nullptr) node = table_;
  if (node != nullptr) {
    found.line = node->source().begin.line;
    found.column = node->source().begin.column;
  }
  errors_.push_back(std::move(found));
}

void ConfigSection::error(std::string_view key, std::string text) {
  error_at(table_ == nullptr ? nullptr : table_->get(key), key, std::move(text));
}

std::string ConfigSection::text(std::string_view key, std::string standard) {
  const toml::node* node = find(key);
  if (node == nullptr) return standard;
  if (const auto* value = node->as_string()) return value->get();
  error_at(node, key, "must be a string");
  return standard;
}

bool ConfigSection::flag(std::string_view key, bool standard) {
  const toml::node* node = find(key);
  if (node == nullptr) return standard;
  if (const auto* value = node->as_boolean()) return value->get();
  error_at(node, key, "must be true or false");
  return standard;
}

std::uint64_t ConfigSection::number(std::string_view key, std::uint64_t standard, std::uint64_t lowest,
                                    std::uint64_t highest) {
  const toml::node* node = find(key);
  if (node == nullptr) return standard;
  const auto* value = node->as_integer();
  if (value != nullptr && value->get() >= 0) {
    const auto number = static_cast<std::uint64_t>(value->get());
    if (number >= lowest && number <= highest) return number;
  }
  error_at(node, key, "must be a number from " + std::to_string(lowest) + " to " + std::to_string(highest));
  return standard;
}

std::vector<std::string> ConfigSection::texts(std::string_view key) {
  const toml::node* node = find(key);
  std::vector<std::string> values;
  if (node == nullptr) return values;
  const auto* array = node->as_array();
  if (array == nullptr) {
    error_at(node, key, "must be a list of strings");
    return values;
  }
  for (const toml::node& item : *array) {
    if (const auto* value = item.as_string())
      values.push_back(value->get());
    else
      error_at(&item, key, "must be a list of strings");
  }
  return values;
}

std::vector<std::uint64_t> ConfigSection::numbers(std::string_view key, std::uint64_t highest) {
  const toml::node* node = find(key);
  std::vector<std::uint64_t> values;
  if (node == nullptr) return values;
  const std::string wanted = "must be a list of numbers from 0 to " + std::to_string(highest);
  const auto* array = node->as_array();
  if (array == nullptr) {
    error_at(node, key, wanted);
    return values;
  }
  for (const toml::node& item : *array) {
    const auto* value = item.as_integer();
    if (value != nullptr && value->get() >= 0 && static_cast<std::uint64_t>(value->get()) <= highest)
      values.push_back(static_cast<std::uint64_t>(value->get()));
    else
      error_at(&item, key, wanted);
  }
  return values;
}

const toml::table* ConfigSection::table(std::string_view key) {
  const toml::node* node = find(key);
  if (node == nullptr) return nullptr;
  if (const auto* sub_table = node->as_table()) return sub_table;
  error_at(node, key, "must be a table");
  return nullptr;
}

std::vector<ConfigSection> ConfigSection::list(std::string_view key) {
  const toml::node* node = find(key);
  std::vector<ConfigSection> sections;
  if (node == nullptr) return sections;
  const auto* array = node->as_array();
  if (array == nullptr) {
    error_at(node, key, "must be a list of tables: [[" + std::string(key) + "]]");
    return sections;
  }
  for (const toml::node& item : *array) {
    const std::string prefix = std::string(key) + "." + std::to_string(sections.size() + 1);
    if (item.as_table() == nullptr) error_at(&item, key, "must be a list of tables");
    sections.emplace_back(item.as_table(), prefix, file_, errors_);
  }
  return sections;
}

std::vector<std::string> ConfigSection::keys() const {
  std::vector<std::pair<std::uint32_t, std::string>> found;
  if (table_ != nullptr)
    for (const auto& [key, node] : *table_)
      found.emplace_back(node.source().begin.line, std::string(key.str()));
  std::ranges::stable_sort(found, {}, [](const auto& entry) { return entry.first; });
  std::vector<std::string> names;
  for (auto& [line, name] : found) names.push_back(std::move(name));
  return names;
}

void ConfigSection::finish() {
  if (table_ == nullptr) return;
  for (const auto& [key, node] : *table_)
    if (!known_.contains(key.str())) error_at(&node, key.str(), "unknown key");
}

}  // namespace sallyport::control
