// SPDX-License-Identifier: GPL-3.0-or-later
// Whatever comes as ZRTP, with its CRC put right half of the time: nobody gets keys from it, nor more octets
// than it brings beside what we say anyhow. The first octet of each piece says how long the next is.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "keying/zrtp_association.h"

namespace {

using namespace sallyport;

class Count final : public keying::DatagramSink {
 public:
  void send(std::span<const std::uint8_t> payload) override { octets += payload.size(); }
  std::size_t octets = 0;
};

void read_alone(std::span<const std::uint8_t> datagram) {
  const auto packet = keying::parse_zrtp(datagram);
  if (!packet) return;
  if (packet->message.size() + keying::kZrtpOverhead != datagram.size()) std::abort();
  using enum keying::ZrtpMessageType;
  if (packet->type == hello) static_cast<void>(keying::parse_zrtp_hello(*packet));
  if (packet->type == commit) static_cast<void>(keying::algorithms_of(keying::parse_zrtp_commit(*packet)));
  if (packet->type == dh_part1 || packet->type == dh_part2) {
    const auto part = keying::parse_zrtp_dh_part(*packet);
    if (part.public_value.size() + 84 != packet->message.size()) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto association = keying::ZrtpAssociation::make({}).value();
  Count sink;
  keying::InstantMs now = 0;
  association->begin(sink, now);
  std::size_t fed = 0;
  std::span<const std::uint8_t> rest(data, size);
  while (!rest.empty()) {
    const std::size_t length = std::min<std::size_t>(std::size_t{4} * rest[0], rest.size() - 1);
    std::vector<std::uint8_t> datagram(rest.begin() + 1, rest.begin() + 1 + static_cast<long>(length));
    rest = rest.subspan(1 + length);
    read_alone(datagram);
    if (datagram.size() > keying::kZrtpOverhead && datagram.back() % 2 == 0) keying::number_zrtp(datagram, 1);
    read_alone(datagram);
    association->receive(datagram, now);
    fed += datagram.size();
    now += 50;
    association->on_timer(now);
  }
  // Each tick may send a Hello or a Commit again.
  const auto ticks = static_cast<std::size_t>(now / 50);
  if (association->take_keys() || sink.octets > 4096 + 3 * fed + 200 * ticks) std::abort();
  return 0;
}
