// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. SRTP and SRTCP in bursts through IPsec-MB: check, verify, commit, and only then decrypt.
#include "crypto/ipsec_mb_engine.h"

#include <cassert>
#include <cstring>

#include "crypto/equal.h"
#include "crypto/ipsec_mb_stream.h"
#include "crypto/srtp_protocol.h"

namespace sallyport::crypto {

namespace {

CryptoContext& context_of(const InboundPacket& packet) {
  return static_cast<IpsecMbStream<InboundStream>*>(packet.stream)->context;
}
CryptoContext& context_of(const OutboundPacket& packet) {
  return static_cast<IpsecMbStream<OutboundStream>*>(packet.stream)->context;
}

/// The first `length` (10 or 4) octets of a tag; the sizes are constants so that no call is made for a few
/// octets.
void copy_tag(std::uint8_t* to, const std::uint8_t* from, std::uint32_t length) {
  if (length == 10)
    std::memcpy(to, from, 10);
  else
    std::memcpy(to, from, 4);
}

bool same_tag(const std::uint8_t* left, const std::uint8_t* right, std::uint32_t length) {
  return length == 10 ? equal(left, right, 10) : equal(left, right, 4);
}

}  // namespace

// ---- unprotect
// ------------------------------------------------------------------------------------------------------

/// What can be refused for good is; a packet that is replayed or too old by what is known now waits for its
/// turn unhashed, for those before it may move the window or the roll-over.
template <typename Protocol>
[[gnu::always_inline]] inline SrtpOutcome IpsecMbEngine::begin_open(InboundPacket& packet, Opening& opening) {
  CryptoContext& context = context_of(packet);
  if (const SrtpOutcome outcome = check_length<Protocol>(context, packet); outcome != SrtpOutcome::ok)
    return outcome;
  const std::uint32_t end = packet.length - overhead<Protocol>(context);
  const std::uint32_t tag_length = Protocol::tag_length(context);
  const std::uint8_t* tag = packet.data + packet.length - tag_length;
  if (!same_mki(context, tag - context.mki_length)) return SrtpOutcome::unknown_mki;

  std::uint8_t* const word = packet.data + end;
  opening.word = load_be32(word);
  opening.packet = &packet;
  opening.end = end;
  copy_tag(opening.tag, tag, tag_length);
  const IndexCheck check = Protocol::check(context, packet, opening.word);
  // Member by member: a copy of the whole reads wide what was just written narrow, and waits for it.
  opening.check.outcome = check.outcome;
  opening.check.slot = check.slot;
  opening.check.retired = check.retired;
  opening.check.index = check.index;
  opening.generation = context.generation();
  if (check.outcome != SrtpOutcome::ok) [[unlikely]]
    return SrtpOutcome::ok;
  store_be32(word, Protocol::word(context, check.index));
  opening.computed = hashes_.add(Protocol::template keys<CounterKeys>(context), packet.data,
                                 end + kWordLength, packet.ahead);
  return SrtpOutcome::ok;
}

/// The check made anew after another packet of the context was committed; the tag too, if the index is
/// another one now.
template <typename Protocol>
void IpsecMbEngine::renew(Opening& opening) {
  const InboundPacket& packet = *opening.packet;
  CryptoContext& context = context_of(packet);
  const IndexCheck before = opening.check;
  opening.check = Protocol::check(context, packet, opening.word);
  const bool hashed = before.outcome == SrtpOutcome::ok && before.index == opening.check.index;
  if (opening.check.outcome != SrtpOutcome::ok || hashed) return;
  store_be32(packet.data + opening.end, Protocol::word(context, opening.check.index));
  opening.computed =
      hashes_.single(Protocol::template keys<CounterKeys>(context), packet.data, opening.end + kWordLength);
}

/// The packet's fate, in the order of arrival: what was accepted since begin_open() counts, so that a burst
/// ends as its packets would have ended one by one.
template <typename Protocol>
[[gnu::always_inline]] inline SrtpOutcome IpsecMbEngine::finish_open(Opening& opening) {
  InboundPacket& packet = *opening.packet;
  CryptoContext& context = context_of(packet);
  if (context.generation() != opening.generation) [[unlikely]]
    renew<Protocol>(opening);
  if (opening.check.outcome != SrtpOutcome::ok) [[unlikely]]
    return opening.check.outcome;
  if (!same_tag(opening.tag, opening.computed, Protocol::tag_length(context))) [[unlikely]]
    return SrtpOutcome::forged;
  Protocol::commit(context, opening.check, packet);

  const std::uint32_t clear = Protocol::clear_length(packet);
  auto& keys = Protocol::template keys<CounterKeys>(context);
  if (Protocol::encrypts(context))
    ciphers_.add(keys, context.key_length, counter_iv(keys, packet.ssrc, opening.check.index),
                 packet.data + clear, opening.end - clear);
  packet.length = static_cast<std::uint16_t>(opening.end);
  return SrtpOutcome::ok;
}

template <typename Protocol>
void IpsecMbEngine::unprotect(std::span<InboundPacket> burst) {
  assert(burst.size() <= kMaxBurst);
  std::size_t count = 0;
  for (InboundPacket& packet : burst) {
    if (context_of(packet).mode == CipherMode::gcm) {
      prefetch(packet.ahead);
      packet.outcome = gcm_.open<Protocol>(context_of(packet), packet);
      continue;
    }
    packet.outcome = begin_open<Protocol>(packet, openings_[count]);
    if (packet.outcome == SrtpOutcome::ok) [[likely]]
      ++count;
  }
  hashes_.run();
  for (Opening& opening : std::span(openings_).first(count)) {
    opening.packet->outcome = finish_open<Protocol>(opening);
    if (opening.packet->outcome != SrtpOutcome::ok) [[unlikely]]
      store_be32(opening.packet->data + opening.end, opening.word);
  }
  ciphers_.run();
}

// ---- protect
// --------------------------------------------------------------------------------------------------------

template <typename Protocol>
[[gnu::always_inline]] inline SrtpOutcome IpsecMbEngine::begin_close(OutboundPacket& packet,
                                                                     Closing& closing) {
  CryptoContext& context = context_of(packet);
  if (const SrtpOutcome outcome = check_length<Protocol>(context, packet); outcome != SrtpOutcome::ok)
    return outcome;
  const IndexCheck taken = Protocol::take_index(context, packet);
  if (taken.outcome != SrtpOutcome::ok) return taken.outcome;

  const std::uint32_t clear = Protocol::clear_length(packet);
  auto& keys = Protocol::template keys<CounterKeys>(context);
  if (Protocol::encrypts(context))
    ciphers_.add(keys, context.key_length, counter_iv(keys, packet.ssrc, taken.index), packet.data + clear,
                 packet.length - clear);
  store_be32(packet.data + packet.length, Protocol::word(context, taken.index));
  closing.packet = &packet;
  closing.computed = hashes_.add(keys, packet.data, packet.length + kWordLength, packet.ahead);
  return SrtpOutcome::ok;
}

template <typename Protocol>
[[gnu::always_inline]] inline void IpsecMbEngine::finish_close(const Closing& closing) {
  OutboundPacket& packet = *closing.packet;
  const CryptoContext& context = context_of(packet);
  std::uint8_t* trailer = packet.data + packet.length + (Protocol::kSendsIndex ? kWordLength : 0);
  if (context.mki_length > 0) {
    std::memcpy(trailer, context.mki, context.mki_length);
    trailer += context.mki_length;
  }
  copy_tag(trailer, closing.computed, Protocol::tag_length(context));
  packet.length = static_cast<std::uint16_t>(packet.length + overhead<Protocol>(context));
}

template <typename Protocol>
void IpsecMbEngine::protect(std::span<OutboundPacket> burst) {
  assert(burst.size() <= kMaxBurst);
  std::size_t count = 0;
  for (OutboundPacket& packet : burst) {
    if (context_of(packet).mode == CipherMode::gcm) {
      prefetch(packet.ahead);
      packet.outcome = gcm_.close<Protocol>(context_of(packet), packet);
      continue;
    }
    packet.outcome = begin_close<Protocol>(packet, closings_[count]);
    if (packet.outcome == SrtpOutcome::ok) [[likely]]
      ++count;
  }
  ciphers_.run();
  hashes_.run();
  for (const Closing& closing : std::span(closings_).first(count)) finish_close<Protocol>(closing);
}

void IpsecMbEngine::unprotect_rtp(std::span<InboundPacket> burst) {
  unprotect<Rtp>(burst);
}
void IpsecMbEngine::unprotect_rtcp(std::span<InboundPacket> burst) {
  unprotect<Rtcp>(burst);
}
void IpsecMbEngine::protect_rtp(std::span<OutboundPacket> burst) {
  protect<Rtp>(burst);
}
void IpsecMbEngine::protect_rtcp(std::span<OutboundPacket> burst) {
  protect<Rtcp>(burst);
}

}  // namespace sallyport::crypto
