// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. The stages that a packet passes between finding its flow and leaving:
// admit -> unprotect -> learn -> protect. (rewrite.h and dispatch.h have what follows.)
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/ring.h"
#include "crypto/srtp.h"
#include "dataplane/burst.h"
#include "dataplane/command.h"
#include "dataplane/counters.h"
#include "dataplane/runtime.h"

namespace sallyport::dataplane {

/// What the stages need besides the burst. One a worker; everything outlives it.
struct RelaySurroundings {
  crypto::SrtpEngine& engine;
  std::span<const MediaAddress> addresses;
  WorkerCounters& counters;
  Ring<Event>& events;
  Ring<CaptureRecord>& captures;
  std::uint64_t tsc = 0;  ///< of this poll
};

// Each stage looks at the undecided packets of a burst whose flows are known.

/// Refuses what the source policy does not let in.
void admit(Burst& burst, RelaySurroundings& around);
/// Opens what arrives on keyed flows, in place.
void unprotect(Burst& burst, RelaySurroundings& around);
/// The first stage that may remember: counts, reception statistics, the source's address.
void learn(Burst& burst, RelaySurroundings& around);
/// Closes what leaves on keyed flows, in place. Meanwhile the keys that `next` wants first are fetched.
void protect(Burst& burst, RelaySurroundings& around, const Burst& next);

}  // namespace sallyport::dataplane
