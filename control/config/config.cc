// SPDX-License-Identifier: GPL-3.0-or-later
// From TOML to Config: sections without sides here, sides in config_sides.cc.
#include "control/config/config.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

#include <toml++/toml.h>

#include "base/secret.h"
#include "control/config/auth.h"
#include "control/config/section.h"
#include "control/config/sides.h"
#include "control/config/store.h"

namespace sallyport::control {

namespace {

constexpr std::uint64_t kMaxConfigBytes = 1 << 20;

void read_daemon(ConfigSection section, DaemonConfig& daemon) {
  daemon.user = section.text("user", daemon.user);
  daemon.admin_socket = section.text("admin_socket", daemon.admin_socket);
  daemon.admin_group = section.text("admin_group", daemon.admin_group);
  // sun_path holds 108 octets with the terminating zero.
  if (daemon.admin_socket.empty() || daemon.admin_socket.front() != '/' || daemon.admin_socket.size() > 107)
    section.error("admin_socket", "must be an absolute path of at most 107 octets");
  const std::string mode = section.text("admin_mode", "0660");
  unsigned bits = 0;
  const auto [end, failure] = std::from_chars(mode.data(), mode.data() + mode.size(), bits, 8);
  if (failure != std::errc{} || end != mode.data() + mode.size() || bits > 0777)
    section.error("admin_mode", "must be an octal mode such as \"0660\"");
  else
    daemon.admin_mode = bits;
  section.finish();
}

void read_log(ConfigSection section, log::Level& level) {
  level = section.choice("level", level,
                         {{"debug", log::Level::debug},
                          {"info", log::Level::info},
                          {"warning", log::Level::warning},
                          {"error", log::Level::error}});
  section.finish();
}

void read_limits(ConfigSection section, Limits& limits) {
  for (std::size_t i = 0; i < kConfigurableLimits; ++i) {
    const LimitInfo& about = kLimits[i];
    if (about.section != "limits") continue;
    limits.set(about.limit, section.number(about.name, about.standard, about.lowest, about.highest));
  }
  section.finish();
}

std::uint32_t read_window(ConfigSection& section, std::string_view key, std::uint32_t standard) {
  const auto window = section.count(key, standard, 64, 32768);
  if (!std::has_single_bit(window)) section.error(key, "must be a power of two");
  return window;
}

void read_workers(ConfigSection& section, dataplane::RuntimeConfig& runtime) {
  if (section.has("workers")) {
    for (const std::uint64_t core : section.numbers("workers", 1023))
      runtime.worker_cores.push_back(static_cast<unsigned>(core));
  } else {
    runtime.worker_cores = {1};
  }
  if (runtime.worker_cores.empty() || runtime.worker_cores.size() > dataplane::kMaxWorkers)
    section.error("workers", "must name 1 to " + std::to_string(dataplane::kMaxWorkers) + " processor cores");
  auto sorted = runtime.worker_cores;
  std::ranges::sort(sorted);
  if (std::ranges::adjacent_find(sorted) != sorted.end()) section.error("workers", "names a core twice");
}

void read_media(ConfigSection& section, Config& config) {
  dataplane::RuntimeConfig& runtime = config.runtime;
  MediaConfig& media = config.media;
  read_workers(section, runtime);
  runtime.poll =
      section.choice("poll", runtime.poll,
                     {{"adaptive", dataplane::PollMode::adaptive}, {"busy", dataplane::PollMode::busy}});
  runtime.engine = section.choice(
      "engine", runtime.engine,
      {{"ipsec-mb", crypto::EngineKind::ipsec_mb}, {"libsrtp2", crypto::EngineKind::libsrtp2}});
  runtime.huge_pages = section.choice("huge_pages", runtime.huge_pages,
                                      {{"auto", dataplane::HugePages::automatic},
                                       {"on", dataplane::HugePages::on},
                                       {"off", dataplane::HugePages::off}});
  runtime.memory_mb = static_cast<unsigned>(section.number("memory_mb", runtime.memory_mb, 64, 1048576));
  runtime.eal_arguments = section.texts("eal");
  runtime.file_prefix = section.text("file_prefix", runtime.file_prefix);
  if (runtime.file_prefix.empty() || runtime.file_prefix.find('/') != std::string::npos)
    section.error("file_prefix", "must be a name without '/'");
  media.timeout_s = section.count("timeout_s", media.timeout_s, 0, 86400);
  media.timeout_action = section.choice("timeout_action", media.timeout_action,
                                        {{"report", TimeoutAction::report}, {"drop", TimeoutAction::drop}});
  media.replay_window = read_window(section, "replay_window", media.replay_window);
  media.rtcp_replay_window = read_window(section, "rtcp_replay_window", media.rtcp_replay_window);
  media.latch_window_ms = section.count("latch_window_ms", media.latch_window_ms, 0, 3600000);
}

void read_keying(ConfigSection section, KeyingConfig& keying) {
  keying.certificate = section.choice(
      "certificate", keying.certificate,
      {{"ecdsa-p256", keying::DtlsKeyType::ecdsa_p256}, {"rsa-2048", keying::DtlsKeyType::rsa_2048}});
  keying.zrtp_cache = section.text("zrtp_cache", "");
  if (!keying.zrtp_cache.empty() && keying.zrtp_cache.front() != '/')
    section.error("zrtp_cache", "must be an absolute path");
  for (const keying::HandshakeLimitInfo& about : keying::kHandshakeLimits)
    keying.limits.set(about.limit,
                      section.count(about.name, about.standard, 1, keying::kHighestHandshakeLimit));
  section.finish();
}

void read_debug(ConfigSection section, DebugConfig& debug) {
  debug.allow_decrypted_capture = section.flag("allow_decrypted_capture", debug.allow_decrypted_capture);
  debug.capture_directory = section.text("capture_directory", debug.capture_directory);
  if (debug.capture_directory.empty() || debug.capture_directory.front() != '/')
    section.error("capture_directory", "must be an absolute path");
  section.finish();
}

Config read_config(const toml::table& file_table, const std::string& file, ConfigErrors& errors) {
  Config config;
  ConfigSection root(&file_table, "", file, errors);
  const auto section = [&](std::string_view name) {
    return ConfigSection(root.table(name), std::string(name), file, errors);
  };
  read_daemon(section("daemon"), config.daemon);
  read_log(section("log"), config.log_level);
  read_limits(section("limits"), config.limits);
  ConfigSection media = section("media");
  read_media(media, config);
  read_sides(ConfigSection(media.table("side"), "media.side", file, errors), file, errors, config);
  media.finish();
  read_keying(section("keying"), config.keying);
  read_debug(section("debug"), config.debug);
  if (root.table("store") != nullptr) config.store = read_store(section("store"));
  config.registrar = read_registrar(section("registrar"));
  config.auth = read_auth(section("auth"), {});
  config.auth.realm = config.registrar.realm;
  if (!config.store.path.empty() && config.registrar.domains.empty())
    root.error("store", "needs registrar.domains: users belong to a domain");
  read_sip(section("sip"), config);
  read_policies(section("policy"), config);
  read_listener_media(section("sip"), config);
  config.calls = read_calls(section("calls"), config.limits);
  read_trunks(section("trunk"), config);
  read_routes(root, config);
  config.records = read_records(section("records"));
  root.finish();
  return config;
}

ConfigError whole_file(const std::string& file, std::string text) {
  ConfigError error;
  error.file = file;
  error.text = std::move(text);
  return error;
}

// Passwords of trunks are among them; the parser's own buffers are beyond reach.
void wipe_texts(toml::node& node) {
  if (auto* text = node.as_string()) wipe(text->get().data(), text->get().size());
  if (auto* table = node.as_table())
    for (auto&& [key, value] : *table) wipe_texts(value);
  if (auto* array = node.as_array())
    for (toml::node& value : *array) wipe_texts(value);
}

// Text for people may come from the file itself: one error stays one line.
std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text) line += static_cast<unsigned char>(c) < ' ' || c == 0x7f ? '?' : c;
  return line;
}

}  // namespace

std::string ConfigError::to_string() const {
  std::string line_text = file;
  if (line != 0) line_text += ":" + std::to_string(line) + ":" + std::to_string(column);
  if (!key.empty()) line_text += ": " + key;
  return one_line(line_text + ": " + text);
}

tl::expected<Config, ConfigErrors> parse_config(std::string_view text, const std::string& file) {
  ConfigErrors errors;
  if (text.size() > kMaxConfigBytes)
    return tl::unexpected(ConfigErrors{whole_file(file, "larger than a mebibyte")});
  try {
    toml::table parsed = toml::parse(text, file);
    Config config = read_config(parsed, file, errors);
    wipe_texts(parsed);
    if (errors.empty()) return config;
  } catch (const toml::parse_error& failure) {
    ConfigError error = whole_file(file, std::string(failure.description()));
    error.line = failure.source().begin.line;
    error.column = failure.source().begin.column;
    errors.push_back(std::move(error));
  }
  std::ranges::stable_sort(errors, {},
                           [](const ConfigError& error) { return std::pair(error.line, error.column); });
  return tl::unexpected(std::move(errors));
}

tl::expected<Config, ConfigErrors> load_config(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return tl::unexpected(ConfigErrors{whole_file(path, std::strerror(errno))});
  std::string text(kMaxConfigBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return tl::unexpected(ConfigErrors{whole_file(path, "cannot be read")});
  text.resize(static_cast<std::size_t>(file.gcount()));
  auto config = parse_config(text, path);
  wipe(text.data(), text.size());
  return config;
}

}  // namespace sallyport::control
