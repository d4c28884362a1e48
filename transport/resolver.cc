// SPDX-License-Identifier: GPL-3.0-or-later
// c-ares says which sockets it waits for; Asio waits.
#include "transport/resolver.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <stdexcept>

#include <ares.h>
#include <arpa/nameser.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <netdb.h>
#include <sys/time.h>

namespace sallyport::transport {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

/// What fits through nearly every path unfragmented.
constexpr int kDatagramBytes = 1232;
constexpr std::uint32_t kMaxTtl = 86400;
/// The file is read again after so many seconds.
constexpr std::uint32_t kHostsFileTtl = 10;
constexpr std::size_t kMaxName = 253;

ErrorClass class_of(int status) {
  if (status == ARES_ETIMEOUT) return ErrorClass::timeout;
  if (status == ARES_ENOMEM) return ErrorClass::exhausted;
  return status == ARES_EBADNAME || status == ARES_EBADQUERY || status == ARES_EBADRESP
             ? ErrorClass::malformed
             : ErrorClass::refused;
}

}  // namespace

struct Resolver::State {
  struct Watch {
    explicit Watch(asio::io_context& context, int socket) : descriptor(context, socket) {}
    ~Watch() { descriptor.release(); }  // c-ares closes it
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    asio::posix::stream_descriptor descriptor;
    bool wants_read = false, wants_write = false;
    bool reads = false, writes = false;  ///< a wait is under way
  };
  struct Question {
    Resolver* resolver;
    Key key;
  };

  State(asio::io_context& io, const ResolverSettings& settings);
  ~State();

  static void on_socket(void* self, int socket, int readable, int writable);
  static void on_reply(void* question, int status, int, unsigned char* message, int size);
  void await(int socket);
  void await_timeout();
  void process(int readable, int writable);

  asio::io_context& context;
  asio::steady_timer timer;
  std::map<int, std::shared_ptr<Watch>> watches;
  ares_channel channel = nullptr;
};

Resolver::State::State(asio::io_context& io, const ResolverSettings& settings) : context(io), timer(io) {
  if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
    throw std::runtime_error("c-ares cannot be set up");
  ares_options options{};
  options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_EDNS;
  options.ednspsz = kDatagramBytes;
  options.timeout = static_cast<int>(settings.timeout_ms);
  options.tries = static_cast<int>(settings.attempts);
  options.sock_state_cb = on_socket;
  options.sock_state_cb_data = this;
  const int given =
      ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
  int status = ares_init_options(&channel, &options, given);
  std::string servers;
  for (const Endpoint& server : settings.servers)
    servers += (servers.empty() ? "" : ",") + server.to_string();
  if (status == ARES_SUCCESS && !servers.empty())
    status = ares_set_servers_ports_csv(channel, servers.c_str());
  if (status != ARES_SUCCESS) throw std::runtime_error(std::string("DNS: ") + ares_strerror(status));
}

Resolver::State::~State() {
  timer.cancel();
  ares_destroy(channel);
  ares_library_cleanup();
}

void Resolver::State::on_socket(void* self, int socket, int readable, int writable) {
  State& state = *static_cast<State*>(self);
  if (readable == 0 && writable == 0) {
    state.watches.erase(socket);
    return;
  }
  auto& watch = state.watches[socket];
  if (!watch) watch = std::make_shared<Watch>(state.context, socket);
  watch->wants_read = readable != 0;
  watch->wants_write = writable != 0;
  state.await(socket);
}

// A wait that ends after its socket was given up, or given to another question, finds another watch or none.
void Resolver::State::await(int socket) {
  const auto found = watches.find(socket);
  if (found == watches.end()) return;
  const auto begin = [this, socket](const std::shared_ptr<Watch>& watch, bool read) {
    auto& waits = read ? watch->reads : watch->writes;
    if (waits || !(read ? watch->wants_read : watch->wants_write)) return;
    waits = true;
    watch->descriptor.async_wait(
        read ? asio::posix::stream_descriptor::wait_read : asio::posix::stream_descriptor::wait_write,
        [this, socket, read, weak = std::weak_ptr<Watch>(watch)](const error_code& failure) {
          const auto still = weak.lock();
          if (failure || !still) return;
          (read ? still->reads : still->writes) = false;
          process(read ? socket : ARES_SOCKET_BAD, read ? ARES_SOCKET_BAD : socket);
          const auto now = watches.find(socket);
          if (now != watches.end() && now->second == still) await(socket);
        });
  };
  const std::shared_ptr<Watch> watch = found->second;
  begin(watch, true);
  begin(watch, false);
}

void Resolver::State::process(int readable, int writable) {
  ares_process_fd(channel, readable, writable);
  await_timeout();
}

void Resolver::State::await_timeout() {
  timeval room{};
  const timeval* left = ares_timeout(channel, nullptr, &room);
  if (left == nullptr) {
    timer.cancel();
    return;
  }
  timer.expires_after(std::chrono::seconds(left->tv_sec) + std::chrono::microseconds(left->tv_usec) +
                      std::chrono::milliseconds(1));
  timer.async_wait([this](const error_code& failure) {
    if (!failure) process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  });
}

void Resolver::State::on_reply(void* argument, int status, int, unsigned char* message, int size) {
  const std::unique_ptr<Question> question(static_cast<Question*>(argument));
  if (status == ARES_EDESTRUCTION) return;
  const auto octets = message == nullptr
                          ? std::span<const std::uint8_t>()
                          : std::span<const std::uint8_t>(message, static_cast<std::size_t>(size));
  question->resolver->on_answer(question->key, status, octets);
}

Resolver::Resolver(asio::io_context& context, ResolverSettings settings, Limits& limits, Counters& counters)
    : context_(context),
      settings_(std::move(settings)),
      limits_(limits),
      counters_(counters),
      state_(std::make_unique<State>(context, settings_)) {}

Resolver::~Resolver() {
  *alive_ = false;
}

std::int64_t Resolver::now() const {
  if (settings_.clock) return settings_.clock();
  using namespace std::chrono;
  return duration_cast<seconds>(steady_clock::now().time_since_epoch()).count();
}

void Resolver::answer_later(Callback callback, Result<DnsAnswer> answer) {
  asio::post(context_, [alive = alive_, callback = std::move(callback), answer = std::move(answer)] {
    if (*alive) callback(answer);
  });
}

void Resolver::run_later(std::function<void()> work) {
  asio::post(context_, [alive = alive_, work = std::move(work)] {
    if (*alive) work();
  });
}

void Resolver::lookup(const std::string& name, DnsType type, Callback callback) {
  const Key key(dns_name(name), type);
  if (key.first.empty() || key.first.size() > kMaxName)
    return answer_later(std::move(callback), fail(ErrorClass::malformed, "no DNS name"));
  const auto cached = cache_.find(key);
  if (cached != cache_.end() && cached->second.until > now()) {
    counters_.add(Count::dns_cache_hits);
    return answer_later(std::move(callback), cached->second.answer);
  }
  const auto waits = waiting_.find(key);
  if (waits != waiting_.end()) {
    waits->second.push_back(std::move(callback));
    return;
  }
  if (auto local = from_hosts_file(key)) {
    remember(key, *local);
    return answer_later(std::move(callback), std::move(*local));
  }
  if (waiting_.size() >= limits_[Limit::dns_queries])
    return answer_later(std::move(callback), tl::unexpected(limits_.refuse(Limit::dns_queries)));
  waiting_[key].push_back(std::move(callback));
  ask(key);
}

std::optional<DnsAnswer> Resolver::from_hosts_file(const Key& key) const {
  const bool address = key.second == DnsType::a || key.second == DnsType::aaaa;
  if (!settings_.hosts_file || !address) return std::nullopt;
  const auto read = [&](int family) -> hostent* {
    hostent* host = nullptr;
    return ares_gethostbyname_file(state_->channel, key.first.c_str(), family, &host) == ARES_SUCCESS
               ? host
               : nullptr;
  };
  const std::unique_ptr<hostent, decltype(&ares_free_hostent)> v4(read(AF_INET), ares_free_hostent);
  const std::unique_ptr<hostent, decltype(&ares_free_hostent)> v6(read(AF_INET6), ares_free_hostent);
  // A name that is there with one family's address has none of the other: DNS is not asked behind the file's
  // back.
  if (!v4 && !v6) return std::nullopt;
  DnsAnswer answer;
  answer.ttl = kHostsFileTtl;
  const hostent* host = key.second == DnsType::a ? v4.get() : v6.get();
  for (char** address_at = host == nullptr ? nullptr : host->h_addr_list;
       address_at != nullptr && *address_at != nullptr; ++address_at) {
    std::array<std::uint8_t, 16> octets{};
    std::copy_n(*address_at, static_cast<std::size_t>(host->h_length), octets.begin());
    answer.addresses.push_back(key.second == DnsType::a
                                   ? IpAddress::v4({octets[0], octets[1], octets[2], octets[3]})
                                   : IpAddress::v6(octets));
  }
  return answer;
}

void Resolver::ask(const Key& key) {
  counters_.add(Count::dns_questions);
  ares_query(state_->channel, key.first.c_str(), ns_c_in, static_cast<int>(key.second), State::on_reply,
             new State::Question{this, key});
  state_->await_timeout();
}

void Resolver::on_answer(const Key& key, int status, std::span<const std::uint8_t> message) {
  const bool answered = status == ARES_SUCCESS || status == ARES_ENODATA || status == ARES_ENOTFOUND;
  Result<DnsAnswer> answer = fail(class_of(status), std::string("DNS: ") + ares_strerror(status));
  if (answered) answer = message.empty() ? DnsAnswer{} : parse_dns_answer(message, key.first, key.second);
  if (answer)
    remember(key, *answer);
  else
    counters_.add(Count::dns_failures);
  const auto found = waiting_.find(key);
  if (found == waiting_.end()) return;
  std::vector<Callback> callbacks = std::move(found->second);
  waiting_.erase(found);
  // c-ares is not to be called from within its own callback.
  for (Callback& callback : callbacks) answer_later(std::move(callback), answer);
}

void Resolver::remember(const Key& key, const DnsAnswer& answer) {
  if (answer.ttl == 0) return;
  const std::int64_t time = now();
  if (cache_.size() >= limits_[Limit::dns_cache_entries] && !cache_.contains(key)) {
    std::erase_if(cache_, [time](const auto& entry) { return entry.second.until <= time; });
    if (cache_.size() >= limits_[Limit::dns_cache_entries])
      return limits_.count_refusal(Limit::dns_cache_entries);
  }
  cache_[key] = {answer, time + std::min(answer.ttl, kMaxTtl)};
}

void Resolver::forget_all() {
  cache_.clear();
}

}  // namespace sallyport::transport
