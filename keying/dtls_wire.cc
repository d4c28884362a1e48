// SPDX-License-Identifier: GPL-3.0-or-later
// A BIO of datagrams.
#include "keying/dtls_wire.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include <openssl/bio.h>
#include <openssl/ssl.h>

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

  static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

  static int create(BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
  }

  static const BIO_METHOD* method() {
    static const BIO_METHOD* const made = [] {
      BIO_METHOD* wire = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sallyport datagrams");
      if (wire == nullptr) std::abort();
      BIO_meth_set_read(wire, read);
      BIO_meth_set_write(wire, write);
      BIO_meth_set_ctrl(wire, control);
      BIO_meth_set_create(wire, create);
      return wire;
    }();
    return made;
  }
};

void DtlsWire::attach(ssl_st& ssl) {
  BIO* bio = BIO_new(DtlsWireMethod::method());
  if (bio == nullptr) std::abort();
  BIO_set_data(bio, this);
  SSL_set_bio(&ssl, bio, bio);
}

void DtlsWire::feed(std::span<const std::uint8_t> datagram) {
  input_ = datagram;
  received_ += datagram.size();
}

bool DtlsWire::may_send(std::size_t octets) const {
  return budget_.is_unlimited || sent_ + octets <= budget_.allowance + budget_.amplification * received_;
}

}  // namespace sallyport::keying
