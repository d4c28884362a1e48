// SPDX-License-Identifier: GPL-3.0-or-later
// Tables of relays, ports, workers and captures.
#include "sallyctl/table.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

namespace sallyport::sallyctl {

namespace json = boost::json;

namespace {

bool numeric(const std::string& cell) {
  return cell == "-" || (!cell.empty() && cell.find_first_not_of("0123456789.%") == std::string::npos);
}

// Names come from clients of the daemon: nothing of theirs may steer the terminal.
std::string printable(std::string_view text) {
  std::string clean;
  for (const char c : text) clean += static_cast<unsigned char>(c) < ' ' || c == 0x7f ? '?' : c;
  return clean;
}

std::string decimal(double value, const char* format) {
  char text[32];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

void outline_into(const json::object& object, const std::string& prefix,
                  std::vector<std::pair<std::string, std::string>>& rows) {
  for (const auto& field : object) {
    const std::string name = prefix + printable(std::string_view(field.key().data(), field.key().size()));
    if (field.value().is_object())
      outline_into(field.value().get_object(), name + ".", rows);
    else
      rows.emplace_back(name, plain(field.value()));
  }
}

const json::value* find(const json::object& object, std::string_view path) {
  const auto dot = path.find('.');
  const auto* value = object.if_contains(path.substr(0, dot));
  if (value == nullptr || dot == std::string_view::npos) return value;
  return value->is_object() ? find(value->get_object(), path.substr(dot + 1)) : nullptr;
}

using Column = std::pair<const char*, const char*>;  ///< header, member

template <std::size_t N>
Table table_of(const json::array& rows, const Column (&columns)[N]) {
  std::vector<std::string> header;
  for (const auto& [title, path] : columns) header.emplace_back(title);
  Table table(std::move(header));
  for (const json::value& row : rows) {
    if (!row.is_object()) continue;
    std::vector<std::string> cells;
    for (const auto& [title, path] : columns) cells.push_back(member(row.get_object(), path));
    table.add(std::move(cells));
  }
  return table;
}

}  // namespace

std::string plain(const json::value& value) {
  if (value.is_string())
    return printable(std::string_view(value.get_string().data(), value.get_string().size()));
  if (value.is_null()) return "-";
  if (value.is_double()) return decimal(value.get_double(), "%.1f");
  if (value.is_bool()) return value.get_bool() ? "yes" : "no";
  if (!value.is_array()) return printable(json::serialize(value));
  std::string list;
  for (const json::value& item : value.get_array()) list += (list.empty() ? "" : " ") + plain(item);
  return list.empty() ? "-" : list;
}

std::string member(const json::object& object, std::string_view path) {
  const json::value* value = find(object, path);
  const std::string text = value == nullptr ? "-" : plain(*value);
  return text.empty() ? "-" : text;
}

std::string outline(const json::object& object) {
  std::vector<std::pair<std::string, std::string>> rows;
  outline_into(object, "", rows);
  std::size_t width = 0;
  for (const auto& [name, value] : rows) width = std::max(width, name.size());
  std::string text;
  for (const auto& [name, value] : rows)
    text += name + std::string(width - name.size() + 2, ' ') + value + "\n";
  return text;
}

std::vector<std::string> Table::lines() const {
  std::vector<std::size_t> widths(rows_.front().size());
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::vector<std::string> lines;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string space(widths[i] - row[i].size(), ' ');
      line += (i == 0 ? "" : "  ") + (numeric(row[i]) ? space + row[i] : row[i] + space);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string Table::text() const {
  std::string text;
  for (const std::string& line : lines()) text += line + "\n";
  return text;
}

Table relay_table(const json::array& relays) {
  Table table({"RELAY", "LEG", "SIDE", "LOCAL", "REMOTE", "SUITE", "STATE", "PACKETS", "SENT ON", "LOST",
               "JITTER ms", "DROPPED", "FORGED", "REPLAYED", "IDLE s"});
  for (const json::value& value : relays) {
    if (!value.is_object()) continue;
    const json::object& relay = value.get_object();
    for (const std::string leg : {"a", "b"}) {
      const auto of = [&](const char* path) { return member(relay, leg + "." + path); };
      const std::string suite = of("suite");
      table.add({leg == "a" ? member(relay, "relay") : "", leg, of("side"), of("local"), of("remote"),
                 suite == "-" ? "none" : suite, leg == "a" ? member(relay, "state") : "",
                 of("received.rtp_packets"), of("received.rtp_forwarded"), of("received.lost"),
                 of("received.jitter_ms"), of("received.dropped"), of("received.forged"),
                 of("received.replayed"), leg == "a" ? member(relay, "idle_s") : ""});
    }
  }
  return table;
}

Table port_table(const json::array& ports) {
  return table_of(ports, {{"PORT", "port"},
                          {"DEVICE", "device"},
                          {"ATTACH", "attach"},
                          {"DRIVER", "driver"},
                          {"LINK", "link"},
                          {"MAC", "mac"},
                          {"MTU", "mtu"},
                          {"QUEUES", "queues"},
                          {"RECEIVED", "received"},
                          {"SENT", "sent"},
                          {"MISSED", "missed"},
                          {"NO BUFFER", "no_buffer"},
                          {"RX ERRORS", "receive_errors"},
                          {"TX ERRORS", "send_errors"}});
}

Table worker_table(const json::array& workers) {
  Table table(
      {"WORKER", "RELAYS", "LOAD", "PACKETS/s", "CYCLES/PACKET", "RECEIVED", "SLEEPS", "EVENTS LOST"});
  for (const json::value& value : workers) {
    if (!value.is_object()) continue;
    const json::object& worker = value.get_object();
    const json::value* load = worker.if_contains("load");
    const double share = load != nullptr && load->is_number() ? load->to_number<double>() : 0;
    table.add({member(worker, "worker"), member(worker, "relays"), decimal(share * 100, "%.1f%%"),
               member(worker, "packets_per_second"), member(worker, "cycles_per_packet"),
               member(worker, "received"), member(worker, "sleeps"), member(worker, "events_lost")});
  }
  return table;
}

Table capture_table(const json::array& captures) {
  return table_of(captures, {{"CAPTURE", "capture"},
                             {"RELAY", "relay"},
                             {"LEG", "leg"},
                             {"MODE", "mode"},
                             {"PACKETS", "packets"},
                             {"BYTES", "bytes"},
                             {"NOT WRITTEN", "not_written"},
                             {"FILE", "file"}});
}

Table user_table(const json::array& users) {
  return table_of(users, {{"USER", "user"},
                          {"NAME", "display_name"},
                          {"ENABLED", "enabled"},
                          {"ALGORITHMS", "algorithms"},
                          {"REALM", "realm"},
                          {"REGISTRATIONS", "registrations"}});
}

Table registration_table(const json::array& registrations) {
  return table_of(registrations, {{"USER", "user"},
                                  {"BINDING", "binding"},
                                  {"CONTACT", "contact"},
                                  {"TRANSPORT", "transport"},
                                  {"SOURCE", "source"},
                                  {"CONNECTED", "connected"},
                                  {"EXPIRES s", "expires_in_s"},
                                  {"Q", "q"},
                                  {"AGENT", "user_agent"}});
}

Table trace_table(const json::array& traces) {
  return table_of(traces,
                  {{"CALL", "call"}, {"ENDED", "ended"}, {"MESSAGES", "messages"}, {"FIRST", "first"}});
}

Table trunk_table(const json::array& trunks) {
  return table_of(trunks, {{"TRUNK", "trunk"},
                           {"GROUP", "group"},
                           {"STATE", "state"},
                           {"HOST", "host"},
                           {"TRANSPORT", "transport"},
                           {"CALLS", "calls"},
                           {"OUT", "calls_out"},
                           {"IN", "calls_in"},
                           {"FAILED OVER", "failed_over"},
                           {"REFUSED", "refused"},
                           {"WHY", "why"}});
}

Table certificate_table(const json::array& certificates) {
  return table_of(certificates, {{"CERTIFICATE", "certificate"},
                                 {"KEY", "key"},
                                 {"NOT AFTER", "not_after"},
                                 {"DAYS LEFT", "days_left"},
                                 {"NAMES", "names"},
                                 {"ISSUER", "issuer"},
                                 {"FILE", "file"}});
}

Table change_table(const json::array& changes) {
  return table_of(changes, {{"KEY", "key"}, {"IN FORCE", "in_force"}, {"FILE", "file"}, {"LIVE", "live"}});
}

std::string stats_text(const json::object& stats) {
  Table verdicts({"VERDICT", "PACKETS"});
  if (const auto* all = find(stats, "verdicts"); all != nullptr && all->is_object())
    for (const auto& verdict : all->get_object())
      verdicts.add({std::string(verdict.key()), plain(verdict.value())});
  Table limits({"LIMIT", "BOUND", "REFUSED"});
  if (const auto* all = find(stats, "limits"); all != nullptr && all->is_object())
    for (const auto& limit : all->get_object())
      if (limit.value().is_object())
        limits.add({std::string(limit.key()), member(limit.value().get_object(), "limit"),
                    member(limit.value().get_object(), "refused")});
  std::string text =
      "received  " + member(stats, "received") + "\n\n" + verdicts.text() + "\n" + limits.text() + "\n";
  if (const auto* relays = find(stats, "relays"); relays != nullptr && relays->is_object())
    text += outline({{"relays", *relays}});
  if (const auto* subscribers = find(stats, "subscribers");
      subscribers != nullptr && subscribers->is_object())
    text += "\n" + outline({{"subscribers", *subscribers}});
  if (const auto* sip = find(stats, "sip"); sip != nullptr && sip->is_object())
    text += "\n" + outline({{"sip", *sip}});
  if (const auto* handshakes = find(stats, "handshakes"); handshakes != nullptr && handshakes->is_object())
    text += "\n" + outline({{"handshakes", *handshakes}});
  return text;
}

}  // namespace sallyport::sallyctl
