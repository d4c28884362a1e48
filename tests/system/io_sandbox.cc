// SPDX-License-Identifier: GPL-3.0-or-later
// Namespaces by unshare(2) and setns(2); commands by posix_spawnp(3).
#include "tests/system/io_sandbox.h"

#include <cerrno>
#include <cstring>
#include <sstream>
#include <stdexcept>

#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace sallyport::test {

namespace {

using dataplane::FileDescriptor;

constexpr int kMostLinkEvents = 100;

FileDescriptor present_namespace() {
  FileDescriptor descriptor(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!descriptor.is_open())
    throw std::runtime_error(std::string("no network namespace: ") + std::strerror(errno));
  return descriptor;
}

void enter(const FileDescriptor& descriptor) {
  if (setns(descriptor.get(), CLONE_NEWNET) != 0)
    throw std::runtime_error(std::string("cannot enter a namespace: ") + std::strerror(errno));
}

std::vector<std::string> words_of(const std::string& command) {
  std::istringstream stream(command);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

}  // namespace

std::string why_no_sandbox() {
  if (geteuid() != 0) return "needs root, to make network namespaces";
  if (run("ip -V") != 0) return "needs the ip command";
  try {
    const Namespace probe;
  } catch (const std::exception& error) {
    return error.what();
  }
  return {};
}

Namespace::Namespace() {
  const FileDescriptor before = present_namespace();
  if (unshare(CLONE_NEWNET) != 0)
    throw std::runtime_error(std::string("cannot make a network namespace: ") + std::strerror(errno));
  descriptor_ = present_namespace();
  must_run("ip link set lo up");
  enter(before);
}

std::string Namespace::path() const {
  return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(descriptor_.get());
}

Inside::Inside(const Namespace& inside) : before_(present_namespace()) {
  if (setns(inside.descriptor(), CLONE_NEWNET) != 0)
    throw std::runtime_error(std::string("cannot enter a namespace: ") + std::strerror(errno));
}

Inside::~Inside() {
  (void)setns(before_.get(), CLONE_NEWNET);
}

int run(const std::string& command) {
  std::vector<std::string> words = words_of(command);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  const int error = posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return -1;
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void must_run(const std::string& command) {
  const int code = run(command);
  if (code != 0) throw std::runtime_error("'" + command + "' ended with " + std::to_string(code));
}

void wait_until_running(const std::string& interface_name) {
  const FileDescriptor events(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  sockaddr_nl links{};
  links.nl_family = AF_NETLINK;
  links.nl_groups = RTMGRP_LINK;
  if (bind(events.get(), reinterpret_cast<const sockaddr*>(&links), sizeof links) != 0)
    throw std::runtime_error(std::string("cannot watch links: ") + std::strerror(errno));
  for (int i = 0; i < kMostLinkEvents; ++i) {
    ifreq request{};
    interface_name.copy(request.ifr_name, IFNAMSIZ - 1);
    if (ioctl(events.get(), SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_RUNNING) != 0) return;
    pollfd waiting{events.get(), POLLIN, 0};
    char ignored[8192];
    if (poll(&waiting, 1, kPatienceMs) != 1 || recv(events.get(), ignored, sizeof ignored, 0) < 0) break;
  }
  throw std::runtime_error("interface " + interface_name + " does not come up");
}

}  // namespace sallyport::test
