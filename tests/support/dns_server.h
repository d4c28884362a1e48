// SPDX-License-Identifier: GPL-3.0-or-later
// DnsServer: a name server on loopback that says what a test tells it to.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/ip_address.h"
#include "transport/descriptor.h"
#include "transport/dns_message.h"

namespace sallyport::test {

class DnsServer {
 public:
  DnsServer();
  ~DnsServer();
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;

  [[nodiscard]] Endpoint endpoint() const { return endpoint_; }
  void a(const std::string& name, const std::string& address, std::uint32_t ttl = 60);
  void aaaa(const std::string& name, const std::string& address, std::uint32_t ttl = 60);
  void srv(const std::string& name, const transport::SrvRecord& record, std::uint32_t ttl = 60);
  void naptr(const std::string& name, const transport::NaptrRecord& record, std::uint32_t ttl = 60);
  void cname(const std::string& name, const std::string& target, std::uint32_t ttl = 60);
  /// How long it may be remembered that there is nothing.
  void set_negative_ttl(std::uint32_t ttl) { negative_ttl_ = ttl; }
  /// Questions for this name get no answer.
  void silence(const std::string& name);
  /// Questions for this name get this response code (2: server failure, 5: refused).
  void fail(const std::string& name, std::uint8_t code);
  void clear();
  [[nodiscard]] std::uint64_t questions() const { return questions_; }
  [[nodiscard]] std::uint64_t questions(const std::string& name) const;

 private:
  struct Record {
    std::uint16_t type;
    std::uint32_t ttl;
    std::string data;
  };
  void add(const std::string& name, std::uint16_t type, std::uint32_t ttl, std::string data);
  void run();
  [[nodiscard]] std::string answer(std::string_view question);

  transport::Descriptor socket_;
  transport::Descriptor stop_ = transport::make_event_descriptor();
  Endpoint endpoint_;
  mutable std::mutex mutex_;
  std::multimap<std::string, Record> records_;
  std::map<std::string, int> failing_;  ///< -1: silent
  std::map<std::string, std::uint64_t> asked_;
  std::atomic<std::uint32_t> negative_ttl_{60};
  std::atomic<std::uint64_t> questions_{0};
  std::jthread thread_;
};

}  // namespace sallyport::test
