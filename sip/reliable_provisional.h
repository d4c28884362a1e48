// SPDX-License-Identifier: GPL-3.0-or-later
// Reliable provisional responses (RFC 3262): the side that sends them and the side that answers with PRACK.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "sip/cseq.h"
#include "sip/message.h"
#include "sip/repeater.h"
#include "sip/timers.h"

namespace sallyport::sip {

enum class ReliableSupport : std::uint8_t { none, supported, required };

/// Whether the sender of an INVITE takes, or insists on, reliable provisional responses.
[[nodiscard]] ReliableSupport reliable_support(const Message& invite);
/// Whether a provisional response is one: it requires 100rel, has an RSeq and is no 100.
[[nodiscard]] bool is_reliable_provisional(const Message& response);

/// One INVITE's, at the side that answers it. One response waits for its PRACK at a time; RFC 3262 only
/// recommends that after the first.
class ReliableSender {
 public:
  /// `first_rseq` is random, from 1 to 2^31-1; other bits are ignored. `invite_cseq` is the INVITE's.
  ReliableSender(std::uint32_t first_rseq, std::uint32_t invite_cseq)
      : next_rseq_((first_rseq & 0x3fffffff) + 1), invite_cseq_(invite_cseq) {}

  /// A new one may be sent: none waits, and no final response was sent.
  [[nodiscard]] bool may_send() const { return !waiting_ && !has_final_; }
  /// The RSeq that the next reliable response is to carry.
  [[nodiscard]] std::uint32_t next_rseq() const { return next_rseq_; }
  /// The response was sent; it is kept to be repeated.
  void sent(std::string octets, bool has_description, InstantMs now, const Timing& timing = {});

  enum class PrackAnswer : std::uint8_t {
    matches,   ///< 200; if it was kept waiting, the next response or the 2xx may go
    no_match,  ///< 481
  };
  [[nodiscard]] PrackAnswer received_prack(const RAck& rack);

  //= https://www.rfc-editor.org/rfc/rfc3262#section-5
  //# If the UAS had placed a session description in any reliable
  //# provisional response that is unacknowledged when the INVITE is
  //# accepted, the UAS MUST delay sending the 2xx until the provisional
  //# response is acknowledged.
  [[nodiscard]] bool may_accept() const { return !waiting_ || !waiting_->has_description; }
  /// Any final response: nothing is repeated from now on, but a PRACK that is under way is still welcome.
  void sent_final();

  [[nodiscard]] std::optional<InstantMs> next_deadline() const {
    return waiting_ ? waiting_->repeater.next_deadline() : std::nullopt;
  }
  /// `repeat`: pass octets() to the transaction again. `give_up`: reject the INVITE with a 5xx.
  [[nodiscard]] Repeater::Step advance(InstantMs now);
  [[nodiscard]] const std::string& octets() const { return octets_; }

 private:
  struct Waiting {
    std::uint32_t rseq;
    bool has_description;
    Repeater repeater;
  };
  std::optional<Waiting> waiting_;
  std::string octets_;
  std::uint32_t next_rseq_;
  std::uint32_t invite_cseq_;
  bool has_final_ = false;
};

/// One dialog's of one INVITE, at the side that sent the INVITE: each branch of a fork counts for itself.
class ReliableReceiver {
 public:
  enum class Verdict : std::uint8_t {
    acknowledge,   ///< new and next in order: send a PRACK and act on it
    repetition,    ///< seen before: discard it
    out_of_order,  ///< an earlier one is missing: discard it, its sender will repeat both
  };
  [[nodiscard]] Verdict received(std::uint32_t rseq);

 private:
  std::optional<std::uint32_t> last_;
};

}  // namespace sallyport::sip
