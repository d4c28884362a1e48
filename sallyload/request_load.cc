// SPDX-License-Identifier: GPL-3.0-or-later
// One request after the other for each subscriber.
#include "sallyload/request_load.h"

namespace sallyport::sallyload {

RequestLoad::RequestLoad(boost::asio::io_context& context, const Settings& settings, Client& client,
                         Report& report)
    : Load(context, settings, client, report),
      subscribers_(settings, client, report,
                   [this](std::uint64_t index, std::optional<Failure> failure, std::string_view what) {
                     on_ended(index, failure, what);
                   }) {
  for (std::uint64_t i = 0; i < settings.users.count; ++i) free_.push_back(i);
}

void RequestLoad::begin() {
  const std::uint64_t index = free_.front();
  free_.pop_front();
  const bool registers = settings_.task == Task::registrations;
  subscribers_.begin(index, registers ? sip::Method::register_ : sip::Method::options, registers);
}

void RequestLoad::on_response(std::uint64_t context, sip::Message& response) {
  progress();
  subscribers_.on_response(number_of(context), response);
}

void RequestLoad::on_failure(std::uint64_t context, Failure failure) {
  subscribers_.on_failure(number_of(context), failure);
}

void RequestLoad::on_request(sip::ServerTransactionId id, const sip::Message& request, const sip::Hop&) {
  const bool ping = request.method() == sip::Method::options;
  if (!ping) ++report_.unexpected;
  client_.respond(id, client_.response(id, ping ? 200 : 486));
}

void RequestLoad::on_ended(std::uint64_t index, std::optional<Failure> failure, std::string_view what) {
  Subscriber& subscriber = subscribers_[index];
  if (!failure && settings_.unregister && subscriber.registering)
    return subscribers_.begin(index, sip::Method::register_, false);
  if (settings_.new_connection) client_.close(subscriber.hop);
  free_.push_back(index);
  if (failure)
    failed(*failure, what);
  else
    succeeded();
}

}  // namespace sallyport::sallyload
