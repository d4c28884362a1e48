// SPDX-License-Identifier: GPL-3.0-or-later
// Call records: what a line says, and how lines get into the file, or do not.
#include "control/calls/call_record.h"

#include <cstdio>
#include <fstream>
#include <sstream>
#include <thread>

#include <boost/json.hpp>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/control/store_rig.h"

namespace sallyport::control {
namespace {

using std::chrono::milliseconds;

CallRecord sample() {
  CallRecord record;
  record.id = "c1";
  record.caller = "sip:alice@example.com";
  record.called = "+493012345";
  record.route = "+49 -> carriers";
  record.trunk = "carrier";
  record.invite = RecordTime(milliseconds(1772366400123));
  record.ringing = record.invite + milliseconds(900);
  record.answer = record.invite + milliseconds(2000);
  record.end = record.invite + milliseconds(62001);
  record.status = 200;
  record.ended_by = EndedBy::called;
  record.reason = "Q.850;cause=16";
  record.a.call_id = "abc@192.0.2.7";
  record.a.identity = "sip:alice@example.com";
  record.a.transport = "TLS";
  record.a.tls_version = "TLSv1.3";
  record.a.digest_algorithm = "SHA-256";
  record.a.certificate_names = {"example.com"};
  RecordedMedia media;
  media.kind = "audio";
  media.codec = "opus/48000/2";
  media.suite = "AEAD_AES_256_GCM";
  media.received = {3000, 480000, 2, 1.2345};
  record.a.media.push_back(media);
  record.b = RecordedLeg();
  record.b->call_id = "xyz";
  record.attempts.push_back({"trunk:first", 503, "Service Unavailable"});
  record.attempts.push_back({"trunk:second", 0, "no answer"});
  return record;
}

std::string read_all(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(CallRecord, TimesAreRfc3339) {
  EXPECT_EQ(to_text(RecordTime(milliseconds(0))), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(to_text(RecordTime(milliseconds(1772366400123))), "2026-03-01T12:00:00.123Z");
  EXPECT_EQ(to_text(RecordTime(milliseconds(951827696007))), "2000-02-29T12:34:56.007Z");
  EXPECT_EQ(to_text(RecordTime(milliseconds(-1))), "1969-12-31T23:59:59.999Z");
}

TEST(CallRecord, IsOneLineOfJson) {
  const std::string line = write_record(sample());
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  const auto value = boost::json::parse(line).as_object();
  EXPECT_EQ(value.at("caller"), "sip:alice@example.com");
  EXPECT_EQ(value.at("invite"), "2026-03-01T12:00:00.123Z");
  EXPECT_EQ(value.at("ringing"), "2026-03-01T12:00:01.023Z");
  EXPECT_EQ(value.at("duration_ms"), 60001);
  EXPECT_EQ(value.at("ended_by"), "called");
  EXPECT_EQ(value.at("status"), 200);
  const auto& leg = value.at("a").as_object();
  EXPECT_EQ(leg.at("tls_version"), "TLSv1.3");
  EXPECT_EQ(leg.at("digest_algorithm"), "SHA-256");
  EXPECT_FALSE(leg.contains("user_agent")) << "what is not known is left out";
  const auto& media = leg.at("media").at(0).as_object();
  EXPECT_EQ(media.at("suite"), "AEAD_AES_256_GCM");
  EXPECT_EQ(media.at("received").at("packets"), 3000);
  EXPECT_DOUBLE_EQ(media.at("received").at("jitter_ms").as_double(), 1.23);
  EXPECT_EQ(value.at("attempts").at(0).at("status"), 503);
  EXPECT_FALSE(value.at("attempts").at(1).as_object().contains("status"));
}

TEST(CallRecord, ARefusedCallHasOneLegAndNoDuration) {
  CallRecord record;
  record.id = "c2";
  record.status = 403;
  record.ended_by = EndedBy::us;
  record.reason = "Too Many Calls Of This User";
  const auto value = boost::json::parse(write_record(record)).as_object();
  for (const std::string_view key : {"b", "ringing", "answer", "duration_ms", "attempts", "trunk"})
    EXPECT_FALSE(value.contains(key)) << key;
  EXPECT_EQ(value.at("ended_by"), "us");
  EXPECT_FALSE(record.duration());
  record.answer = RecordTime(milliseconds(5000));
  record.end = RecordTime(milliseconds(4000));
  EXPECT_EQ(record.duration(), milliseconds(0)) << "a clock that was set back makes no negative calls";
}

TEST(CallRecord, WhatPeersWroteCannotBreakTheLine) {
  CallRecord record = sample();
  for (const std::string_view text :
       {"\"\n{\"evil\":1}", "a\r\nb", "\\", "\xff\xfe", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
        "\xe2\x82", "\xf0\x80\x80\x80", "j\xc3\xb8rn"}) {
    record.a.user_agent = text;
    record.a.from = text;
    record.reason = text;
    const std::string line = write_record(record);
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    boost::json::error_code failure;
    const auto value = boost::json::parse(line, failure);
    ASSERT_FALSE(failure) << text;
    EXPECT_FALSE(value.as_object().contains("evil"));
  }
  EXPECT_NE(write_record(record).find("j\xc3\xb8rn"), std::string::npos);
}

TEST(RecordFile, AppendsLinesThatOthersMayRead) {
  TemporaryDirectory directory;
  const std::string path = directory.file("calls.json");
  const mode_t before = umask(0);
  {
    RecordFile file(path);
    file.append(sample());
    file.append(sample());
    EXPECT_EQ(file.written(), 2U);
    EXPECT_EQ(file.lost(), 0U);
  }
  umask(before);
  struct stat about {};
  ASSERT_EQ(stat(path.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0640U);
  EXPECT_EQ(read_all(path), write_record(sample()) + write_record(sample()));
  RecordFile again(path);
  again.append(sample());
  EXPECT_EQ(read_all(path).size(), 3 * write_record(sample()).size()) << "what was there stays";
}

TEST(RecordFile, FollowsARotation) {
  TemporaryDirectory directory;
  const std::string path = directory.file("calls.json"), old = directory.file("calls.json.1");
  RecordFile file(path);
  file.append(sample());
  ASSERT_EQ(std::rename(path.c_str(), old.c_str()), 0);
  file.append(sample());
  EXPECT_EQ(read_all(old).size(), 2 * write_record(sample()).size()) << "until it is told";
  ASSERT_TRUE(file.reopen());
  file.append(sample());
  EXPECT_EQ(read_all(path), write_record(sample()));
  const std::string other = directory.file("other.json");
  ASSERT_TRUE(file.reopen(other));
  EXPECT_EQ(file.path(), other);
  file.append(sample());
  EXPECT_EQ(read_all(other), write_record(sample()));
}

TEST(RecordFile, AnErrorLeavesTheOpenFileOpen) {
  TemporaryDirectory directory;
  const std::string path = directory.file("calls.json");
  RecordFile file(path);
  file.append(sample());
  EXPECT_FALSE(file.reopen(directory.file("none/calls.json")));
  EXPECT_EQ(file.path(), path);
  file.append(sample());
  EXPECT_EQ(file.written(), 2U);
}

TEST(RecordFile, WithoutAPathNothingIsWrittenNorLost) {
  RecordFile file("");
  file.append(sample());
  EXPECT_EQ(file.written() + file.lost(), 0U);
  EXPECT_TRUE(file.reopen());
}

TEST(RecordFile, WhatCannotBeOpenedIsCountedAndTriedAgain) {
  TemporaryDirectory directory;
  const std::string folder = directory.file("later");
  RecordFile file(folder + "/calls.json");
  file.append(sample());
  file.append(sample());
  EXPECT_EQ(file.lost(), 2U);
  ASSERT_EQ(mkdir(folder.c_str(), 0700), 0);
  file.append(sample());
  EXPECT_EQ(file.written(), 1U);
  EXPECT_EQ(read_all(folder + "/calls.json"), write_record(sample()));
  ASSERT_EQ(unlink((folder + "/calls.json").c_str()), 0);
  ASSERT_EQ(rmdir(folder.c_str()), 0);
}

TEST(RecordFile, AFullDiskLeavesNoHalfLines) {
  TemporaryDirectory directory;
  const std::string path = directory.file("calls.json");
  const std::string line = write_record(sample());
  RecordFile file(path);
  {
    const FileSizeLimit limit(line.size() + line.size() / 2);
    for (int i = 0; i < 3; ++i) file.append(sample());
    EXPECT_EQ(file.written(), 1U);
    EXPECT_EQ(file.lost(), 2U);
    EXPECT_EQ(read_all(path), line);
  }
  file.append(sample());
  EXPECT_EQ(file.written(), 2U);
  EXPECT_EQ(read_all(path), line + line);
}

}  // namespace
}  // namespace sallyport::control
