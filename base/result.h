// SPDX-License-Identifier: GPL-3.0-or-later
// The outcome of what can fail: a value, or an error whose class a caller can act on.
#pragma once

#include <string>
#include <utility>

#include <tl/expected.hpp>

namespace sallyport {

/// What a caller can do about an error depends on its class, never on its text.
enum class ErrorClass {
  malformed,    ///< the input breaks its grammar; refuse it
  unsupported,  ///< well formed, but not something we do
  refused,      ///< policy or permission says no
  exhausted,    ///< a named limit is reached; later may succeed
  not_found,    ///< what was named does not exist
  timeout,      ///< the other side did not answer in time
  internal,     ///< our own fault or the machine's
};

struct Error {
  ErrorClass error_class = ErrorClass::internal;
  std::string text;  ///< one line for a person; never holds key material
};

template <typename T>
using Result = tl::expected<T, Error>;

/// Shorthand for `return fail(ErrorClass::refused, "...")`.
[[nodiscard]] inline tl::unexpected<Error> fail(ErrorClass error_class, std::string text) {
  return tl::unexpected<Error>(Error{error_class, std::move(text)});
}

/// Shorthand for what a grammar does not allow.
[[nodiscard]] inline tl::unexpected<Error> malformed(std::string text) {
  return fail(ErrorClass::malformed, std::move(text));
}

}  // namespace sallyport
