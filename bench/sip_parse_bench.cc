// SPDX-License-Identifier: GPL-3.0-or-later
// Parsing and writing: how many typical INVITEs with SDP a core takes in a second.
#include <cstdlib>
#include <string>
#include <utility>

#include <benchmark/benchmark.h>

#include "bench/figures.h"
#include "sip/message.h"
#include "sip/stream_framer.h"
#include "sip/writer.h"

namespace {

using namespace sallyport::sip;
namespace bench = sallyport::bench;

/// What a softphone sends over TLS after a challenge: three crypto lines would make it longer, no credentials
/// shorter.
std::string typical_invite() {
  const std::string sdp =
      "v=0\r\n"
      "o=alice 3726262 3726262 IN IP4 192.0.2.10\r\n"
      "s=-\r\n"
      "c=IN IP4 192.0.2.10\r\n"
      "t=0 0\r\n"
      "m=audio 49170 RTP/SAVP 0 8 9 101\r\n"
      "a=rtpmap:0 PCMU/8000\r\n"
      "a=rtpmap:8 PCMA/8000\r\n"
      "a=rtpmap:9 G722/8000\r\n"
      "a=rtpmap:101 telephone-event/8000\r\n"
      "a=fmtp:101 0-15\r\n"
      "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n"
      "a=ptime:20\r\n"
      "a=sendrecv\r\n";
  return "INVITE sip:bob@example.com SIP/2.0\r\n"
         "Via: SIP/2.0/TLS 192.0.2.10:49152;branch=z9hG4bK-524287-1---ab12cd34ef567890;rport\r\n"
         "Max-Forwards: 70\r\n"
         "Contact: <sip:alice@192.0.2.10:49152;transport=tls;ob>\r\n"
         "To: \"Bob\" <sip:bob@example.com>\r\n"
         "From: \"Alice\" <sip:alice@example.com>;tag=a6c85cf3\r\n"
         "Call-ID: 84b4c76e66710e5a4d5f7c1e@192.0.2.10\r\n"
         "CSeq: 2 INVITE\r\n"
         "Allow: INVITE, ACK, CANCEL, BYE, NOTIFY, REFER, MESSAGE, OPTIONS, INFO, SUBSCRIBE, UPDATE, "
         "PRACK\r\n"
         "Content-Type: application/sdp\r\n"
         "Supported: replaces, outbound, timer, 100rel\r\n"
         "User-Agent: Softphone 5.1\r\n"
         "Session-Expires: 1800;refresher=uac\r\n"
         "Proxy-Authorization: Digest "
         "username=\"alice\",realm=\"example.com\",nonce=\"MTY5ODc2NTQzMjEwYWJjZGVm\","
         "uri=\"sip:bob@example.com\",response="
         "\"7f3c0d6a8b1e4f5a9c2d7e6f0a1b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d\","
         "cnonce=\"0a4f113b\",nc=00000001,qop=auth,algorithm=SHA-256\r\n"
         "Content-Length: " +
         std::to_string(sdp.size()) + "\r\n\r\n" + sdp;
}

/// Parses `count` fresh copies, as they come from a datagram or a framer. Returns messages a second of CPU.
double invites_per_second(std::size_t count) {
  const std::string invite = typical_invite();
  const double begin = bench::thread_cpu_ns();
  for (std::size_t i = 0; i < count; ++i) {
    ParsedMessage parsed = parse_message(invite);
    if (parsed.defect) std::abort();
    benchmark::DoNotOptimize(parsed);
  }
  return static_cast<double>(count) / (bench::thread_cpu_ns() - begin) * 1e9;
}

void parse_invite(benchmark::State& state) {
  const std::string invite = typical_invite();
  for (auto _ : state) {
    ParsedMessage parsed = parse_message(invite);
    benchmark::DoNotOptimize(parsed);
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(invite.size()));
}
BENCHMARK(parse_invite);

void frame_and_parse_invite(benchmark::State& state) {
  const std::string invite = typical_invite();
  StreamFramer framer;
  for (auto _ : state) {
    framer.append(invite);
    ParsedMessage parsed = parse_message(framer.next());
    benchmark::DoNotOptimize(parsed);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(frame_and_parse_invite);

void write_response(benchmark::State& state) {
  const ParsedMessage invite = parse_message(typical_invite());
  const sallyport::Endpoint source{sallyport::IpAddress::v4({192, 0, 2, 10}), 49152};
  for (auto _ : state) {
    MessageWriter writer = response_to(invite.message, 200, {}, "tag1", &source);
    writer.header(HeaderId::contact, "<sip:bob@192.0.2.1>");
    std::string response = std::move(writer).finish();
    benchmark::DoNotOptimize(response);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(write_response);

}  // namespace

int main(int argc, char** argv) {
  bench::Figures figures(argc, argv);
  if (figures.requested()) {
    if (figures.wanted("sip/parse_invite/per_second"))
      figures.add("sip/parse_invite/per_second",
                  bench::interleaved_results(21, {[] { return invites_per_second(20000); }}).front(),
                  "messages/s");
    return figures.write() ? 0 : 1;
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
