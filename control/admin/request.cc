// SPDX-License-Identifier: GPL-3.0-or-later
// From a line of JSON to a typed request. The table of methods stands at the end.
#include <boost/json/error.hpp>
#include <boost/json/memory_resource.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/value.hpp>

#include "base/secret.h"
#include "control/admin/json_fields.h"
#include "control/admin/protocol.h"

namespace sallyport::control {

namespace {

constexpr std::size_t kMaxDepth = 4;  // request, params, leg, and one to spare

/// Lines carry keys, so whatever the parser leaves on the heap is wiped before it is freed.
class WipingResource final : public boost::json::memory_resource {
 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    return ::operator new (bytes, std::align_val_t{alignment});
  }
  void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override {
    wipe(memory, bytes);
    ::operator delete (memory, std::align_val_t{alignment});
  }
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }
};

/// The parser's scratch on the stack.
struct Scratch {
  std::array<unsigned char, 2048> octets;
  ~Scratch() { wipe(octets.data(), octets.size()); }
};

std::optional<KeyMaterial> read_key(JsonFields& fields, std::string_view key, crypto::SuiteId suite) {
  const auto text = fields.text(key);
  if (!text) {
    fields.refuse(key, ErrorClass::malformed, "is required beside a suite");
    return std::nullopt;
  }
  auto material = parse_key(*text, suite);
  if (material) return std::move(*material);
  fields.refuse(key, material.error().error_class, material.error().text);
  return std::nullopt;
}

// One MKI for both directions, in hexadecimal; SDES text may bring one of its own instead.
void read_mki(JsonFields& fields, Keying& keying) {
  const auto text = fields.text("mki");
  if (!text) return;
  if (keying.send.mki_length != 0 || keying.receive.mki_length != 0)
    return fields.refuse("mki", ErrorClass::refused, "the key names an MKI already");
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  std::array<std::uint8_t, crypto::kMaxMkiLength> mki{};
  bool good = text->size() % 2 == 0 && !text->empty() && text->size() <= 2 * mki.size();
  for (std::size_t i = 0; good && i < text->size(); i += 2) {
    const int high = digit((*text)[i]), low = digit((*text)[i + 1]);
    good = high >= 0 && low >= 0;
    if (good) mki[i / 2] = static_cast<std::uint8_t>(high * 16 + low);
  }
  if (!good) return fields.refuse("mki", ErrorClass::malformed, "must be 1 to 16 octets in hexadecimal");
  for (KeyMaterial* material : {&keying.send, &keying.receive}) {
    material->mki = mki;
    material->mki_length = static_cast<std::uint8_t>(text->size() / 2);
  }
}

void read_keying(JsonFields& fields, LegSpec& leg) {
  const auto suite_name = fields.text("suite");
  if (!suite_name) {
    for (const std::string_view key : {"send_key", "receive_key", "mki", "unencrypted_srtcp"})
      if (fields.has(key)) fields.refuse(key, ErrorClass::malformed, "needs a suite beside it");
    return;
  }
  const auto suite = crypto::suite_by_name(*suite_name);
  if (!suite) return fields.refuse("suite", ErrorClass::unsupported, "is not a suite we know");
  auto send = read_key(fields, "send_key", *suite);
  auto receive = read_key(fields, "receive_key", *suite);
  if (!send || !receive) return;
  Keying& keying = leg.keying.emplace();
  keying.suite = *suite;
  keying.send = std::move(*send);
  keying.receive = std::move(*receive);
  keying.unencrypted_srtcp = fields.flag("unencrypted_srtcp").value_or(false);
  read_mki(fields, keying);
}

void read_policy(JsonFields& fields, LegSpec& leg) {
  const std::string_view policy = fields.text("policy").value_or("signalled");
  if (policy == "latch")
    leg.policy = dataplane::SourcePolicy::latch;
  else if (policy != "signalled")
    fields.refuse("policy", ErrorClass::malformed, "must be signalled or latch");
  const std::string_view family = fields.text("family").value_or("auto");
  if (family == "ipv4")
    leg.family = AddressFamily::v4;
  else if (family == "ipv6")
    leg.family = AddressFamily::v6;
  else if (family != "auto")
    fields.refuse("family", ErrorClass::malformed, "must be auto, ipv4 or ipv6");
}

void read_leg(JsonFields& params, Leg which, std::optional<Refusal>& refusal, LegSpec& leg) {
  const auto* object = params.object(name(which));
  if (object == nullptr) return params.refuse(name(which), ErrorClass::malformed, "is required");
  JsonFields fields(*object, "params." + std::string(name(which)), refusal);
  leg.side = fields.required_text("side");
  leg.remote = fields.endpoint("remote");
  leg.remote_rtcp = fields.endpoint("remote_rtcp");
  read_keying(fields, leg);
  read_policy(fields, leg);
  leg.mux = fields.flag("mux").value_or(false);
  if (const auto dscp = fields.number("dscp", 0, 63)) leg.dscp = static_cast<std::uint8_t>(*dscp);
  leg.clock_rate =
      static_cast<std::uint32_t>(fields.number("clock_rate", 1, UINT32_MAX).value_or(leg.clock_rate));
  leg.signalling_peer = fields.address("signalling_peer").value_or(IpAddress{});
  fields.finish();
}

void read_spec(JsonFields& params, std::optional<Refusal>& refusal, RelaySpec& spec) {
  spec.label = params.text("label").value_or("");
  read_leg(params, Leg::a, refusal, spec.legs[0]);
  read_leg(params, Leg::b, refusal, spec.legs[1]);
  if (refusal) return;
  if (auto wrong = check(spec)) refusal = Refusal{std::move(wrong->error), "params." + wrong->field};
}

RequestBody read_drop(JsonFields& params) {
  request::RelayDrop drop;
  if (params.has("all")) {
    if (!params.flag("all").value_or(false) || params.has("relay"))
      params.refuse("all", ErrorClass::malformed, "must be true, without a relay");
    return drop;
  }
  drop.relay = params.required_id("relay");
  return drop;
}

RequestBody read_capture_start(JsonFields& params) {
  request::CaptureStart start;
  start.relay = params.required_id("relay");
  start.leg = params.required_leg("leg");
  const std::string_view mode = params.text("mode").value_or("received");
  start.opened = mode == "opened";
  if (!start.opened && mode != "received")
    params.refuse("mode", ErrorClass::malformed, "must be received or opened");
  start.file = params.text("file").value_or("");
  start.max_bytes = params.number("max_bytes", 4096, UINT64_MAX);
  return start;
}

RequestBody read_log_level(JsonFields& params) {
  request::LogLevel wanted;
  if (const auto text = params.text("level")) {
    const auto level = log::parse_level(*text);
    if (level)
      wanted.level = *level;
    else
      params.refuse("level", level.error().error_class, level.error().text);
  }
  return wanted;
}

RequestBody read_list(JsonFields& params) {
  request::RelayList list;
  list.after = params.number("after", 0, UINT64_MAX).value_or(list.after);
  list.count = params.number("count", 1, kMaxListCount).value_or(list.count);
  return list;
}

template <typename Body>
RequestBody read_source(JsonFields& params) {
  Body body;
  const auto source = params.address("source");
  if (source)
    body.source = *source;
  else
    params.refuse("source", ErrorClass::malformed, "is required");
  return body;
}

template <typename Body>
RequestBody read_nothing(JsonFields&, std::optional<Refusal>&) {
  return Body{};
}

template <auto Read>
RequestBody read_params(JsonFields& params, std::optional<Refusal>&) {
  return Read(params);
}

template <typename Group, typename Body>
RequestBody read_none_of(JsonFields&, std::optional<Refusal>&) {
  return Group(Body{});
}

using Reader = RequestBody (*)(JsonFields&, std::optional<Refusal>&);
struct Method {
  std::string_view name;
  Reader read;
};

constexpr Method kMethods[] = {
    {"status", read_nothing<request::Status>},
    {"relay.add",
     [](JsonFields& params, std::optional<Refusal>& refusal) -> RequestBody {
       request::RelayAdd add;
       read_spec(params, refusal, add.spec);
       return add;
     }},
    {"relay.list", [](JsonFields& params, std::optional<Refusal>&) { return read_list(params); }},
    {"relay.show",
     [](JsonFields& params, std::optional<Refusal>&) -> RequestBody {
       return request::RelayShow{params.required_id("relay")};
     }},
    {"relay.set",
     [](JsonFields& params, std::optional<Refusal>& refusal) -> RequestBody {
       request::RelaySet set;
       set.relay = params.required_id("relay");
       read_spec(params, refusal, set.spec);
       return set;
     }},
    {"relay.drop", [](JsonFields& params, std::optional<Refusal>&) { return read_drop(params); }},
    {"port.list", read_nothing<request::PortList>},
    {"worker.list", read_nothing<request::WorkerList>},
    {"stats", read_nothing<request::Stats>},
    {"capture.start", [](JsonFields& params, std::optional<Refusal>&) { return read_capture_start(params); }},
    {"capture.stop",
     [](JsonFields& params, std::optional<Refusal>&) -> RequestBody {
       return request::CaptureStop{params.required_id("capture")};
     }},
    {"capture.list", read_nothing<request::CaptureList>},
    {"log.level", [](JsonFields& params, std::optional<Refusal>&) { return read_log_level(params); }},
    {"config.show", read_nothing<request::ConfigShow>},
    {"ban", [](JsonFields& params, std::optional<Refusal>&) { return read_source<request::Ban>(params); }},
    {"unban",
     [](JsonFields& params, std::optional<Refusal>&) { return read_source<request::Unban>(params); }},
    {"ban.list", read_nothing<request::BanList>},
    {"subscribe", read_nothing<request::Subscribe>},
    {"shutdown", read_nothing<request::Shutdown>},
    {"user.add", read_params<read_user_add>},
    {"user.passwd", read_params<read_user_passwd>},
    {"user.set", read_params<read_user_set>},
    {"user.del", read_params<read_user_delete>},
    {"user.show", read_params<read_user_show>},
    {"user.list", read_params<read_user_list>},
    {"registration.list", read_params<read_registration_list>},
    {"registration.show", read_params<read_registration_show>},
    {"registration.drop", read_params<read_registration_drop>},
    {"call.list", read_params<read_call_list>},
    {"call.show", read_params<read_call_show>},
    {"call.drop", read_params<read_call_drop>},
    {"call.verify", read_params<read_call_verify>},
    {"trace.list", read_params<read_trace_list>},
    {"trace.show", read_params<read_trace_show>},
    {"trace.follow", read_params<read_trace_follow>},
    {"trunk.list", read_none_of<TrunkRequest, request::TrunkList>},
    {"trunk.show", read_params<read_trunk_show>},
    {"trunk.enable", read_params<read_trunk_enable>},
    {"trunk.disable", read_params<read_trunk_disable>},
    {"cert.list", read_none_of<CertificateRequest, request::CertificateList>},
    {"cert.check", read_none_of<CertificateRequest, request::CertificateCheck>},
    {"cert.reload", read_none_of<CertificateRequest, request::CertificateReload>},
    {"config.check", read_params<read_config_check>},
    {"config.diff", read_none_of<ConfigRequest, request::ConfigDiff>},
    {"config.reload", read_none_of<ConfigRequest, request::ConfigReload>},
};

const Method* find_method(std::string_view name) {
  for (const Method& method : kMethods)
    if (method.name == name) return &method;
  return nullptr;
}

void read_version(JsonFields& fields) {
  const auto version = fields.number("v", 0, UINT64_MAX);
  if (!version)
    fields.refuse("v", ErrorClass::malformed, "the protocol version is required");
  else if (*version != kProtocolVersion)
    fields.refuse("v", ErrorClass::unsupported,
                  "this daemon speaks version " + std::to_string(kProtocolVersion));
}

tl::expected<Request, RequestError> read_request(const boost::json::object& object) {
  std::optional<Refusal> refusal;
  JsonFields fields(object, "", refusal);
  const auto id = fields.number("id", 0, UINT64_MAX);
  if (!id) fields.refuse("id", ErrorClass::malformed, "is required");
  read_version(fields);
  const Method* method = find_method(fields.required_text("method"));
  if (method == nullptr) fields.refuse("method", ErrorClass::unsupported, "unknown method");
  const boost::json::object none;
  const auto* given = fields.object("params");
  fields.finish();
  if (refusal) return tl::unexpected(RequestError{id, std::move(*refusal)});
  JsonFields params(given == nullptr ? none : *given, "params", refusal);
  Request request{*id, method->read(params, refusal)};
  params.finish();
  if (refusal) return tl::unexpected(RequestError{id, std::move(*refusal)});
  return request;
}

RequestError not_json(std::string text) {
  return {std::nullopt, Refusal{Error{ErrorClass::malformed, std::move(text)}, ""}};
}

}  // namespace

tl::expected<Request, RequestError> parse_request(std::string_view line) {
  WipingResource memory;
  Scratch scratch;
  boost::json::parse_options options;
  options.max_depth = kMaxDepth;
  boost::json::parser parser(&memory, options, scratch.octets.data(), scratch.octets.size());
  boost::json::error_code failure;
  parser.write(line.data(), line.size(), failure);
  if (failure == boost::json::error::too_deep) return tl::unexpected(not_json("nested too deeply"));
  if (failure) return tl::unexpected(not_json("a request is one JSON object a line"));
  const boost::json::value value = parser.release();
  const auto* object = value.if_object();
  if (object == nullptr) return tl::unexpected(not_json("a request is one JSON object a line"));
  return read_request(*object);
}

}  // namespace sallyport::control
