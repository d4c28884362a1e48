// SPDX-License-Identifier: GPL-3.0-or-later
// Options of all commands and what they must be.
#include "sallyload/command_line.h"

#include <charconv>
#include <fstream>

#include <CLI/CLI.hpp>

#include "keying/dtls_association.h"

namespace sallyport::sallyload {

namespace {

tl::unexpected<Error> wrong(std::string text) {
  return fail(ErrorClass::malformed, std::move(text));
}

void add_server_options(CLI::App& command, CommandLine& line) {
  Settings& settings = line.settings;
  command.add_option("--server", line.server, "address and port, as 192.0.2.1:5061")
      ->required()
      ->group("Server");
  command.add_option("--transport", line.transport, "tls, tcp or udp")
      ->check(CLI::IsMember({"tls", "tcp", "udp"}))
      ->capture_default_str()
      ->group("Server");
  command
      .add_option("--ca", settings.ca,
                  "PEM file that the server's certificate must lead to; else the system's")
      ->check(CLI::ExistingFile)
      ->group("Server");
  command
      .add_option("--server-name", settings.server_name, "that the certificate must carry; else the domain")
      ->group("Server");
  command.add_option("--domain", settings.domain, "of all users")->required()->group("Server");
  command.add_option("--local", line.local, "address to be at; else what the kernel chooses")
      ->group("Server");
  command
      .add_option("--connections", settings.connections, "kept ones that users share; 0: one for each user")
      ->capture_default_str()
      ->group("Server");
  command.add_flag("--resume", settings.resume, "resume TLS sessions")->group("Server");
  command.add_option("--handshake-threads", settings.handshake_threads, "for TLS handshakes")
      ->check(CLI::Range(1, 64))
      ->capture_default_str()
      ->group("Server");
}

void add_user_options(CLI::App& command, CommandLine& line) {
  command.add_option("--users", line.users, "FIRST..LAST")->capture_default_str()->group("Users");
  command.add_option("--user-pattern", line.pattern, "with one %d or %0Nd")
      ->capture_default_str()
      ->group("Users");
  command
      .add_option("--password", line.settings.password,
                  "of all users; others on this machine can see it here")
      ->group("Users");
  command.add_option("--password-file", line.password_file, "its first line is the password")
      ->check(CLI::ExistingFile)
      ->excludes("--password")
      ->group("Users");
  command
      .add_option("--algorithm", line.algorithm,
                  "of digests: sha-256, sha-512-256, md5; any: the strongest offered")
      ->check(CLI::IsMember({"any", "sha-256", "sha-512-256", "md5"}))
      ->capture_default_str()
      ->group("Users");
  command
      .add_flag("--reuse-nonce", line.settings.reuse_nonce,
                "count up on a known nonce, so that a request is not challenged again")
      ->group("Users");
}

void add_amount_options(CLI::App& command, CommandLine& line) {
  Settings& settings = line.settings;
  command.add_option("--rate", settings.rate, "begun a second; 0: as fast as the others end")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str()
      ->group("Amount");
  command.add_option("--total", settings.total, "how many; 0: until --duration is over")
      ->capture_default_str()
      ->group("Amount");
  command.add_option("--duration", settings.duration_s, "seconds; 0: until --total is reached")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str()
      ->group("Amount");
  command.add_option("--concurrency,--concurrent", settings.concurrency, "at one time")
      ->check(CLI::PositiveNumber)
      ->capture_default_str()
      ->group("Amount");
  command.add_option("--timeout-ms", settings.timeout_ms, "for each transaction and connection; 64 times T1")
      ->check(CLI::Range(640, 600000))
      ->capture_default_str()
      ->group("Amount");
  command.add_option("--give-up", settings.give_up_s, "seconds without any answer, after which the run ends")
      ->check(CLI::PositiveNumber)
      ->capture_default_str()
      ->group("Amount");
  command.add_option("--json", settings.json, "file for the results; -: standard output");
}

void add_call_options(CLI::App& command, CommandLine& line) {
  Settings& settings = line.settings;
  command.add_option("--hold-s", settings.hold_s, "seconds from answer to BYE")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str()
      ->group("Calls");
  command
      .add_option("--media", line.media,
                  "none, rtp, srtp with keys in descriptions, or dtls: SRTP by DTLS-SRTP")
      ->check(CLI::IsMember({"none", "rtp", "srtp", "dtls"}))
      ->capture_default_str()
      ->group("Calls");
  command.add_option("--suite", line.suite, "of SRTP, as SDP names it; none: descriptions without keys")
      ->capture_default_str()
      ->group("Calls");
  command
      .add_flag("--ice", settings.ice,
                "check the way first, as ICE has it; only with --media dtls, and a peer without NAT")
      ->group("Calls");
  command.add_option("--pps", settings.packets_per_second, "packets a second in each direction")
      ->capture_default_str()
      ->group("Calls");
  command.add_option("--payload", settings.payload, "octets of each packet's payload")
      ->check(CLI::Range(32, 1300))
      ->capture_default_str()
      ->group("Calls");
  command.add_option("--media-ports", line.media_ports, "FIRST-LAST")->capture_default_str()->group("Calls");
}

Result<std::pair<std::uint16_t, std::uint16_t>> parse_ports(std::string_view text) {
  std::uint16_t first = 0;
  std::uint16_t last = 0;
  const char* const end = text.data() + text.size();
  const auto one = std::from_chars(text.data(), end, first);
  const bool dash = one.ec == std::errc() && one.ptr != end && *one.ptr == '-';
  const auto two = dash ? std::from_chars(one.ptr + 1, end, last) : one;
  if (!dash || two.ec != std::errc() || two.ptr != end || first < 1024 || last <= first)
    return wrong("--media-ports: FIRST-LAST, from 1024");
  return std::pair(static_cast<std::uint16_t>(first + first % 2), last);
}

Result<void> read_names(const CommandLine& line, Settings& settings) {
  auto server = Endpoint::parse(line.server);
  if (!server || server->port == 0)
    return wrong("--server: an address and a port, as 192.0.2.1:5061 or [2001:db8::1]:5061");
  settings.server = *server;
  settings.transport = line.transport == "tls"   ? sip::Transport::tls
                       : line.transport == "tcp" ? sip::Transport::tcp
                                                 : sip::Transport::udp;
  if (!line.local.empty()) {
    auto local = IpAddress::parse(line.local);
    if (!local) return wrong("--local: no address");
    settings.local = *local;
  }
  if (settings.domain.empty() || settings.domain.find_first_of(" \t\r\n<>@;\"") != std::string::npos)
    return wrong("--domain: a host name");
  if (settings.server_name.empty()) settings.server_name = settings.domain;
  auto users = parse_users(line.users, line.pattern);
  if (!users) return wrong("--users, --user-pattern: " + users.error().text);
  settings.users = std::move(*users);
  if (line.algorithm != "any") settings.algorithm = crypto::digest_algorithm_by_name(line.algorithm);
  if (!line.password_file.empty()) {
    std::ifstream file(line.password_file);
    if (!std::getline(file, settings.password)) return wrong("--password-file: cannot be read, or is empty");
  }
  return {};
}

Result<void> read_media(const CommandLine& line, Settings& settings) {
  settings.media = line.media == "srtp"   ? MediaMode::srtp
                   : line.media == "dtls" ? MediaMode::dtls
                   : line.media == "rtp"  ? MediaMode::rtp
                                          : MediaMode::none;
  settings.suite = crypto::suite_by_name(line.suite);
  if (!settings.suite && line.suite != "none") return wrong("--suite: unknown");
  if (settings.media == MediaMode::srtp && !settings.suite) return wrong("--media srtp needs a suite");
  if (settings.media == MediaMode::dtls && (!settings.suite || !keying::has_dtls_profile(*settings.suite)))
    return wrong("--media dtls needs a suite that RFC 5764 or RFC 7714 has a profile for");
  if (settings.media == MediaMode::dtls && settings.hold_s == 0)
    return wrong("--media dtls needs --hold-s: keys take their time");
  if (settings.media == MediaMode::rtp) settings.suite.reset();
  if (settings.ice && settings.media != MediaMode::dtls) return wrong("--ice: only with --media dtls");
  if (settings.packets_per_second == 0 || 1000 % settings.packets_per_second != 0)
    return wrong("--pps: a divisor of 1000");
  const auto ports = parse_ports(line.media_ports);
  if (!ports) return tl::unexpected(ports.error());
  settings.first_media_port = ports->first;
  settings.last_media_port = ports->second;
  if (settings.users.count < 2) return wrong("--users: a call needs two");
  const std::uint64_t needed = 4 * std::min(settings.concurrency, settings.users.count / 2);
  if (settings.media != MediaMode::none && ports->second - ports->first + 1U < needed)
    return wrong("--media-ports: " + std::to_string(needed) + " are needed");
  return {};
}

}  // namespace

void add_commands(CLI::App& app, CommandLine& line) {
  CLI::App* registrations = app.add_subcommand("register", "Registers users, again and again.");
  CLI::App* calls = app.add_subcommand(
      "call", "Registers users and lets every other one call the next, with media that is checked.");
  CLI::App* options = app.add_subcommand("options", "Pings the server by OPTIONS.");
  for (CLI::App* command : {registrations, calls, options}) {
    add_server_options(*command, line);
    add_user_options(*command, line);
    add_amount_options(*command, line);
  }
  registrations->add_flag("--new-connection", line.settings.new_connection, "for each registration")
      ->group("Server");
  registrations->add_option("--expires", line.settings.expires_s, "seconds")
      ->capture_default_str()
      ->group("Users");
  registrations->add_flag("--unregister", line.settings.unregister, "after each registration")
      ->group("Users");
  add_call_options(*calls, line);
  registrations->final_callback([&line] { line.settings.task = Task::registrations; });
  calls->final_callback([&line] { line.settings.task = Task::calls; });
  options->final_callback([&line] { line.settings.task = Task::options; });
}

Result<Settings> read_settings(const CommandLine& line) {
  Settings settings = line.settings;
  if (auto done = read_names(line, settings); !done) return tl::unexpected(done.error());
  if (settings.task == Task::calls)
    if (auto done = read_media(line, settings); !done) return tl::unexpected(done.error());
  if (settings.total == 0 && settings.duration_s == 0)
    return wrong("--total or --duration must say when to end");
  if (settings.new_connection && settings.connections != 0)
    return wrong("--new-connection and --connections exclude each other");
  if (settings.new_connection && settings.transport == sip::Transport::udp)
    return wrong("--new-connection: UDP has none");
  return settings;
}

}  // namespace sallyport::sallyload
