// SPDX-License-Identifier: GPL-3.0-or-later
// What the transports count; names, order and meaning stand in one table.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sallyport::transport {

enum class Count : std::uint8_t {
  accepted,
  accept_failed,
  handshakes_done,
  handshakes_resumed,
  handshakes_failed,
  client_refused,
  sni_unknown,
  upgrades,
  upgrades_malformed,
  upgrades_not_websocket,
  upgrades_version,
  upgrades_protocol,
  upgrades_path,
  upgrades_origin,
  upgrades_abandoned,
  connects,
  connects_failed,
  reused,
  closed_by_peer,
  closed_abruptly,
  closed_by_us,
  closed_broken_stream,
  messages_received,
  messages_sent,
  bytes_received,
  bytes_sent,
  keep_alives,
  websocket_pings,
  websocket_violations,
  datagrams_truncated,
  datagrams_unreachable,
  sends_failed,
  dns_questions,
  dns_cache_hits,
  dns_failures,
};

struct CountInfo {
  Count count;
  std::string_view name;
  std::string_view meaning;
};

inline constexpr std::array kCounts = std::to_array<CountInfo>({
    {Count::accepted, "accepted", "connections that peers opened and no limit refused"},
    {Count::accept_failed, "accept_failed",
     "connections the kernel could not hand over, for want of descriptors"},
    {Count::handshakes_done, "handshakes_done", "TLS handshakes that succeeded"},
    {Count::handshakes_resumed, "handshakes_resumed", "of these, resumed sessions"},
    {Count::handshakes_failed, "handshakes_failed", "TLS handshakes that failed"},
    {Count::client_refused, "client_refused", "handshakes that failed for the peer's certificate or name"},
    {Count::sni_unknown, "sni_unknown", "handshakes that asked for a name without a certificate"},
    {Count::upgrades, "upgrades", "requests for a WebSocket that were granted"},
    {Count::upgrades_malformed, "upgrades_malformed", "refused because they were no good HTTP request"},
    {Count::upgrades_not_websocket, "upgrades_not_websocket", "refused because they asked for no WebSocket"},
    {Count::upgrades_version, "upgrades_version", "refused because they asked for another version than 13"},
    {Count::upgrades_protocol, "upgrades_protocol", "refused because they did not offer the subprotocol sip"},
    {Count::upgrades_path, "upgrades_path", "refused because they asked for another path"},
    {Count::upgrades_origin, "upgrades_origin", "refused because of the page's origin, or for want of one"},
    {Count::upgrades_abandoned, "upgrades_abandoned",
     "connections of WebSocket listeners that ended, or took too long, before they had asked"},
    {Count::connects, "connects", "connections opened to peers"},
    {Count::connects_failed, "connects_failed", "connections to peers that could not be opened"},
    {Count::reused, "reused", "times that a connection served instead of a new one"},
    {Count::closed_by_peer, "closed_by_peer", "connections that peers ended in order"},
    {Count::closed_abruptly, "closed_abruptly", "connections that were cut, or ended without close_notify"},
    {Count::closed_by_us, "closed_by_us", "connections that a limit, an order or an error of ours ended"},
    {Count::closed_broken_stream, "closed_broken_stream",
     "connections ended because no message could be found in them"},
    {Count::messages_received, "messages_received", "messages handed to the SIP stack"},
    {Count::messages_sent, "messages_sent", "messages sent or queued"},
    {Count::bytes_received, "bytes_received", "octets of SIP received"},
    {Count::bytes_sent, "bytes_sent", "octets of SIP sent"},
    {Count::keep_alives, "keep_alives", "keep-alives received"},
    {Count::websocket_pings, "websocket_pings", "pings sent to WebSockets' peers"},
    {Count::websocket_violations, "websocket_violations",
     "WebSockets ended because their peers sent what RFC 6455 forbids"},
    {Count::datagrams_truncated, "datagrams_truncated",
     "datagrams dropped because they were larger than any message may be"},
    {Count::datagrams_unreachable, "datagrams_unreachable",
     "datagrams that the network reported undeliverable"},
    {Count::sends_failed, "sends_failed", "messages that could not be sent"},
    {Count::dns_questions, "dns_questions", "DNS questions sent"},
    {Count::dns_cache_hits, "dns_cache_hits", "DNS questions answered from the cache"},
    {Count::dns_failures, "dns_failures", "DNS questions without a usable answer"},
});
inline constexpr std::size_t kCountCount = kCounts.size();

constexpr bool counts_stand_at_their_values() {
  for (std::size_t i = 0; i < kCounts.size(); ++i)
    if (static_cast<std::size_t>(kCounts[i].count) != i) return false;
  return kCounts.back().count == Count::dns_failures;
}
static_assert(counts_stand_at_their_values());

/// Several threads add, any reads, nobody resets.
class Counters {
 public:
  void add(Count count, std::uint64_t amount = 1) {
    values_[static_cast<std::size_t>(count)].fetch_add(amount, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t operator[](Count count) const {
    return values_[static_cast<std::size_t>(count)].load(std::memory_order_relaxed);
  }

 private:
  std::array<std::atomic<std::uint64_t>, kCountCount> values_{};
};

}  // namespace sallyport::transport
