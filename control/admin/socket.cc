// SPDX-License-Identifier: GPL-3.0-or-later
// Listening, admitting, and closing what went stale.
#include "control/admin/socket.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <list>
#include <stdexcept>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "control/admin/connection.h"

namespace sallyport::control {

namespace asio = boost::asio;
using boost::system::error_code;
using Protocol = asio::local::stream_protocol;

namespace {

std::optional<gid_t> find_group(const std::string& name) {
  if (name.empty()) return std::nullopt;
  const group* entry = getgrnam(name.c_str());
  if (entry == nullptr) throw std::runtime_error("daemon.admin_group: there is no group '" + name + "'");
  return entry->gr_gid;
}

// A socket that a daemon left behind refuses connections; one that answers belongs to a daemon that runs.
void remove_leftover(const std::string& path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return;
  if (!S_ISSOCK(status.st_mode))
    throw std::runtime_error("admin socket " + path + ": something else is there");
  asio::io_context context;
  Protocol::socket probe(context);
  error_code failure;
  probe.connect(Protocol::endpoint(path), failure);
  if (!failure) throw std::runtime_error("admin socket " + path + ": another daemon answers there");
  unlink(path.c_str());
}

ucred credentials_of(Protocol::socket& socket) {
  ucred peer{};
  socklen_t length = sizeof peer;
  if (getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
    peer.uid = static_cast<uid_t>(-1), peer.gid = static_cast<gid_t>(-1);
  return peer;
}

Refusal no_permission() {
  return {Error{ErrorClass::refused,
                "permission denied: only root, the daemon's user and members of its admin group"},
          ""};
}

}  // namespace

bool may_administer(uid_t user, gid_t group, uid_t daemon_user, std::optional<gid_t> admin_group) {
  if (user == 0 || user == daemon_user) return true;
  if (!admin_group) return false;
  if (group == *admin_group) return true;
  const passwd* entry = getpwuid(user);
  if (entry == nullptr) return false;
  std::array<gid_t, 256> groups{};
  int count = groups.size();
  if (getgrouplist(entry->pw_name, entry->pw_gid, groups.data(), &count) < 0) count = groups.size();
  return std::find(groups.begin(), groups.begin() + count, *admin_group) != groups.begin() + count;
}

struct AdminSocket::State : std::enable_shared_from_this<AdminSocket::State> {
  State(asio::io_context& context, const DaemonConfig& settings, Limits& limit_table,
        AdminService& admin_service, std::function<void()> on_input)
      : config(settings),
        limits(limit_table),
        service(admin_service),
        input(std::move(on_input)),
        admin_group(find_group(settings.admin_group)),
        acceptor(context),
        sweep_timer(context) {}

  void listen();
  void accept();
  void admit(Protocol::socket socket);
  void sweep();

  const DaemonConfig& config;
  Limits& limits;
  AdminService& service;
  std::function<void()> input;
  std::optional<gid_t> admin_group;
  Protocol::acceptor acceptor;
  asio::steady_timer sweep_timer;
  std::list<std::shared_ptr<AdminConnection>> connections;
};

void AdminSocket::State::listen() {
  remove_leftover(config.admin_socket);
  const mode_t before = umask(0777);  // nobody connects before the mode is right
  error_code failure;
  acceptor.open(Protocol(), failure);
  if (!failure) acceptor.bind(Protocol::endpoint(config.admin_socket), failure);
  umask(before);
  if (!failure && chmod(config.admin_socket.c_str(), config.admin_mode) != 0)
    failure = error_code(errno, boost::system::system_category());
  if (!failure) acceptor.listen(asio::socket_base::max_listen_connections, failure);
  if (failure) throw std::runtime_error("admin socket " + config.admin_socket + ": " + failure.message());
}

void AdminSocket::State::accept() {
  acceptor.async_accept([self = shared_from_this()](const error_code& failure, Protocol::socket socket) {
    if (failure == asio::error::operation_aborted) return;
    if (!failure) self->admit(std::move(socket));
    self->accept();
  });
}

void AdminSocket::State::admit(Protocol::socket socket) {
  connections.remove_if([](const auto& connection) { return !connection->open(); });
  const ucred peer = credentials_of(socket);
  const bool permitted = may_administer(peer.uid, peer.gid, geteuid(), admin_group);
  auto connection = std::make_shared<AdminConnection>(std::move(socket), limits, service, input);
  if (!permitted) {
    log::warning("admin.refused", {{"uid", peer.uid}, {"gid", peer.gid}, {"process", peer.pid}});
    return connection->refuse(error_line(std::nullopt, no_permission()));
  }
  if (connections.size() >= limits[Limit::admin_connections])
    return connection->refuse(
        error_line(std::nullopt, {limits.refuse(Limit::admin_connections).value(), ""}));
  log::debug("admin.connected", {{"uid", peer.uid}, {"process", peer.pid}});
  connections.push_back(connection);
  connection->start();
}

void AdminSocket::State::sweep() {
  const auto now = AdminConnection::Clock::now();
  for (const auto& connection : connections)
    if (connection->open() && connection->stale(now)) connection->close();
  connections.remove_if([](const auto& connection) { return !connection->open(); });
  sweep_timer.expires_after(std::chrono::seconds(1));
  sweep_timer.async_wait([self = shared_from_this()](const error_code& failure) {
    if (!failure) self->sweep();
  });
}

AdminSocket::AdminSocket(asio::io_context& context, const DaemonConfig& config, Limits& limits,
                         AdminService& service, std::function<void()> input)
    : state_(std::make_shared<State>(context, config, limits, service, std::move(input))) {
  state_->listen();
}

AdminSocket::~AdminSocket() {
  error_code ignored;
  state_->acceptor.close(ignored);
  state_->sweep_timer.cancel();
  for (const auto& connection : state_->connections) connection->close();
  unlink(state_->config.admin_socket.c_str());
}

void AdminSocket::hand_over(uid_t owner) {
  const gid_t group = state_->admin_group.value_or(static_cast<gid_t>(-1));
  if (chown(state_->config.admin_socket.c_str(), owner, group) != 0)
    throw std::runtime_error("admin socket " + state_->config.admin_socket + ": " + std::strerror(errno));
}

void AdminSocket::accept() {
  state_->accept();
  state_->sweep();
}

void AdminSocket::publish(std::string_view event, std::string_view json) {
  std::string line;
  for (const auto& connection : state_->connections) {
    if (!connection->open() || !connection->subscribed()) continue;
    if (line.empty()) line = event_line(event, json);
    connection->send_event(line);
  }
}

void AdminSocket::publish_of_call(std::uint64_t call, std::string_view event, std::string_view json) {
  std::string line;
  for (const auto& connection : state_->connections) {
    if (!connection->open() || !connection->follows(call)) continue;
    if (line.empty()) line = event_line(event, json);
    connection->send_event(line);
  }
}

bool AdminSocket::anyone_follows() const {
  return std::ranges::any_of(state_->connections, [](const auto& connection) {
    return connection->open() && connection->follows_any();
  });
}

std::size_t AdminSocket::connections() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(state_->connections, [](const auto& connection) { return connection->open(); }));
}

bool AdminSocket::drained() const {
  return std::ranges::all_of(state_->connections, [](const auto& connection) {
    return !connection->open() || connection->drained();
  });
}

}  // namespace sallyport::control
