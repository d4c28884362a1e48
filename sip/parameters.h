// SPDX-License-Identifier: GPL-3.0-or-later
// Parameters: the `;name=value` tails of URIs and header fields, as a view that is walked on demand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace sallyport::sip {

struct Parameter {
  std::string_view name;
  std::string_view value;  ///< as written: a quoted string keeps its quotes; empty without `=`
  bool has_value = false;
};

/// A list of parameters whose grammar was checked: text that begins with `;`, or nothing.
class Parameters {
 public:
  class Iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using difference_type = std::ptrdiff_t;
    using value_type = Parameter;

    Iterator() = default;
    explicit Iterator(std::string_view rest) : rest_(rest) { ++*this; }
    const Parameter& operator*() const { return parameter_; }
    const Parameter* operator->() const { return &parameter_; }
    Iterator& operator++();
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& it, std::default_sentinel_t) { return it.ended_; }

   private:
    std::string_view rest_;
    Parameter parameter_;
    bool ended_ = false;
  };

  Parameters() = default;
  /// Takes text that parse_parameters() accepted.
  explicit Parameters(std::string_view text) : text_(text) {}

  [[nodiscard]] Iterator begin() const { return Iterator(text_); }
  [[nodiscard]] std::default_sentinel_t end() const { return std::default_sentinel; }
  [[nodiscard]] bool empty() const { return text_.empty(); }
  /// As written, with the leading `;`.
  [[nodiscard]] std::string_view text() const { return text_; }

  /// The first of this name (case does not matter).
  [[nodiscard]] std::optional<Parameter> find(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const { return find(name).has_value(); }
  /// The value as written, or empty if it is absent or has none.
  [[nodiscard]] std::string_view value(std::string_view name) const;
  /// The value as a decimal number up to `highest`; nothing if absent or anything else.
  [[nodiscard]] std::optional<std::uint32_t> number(std::string_view name,
                                                    std::uint32_t highest = 0xffffffff) const;

 private:
  std::string_view text_;
};

/// Checks the `;`-list of a header field (RFC 3261 §25.1 generic-param, with linear white space around `;`
/// and
/// `=`). All of `text` belongs to the list.
[[nodiscard]] Result<Parameters> parse_parameters(std::string_view text);

}  // namespace sallyport::sip
