// SPDX-License-Identifier: GPL-3.0-or-later
// One OPTIONS, one answer.
#include "control/signalling/options_sender.h"

#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "base/random.h"
#include "control/calls/trunk.h"

namespace sallyport::control {

using sip::HeaderId;

namespace {

std::string random_token() {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t octet : random_value<std::array<std::uint8_t, 16>>())
    text.append({kDigits[octet >> 4], kDigits[octet & 15]});
  return text;
}

}  // namespace

void OptionsSender::send_options(Trunk& trunk, const transport::Target& target, const std::string& uri,
                                 Done done) {
  const auto fail_later = [this, &done](Error error) {
    boost::asio::post(signalling_.context(),
                      [done = std::move(done), error = std::move(error)] { done(tl::unexpected(error)); });
  };
  const auto hop = signalling_.transport().reach(target);
  if (!hop) return fail_later(hop.error());
  const Signalling::NewVia via = signalling_.new_via(*hop);
  const std::string& domain = signalling_.config().domains.front();
  const std::string from =
      "sip:" + (trunk.config().from_domain.empty() ? domain : trunk.config().from_domain);
  sip::MessageWriter writer = sip::MessageWriter::request(sip::Method::options, uri);
  writer.header(HeaderId::via, via.value)
      .header(HeaderId::max_forwards, 70)
      .header(HeaderId::from, {"<", from, ">;tag=", random_token()})
      .header(HeaderId::to, {"<", uri, ">"})
      .header(HeaderId::call_id, random_token())
      .header(HeaderId::cseq, "1 OPTIONS")
      .header(HeaderId::contact, {"<", signalling_.contact_uri(*hop), ">"})
      .header(HeaderId::accept, "application/sdp");
  if (!signalling_.config().server_name.empty())
    writer.header(HeaderId::user_agent, signalling_.config().server_name);
  const auto sent = signalling_.request(writer.finish(), via.branch, *hop, [done](const Reply& reply) {
    if (reply.is_final()) done(Result<unsigned>(reply.status));
  });
  if (!sent) fail_later(sent.error());
}

}  // namespace sallyport::control
