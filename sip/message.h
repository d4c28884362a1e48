// SPDX-License-Identifier: GPL-3.0-or-later
// Message: a request or response that was parsed once into offsets over its own text; headers are decoded on
// demand.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "sip/comma_list.h"
#include "sip/cseq.h"
#include "sip/header_table.h"
#include "sip/limits.h"
#include "sip/method.h"
#include "sip/name_addr.h"
#include "sip/via.h"

namespace sallyport::sip {

struct Field {
  HeaderId id;
  std::string_view name;   ///< as written: perhaps compact, in any case
  std::string_view value;  ///< unfolded, without white space at either end
};

/// Every view that a message gives lasts as long as the message, and moving the message keeps it valid.
class Message {
  /// Where a field stands in the text.
  struct Place {
    std::uint32_t name_begin;
    std::uint32_t value_begin;
    std::uint32_t value_size;
    std::uint16_t name_size;
    HeaderId id;
  };

 public:
  Message() = default;

  [[nodiscard]] bool is_request() const { return request_; }
  /// Of a request; of a response, the method that its CSeq names.
  [[nodiscard]] Method method() const { return method_; }
  [[nodiscard]] std::string_view method_text() const { return view(method_text_); }
  /// Empty in a response.
  [[nodiscard]] std::string_view request_uri() const { return view(request_uri_); }
  /// 100 to 699; 0 in a request.
  [[nodiscard]] unsigned status() const { return status_; }
  [[nodiscard]] std::string_view reason() const { return view(reason_); }

  /// The value of the first field of this id.
  [[nodiscard]] std::optional<std::string_view> header(HeaderId id) const;
  [[nodiscard]] bool has(HeaderId id) const { return first_[static_cast<std::size_t>(id)] != 0; }
  /// The value of the first field of this name; case does not matter, compact forms do not count.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;

  [[nodiscard]] std::size_t field_count() const { return fields_.size(); }
  [[nodiscard]] Field field(std::size_t index) const;

  /// All fields in order, or all of one id: `for (Field field : message.fields())`.
  class FieldRange;
  [[nodiscard]] FieldRange fields() const;
  [[nodiscard]] FieldRange fields(HeaderId id) const;
  /// All values of a list header in order, whether commas or fields divide them. Fields of other kinds are
  /// one value each. `for (std::string_view value : message.values(HeaderId::route))`.
  class ValueRange;
  [[nodiscard]] ValueRange values(HeaderId id) const;

  [[nodiscard]] std::string_view body() const { return view(body_); }
  /// The whole message as it was parsed (folded lines are unfolded).
  [[nodiscard]] std::string_view text() const { return text_; }
  /// From the start line to the empty line, which is not part of it.
  [[nodiscard]] std::string_view head() const { return std::string_view(text_).substr(0, head_size_); }
  /// Empty if absent, which parse_message() calls a defect.
  [[nodiscard]] std::string_view call_id() const { return header(HeaderId::call_id).value_or(""); }

  /// Decoded on demand; parse_message() saw that these can be, unless it reported a defect.
  [[nodiscard]] Result<Via> top_via() const;
  [[nodiscard]] Result<NameAddr> from() const;
  [[nodiscard]] Result<NameAddr> to() const;
  [[nodiscard]] Result<CSeq> cseq() const;
  /// The values of Route, Record-Route, Path, Service-Route, P-Asserted-Identity or another list of
  /// addresses.
  [[nodiscard]] Result<std::vector<NameAddr>> addresses(HeaderId id) const;
  /// A header that is one decimal number (Max-Forwards, Expires, Min-Expires, …): nothing if absent.
  [[nodiscard]] Result<std::optional<std::uint32_t>> number(HeaderId id) const;

  /// Octets of memory that this message holds, itself included.
  [[nodiscard]] std::size_t memory() const {
    return sizeof(*this) + text_.capacity() + fields_.capacity() * sizeof(Place);
  }

 private:
  friend class Parser;

  /// A stretch of the text.
  struct Stretch {
    std::uint32_t begin = 0;
    std::uint32_t size = 0;
  };
  [[nodiscard]] std::string_view view(Stretch stretch) const {
    return std::string_view(text_).substr(stretch.begin, stretch.size);
  }

  std::string text_;
  std::vector<Place> fields_;
  std::array<std::uint8_t, kHeaderCount> first_{};  ///< one more than the index of the first field of an id
  Stretch method_text_;
  Stretch request_uri_;
  Stretch reason_;
  Stretch body_;
  std::uint32_t head_size_ = 0;
  std::uint16_t status_ = 0;
  Method method_ = Method::other;
  bool request_ = true;
};

class Message::FieldRange {
 public:
  class Iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using difference_type = std::ptrdiff_t;
    using value_type = Field;

    Iterator() = default;
    Iterator(const Message* message, HeaderId id, bool all, std::size_t index)
        : message_(message), index_(index), id_(id), all_(all) {
      settle();
    }
    Field operator*() const { return message_->field(index_); }
    Iterator& operator++() {
      ++index_;
      settle();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& it, std::default_sentinel_t) {
      return it.message_ == nullptr || it.index_ >= it.message_->field_count();
    }

   private:
    void settle() {
      while (!all_ && index_ < message_->fields_.size() && message_->fields_[index_].id != id_) ++index_;
    }

    const Message* message_ = nullptr;
    std::size_t index_ = 0;
    HeaderId id_ = HeaderId::other;
    bool all_ = true;
  };

  [[nodiscard]] Iterator begin() const { return Iterator(message_, id_, all_, first_); }
  [[nodiscard]] std::default_sentinel_t end() const { return std::default_sentinel; }
  [[nodiscard]] bool empty() const { return begin() == end(); }

 private:
  friend class Message;
  FieldRange(const Message* message, HeaderId id, bool all, std::size_t first)
      : message_(message), first_(first), id_(id), all_(all) {}

  const Message* message_;
  std::size_t first_;
  HeaderId id_;
  bool all_;
};

class Message::ValueRange {
 public:
  class Iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using difference_type = std::ptrdiff_t;
    using value_type = std::string_view;

    Iterator() = default;
    Iterator(FieldRange::Iterator field, bool is_list) : field_(field), is_list_(is_list) { open(); }
    std::string_view operator*() const { return value_; }
    Iterator& operator++() {
      if (rest_.empty()) {
        ++field_;
        open();
      } else {
        value_ = next_list_value(rest_);
      }
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& it, std::default_sentinel_t end) { return it.field_ == end; }

   private:
    void open() {
      if (field_ == std::default_sentinel) return;
      rest_ = (*field_).value;
      value_ = is_list_ ? next_list_value(rest_) : std::exchange(rest_, {});
    }

    FieldRange::Iterator field_;
    std::string_view rest_;
    std::string_view value_;
    bool is_list_ = false;
  };

  [[nodiscard]] Iterator begin() const { return Iterator(fields_.begin(), is_list_); }
  [[nodiscard]] std::default_sentinel_t end() const { return std::default_sentinel; }
  [[nodiscard]] bool empty() const { return fields_.empty(); }

 private:
  friend class Message;
  ValueRange(FieldRange fields, bool is_list) : fields_(fields), is_list_(is_list) {}

  FieldRange fields_;
  bool is_list_;
};

/// Why a message is not to be used, and what to answer if it is a request.
struct Defect {
  std::uint16_t status = 400;
  const char* reason = "Bad Request";  ///< a reason phrase that says what is wrong
  /// response_to() may be used; it copies what is there of what a response wants.
  bool answerable = false;
  Limit limit = Limit::none;  ///< the limit that it exceeds, to be counted
};

/// A response can be made: a request other than ACK, with a method and a Via. If the Via is malformed, the
/// response can only go where the request came from.
[[nodiscard]] bool is_answerable(const Message& message);

struct ParsedMessage {
  Message message;
  std::optional<Defect> defect;
};

/// Parses one whole message: a datagram, or what StreamFramer gives. Octets beyond Content-Length are dropped
/// (RFC 3261 §18.3); fewer are a defect. The grammar of the start line, of every field's frame and of Via,
/// From, To, Call-ID, CSeq, Max-Forwards and Content-Length is checked here; other headers where they are
/// decoded.
[[nodiscard]] ParsedMessage parse_message(std::string text, const Limits& limits = kStandardLimits);

}  // namespace sallyport::sip
