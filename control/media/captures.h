// SPDX-License-Identifier: GPL-3.0-or-later
// Captures: which legs are being copied into which files.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "control/config/config.h"
#include "control/media/capture_file.h"
#include "control/media/relay_manager.h"

namespace sallyport::control {

struct CaptureInfo {
  std::uint64_t id = 0;
  std::uint64_t relay = 0;
  Leg leg = Leg::a;
  bool opened = false;
  std::string path;
  std::uint64_t packets = 0, bytes = 0, not_written = 0;
};

/// One capture a leg at a time. It ends when stopped, and with its relay or the change of it.
class Captures {
 public:
  template <typename T>
  using Answer = RelayManager::Answer<T>;

  Captures(const Config& config, Limits& limits, const MediaPlane& plane, RelayManager& relays);

  /// `file` is a name within the capture directory, or empty. `max_bytes` is cut to the limit.
  void start(std::uint64_t relay, Leg leg, bool opened, std::string file, std::uint64_t max_bytes,
             Answer<CaptureInfo> done);
  void stop(std::uint64_t id, Answer<CaptureInfo> done);
  [[nodiscard]] std::vector<CaptureInfo> list() const;

  void on_record(const dataplane::CaptureRecord& record);
  /// The relay ended or got other flows: its captures are over.
  void relay_gone(std::uint64_t relay);

 private:
  struct Running {
    std::uint64_t id;
    bool opened;
    std::uint64_t not_written = 0;
    CaptureFile file;
  };
  using Key = std::pair<std::uint64_t, Leg>;

  [[nodiscard]] Result<std::string> file_path(const Key& key, bool opened, const std::string& file) const;
  [[nodiscard]] CaptureInfo describe(const Key& key, const Running& running) const;
  [[nodiscard]] std::uint64_t microseconds(std::uint64_t tsc) const;

  const Config& config_;
  Limits& limits_;
  const MediaPlane& plane_;
  RelayManager& relays_;
  std::map<Key, Running> running_;
  std::uint64_t last_id_ = 0;
};

}  // namespace sallyport::control
