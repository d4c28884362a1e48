// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. The door to the one file that is compiled for AVX-512. It passes pointers, not spans: a span's members
// would be compiled there too, and the linker might keep that copy for everybody.
#pragma once

#include <cstddef>

#include "crypto/hmac_sha1_burst.h"

namespace sallyport::crypto {

/// `count` tags, at most kMaxHmacSha1Burst. Only to be called where AVX-512 F, BW and VL are there.
void hmac_sha1_avx512(const HmacSha1Job* jobs, std::size_t count);

}  // namespace sallyport::crypto
