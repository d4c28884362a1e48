// SPDX-License-Identifier: GPL-3.0-or-later
// Answers written octet by octet.
#include "tests/support/dns_server.h"

#include <stdexcept>

#include <poll.h>
#include <sys/socket.h>

#include "transport/socket.h"

namespace sallyport::test {

namespace {

std::string u16(std::size_t value) {
  return {static_cast<char>(value >> 8 & 255), static_cast<char>(value & 255)};
}

std::string u32(std::uint32_t value) {
  return u16(value >> 16) + u16(value & 0xffff);
}

std::string labels(std::string_view name) {
  std::string result;
  while (!name.empty()) {
    const std::string_view label = name.substr(0, name.find('.'));
    result += static_cast<char>(label.size());
    result += label;
    name.remove_prefix(std::min(name.size(), label.size() + 1));
  }
  return result + '\0';
}

std::string text(std::string_view value) {
  return static_cast<char>(value.size()) + std::string(value);
}

std::string octets(const std::string& address) {
  const auto parsed = IpAddress::parse(address);
  if (!parsed) throw std::runtime_error(address);
  if (parsed->is_v4()) return {parsed->v4_octets().begin(), parsed->v4_octets().end()};
  return {parsed->octets().begin(), parsed->octets().end()};
}

}  // namespace

DnsServer::DnsServer() {
  auto bound = transport::bind_datagram({IpAddress::v4({127, 0, 0, 1}), 0});
  if (!bound) throw std::runtime_error(bound.error().text);
  socket_ = std::move(*bound);
  endpoint_ = transport::local_endpoint(socket_.get());
  thread_ = std::jthread([this] { run(); });
}

DnsServer::~DnsServer() {
  transport::ring_bell(stop_.get());
}

void DnsServer::add(const std::string& name, std::uint16_t type, std::uint32_t ttl, std::string data) {
  const std::lock_guard lock(mutex_);
  records_.emplace(name, Record{type, ttl, std::move(data)});
}

void DnsServer::a(const std::string& name, const std::string& address, std::uint32_t ttl) {
  add(name, 1, ttl, octets(address));
}
void DnsServer::aaaa(const std::string& name, const std::string& address, std::uint32_t ttl) {
  add(name, 28, ttl, octets(address));
}
void DnsServer::srv(const std::string& name, const transport::SrvRecord& record, std::uint32_t ttl) {
  add(name, 33, ttl, u16(record.priority) + u16(record.weight) + u16(record.port) + labels(record.target));
}
void DnsServer::naptr(const std::string& name, const transport::NaptrRecord& record, std::uint32_t ttl) {
  add(name, 35, ttl,
      u16(record.order) + u16(record.preference) + text(record.flags) + text(record.service) +
          text(record.regexp) + labels(record.replacement));
}
void DnsServer::cname(const std::string& name, const std::string& target, std::uint32_t ttl) {
  add(name, 5, ttl, labels(target));
}
void DnsServer::silence(const std::string& name) {
  const std::lock_guard lock(mutex_);
  failing_[name] = -1;
}
void DnsServer::fail(const std::string& name, std::uint8_t code) {
  const std::lock_guard lock(mutex_);
  failing_[name] = code;
}
void DnsServer::clear() {
  const std::lock_guard lock(mutex_);
  records_.clear();
  failing_.clear();
}

std::uint64_t DnsServer::questions(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = asked_.find(name);
  return found == asked_.end() ? 0 : found->second;
}

void DnsServer::run() {
  for (;;) {
    pollfd waits[] = {{socket_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    poll(waits, 2, -1);
    if (waits[1].revents != 0) return;
    char room[2048];
    sockaddr_storage source{};
    socklen_t size = sizeof source;
    const ssize_t got =
        recvfrom(socket_.get(), room, sizeof room, 0, reinterpret_cast<sockaddr*>(&source), &size);
    if (got < 17) continue;
    const std::string reply = answer({room, static_cast<std::size_t>(got)});
    if (!reply.empty())
      sendto(socket_.get(), reply.data(), reply.size(), 0, reinterpret_cast<const sockaddr*>(&source), size);
  }
}

std::string DnsServer::answer(std::string_view question) {
  std::string name;
  std::size_t at = 12;
  while (at < question.size() && question[at] != 0) {
    const auto size = static_cast<std::size_t>(question[at]);
    name += (name.empty() ? "" : ".") + std::string(question.substr(at + 1, size));
    at += size + 1;
  }
  const std::string asked(question.substr(12, at + 5 - 12));
  const auto type = static_cast<std::uint16_t>(static_cast<unsigned char>(question[at + 1]) << 8 |
                                               static_cast<unsigned char>(question[at + 2]));
  const std::lock_guard lock(mutex_);
  ++questions_;
  ++asked_[name];
  const auto failing = failing_.find(name);
  if (failing != failing_.end() && failing->second < 0) return {};
  std::string records;
  std::size_t count = 0;
  const auto add_records = [&](const std::string& owner, std::uint16_t wanted) {
    const auto [begin, end] = records_.equal_range(owner);
    for (auto i = begin; i != end; ++i) {
      if (i->second.type != wanted) continue;
      records += labels(owner) + u16(wanted) + u16(1) + u32(i->second.ttl) + u16(i->second.data.size()) +
                 i->second.data;
      ++count;
    }
  };
  add_records(name, 5);
  if (count != 0) {
    // The one alias that tests use: its target's records come with it.
    const std::string& data = records_.find(name)->second.data;
    std::string target;
    for (std::size_t i = 0; data[i] != 0; i += static_cast<std::size_t>(data[i]) + 1)
      target += (target.empty() ? "" : ".") + data.substr(i + 1, static_cast<std::size_t>(data[i]));
    add_records(target, type);
  } else {
    add_records(name, type);
  }
  const bool none = count == 0;
  const std::size_t code = failing != failing_.end()          ? static_cast<std::size_t>(failing->second)
                           : none && !records_.contains(name) ? 3
                                                              : 0;
  std::string reply = std::string(question.substr(0, 2)) + u16(0x8400 | code) + u16(1) + u16(count) +
                      u16(none ? 1 : 0) + u16(0) + asked + records;
  if (none) {
    const std::uint32_t ttl = negative_ttl_;
    const std::string soa =
        labels("ns.test") + labels("admin.test") + u32(1) + u32(1) + u32(1) + u32(1) + u32(ttl);
    reply += labels("test") + u16(6) + u16(1) + u32(ttl) + u16(soa.size()) + soa;
  }
  return reply;
}

}  // namespace sallyport::test
