// SPDX-License-Identifier: GPL-3.0-or-later
// A BIO of datagrams.
#include "keying/dtls_wire.h"

#include <algorithm>
#include <cstring>

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include "crypto/openssl_wire.h"

namespace sallyport::keying {

struct DtlsWireMethod {
  static DtlsWire& wire_of(BIO* bio) { return *static_cast<DtlsWire*>(BIO_get_data(bio)); }

  /// What does not fit is cut off, as a socket would do; OpenSSL reads with room for more than we feed.
  static int read(BIO* bio, char* room, int size) {
    DtlsWire& wire = wire_of(bio);
    BIO_clear_retry_flags(bio);
    if (wire.input_.empty()) {
      BIO_set_retry_read(bio);
      return -1;
    }
    const std::size_t octets = std::min(wire.input_.size(), static_cast<std::size_t>(size));
    std::memcpy(room, wire.input_.data(), octets);
    wire.input_ = {};
    return static_cast<int>(octets);
  }

  /// A datagram that is held back is lost on the way, as far as OpenSSL can tell.
  static int write(BIO* bio, const char* octets, int size) {
    DtlsWire& wire = wire_of(bio);
    BIO_clear_retry_flags(bio);
    const auto length = static_cast<std::size_t>(size);
    if (wire.diverted_ != nullptr) {
      wire.diverted_->assign(octets, octets + length);
      return size;
    }
    if (!wire.may_send(length)) {
      ++wire.withheld_;
      return size;
    }
    wire.sent_ += length;
    wire.sink_.send({reinterpret_cast<const std::uint8_t*>(octets), length});
    return size;
  }
};

void DtlsWire::attach(ssl_st& ssl) {
  crypto::attach_wire<DtlsWireMethod>(ssl, this);
}

void DtlsWire::feed(std::span<const std::uint8_t> datagram) {
  input_ = datagram;
  received_ += datagram.size();
}

bool DtlsWire::may_send(std::size_t octets) const {
  return budget_.is_unlimited || sent_ + octets <= budget_.allowance + budget_.amplification * received_;
}

}  // namespace sallyport::keying
