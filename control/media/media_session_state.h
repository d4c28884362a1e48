// SPDX-License-Identifier: GPL-3.0-or-later
// MediaSession::State: the open exchange, the m-lines with their relays, and what is under way.
#pragma once

#include <deque>

#include "control/media/media_line.h"
#include "control/media/media_session.h"
#include "sip/sdp.h"
#include "sip/sdp_alternatives.h"

namespace sallyport::control {

class MediaSession::State : public std::enable_shared_from_this<MediaSession::State> {
 public:
  State(MediaServices& services, std::array<MediaLegSettings, kLegs> legs, std::string label);

  [[nodiscard]] Text offer(Leg from, std::string_view text);
  void answer(Leg from, std::string_view text, Done done, bool preview);
  void settle();
  void reject();
  /// Nobody listens any more: ends everything.
  void abandon();

  [[nodiscard]] const std::string& description(Leg to);
  [[nodiscard]] bool has_session() const { return has_session_; }
  [[nodiscard]] bool offer_is_open() const { return exchange_ != nullptr; }
  [[nodiscard]] std::vector<std::uint64_t> relays() const;
  [[nodiscard]] std::vector<MediaFacts> facts() const;
  [[nodiscard]] Result<keying::ZrtpSecurity> verify_sas(Leg leg, bool equal);
  void set_on_failure(OnFailure on_failure) { on_failure_ = std::move(on_failure); }

 private:
  using Fault = std::optional<MediaFault>;

  /// What a leg is told, by o= line (RFC 3264 §8): the version rises with every change.
  struct Told {
    sip::LocalOrigin origin;
    std::string last;    ///< also of offers that were rejected
    std::string agreed;  ///< of the last complete exchange
    bool unsaid =
        false;  ///< the answer has made of `agreed` what was not told so yet: its version is to rise
  };
  /// An offer that waits for its answer, and the last answer that came.
  struct Exchange {
    Leg offerer = Leg::a;
    sip::Sdp source;                              ///< the offerer's
    sip::RemoteOffer read;                        ///< of it
    sip::SentOffer sent;                          ///< to the other leg
    std::array<sip::MediaLayout, kLegs> layouts;  ///< of what both legs have offered or are offered
    sip::MediaLayout answered;                    ///< of the answer
    std::string heard;                            ///< the answer as it came
    std::string given;                            ///< the offerer's answer
    std::optional<Agreements> agreed;
    std::vector<MediaFacts> facts;
    bool carried_out = false;  ///< the relays are as agreed
  };
  /// An answer that came while another one's orders were under way.
  struct Waiting {
    Leg from;
    std::string text;
    Done done;
    bool preview;
  };

  // What a description says (media_session.cc).
  [[nodiscard]] tl::expected<sip::Sdp, MediaFault> parse(std::string_view text) const;
  [[nodiscard]] Fault read(Exchange& exchange);
  [[nodiscard]] Fault prepare(Exchange& exchange, std::size_t line);
  [[nodiscard]] Result<sip::SentOffer> compose(const Exchange& exchange);
  [[nodiscard]] Text write(Exchange& exchange);
  [[nodiscard]] Fault agree(Leg from, std::string_view text);
  /// `answered`: the offer to be answered; null for an offer of ours.
  [[nodiscard]] std::vector<sip::LocalMedia> local(Leg leg, const sip::RemoteOffer* answered) const;
  [[nodiscard]] std::vector<std::optional<Keying>> established(Leg leg) const;
  [[nodiscard]] std::string with_version(Leg to, std::string text);
  void note_facts(Exchange& exchange, const sip::Sdp& answer) const;

  // Transports that several m-lines share (media_session_bundles.cc).
  using Bundles = std::vector<std::optional<LineBundle>>;  ///< of one leg, by line
  [[nodiscard]] Fault bundle(std::size_t line, Leg leg, const sip::RemoteOffer& offer);
  void offer_bundle(const Exchange& exchange, std::vector<sip::LocalMedia>& told);
  void name_line(std::size_t line, Leg leg, std::string_view wanted);
  [[nodiscard]] const keying::IceCredentials* common_ice(Leg leg) const;
  [[nodiscard]] bool in_bundle(const MediaLine& line, Leg leg) const;
  [[nodiscard]] tl::expected<Bundles, MediaFault> bundles_of(Leg leg, const sip::Agreement& answered) const;
  void swap_bundles(Leg leg, Bundles& bundles);
  void forget_bundles();
  [[nodiscard]] std::string offer_in_force();
  [[nodiscard]] std::uint64_t neighbour() const;
  [[nodiscard]] std::size_t transport(std::size_t line, Leg leg) const;
  [[nodiscard]] bool joins(std::size_t line, Leg leg) const { return transport(line, leg) != line; }
  [[nodiscard]] bool joins(std::size_t line) const { return joins(line, Leg::a) || joins(line, Leg::b); }
  [[nodiscard]] const sip::AgreedMedia* agreed_on(std::size_t line, Leg leg) const;
  [[nodiscard]] bool is_needed(std::size_t line) const;
  [[nodiscard]] const sip::BundleMarks* marks(std::size_t line, Leg leg) const;
  void put_bundle(std::size_t line, Leg leg, LegSpec& spec) const;

  // Handshakes on the media path (media_session_handshakes.cc).
  [[nodiscard]] Fault plan(MediaLine& line, Leg leg, const TermsWanted& wanted);
  [[nodiscard]] Fault plan_answer(MediaLine& line, Leg offerer, const sip::RemoteMedia& offered);
  [[nodiscard]] Fault plan_offer(MediaLine& line, Leg to);
  void announce(const MediaLine& line, Leg leg, sip::LocalMedia& local) const;
  void link_early();
  void link_early(std::size_t line);
  void adopt(std::size_t line, Leg leg, const sip::AgreedMedia& agreed);
  [[nodiscard]] LegHandshake& open(std::size_t line, Leg leg);
  [[nodiscard]] keying::LegKeying keying_order(const LegHandshake& handshake, Leg leg) const;
  void send_orders(MediaLine& line, bool linked);
  void on_handshake(std::size_t line, Leg leg, keying::HandshakeEvent& event);
  void on_failure(LegHandshake& handshake, Leg leg, std::uint8_t component, std::string_view outcome);
  void refresh(std::size_t line);
  void refresh_stale();
  void close_handshake(MediaLine& line, Leg leg);

  // Ports and relays (media_session_relays.cc).
  [[nodiscard]] Fault place(MediaLine& line, Leg offerer, const sip::RemoteMedia& offered);
  [[nodiscard]] Fault fit(const MediaLine& line, Leg leg, const std::optional<Endpoint>& remote,
                          const KeyMaterial* received) const;
  [[nodiscard]] AddressFamily family(Leg leg) const;
  [[nodiscard]] bool agreed_active(std::size_t line) const;
  [[nodiscard]] RelaySpec wanted(std::size_t line) const;
  [[nodiscard]] bool is_spent(const KeyMaterial& received) const;
  void remember_keys(const RelaySpec& spec);
  [[nodiscard]] Fault check_plan() const;
  void carry_out();
  void carry_out(std::size_t line);
  void order_relay(std::size_t line, RelaySpec spec);
  void ordered(std::size_t line, const tl::expected<RelayAdded, SpecError>& outcome);
  void finish();
  void conclude();
  void withdraw();
  void drop(MediaLine& line);

  MediaServices& services_;
  const std::array<MediaLegSettings, kLegs> legs_;
  const std::string label_;
  std::array<Told, kLegs> told_;
  std::array<sip::MediaLayout, kLegs> layouts_;  ///< of the last complete exchange
  std::vector<MediaLine> lines_;
  std::vector<MediaFacts> facts_;
  std::vector<std::uint64_t>
      heard_keys_;  ///< KeyMark::key of all that peers sent with: each opens one stream
  std::unique_ptr<Exchange> exchange_;

  std::size_t orders_ = 0;     ///< under way
  bool carrying_out_ = false;  ///< they are those of an answer
  Fault fault_;                ///< the first of these orders'
  Done done_;
  OnFailure on_failure_;
  std::deque<Waiting> waiting_;
  bool settle_then_ = false;  ///< when the orders are done
  bool reject_then_ = false;
  bool has_session_ = false;
};

}  // namespace sallyport::control
