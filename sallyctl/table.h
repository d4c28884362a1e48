// SPDX-License-Identifier: GPL-3.0-or-later
// Results as text for people.
#pragma once

#include <string>
#include <vector>

#include <boost/json/object.hpp>

namespace sallyport::sallyctl {

/// Columns as wide as their widest cell; numbers to the right.
class Table {
 public:
  explicit Table(std::vector<std::string> header) : rows_{std::move(header)} {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] std::vector<std::string> lines() const;
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

/// A value on one line: strings bare, numbers with at most one decimal, null as `-`.
[[nodiscard]] std::string plain(const boost::json::value& value);
/// A member, or `-`. `path` may hold dots.
[[nodiscard]] std::string member(const boost::json::object& object, std::string_view path);
/// Nested objects as `a.b.c  value` lines.
[[nodiscard]] std::string outline(const boost::json::object& object);

[[nodiscard]] Table relay_table(const boost::json::array& relays);
[[nodiscard]] Table port_table(const boost::json::array& ports);
[[nodiscard]] Table worker_table(const boost::json::array& workers);
[[nodiscard]] Table capture_table(const boost::json::array& captures);
[[nodiscard]] Table user_table(const boost::json::array& users);
[[nodiscard]] Table registration_table(const boost::json::array& registrations);
[[nodiscard]] Table call_table(const boost::json::array& calls);
[[nodiscard]] Table trace_table(const boost::json::array& traces);
[[nodiscard]] Table trunk_table(const boost::json::array& trunks);
[[nodiscard]] Table certificate_table(const boost::json::array& certificates);
[[nodiscard]] Table change_table(const boost::json::array& changes);
/// `call.show`: what both legs have in common as an outline, then legs and media beside each other.
[[nodiscard]] std::string call_text(const boost::json::object& call);
[[nodiscard]] std::string stats_text(const boost::json::object& stats);

}  // namespace sallyport::sallyctl
