// SPDX-License-Identifier: GPL-3.0-or-later
// Walking over records.
#include "keying/dtls_record.h"

#include "base/bytes.h"

namespace sallyport::keying {

namespace {

constexpr std::uint8_t kChangeCipherSpec = 20;
constexpr std::uint8_t kHandshake = 22;
constexpr std::uint8_t kApplicationData = 23;
constexpr std::uint8_t kMajorVersion = 0xfe;

std::uint32_t u24(ByteCursor& cursor) {
  const std::uint32_t high = cursor.u8();
  return high << 16 | cursor.u16();
}

/// RFC 6347 §4.2.2: type, length, message_seq, fragment_offset, fragment_length; then the fragment.
DtlsShape inspect_handshake(std::span<const std::uint8_t> record, std::size_t max_message) {
  ByteCursor cursor(record);
  do {
    cursor.skip(1);
    const std::size_t length = u24(cursor);
    cursor.skip(2);
    const std::size_t offset = u24(cursor);
    const std::size_t fragment = u24(cursor);
    cursor.skip(fragment);
    if (!cursor.ok() || offset + fragment > length) return DtlsShape::malformed;
    if (length > max_message) return DtlsShape::oversized;
  } while (cursor.remaining() > 0);
  return DtlsShape::whole;
}

}  // namespace

DtlsShape inspect_dtls(std::span<const std::uint8_t> datagram, std::size_t max_message) {
  ByteCursor cursor(datagram);
  do {
    const std::uint8_t type = cursor.u8();
    const std::uint8_t major = cursor.u8();
    cursor.skip(1);
    const std::uint16_t epoch = cursor.u16();
    cursor.skip(6);
    const auto record = cursor.take(cursor.u16());
    if (!cursor.ok() || type < kChangeCipherSpec || type > kApplicationData || major != kMajorVersion)
      return DtlsShape::malformed;
    if (type != kHandshake || epoch != 0) continue;
    const DtlsShape shape = inspect_handshake(record, max_message);
    if (shape != DtlsShape::whole) return shape;
  } while (cursor.remaining() > 0);
  return DtlsShape::whole;
}

}  // namespace sallyport::keying
