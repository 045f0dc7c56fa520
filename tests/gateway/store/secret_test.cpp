#include "gateway/store/secret.hpp"

#include "tests/gateway/store/store_fixture.hpp"

#include <gtest/gtest.h>

namespace gateway::store {
namespace {

TEST(Secret, IsTheSameOneForAsLongAsTheDatabaseLives) {
  StoreHome home;
  auto const first = load_secret(home.path(), "page-links");
  ASSERT_TRUE(first) << first.error().diagnostics;
  EXPECT_NE(*first, Secret{}) << "it is random";
  EXPECT_EQ(*load_secret(home.path(), "page-links"), *first);
  home.open();
  EXPECT_EQ(*load_secret(home.path(), "page-links"), *first);
}

TEST(Secret, IsAnotherOneUnderAnotherNameAndInAnotherDatabase) {
  StoreHome home, other;
  auto const first = load_secret(home.path(), "page-links");
  ASSERT_TRUE(first);
  EXPECT_NE(*load_secret(home.path(), "something else"), *first);
  EXPECT_NE(*load_secret(other.path(), "page-links"), *first);
}

}  // namespace
}  // namespace gateway::store
