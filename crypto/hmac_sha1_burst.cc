// SPDX-License-Identifier: GPL-3.0-or-later
// Chooses the HMAC-SHA1 kernel of this CPU.
#include "crypto/hmac_sha1_burst.h"

#include "crypto/hmac_sha1_avx512.h"

namespace sallyport::crypto {

namespace {

void burst_avx512(std::span<const HmacSha1Job> jobs) {
  hmac_sha1_avx512(jobs.data(), jobs.size());
}

}  // namespace

HmacSha1Burst hmac_sha1_burst_for_this_cpu() {
  // The compiler's run-time asks CPUID and, by XGETBV, whether the kernel saves the registers.
  const bool usable = __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
                      __builtin_cpu_supports("avx512vl") != 0;
  return usable ? burst_avx512 : nullptr;
}

}  // namespace sallyport::crypto
