// SPDX-License-Identifier: GPL-3.0-or-later
// Schema version 1, and rows in both directions.
#include "control/subscribers/sqlite_rows.h"

#include <algorithm>

namespace sallyport::control {

namespace {

// Readers of magic numbers (file(1), the start of another daemon) tell our files by it: "SlyP".
constexpr std::int64_t kApplicationId = 0x536c7950;
constexpr std::int64_t kSchemaVersion = 1;

// `stored_until` is when the binding certainly ends: never before what the client was promised.
constexpr const char* kSchema = R"(
BEGIN IMMEDIATE;
CREATE TABLE users (
  name TEXT NOT NULL,
  domain TEXT NOT NULL,
  realm TEXT NOT NULL,
  display_name TEXT NOT NULL,
  enabled INTEGER NOT NULL,
  bindings_limit INTEGER NOT NULL,
  calls_limit INTEGER NOT NULL,
  algorithms TEXT NOT NULL,
  ha1_md5 BLOB,
  ha1_sha_256 BLOB,
  ha1_sha_512_256 BLOB,
  PRIMARY KEY (name, domain)
) STRICT, WITHOUT ROWID;
CREATE TABLE bindings (
  id INTEGER PRIMARY KEY,
  aor TEXT NOT NULL,
  contact TEXT NOT NULL,
  parameters TEXT NOT NULL,
  instance TEXT NOT NULL,
  reg_id INTEGER NOT NULL,
  q INTEGER NOT NULL,
  stored_until INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  call_id TEXT NOT NULL,
  cseq INTEGER NOT NULL,
  path TEXT NOT NULL,
  user_agent TEXT NOT NULL,
  transport TEXT NOT NULL,
  remote TEXT NOT NULL,
  listener INTEGER NOT NULL
) STRICT;
PRAGMA application_id = 1399617872;
PRAGMA user_version = 1;
COMMIT;
)";
static_assert(kApplicationId == 1399617872 && kSchemaVersion == 1);

constexpr std::string_view kPutUser = "INSERT OR REPLACE INTO users VALUES (?,?,?,?,?,?,?,?,?,?,?)";
constexpr std::string_view kDeleteUser = "DELETE FROM users WHERE name = ? AND domain = ?";
constexpr std::string_view kPutBinding =
    "INSERT OR REPLACE INTO bindings VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
constexpr std::string_view kDeleteBinding = "DELETE FROM bindings WHERE id = ?";
constexpr std::string_view kAllUsers = "SELECT * FROM users";
constexpr std::string_view kAllBindings = "SELECT * FROM bindings";
constexpr int kFirstHa1 = 8;

constexpr std::array kTransports{sip::Transport::udp, sip::Transport::tcp, sip::Transport::tls,
                                 sip::Transport::ws, sip::Transport::wss};

std::int64_t seconds(WallTime time) {
  return time.time_since_epoch().count();
}

WallTime wall_time(std::int64_t seconds) {
  return WallTime(std::chrono::seconds(seconds));
}

std::string algorithm_names(const User& user) {
  std::string names;
  for (const crypto::DigestAlgorithm algorithm : user.algorithms)
    names.append(names.empty() ? "" : ",").append(crypto::info(algorithm).name);
  return names;
}

/// False if a name is unknown.
bool read_algorithms(std::string_view names, User& user) {
  while (!names.empty()) {
    const auto comma = std::min(names.find(','), names.size());
    const auto algorithm = crypto::digest_algorithm_by_name(names.substr(0, comma));
    if (!algorithm) return false;
    user.algorithms.push_back(*algorithm);
    names.remove_prefix(std::min(comma + 1, names.size()));
  }
  return true;
}

bool read_user(const SqliteStatement& row, User& user) {
  user.name = row.text(0);
  user.domain = row.text(1);
  user.aor = make_aor(user.name, user.domain);
  user.realm = row.text(2);
  user.display_name = row.text(3);
  user.enabled = row.number(4) != 0;
  user.bindings_limit = static_cast<std::uint32_t>(row.number(5));
  user.calls_limit = static_cast<std::uint32_t>(row.number(6));
  if (!read_algorithms(row.text(7), user)) return false;
  for (const crypto::DigestAlgorithmInfo& algorithm : crypto::kDigestAlgorithms) {
    const auto index = static_cast<std::size_t>(algorithm.id);
    const auto octets = row.octets(kFirstHa1 + static_cast<int>(index));
    if (octets.empty()) continue;
    if (octets.size() != algorithm.length) return false;
    user.ha1[index] = crypto::Ha1(octets);
  }
  return std::ranges::all_of(user.algorithms, [&user](auto algorithm) { return user.has_digest(algorithm); });
}

bool read_binding(const SqliteStatement& row, Binding& binding) {
  const BindingTexts::Parts parts{row.text(2), row.text(3),  row.text(4),
                                  row.text(9), row.text(12), row.text(11)};
  std::size_t octets = 0;
  for (const std::string_view part : parts) octets += part.size();
  const auto remote = Endpoint::parse(row.text(14));
  const auto is_transport = [&row](sip::Transport one) { return sip::name(one) == row.text(13); };
  const auto transport = std::ranges::find_if(kTransports, is_transport);
  if (octets > BindingTexts::kMaxOctets || !remote || transport == kTransports.end() || row.number(6) < 0 ||
      row.number(6) > 1000)
    return false;
  binding.id = static_cast<std::uint64_t>(row.number(0));
  binding.texts = BindingTexts(parts);
  binding.reg_id = static_cast<std::uint32_t>(row.number(5));
  binding.q = static_cast<std::uint16_t>(row.number(6));
  binding.expires = binding.stored_until = wall_time(row.number(7));
  binding.updated = wall_time(row.number(8));
  binding.cseq = static_cast<std::uint32_t>(row.number(10));
  binding.flow.transport = *transport;
  binding.flow.remote = *remote;
  binding.flow.listener = static_cast<std::uint32_t>(row.number(15));
  return true;
}

tl::unexpected<Error> bad_row(std::string_view table) {
  return fail(ErrorClass::refused,
              "holds a row that is none of ours in its table '" + std::string(table) + "'");
}

}  // namespace

Result<void> prepare_schema(SqliteDatabase& database) {
  const auto application = database.number("PRAGMA application_id");
  if (!application) return tl::unexpected(application.error());
  const auto tables = database.number("SELECT count(*) FROM sqlite_schema");
  if (!tables) return tl::unexpected(tables.error());
  if (*application == 0 && *tables == 0) return database.run(kSchema);
  if (*application != kApplicationId) return fail(ErrorClass::refused, "is a database of another program");
  const auto version = database.number("PRAGMA user_version");
  if (!version) return tl::unexpected(version.error());
  if (*version == kSchemaVersion) return {};
  return fail(ErrorClass::unsupported, "has schema version " + std::to_string(*version) +
                                           ", but this daemon knows version " +
                                           std::to_string(kSchemaVersion));
}

Result<SqliteWriter> SqliteWriter::prepare(SqliteDatabase& database) {
  SqliteWriter writer;
  for (const auto& [statement, text] :
       {std::pair(&writer.put_user_, kPutUser), std::pair(&writer.delete_user_, kDeleteUser),
        std::pair(&writer.put_binding_, kPutBinding), std::pair(&writer.delete_binding_, kDeleteBinding)}) {
    auto prepared = database.prepare(text);
    if (!prepared) return tl::unexpected(prepared.error());
    *statement = std::move(*prepared);
  }
  return writer;
}

Result<void> SqliteWriter::apply(const Change& change) {
  return std::visit([this](const auto& one) { return apply(one); }, change);
}

Result<void> SqliteWriter::apply(const change::PutUser& put) {
  const User& user = put.user;
  const std::string algorithms = algorithm_names(user);
  put_user_.bind(0, user.name);
  put_user_.bind(1, user.domain);
  put_user_.bind(2, user.realm);
  put_user_.bind(3, user.display_name);
  put_user_.bind(4, std::int64_t{user.enabled});
  put_user_.bind(5, std::int64_t{user.bindings_limit});
  put_user_.bind(6, std::int64_t{user.calls_limit});
  put_user_.bind(7, algorithms);
  for (std::size_t i = 0; i < user.ha1.size(); ++i) {
    const int parameter = kFirstHa1 + static_cast<int>(i);
    if (user.ha1[i].empty())
      put_user_.bind_null(parameter);
    else
      put_user_.bind(parameter, user.ha1[i].view());
  }
  return put_user_.run();
}

Result<void> SqliteWriter::apply(const change::DeleteUser& removed) {
  delete_user_.bind(0, removed.name);
  delete_user_.bind(1, removed.domain);
  return delete_user_.run();
}

Result<void> SqliteWriter::apply(const change::PutBinding& put) {
  const Binding& binding = put.binding;
  const std::string remote = binding.flow.remote.to_string();
  put_binding_.bind(0, static_cast<std::int64_t>(binding.id));
  put_binding_.bind(1, put.aor);
  put_binding_.bind(2, binding.contact());
  put_binding_.bind(3, binding.parameters());
  put_binding_.bind(4, binding.instance());
  put_binding_.bind(5, std::int64_t{binding.reg_id});
  put_binding_.bind(6, std::int64_t{binding.q});
  put_binding_.bind(7, seconds(binding.stored_until));
  put_binding_.bind(8, seconds(binding.updated));
  put_binding_.bind(9, binding.call_id());
  put_binding_.bind(10, std::int64_t{binding.cseq});
  put_binding_.bind(11, binding.path());
  put_binding_.bind(12, binding.user_agent());
  put_binding_.bind(13, sip::name(binding.flow.transport));
  put_binding_.bind(14, remote);
  put_binding_.bind(15, std::int64_t{binding.flow.listener});
  return put_binding_.run();
}

Result<void> SqliteWriter::apply(const change::DeleteBinding& removed) {
  delete_binding_.bind(0, static_cast<std::int64_t>(removed.id));
  return delete_binding_.run();
}

Result<void> load_users(SqliteDatabase& database, const std::function<void(User)>& user) {
  auto rows = database.prepare(kAllUsers);
  if (!rows) return tl::unexpected(rows.error());
  for (;;) {
    const auto more = rows->step();
    if (!more) return tl::unexpected(more.error());
    if (!*more) return {};
    User one;
    if (!read_user(*rows, one)) return bad_row("users");
    user(std::move(one));
  }
}

Result<void> load_bindings(SqliteDatabase& database,
                           const std::function<void(std::string, Binding)>& binding) {
  auto rows = database.prepare(kAllBindings);
  if (!rows) return tl::unexpected(rows.error());
  for (;;) {
    const auto more = rows->step();
    if (!more) return tl::unexpected(more.error());
    if (!*more) return {};
    Binding one;
    if (!read_binding(*rows, one)) return bad_row("bindings");
    binding(std::string(rows->text(1)), std::move(one));
  }
}

}  // namespace sallyport::control
