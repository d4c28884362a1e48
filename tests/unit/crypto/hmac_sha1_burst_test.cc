// SPDX-License-Identifier: GPL-3.0-or-later
// The HMAC-SHA1 kernel against RFC 2202 and OpenSSL: all lengths, mixed bursts, guard pages, nothing else
// written.
#include "crypto/hmac_sha1_burst.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <intel-ipsec-mb.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/mman.h>
#include <unistd.h>

namespace sallyport::crypto {
namespace {

using Octets = std::vector<std::uint8_t>;
using States = std::array<std::uint8_t, 2 * kHmacSha1StateLength>;

constexpr std::uint8_t kUntouched = 0xa5;
constexpr std::size_t kTagRoom = 64;

/// IPsec-MB's one-block hash, which makes the states in the engine too.
class Manager {
 public:
  Manager() : manager_(alloc_mb_mgr(0)) { init_mb_mgr_auto(manager_, nullptr); }
  ~Manager() { free_mb_mgr(manager_); }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  /// The states after the inner and after the outer pad.
  [[nodiscard]] States states(const Octets& block_key) const {
    States states;
    write_state(block_key, 0x36, states.data());
    write_state(block_key, 0x5c, states.data() + kHmacSha1StateLength);
    return states;
  }

 private:
  void write_state(const Octets& block_key, std::uint8_t pad, std::uint8_t* state) const {
    std::array<std::uint8_t, 64> block;
    block.fill(pad);
    for (std::size_t i = 0; i < block_key.size(); ++i) block[i] ^= block_key[i];
    IMB_SHA1_ONE_BLOCK(manager_, block.data(), state);
  }

  IMB_MGR* manager_;
};

struct Key {
  explicit Key(Octets given) : octets(std::move(given)) {
    static const Manager manager;
    Octets block_key = octets;
    if (block_key.size() > 64) {
      block_key.resize(20);
      EVP_Digest(octets.data(), octets.size(), block_key.data(), nullptr, EVP_sha1(), nullptr);
    }
    states = manager.states(block_key);
  }
  Octets octets;
  States states;
};

Octets expected_tag(const Key& key, const std::uint8_t* data, std::size_t length) {
  Octets tag(20);
  unsigned int written = 0;
  HMAC(EVP_sha1(), key.octets.data(), static_cast<int>(key.octets.size()), data, length, tag.data(),
       &written);
  tag.resize(kHmacSha1TagLength);
  return tag;
}

/// Pages of which the first and the last may not be touched.
class GuardedPages {
 public:
  explicit GuardedPages(std::size_t pages)
      : page_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))), size_((pages + 2) * page_) {
    void* area = mmap(nullptr, size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED) throw std::bad_alloc();
    area_ = static_cast<std::uint8_t*>(area);
    if (mprotect(begin(), size_ - 2 * page_, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
  }
  ~GuardedPages() { munmap(area_, size_); }
  GuardedPages(const GuardedPages&) = delete;
  GuardedPages& operator=(const GuardedPages&) = delete;

  [[nodiscard]] std::uint8_t* begin() const { return area_ + page_; }
  [[nodiscard]] std::uint8_t* end() const { return area_ + size_ - page_; }

 private:
  std::size_t page_;
  std::size_t size_;
  std::uint8_t* area_ = nullptr;
};

class HmacSha1BurstTest : public testing::Test {
 protected:
  void SetUp() override {
    burst_ = hmac_sha1_burst_for_this_cpu();
    if (burst_ == nullptr) GTEST_SKIP() << "NOT TESTED: this CPU has no AVX-512 F, BW and VL";
  }

  Octets random_octets(std::size_t length) {
    Octets octets(length);
    for (auto& octet : octets) octet = static_cast<std::uint8_t>(random_());
    return octets;
  }

  /// One job a length, each with its own key and message; compares each tag with OpenSSL's and finds nothing
  /// written beside it.
  void expect_burst(const std::vector<std::uint32_t>& lengths) {
    std::vector<Key> keys;
    std::vector<Octets> messages;
    std::vector<std::array<std::uint8_t, kTagRoom>> tags(kMaxHmacSha1Burst);
    for (auto& tag : tags) tag.fill(kUntouched);
    for (const std::uint32_t length : lengths) {
      keys.emplace_back(random_octets(20));
      messages.push_back(random_octets(length));
    }
    std::vector<HmacSha1Job> jobs;
    for (std::size_t i = 0; i < lengths.size(); ++i)
      jobs.push_back({messages[i].data(), lengths[i], keys[i].states.data(), tags[i].data() + kTagRoom / 2});
    burst_(jobs);
    for (std::size_t i = 0; i < tags.size(); ++i) {
      std::array<std::uint8_t, kTagRoom> expected;
      expected.fill(kUntouched);
      if (i < lengths.size()) {
        const Octets tag = expected_tag(keys[i], messages[i].data(), lengths[i]);
        std::copy(tag.begin(), tag.end(), expected.begin() + kTagRoom / 2);
      }
      EXPECT_EQ(tags[i], expected) << "packet " << i << " of " << lengths.size();
    }
  }

  Octets tag_of(const Key& key, const std::uint8_t* data, std::uint32_t length) {
    Octets tag(kHmacSha1TagLength);
    const HmacSha1Job job{data, length, key.states.data(), tag.data()};
    burst_({&job, 1});
    return tag;
  }

  HmacSha1Burst burst_ = nullptr;
  std::mt19937 random_{20260101};
};

Octets octets_of(const std::string& text) {
  return {text.begin(), text.end()};
}

Octets from_hex(const std::string& hex) {
  Octets octets;
  for (std::size_t i = 0; i < hex.size(); i += 2)
    octets.push_back(static_cast<std::uint8_t>(std::stoul(hex.substr(i, 2), nullptr, 16)));
  return octets;
}

struct Vector {
  Octets key;
  Octets data;
  const char* tag;
};

std::vector<Vector> rfc2202_vectors() {
  Octets counting(25);
  for (std::size_t i = 0; i < counting.size(); ++i) counting[i] = static_cast<std::uint8_t>(i + 1);
  return {
      {Octets(20, 0x0b), octets_of("Hi There"), "b617318655057264e28bc0b6"},
      {octets_of("Jefe"), octets_of("what do ya want for nothing?"), "effcdf6ae5eb2fa2d27416d5"},
      {Octets(20, 0xaa), Octets(50, 0xdd), "125d7342b9ac11cd91a39af4"},
      {counting, Octets(50, 0xcd), "4c9007f4026250c6bc8414f9"},
      {Octets(20, 0x0c), octets_of("Test With Truncation"), "4c1a03424b55e07fe7f27be1"},
      {Octets(80, 0xaa), octets_of("Test Using Larger Than Block-Size Key - Hash Key First"),
       "aa4ae5e15272d00e95705637"},
      {Octets(80, 0xaa),
       octets_of("Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data"),
       "e8e99d0f45237d786d6bbaa7"},
  };
}

// RFC 2202 §3, one by one and as one burst.
TEST_F(HmacSha1BurstTest, Rfc2202Vectors) {
  const auto vectors = rfc2202_vectors();
  std::vector<Key> keys;
  std::vector<HmacSha1Job> jobs;
  std::vector<Octets> tags(vectors.size(), Octets(kHmacSha1TagLength));
  for (const auto& vector : vectors) keys.emplace_back(vector.key);
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    const auto length = static_cast<std::uint32_t>(vectors[i].data.size());
    EXPECT_EQ(tag_of(keys[i], vectors[i].data.data(), length), from_hex(vectors[i].tag)) << i + 1;
    jobs.push_back({vectors[i].data.data(), length, keys[i].states.data(), tags[i].data()});
  }
  burst_(jobs);
  for (std::size_t i = 0; i < vectors.size(); ++i) EXPECT_EQ(tags[i], from_hex(vectors[i].tag)) << i + 1;
}

TEST_F(HmacSha1BurstTest, NoJobsWriteNothing) {
  expect_burst({});
}

TEST_F(HmacSha1BurstTest, EveryLengthAloneAndInAFullBurst) {
  for (std::uint32_t length = 0; length <= 300; ++length) {
    expect_burst({length});
    expect_burst(std::vector<std::uint32_t>(kMaxHmacSha1Burst, length));
  }
}

TEST_F(HmacSha1BurstTest, LongMessages) {
  for (std::uint32_t length = 301; length <= 1500; length += 37) expect_burst({length, length + 1});
  expect_burst({kMaxHmacSha1Length, 0, kMaxHmacSha1Length - 1, 65528, 65527, 65472});
}

TEST_F(HmacSha1BurstTest, EveryCount) {
  for (std::size_t count = 1; count <= kMaxHmacSha1Burst; ++count)
    expect_burst(std::vector<std::uint32_t>(count, 176));
}

// Lanes end at different blocks; whoever is through must keep its state while others go on.
TEST_F(HmacSha1BurstTest, MixedLengthsInRandomOrder) {
  std::uniform_int_distribution<std::uint32_t> any(0, 1500);
  for (std::size_t run = 0; run < 300; ++run) {
    std::vector<std::uint32_t> lengths(1 + run % kMaxHmacSha1Burst);
    for (auto& length : lengths) length = any(random_);
    expect_burst(lengths);
  }
}

TEST_F(HmacSha1BurstTest, OneLongAmongShortInEachPlace) {
  for (std::size_t place = 0; place < kMaxHmacSha1Burst; ++place) {
    std::vector<std::uint32_t> lengths(kMaxHmacSha1Burst, 20);
    lengths[place] = 3000;
    expect_burst(lengths);
  }
}

// Where padding takes a block of its own, beside where it does not.
TEST_F(HmacSha1BurstTest, PaddingBoundariesSideBySide) {
  std::vector<std::uint32_t> lengths;
  for (const std::uint32_t base : {0U, 64U, 128U, 192U})
    for (const std::uint32_t rest : {0U, 1U, 54U, 55U, 56U, 57U, 62U, 63U}) lengths.push_back(base + rest);
  for (std::size_t run = 0; run < 20; ++run) {
    std::shuffle(lengths.begin(), lengths.end(), random_);
    expect_burst(lengths);
  }
}

TEST_F(HmacSha1BurstTest, ReadsNothingOutsideTheMessage) {
  const Key key(random_octets(20));
  const GuardedPages pages(1);
  const std::size_t room = static_cast<std::size_t>(pages.end() - pages.begin());
  const Octets content = random_octets(room);
  std::memcpy(pages.begin(), content.data(), room);
  for (std::uint32_t length = 0; length <= 300; ++length) {
    const std::uint8_t* at_end = pages.end() - length;
    EXPECT_EQ(tag_of(key, at_end, length), expected_tag(key, at_end, length)) << length;
    EXPECT_EQ(tag_of(key, pages.begin(), length), expected_tag(key, pages.begin(), length)) << length;
  }
}

TEST_F(HmacSha1BurstTest, StatesAndTagsMayEndTheirPages) {
  const Key key(random_octets(20));
  const GuardedPages states(1);
  const GuardedPages tag(1);
  const Octets message = random_octets(172);
  std::uint8_t* const last = states.end() - key.states.size();
  std::memcpy(last, key.states.data(), key.states.size());
  std::memcpy(states.begin(), key.states.data(), key.states.size());
  std::vector<HmacSha1Job> jobs(kMaxHmacSha1Burst, {message.data(), 172, last, tag.begin()});
  jobs.front().keys = states.begin();
  jobs.back().tag = tag.end() - kHmacSha1TagLength;
  burst_(jobs);
  const Octets expected = expected_tag(key, message.data(), message.size());
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), tag.begin()));
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), tag.end() - kHmacSha1TagLength));
}

TEST_F(HmacSha1BurstTest, OneBitChangesTheTag) {
  const Key key(random_octets(20));
  Octets message = random_octets(172);
  const Octets genuine = tag_of(key, message.data(), 172);
  for (std::size_t bit = 0; bit < message.size() * 8; ++bit) {
    message[bit / 8] = static_cast<std::uint8_t>(message[bit / 8] ^ 1U << bit % 8);
    EXPECT_NE(tag_of(key, message.data(), 172), genuine) << bit;
    message[bit / 8] = static_cast<std::uint8_t>(message[bit / 8] ^ 1U << bit % 8);
  }
  EXPECT_NE(tag_of(key, message.data(), 171), genuine);
}

}  // namespace
}  // namespace sallyport::crypto
