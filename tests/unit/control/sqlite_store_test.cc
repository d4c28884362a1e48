// SPDX-License-Identifier: GPL-3.0-or-later
// The SQLite store: what was acknowledged is there after any end of the process; files that are not ours are
// left alone; a disk that fails hurts only what is asked of it then.
#include "control/subscribers/sqlite_store.h"

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control/subscribers/sqlite_database.h"
#include "tests/unit/control/store_rig.h"

namespace sallyport::control {
namespace {

const WallTime kUntil(std::chrono::seconds(2000000000));

class SqliteStoreTest : public testing::Test {
 protected:
  [[nodiscard]] std::string path() const { return directory_.file("s.db"); }
  [[nodiscard]] std::unique_ptr<Store> open() const {
    auto store = open_store(path());
    EXPECT_TRUE(store) << store.error().text;
    return store ? std::move(*store) : nullptr;
  }
  [[nodiscard]] StoreContents contents() const {
    const auto store = open();
    auto loaded = load(*store);
    EXPECT_TRUE(loaded) << loaded.error().text;
    return loaded ? std::move(*loaded) : StoreContents{};
  }
  /// By another door than ours.
  void alter(const char* statements) const {
    auto database = SqliteDatabase::open(path());
    ASSERT_TRUE(database) << database.error().text;
    const auto done = database->run(statements);
    ASSERT_TRUE(done) << done.error().text;
  }
  [[nodiscard]] std::string opening_error() const {
    const auto store = open_store(path());
    if (!store) return store.error().text;
    const auto loaded = load(**store);
    return loaded ? "" : loaded.error().text;
  }
  void fill(std::uint64_t count) const {
    const auto store = open();
    Changes all;
    for (std::uint64_t i = 1; i <= count; ++i)
      all.emplace_back(change::PutBinding{"sip:u" + std::to_string(i) + "@example.com",
                                          make_binding(i, "sip:u@192.0.2.1:5061;transport=tls", kUntil)});
    ASSERT_TRUE(write_and_wait(*store, std::move(all)));
  }

  TemporaryDirectory directory_;
};

TEST_F(SqliteStoreTest, ANewOneIsEmptyAndPrivate) {
  const auto store = open();
  const auto empty = load(*store);
  ASSERT_TRUE(empty);
  EXPECT_TRUE(empty->users.empty());
  EXPECT_TRUE(empty->bindings.empty());
  ASSERT_TRUE(write_and_wait(*store, changes(change::PutUser{make_user("alice")})));
  for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
    struct stat about {};
    ASSERT_EQ(stat(entry.path().c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 0777U, 0600U) << entry.path();
  }
}

TEST_F(SqliteStoreTest, AFileThatOthersMayReadIsClosedToThem) {
  { const auto store = open(); }
  ASSERT_EQ(chmod(path().c_str(), 0644), 0);
  { const auto store = open(); }
  struct stat about {};
  ASSERT_EQ(stat(path().c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777U, 0600U);
}

TEST_F(SqliteStoreTest, UsersComeBackWhole) {
  User user = make_user("alice");
  user.display_name = "Alice \xC3\x84";
  user.enabled = false;
  user.bindings_limit = 3;
  user.calls_limit = 4;
  {
    const auto store = open();
    ASSERT_TRUE(write_and_wait(*store, changes(change::PutUser{std::move(user)})));
  }
  const auto loaded = contents();
  ASSERT_EQ(loaded.users.size(), 1U);
  const User& back = loaded.users[0];
  EXPECT_EQ(back.name, "alice");
  EXPECT_EQ(back.aor, "sip:alice@example.com");
  EXPECT_EQ(back.realm, "example.com");
  EXPECT_EQ(back.display_name, "Alice \xC3\x84");
  EXPECT_FALSE(back.enabled);
  EXPECT_EQ(back.bindings_limit, 3U);
  EXPECT_EQ(back.calls_limit, 4U);
  EXPECT_EQ(back.algorithms, make_user("alice").algorithms) << "in their order";
  const User same = make_user("alice");
  for (std::size_t i = 0; i < same.ha1.size(); ++i)
    EXPECT_TRUE(std::ranges::equal(back.ha1[i].view(), same.ha1[i].view())) << i;
}

TEST_F(SqliteStoreTest, BindingsComeBackWholeButForTheirConnection) {
  Binding binding = make_binding(9, "sip:alice@192.0.2.7:5061;transport=tls", kUntil);
  binding.reg_id = 2;
  binding.q = 700;
  binding.expires = kUntil - std::chrono::seconds(50);
  binding.flow.connection = 77;
  binding.flow.listener = 3;
  auto parts = binding.texts.parts();
  parts[BindingTexts::path] = "<sip:p1.example.com;lr;ob>, <sip:p2.example.com;lr>";
  const std::string path_value(parts[BindingTexts::path]);
  binding.texts = BindingTexts(parts);
  {
    const auto store = open();
    ASSERT_TRUE(write_and_wait(*store, changes(change::PutBinding{"sip:alice@example.com", binding})));
  }
  const auto loaded = contents();
  ASSERT_EQ(loaded.bindings.size(), 1U);
  EXPECT_EQ(loaded.bindings[0].first, "sip:alice@example.com");
  const Binding& back = loaded.bindings[0].second;
  EXPECT_EQ(back.id, 9U);
  EXPECT_EQ(back.texts, binding.texts);
  EXPECT_EQ(back.path(), path_value);
  EXPECT_EQ(back.reg_id, 2U);
  EXPECT_EQ(back.q, 700);
  EXPECT_EQ(back.cseq, 7U);
  EXPECT_EQ(back.expires, kUntil) << "the stored end, which is the later one";
  EXPECT_EQ(back.updated, binding.updated);
  EXPECT_EQ(back.flow.transport, sip::Transport::tls);
  EXPECT_EQ(back.flow.remote, binding.flow.remote);
  EXPECT_EQ(back.flow.listener, 3U);
  EXPECT_EQ(back.flow.connection, 0U);
}

TEST_F(SqliteStoreTest, TheLastWriteCounts) {
  {
    const auto store = open();
    const std::string aor = "sip:alice@example.com";
    ASSERT_TRUE(write_and_wait(
        *store, changes(change::PutBinding{aor, make_binding(1, "sip:a@a", kUntil)},
                        change::PutBinding{aor, make_binding(2, "sip:a@b", kUntil)},
                        change::PutUser{make_user("alice")}, change::PutUser{make_user("bob")})));
    ASSERT_TRUE(write_and_wait(
        *store, changes(change::PutBinding{aor, make_binding(1, "sip:a@c", kUntil)}, change::DeleteBinding{2},
                        change::DeleteBinding{99}, change::DeleteUser{"bob", "example.com"},
                        change::DeleteUser{"alice", "example.org"})));
  }
  const auto loaded = contents();
  ASSERT_EQ(loaded.bindings.size(), 1U);
  EXPECT_EQ(loaded.bindings[0].second.contact(), "sip:a@c");
  ASSERT_EQ(loaded.users.size(), 1U);
  EXPECT_EQ(loaded.users[0].name, "alice");
}

TEST_F(SqliteStoreTest, AnswersComeInOrderAndTransactionsAreShared) {
  const auto store = open();
  std::vector<std::uint64_t> order;
  for (std::uint64_t i = 1; i <= 2000; ++i)
    ASSERT_TRUE(store->write(changes(change::PutBinding{"sip:a@b", make_binding(i, "sip:a@c", kUntil)}),
                             [&order, i](const Result<void>& outcome) {
                               EXPECT_TRUE(outcome);
                               order.push_back(i);
                             }));
  store->drain();
  ASSERT_EQ(order.size(), 2000U);
  EXPECT_TRUE(std::ranges::is_sorted(order));
  const StoreStatistics statistics = store->statistics();
  EXPECT_EQ(statistics.requests, 2000U);
  EXPECT_EQ(statistics.failed, 0U);
  EXPECT_EQ(statistics.waiting, 0U);
  EXPECT_LT(statistics.transactions, 2000U);
}

TEST_F(SqliteStoreTest, AnAnswerMayAskAgain) {
  const auto store = open();
  int left = 5;
  std::function<void(const Result<void>&)> again = [&](const Result<void>& outcome) {
    ASSERT_TRUE(outcome);
    if (--left == 0) return;
    ASSERT_TRUE(
        store->write(changes(change::DeleteBinding{1}), [&again](const Result<void>& next) { again(next); }));
  };
  ASSERT_TRUE(store->write(changes(change::DeleteBinding{1}), again));
  store->drain();
  EXPECT_EQ(left, 0);
}

TEST_F(SqliteStoreTest, WritesOfAStoreThatEndsAreDone) {
  {
    const auto store = open();
    for (std::uint64_t i = 1; i <= 100; ++i)
      ASSERT_TRUE(
          store->write(changes(change::PutBinding{"sip:a@b", make_binding(i, "sip:a@c", kUntil)}), nullptr));
  }
  EXPECT_EQ(contents().bindings.size(), 100U);
}

TEST_F(SqliteStoreTest, TooManyWaitingWritesAreRefused) {
  StoreConfig config = store_config(path());
  config.queue = 0;
  const auto store = SqliteStore::open(config);
  ASSERT_TRUE(store);
  const auto refused =
      (*store)->write(changes(change::DeleteBinding{1}), [](const Result<void>&) { FAIL(); });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().error_class, ErrorClass::exhausted);
  (*store)->drain();
}

TEST_F(SqliteStoreTest, ASecondDaemonIsKeptOut) {
  const auto store = open();
  EXPECT_EQ(opening_error(), path() + " is in use by another process");
  ASSERT_TRUE(write_and_wait(*store, changes(change::PutUser{make_user("alice")}))) << "and does no harm";
}

TEST_F(SqliteStoreTest, FilesThatAreNotOursAreRefusedAndKept) {
  std::ofstream(path()) << "dear diary, " << std::string(5000, 'x');
  EXPECT_EQ(opening_error(), path() + " is not an SQLite database");
  std::filesystem::remove(path());
  alter("CREATE TABLE location (username TEXT); INSERT INTO location VALUES ('alice')");
  EXPECT_EQ(opening_error(), path() + " is a database of another program");
  alter("INSERT INTO location VALUES ('bob')");
  std::filesystem::remove(path());
  alter("PRAGMA application_id = 42");
  EXPECT_EQ(opening_error(), path() + " is a database of another program");
}

TEST_F(SqliteStoreTest, ALaterSchemaIsRefused) {
  { const auto store = open(); }
  alter("PRAGMA user_version = 2");
  EXPECT_EQ(opening_error(), path() + " has schema version 2, but this daemon knows version 1");
}

TEST_F(SqliteStoreTest, PlacesWithoutAFileAreNamed) {
  EXPECT_EQ(open_store("/nonexistent/s.db").error().text,
            "/nonexistent/s.db cannot be opened: No such file or directory");
  EXPECT_EQ(open_store(directory_.path()).error().text,
            directory_.path() + " cannot be opened: Is a directory");
  EXPECT_EQ(open_store("/dev/null").error().text, "/dev/null is not a regular file");
  EXPECT_FALSE(open_store("/proc/s.db"));
}

TEST_F(SqliteStoreTest, DamageIsToldFromEmptiness) {
  fill(2000);
  const auto size = std::filesystem::file_size(path());
  ASSERT_GT(size, 65536U);
  {
    std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
    for (std::streamoff page = 3; page < 12; ++page) {
      file.seekp(page * 4096);
      file << std::string(4096, '\xA5');
    }
  }
  EXPECT_NE(opening_error().find(" is damaged: "), std::string::npos) << opening_error();
  std::filesystem::resize_file(path(), size / 2);
  EXPECT_NE(opening_error().find(" is damaged: "), std::string::npos) << opening_error();
  std::filesystem::resize_file(path(), 50);
  EXPECT_NE(opening_error(), "");
}

TEST_F(SqliteStoreTest, RowsThatAreNoneOfOursAreNamed) {
  struct Case {
    const char* statement;
    const char* table;
  };
  for (const Case& one : {Case{"UPDATE bindings SET transport = 'ipx'", "bindings"},
                          Case{"UPDATE bindings SET remote = 'here'", "bindings"},
                          Case{"UPDATE bindings SET q = 1001", "bindings"},
                          Case{"UPDATE bindings SET contact = hex(zeroblob(40000))", "bindings"},
                          Case{"UPDATE users SET algorithms = 'MD4'", "users"},
                          Case{"UPDATE users SET ha1_md5 = NULL", "users"},
                          Case{"UPDATE users SET ha1_sha_256 = x'00'", "users"}}) {
    std::filesystem::remove(path());
    {
      const auto store = open();
      ASSERT_TRUE(
          write_and_wait(*store, changes(change::PutUser{make_user("alice")},
                                         change::PutBinding{"sip:a@b", make_binding(1, "sip:a@c", kUntil)})));
    }
    alter(one.statement);
    EXPECT_EQ(opening_error(), path() + " holds a row that is none of ours in its table '" + one.table + "'")
        << one.statement;
  }
}

TEST_F(SqliteStoreTest, AFileThatCannotGrowFailsWritesUntilItCan) {
  fill(100);
  const auto store = open();
  ASSERT_TRUE(load(*store));
  {
    const FileSizeLimit full(20000);
    for (int i = 0; i < 3; ++i) {
      Changes large;
      for (std::uint64_t id = 1000; id < 1200; ++id)
        large.emplace_back(change::PutBinding{"sip:a@b", make_binding(id, "sip:a@c", kUntil)});
      EXPECT_FALSE(write_and_wait(*store, std::move(large)));
    }
    EXPECT_EQ(store->statistics().failed, 3U);
  }
  EXPECT_TRUE(write_and_wait(*store, changes(change::DeleteBinding{1})));
  store->drain();
}

TEST_F(SqliteStoreTest, AfterAFullDiskNothingIsHalfThere) {
  fill(100);
  {
    const auto store = open();
    const FileSizeLimit full(20000);
    Changes large;
    for (std::uint64_t id = 1000; id < 1200; ++id)
      large.emplace_back(change::PutBinding{"sip:a@b", make_binding(id, "sip:a@c", kUntil)});
    EXPECT_FALSE(write_and_wait(*store, std::move(large)));
  }
  EXPECT_EQ(contents().bindings.size(), 100U);
}

/// Runs in a child; its exit code.
int in_child(const std::function<int()>& work) {
  const pid_t child = fork();
  if (child == 0) _exit(work());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(SqliteStoreTest, ADiskWithoutRoomIsNamed) {
  constexpr int kCannotMount = 77;
  const int outcome = in_child([this] {
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("none", directory_.path().c_str(), "tmpfs", 0, "size=256k") != 0)
      return kCannotMount;
    const auto store = open_store(path());
    if (!store) return 1;
    if (!write_and_wait(**store, changes(change::PutUser{make_user("alice")}))) return 2;
    Changes large;
    for (std::uint64_t id = 1; id < 2000; ++id)
      large.emplace_back(change::PutBinding{"sip:a@b", make_binding(id, "sip:a@c", kUntil)});
    const auto full = write_and_wait(**store, std::move(large));
    if (full || full.error().error_class != ErrorClass::exhausted) return 3;
    if (full.error().text != "has no room on its disk") return 4;
    return write_and_wait(**store, changes(change::PutUser{make_user("bob")})) ? 0 : 5;
  });
  if (outcome == kCannotMount) GTEST_SKIP() << "needs root to mount a small disk";
  EXPECT_EQ(outcome, 0);
}

// The child says which writes were acknowledged; it is killed in the middle of its work, twenty times.
TEST_F(SqliteStoreTest, WhatWasAcknowledgedOutlivesAKill) {
  std::set<std::uint64_t> acknowledged;
  std::uint64_t next = 1;
  for (int round = 0; round < 20; ++round) {
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe(ends.data()), 0);
    const pid_t child = fork();
    if (child == 0) {
      const auto store = open_store(path());
      if (!store || !load(**store)) _exit(1);
      for (std::uint64_t id = next;; ++id) {
        const auto asked =
            (*store)->write(changes(change::PutBinding{"sip:a@b", make_binding(id, "sip:a@c", kUntil)}),
                            [id, &ends](const Result<void>& outcome) {
                              if (outcome && write(ends[1], &id, sizeof id) != sizeof id) _exit(2);
                            });
        if (!asked || id % 7 == 0) (void)dispatch_once(**store);
      }
    }
    close(ends[1]);
    for (int i = 0; i < 50 + round * 13; ++i) {
      std::uint64_t id = 0;
      ASSERT_EQ(read(ends[0], &id, sizeof id), static_cast<ssize_t>(sizeof id));
      acknowledged.insert(id);
    }
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    for (std::uint64_t id = 0; read(ends[0], &id, sizeof id) == sizeof id;) acknowledged.insert(id);
    close(ends[0]);
    std::set<std::uint64_t> stored;
    for (const auto& [aor, binding] : contents().bindings) stored.insert(binding.id);
    ASSERT_TRUE(std::ranges::includes(stored, acknowledged));
    next = *stored.rbegin() + 1;
  }
}

TEST_F(SqliteStoreTest, AHundredThousandBindingsAreLoaded) {
  constexpr std::uint64_t kCount = 100000;
  using Clock = std::chrono::steady_clock;
  const auto ms = [](Clock::duration time) {
    return static_cast<long>(std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
  };
  const auto begin = Clock::now();
  fill(kCount);
  const auto filled = Clock::now();
  EXPECT_EQ(contents().bindings.size(), kCount);
  std::printf("100000 bindings: written in %ld ms, loaded in %ld ms, %ju octets on disk\n",
              ms(filled - begin), ms(Clock::now() - filled),
              static_cast<std::uintmax_t>(std::filesystem::file_size(path())));
}

}  // namespace
}  // namespace sallyport::control
