// SPDX-License-Identifier: GPL-3.0-or-later
// Capture files: headers that add up, for both families, whole and cut payloads; mode, limit and refusal.
#include "control/media/capture_file.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"

namespace sallyport::control {
namespace {

dataplane::CaptureRecord record(std::string_view source, std::string_view destination, std::size_t length) {
  dataplane::CaptureRecord made{};
  made.source = Endpoint::parse(source).value();
  made.destination = Endpoint::parse(destination).value();
  made.length = static_cast<std::uint16_t>(length);
  made.original_length = made.length;
  for (std::size_t i = 0; i < length; ++i) made.payload[i] = static_cast<std::uint8_t>(i + 1);
  return made;
}

std::uint32_t folded(std::uint32_t sum) {
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

std::uint32_t sum_of(std::span<const std::uint8_t> octets) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < octets.size(); ++i)
    sum += static_cast<std::uint32_t>(octets[i]) << (i % 2 == 0 ? 8 : 0);
  return sum;
}

TEST(CaptureFile, Ipv4HeadersAddUp) {
  const auto packet = synthesize_packet(record("192.0.2.9:4000", "192.0.2.1:30000", 7));
  ASSERT_EQ(packet.size(), 20U + 8 + 7);
  EXPECT_EQ(packet[0], 0x45);
  EXPECT_EQ(load_be16(&packet[2]), packet.size());
  EXPECT_EQ(folded(sum_of(std::span(packet).first(20))), 0xffffU);
  EXPECT_EQ(load_be16(&packet[20]), 4000);
  EXPECT_EQ(load_be16(&packet[22]), 30000);
  EXPECT_EQ(load_be16(&packet[24]), 15);
  const auto pseudo = sum_of(std::span(packet).subspan(12, 8)) + 17 + 15;
  EXPECT_EQ(folded(pseudo + sum_of(std::span(packet).subspan(20))), 0xffffU);
  EXPECT_EQ(packet[28], 1);
}

TEST(CaptureFile, Ipv6HeadersAddUp) {
  const auto packet = synthesize_packet(record("[2001:db8::9]:4000", "[2001:db8::1]:30000", 8));
  ASSERT_EQ(packet.size(), 40U + 8 + 8);
  EXPECT_EQ(packet[0], 0x60);
  EXPECT_EQ(load_be16(&packet[4]), 16);
  EXPECT_EQ(packet[6], 17);
  const auto pseudo = sum_of(std::span(packet).subspan(8, 32)) + 17 + 16;
  EXPECT_EQ(folded(pseudo + sum_of(std::span(packet).subspan(40))), 0xffffU);
}

TEST(CaptureFile, CutPayloadKeepsItsLengthAndHasNoChecksum) {
  auto cut = record("192.0.2.9:4000", "192.0.2.1:30000", 10);
  cut.original_length = 500;
  const auto packet = synthesize_packet(cut);
  EXPECT_EQ(packet.size(), 20U + 8 + 10);
  EXPECT_EQ(load_be16(&packet[2]), 20 + 8 + 500);
  EXPECT_EQ(load_be16(&packet[26]), 0);
}

TEST(CaptureFile, LyingLengthIsCutToTheBuffer) {
  auto lying = record("192.0.2.9:4000", "192.0.2.1:30000", 1);
  lying.length = lying.original_length = 60000;
  EXPECT_EQ(synthesize_packet(lying).size(), 28 + dataplane::CaptureRecord::kSnapLength);
}

class CaptureOnDisk : public testing::Test {
 protected:
  CaptureOnDisk() { std::filesystem::create_directory(directory); }
  ~CaptureOnDisk() override { std::filesystem::remove_all(directory); }
  const std::string directory = testing::TempDir() + "capture-" + std::to_string(getpid());
  const std::string path = directory + "/x.pcap";
};

TEST_F(CaptureOnDisk, FileIsOurs) {
  auto file = CaptureFile::create(path, 10000);
  ASSERT_TRUE(file);
  EXPECT_TRUE(file->write(record("192.0.2.9:4000", "192.0.2.1:30000", 7), 1'000'000'500));
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  std::ifstream in(path, std::ios::binary);
  const std::string octets{std::istreambuf_iterator<char>(in), {}};
  ASSERT_EQ(octets.size(), 24U + 16 + 35);
  std::uint32_t words[4];
  std::copy_n(octets.data() + 24, sizeof words, reinterpret_cast<char*>(words));
  EXPECT_EQ(words[0], 1000U);
  EXPECT_EQ(words[1], 500U);
  EXPECT_EQ(words[2], 35U);
  EXPECT_EQ(file->packets(), 1U);
}

TEST_F(CaptureOnDisk, ExistingFileIsNotOverwritten) {
  ASSERT_TRUE(CaptureFile::create(path, 10000));
  const auto again = CaptureFile::create(path, 10000);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().error_class, ErrorClass::refused);
}

TEST_F(CaptureOnDisk, LinksAreNotFollowed) {
  std::filesystem::create_symlink(directory + "/elsewhere", path);
  EXPECT_FALSE(CaptureFile::create(path, 10000));
  EXPECT_FALSE(std::filesystem::exists(directory + "/elsewhere"));
}

TEST_F(CaptureOnDisk, FullFileTakesNoMore) {
  auto file = CaptureFile::create(path, 100);
  ASSERT_TRUE(file);
  const auto packet = record("192.0.2.9:4000", "192.0.2.1:30000", 7);
  EXPECT_TRUE(file->write(packet, 0));
  EXPECT_FALSE(file->write(packet, 0));
  EXPECT_TRUE(file->full());
  EXPECT_EQ(std::filesystem::file_size(path), 24U + 51);
}

TEST_F(CaptureOnDisk, MissingDirectoryIsOneError) {
  const auto file = CaptureFile::create(directory + "/none/x.pcap", 100);
  ASSERT_FALSE(file);
  EXPECT_NE(file.error().text.find("No such file"), std::string::npos);
}

}  // namespace
}  // namespace sallyport::control
