// SPDX-License-Identifier: GPL-3.0-or-later
// A guard for what bzrtp reads of a Confirm (RFC 6189 §5.7), whose length of a signature it believes.
#pragma once

namespace sallyport::keying {

/// Whether it stands where bzrtp calls: without it no association may be made.
[[nodiscard]] bool confirms_are_guarded();

}  // namespace sallyport::keying
