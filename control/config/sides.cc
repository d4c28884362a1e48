// SPDX-License-Identifier: GPL-3.0-or-later
// Sides become ports, media addresses and the values their packets carry.
#include "control/config/sides.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace sallyport::control {

namespace {

struct PortRange {
  std::uint16_t first = 30000;
  std::uint16_t last = 39999;
};

bool valid_side_name(std::string_view name) {
  const auto ok = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !name.empty() && name.size() <= 32 && std::ranges::all_of(name, ok);
}

std::optional<PortRange> parse_range(std::string_view text) {
  const auto dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  PortRange range;
  const auto number = [](std::string_view digits, std::uint16_t& value) {
    const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return failure == std::errc{} && end == digits.data() + digits.size();
  };
  if (!number(text.substr(0, dash), range.first) || !number(text.substr(dash + 1), range.last))
    return std::nullopt;
  return range;
}

PortRange read_range(ConfigSection& section) {
  const std::string text = section.text("ports", "30000-39999");
  const auto range = parse_range(text);
  if (!range) {
    section.error("ports", "must be a range such as \"30000-39999\"");
    return {};
  }
  if (range->first < 1024) section.error("ports", "must begin at 1024 or above");
  if (range->first % 2 != 0) section.error("ports", "the first port must be even: RTP takes even ports");
  if (range->last <= range->first) section.error("ports", "must hold at least one pair of ports");
  if (range->last % 2 == 0) section.error("ports", "the last port must be odd: ports are given in pairs");
  return *range;
}

std::optional<MacAddress> read_mac(ConfigSection& section, std::string_view key) {
  const std::string text = section.text(key, "");
  if (text.empty()) return std::nullopt;
  const auto mac = parse_mac(text);
  if (!mac) {
    section.error(key, mac.error().text);
    return std::nullopt;
  }
  return *mac;
}

dataplane::PortConfig read_port(ConfigSection& section, const std::string& side) {
  dataplane::PortConfig port;
  port.name = side;
  port.attach = section.choice("attach", port.attach,
                               {{"shared", dataplane::Attach::shared}, {"vdev", dataplane::Attach::vdev}});
  port.device = section.text("device", "");
  if (port.device.empty())
    section.error("device", "is required: a network interface, or a DPDK device for vdev");
  port.queues = static_cast<std::uint16_t>(section.number("queues", 1, 1, dataplane::kMaxWorkers));
  port.zero_copy = section.flag("zero_copy", false);
  port.twin = section.text("twin", "");
  port.mac = read_mac(section, "mac");
  if (port.attach == dataplane::Attach::vdev) {
    if (port.zero_copy) section.error("zero_copy", "is for attach = \"shared\" only");
    return port;
  }
  // An interface name; IFNAMSIZ holds 16 octets with the terminating zero.
  if (port.device.size() > 15) section.error("device", "an interface name has at most 15 characters");
  if (!port.twin.empty()) section.error("twin", "is for attach = \"vdev\" only");
  if (port.mac) section.error("mac", "is for attach = \"vdev\" only");
  return port;
}

bool same_attributes(const dataplane::PortConfig& a, const dataplane::PortConfig& b) {
  return a.attach == b.attach && a.queues == b.queues && a.zero_copy == b.zero_copy && a.twin == b.twin &&
         a.mac == b.mac;
}

/// Index of the side's port, which it may share with an earlier side on the same device.
std::uint8_t place_port(ConfigSection& section, dataplane::PortConfig port,
                        dataplane::RuntimeConfig& runtime) {
  for (std::size_t i = 0; i < runtime.ports.size(); ++i) {
    if (runtime.ports[i].device != port.device) continue;
    if (!same_attributes(runtime.ports[i], port))
      section.error("device", "side '" + runtime.ports[i].name +
                                  "' uses this device with another attach, queues, zero_copy, twin or mac");
    return static_cast<std::uint8_t>(i);
  }
  if (runtime.ports.size() >= dataplane::kMaxPorts) {
    section.error("device", "at most " + std::to_string(dataplane::kMaxPorts) + " devices can be used");
    return 0;
  }
  runtime.ports.push_back(std::move(port));
  return static_cast<std::uint8_t>(runtime.ports.size() - 1);
}

void place_address(ConfigSection& section, const dataplane::MediaAddress& media, Config& config,
                   SideConfig& side) {
  auto& placed = config.runtime.addresses;
  for (const auto& other : placed) {
    if (other.address == media.address && other.vlan == media.vlan) {
      section.error("addresses", media.address.to_string() + " is in use already");
      return;
    }
  }
  if (placed.size() >= dataplane::kMaxMediaAddresses) {
    section.error("addresses", "at most " + std::to_string(dataplane::kMaxMediaAddresses) +
                                   " media addresses can be used");
    return;
  }
  side.addresses.push_back(static_cast<std::uint8_t>(placed.size()));
  placed.push_back(media);
}

/// `192.0.2.1`, or `192.0.2.1/24` where a twin is to be told the network.
bool parse_media_address(ConfigSection& section, const std::string& text, dataplane::MediaAddress& media) {
  const auto slash = text.find('/');
  const auto address = IpAddress::parse(std::string_view(text).substr(0, slash));
  if (!address) return section.error("addresses", address.error().text), false;
  if (address->is_unspecified() || address->is_multicast())
    return section.error("addresses", address->to_string() + " cannot be a media address"), false;
  media.address = *address;
  media.prefix_length = 0;
  if (slash == std::string::npos) return true;
  const char* end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data() + slash + 1, end, media.prefix_length);
  const unsigned longest = address->is_v4() ? 32 : 128;
  if (failure == std::errc{} && stop == end && media.prefix_length >= 1 && media.prefix_length <= longest)
    return true;
  return section.error("addresses", "a prefix length is a number from 1 to " + std::to_string(longest)),
         false;
}

void read_addresses(ConfigSection& section, Config& config, SideConfig& side) {
  dataplane::MediaAddress media;
  media.port = side.port;
  media.vlan = static_cast<std::uint16_t>(section.number("vlan", 0, 0, 4094));
  const PortRange range = read_range(section);
  media.first_udp_port = range.first;
  media.last_udp_port = range.last;
  const auto texts = section.texts("addresses");
  if (texts.empty()) section.error("addresses", "must list at least one IP address");
  for (const std::string& text : texts) {
    if (!parse_media_address(section, text, media)) continue;
    if (media.prefix_length != 0 && config.runtime.ports[side.port].twin.empty())
      section.error("addresses",
                    "a prefix length is for a side with a twin only: elsewhere the kernel knows it");
    else
      place_address(section, media, config, side);
  }
}

void read_side(ConfigSection& section, const std::string& name, Config& config) {
  SideConfig side;
  side.name = name;
  if (!valid_side_name(name)) section.error("", "a side's name has 1 to 32 letters, digits, '-' or '_'");
  dataplane::PortConfig port = read_port(section, name);
  const bool kernel_knows = port.attach == dataplane::Attach::shared || !port.twin.empty();
  side.next_hop = read_mac(section, "next_hop");
  if (!kernel_knows && !side.next_hop)
    section.error("next_hop", "a device without a twin needs the MAC address that packets are sent to");
  side.port = place_port(section, std::move(port), config.runtime);
  side.dscp = static_cast<std::uint8_t>(section.number("dscp", side.dscp, 0, 63));
  side.ttl = static_cast<std::uint8_t>(section.number("ttl", side.ttl, 1, 255));
  read_addresses(section, config, side);
  config.sides.push_back(std::move(side));
}

}  // namespace

void read_sides(ConfigSection sides, const std::string& file, ConfigErrors& errors, Config& config) {
  const auto names = sides.keys();
  if (names.empty()) sides.error("", "at least one [media.side.NAME] is needed");
  for (const std::string& name : names) {
    const toml::table* table = sides.table(name);
    if (table == nullptr) continue;
    ConfigSection section(table, "media.side." + name, file, errors);
    read_side(section, name, config);
    section.finish();
  }
}

}  // namespace sallyport::control
