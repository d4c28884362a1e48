// SPDX-License-Identifier: GPL-3.0-or-later
// RequestLoad: registrations, and pings by OPTIONS.
#pragma once

#include <deque>

#include "sallyload/load.h"
#include "sallyload/subscribers.h"

namespace sallyport::sallyload {

class RequestLoad : public Load {
 public:
  RequestLoad(boost::asio::io_context& context, const Settings& settings, Client& client, Report& report);

 private:
  [[nodiscard]] bool has_free() const override { return !free_.empty(); }
  void begin() override;
  void on_response(std::uint64_t context, sip::Message& response) override;
  void on_failure(std::uint64_t context, Failure failure) override;
  void on_request(sip::ServerTransactionId id, const sip::Message& request, const sip::Hop& hop) override;
  void on_ended(std::uint64_t index, std::optional<Failure> failure, std::string_view what);

  Subscribers subscribers_;
  std::deque<std::uint64_t> free_;  ///< the one that waits longest comes first
};

}  // namespace sallyport::sallyload
