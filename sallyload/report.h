// SPDX-License-Identifier: GPL-3.0-or-later
// Report: what came back and how long it took; names of all that is counted stand in tables here.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "base/histogram.h"
#include "sallyload/settings.h"
#include "sip/method.h"

namespace sallyport::sallyload {

/// What is timed.
enum class Exchange : std::uint8_t {
  challenge,     ///< REGISTER to its 401
  register_,     ///< REGISTER to its 2xx
  registration,  ///< the whole, a new connection included
  unregister,
  options,
  call_setup,  ///< the first INVITE to the 200
  ringing,     ///< the first INVITE to the 180
  reached,     ///< the first INVITE to its arrival at the callee
  bye,
  media_delay,  ///< one way
  keyed,        ///< the first INVITE to DTLS-SRTP's keys at both ends
  flowing,      ///< the first INVITE to media of DTLS-SRTP at both ends
};
inline constexpr std::array<std::string_view, 12> kExchangeNames = {
    "challenge", "register", "registration", "unregister",  "options", "call_setup",
    "ringing",   "reached",  "bye",          "media_delay", "keyed",   "flowing"};

/// Why something did not come back as it should. One of these is counted for each registration, call or ping
/// that failed; those of media for each packet.
enum class Failure : std::uint8_t {
  timeout,
  connection,          ///< lost, or not to be opened
  status,              ///< refused by a status that nobody expects
  credentials,         ///< challenged again after a good answer
  challenge,           ///< nothing that we can answer
  binding,             ///< a 200 to REGISTER without our Contact
  callee_not_reached,  ///< the call was answered, but not by its callee
  wrong_connection,    ///< a request came over another connection than the one registered over
  description,         ///< no usable session description
  ended_by_peer,       ///< a BYE that we did not send
  keys,                ///< an end's DTLS-SRTP gave none
  media,               ///< packets of the call were lost or wrong
  interrupted,
};
inline constexpr std::array<std::string_view, 13> kFailureNames = {"timeout",
                                                                   "connection",
                                                                   "status",
                                                                   "credentials",
                                                                   "challenge",
                                                                   "binding",
                                                                   "callee_not_reached",
                                                                   "wrong_connection",
                                                                   "description",
                                                                   "ended_by_peer",
                                                                   "keys",
                                                                   "media",
                                                                   "interrupted"};

struct MediaCounts {
  std::uint64_t sent = 0;
  std::uint64_t received = 0;  ///< whole and of the right stream
  std::uint64_t early = 0;  ///< by DTLS-SRTP: sent before the first that came, for the relay had no keys yet
  std::uint64_t lost = 0;   ///< of the others
  std::uint64_t out_of_order = 0;
  std::uint64_t repeated = 0;
  std::uint64_t wrong = 0;     ///< another stream's, or damaged
  std::uint64_t unopened = 0;  ///< SRTP that did not verify
  std::uint64_t not_sent = 0;  ///< the network would not take them

  MediaCounts& operator+=(const MediaCounts& other);
  [[nodiscard]] bool whole() const {
    return lost == 0 && repeated == 0 && wrong == 0 && unopened == 0 && not_sent == 0;
  }
};

class Report {
 public:
  void count_status(sip::Method method, unsigned status) { ++statuses_[{method, status}]; }
  void count_failure(Failure failure) { ++failures_[static_cast<std::size_t>(failure)]; }
  void record(Exchange exchange, std::uint64_t microseconds) {
    histograms_[static_cast<std::size_t>(exchange)].record(microseconds);
  }
  void add_media(const MediaCounts& counts) { media_ += counts; }

  [[nodiscard]] std::uint64_t failures() const;
  [[nodiscard]] const Histogram& times(Exchange exchange) const {
    return histograms_[static_cast<std::size_t>(exchange)];
  }
  [[nodiscard]] const MediaCounts& media() const { return media_; }

  // What the run as a whole tells.
  std::uint64_t started = 0;
  std::uint64_t succeeded = 0;
  std::uint64_t prepared = 0;  ///< registrations that calls need
  std::uint64_t connections = 0;
  std::uint64_t resumed = 0;
  std::uint64_t connections_lost = 0;
  std::uint64_t malformed = 0;   ///< messages that cannot be used
  std::uint64_t unexpected = 0;  ///< requests and responses that belong to nothing
  std::string gave_up;           ///< why the run ended early
  std::string first_trouble;     ///< the first failure in words
  double begun_within_s = 0;     ///< from the run's beginning until the last was begun
  double wall_s = 0;
  double cpu_s = 0;

  void trouble(std::string_view what) {
    if (first_trouble.empty()) first_trouble = what;
  }
  [[nodiscard]] bool complete() const;
  [[nodiscard]] std::string json(const Settings& settings) const;
  [[nodiscard]] std::string text(const Settings& settings) const;

 private:
  std::map<std::pair<sip::Method, unsigned>, std::uint64_t> statuses_;
  std::array<std::uint64_t, kFailureNames.size()> failures_{};
  std::array<Histogram, kExchangeNames.size()> histograms_{};
  MediaCounts media_;
};

}  // namespace sallyport::sallyload
