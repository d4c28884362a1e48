// SPDX-License-Identifier: GPL-3.0-or-later
// Secrets that one exchange retains for the next: with their peer, without it, and with somebody else.
#include "keying/zrtp_cache.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "tests/unit/keying/zrtp_rig.h"

namespace sallyport::keying::test {
namespace {

using State = ZrtpAssociation::State;

class ZrtpCaches : public testing::Test {
 protected:
  static std::filesystem::path make_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "zrtp_cache.XXXXXX").string();
    return mkdtemp(name.data());
  }
  ~ZrtpCaches() override { std::filesystem::remove_all(folder_); }
  [[nodiscard]] std::string file(const char* name) const { return folder_ / name; }
  [[nodiscard]] std::shared_ptr<ZrtpCache> open(const char* name) const {
    return ZrtpCache::open(file(name)).value();
  }
  ZrtpSettings settings(const std::string& peer = "sip:phone@example.org") const {
    ZrtpSettings made;
    made.cache = ours_;
    made.local_uri = "sip:sbc@example.org";
    made.peer_uri = peer;
    return made;
  }
  /// A call between our cache and a phone's.
  std::unique_ptr<ZrtpConversation> call(const std::shared_ptr<ZrtpCache>& phone) {
    RawZrtpOffer offer;
    offer.cache = phone->database();
    auto talk = std::make_unique<ZrtpConversation>(settings(), offer);
    talk->run();
    EXPECT_EQ(talk->ours->state(), State::secured);
    EXPECT_TRUE(talk->peer.secured);
    EXPECT_EQ(talk->peer.sas, talk->ours->security().sas);
    return talk;
  }

  const std::filesystem::path folder_ = make_folder();
  std::shared_ptr<ZrtpCache> ours_ = open("ours");
  std::shared_ptr<ZrtpCache> phone_ = open("phone");
};

TEST_F(ZrtpCaches, VerifiedOnceItIsVerifiedInTheNextCall) {
  auto first = call(phone_);
  EXPECT_FALSE(first->ours->security().verified);
  EXPECT_FALSE(first->ours->security().mismatch);
  EXPECT_NE(first->ours->security().entry, 0);
  EXPECT_TRUE(first->ours->set_verified(true));
  first->peer.verified();
  const auto second = call(phone_);
  EXPECT_TRUE(second->ours->security().verified);
  EXPECT_TRUE(second->peer.was_verified);
  EXPECT_FALSE(second->ours->security().mismatch);
  EXPECT_EQ(second->ours->security().entry, first->ours->security().entry);
  EXPECT_EQ(second->ours->security().peer_zid, first->ours->security().peer_zid);
  EXPECT_NE(second->peer.sas, first->peer.sas);
  // And taken back, when the association is long settled.
  second->ours->settle();
  EXPECT_TRUE(second->ours->set_verified(false));
  EXPECT_FALSE(call(phone_)->ours->security().verified);
}

TEST_F(ZrtpCaches, OneSideAloneVerifiesNothing) {
  EXPECT_TRUE(call(phone_)->ours->set_verified(true));
  EXPECT_FALSE(call(phone_)->ours->security().verified);
}

TEST_F(ZrtpCaches, APeerWithoutTheSecretsIsAMismatch) {
  auto first = call(phone_);
  first->ours->set_verified(true);
  first->peer.verified();
  // The same ZID, but not the secrets: who only imitates the phone has just that.
  sqlite3_exec(phone_->database(), "UPDATE zrtp SET rs1 = NULL, rs2 = NULL", nullptr, nullptr, nullptr);
  auto second = call(phone_);
  EXPECT_TRUE(second->ours->security().mismatch);
  EXPECT_FALSE(second->ours->security().verified);
  EXPECT_EQ(second->ours->security().entry, 0);
  // Nothing was retained of it, so that it goes on being one, until somebody compares the SAS.
  second->ours->settle();
  auto third = call(phone_);
  EXPECT_TRUE(third->ours->security().mismatch);
  third->ours->settle();
  EXPECT_TRUE(third->ours->set_verified(true));
  third->peer.verified();
  const auto fourth = call(phone_);
  EXPECT_FALSE(fourth->ours->security().mismatch);
  EXPECT_TRUE(fourth->ours->security().verified);
}

TEST_F(ZrtpCaches, AnotherDeviceIsNoMismatch) {
  call(phone_);
  EXPECT_FALSE(call(open("other"))->ours->security().mismatch);
  EXPECT_EQ(ours_->entries(), 2U);
}

TEST_F(ZrtpCaches, OurZidStays) {
  const auto zid_of = [](ZrtpConversation& talk) {
    talk.ours->begin(talk.outbox, talk.now);
    const Octets hello = talk.outbox.take().front();
    return parse_zrtp_hello(parse_zrtp(hello).value())->zid;
  };
  ZrtpConversation first(settings());
  ZrtpConversation second(settings("sip:somebody@example.org"));
  ZrtpConversation without;
  const Zid own = zid_of(first);
  EXPECT_EQ(own, zid_of(second));
  EXPECT_NE(own, zid_of(without));
}

TEST_F(ZrtpCaches, ManyDevicesOfOnePeerAreForgotten) {
  ZrtpCacheEntry last = 0;
  for (std::size_t i = 0; i < ZrtpCache::kEntriesPerPeer + 5; ++i) {
    ZrtpConversation talk(settings(), {{ZRTP_KEYAGREEMENT_X255}});
    talk.run();
    last = talk.ours->security().entry;
  }
  EXPECT_EQ(ours_->entries(), ZrtpCache::kEntriesPerPeer);
  EXPECT_TRUE(ours_->set_verified(last, true));
  EXPECT_FALSE(ours_->set_verified(last + 1, true));
  EXPECT_FALSE(ours_->set_verified(0, true));
  // The last of all has gone so far that the bound in all reaches them.
  ours_->prune(last + static_cast<ZrtpCacheEntry>(ZrtpCache::kEntries));
  EXPECT_EQ(ours_->entries(), 0U);
  EXPECT_FALSE(ours_->set_verified(last, true));
}

TEST_F(ZrtpCaches, WithoutOneNothingIsRetained) {
  ZrtpConversation talk;
  talk.run();
  EXPECT_EQ(talk.ours->state(), State::secured);
  EXPECT_EQ(talk.ours->security().entry, 0);
  EXPECT_FALSE(talk.ours->set_verified(true));
}

TEST_F(ZrtpCaches, FilesThatWillNotDoAreRefused) {
  EXPECT_FALSE(ZrtpCache::open(folder_));
  EXPECT_FALSE(ZrtpCache::open(file("no/such/folder")));
  std::ofstream(file("text")) << std::string(4096, 'x');
  std::filesystem::permissions(file("text"), std::filesystem::perms{0600});
  EXPECT_FALSE(ZrtpCache::open(file("text")));
  std::ofstream(file("public")) << "";
  std::filesystem::permissions(file("public"), std::filesystem::perms{0644});
  EXPECT_FALSE(ZrtpCache::open(file("public")));
  // What is there is kept.
  call(phone_);
  ours_.reset();
  EXPECT_EQ(open("ours")->entries(), 1U);
}

}  // namespace
}  // namespace sallyport::keying::test
