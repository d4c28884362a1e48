// SPDX-License-Identifier: GPL-3.0-or-later
// TransportRig: a transport layer on a thread of its own, and what its user was told.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "tests/support/test_pki.h"
#include "tests/support/test_stream.h"
#include "transport/transport_layer.h"

namespace sallyport::test {

struct Told {
  enum class Kind { message, broken, opened, closed, unreachable } kind;
  sip::Hop hop;
  std::string text;  ///< the message, or why
};

class TransportRig : public transport::TransportUser {
 public:
  explicit TransportRig(transport::TransportSettings settings);
  ~TransportRig() override;

  /// Runs on the layer's thread and gives what it returns.
  template <typename Work>
  auto on_layer(Work work) -> decltype(work(std::declval<transport::TransportLayer&>())) {
    std::packaged_task<decltype(work(*layer_))()> task([&] { return work(*layer_); });
    auto result = task.get_future();
    boost::asio::post(context_, [&] { task(); });
    return result.get();
  }
  /// The next thing of this kind that the user was told, or nothing after a long time.
  [[nodiscard]] std::optional<Told> next(Told::Kind kind);
  /// Waits until something holds; looked at on the layer's thread between its turns.
  [[nodiscard]] bool eventually(const std::function<bool(transport::TransportLayer&)>& holds);
  [[nodiscard]] std::uint64_t count(transport::Count count) { return counters_[count]; }
  [[nodiscard]] std::uint64_t refusals(transport::Limit limit) { return limits_.refusals(limit); }
  /// Where a listener listens.
  [[nodiscard]] Endpoint at(std::size_t listener) { return addresses_.at(listener); }
  /// What the user does with a message, on the layer's thread; else it answers with nothing.
  std::function<void(transport::TransportLayer&, const sip::Frame&, const sip::Hop&)> on_message_do;

 private:
  void on_message(sip::Frame frame, const sip::Hop& from) override;
  void on_connection_opened(const sip::Hop& hop) override;
  void on_connection_closed(const sip::Hop& hop, const Error& why) override;
  void on_unreachable(const sip::Hop& hop, const Error& why) override;
  void tell(Told told);

  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{context_.get_executor()};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Told> told_;
  std::unique_ptr<transport::TransportLayer> layer_;
  transport::Limits& limits_;
  transport::Counters& counters_;
  std::vector<Endpoint> addresses_;
  std::jthread thread_;
};

/// A TLS listener on loopback with these certificates.
[[nodiscard]] transport::ListenerSettings tls_listener(
    std::vector<std::string> certificates,
    transport::ClientCertificates mode = transport::ClientCertificates::none);
[[nodiscard]] transport::ListenerSettings plain_listener(sip::Transport transport);

}  // namespace sallyport::test
