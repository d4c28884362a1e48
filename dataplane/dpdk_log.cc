// SPDX-License-Identifier: GPL-3.0-or-later
// Set-up. The log streams of DPDK and libbpf.
#include "dataplane/dpdk_log.h"

#include <cstdio>
#include <mutex>
#include <string_view>
#include <utility>

#include <bpf/libbpf.h>
#include <rte_log.h>

#include "base/log.h"

namespace sallyport::dataplane {

namespace {

constexpr std::size_t kBpfLineLength = 512;

std::mutex first_error_mutex;
std::string first_error;

log::Level our_level(int dpdk_level) {
  if (dpdk_level <= static_cast<int>(RTE_LOG_ERR)) return log::Level::error;
  if (dpdk_level == static_cast<int>(RTE_LOG_WARNING)) return log::Level::warning;
  if (dpdk_level <= static_cast<int>(RTE_LOG_INFO)) return log::Level::info;
  return log::Level::debug;
}

void take_line(std::string_view line, log::Level level) {
  if (line.empty()) return;
  if (level == log::Level::error) {
    const std::lock_guard lock(first_error_mutex);
    if (first_error.empty()) first_error = line;
  }
  log::write(level, "dpdk", {{"text", std::string(line)}});
}

/// fopencookie's write function. DPDK flushes after each call, so that a chunk is one or more whole lines.
ssize_t write_chunk(void*, const char* text, std::size_t size) {
  const log::Level level = our_level(rte_log_cur_msg_loglevel());
  std::string_view rest(text, size);
  while (!rest.empty()) {
    const std::size_t newline = rest.find('\n');
    take_line(rest.substr(0, newline), level);
    if (newline == std::string_view::npos) break;
    rest.remove_prefix(newline + 1);
  }
  return static_cast<ssize_t>(size);
}

int print_bpf(libbpf_print_level level, const char* format, va_list arguments) {
  if (level != LIBBPF_WARN) return 0;
  char line[kBpfLineLength] = {};
  const int length = std::vsnprintf(line, sizeof line, format, arguments);
  std::string_view text(line);
  while (text.ends_with('\n')) text.remove_suffix(1);
  log::warning("bpf", {{"text", std::string(text)}});
  return length;
}

}  // namespace

void route_foreign_logs() {
  // Never closed: DPDK's own threads may write until the process ends.
  static std::FILE* const stream = [] {
    cookie_io_functions_t functions{};
    functions.write = write_chunk;
    return fopencookie(nullptr, "w", functions);
  }();
  if (stream != nullptr) rte_openlog_stream(stream);
  libbpf_set_print(print_bpf);
}

std::string take_dpdk_error() {
  const std::lock_guard lock(first_error_mutex);
  return std::exchange(first_error, {});
}

}  // namespace sallyport::dataplane
