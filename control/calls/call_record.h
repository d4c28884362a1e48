// SPDX-License-Identifier: GPL-3.0-or-later
// CallRecord: what is kept of a call, as one line of JSON. There is no place for a key in it.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/fwd.hpp>

#include "base/result.h"

namespace sallyport::control {

/// Time of day, for people.
using RecordTime = std::chrono::sys_time<std::chrono::milliseconds>;
/// `2026-03-01T12:00:00.123Z` (RFC 3339).
[[nodiscard]] std::string to_text(RecordTime time);

/// One direction of one medium. Of what is sent on a leg, `packets` are those that were passed on; the rest
/// is as it was received on the other leg.
struct RecordedStream {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  std::uint64_t lost = 0;
  double jitter_ms = 0;
  std::uint64_t forged = 0;    ///< refused: the tag did not verify
  std::uint64_t replayed = 0;  ///< refused: it had come before
};

/// ZRTP's short authentication string, which both ends of the leg read to each other.
struct RecordedSas {
  std::string text;
  bool verified = false;  ///< people compared it: in this call, or in an earlier one at both ends
  bool mismatch = false;  ///< retained secrets are not the peer's: somebody may be in the middle
};

struct RecordedMedia {
  std::string kind;               ///< `audio`
  std::string codec;              ///< `opus/48000/2`, or several with commas
  std::string profile;            ///< `RTP/SAVP`
  std::string keys;               ///< how SRTP's came: `sdes`, `dtls`, `zrtp`, `end-to-end`; empty: plain
  std::string suite;              ///< of SRTP; empty: plain, or its keys are awaited
  std::string handshake_failure;  ///< why there are no keys; empty: nothing failed
  std::optional<RecordedSas> sas;
  bool ice = false;
  std::string local, remote;  ///< as described to each other
  std::string source;         ///< where packets are accepted from, as latched; empty: nothing is known
  std::uint64_t relay = 0;    ///< that serves it; of a call that is up
  RecordedStream received, sent;
};

struct RecordedLeg {
  std::string call_id;
  std::string side;
  std::string listener;
  std::string identity;  ///< who it is, proven: an address-of-record or `trunk:NAME`; empty: nobody knows
  std::string from, to;  ///< as shown on this leg
  std::string request_uri;
  std::string transport;  ///< `TLS`
  std::string remote;     ///< address and port
  std::string tls_version, tls_cipher;
  std::vector<std::string> certificate_names;  ///< that the peer's verified certificate carries
  std::string certificate_fingerprint;
  std::string digest_algorithm;  ///< by which the identity was proven; empty: not by digest
  std::string user_agent;
  std::vector<RecordedMedia> media;
};

enum class EndedBy : std::uint8_t { caller, called, us, nobody };

/// An attempt that came to nothing.
struct RecordedAttempt {
  std::string target;   ///< `trunk:carrier`, `sip:alice@192.0.2.1`
  unsigned status = 0;  ///< 0: no answer
  std::string why;
};

struct CallRecord {
  std::string id;
  std::string caller, called;  ///< addresses-of-record or numbers as routed
  std::string route;           ///< by which rule
  std::string trunk;           ///< that carried it out; empty: none
  RecordTime invite{};
  std::optional<RecordTime> ringing, answer;
  RecordTime end{};
  unsigned status = 0;  ///< the final status that the caller got
  EndedBy ended_by = EndedBy::nobody;
  std::string reason;  ///< Reason header, limit or fault: why it ended
  RecordedLeg a;
  std::optional<RecordedLeg> b;
  std::vector<RecordedAttempt> attempts;  ///< that failed before

  /// From answer to end; nothing if it was never answered.
  [[nodiscard]] std::optional<std::chrono::milliseconds> duration() const;
};

/// What the line holds.
[[nodiscard]] boost::json::object to_json(const CallRecord& record);
/// One line with its end.
[[nodiscard]] std::string write_record(const CallRecord& record);

/// A file of lines that others may rotate. The control thread's.
class RecordFile {
 public:
  /// An empty path: nothing is ever written.
  explicit RecordFile(std::string path) : path_(std::move(path)) {}
  ~RecordFile();
  RecordFile(const RecordFile&) = delete;
  RecordFile& operator=(const RecordFile&) = delete;

  /// Opens, or opens anew what now has that name: after a rotation, or a reload with another path. After an
  /// error the file that was open stays.
  [[nodiscard]] Result<void> reopen();
  [[nodiscard]] Result<void> reopen(std::string path);
  /// Appends the line whole or not at all, and counts. Where the file is not open it is tried again.
  void append(const CallRecord& record);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::uint64_t written() const { return written_; }
  [[nodiscard]] std::uint64_t lost() const { return lost_; }

 private:
  [[nodiscard]] Result<void> append_line(const std::string& line);

  std::string path_;
  int descriptor_ = -1;
  std::uint64_t written_ = 0;
  std::uint64_t lost_ = 0;
  bool failing_ = false;
};

}  // namespace sallyport::control
