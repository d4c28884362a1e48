// SPDX-License-Identifier: GPL-3.0-or-later
// The store's thread, its queue and its transactions.
#include "control/subscribers/sqlite_store.h"

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <optional>
#include <span>
#include <stdexcept>
#include <thread>

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "control/subscribers/sqlite_rows.h"

namespace sallyport::control {

namespace {

/// Bounds how long one answer waits for others.
constexpr std::size_t kMostInATransaction = 4096;

Error in_file(const std::string& path, const Error& error) {
  return {error.error_class, path + " " + error.text};
}

}  // namespace

struct SqliteStore::State {
  struct Write {
    Write(Changes what, Store::Done then) : changes(std::move(what)), done(std::move(then)) {}
    Write(const Write&) = delete;
    Write& operator=(const Write&) = delete;
    Write(Write&&) = default;
    Write& operator=(Write&&) = default;
    ~Write() = default;

    Changes changes;
    Store::Done done;
    Result<void> outcome;
  };

  explicit State(const StoreConfig& settings) : config(settings) {
    if (event < 0) throw std::runtime_error("cannot make an event descriptor");
  }
  ~State() { close(event); }

  [[nodiscard]] Result<void> prepare();
  [[nodiscard]] Result<void> commit(std::span<Write> writes);
  void store(std::span<Write> writes);
  void run();
  void report(const Result<void>& outcome);

  const StoreConfig config;
  const int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

  // Of the opening thread until the first write, then of the store's thread.
  SqliteDatabase database;
  std::optional<SqliteWriter> writer;
  bool failing = false;

  // Of both threads, under the mutex.
  std::mutex mutex;
  std::condition_variable work, idle;
  std::vector<Write> queue, finished;
  StoreStatistics statistics;
  bool busy = false;  ///< the thread is at work and will look at the queue again
  bool stopping = false;

  std::jthread thread;
};

Result<void> SqliteStore::State::prepare() {
  auto opened = SqliteDatabase::open(config.path);
  if (!opened) return tl::unexpected(opened.error());
  database = std::move(*opened);
  // Exclusive before anything is read: then the write-ahead log needs no shared memory, and a second daemon
  // on the same file ends here. A file that is not ours is not changed: the log's mode comes after the look
  // at it.
  if (auto locked = database.run("PRAGMA locking_mode = EXCLUSIVE"); !locked) return locked;
  if (auto ours = prepare_schema(database); !ours) return ours;
  const char* settings = config.durability == Durability::power
                             ? "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL"
                             : "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL";
  if (auto set = database.run(settings); !set) return set;
  if (auto small = database.run("PRAGMA journal_size_limit = 67108864; BEGIN IMMEDIATE; COMMIT"); !small)
    return small;
  auto prepared = SqliteWriter::prepare(database);
  if (!prepared) return tl::unexpected(prepared.error());
  writer = std::move(*prepared);
  return {};
}

Result<void> SqliteStore::State::commit(std::span<Write> writes) {
  auto outcome = database.run("BEGIN IMMEDIATE");
  for (const Write& write : writes)
    for (const Change& change : write.changes)
      if (outcome) outcome = writer->apply(change);
  if (outcome) outcome = database.run("COMMIT");
  if (!outcome && database.in_transaction()) (void)database.run("ROLLBACK");
  return outcome;
}

// A disk that is full is so for everybody. Anything else may be the fault of one write, which the others
// shall not suffer for.
void SqliteStore::State::store(std::span<Write> writes) {
  const auto outcome = commit(writes);
  report(outcome);
  const bool alone = writes.size() == 1 || outcome || outcome.error().error_class == ErrorClass::exhausted;
  for (Write& write : writes) write.outcome = alone ? outcome : commit({&write, 1});
}

void SqliteStore::State::report(const Result<void>& outcome) {
  if (outcome.has_value() != failing) return;
  failing = !failing;
  if (failing)
    log::error("store.failing", {{"path", config.path}, {"error", outcome.error().text}});
  else
    log::info("store.works_again", {{"path", config.path}});
}

void SqliteStore::State::run() {
  pthread_setname_np(pthread_self(), "store");
  std::unique_lock lock(mutex);
  for (;;) {
    busy = !queue.empty();
    if (!busy) {
      if (stopping) return;
      idle.notify_all();
      work.wait(lock, [this] { return !queue.empty() || stopping; });
      continue;
    }
    const auto count = static_cast<std::ptrdiff_t>(std::min(queue.size(), kMostInATransaction));
    std::vector<Write> writes(std::make_move_iterator(queue.begin()),
                              std::make_move_iterator(queue.begin() + count));
    queue.erase(queue.begin(), queue.begin() + count);
    lock.unlock();
    store(writes);
    lock.lock();
    ++statistics.transactions;
    for (Write& write : writes) {
      if (!write.outcome) ++statistics.failed;
      write.changes.clear();
      finished.push_back(std::move(write));
    }
    eventfd_write(event, 1);
  }
}

SqliteStore::SqliteStore(std::unique_ptr<State> state) : state_(std::move(state)) {}

SqliteStore::~SqliteStore() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->work.notify_one();
  if (state_->thread.joinable()) state_->thread.join();
}

Result<std::unique_ptr<Store>> SqliteStore::open(const StoreConfig& config) {
  auto state = std::make_unique<State>(config);
  if (const auto ready = state->prepare(); !ready) return tl::unexpected(in_file(config.path, ready.error()));
  return std::unique_ptr<Store>(new SqliteStore(std::move(state)));
}

Result<void> SqliteStore::load(const Contents& contents) {
  auto loaded = load_users(state_->database, contents.user);
  if (loaded) loaded = load_bindings(state_->database, contents.binding);
  if (!loaded) return tl::unexpected(in_file(state_->config.path, loaded.error()));
  return {};
}

Result<void> SqliteStore::write(Changes changes, Done done) {
  State& state = *state_;
  const std::lock_guard lock(state.mutex);
  if (state.statistics.waiting >= state.config.queue)
    return fail(ErrorClass::exhausted, "the store is too slow: too many writes wait for it");
  ++state.statistics.requests;
  ++state.statistics.waiting;
  state.queue.emplace_back(std::move(changes), std::move(done));
  if (!state.thread.joinable()) {
    // Signals are for the thread that waits for them.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    state.thread = std::jthread([&state] { state.run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  if (!state.busy) state.work.notify_one();
  return {};
}

int SqliteStore::descriptor() const {
  return state_->event;
}

void SqliteStore::dispatch() {
  eventfd_t ignored = 0;
  (void)eventfd_read(state_->event, &ignored);
  std::vector<State::Write> finished;
  {
    const std::lock_guard lock(state_->mutex);
    finished.swap(state_->finished);
    state_->statistics.waiting -= finished.size();
  }
  for (State::Write& write : finished)
    if (write.done) write.done(write.outcome);
}

void SqliteStore::drain() {
  State& state = *state_;
  for (;;) {
    {
      std::unique_lock lock(state.mutex);
      if (state.statistics.waiting == 0) return;
      state.idle.wait(lock, [&state] { return state.queue.empty() && !state.busy; });
    }
    dispatch();
  }
}

StoreStatistics SqliteStore::statistics() const {
  const std::lock_guard lock(state_->mutex);
  return state_->statistics;
}

}  // namespace sallyport::control
