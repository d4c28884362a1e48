// SPDX-License-Identifier: GPL-3.0-or-later
// Socket, lines, and what errors mean for the exit code.
#include "sallyctl/client.h"

#include <cerrno>
#include <cstring>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/secret.h"

namespace sallyport::sallyctl {

namespace json = boost::json;

namespace {

constexpr int kPatienceMs = 30000;

Failure connection_failure(const std::string& path, int error) {
  if (error == EACCES || error == EPERM) return {ExitCode::no_permission, "no permission to use " + path};
  if (error == ENOENT || error == ECONNREFUSED)
    return {ExitCode::no_daemon,
            "no daemon answers at " + path + " (is sallyportd running? --socket names another place)"};
  return {ExitCode::no_daemon, path + ": " + std::strerror(error)};
}

ExitCode code_of(std::string_view error_class) {
  if (error_class == "refused") return ExitCode::refused;
  if (error_class == "not_found") return ExitCode::not_found;
  if (error_class == "exhausted") return ExitCode::exhausted;
  return error_class == "malformed" || error_class == "unsupported" ? ExitCode::usage : ExitCode::failed;
}

std::string text_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

json::object parse_answer(const std::string& line) {
  json::error_code failure;
  json::value answer = json::parse(line, failure);
  if (failure || !answer.is_object())
    throw Failure{ExitCode::failed, "the daemon answered something else than JSON"};
  return std::move(answer.get_object());
}

}  // namespace

Client::Client(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw Failure{ExitCode::usage, "the socket's path is too long"};
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  descriptor_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor_ < 0 ||
      connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int error = errno;
    if (descriptor_ >= 0) close(descriptor_);
    throw connection_failure(path, error);
  }
}

Client::~Client() {
  close(descriptor_);
}

void Client::write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL);
    if (written < 0 && errno == EINTR) continue;
    // A daemon that refuses this user says why before it closes: the answer tells more than the broken pipe.
    if (written < 0 && (errno == EPIPE || errno == ECONNRESET)) return;
    if (written < 0)
      throw Failure{ExitCode::no_daemon, std::string("the daemon is gone: ") + std::strerror(errno)};
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

bool Client::answer_waits() const {
  if (received_.find('\n', consumed_) != std::string::npos) return true;
  pollfd waiting{descriptor_, POLLIN, 0};
  return poll(&waiting, 1, 0) > 0;
}

std::string Client::read_line(int patience_ms) {
  for (;;) {
    const auto newline = received_.find('\n', consumed_);
    if (newline != std::string::npos) {
      std::string line = received_.substr(consumed_, newline - consumed_);
      consumed_ = newline + 1;
      return line;
    }
    received_.erase(0, std::exchange(consumed_, 0));
    pollfd waiting{descriptor_, POLLIN, 0};
    if (poll(&waiting, 1, patience_ms) == 0) throw Failure{ExitCode::no_daemon, "the daemon does not answer"};
    char octets[65536];
    const ssize_t count = recv(descriptor_, octets, sizeof octets, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) throw Failure{ExitCode::no_daemon, "the daemon closed the connection"};
    received_.append(octets, static_cast<std::size_t>(count));
  }
}

std::uint64_t Client::send(std::string_view method, const json::object& params) {
  std::string text = "{\"v\":1,\"id\":" + std::to_string(++last_id_) + ",\"method\":\"" +
                     std::string(method) + "\",\"params\":" + json::serialize(params) + "}\n";
  write_all(text);
  wipe(text.data(), text.size());
  return last_id_;
}

json::object Client::receive() {
  return parse_answer(read_line(kPatienceMs));
}

json::object Client::receive_event() {
  return parse_answer(read_line(-1));
}

json::object Client::result_of(json::object answer) {
  if (auto* result = answer.if_contains("result"); result != nullptr && result->is_object())
    return std::move(result->get_object());
  const auto* error = answer.if_contains("error");
  if (error == nullptr || !error->is_object())
    throw Failure{ExitCode::failed, "the daemon's answer has no result"};
  const std::string key = text_of(error->get_object(), "key"),
                    message = text_of(error->get_object(), "message");
  ExitCode code = code_of(text_of(error->get_object(), "class"));
  const auto* id = answer.if_contains("id");
  // A refusal of no request at all is one of the connection.
  if (code == ExitCode::refused && id != nullptr && id->is_null()) code = ExitCode::no_permission;
  throw Failure{code, key.empty() ? message : key + ": " + message};
}

json::object Client::call(std::string_view method, json::object params) {
  send(method, params);
  return result_of(receive());
}

}  // namespace sallyport::sallyctl
