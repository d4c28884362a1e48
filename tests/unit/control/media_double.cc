// SPDX-License-Identifier: GPL-3.0-or-later
// Flows and streams without packets.
#include "tests/unit/control/media_double.h"

#include <utility>

namespace sallyport::dataplane {

struct Flow {
  FlowConfig config;
  FlowCounters counters;
  bool latched = false;
};

void FlowDeleter::operator()(Flow* flow) const {
  --control::test::Live::flows;
  delete flow;
}
FlowPtr make_flow(FlowConfig config) {
  ++control::test::Live::flows;
  return FlowPtr(new Flow{std::move(config), {}, false});
}
void take_streams(Flow& flow, Flow& predecessor) {
  if (flow.config.succeeds.inbound) flow.config.arrival.stream = std::move(predecessor.config.arrival.stream);
  if (flow.config.succeeds.outbound)
    flow.config.departure.stream = std::move(predecessor.config.departure.stream);
}
std::uint64_t id(const Flow& flow) {
  return flow.config.id;
}
const FlowCounters& counters(const Flow& flow) {
  return flow.counters;
}
FlowView view(const Flow& flow) {
  return {flow.config.arrival.source, flow.config.departure.target, flow.latched};
}
const crypto::InboundStream* inbound_stream(const Flow& flow) {
  return flow.config.arrival.stream.get();
}
const crypto::OutboundStream* outbound_stream(const Flow& flow) {
  return flow.config.departure.stream.get();
}
std::size_t memory_bytes(const Flow&) {
  return sizeof(Flow);
}

}  // namespace sallyport::dataplane

namespace sallyport::control::test {

namespace {

template <typename Base>
class Stream final : public Base {
 public:
  Stream() { ++Live::streams; }
  ~Stream() override { --Live::streams; }
  [[nodiscard]] crypto::StreamStatus status() const override { return {}; }
  [[nodiscard]] std::uint32_t hot_lines() const override { return 1; }
  [[nodiscard]] std::size_t memory_bytes() const override { return sizeof(*this); }
};

}  // namespace

Result<crypto::InboundStreamPtr> Engine::make_inbound(const crypto::SrtpConfig& config) {
  if (config.master_key.size() != crypto::suite(config.suite).key_length)
    return fail(ErrorClass::malformed, "size");
  if (fail_after >= 0 && fail_after-- == 0) return fail(ErrorClass::unsupported, "no such stream");
  return std::make_unique<Stream<crypto::InboundStream>>();
}

Result<crypto::OutboundStreamPtr> Engine::make_outbound(const crypto::SrtpConfig& config) {
  if (config.master_salt.size() != crypto::suite(config.suite).salt_length)
    return fail(ErrorClass::malformed, "size");
  if (fail_after >= 0 && fail_after-- == 0) return fail(ErrorClass::unsupported, "no such stream");
  return std::make_unique<Stream<crypto::OutboundStream>>();
}

bool Plane::idle() {
  while (!orders.empty() && orders.front().kind == dataplane::CommandKind::set_next_hop) {
    next_hops.push_back(orders.front());
    orders.pop_front();
  }
  return orders.empty();
}

dataplane::Command Plane::take() {
  dataplane::Command order;
  if (idle()) {
    order.result = dataplane::CommandResult::not_linked;
    return order;
  }
  order = orders.front();
  orders.pop_front();
  order.result = dataplane::CommandResult::done;
  return order;
}

Result<Route> Resolver::lookup(std::uint8_t, const IpAddress& destination) {
  const std::string text = destination.to_string();
  if (text.starts_with("203.0.113.")) return fail(ErrorClass::not_found, "no route");
  const IpAddress neighbour =
      text.starts_with("198.51.100.") ? destination : IpAddress::parse(gateway).value();
  const std::string name = neighbour.to_string();
  if (known[name] == 0) known[name] = 1;
  return Route{{0, 2, neighbour, 1500}, {true, 0, {2, 0, 0, 0, 0, 1}, 0, 1500}};
}

dataplane::FlowCounters& counters_of(dataplane::Flow& flow) {
  return flow.counters;
}
const dataplane::FlowConfig& config_of(const dataplane::Flow& flow) {
  return flow.config;
}
void latch(dataplane::Flow& flow, const Endpoint& source) {
  flow.config.arrival.source[0] = source;
  flow.latched = true;
}

}  // namespace sallyport::control::test
