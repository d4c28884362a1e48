// SPDX-License-Identifier: GPL-3.0-or-later
// Log lines: their form, what a hostile value can do to them (nothing), and levels.
#include "base/log.h"

#include <regex>
#include <string>

#include <gtest/gtest.h>

namespace sallyport::log {
namespace {

/// Sets a level for one test and puts the old one back.
class Log : public testing::Test {
 protected:
  Log() : before_(level()) { set_level(Level::info); }
  ~Log() override { set_level(before_); }

  static std::string line_of(const Field& field) {
    testing::internal::CaptureStderr();
    info("test", {field});
    return testing::internal::GetCapturedStderr();
  }

 private:
  Level before_;
};

TEST_F(Log, LineHasTimeLevelEventAndFields) {
  testing::internal::CaptureStderr();
  warning("relay.added", {{"relay", 7}, {"muxed", true}, {"side", "access"}});
  const std::string line = testing::internal::GetCapturedStderr();
  const std::regex form(
      R"(time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=warning event=relay\.added relay=7 muxed=true side=access\n)");
  EXPECT_TRUE(std::regex_match(line, form)) << line;
}

struct Value {
  std::string given;
  std::string written;
};

TEST_F(Log, ValuesAreQuotedAndEscaped) {
  const Value values[] = {
      {"plain", "value=plain\n"},
      {"", "value=\"\"\n"},
      {"two words", "value=\"two words\"\n"},
      {"a=b", "value=\"a=b\"\n"},
      {"say \"hi\"", "value=\"say \\\"hi\\\"\"\n"},
      {"back\\slash", "value=\"back\\\\slash\"\n"},
      {std::string("nul\0inside", 10), "value=\"nul\\x00inside\"\n"},
      {"tab\there", "value=\"tab\\x09here\"\n"},
      {"\x7f", "value=\"\\x7f\"\n"},
      {"\x1b[31mred", "value=\"\\x1b[31mred\"\n"},
      {"{} {0} %s %n", "value=\"{} {0} %s %n\"\n"},
      {"gr\xc3\xbc\xc3\x9f", "value=gr\xc3\xbc\xc3\x9f\n"},
  };
  for (const Value& value : values) {
    const std::string line = line_of({"value", value.given});
    EXPECT_TRUE(line.ends_with(value.written)) << line;
  }
}

TEST_F(Log, ValueCannotForgeASecondLine) {
  const std::string line =
      line_of({"user", "eve\ntime=2000-01-01T00:00:00.000Z level=info event=login user=root"});
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1) << line;
}

TEST_F(Log, BelowTheLevelNothingIsWritten) {
  set_level(Level::error);
  testing::internal::CaptureStderr();
  debug("a");
  info("b");
  warning("c");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  testing::internal::CaptureStderr();
  error("d");
  EXPECT_NE(testing::internal::GetCapturedStderr(), "");
}

TEST_F(Log, LevelIsReadBack) {
  for (const Level each : {Level::debug, Level::info, Level::warning, Level::error}) {
    set_level(each);
    EXPECT_EQ(level(), each);
    const auto parsed = parse_level(name(each));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(*parsed, each);
  }
}

TEST_F(Log, UnknownLevelsAreRefused) {
  for (const char* text : {"", "Info", "INFO", " info", "warn", "trace", "info\n", "4"}) {
    const auto parsed = parse_level(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().error_class, ErrorClass::malformed);
  }
}

}  // namespace
}  // namespace sallyport::log
