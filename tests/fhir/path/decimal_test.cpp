#include "fhir/path/decimal.hpp"

#include <gtest/gtest.h>

namespace fhir::path {
namespace {

Decimal d(std::string_view text) { return Decimal::parse(text).value(); }

TEST(Decimal, KeepsTheDigitsItWasWrittenWith) {
  for (auto const* text : {"0", "1", "-1", "1.10", "0.001", "-0.50", "12345678901234567890.12345678"}) {
    EXPECT_EQ(d(text).to_string(), text);
  }
}

TEST(Decimal, ReadsExponents) {
  EXPECT_EQ(d("1.5e3").to_string(), "1500");
  EXPECT_EQ(d("15E-1").to_string(), "1.5");
}

TEST(Decimal, RefusesWhatIsNone) {
  for (auto const* text :
       {"", "-", ".5", "5.", "1.2.3", "a", "1e", "1e99", "123456789012345678901234567890123456789012"}) {
    EXPECT_FALSE(Decimal::parse(text)) << text;
  }
}

TEST(Decimal, ComparesByValueNotByDigits) {
  EXPECT_EQ(d("1.10"), d("1.1"));
  EXPECT_LT(d("-2"), d("1.5"));
  EXPECT_GT(d("100000000000000000000000000000000000"), d("0.0000000001"));
  EXPECT_LT(d("-100000000000000000000000000000000000"), d("0.0000000001"));
}

TEST(Decimal, CalculatesExactly) {
  EXPECT_EQ(add(d("0.1"), d("0.2"))->to_string(), "0.3");
  EXPECT_EQ(multiply(d("1.2"), d("1.8"))->to_string(), "2.16");
  EXPECT_EQ(divide(d("1"), d("8"))->to_string(), "0.125");
  EXPECT_EQ(divide(d("1.2"), d("1.8"))->rounded(4)->to_string(), "0.6667");
  EXPECT_EQ(divide_whole(d("-7"), d("2"))->to_string(), "-3");
  EXPECT_EQ(remainder(d("2.2"), d("1.8"))->to_string(), "0.4");
}

TEST(Decimal, SaysWhenAResultDoesNotFit) {
  Decimal const large = d("10000000000000000000000000000000000000");
  EXPECT_FALSE(multiply(large, large));
  EXPECT_FALSE(divide(d("1"), d("0")));
  EXPECT_FALSE(divide_whole(d("1"), d("0.0")));
}

TEST(Decimal, RoundsHalfAwayFromZero) {
  EXPECT_EQ(d("2.5").rounded(0)->to_string(), "3");
  EXPECT_EQ(d("-2.5").rounded(0)->to_string(), "-3");
  EXPECT_EQ(d("2.449").rounded(1)->to_string(), "2.4");
  EXPECT_EQ(d("-1.1").ceiling(), -1);
  EXPECT_EQ(d("-1.1").floor(), -2);
}

}  // namespace
}  // namespace fhir::path
