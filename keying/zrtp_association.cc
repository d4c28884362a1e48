// SPDX-License-Identifier: GPL-3.0-or-later
// bzrtp under our own rules about what it may read, whom to believe, how long and how much (decision 51).
#include "keying/zrtp_association.h"

#include <algorithm>
#include <array>
#include <utility>

#include <bzrtp/bzrtp.h>
#include <openssl/sha.h>

#include "base/random.h"
#include "crypto/equal.h"
#include "keying/zrtp_confirm.h"

namespace sallyport::keying {

namespace {

/// bzrtp has timers, but does not tell when: all are multiples of this (RFC 6189 §6).
constexpr InstantMs kTickMs = 50;
constexpr std::size_t kMostTypes = 7;

// What bzrtp_processMessage returns is listed in a header that is not installed; the tests would notice.
constexpr int kWrongConfirmMac = 0xa020;
constexpr int kWrongHashChain = 0xa080;
constexpr int kWrongMessageMac = 0xa100;
constexpr int kWrongHvi = 0xa400;

constexpr std::array<std::uint8_t, kZrtpAlgorithms.size()> kNumbers = {
    ZRTP_HASH_S256,         ZRTP_HASH_S384,    ZRTP_CIPHER_AES1,       ZRTP_CIPHER_AES3,
    ZRTP_AUTHTAG_HS32,      ZRTP_AUTHTAG_HS80, ZRTP_KEYAGREEMENT_X255, ZRTP_KEYAGREEMENT_X448,
    ZRTP_KEYAGREEMENT_DH3k, ZRTP_SAS_B32,      ZRTP_SAS_B256};

std::uint8_t number_of(ZrtpAlgorithm algorithm) {
  return kNumbers[static_cast<std::size_t>(algorithm)];
}
std::optional<ZrtpAlgorithm> algorithm_of(std::uint8_t number) {
  const auto* found = std::ranges::find(kNumbers, number);
  if (found == kNumbers.end()) return std::nullopt;
  return static_cast<ZrtpAlgorithm>(found - kNumbers.begin());
}

ZrtpHash sha256(std::span<const std::uint8_t> octets) {
  ZrtpHash hash{};
  SHA256(octets.data(), octets.size(), hash.data());
  return hash;
}

bool same(const ZrtpHash& left, const ZrtpHash& right) {
  return crypto::equal(left.data(), right.data(), left.size());
}

crypto::KeyMaterial material(const std::uint8_t* key, std::size_t key_length, const std::uint8_t* salt,
                             std::size_t salt_length) {
  crypto::KeyMaterial made;
  made.key = Secret<crypto::kMaxMasterKeyLength>({key, key_length});
  made.salt = Secret<crypto::kMaxMasterSaltLength>({salt, salt_length});
  return made;
}

}  // namespace

/// What bzrtp calls. It is C in between: nothing here may throw, nor end the association.
struct ZrtpAssociation::Callbacks {
  static int send(void* self, const std::uint8_t* packet, std::uint16_t length) noexcept {
    auto& association = *static_cast<ZrtpAssociation*>(self);
    const std::span octets(packet, length);
    if (const auto parsed = parse_zrtp(octets)) {
      if (parsed->type == ZrtpMessageType::commit)
        association.own_commit_refused_ = association.objection(parse_zrtp_commit(*parsed));
      if (association.own_commit_refused_) return 0;
      if (const auto hello = parse_zrtp_hello(*parsed); parsed->type == ZrtpMessageType::hello && hello)
        association.zid_ = hello->zid;
    }
    association.send({octets.begin(), octets.end()});
    return 0;
  }

  static int secured(void* self, const bzrtpSrtpSecrets_t* secrets, std::int32_t verified) noexcept {
    auto& association = *static_cast<ZrtpAssociation*>(self);
    const auto hash = algorithm_of(secrets->hashAlgo);
    const auto cipher = algorithm_of(secrets->cipherAlgo);
    const auto tag = algorithm_of(secrets->authTagAlgo);
    const auto agreement = algorithm_of(secrets->keyAgreementAlgo);
    const auto rendering = algorithm_of(secrets->sasAlgo);
    if (!hash || !cipher || !tag || !agreement || !rendering || secrets->sas == nullptr) return 0;
    ZrtpSecurity& security = association.security_;
    security.algorithms = {*hash, *cipher, *tag, *agreement, *rendering};
    security.sas = secrets->sas;
    security.verified = verified != 0;
    security.mismatch = secrets->cacheMismatch != 0;
    auto keys = std::make_unique<crypto::Keying>();
    keys->suite = suite_of(security.algorithms);
    keys->send = material(secrets->selfSrtpKey, secrets->selfSrtpKeyLength, secrets->selfSrtpSalt,
                          secrets->selfSrtpSaltLength);
    keys->receive = material(secrets->peerSrtpKey, secrets->peerSrtpKeyLength, secrets->peerSrtpSalt,
                             secrets->peerSrtpSaltLength);
    association.keys_ = std::move(keys);
    association.done_ = true;
    return 0;
  }

  /// The only time that it tells the entry's number: keys are not exported.
  static int retained(void* self, int entry, std::uint8_t) noexcept {
    static_cast<ZrtpAssociation*>(self)->security_.entry = entry;
    return 0;
  }
};

void ZrtpAssociation::Destroy::operator()(bzrtpContext_struct* context) const {
  bzrtp_destroyBzrtpContext(context, source);
}

ZrtpAssociation::ZrtpAssociation(ZrtpSettings settings)
    : settings_(std::move(settings)),
      source_(random_value<std::uint32_t>()),
      context_(bzrtp_createBzrtpContext(), Destroy{source_}),
      sent_(random_value<std::uint16_t>() & 0x7fff) {}

ZrtpAssociation::~ZrtpAssociation() = default;

Result<std::unique_ptr<ZrtpAssociation>> ZrtpAssociation::make(ZrtpSettings settings) {
  std::unique_ptr<ZrtpAssociation> association(new ZrtpAssociation(std::move(settings)));
  if (auto prepared = association->prepare(); !prepared) return tl::unexpected(prepared.error());
  return association;
}

Result<void> ZrtpAssociation::prepare() {
  if (!confirms_are_guarded()) return fail(ErrorClass::internal, "bzrtp's ciphers are not the guarded ones");
  bzrtpContext_t* const context = context_.get();
  bzrtpCallbacks_t callbacks{};
  callbacks.bzrtp_sendData = Callbacks::send;
  callbacks.bzrtp_startSrtpSession = Callbacks::secured;
  callbacks.bzrtp_contextReadyForExportedKeys = Callbacks::retained;
  bool good = bzrtp_setCallbacks(context, &callbacks) == 0;
  if (settings_.cache)
    good = good && bzrtp_setZIDCache(context, settings_.cache->database(), settings_.local_uri.c_str(),
                                     settings_.peer_uri.c_str()) == 0;
  good = good && offer(ZRTP_HASH_TYPE, ZrtpKind::hash) && offer(ZRTP_CIPHERBLOCK_TYPE, ZrtpKind::cipher) &&
         offer(ZRTP_AUTHTAG_TYPE, ZrtpKind::tag) && offer(ZRTP_KEYAGREEMENT_TYPE, ZrtpKind::agreement) &&
         offer(ZRTP_SAS_TYPE, ZrtpKind::rendering);
  good = good && bzrtp_initBzrtpContext(context, source_) == 0 &&
         bzrtp_setClientData(context, source_, this) == 0;
  std::array<std::uint8_t, 5 + 64 + 1> text{};  // "1.10 ", digits, zero
  good = good && bzrtp_getSelfHelloHash(context, source_, text.data(), text.size()) == 0;
  if (!good) return fail(ErrorClass::internal, "bzrtp cannot begin");
  const auto value = [](std::uint8_t digit) {
    return digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10;
  };
  for (std::size_t i = 0; i < hello_hash_.size(); ++i)
    hello_hash_[i] = static_cast<std::uint8_t>(value(text[5 + 2 * i]) * 16 + value(text[6 + 2 * i]));
  read_offered_agreements();
  return {};
}

bool ZrtpAssociation::offer(int type, ZrtpKind kind) {
  std::array<std::uint8_t, kMostTypes> numbers{};
  std::uint8_t count = 0;
  for (const ZrtpAlgorithm algorithm : settings_.policy.of(kind)) {
    if (count == numbers.size()) return false;
    numbers[count++] = number_of(algorithm);
  }
  bzrtp_setSupportedCryptoTypes(context_.get(), static_cast<std::uint8_t>(type), numbers.data(), count);
  return true;
}

/// bzrtp adds what is mandatory, and leaves out what its cryptography lacks.
void ZrtpAssociation::read_offered_agreements() {
  std::array<std::uint8_t, kMostTypes> numbers{};
  const std::size_t count =
      bzrtp_getSupportedCryptoTypes(context_.get(), ZRTP_KEYAGREEMENT_TYPE, numbers.data());
  for (const std::uint8_t number : std::span(numbers).first(count))
    if (const auto algorithm = algorithm_of(number)) agreements_.push_back(*algorithm);
}

ZrtpOutcome ZrtpAssociation::begin(DatagramSink& sink, InstantMs now) {
  if (state_ != State::waiting || sink_ != nullptr) return ZrtpOutcome::idle;
  sink_ = &sink;
  state_ = State::handshaking;
  ends_at_ = now + settings_.limits.handshake_ms;
  bzrtp_startChannelEngine(context_.get(), source_);
  bzrtp_iterate(context_.get(), source_, static_cast<std::uint64_t>(now));
  set_deadline(now);
  return ZrtpOutcome::progress;
}

void ZrtpAssociation::set_deadline(InstantMs now) {
  deadline_ = std::min(ends_at_, now + kTickMs);
}

ZrtpOutcome ZrtpAssociation::on_timer(InstantMs now) {
  if (!deadline_ || now < *deadline_) return ZrtpOutcome::idle;
  if (state_ == State::secured) settle();
  if (state_ == State::waiting) return end(ZrtpOutcome::timed_out);
  if (state_ != State::handshaking) return ZrtpOutcome::idle;
  if (now < ends_at_) {
    bzrtp_iterate(context_.get(), source_, static_cast<std::uint64_t>(now));
    set_deadline(now);
    return ZrtpOutcome::idle;
  }
  if (outcome_ == ZrtpOutcome::wrong_hello_hash) return end(ZrtpOutcome::impostor);
  if (heard_) return fail_with(ZrtpOutcome::timed_out, ZrtpErrorCode::protocol_timeout);
  state_ = State::waiting;
  deadline_ = now + settings_.limits.patience_ms;
  return outcome_ = ZrtpOutcome::unanswered;
}

ZrtpOutcome ZrtpAssociation::receive(std::span<const std::uint8_t> datagram, InstantMs now) {
  if (!context_ || sink_ == nullptr) return ZrtpOutcome::ignored;
  const auto packet = parse_zrtp(datagram);
  if (!packet) return packet.error() == ZrtpDefect::crc ? ZrtpOutcome::wrong_crc : ZrtpOutcome::malformed;
  received_ += static_cast<std::uint32_t>(datagram.size());
  if (received_ > settings_.limits.max_received)
    return state_ == State::secured ? ZrtpOutcome::ignored : end(ZrtpOutcome::too_much_data);
  return state_ == State::waiting ? reopen(*packet, now) : judge(*packet, now);
}

/// The peer took its time: somebody had to pick up the phone, perhaps.
ZrtpOutcome ZrtpAssociation::reopen(const ZrtpPacket& packet, InstantMs now) {
  if (packet.type != ZrtpMessageType::hello) return ZrtpOutcome::ignored;
  state_ = State::handshaking;
  ends_at_ = now + settings_.limits.handshake_ms;
  set_deadline(now);
  return judge(packet, now);
}

// bzrtp sees no message whose frame and length parse_zrtp has not checked, and none that it would handle
// without having checked what it relies on.
ZrtpOutcome ZrtpAssociation::judge(const ZrtpPacket& packet, InstantMs now) {
  switch (packet.type) {
    case ZrtpMessageType::hello:
      return judge_hello(packet, now);
    case ZrtpMessageType::commit:
      return judge_commit(packet, now);
    case ZrtpMessageType::dh_part1:
    case ZrtpMessageType::dh_part2:
      return judge_dh_part(packet, now);
    case ZrtpMessageType::hello_ack:
    case ZrtpMessageType::confirm1:
    case ZrtpMessageType::confirm2:
    case ZrtpMessageType::conf2_ack:
    case ZrtpMessageType::ping:
      return feed(packet, now);
    case ZrtpMessageType::error:
      if (!heard_ || state_ != State::handshaking) return ZrtpOutcome::ignored;
      send(write_zrtp(ZrtpMessageType::error_ack, source_));
      return end(ZrtpOutcome::error_received);
    case ZrtpMessageType::go_clear:
      if (!heard_) return ZrtpOutcome::ignored;
      send(write_zrtp_error(source_, ZrtpErrorCode::go_clear_not_allowed));
      return ZrtpOutcome::go_clear_refused;
    case ZrtpMessageType::error_ack:
    case ZrtpMessageType::clear_ack:
    case ZrtpMessageType::sas_relay:
    case ZrtpMessageType::relay_ack:
    case ZrtpMessageType::ping_ack:
      return ZrtpOutcome::ignored;
  }
  return ZrtpOutcome::ignored;
}

ZrtpOutcome ZrtpAssociation::judge_hello(const ZrtpPacket& packet, InstantMs now) {
  const ZrtpHash hash = sha256(packet.message);
  if (settings_.peer_hello_hash && !same(hash, *settings_.peer_hello_hash))
    return outcome_ = ZrtpOutcome::wrong_hello_hash;
  if (peer_hello_) return same(hash, *peer_hello_) ? feed(packet, now) : ZrtpOutcome::refused;
  const auto hello = parse_zrtp_hello(packet);
  if (!hello) return ZrtpOutcome::malformed;
  if (hello->version[0] != '1' || hello->version[1] != '.' || hello->version[2] != '1')
    return ZrtpOutcome::wrong_version;
  if (hello->zid == zid_) return fail_with(ZrtpOutcome::equal_zids, ZrtpErrorCode::equal_zids);
  const auto agreed = agree(agreements_, hello->agreements);
  if (!agreed) return ZrtpOutcome::refused;
  agreed_ = *agreed;
  const ZrtpOutcome outcome = feed(packet, now);
  if (outcome != ZrtpOutcome::progress) return outcome;
  peer_hello_ = hash;
  peer_h3_ = hello->h3;
  security_.peer_zid = hello->zid;
  return outcome;
}

/// RFC 6189 §9: who knows what H3 is a hash of has sent the Hello. bzrtp takes any algorithms from a Commit,
/// also such as it has prepared nothing for.
ZrtpOutcome ZrtpAssociation::judge_commit(const ZrtpPacket& packet, InstantMs now) {
  if (!peer_hello_) return ZrtpOutcome::refused;
  const ZrtpCommit commit = parse_zrtp_commit(packet);
  if (!same(sha256(commit.h2), peer_h3_)) return ZrtpOutcome::wrong_hash_chain;
  if (commit.zid != security_.peer_zid) return ZrtpOutcome::refused;
  if (state_ == State::handshaking)
    if (const auto code = objection(commit)) return fail_with(ZrtpOutcome::no_common_algorithm, *code);
  return feed(packet, now);
}

std::optional<ZrtpErrorCode> ZrtpAssociation::objection(const ZrtpCommit& commit) const {
  struct Choice {
    ZrtpKind kind;
    const ZrtpCode& code;
    ZrtpErrorCode error;
  };
  const std::array<Choice, kZrtpKindCount> choices = {{
      {ZrtpKind::hash, commit.hash, ZrtpErrorCode::hash_type},
      {ZrtpKind::cipher, commit.cipher, ZrtpErrorCode::cipher_type},
      {ZrtpKind::tag, commit.tag, ZrtpErrorCode::auth_tag},
      {ZrtpKind::agreement, commit.agreement, ZrtpErrorCode::public_key_exchange},
      {ZrtpKind::rendering, commit.rendering, ZrtpErrorCode::sas_rendering},
  }};
  for (const Choice& choice : choices) {
    const auto algorithm = zrtp_algorithm(choice.kind, choice.code);
    if (!algorithm || !settings_.policy.allows(*algorithm)) return choice.error;
  }
  if (zrtp_algorithm(ZrtpKind::agreement, commit.agreement) != agreed_)
    return ZrtpErrorCode::public_key_exchange;
  return std::nullopt;
}

/// bzrtp goes on without a shared secret where its cryptography refuses the public value.
ZrtpOutcome ZrtpAssociation::judge_dh_part(const ZrtpPacket& packet, InstantMs now) {
  if (!peer_hello_) return ZrtpOutcome::refused;
  const ZrtpDhPart part = parse_zrtp_dh_part(packet);
  if (!same(sha256(sha256(part.h1)), peer_h3_)) return ZrtpOutcome::wrong_hash_chain;
  const ZrtpHash hash = sha256(packet.message);
  if (!sound_part_ || !same(hash, *sound_part_)) {
    if (state_ != State::handshaking) return ZrtpOutcome::refused;
    if (!is_sound_public_value(agreed_, part.public_value))
      return fail_with(ZrtpOutcome::bad_public_value, ZrtpErrorCode::bad_public_value);
    sound_part_ = hash;
  }
  return feed(packet, now);
}

// bzrtp drops what does not come in the order of its sequence numbers, which nobody authenticates: one forged
// packet with a high number would end the exchange. It gets numbers of ours, in the order of arrival.
ZrtpOutcome ZrtpAssociation::feed(const ZrtpPacket& packet, InstantMs now) {
  const std::uint8_t* const begin = packet.message.data() - kZrtpHeaderLength;
  std::vector<std::uint8_t> copy(begin, begin + packet.message.size() + kZrtpOverhead);
  number_zrtp(copy, ++fed_);
  // Timers that the message starts count from the last time that bzrtp was told.
  if (state_ == State::handshaking) bzrtp_iterate(context_.get(), source_, static_cast<std::uint64_t>(now));
  const int result =
      bzrtp_processMessage(context_.get(), source_, copy.data(), static_cast<std::uint16_t>(copy.size()));
  if (own_commit_refused_) return fail_with(ZrtpOutcome::no_common_algorithm, *own_commit_refused_);
  if (result != 0) return not_taken(result, packet.type);
  heard_ = true;
  if (state_ != State::handshaking) return ZrtpOutcome::ignored;
  if (done_) return finish(now);
  set_deadline(now);
  return ZrtpOutcome::progress;
}

ZrtpOutcome ZrtpAssociation::not_taken(int result, ZrtpMessageType type) {
  if (result == kWrongConfirmMac) return ZrtpOutcome::wrong_confirm_mac;
  if (state_ != State::handshaking) return ZrtpOutcome::refused;
  // Only the Hello's sender can make these fail, or who has changed its messages. A Confirm's chain is looked
  // at after its MAC, and each that comes so far costs memory that bzrtp does not free.
  const bool is_confirm = type == ZrtpMessageType::confirm1 || type == ZrtpMessageType::confirm2;
  if (result == kWrongMessageMac || (result == kWrongHashChain && is_confirm))
    return end(ZrtpOutcome::wrong_message_mac);
  if (result == kWrongHvi) return fail_with(ZrtpOutcome::wrong_message_mac, ZrtpErrorCode::wrong_hvi);
  return result == kWrongHashChain ? ZrtpOutcome::wrong_hash_chain : ZrtpOutcome::refused;
}

ZrtpOutcome ZrtpAssociation::finish(InstantMs now) {
  if (crypto::same_master_key(keys_->send, keys_->receive)) return end(ZrtpOutcome::reflected_keys);
  if (settings_.cache && security_.entry != 0) settings_.cache->prune(security_.entry);
  state_ = State::secured;
  deadline_ = now + settings_.limits.linger_ms;
  return outcome_ = ZrtpOutcome::secured;
}

ZrtpOutcome ZrtpAssociation::announce(const ZrtpHash& peer_hello_hash) {
  if (state_ == State::over || settings_.peer_hello_hash) return ZrtpOutcome::ignored;
  settings_.peer_hello_hash = peer_hello_hash;
  if (!peer_hello_ || same(*peer_hello_, peer_hello_hash)) return ZrtpOutcome::idle;
  return end(ZrtpOutcome::impostor);
}

bool ZrtpAssociation::set_verified(bool verified) {
  if (state_ != State::secured || !settings_.cache) return false;
  if (security_.entry != 0) return settings_.cache->set_verified(security_.entry, verified);
  if (!security_.mismatch || !context_) return false;
  if (verified)
    bzrtp_SASVerified(context_.get());
  else
    bzrtp_resetSASVerified(context_.get());
  return true;
}

std::optional<crypto::Keying> ZrtpAssociation::take_keys() {
  if (state_ != State::secured || !keys_) return std::nullopt;
  return std::move(*std::exchange(keys_, nullptr));
}

void ZrtpAssociation::settle() {
  if (state_ != State::secured) return;
  deadline_.reset();
  const bool may_retain = settings_.cache && security_.mismatch && security_.entry == 0;
  if (!may_retain) context_.reset();
}

ZrtpOutcome ZrtpAssociation::close() {
  return state_ == State::over ? ZrtpOutcome::ignored : end(ZrtpOutcome::closed);
}

void ZrtpAssociation::send(std::vector<std::uint8_t> packet) {
  if (sink_ == nullptr) return;
  number_zrtp(packet, ++sent_);
  sink_->send(packet);
}

ZrtpOutcome ZrtpAssociation::fail_with(ZrtpOutcome outcome, ZrtpErrorCode code) {
  send(write_zrtp_error(source_, code));
  return end(outcome);
}

ZrtpOutcome ZrtpAssociation::end(ZrtpOutcome outcome) {
  state_ = State::over;
  deadline_.reset();
  keys_.reset();
  context_.reset();
  return outcome_ = outcome;
}

}  // namespace sallyport::keying
