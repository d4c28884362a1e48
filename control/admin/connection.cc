// SPDX-License-Identifier: GPL-3.0-or-later
// Reading requests and writing answers of one client.
#include "control/admin/connection.h"

#include <boost/asio/write.hpp>

#include "base/secret.h"
#include "control/admin/protocol.h"

namespace sallyport::control {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {
constexpr std::chrono::seconds kIdle{600};    ///< a client that asks nothing
constexpr std::chrono::seconds kStalled{30};  ///< a client that does not read
}  // namespace

AdminConnection::AdminConnection(Socket socket, Limits& limits, AdminService& service,
                                 std::function<void()> input)
    : socket_(std::move(socket)),
      limits_(limits),
      service_(service),
      input_(std::move(input)),
      lines_(limits[Limit::admin_line_bytes]) {}

bool AdminConnection::must_wait() const {
  return unanswered_ >= limits_[Limit::admin_pipeline] ||
         pending_.size() + writing_.size() >= limits_[Limit::admin_output_bytes];
}

bool AdminConnection::stale(Clock::time_point now) const {
  if (!drained()) return now - last_progress_ > kStalled;
  return !subscribed_ && !followed_ && unanswered_ == 0 && now - last_progress_ > kIdle;
}

void AdminConnection::read() {
  if (reading_ || ending_ || !socket_.is_open() || must_wait()) return;
  reading_ = true;
  const auto room = lines_.prepare();
  socket_.async_read_some(asio::buffer(room.data(), room.size()),
                          [self = shared_from_this()](const error_code& failure, std::size_t octets) {
                            self->reading_ = false;
                            if (failure) return self->close();
                            self->on_read(octets);
                          });
}

void AdminConnection::on_read(std::size_t octets) {
  last_progress_ = Clock::now();
  lines_.commit(octets);
  take_lines();
  read();
}

void AdminConnection::take_lines() {
  if (taking_ || reading_ || ending_) return;
  taking_ = true;
  while (!ending_ && !must_wait()) {
    const auto line = lines_.next_line();
    if (!line) break;
    take_line(*line);
    lines_.release();
  }
  taking_ = false;
  if (!ending_ && lines_.overflowed())
    refuse(error_line(std::nullopt, {limits_.refuse(Limit::admin_line_bytes).value(), ""}));
  input_();
}

void AdminConnection::take_line(std::string_view line) {
  auto request = parse_request(line);
  if (!request) return send(error_line(request.error().id, request.error().refusal));
  if (std::holds_alternative<request::Subscribe>(request->body)) subscribed_ = true;
  if (const auto* follow = std::get_if<request::TraceFollow>(&request->body))
    followed_ = follow->call.value_or(0);
  ++unanswered_;
  service_.handle(std::move(*request), [self = shared_from_this()](std::string answer) {
    --self->unanswered_;
    self->send(std::move(answer));
    // What was held back may go on; not from within the loop that asked.
    self->take_lines();
    if (!self->taking_) self->read();
  });
}

void AdminConnection::send(std::string line) {
  if (!socket_.is_open()) return;
  if (drained()) last_progress_ = Clock::now();
  pending_ += line;
  write();
}

void AdminConnection::send_event(const std::string& line) {
  if (pending_.size() + writing_.size() < limits_[Limit::admin_output_bytes]) return send(line);
  limits_.count_refusal(Limit::admin_output_bytes);
}

void AdminConnection::refuse(std::string line) {
  ending_ = true;
  send(std::move(line));
}

void AdminConnection::write() {
  if (!writing_.empty() || pending_.empty()) return;
  writing_.swap(pending_);
  asio::async_write(socket_, asio::buffer(writing_),
                    [self = shared_from_this()](const error_code& failure, std::size_t) {
                      if (failure) return self->close();
                      self->on_written();
                    });
}

void AdminConnection::on_written() {
  last_progress_ = Clock::now();
  writing_.clear();
  if (!pending_.empty()) return write();
  if (ending_) return close();
  take_lines();
  read();
}

void AdminConnection::close() {
  error_code ignored;
  ending_ = true;
  socket_.close(ignored);
}

}  // namespace sallyport::control
