// SPDX-License-Identifier: GPL-3.0-or-later
// User, capabilities and process flags.
#include "control/privileges.h"

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include <cap-ng.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

namespace sallyport::control {

namespace {

[[noreturn]] void give_up(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

}  // namespace

void harden_process() {
  umask(077);
  const rlimit none{0, 0};
  if (setrlimit(RLIMIT_CORE, &none) != 0) give_up("cannot forbid core dumps");
  // Keys are locked into memory as relays come, when root has long been given up.
  const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
  if (setrlimit(RLIMIT_MEMLOCK, &unlimited) != 0)
    log::info("memory.lock_limit", {{"why", "cannot be lifted: keys beyond it may be swapped"}});
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) give_up("cannot forbid dumps");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) give_up("cannot forbid new privileges");
}

Identity find_identity(const std::string& name) {
  const passwd* entry = nullptr;
  for (const std::string& candidate :
       {name.empty() ? std::string("sallyport") : name, std::string("nobody")}) {
    entry = getpwnam(candidate.c_str());
    if (entry != nullptr || !name.empty()) break;
  }
  if (entry == nullptr) throw std::runtime_error("daemon.user: there is no user '" + name + "'");
  return {entry->pw_name, entry->pw_uid, entry->pw_gid};
}

void drop_privileges(const Identity& identity) {
  if (geteuid() != 0 || identity.user == 0) return;
  // KEEPCAPS belongs to the calling thread. The C library changes the user in all threads; the others,
  // without it, lose every capability at that moment.
  if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) give_up("cannot keep capabilities");
  if (setgroups(0, nullptr) != 0) give_up("cannot drop groups");
  if (setresgid(identity.group, identity.group, identity.group) != 0) give_up("cannot change group");
  if (setresuid(identity.user, identity.user, identity.user) != 0) give_up("cannot become " + identity.name);
  prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
  capng_clear(CAPNG_SELECT_CAPS);
  const auto kept = static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED);
  capng_updatev(CAPNG_ADD, kept, CAP_NET_ADMIN, CAP_BPF, -1);
  if (capng_apply(CAPNG_SELECT_CAPS) != 0) throw std::runtime_error("cannot reduce capabilities");
  // Changing the user may have set the flag anew.
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) give_up("cannot forbid dumps");
}

}  // namespace sallyport::control
