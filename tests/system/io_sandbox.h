// SPDX-License-Identifier: GPL-3.0-or-later
// Network namespaces of a test's own, which vanish with it, and commands run inside them.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "dataplane/file_descriptor.h"

namespace sallyport::test {

/// How long anything may take that should happen at once.
inline constexpr int kPatienceMs = 5000;

/// Why this process cannot make namespaces; empty: it can.
[[nodiscard]] std::string why_no_sandbox();

/// A network namespace with its loopback up. The thread that makes one stays where it was.
class Namespace {
 public:
  /// Throws std::runtime_error.
  Namespace();
  [[nodiscard]] int descriptor() const { return descriptor_.get(); }
  /// A path that `ip link set … netns PATH` understands.
  [[nodiscard]] std::string path() const;

 private:
  dataplane::FileDescriptor descriptor_;
};

/// The calling thread, and what it starts, is inside the namespace as long as this lives.
class Inside {
 public:
  explicit Inside(const Namespace& inside);
  ~Inside();
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

 private:
  dataplane::FileDescriptor before_;
};

/// Runs a command, words separated by single spaces, and gives its exit code; what it prints is discarded.
[[nodiscard]] int run(const std::string& command);
/// Runs a command that must succeed. Throws std::runtime_error that names it.
void must_run(const std::string& command);

/// Returns once the kernel has noticed that an interface of the present namespace is up with a carrier.
/// Throws std::runtime_error when it has not within five seconds.
void wait_until_running(const std::string& interface_name);

}  // namespace sallyport::test
