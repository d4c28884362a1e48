// SPDX-License-Identifier: GPL-3.0-or-later
// Result: a value or an error, and that neither can be mistaken for the other.
#include "base/result.h"

#include <memory>
#include <type_traits>

#include <gtest/gtest.h>

namespace sallyport {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return fail(ErrorClass::malformed, "odd");
  return number / 2;
}

TEST(Result, HoldsAValue) {
  const auto result = half(4);
  ASSERT_TRUE(result);
  EXPECT_EQ(*result, 2);
}

TEST(Result, HoldsAnErrorWithItsClassAndText) {
  const auto result = half(3);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().error_class, ErrorClass::malformed);
  EXPECT_EQ(result.error().text, "odd");
}

TEST(Result, AFalseValueIsNotAnError) {
  const Result<bool> no = false;
  EXPECT_TRUE(no.has_value());
  EXPECT_FALSE(*no);
}

TEST(Result, StopsAChainAtTheFirstError) {
  int calls = 0;
  const auto result = half(3).and_then([&calls](int number) {
    ++calls;
    return half(number);
  });
  EXPECT_FALSE(result);
  EXPECT_EQ(calls, 0);
}

TEST(Result, CarriesWhatCanOnlyMove) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(5);
  const std::unique_ptr<int> owned = *std::move(result);
  EXPECT_EQ(*owned, 5);
}

TEST(Result, ValueOfAnErrorThrows) {
  EXPECT_THROW((void)half(1).value(), tl::bad_expected_access<Error>);
}

TEST(Result, ATextAloneIsNotAnError) {
  static_assert(!std::is_convertible_v<const char*, Result<int>>);
  static_assert(!std::is_convertible_v<Error, Result<int>>, "an error is made by fail() only");
  EXPECT_EQ(Error{}.error_class, ErrorClass::internal) << "an error without a class is our own fault";
}

}  // namespace
}  // namespace sallyport
