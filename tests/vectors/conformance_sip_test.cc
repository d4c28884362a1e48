// SPDX-License-Identifier: GPL-3.0-or-later
// Conformance: SIP messages collected by others, torture tests and captured traffic.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sip/message.h"
#include "sip/stream_framer.h"
#include "sip/writer.h"

namespace sallyport::sip::test {

namespace {

std::string conformance_folder() {
  const char* folder = std::getenv("SALLYPORT_CONFORMANCE");
  return folder == nullptr ? "" : folder;
}

class ConformanceSip : public testing::Test {
 protected:
  void SetUp() override {
    if (conformance_folder().empty())
      GTEST_SKIP() << "no conformance files: configure with -Dconformance=DIR";
  }
};

std::string read_file(const std::string& name) {
  std::ifstream file(conformance_folder() + "/" + name, std::ios::binary);
  if (!file) throw std::runtime_error(name + ": cannot be read");
  return std::string(std::istreambuf_iterator<char>(file), {});
}

/// The columns of a table divided by tabs, without its heading.
std::vector<std::vector<std::string>> read_table(const std::string& name) {
  std::vector<std::vector<std::string>> rows;
  std::istringstream lines(read_file(name));
  for (std::string line; std::getline(lines, line);) {
    std::vector<std::string> row;
    std::istringstream cells(line);
    for (std::string cell; std::getline(cells, cell, '\t');) row.push_back(cell);
    rows.push_back(row);
  }
  rows.erase(rows.begin());
  return rows;
}

/// All fields and the body, written anew.
std::string rewritten(const Message& message) {
  MessageWriter writer = message.is_request()
                             ? MessageWriter::request(message.method_text(), message.request_uri())
                             : MessageWriter::response(message.status(), message.reason());
  std::string_view type;
  for (const Field field : message.fields()) {
    if (field.id == HeaderId::content_length) continue;
    if (field.id == HeaderId::content_type && !message.body().empty())
      type = field.value;
    else
      writer.header(field.name, field.value);
  }
  if (!message.body().empty()) writer.body(type, message.body());
  return std::move(writer).finish();
}

void expect_same(const Message& a, const Message& b) {
  EXPECT_EQ(a.method_text(), b.method_text());
  EXPECT_EQ(a.request_uri(), b.request_uri());
  EXPECT_EQ(a.status(), b.status());
  EXPECT_EQ(a.body(), b.body());
  EXPECT_EQ(a.call_id(), b.call_id());
  for (std::size_t id = 1; id < kHeaderCount; ++id) {
    if (static_cast<HeaderId>(id) == HeaderId::content_length) continue;
    std::vector<std::string_view> first;
    std::vector<std::string_view> second;
    for (const std::string_view value : a.values(static_cast<HeaderId>(id))) first.push_back(value);
    for (const std::string_view value : b.values(static_cast<HeaderId>(id))) second.push_back(value);
    EXPECT_EQ(first, second) << kHeaders[id].name;
  }
}

TEST_F(ConformanceSip, TortureMessages) {
  for (const auto& row : read_table("sip/rfc4475/expected.tsv")) {
    const std::string& file = row.at(0);
    // §3.1.2.12: who does not use the Date need not look at it, and we do not.
    if (file == "baddate.dat") continue;
    const ParsedMessage parsed = parse_message(read_file("sip/rfc4475/" + file));
    EXPECT_EQ(parsed.message.is_request(), row.at(2) == "request") << file;
    EXPECT_EQ(!parsed.defect.has_value(), row.at(3) == "ok") << file;
    if (!parsed.defect) continue;
    EXPECT_EQ(parsed.defect->answerable, row.at(4) != "discard") << file;
    if (!parsed.defect->answerable) continue;
    EXPECT_NE(row.at(4).find(std::to_string(parsed.defect->status)), std::string::npos) << file;
  }
}

TEST_F(ConformanceSip, CapturedMessagesParseAndAreWrittenAgain) {
  for (const auto& row : read_table("sip/captured/manifest.tsv")) {
    const std::string text = read_file("sip/captured/" + row.at(0));
    const ParsedMessage first = parse_message(text);
    if (row.at(0) == "sip-header-multi-value-01.sip") {
      // It was made to hold To twice.
      ASSERT_TRUE(first.defect);
      EXPECT_STREQ(first.defect->reason, "Duplicate To");
      continue;
    }
    ASSERT_FALSE(first.defect) << row.at(0) << ": " << first.defect->reason;
    const ParsedMessage second = parse_message(rewritten(first.message));
    ASSERT_FALSE(second.defect) << row.at(0) << ": " << second.defect->reason;
    expect_same(first.message, second.message);
  }
}

/// The same in one stream, in pieces of every small size.
TEST_F(ConformanceSip, CapturedMessagesSurviveAStream) {
  std::string stream;
  std::size_t count = 0;
  for (const auto& row : read_table("sip/captured/manifest.tsv")) {
    const std::string text = read_file("sip/captured/" + row.at(0));
    if (row.back() != "yes" || text.find("\nContent-Length") == std::string::npos) continue;
    stream += text;
    ++count;
  }
  for (const std::size_t piece : {1U, 7U, 64U, 1000U, 65536U}) {
    StreamFramer framer;
    std::size_t messages = 0;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      framer.append(std::string_view(stream).substr(at, piece));
      for (Frame frame = framer.next(); frame.kind != FrameKind::none; frame = framer.next()) {
        ASSERT_NE(frame.kind, FrameKind::broken) << frame.defect->reason;
        messages += frame.kind == FrameKind::message;
      }
    }
    EXPECT_EQ(messages, count) << "in pieces of " << piece;
  }
}

}  // namespace

}  // namespace sallyport::sip::test
