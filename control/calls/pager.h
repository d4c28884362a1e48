// SPDX-License-Identifier: GPL-3.0-or-later
// Pager: carries what is one request there and one answer back: MESSAGE outside of calls (RFC 3428), PUBLISH
// (RFC 3903), and NOTIFY that nobody subscribed to.
#pragma once

#include <cstdint>

#include "control/calls/courier.h"

namespace sallyport::control {

/// The control thread's.
class Pager final : public MessageService {
 public:
  /// Outlives the object.
  explicit Pager(Calls& calls) : courier_(calls), calls_(calls) {}

  /// Who sends it is told what came of it there.
  void on_message(sip::ServerTransactionId id, const sip::Message& request, const sip::Hop& hop) override;

  [[nodiscard]] std::uint64_t carried() const { return carried_; }

 private:
  Courier courier_;
  Calls& calls_;
  std::uint64_t carried_ = 0;
};

}  // namespace sallyport::control
