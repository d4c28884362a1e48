// SPDX-License-Identifier: GPL-3.0-or-later
// What the stores' tests share: files, a disk that is full, waiting, sample rows.
#include "tests/unit/control/store_rig.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>

namespace sallyport::control {

TemporaryDirectory::TemporaryDirectory() : path_(testing::TempDir() + "sallyport-store-XXXXXX") {
  if (mkdtemp(path_.data()) == nullptr) throw std::runtime_error("cannot make a directory for the test");
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

FileSizeLimit::FileSizeLimit(std::uint64_t octets) {
  (void)std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  getrlimit(RLIMIT_FSIZE, &limit);
  before_ = limit.rlim_cur;
  limit.rlim_cur = octets;
  setrlimit(RLIMIT_FSIZE, &limit);
}

FileSizeLimit::~FileSizeLimit() {
  rlimit limit{};
  getrlimit(RLIMIT_FSIZE, &limit);
  limit.rlim_cur = before_;
  setrlimit(RLIMIT_FSIZE, &limit);
}

StoreConfig store_config(const std::string& path) {
  StoreConfig config;
  config.path = path;
  return config;
}

Result<std::unique_ptr<Store>> open_store(const std::string& path) {
  return SqliteStore::open(store_config(path));
}

Result<StoreContents> load(Store& store) {
  StoreContents contents;
  const auto loaded = store.load({[&](User user) { contents.users.push_back(std::move(user)); },
                                  [&](std::string aor, Binding binding) {
                                    contents.bindings.emplace_back(std::move(aor), std::move(binding));
                                  }});
  if (!loaded) return tl::unexpected(loaded.error());
  return contents;
}

bool dispatch_once(Store& store) {
  pollfd waiting{store.descriptor(), POLLIN, 0};
  if (poll(&waiting, 1, 10000) <= 0) return false;
  store.dispatch();
  return true;
}

Result<void> write_and_wait(Store& store, Changes changes) {
  std::optional<Result<void>> outcome;
  const auto asked =
      store.write(std::move(changes), [&outcome](const Result<void>& result) { outcome = result; });
  if (!asked) return asked;
  while (!outcome)
    if (!dispatch_once(store)) return fail(ErrorClass::timeout, "the store does not answer");
  return *outcome;
}

User make_user(const std::string& name, const std::string& password) {
  User user;
  user.name = name;
  user.domain = user.realm = "example.com";
  user.aor = make_aor(user.name, user.domain);
  user.algorithms = {crypto::DigestAlgorithm::sha_256, crypto::DigestAlgorithm::md5};
  for (const crypto::DigestAlgorithm algorithm : user.algorithms)
    user.ha1[static_cast<std::size_t>(algorithm)] =
        crypto::make_ha1(algorithm, user.name, user.realm, password);
  return user;
}

Binding make_binding(std::uint64_t id, const std::string& contact, WallTime until) {
  Binding binding;
  binding.id = id;
  binding.expires = binding.stored_until = until;
  binding.updated = until - std::chrono::seconds(60);
  binding.cseq = 7;
  binding.flow.transport = sip::Transport::tls;
  binding.flow.remote = *Endpoint::parse("192.0.2.7:50123");
  BindingTexts::Parts parts{};
  parts[BindingTexts::contact] = contact;
  parts[BindingTexts::parameters] = ";methods=\"INVITE, ACK\"";
  parts[BindingTexts::instance] = "<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>";
  parts[BindingTexts::call_id] = "a84b4c76e66710@pc33.example.com";
  parts[BindingTexts::user_agent] = "test agent 1.0";
  binding.texts = BindingTexts(parts);
  return binding;
}

}  // namespace sallyport::control
