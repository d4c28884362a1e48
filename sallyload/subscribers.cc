// SPDX-License-Identifier: GPL-3.0-or-later
// REGISTER and OPTIONS of many subscribers.
#include "sallyload/subscribers.h"

#include <fmt/format.h>

#include "sallyload/request_text.h"

namespace sallyport::sallyload {

Subscribers::Subscribers(const Settings& settings, Client& client, Report& report, Ended ended)
    : settings_(settings),
      client_(client),
      report_(report),
      ended_(std::move(ended)),
      rules_{settings.password, settings.algorithm},
      run_(fmt::format("{:x}", now_us())),
      registrar_uri_("sip:" + settings.domain),
      subscribers_(settings.users.count) {}

std::string Subscribers::contact(std::uint64_t index) const {
  const std::string_view transport = settings_.transport == sip::Transport::tls   ? ";transport=tls"
                                     : settings_.transport == sip::Transport::tcp ? ";transport=tcp"
                                                                                  : "";
  std::string text = "sip:" + name(index);
  return text.append("@").append(client_.host_port()).append(transport);
}

std::string Subscribers::from(std::uint64_t index, std::string_view tag) const {
  std::string text = "<" + uri(index);
  return text.append(">;tag=").append(tag);
}

Result<sip::Hop> Subscribers::hop(std::uint64_t index) {
  if (settings_.new_connection) return client_.open();
  return client_.kept(settings_.connections == 0 ? index : index % settings_.connections);
}

void Subscribers::begin(std::uint64_t index, sip::Method method, bool bind) {
  Subscriber& subscriber = subscribers_[index];
  // Taking a binding away goes down the connection that it was made over.
  const bool same_connection = settings_.new_connection && method == sip::Method::register_ && !bind;
  if (!same_connection) {
    auto way = hop(index);
    if (!way) return end(index, Failure::connection, way.error().text);
    subscriber.hop = *way;
  }
  subscriber.attempt = 0;
  subscriber.registering = bind;
  subscriber.begun_us = now_us();
  if (!settings_.reuse_nonce) subscriber.credentials.forget();
  send(index, method);
}

void Subscribers::send(std::uint64_t index, sip::Method method) {
  Subscriber& subscriber = subscribers_[index];
  const std::string branch = client_.new_branch();
  const std::string user = name(index);
  const std::string address = "<" + uri(index) + ">";
  const std::string from = address + ";tag=" + run_;
  const bool registers = method == sip::Method::register_;
  const std::string to = registers ? address : "<" + registrar_uri_ + ">";
  const std::string call_id = user + "-" + run_ + (registers ? "" : "-o");
  std::string lines = "Contact: <" + contact(index) + ">\r\n";
  if (registers)
    lines.append("Expires: ")
        .append(subscriber.registering ? std::to_string(settings_.expires_s) : "0")
        .append("\r\n");
  std::string credentials;
  subscriber.credentials.append(credentials, user, name_of(method), registrar_uri_);
  std::string text = write_request({.method = name_of(method),
                                    .uri = registrar_uri_,
                                    .transport = sip::name(settings_.transport),
                                    .host_port = client_.host_port(),
                                    .branch = branch,
                                    .from = from,
                                    .to = to,
                                    .call_id = call_id,
                                    .cseq = ++subscriber.cseq,
                                    .lines = lines,
                                    .credentials = credentials});
  ++subscriber.attempt;
  subscriber.sent_us = now_us();
  if (!client_.request(std::move(text), branch, subscriber.hop, make_context(ContextKind::subscriber, index)))
    end(index, Failure::connection, "a request could not be sent");
}

void Subscribers::on_response(std::uint64_t index, sip::Message& response) {
  Subscriber& subscriber = subscribers_[index];
  const unsigned status = response.status();
  if (status < 200) return;
  if (status < 300) return on_success(index, response);
  if (status != 401 && status != 407)
    return end(index, Failure::status, fmt::format("{} {}", status, response.reason()));
  // A kept nonce may have grown old, or been forgotten: asked again, one answers again, once.
  const bool first = subscriber.attempt == 1;
  if (!subscriber.credentials.learn(response, name(index), rules_))
    return end(index, Failure::challenge, "no challenge that we can answer");
  if (!first && !(subscriber.attempt == 2 && subscriber.credentials.is_stale()))
    return end(index, Failure::credentials, "credentials are refused");
  if (response.method() == sip::Method::register_)
    report_.record(Exchange::challenge, now_us() - subscriber.sent_us);
  send(index, response.method());
}

void Subscribers::on_success(std::uint64_t index, const sip::Message& response) {
  const Subscriber& subscriber = subscribers_[index];
  const std::uint64_t now = now_us();
  if (response.method() == sip::Method::options) {
    report_.record(Exchange::options, now - subscriber.begun_us);
  } else if (!subscriber.registering) {
    report_.record(Exchange::unregister, now - subscriber.begun_us);
  } else {
    if (!lists_contact(index, response))
      return end(index, Failure::binding, "a 200 to REGISTER does not list the Contact");
    report_.record(Exchange::register_, now - subscriber.sent_us);
    report_.record(Exchange::registration, now - subscriber.begun_us);
  }
  end(index, std::nullopt, {});
}

bool Subscribers::lists_contact(std::uint64_t index, const sip::Message& response) const {
  const std::string mine = contact(index);
  for (const sip::Field field : response.fields(sip::HeaderId::contact))
    if (field.value.find(mine) != std::string_view::npos) return true;
  return false;
}

void Subscribers::end(std::uint64_t index, std::optional<Failure> failure, std::string_view what) {
  ended_(index, failure, what);
}

}  // namespace sallyport::sallyload
