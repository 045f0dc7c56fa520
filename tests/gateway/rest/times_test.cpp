#include "gateway/rest/times.hpp"

#include <gtest/gtest.h>

namespace gateway::rest {
namespace {

TEST(Times, HttpDatesAreThoseOfTheStandard) {
  EXPECT_EQ(to_http_date(784'111'777'999), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(to_http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(to_http_date(1'709'164'800'000), "Thu, 29 Feb 2024 00:00:00 GMT");
}

TEST(Times, InstantsKeepMilliseconds) {
  EXPECT_EQ(to_instant(784'111'777'005), "1994-11-06T08:49:37.005Z");
  EXPECT_EQ(to_instant(-1), "1969-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace gateway::rest
