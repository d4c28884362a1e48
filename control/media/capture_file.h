// SPDX-License-Identifier: GPL-3.0-or-later
// CaptureFile: a pcap file of captured packets, with IP and UDP headers made from their addresses.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "dataplane/command.h"

namespace sallyport::control {

/// Octets as they stand in the file: an IPv4 or IPv6 header, a UDP header and the captured payload.
[[nodiscard]] std::vector<std::uint8_t> synthesize_packet(const dataplane::CaptureRecord& record);

/// Link type RAW (101): every packet begins with its IP header. Times in microseconds.
class CaptureFile {
 public:
  /// Creates a new file with mode 0600. Errors: refused (exists already, no permission), internal.
  [[nodiscard]] static Result<CaptureFile> create(const std::string& path, std::uint64_t max_bytes);
  CaptureFile(CaptureFile&& other) noexcept;
  CaptureFile& operator=(CaptureFile&& other) noexcept;
  ~CaptureFile();

  /// False once the file is full or the disk is: the packet is not in the file.
  bool write(const dataplane::CaptureRecord& record, std::uint64_t microseconds_since_epoch);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] std::uint64_t packets() const { return packets_; }
  [[nodiscard]] bool full() const { return full_; }

 private:
  CaptureFile(int descriptor, std::string path, std::uint64_t max_bytes)
      : descriptor_(descriptor), path_(std::move(path)), max_bytes_(max_bytes) {}
  bool append(const std::vector<std::uint8_t>& octets);

  int descriptor_ = -1;
  std::string path_;
  std::uint64_t max_bytes_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t packets_ = 0;
  bool full_ = false;
};

}  // namespace sallyport::control
