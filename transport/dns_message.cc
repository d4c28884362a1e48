// SPDX-License-Identifier: GPL-3.0-or-later
// Reading DNS messages. They come from strangers: every length is checked, every loop bounded.
#include "transport/dns_message.h"

#include <algorithm>
#include <array>
#include <optional>

namespace sallyport::transport {

namespace {

constexpr std::uint16_t kCname = 5;
constexpr std::uint16_t kSoa = 6;
constexpr std::uint16_t kInternet = 1;
constexpr std::size_t kHeaderSize = 12;
constexpr std::size_t kMaxNameSize = 255;
constexpr int kMaxJumps = 32;
constexpr int kMaxAliases = 8;
constexpr std::size_t kMaxRecords = 256;
/// RFC 2308 §5: negative answers are not remembered for long.
constexpr std::uint32_t kMaxNegativeTtl = 3600;

/// Stays failed after a short read.
class Reader {
 public:
  Reader(std::span<const std::uint8_t> message, std::size_t at) : message_(message), at_(at) {}

  std::uint8_t u8() {
    if (at_ >= message_.size()) failed_ = true;
    return failed_ ? std::uint8_t{0} : message_[at_++];
  }
  std::uint16_t u16() {
    const unsigned high = u8();
    return static_cast<std::uint16_t>(high << 8 | u8());
  }
  std::uint32_t u32() {
    const std::uint32_t high = u16();
    return high << 16 | u16();
  }
  /// Length and octets (RFC 1035 §3.3).
  std::string text() {
    const std::size_t size = u8();
    if (failed_ || size > message_.size() - at_) {
      failed_ = true;
      return {};
    }
    std::string result(message_.begin() + static_cast<std::ptrdiff_t>(at_),
                       message_.begin() + static_cast<std::ptrdiff_t>(at_ + size));
    at_ += size;
    return result;
  }
  /// Labels, with pointers to earlier ones followed (RFC 1035 §4.1.4).
  std::string name() {
    std::string result;
    std::size_t at = at_;
    bool jumped = false;
    for (int jumps = 0; !failed_ && at < message_.size();) {
      const std::uint8_t size = message_[at++];
      if (size == 0) {
        if (!jumped) at_ = at;
        return result;
      }
      if ((size & 0xc0) == 0xc0) {
        if (at >= message_.size() || ++jumps > kMaxJumps) break;
        if (!jumped) at_ = at + 1;
        jumped = true;
        at = (static_cast<std::size_t>(size & 0x3f) << 8) | message_[at];
        continue;
      }
      if ((size & 0xc0) != 0 || size > message_.size() - at || result.size() + size > kMaxNameSize) break;
      if (!result.empty()) result += '.';
      for (std::size_t i = 0; i < size; ++i) add_lower(result, message_[at + i]);
      at += size;
    }
    failed_ = true;
    return {};
  }
  void skip(std::size_t octets) {
    if (octets > message_.size() - at_) failed_ = true;
    if (!failed_) at_ += octets;
  }
  [[nodiscard]] std::size_t at() const { return at_; }
  [[nodiscard]] bool failed() const { return failed_; }

 private:
  /// A dot within a label must not look like the end of one.
  void add_lower(std::string& text, std::uint8_t octet) {
    if (octet == '.' || octet == 0) failed_ = true;
    text += octet >= 'A' && octet <= 'Z' ? static_cast<char>(octet - 'A' + 'a') : static_cast<char>(octet);
  }

  std::span<const std::uint8_t> message_;
  std::size_t at_;
  bool failed_ = false;
};

struct Record {
  std::string owner;
  std::uint16_t type = 0;
  std::uint32_t ttl = 0;
  std::size_t begin = 0;  ///< of its data
  std::size_t size = 0;
};

std::optional<Record> read_record(Reader& reader) {
  Record record;
  record.owner = reader.name();
  record.type = reader.u16();
  const std::uint16_t network = reader.u16();
  record.ttl = reader.u32();
  // RFC 2181 §8: a value with the top bit set means 0.
  if (record.ttl > 0x7fffffff) record.ttl = 0;
  record.size = reader.u16();
  record.begin = reader.at();
  reader.skip(record.size);
  if (reader.failed()) return std::nullopt;
  if (network != kInternet) record.type = 0;
  return record;
}

template <std::size_t N>
std::optional<std::array<std::uint8_t, N>> octets_of(std::span<const std::uint8_t> message,
                                                     const Record& record) {
  if (record.size != N) return std::nullopt;
  std::array<std::uint8_t, N> octets;
  std::copy_n(message.begin() + static_cast<std::ptrdiff_t>(record.begin), N, octets.begin());
  return octets;
}

bool take_srv(Reader& reader, DnsAnswer& answer) {
  SrvRecord srv;
  srv.priority = reader.u16();
  srv.weight = reader.u16();
  srv.port = reader.u16();
  srv.target = reader.name();
  if (!reader.failed()) answer.srv.push_back(std::move(srv));
  return !reader.failed();
}

bool take_naptr(Reader& reader, DnsAnswer& answer) {
  NaptrRecord naptr;
  naptr.order = reader.u16();
  naptr.preference = reader.u16();
  naptr.flags = reader.text();
  naptr.service = reader.text();
  naptr.regexp = reader.text();
  naptr.replacement = reader.name();
  if (!reader.failed()) answer.naptr.push_back(std::move(naptr));
  return !reader.failed();
}

bool take_data(std::span<const std::uint8_t> message, const Record& record, DnsType type, DnsAnswer& answer) {
  Reader reader(message, record.begin);
  switch (type) {
    case DnsType::a: {
      const auto v4 = octets_of<4>(message, record);
      if (v4) answer.addresses.push_back(IpAddress::v4(*v4));
      return v4.has_value();
    }
    case DnsType::aaaa: {
      const auto v6 = octets_of<16>(message, record);
      if (v6) answer.addresses.push_back(IpAddress::v6(*v6));
      return v6.has_value();
    }
    case DnsType::srv:
      return take_srv(reader, answer);
    case DnsType::naptr:
      return take_naptr(reader, answer);
  }
  return false;
}

std::uint32_t negative_ttl(std::span<const std::uint8_t> message, const std::vector<Record>& authority) {
  for (const Record& record : authority) {
    if (record.type != kSoa) continue;
    Reader reader(message, record.begin);
    static_cast<void>(reader.name());
    static_cast<void>(reader.name());
    reader.skip(16);  // serial, refresh, retry, expire
    const std::uint32_t minimum = reader.u32();
    return reader.failed() ? 0 : std::min({record.ttl, minimum, kMaxNegativeTtl});
  }
  return 0;
}

}  // namespace

std::string dns_name(std::string_view name) {
  if (!name.empty() && name.back() == '.') name.remove_suffix(1);
  std::string result(name);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

Result<DnsAnswer> parse_dns_answer(std::span<const std::uint8_t> message, std::string_view name,
                                   DnsType type) {
  const auto malformed = [] { return fail(ErrorClass::malformed, "a DNS answer breaks its grammar"); };
  if (message.size() < kHeaderSize) return malformed();
  Reader reader(message, 4);
  const std::uint16_t questions = reader.u16();
  const std::size_t answers = reader.u16();
  const std::size_t authorities = reader.u16();
  reader.skip(2);
  if (answers + authorities > kMaxRecords) return malformed();
  for (std::uint16_t i = 0; i < questions && !reader.failed(); ++i) {
    static_cast<void>(reader.name());
    reader.skip(4);
  }
  std::vector<Record> records;
  std::vector<Record> authority;
  for (std::size_t i = 0; i < answers + authorities; ++i) {
    auto record = read_record(reader);
    if (!record) return malformed();
    (i < answers ? records : authority).push_back(std::move(*record));
  }
  DnsAnswer answer;
  std::uint32_t ttl = 0x7fffffff;
  std::string owner = dns_name(name);
  for (int aliases = 0; aliases < kMaxAliases; ++aliases) {
    const auto alias = std::ranges::find_if(
        records, [&](const Record& record) { return record.type == kCname && record.owner == owner; });
    if (alias == records.end()) break;
    Reader target(message, alias->begin);
    owner = target.name();
    if (target.failed()) return malformed();
    ttl = std::min(ttl, alias->ttl);
  }
  for (const Record& record : records) {
    if (record.type != static_cast<std::uint16_t>(type) || record.owner != owner) continue;
    if (!take_data(message, record, type, answer)) return malformed();
    ttl = std::min(ttl, record.ttl);
  }
  answer.ttl = answer.empty() ? negative_ttl(message, authority) : ttl;
  return answer;
}

}  // namespace sallyport::transport
