// SPDX-License-Identifier: GPL-3.0-or-later
// Set-up. Finds the maps of the attached XDP program by their names, and reads and writes them.
#include "dataplane/steering.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <vector>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "dataplane/kernel_interface.h"
#include "dataplane/xdp/steering_maps.h"
#include "dataplane/xdp/steering_object.h"

namespace sallyport::dataplane {

namespace {

constexpr std::string_view kProgramName = "steer_media";
// The kernel keeps the first 15 characters of a map's name.
constexpr std::string_view kAddressMap = "media_addresses";
constexpr std::string_view kBanMap = "banned_hosts";
constexpr std::string_view kCounterMap = "counters";
constexpr std::size_t kMostMaps = 16;

std::runtime_error system_failure(const std::string& what) {
  return std::runtime_error(what + ": " + std::strerror(errno));
}

FileDescriptor program_by_number(std::uint32_t program) {
  FileDescriptor descriptor(bpf_prog_get_fd_by_id(program));
  if (!descriptor.is_open()) throw system_failure("cannot open XDP program " + std::to_string(program));
  return descriptor;
}

std::vector<std::uint32_t> map_numbers(const FileDescriptor& program) {
  std::vector<std::uint32_t> numbers(kMostMaps);
  bpf_prog_info info{};
  info.nr_map_ids = static_cast<__u32>(numbers.size());
  info.map_ids = reinterpret_cast<std::uintptr_t>(numbers.data());
  __u32 length = sizeof info;
  if (bpf_obj_get_info_by_fd(program.get(), &info, &length) != 0)
    throw system_failure("cannot read which maps the XDP program has");
  numbers.resize(std::min<std::size_t>(info.nr_map_ids, kMostMaps));
  return numbers;
}

/// A map's descriptor with its name; an empty name when it vanished meanwhile.
std::pair<FileDescriptor, std::string> open_map(std::uint32_t number) {
  FileDescriptor map(bpf_map_get_fd_by_id(number));
  if (!map.is_open()) return {};
  bpf_map_info info{};
  __u32 length = sizeof info;
  if (bpf_obj_get_info_by_fd(map.get(), &info, &length) != 0) return {};
  return {std::move(map), std::string(info.name)};
}

steering_address_key address_key(const MediaAddress& address) {
  steering_address_key key{};
  std::ranges::copy(address.address.octets(), key.address);
  key.vlan = address.vlan;
  return key;
}

steering_ban_key ban_key(const IpAddress& source) {
  steering_ban_key key{};
  std::ranges::copy(source.octets(), key.address);
  return key;
}

/// Many drivers take VLAN tags out of frames and pass them beside, where XDP programs do not see them.
void show_vlan_tags(unsigned interface_index) {
  char name[IF_NAMESIZE] = {};
  if (if_indextoname(interface_index, name) == nullptr || !strips_vlan_tags(name) || keep_vlan_tags(name))
    return;
  log::warning("port.vlan_tags_hidden",
               {{"interface", name},
                {"text",
                 "the driver takes VLAN tags out of frames and cannot be told not to: "
                 "media of tagged addresses will go to the kernel"}});
}

Result<void> map_failure(const std::string& what, int error) {
  if (error == E2BIG || error == ENOMEM)
    return fail(ErrorClass::exhausted, what + ": the kernel's table is full");
  if (error == ENOENT) return fail(ErrorClass::not_found, what + ": no such entry");
  return fail(ErrorClass::internal, what + ": " + std::strerror(error));
}

}  // namespace

Steering Steering::open(unsigned interface_index) {
  const std::uint32_t number = attached_program(interface_index);
  if (number == 0)
    throw std::runtime_error("interface " + std::to_string(interface_index) + " runs no XDP program");
  const FileDescriptor program = program_by_number(number);
  Steering steering;
  steering.interface_index_ = interface_index;
  for (const std::uint32_t map_number : map_numbers(program)) {
    auto [map, name] = open_map(map_number);
    if (name == kAddressMap) steering.addresses_ = std::move(map);
    if (name == kBanMap) steering.bans_ = std::move(map);
    if (name == kCounterMap) steering.counters_ = std::move(map);
  }
  if (!steering.addresses_.is_open() || !steering.bans_.is_open() || !steering.counters_.is_open())
    throw std::runtime_error("the XDP program on interface " + std::to_string(interface_index) +
                             " is not Sallyport's steering program");
  return steering;
}

Result<void> Steering::allow(const MediaAddress& address) {
  const std::string name = address.address.to_string();
  if (address.first_udp_port == 0 || address.first_udp_port > address.last_udp_port)
    return fail(ErrorClass::malformed, "the port range of media address " + name + " is empty");
  if (address.vlan != 0) show_vlan_tags(interface_index_);
  const steering_address_key key = address_key(address);
  const steering_ports ports{address.first_udp_port, address.last_udp_port};
  if (bpf_map_update_elem(addresses_.get(), &key, &ports, BPF_ANY) == 0) return {};
  return map_failure("cannot steer media address " + name, errno);
}

Result<void> Steering::ban(const IpAddress& source) {
  const steering_ban_key key = ban_key(source);
  const std::uint8_t present = 1;
  if (bpf_map_update_elem(bans_.get(), &key, &present, BPF_ANY) == 0) return {};
  return map_failure("cannot ban " + source.to_string(), errno);
}

Result<void> Steering::unban(const IpAddress& source) {
  const steering_ban_key key = ban_key(source);
  if (bpf_map_delete_elem(bans_.get(), &key) == 0) return {};
  return map_failure("cannot lift the ban on " + source.to_string(), errno);
}

SteeringCounters Steering::counters() const {
  const int cpus = libbpf_num_possible_cpus();
  if (cpus <= 0) return {};
  std::vector<std::uint64_t> values(static_cast<std::size_t>(cpus));
  const auto sum = [&](std::uint32_t which) -> std::uint64_t {
    if (bpf_map_lookup_elem(counters_.get(), &which, values.data()) != 0) return 0;
    std::uint64_t total = 0;
    for (const std::uint64_t value : values) total += value;
    return total;
  };
  return {sum(STEERING_STEERED), sum(STEERING_BANNED), sum(STEERING_PASSED), sum(STEERING_UNSERVED)};
}

SteeringProgramFile::SteeringProgramFile() : memory_(memfd_create("steering.bpf.o", MFD_CLOEXEC)) {
  if (!memory_.is_open()) throw system_failure("cannot make a file in memory for the XDP program");
  const auto object = steering_object();
  if (::write(memory_.get(), object.data(), object.size()) != static_cast<ssize_t>(object.size()))
    throw system_failure("cannot write the XDP program to memory");
}

std::string SteeringProgramFile::path() const {
  return "/proc/self/fd/" + std::to_string(memory_.get());
}

std::uint32_t attached_program(unsigned interface_index) {
  std::uint32_t number = 0;
  if (bpf_xdp_query_id(static_cast<int>(interface_index), 0, &number) != 0) return 0;
  return number;
}

bool is_steering_program(std::uint32_t program) {
  const FileDescriptor descriptor = program_by_number(program);
  bpf_prog_info info{};
  __u32 length = sizeof info;
  if (bpf_obj_get_info_by_fd(descriptor.get(), &info, &length) != 0)
    throw system_failure("cannot read the name of XDP program " + std::to_string(program));
  return std::string_view(info.name) == kProgramName;
}

void detach_program(unsigned interface_index) {
  (void)bpf_xdp_detach(static_cast<int>(interface_index), 0, nullptr);
}

}  // namespace sallyport::dataplane
