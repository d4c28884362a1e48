// SPDX-License-Identifier: GPL-3.0-or-later
// LineBuffer: lines in any portions, none too long, nothing left behind.
#include "control/admin/line_buffer.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sallyport::control {
namespace {

void feed(LineBuffer& buffer, std::string_view text) {
  const auto room = buffer.prepare();
  ASSERT_GE(room.size(), text.size());
  std::ranges::copy(text, room.begin());
  buffer.commit(text.size());
}

std::vector<std::string> take_all(LineBuffer& buffer) {
  std::vector<std::string> lines;
  while (const auto line = buffer.next_line()) {
    lines.emplace_back(*line);
    buffer.release();
  }
  return lines;
}

TEST(LineBuffer, LinesInAnyPortions) {
  const std::string text = "one\n\ntwo\nthree";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    LineBuffer buffer(100);
    feed(buffer, std::string_view(text).substr(0, cut));
    auto lines = take_all(buffer);
    feed(buffer, std::string_view(text).substr(cut));
    for (const std::string& line : take_all(buffer)) lines.push_back(line);
    EXPECT_EQ(lines, (std::vector<std::string>{"one", "", "two"})) << cut;
    EXPECT_FALSE(buffer.overflowed());
    EXPECT_FALSE(buffer.empty());
  }
}

TEST(LineBuffer, LongestLineFitsAndOneOctetMoreDoesNot) {
  LineBuffer buffer(5);
  feed(buffer, "12345\n");
  EXPECT_EQ(take_all(buffer), std::vector<std::string>{"12345"});
  feed(buffer, "123456");
  EXPECT_EQ(buffer.next_line(), std::nullopt);
  EXPECT_TRUE(buffer.overflowed());
  LineBuffer whole(5);
  feed(whole, "123456\n");
  EXPECT_EQ(whole.next_line(), std::nullopt);
  EXPECT_TRUE(whole.overflowed());
}

TEST(LineBuffer, ReleasedLinesAreWiped) {
  LineBuffer buffer(100);
  feed(buffer, "secret\nnext");
  const auto line = buffer.next_line();
  ASSERT_TRUE(line);
  const char* octets = line->data();
  buffer.release();
  EXPECT_TRUE(std::all_of(octets, octets + 6, [](char c) { return c == 0; }));
}

TEST(LineBuffer, GrowsForLongLines) {
  LineBuffer buffer(1 << 20);
  const std::string part(10000, 'x');
  for (int i = 0; i < 50; ++i) {
    feed(buffer, part);
    EXPECT_EQ(buffer.next_line(), std::nullopt);
  }
  feed(buffer, "\n");
  EXPECT_EQ(take_all(buffer).at(0).size(), 500000U);
  EXPECT_TRUE(buffer.empty());
}

}  // namespace
}  // namespace sallyport::control
