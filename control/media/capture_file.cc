// SPDX-License-Identifier: GPL-3.0-or-later
// The pcap format, and headers around a payload.
#include "control/media/capture_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "base/bytes.h"

namespace sallyport::control {

namespace {

constexpr std::size_t kIpv4Header = 20, kIpv6Header = 40, kUdpHeader = 8;
constexpr std::uint8_t kUdp = 17;
constexpr std::uint32_t kMagic = 0xa1b2c3d4;  // microseconds, in the writer's byte order
constexpr std::uint32_t kLinkTypeRaw = 101;

template <typename T>
void put_native(std::vector<std::uint8_t>& to, T value) {
  const auto* octets = reinterpret_cast<const std::uint8_t*>(&value);
  to.insert(to.end(), octets, octets + sizeof value);
}

/// RFC 1071: sum in ones' complement.
class Checksum {
 public:
  void add(std::span<const std::uint8_t> octets) {
    for (std::size_t i = 0; i + 1 < octets.size(); i += 2) sum_ += load_be16(octets.data() + i);
    if (octets.size() % 2 != 0) sum_ += static_cast<std::uint64_t>(octets.back()) << 8;
  }
  void add(std::uint32_t value) { sum_ += value; }
  [[nodiscard]] std::uint16_t value() const {
    std::uint64_t folded = sum_;
    while (folded >> 16 != 0) folded = (folded & 0xffff) + (folded >> 16);
    return static_cast<std::uint16_t>(~folded);
  }

 private:
  std::uint64_t sum_ = 0;
};

std::span<const std::uint8_t> address_octets(const IpAddress& address, bool v4) {
  if (v4) return address.v4_octets();
  return address.octets();
}

void write_ip(std::span<std::uint8_t> header, const dataplane::CaptureRecord& record, bool v4,
              std::uint16_t udp_length) {
  const auto source = address_octets(record.source.address, v4),
             target = address_octets(record.destination.address, v4);
  if (v4) {
    header[0] = 0x45;
    store_be16(&header[2], static_cast<std::uint16_t>(kIpv4Header + udp_length));
    header[6] = 0x40;  // do not fragment
    header[8] = 64;
    header[9] = kUdp;
    std::ranges::copy(source, header.begin() + 12);
    std::ranges::copy(target, header.begin() + 16);
    Checksum sum;
    sum.add(header);
    store_be16(&header[10], sum.value());
    return;
  }
  header[0] = 0x60;
  store_be16(&header[4], udp_length);
  header[6] = kUdp;
  header[7] = 64;
  std::ranges::copy(source, header.begin() + 8);
  std::ranges::copy(target, header.begin() + 24);
}

}  // namespace

std::vector<std::uint8_t> synthesize_packet(const dataplane::CaptureRecord& record) {
  const bool v4 = record.source.address.is_v4() && record.destination.address.is_v4();
  const std::size_t ip_length = v4 ? kIpv4Header : kIpv6Header;
  const std::size_t captured = std::min<std::size_t>(record.length, record.payload.size());
  const auto udp_length = static_cast<std::uint16_t>(kUdpHeader + record.original_length);
  std::vector<std::uint8_t> packet(ip_length + kUdpHeader + captured);
  write_ip(std::span(packet).first(ip_length), record, v4, udp_length);
  std::uint8_t* udp = packet.data() + ip_length;
  store_be16(udp, record.source.port);
  store_be16(udp + 2, record.destination.port);
  store_be16(udp + 4, udp_length);
  std::copy_n(record.payload.begin(), captured,
              packet.begin() + static_cast<std::ptrdiff_t>(ip_length + kUdpHeader));
  // A payload that was cut has no checksum to give; 0 says so.
  if (captured != record.original_length) return packet;
  Checksum sum;
  sum.add(address_octets(record.source.address, v4));
  sum.add(address_octets(record.destination.address, v4));
  sum.add(std::uint32_t{kUdp});
  sum.add(std::uint32_t{udp_length});
  sum.add(std::span(packet).subspan(ip_length));
  store_be16(udp + 6, sum.value() == 0 ? std::uint16_t{0xffff} : sum.value());
  return packet;
}

Result<CaptureFile> CaptureFile::create(const std::string& path, std::uint64_t max_bytes) {
  const int descriptor = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (descriptor < 0) return fail(ErrorClass::refused, "cannot create " + path + ": " + std::strerror(errno));
  CaptureFile file(descriptor, path, max_bytes);
  std::vector<std::uint8_t> header;
  put_native(header, kMagic);
  put_native(header, std::uint16_t{2});
  put_native(header, std::uint16_t{4});
  put_native(header, std::uint64_t{0});
  put_native(header, std::uint32_t{dataplane::CaptureRecord::kSnapLength + kIpv6Header + kUdpHeader});
  put_native(header, kLinkTypeRaw);
  if (!file.append(header)) return fail(ErrorClass::internal, "cannot write " + path);
  return file;
}

CaptureFile::CaptureFile(CaptureFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      path_(std::move(other.path_)),
      max_bytes_(other.max_bytes_),
      bytes_(other.bytes_),
      packets_(other.packets_),
      full_(other.full_) {}

CaptureFile& CaptureFile::operator=(CaptureFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  path_ = std::move(other.path_);
  max_bytes_ = other.max_bytes_;
  bytes_ = other.bytes_;
  packets_ = other.packets_;
  full_ = other.full_;
  return *this;
}

CaptureFile::~CaptureFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

bool CaptureFile::append(const std::vector<std::uint8_t>& octets) {
  full_ = full_ || bytes_ + octets.size() > max_bytes_ ||
          ::write(descriptor_, octets.data(), octets.size()) != static_cast<ssize_t>(octets.size());
  if (!full_) bytes_ += octets.size();
  return !full_;
}

bool CaptureFile::write(const dataplane::CaptureRecord& record, std::uint64_t microseconds_since_epoch) {
  const auto packet = synthesize_packet(record);
  const std::size_t cut =
      record.original_length - std::min<std::size_t>(record.length, record.original_length);
  std::vector<std::uint8_t> entry;
  put_native(entry, static_cast<std::uint32_t>(microseconds_since_epoch / 1'000'000));
  put_native(entry, static_cast<std::uint32_t>(microseconds_since_epoch % 1'000'000));
  put_native(entry, static_cast<std::uint32_t>(packet.size()));
  put_native(entry, static_cast<std::uint32_t>(packet.size() + cut));
  entry.insert(entry.end(), packet.begin(), packet.end());
  if (!append(entry)) return false;
  ++packets_;
  return true;
}

}  // namespace sallyport::control
