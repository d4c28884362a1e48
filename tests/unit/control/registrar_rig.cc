// SPDX-License-Identifier: GPL-3.0-or-later
// Asking the registrar by text, and starting it anew.
#include "tests/unit/control/registrar_rig.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace sallyport::control {

std::string text_of(const Register& what) {
  std::string text = "REGISTER " + what.uri + " SIP/2.0\r\n";
  if (what.through_a_proxy) text += "Via: SIP/2.0/TLS proxy.example.com;branch=z9hG4bKproxy\r\n";
  text +=
      "Via: SIP/2.0/TLS 192.0.2.1:5061;branch=z9hG4bK" + what.call_id + std::to_string(what.cseq) + "\r\n";
  text += "Max-Forwards: 70\r\nFrom: <sip:alice@example.com>;tag=a\r\nTo: " + what.to + "\r\n";
  text += "Call-ID: " + what.call_id + "\r\nCSeq: " + std::to_string(what.cseq) + " REGISTER\r\n";
  for (const std::string& line : what.lines) text += line + "\r\n";
  return text + "Content-Length: 0\r\n\r\n";
}

std::vector<std::string> Answer::all(sip::HeaderId id) const {
  std::vector<std::string> values;
  for (const std::string_view value : message.values(id)) values.emplace_back(value);
  return values;
}

RegistrarRig::RegistrarRig() {
  config.domains = {"example.com", "example.net"};
  hop.transport = sip::Transport::tls;
  hop.remote = *Endpoint::parse("192.0.2.1:40000");
  hop.connection = 1;
  restart(true);
}

void RegistrarRig::ask_later(const User& user, const Register& what, std::vector<Answer>& answers) {
  const auto parsed = sip::parse_message(text_of(what));
  ASSERT_FALSE(parsed.defect) << parsed.defect->reason;
  registrar->handle({parsed.message, user, hop, now, "tag-of-ours"},
                    [&answers](std::uint16_t status, std::string text) {
                      auto answer = sip::parse_message(std::move(text));
                      EXPECT_FALSE(answer.defect) << answer.defect->reason;
                      EXPECT_EQ(answer.message.status(), status);
                      answers.push_back({status, std::move(answer.message)});
                    });
}

Answer RegistrarRig::ask_as(const User& user, const Register& what) {
  std::vector<Answer> answers;
  ask_later(user, what, answers);
  while (answers.empty())
    if (!dispatch_once(*store)) return {};
  EXPECT_EQ(answers.size(), 1U);
  return std::move(answers[0]);
}

std::vector<std::string> RegistrarRig::registered(std::string_view aor) const {
  std::vector<std::string> lines;
  for (const Binding& binding : registrar->location().bindings(aor))
    if (binding.expires > now)
      lines.push_back(std::string(binding.contact()) +
                      ";expires=" + std::to_string((binding.expires - now).count()));
  std::ranges::sort(lines);
  return lines;
}

void RegistrarRig::restart(bool orderly) {
  if (registrar && orderly) registrar->settle();
  registrar.reset();
  store.reset();
  auto opened = open_store(directory.file("s.db"));
  ASSERT_TRUE(opened) << opened.error().text;
  store = std::move(*opened);
  registrar = std::make_unique<Registrar>(config, *store);
  ASSERT_TRUE(store->load(
      {[](User) {}, [this](const std::string& aor,
                           Binding binding) { registrar->restore(aor, std::move(binding), now); }}));
}

void RegistrarRig::pass(int seconds) {
  now += std::chrono::seconds(seconds);
  registrar->advance(now);
  store->drain();
}

}  // namespace sallyport::control
