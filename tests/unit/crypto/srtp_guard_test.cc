// SPDX-License-Identifier: GPL-3.0-or-later
// Buffers against guard pages: nothing outside a packet's octets is read, nothing outside its room is
// written.
#include <cstring>
#include <stdexcept>

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/crypto/srtp_rig.h"

namespace sallyport::crypto::test {
namespace {

/// One page between two that nobody may touch.
class GuardedPage {
 public:
  GuardedPage() : size_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))) {
    void* memory = mmap(nullptr, 3 * size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::runtime_error("mmap");
    begin_ = static_cast<std::uint8_t*>(memory);
    if (mprotect(begin_ + size_, size_, PROT_READ | PROT_WRITE) != 0) throw std::runtime_error("mprotect");
  }
  GuardedPage(const GuardedPage&) = delete;
  GuardedPage& operator=(const GuardedPage&) = delete;
  ~GuardedPage() { munmap(begin_, 3 * size_); }

  /// `length` octets at the front of the page, or at its end.
  [[nodiscard]] std::uint8_t* place(std::size_t length, bool at_end) const {
    return begin_ + size_ + (at_end ? size_ - length : 0);
  }

 private:
  std::size_t size_;
  std::uint8_t* begin_;
};

struct GuardCase {
  EngineKind kind;
  SuiteId suite;
};

class SrtpGuard : public testing::TestWithParam<GuardCase> {
 protected:
  /// Protects `plain` in place with exactly the room it needs, then opens it with exactly its length.
  void there_and_back(const Octets& plain, std::size_t overhead, bool rtcp, bool at_end) {
    const std::size_t room = plain.size() + overhead;
    std::uint8_t* data = page_.place(room, at_end);
    std::memcpy(data, plain.data(), plain.size());
    OutboundPacket out;
    describe(out, plain, data, room, *outbound_);
    rtcp ? engine_->protect_rtcp({&out, 1}) : engine_->protect_rtp({&out, 1});
    ASSERT_EQ(out.outcome, SrtpOutcome::ok);
    ASSERT_EQ(out.length, room);
    InboundPacket in;
    describe(in, plain, data, room, *inbound_);
    in.length = out.length;
    rtcp ? engine_->unprotect_rtcp({&in, 1}) : engine_->unprotect_rtp({&in, 1});
    ASSERT_EQ(in.outcome, SrtpOutcome::ok);
    ASSERT_EQ(in.length, plain.size());
    ASSERT_EQ(std::memcmp(data, plain.data(), plain.size()), 0);
  }
  template <typename Stream>
  static void describe(SrtpPacket<Stream>& view, const Octets& plain, std::uint8_t* data, std::size_t room,
                       Stream& stream) {
    view.data = data;
    view.length = static_cast<std::uint16_t>(plain.size());
    view.room = static_cast<std::uint16_t>(room);
    view.header_length = kRtpHeaderLength;
    view.sequence = load_be16(&plain[2]);
    view.ssrc = kSsrc;
    view.stream = &stream;
  }

  GuardedPage page_;
  std::unique_ptr<SrtpEngine> engine_ = make_engine(GetParam().kind);
  OutboundStreamPtr outbound_ = std::move(engine_->make_outbound(make_config(GetParam().suite)).value());
  InboundStreamPtr inbound_ = std::move(engine_->make_inbound(make_config(GetParam().suite)).value());
};

std::vector<GuardCase> guard_cases() {
  std::vector<GuardCase> cases;
  for (const Suite& entry : kSuites) {
    cases.push_back({EngineKind::ipsec_mb, entry.id});
    if (entry.key_length != 24) cases.push_back({EngineKind::libsrtp2, entry.id});
  }
  return cases;
}
INSTANTIATE_TEST_SUITE_P(Engines, SrtpGuard, testing::ValuesIn(guard_cases()));

TEST_P(SrtpGuard, RtpOfEveryLengthAtBothEnds) {
  const Suite& tested = suite(GetParam().suite);
  std::uint16_t sequence = 0;
  for (std::size_t length = 0; length < 400; ++length)
    for (const bool at_end : {false, true})
      there_and_back(rtp_packet(sequence++, length), tested.srtp_tag_length, false, at_end);
}

TEST_P(SrtpGuard, RtcpOfEveryLengthAtBothEnds) {
  const Suite& tested = suite(GetParam().suite);
  for (std::size_t length = 0; length < 300; ++length)
    for (const bool at_end : {false, true})
      there_and_back(rtcp_packet(length), tested.srtcp_tag_length + 4u, true, at_end);
}

TEST_P(SrtpGuard, ShortGarbageAtBothEnds) {
  std::mt19937_64 random(2);
  for (std::size_t length = 0; length < 100; ++length)
    for (const bool at_end : {false, true})
      for (const bool rtcp : {false, true}) {
        const Octets octets = random_octets(random, length);
        std::uint8_t* data = page_.place(length, at_end);
        if (length > 0) std::memcpy(data, octets.data(), length);
        InboundPacket in;
        in.data = data;
        in.length = in.room = static_cast<std::uint16_t>(length);
        in.header_length = kRtpHeaderLength;
        in.ssrc = kSsrc;
        in.stream = inbound_.get();
        rtcp ? engine_->unprotect_rtcp({&in, 1}) : engine_->unprotect_rtp({&in, 1});
        ASSERT_NE(in.outcome, SrtpOutcome::ok);
      }
}

}  // namespace
}  // namespace sallyport::crypto::test
