// SPDX-License-Identifier: GPL-3.0-or-later
// sip_responder: a registrar and stateless proxy for tests of sallyload; prints its port and runs until
// killed.
//
//     sip_responder TRANSPORT PASSWORD ALGORITHM [FAULT]
//
// TLS needs a folder of certificates: it makes one and prints `PORT CA-FILE`. Faults: `silent-after=N`
// answers no more after N requests, `exit-after=N` ends, `no-contact` forgets the Contact in 200s,
// `other-connection` sends INVITEs down the caller's connection, `refuse` answers INVITE by 603, `damage`
// changes every offer's port, `bye` hangs up on the callee at once.
#include <charconv>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/io_context.hpp>

#include "crypto/digest.h"
#include "sip/digest_header.h"
#include "sip/message.h"
#include "sip/uri.h"
#include "sip/writer.h"
#include "tests/support/test_pki.h"
#include "tests/support/transport_rig.h"
#include "transport/transport_layer.h"

namespace sallyport::test {
namespace {

constexpr std::string_view kRealm = "load.test";
constexpr std::string_view kNonce = "5ca1ab1e";
constexpr std::string_view kVia = "Via: SIP/2.0/TLS proxy.invalid;branch=z9hG4bK";

struct Fault {
  std::string name;
  std::uint64_t after = 0;
};

Fault parse_fault(std::string_view text) {
  Fault fault{std::string(text.substr(0, text.find('='))), 0};
  if (const std::size_t equals = text.find('='); equals != std::string_view::npos)
    std::from_chars(text.data() + equals + 1, text.data() + text.size(), fault.after);
  return fault;
}

class Responder : public transport::TransportUser {
 public:
  Responder(boost::asio::io_context& context, const transport::TransportSettings& settings,
            std::string password, crypto::DigestAlgorithm algorithm, Fault fault)
      : password_(std::move(password)),
        algorithm_(algorithm),
        fault_(std::move(fault)),
        layer_(context, settings, *this) {
    layer_.start();
  }
  [[nodiscard]] std::uint16_t port() const { return layer_.listeners()[0].settings.address.port; }

 private:
  void on_message(sip::Frame frame, const sip::Hop& from) override {
    auto parsed = sip::parse_message(std::move(frame));
    if (parsed.defect) return;
    const sip::Message& message = parsed.message;
    if (!message.is_request()) return send_back(message);
    ++requests_;
    if (fault_.name == "exit-after" && requests_ > fault_.after) std::_Exit(0);
    if (fault_.name == "silent-after" && requests_ > fault_.after) return;
    if (message.method() == sip::Method::register_) return register_user(message, from);
    if (message.method() == sip::Method::options) return respond(message, 200, from);
    if (message.method() == sip::Method::invite && message.to()->tag().empty()) {
      if (!authorized(message)) return challenge(message, from);
      if (fault_.name == "refuse") return respond(message, 603, from);
    }
    pass_on(message, from);
  }
  void on_connection_closed(const sip::Hop&, const Error&) override {}
  void on_unreachable(const sip::Hop&, const Error&) override {}

  void respond(const sip::Message& request, unsigned status, const sip::Hop& to) {
    if (request.method() == sip::Method::ack) return;
    send(to, sip::response_to(request, status, {}, "responder", &to.remote).finish());
  }
  void send(const sip::Hop& to, const std::string& text) { static_cast<void>(layer_.send(to, text)); }

  void challenge(const sip::Message& request, const sip::Hop& to) {
    sip::MessageWriter writer = sip::response_to(request, 401, {}, "responder", &to.remote);
    sip::DigestChallenge challenge;
    challenge.scheme = "Digest";
    challenge.realm = kRealm;
    challenge.nonce = kNonce;
    challenge.algorithm = crypto::info(algorithm_).name;
    challenge.qop = "auth";
    writer.header(sip::HeaderId::www_authenticate, sip::write_challenge(challenge));
    send(to, writer.finish());
  }

  [[nodiscard]] bool authorized(const sip::Message& request) const {
    const auto field = request.header(sip::HeaderId::authorization);
    const auto said = field ? sip::parse_credentials(*field) : fail(ErrorClass::refused, "none");
    if (!said || said->nonce != kNonce) return false;
    const auto ha1 = crypto::make_ha1(algorithm_, said->username, kRealm, password_);
    const auto expected = crypto::digest_response(algorithm_, ha1,
                                                  {said->nonce,
                                                   request.method_text(),
                                                   said->uri,
                                                   crypto::Qop::auth,
                                                   said->nonce_count_text,
                                                   said->cnonce,
                                                   {}});
    return crypto::digest_matches(expected, said->response);
  }

  void register_user(const sip::Message& request, const sip::Hop& from) {
    if (!authorized(request)) return challenge(request, from);
    const auto to = request.to();
    const auto uri = to->parsed_uri();
    const bool ends = request.header(sip::HeaderId::expires) == "0";
    const std::string contact(request.header(sip::HeaderId::contact).value_or(""));
    if (ends)
      users_.erase(std::string(uri->user));
    else
      users_[std::string(uri->user)] = {from, contact.substr(1, contact.find('>') - 1)};
    sip::MessageWriter writer = sip::response_to(request, 200, {}, "responder", &from.remote);
    if (!ends && fault_.name != "no-contact") writer.header(sip::HeaderId::contact, contact);
    send(from, writer.finish());
  }

  /// The branch of our Via numbers the hop that responses go back to.
  void pass_on(const sip::Message& request, const sip::Hop& from) {
    const auto uri = sip::parse_uri(request.request_uri());
    const auto user = uri ? users_.find(std::string(uri->user)) : users_.end();
    if (user == users_.end()) return respond(request, 404, from);
    backs_.emplace(++passed_, from);
    std::string text(request.text());
    text.replace(0, text.find("\r\n"),
                 std::string(request.method_text()) + " " + user->second.contact + " SIP/2.0");
    std::string lines = std::string(kVia) + std::to_string(passed_) + ";rport\r\n";
    const bool invite = request.method() == sip::Method::invite;
    if (invite) lines += "Record-Route: <sip:proxy.invalid;lr>\r\n";
    text.insert(text.find("\r\n") + 2, lines);
    if (invite && fault_.name == "damage") damage(text);
    send(invite && fault_.name == "other-connection" ? from : user->second.hop, text);
    if (request.method() == sip::Method::ack && fault_.name == "bye") hang_up(request, user->second);
  }
  /// The same length, another port: what is sent there comes to nobody.
  static void damage(std::string& text) {
    const std::size_t port = text.find("m=audio ");
    if (port != std::string::npos) text[port + 8] = text[port + 8] == '1' ? '2' : '1';
  }
  struct User {
    sip::Hop hop;
    std::string contact;
  };
  void hang_up(const sip::Message& ack, const User& user) {
    sip::MessageWriter bye = sip::MessageWriter::request(sip::Method::bye, user.contact);
    bye.header(sip::HeaderId::via, "SIP/2.0/TLS proxy.invalid;branch=z9hG4bKbye" + std::to_string(passed_));
    bye.header(sip::HeaderId::max_forwards, 70).copy(ack, sip::HeaderId::from).copy(ack, sip::HeaderId::to);
    bye.copy(ack, sip::HeaderId::call_id).header(sip::HeaderId::cseq, "900 BYE");
    send(user.hop, bye.finish());
  }

  void send_back(const sip::Message& response) {
    std::string text(response.text());
    const std::size_t via = text.find(kVia);
    if (via == std::string::npos) return;
    const std::size_t end = text.find("\r\n", via);
    std::uint64_t number = 0;
    std::from_chars(text.data() + via + kVia.size(), text.data() + end, number);
    const auto back = backs_.find(number);
    if (back == backs_.end()) return;
    text.erase(via, end + 2 - via);
    send(back->second, text);
  }

  std::string password_;
  crypto::DigestAlgorithm algorithm_;
  Fault fault_;
  transport::TransportLayer layer_;
  std::map<std::string, User> users_;
  std::map<std::uint64_t, sip::Hop> backs_;
  std::uint64_t requests_ = 0;
  std::uint64_t passed_ = 0;
};

void serve(std::string_view transport, const char* password, std::string_view algorithm,
           std::string_view fault) {
  TestPki pki;
  transport::TransportSettings settings;
  settings.listeners = {plain_listener(transport == "udp" ? sip::Transport::udp : sip::Transport::tcp)};
  if (transport == "tls") {
    settings.tls.certificates = {pki.issue({.name = "server", .names = {"DNS:load.test"}})};
    settings.listeners = {tls_listener({"server"})};
  }
  boost::asio::io_context context;
  const Responder responder(context, settings, password, crypto::digest_algorithm_by_name(algorithm).value(),
                            parse_fault(fault));
  std::printf("%u %s\n", static_cast<unsigned>(responder.port()), pki.ca().c_str());
  std::fflush(stdout);
  context.run();
}

}  // namespace
}  // namespace sallyport::test

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  sallyport::test::serve(argv[1], argv[2], argv[3], argc > 4 ? argv[4] : "");
}
