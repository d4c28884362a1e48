// SPDX-License-Identifier: GPL-3.0-or-later
// Names of users.
#include "sallyload/settings.h"

#include <charconv>

namespace sallyport::sallyload {

namespace {

constexpr std::uint64_t kMostUsers = 10'000'000;
constexpr unsigned kMostDigits = 18;

template <typename Number>
std::optional<Number> whole_number(std::string_view text) {
  Number number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::string Users::name(std::uint64_t index) const {
  const std::string number = std::to_string(first + index);
  std::string text = before;
  if (number.size() < digits) text.append(digits - number.size(), '0');
  return text + number + after;
}

std::optional<std::uint64_t> Users::index(std::string_view name) const {
  if (name.size() <= before.size() + after.size() || !name.starts_with(before) || !name.ends_with(after))
    return std::nullopt;
  name.remove_prefix(before.size());
  name.remove_suffix(after.size());
  const auto number = whole_number<std::uint64_t>(name);
  if (!number || *number < first || *number - first >= count) return std::nullopt;
  return *number - first;
}

Result<Users> parse_users(std::string_view range, std::string_view pattern) {
  Users users;
  const std::size_t dots = range.find("..");
  const auto first = whole_number<std::uint64_t>(range.substr(0, dots));
  const auto last =
      dots == std::string_view::npos ? first : whole_number<std::uint64_t>(range.substr(dots + 2));
  if (!first || !last || *last < *first)
    return fail(ErrorClass::malformed, "users are FIRST..LAST, two numbers of which the second is not less");
  if (*last - *first >= kMostUsers)
    return fail(ErrorClass::exhausted, "at most " + std::to_string(kMostUsers) + " users");
  users.first = *first;
  users.count = *last - *first + 1;
  const std::size_t percent = pattern.find('%');
  const std::size_t letter = percent == std::string_view::npos ? percent : pattern.find('d', percent);
  if (letter == std::string_view::npos || pattern.find('%', percent + 1) != std::string_view::npos)
    return fail(ErrorClass::malformed, "a pattern of user names holds one %d or %0Nd");
  const std::string_view width = pattern.substr(percent + 1, letter - percent - 1);
  if (!width.empty()) {
    const auto digits = width.front() == '0' ? whole_number<unsigned>(width.substr(1)) : std::nullopt;
    if (!digits || *digits == 0 || *digits > kMostDigits)
      return fail(ErrorClass::malformed, "a pattern of user names holds one %d or %0Nd");
    users.digits = *digits;
  }
  users.before = pattern.substr(0, percent);
  users.after = pattern.substr(letter + 1);
  return users;
}

}  // namespace sallyport::sallyload
