// SPDX-License-Identifier: GPL-3.0-or-later
// Whatever comes as DTLS: neither role gets keys from somebody without the announced certificate, or sends an
// unproven address more than its budget.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "keying/dtls_association.h"

namespace {

using namespace sallyport;

class Count final : public keying::DatagramSink {
 public:
  void send(std::span<const std::uint8_t> payload) override { octets += payload.size(); }
  std::size_t octets = 0;
};

void feed(keying::DtlsRole role, std::span<const std::uint8_t> data, std::size_t piece) {
  static const auto identity = keying::DtlsIdentity::make(keying::DtlsKeyType::ecdsa_p256).value();
  keying::DtlsSettings settings;
  settings.identity = identity;
  settings.role = role;
  settings.profiles = {crypto::SuiteId::aead_aes_128_gcm, crypto::SuiteId::aes_cm_128_hmac_sha1_80};
  settings.peer_fingerprints = {crypto::Fingerprint{}};
  Count sink;
  keying::DtlsAssociation association(std::move(settings), sink);
  association.start(0);
  std::size_t fed = 0;
  while (!data.empty()) {
    const auto datagram = data.first(std::min(piece, data.size()));
    association.receive(datagram, 0);
    fed += datagram.size();
    data = data.subspan(datagram.size());
  }
  if (association.take_keys() || sink.octets > 4096 + 3 * fed) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (const auto role : {keying::DtlsRole::active, keying::DtlsRole::passive}) {
    feed(role, {data, size}, std::max<std::size_t>(size, 1));
    feed(role, {data, size}, 1200);
  }
  return 0;
}
