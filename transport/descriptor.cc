// SPDX-License-Identifier: GPL-3.0-or-later
// Epoll sets: adding, changing, waiting.
#include "transport/descriptor.h"

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

namespace sallyport::transport {

Poller::Poller() : set_(epoll_create1(EPOLL_CLOEXEC)) {
  if (!set_) throw std::runtime_error(std::string("epoll_create1: ") + std::strerror(errno));
}

bool Poller::add(int descriptor, std::uint64_t token, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = token;
  return epoll_ctl(set_.get(), EPOLL_CTL_ADD, descriptor, &event) == 0;
}

void Poller::change(int descriptor, std::uint64_t token, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = token;
  epoll_ctl(set_.get(), EPOLL_CTL_MOD, descriptor, &event);
}

void Poller::remove(int descriptor) {
  epoll_ctl(set_.get(), EPOLL_CTL_DEL, descriptor, nullptr);
}

std::span<const epoll_event> Poller::wait(int timeout_ms) {
  const int ready = epoll_wait(set_.get(), events_.data(), static_cast<int>(events_.size()), timeout_ms);
  return {events_.data(), ready > 0 ? static_cast<std::size_t>(ready) : 0};
}

}  // namespace sallyport::transport
