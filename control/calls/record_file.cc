// SPDX-License-Identifier: GPL-3.0-or-later
// The file of call records: whole lines, appended by one write each.
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "control/calls/call_record.h"

namespace sallyport::control {

namespace {

constexpr mode_t kMode = 0640;  // who called whom is not for everybody

Result<int> open_file(const std::string& path) {
  // Not to hang where somebody put a FIFO.
  const int descriptor =
      open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, kMode);
  if (descriptor < 0) return fail(ErrorClass::refused, "cannot open " + path + ": " + std::strerror(errno));
  return descriptor;
}

}  // namespace

RecordFile::~RecordFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

Result<void> RecordFile::reopen() {
  return reopen(path_);
}

Result<void> RecordFile::reopen(std::string path) {
  int descriptor = -1;
  if (!path.empty()) {
    const auto opened = open_file(path);
    if (!opened) return tl::unexpected(opened.error());
    descriptor = *opened;
  }
  path_ = std::move(path);
  if (descriptor_ >= 0) close(descriptor_);
  descriptor_ = descriptor;
  return {};
}

Result<void> RecordFile::append_line(const std::string& line) {
  if (descriptor_ < 0)
    if (auto opened = reopen(); !opened) return opened;
  struct stat before {};
  const bool known_size = fstat(descriptor_, &before) == 0 && S_ISREG(before.st_mode);
  const ssize_t written = write(descriptor_, line.data(), line.size());
  if (written == static_cast<ssize_t>(line.size())) return {};
  const int why = written < 0 ? errno : ENOSPC;
  // Half a line would spoil the next one too. Nobody else writes here.
  if (written > 0 && known_size && ftruncate(descriptor_, before.st_size) != 0)
    return fail(ErrorClass::internal, "cannot write " + path_ + ", and half a line is left in it");
  return fail(ErrorClass::internal, "cannot write " + path_ + ": " + std::strerror(why));
}

void RecordFile::append(const CallRecord& record) {
  if (path_.empty()) return;
  const auto done = append_line(write_record(record));
  ++(done ? written_ : lost_);
  // Once when it begins and once when it ends: the counter tells the rest.
  if (!done && !failing_) log::error("records.lost", {{"why", done.error().text}});
  if (done && failing_) log::info("records.written_again", {{"lost", lost_}});
  failing_ = !done;
}

}  // namespace sallyport::control
