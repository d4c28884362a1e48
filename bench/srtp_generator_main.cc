// SPDX-License-Identifier: GPL-3.0-or-later
// The generator as a program, driven line by line: what tools/bench --against rtpengine measures relays by.
//
//     srtp_generator CORE CALLS NETNS ADDRESS NETNS ADDRESS
//
// `rate N` begins N packets a second (0: none), `report` tells what came; each is answered by one line of
// JSON. It ends with its standard input.
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "bench/srtp_generator.h"

namespace sallyport::bench {
namespace {

constexpr long kIdleTickNs = 2'000'000;
constexpr long kTickNs = 100'000;          ///< packets that are due in one leave together
constexpr unsigned kTicksPerReceipt = 20;  ///< the kernel has stamped what waits meanwhile

void print_report(const GeneratorReport& report) {
  std::printf("{\"sent\": %" PRIu64 ", \"not_sent\": %" PRIu64 ", \"received\": %" PRIu64
              ", \"repeated\": %" PRIu64 ", \"unopened\": %" PRIu64 ", \"wrong\": %" PRIu64
              ", \"p50_us\": %.2f, \"p99_us\": %.2f, \"skipped\": %" PRIu64 "}\n",
              report.sent, report.not_sent, report.received, report.repeated, report.unopened, report.wrong,
              report.latency.percentile(0.5) / 1000, report.latency.percentile(0.99) / 1000, report.skipped);
}

void obey(Generator& generator, const std::string& command) {
  if (command == "report") {
    generator.receive();
    print_report(generator.report());
  } else if (command.starts_with("rate ")) {
    std::puts(generator.set_rate(std::strtoull(command.c_str() + 5, nullptr, 10))
                  ? "{}"
                  : "{\"error\": \"too few calls\"}");
  } else {
    std::puts("{\"error\": \"rate N or report\"}");
  }
  std::fflush(stdout);
}

/// Whether there may be more.
bool obey_all(Generator& generator, std::string& pending) {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  while (poll(&input, 1, 0) > 0) {
    char room[256];
    const ssize_t got = read(STDIN_FILENO, room, sizeof room);
    if (got <= 0) return false;
    pending.append(room, static_cast<std::size_t>(got));
    for (std::size_t end = pending.find('\n'); end != std::string::npos; end = pending.find('\n')) {
      obey(generator, pending.substr(0, end));
      pending.erase(0, end + 1);
    }
  }
  return true;
}

void run(Generator& generator) {
  std::string pending;
  timespec next{};
  clock_gettime(CLOCK_MONOTONIC, &next);
  for (unsigned tick = 0;; ++tick) {
    generator.send();
    if (tick % kTicksPerReceipt == 0 || !generator.sends()) {
      generator.receive();
      if (!obey_all(generator, pending)) return;
    }
    next.tv_nsec += generator.sends() ? kTickNs : kIdleTickNs;
    if (next.tv_nsec >= 1'000'000'000) {
      next.tv_nsec -= 1'000'000'000;
      ++next.tv_sec;
    }
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, nullptr);
  }
}

void stay_on(const char* core) {
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(std::strtoul(core, nullptr, 10), &only);
  if (sched_setaffinity(0, sizeof only, &only) != 0) throw std::runtime_error("there is no such core");
  prctl(PR_SET_TIMERSLACK, 1);
}

Side side(const char* network_namespace, const char* address) {
  const auto parsed = IpAddress::parse(address);
  if (!parsed || !parsed->is_v4()) throw std::runtime_error(std::string("no IPv4 address: ") + address);
  return {network_namespace, *parsed};
}

}  // namespace
}  // namespace sallyport::bench

int main(int argc, char** argv) {
  using namespace sallyport::bench;
  if (argc != 7) {
    std::fprintf(stderr, "usage: %s CORE CALLS NETNS ADDRESS NETNS ADDRESS\n", argv[0]);
    return 2;
  }
  try {
    stay_on(argv[1]);
    Generator generator({side(argv[3], argv[4]), side(argv[5], argv[6])}, read_calls(argv[2]));
    std::puts("{}");
    std::fflush(stdout);
    run(generator);
    return 0;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 1;
  }
}
