// SPDX-License-Identifier: GPL-3.0-or-later
// A crypto attribute of any octets: it is refused, or is written and read again to the same.
#include <cstdlib>
#include <string>

#include "sip/sdp_crypto.h"

using namespace sallyport;
using namespace sallyport::sip;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto attribute = parse_crypto({reinterpret_cast<const char*>(data), size});
  if (!attribute) return meaning(attribute.error()).empty() ? (std::abort(), 0) : 0;
  const crypto::Suite& suite = crypto::suite(attribute->suite);
  if (attribute->key.key.size() != suite.key_length || attribute->key.salt.size() != suite.salt_length)
    std::abort();
  std::string text;
  append_crypto(text, *attribute);
  const auto again = parse_crypto(std::string_view(text).substr(9, text.size() - 11));
  if (!again || !crypto::same_master_key(again->key, attribute->key) || again->tag != attribute->tag ||
      again->key.mki != attribute->key.mki || again->key.lifetime != attribute->key.lifetime)
    std::abort();
  return 0;
}
