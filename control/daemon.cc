// SPDX-License-Identifier: GPL-3.0-or-later
// One thread of control: Boost.Asio runs it, timers and descriptors feed it.
#include "control/daemon.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <random>
#include <stdexcept>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "control/admin/call_reply.h"
#include "control/admin/reply.h"
#include "control/admin/service.h"
#include "control/admin/socket.h"
#include "control/config/auth.h"
#include "control/media/dataplane_client.h"
#include "control/media/handshake_client.h"
#include "control/media/side_routes.h"
#include "control/privileges.h"
#include "control/reload.h"
#include "control/sip_service.h"
#include "control/subscribers/subscribers.h"
#include "control/version.h"

namespace sallyport::control {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::milliseconds;

namespace {

/// Receipts come within microseconds while a worker is awake: so many looks without one before the timer
/// takes over.
constexpr int kEagerPolls = 1000;
constexpr milliseconds kBusyInterval{1};   ///< between looks while orders are under way, or a twin has frames
constexpr milliseconds kIdleInterval{10};  ///< between looks for events
constexpr milliseconds kScanInterval{100};
constexpr std::size_t kScansPerRound = 10;  ///< every relay is looked at about once a second
constexpr std::chrono::seconds kLongestEnd{5};

std::uint64_t random_seed() {
  std::random_device source;
  return static_cast<std::uint64_t>(source()) << 32 | source();
}

void make_directory(const std::string& path, const Identity& owner, mode_t mode) {
  namespace fs = std::filesystem;
  std::error_code failure;
  if (fs::is_directory(path, failure)) return;
  const mode_t before = umask(022);  // parents are readable as usual
  fs::create_directories(path, failure);
  umask(before);
  if (failure) throw std::runtime_error("cannot create " + path + ": " + failure.message());
  if (chmod(path.c_str(), mode) != 0 || (geteuid() == 0 && chown(path.c_str(), owner.user, owner.group) != 0))
    throw std::runtime_error("cannot hand over " + path + ": " + std::strerror(errno));
}

}  // namespace

struct Daemon::State {
  State(Config settings, std::string path);

  void run();
  void serve();
  void watch_signals();
  void watch_kernel();
  void watch_twins();
  void watch_receipts();
  void watch_handshakes();
  void pump();
  void pump_eagerly(int looks_left);
  void pump_regularly();
  void scan_regularly();
  void watch_links();
  void begin_end();
  void await_end(std::chrono::steady_clock::time_point latest);
  void report_end();
  void open_subscribers();
  void open_handshakes();
  void watch_store();
  void start_signalling();
  void follow_calls();
  void on_relay_event(const RelayEvent& event);

  Config config;
  Limits limits;
  Identity identity;
  asio::io_context context;
  /// From the beginning: a signal during the start is answered as soon as it is over.
  asio::signal_set signals{context, SIGTERM, SIGINT, SIGHUP};
  asio::steady_timer pump_timer{context}, scan_timer{context}, end_timer{context};
  dataplane::Runtime runtime;
  DataplaneClient plane{runtime};
  SideRoutes routes;
  NextHopTable next_hops{plane, routes, limits};
  MediaPorts ports;
  RelayManager relays;
  Captures captures;
  WorkerMeter meter{plane};
  Reloader reloader;
  AdminService service;
  AdminSocket socket;
  std::unique_ptr<Subscribers> subscribers;           ///< null: no [store]
  std::unique_ptr<Signalling> signalling;             ///< null: no [sip.listener.*]
  std::unique_ptr<HandshakeClient> handshake_client;  ///< with signalling
  std::unique_ptr<Handshakes> handshakes;
  std::unique_ptr<SipService> sip;
  std::unique_ptr<asio::posix::stream_descriptor> kernel_descriptor, store_descriptor, handshake_descriptor;
  std::vector<std::unique_ptr<asio::posix::stream_descriptor>> twin_descriptors, receipt_descriptors;
  std::vector<bool> links_up;
  std::size_t scans = 0;
  std::size_t faults = 0;  ///< of our own, that one turn of the event loop ended in
  bool pumping = false;
  bool ending = false;
};

Daemon::State::State(Config settings, std::string path)
    : config(std::move(settings)),
      limits(config.limits),
      identity(find_identity(config.daemon.user)),
      runtime(config.runtime),
      routes(config, runtime.ports(),
             {[this](const Route& route) { next_hops.update(route); }, [this] { relays.routes_changed(); },
              [this](const LinkState&) { watch_links(); }}),
      ports(config, limits, random_seed()),
      relays(config, limits, plane, next_hops, ports),
      captures(config, limits, plane, relays),
      reloader({config, limits, std::move(path)}),
      service({config, limits, plane, next_hops, relays, captures, meter, [this] { begin_end(); }, nullptr,
               &reloader}),
      socket(context, config.daemon, limits, service, [this] { pump_eagerly(kEagerPolls); }) {
  relays.set_observer([this](const RelayEvent& event) { on_relay_event(event); });
  service.set_connection_count([this] { return socket.connections(); });
  // Sockets are bound, and handshake threads started, with the privileges and processors of the start.
  if (!config.sip.listeners.empty()) {
    signalling = std::make_unique<Signalling>(context, config.sip);
    handshake_client = std::make_unique<HandshakeClient>(runtime, config.keying.limits);
    service.set_handshakes({&handshake_client->counters(), config.keying.limits,
                            [this] { return handshakes ? handshakes->legs() : 0; }});
  }
  links_up.assign(runtime.ports().size(), true);
}

void Daemon::State::on_relay_event(const RelayEvent& event) {
  if (event.kind == RelayEvent::Kind::changed || event.kind == RelayEvent::Kind::ended)
    captures.relay_gone(event.relay);
  if (event.kind == RelayEvent::Kind::verified && handshakes)
    handshakes->order(keying::handshake_order::Settle{event.handshake_leg});
  if (sip) sip->calls().on_relay_event(event);
  socket.publish(name(event.kind), to_json(event));
}

void Daemon::State::watch_signals() {
  signals.async_wait([this](const error_code& failure, int signal) {
    if (failure) return;
    if (signal == SIGHUP) {
      if (const auto reloaded = reloader.reload(); !reloaded)
        log::error("config.not_reloaded", {{"why", reloaded.error().text}});
    } else {
      log::info("daemon.signal", {{"signal", signal}});
      begin_end();
    }
    watch_signals();
  });
}

void Daemon::State::watch_kernel() {
  if (routes.kernel() == nullptr) return;
  if (!kernel_descriptor)
    kernel_descriptor =
        std::make_unique<asio::posix::stream_descriptor>(context, dup(routes.kernel()->descriptor()));
  kernel_descriptor->async_wait(asio::posix::stream_descriptor::wait_read, [this](const error_code& failure) {
    if (failure) return;
    routes.kernel()->on_readable();
    pump_eagerly(kEagerPolls);
    watch_kernel();
  });
}

// With the privileges that the daemon keeps: its files and its thread are then like everything later.
void Daemon::State::open_subscribers() {
  if (config.store.path.empty()) return;
  SubscriberSettings settings;
  settings.store = config.store;
  settings.registrar = config.registrar;
  settings.algorithms = kept_algorithms(config);
  settings.userhash = any_userhash(config);
  auto opened = Subscribers::open(std::move(settings), wall_time());
  if (!opened) throw std::runtime_error(opened.error().text);
  subscribers = std::move(*opened);
  service.set_subscribers(subscribers.get());
  store_descriptor =
      std::make_unique<asio::posix::stream_descriptor>(context, dup(subscribers->store().descriptor()));
  watch_store();
}

// Likewise: ZRTP's secrets are in a file of the daemon's user.
void Daemon::State::open_handshakes() {
  if (!handshake_client) return;
  std::shared_ptr<keying::ZrtpCache> cache;
  if (!config.keying.zrtp_cache.empty()) {
    auto opened = keying::ZrtpCache::open(config.keying.zrtp_cache);
    if (!opened) throw std::runtime_error(config.keying.zrtp_cache + ": " + opened.error().text);
    cache = std::move(*opened);
  }
  handshakes = std::make_unique<Handshakes>(*handshake_client, config.keying.certificate, std::move(cache));
  handshakes->set_observer([this](const Handshakes::Secured& secured) {
    socket.publish(secured.compared ? "media.sas_compared" : "media.secured", to_json(secured));
  });
}

void Daemon::State::watch_store() {
  store_descriptor->async_wait(asio::posix::stream_descriptor::wait_read, [this](const error_code& failure) {
    if (failure) return;
    subscribers->store().dispatch();
    watch_store();
  });
}

// After the subscribers: what comes in finds everything there.
void Daemon::State::start_signalling() {
  if (!signalling) return;
  sip = std::make_unique<SipService>(
      SipService::Domain{context, config, limits, *signalling, *subscribers, relays, ports, *handshakes});
  service.set_sip(sip.get());
  reloader.set_sip(*sip);
  service.set_follow([this] { follow_calls(); });
  sip->start();
}

// Ends by itself: scan_regularly() looks whether anybody follows still.
void Daemon::State::follow_calls() {
  sip->calls().traces().set_follower(
      [this](std::uint64_t call, const TraceLine& line, const std::string& message) {
        socket.publish_of_call(call, "trace", trace_json(call, line, message));
      },
      [this](std::uint64_t call) { socket.publish_of_call(call, "trace.over", single_json("call", call)); });
}

void Daemon::State::watch_twins() {
  for (const int descriptor : runtime.twin_descriptors())
    twin_descriptors.push_back(std::make_unique<asio::posix::stream_descriptor>(context, dup(descriptor)));
  for (const auto& twin : twin_descriptors) {
    const auto wait = [this, raw = twin.get()](const auto& again) -> void {
      raw->async_wait(asio::posix::stream_descriptor::wait_read, [this, again](const error_code& failure) {
        if (failure) return;
        runtime.poll_twins();
        again(again);
      });
    };
    wait(wait);
  }
}

// A worker rings when it has carried orders out.
void Daemon::State::watch_receipts() {
  for (const int descriptor : runtime.receipt_descriptors())
    receipt_descriptors.push_back(std::make_unique<asio::posix::stream_descriptor>(context, dup(descriptor)));
  for (const auto& bell : receipt_descriptors) {
    const auto wait = [this, raw = bell.get()](const auto& again) -> void {
      raw->async_wait(
          asio::posix::stream_descriptor::wait_read, [this, raw, again](const error_code& failure) {
            if (failure) return;
            std::uint64_t rings = 0;
            [[maybe_unused]] const auto octets = ::read(raw->native_handle(), &rings, sizeof rings);
            pump();
            again(again);
          });
    };
    wait(wait);
  }
}

// The thread rings when a handshake has come to something.
void Daemon::State::watch_handshakes() {
  if (!handshake_client) return;
  if (!handshake_descriptor)
    handshake_descriptor =
        std::make_unique<asio::posix::stream_descriptor>(context, dup(handshake_client->descriptor()));
  handshake_descriptor->async_wait(asio::posix::stream_descriptor::wait_read,
                                   [this](const error_code& failure) {
                                     if (failure) return;
                                     handshake_client->poll(*handshakes);
                                     pump_eagerly(kEagerPolls);
                                     watch_handshakes();
                                   });
}

void Daemon::State::pump() {
  plane.poll([this](const dataplane::Command& receipt) { relays.on_receipt(receipt); });
  runtime.poll_events([this](const dataplane::Event& event) { relays.on_event(event); });
  runtime.poll_captures([this](const dataplane::CaptureRecord& record) { captures.on_record(record); });
  if (!twin_descriptors.empty()) runtime.poll_twins();
  if (handshakes) handshakes->send_waiting();
}

// Looks again and again, letting sockets and timers have their turn in between, while receipts keep coming.
void Daemon::State::pump_eagerly(int looks_left) {
  if (pumping || !plane.orders_under_way()) return;
  pumping = true;
  asio::post(context, [this, looks_left] {
    pumping = false;
    const std::size_t before = relays.operations_under_way();
    pump();
    const bool moved = relays.operations_under_way() != before;
    if (moved || looks_left > 0) pump_eagerly(moved ? kEagerPolls : looks_left - 1);
  });
}

void Daemon::State::pump_regularly() {
  pump();
  const bool busy = plane.orders_under_way() || !twin_descriptors.empty();
  pump_timer.expires_after(busy ? kBusyInterval : kIdleInterval);
  pump_timer.async_wait([this](const error_code& failure) {
    if (!failure) pump_regularly();
  });
}

void Daemon::State::watch_links() {
  for (std::size_t i = 0; i < links_up.size(); ++i) {
    const bool up = runtime.port_statistics(i).link_up;
    if (up == links_up[i]) continue;
    links_up[i] = up;
    log::warning(up ? "port.up" : "port.down",
                 {{"port", runtime.ports()[i].name}, {"device", runtime.ports()[i].device}});
    socket.publish(up ? "port.up" : "port.down", single_json("port", runtime.ports()[i].name));
  }
}

void Daemon::State::scan_regularly() {
  relays.scan(relays.size() / kScansPerRound + 1);
  if (++scans % kScansPerRound == 0) {
    meter.sample();
    watch_links();
    if (subscribers) subscribers->registrar().advance(wall_time());
    if (sip) sip->advance();
    if (sip && sip->calls().traces().is_followed() && !socket.anyone_follows())
      sip->calls().traces().set_follower({}, {});
    if (routes.kernel() != nullptr) routes.kernel()->maintain();
  }
  scan_timer.expires_after(kScanInterval);
  scan_timer.async_wait([this](const error_code& failure) {
    if (!failure) scan_regularly();
  });
}

void Daemon::State::begin_end() {
  if (std::exchange(ending, true)) return;
  log::info("daemon.ending", {{"relays", relays.size()}});
  if (sip) sip->calls().end_all();
  relays.drop_all([](std::uint64_t count) { log::info("relays.dropped", {{"count", count}}); });
  pump_eagerly(kEagerPolls);
  await_end(std::chrono::steady_clock::now() + kLongestEnd);
}

// Ends once every relay is home and every answer was read, or when that takes too long.
void Daemon::State::await_end(std::chrono::steady_clock::time_point latest) {
  const bool home = relays.size() == 0 && socket.drained();
  if (home || std::chrono::steady_clock::now() > latest) return context.stop();
  end_timer.expires_after(milliseconds(1));
  end_timer.async_wait([this, latest](const error_code& failure) {
    if (!failure) await_end(latest);
  });
}

void Daemon::State::report_end() {
  std::uint64_t received = 0;
  for (std::size_t worker = 0; worker < runtime.worker_count(); ++worker)
    received += runtime.worker_counters(worker).received.get();
  log::info("counters", {{"received", received},
                         {"relays_added", relays.totals().added},
                         {"relays_dropped", relays.totals().dropped},
                         {"relays_refused", relays.totals().refused},
                         {"media_timeouts", relays.totals().media_timeouts}});
  for (const dataplane::VerdictInfo& verdict : dataplane::kVerdicts) {
    std::uint64_t sum = 0;
    for (std::size_t worker = 0; worker < runtime.worker_count(); ++worker)
      sum += runtime.worker_counters(worker).verdicts[static_cast<std::size_t>(verdict.verdict)].get();
    if (sum != 0) log::info("counter", {{"verdict", verdict.name}, {"packets", sum}});
  }
}

// A fault in what one message led to must not end all calls: it is told and counted, and makes the exit
// code 1.
void Daemon::State::serve() {
  for (bool done = false; !done;) {
    try {
      context.run();
      done = true;
    } catch (const std::exception& fault) {
      ++faults;
      log::error("control.fault", {{"what", fault.what()}, {"faults", faults}});
    }
  }
}

void Daemon::State::run() {
  if (geteuid() == 0) socket.hand_over(identity.user);
  drop_privileges(identity);
  open_subscribers();
  open_handshakes();
  runtime.start_workers();
  watch_signals();
  watch_kernel();
  watch_twins();
  watch_receipts();
  watch_handshakes();
  pump_regularly();
  scan_regularly();
  start_signalling();
  socket.accept();
  log::info("daemon.ready", {{"version", kVersion},
                             {"socket", config.daemon.admin_socket},
                             {"ports", runtime.ports().size()},
                             {"workers", runtime.worker_count()},
                             {"engine", runtime.engine().description()},
                             {"user", geteuid() == identity.user ? identity.name : "unchanged"}});
  serve();
  runtime.stop_workers();
  pump();
  if (subscribers) subscribers->close();
  report_end();
  log::info("daemon.ended");
  if (faults != 0) throw std::runtime_error("there were faults: see control.fault");
}

Daemon::Daemon(Config config, std::string path) {
  const Identity identity = find_identity(config.daemon.user);
  make_directory(std::filesystem::path(config.daemon.admin_socket).parent_path(), identity, 0755);
  make_directory(config.debug.capture_directory, identity, 0700);
  for (const std::string& file : {config.store.path, config.keying.zrtp_cache})
    if (!file.empty()) make_directory(std::filesystem::path(file).parent_path(), identity, 0700);
  state_ = std::make_unique<State>(std::move(config), std::move(path));
}
Daemon::~Daemon() = default;
void Daemon::run() {
  state_->run();
}

}  // namespace sallyport::control
