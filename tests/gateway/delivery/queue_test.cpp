#include "gateway/delivery/queue.hpp"

#include <gtest/gtest.h>

namespace gateway::delivery {
namespace {

using store::OutboxRow;
using store::OutboxState;

OutboxRow row(std::int64_t id, std::string key, OutboxState state = OutboxState::waiting,
              std::int64_t next_ms = 0) {
  OutboxRow made;
  made.id = id;
  made.order_key = std::move(key);
  made.state = state;
  made.next_attempt_ms = next_ms;
  return made;
}

TEST(ChooseNext, TakesTheOldestRowThatIsDue) {
  auto const choice = choose_next({row(1, "a"), row(2, "b")}, 100);
  ASSERT_TRUE(choice.row);
  EXPECT_EQ(*choice.row, 0U);
}

TEST(ChooseNext, NeverOvertakesWithinAKey) {
  auto const choice = choose_next({row(1, "a", OutboxState::waiting, 500), row(2, "a"), row(3, "b")}, 100);
  ASSERT_TRUE(choice.row);
  EXPECT_EQ(*choice.row, 2U);
}

TEST(ChooseNext, StopsTheKeyOfAStoppedRowAndNotTheDestination) {
  auto const choice = choose_next({row(1, "a", OutboxState::stopped), row(2, "a"), row(3, "b")}, 100);
  ASSERT_TRUE(choice.row);
  EXPECT_EQ(*choice.row, 2U);
  EXPECT_FALSE(choose_next({row(1, "a", OutboxState::stopped), row(2, "a")}, 100).row);
}

TEST(ChooseNext, SendsAgainWhatACrashLeftSent) {
  auto const choice = choose_next({row(1, "a", OutboxState::sent)}, 100);
  ASSERT_TRUE(choice.row);
}

TEST(ChooseNext, SaysWhenToLookAgain) {
  auto const choice =
      choose_next({row(1, "a", OutboxState::waiting, 900), row(2, "b", OutboxState::waiting, 700)}, 100);
  EXPECT_FALSE(choice.row);
  EXPECT_EQ(choice.wake_ms, 700);
}

TEST(AfterAttempt, APositiveAnswerSettlesTheRow) {
  auto const after = after_attempt(row(1, "a"), Disposition::delivered, "AA", 100, {}, 0);
  EXPECT_EQ(after.state, OutboxState::delivered);
  EXPECT_EQ(after.last_outcome, "AA");
  EXPECT_EQ(after.attempts, 1);
}

TEST(AfterAttempt, ARefusalStopsAtOnceAndAnErrorAfterItsRetries) {
  EXPECT_EQ(after_attempt(row(1, "a"), Disposition::refused, "AR", 100, {}, 0).state, OutboxState::stopped);
  Patience const patience{.error_retries = 2};
  auto again = row(1, "a");
  again = after_attempt(again, Disposition::error, "AE", 100, patience, 0);
  again = after_attempt(again, Disposition::error, "AE", 100, patience, 0);
  EXPECT_EQ(again.state, OutboxState::waiting);
  again = after_attempt(again, Disposition::error, "AE", 100, patience, 0);
  EXPECT_EQ(again.state, OutboxState::stopped);
}

TEST(AfterAttempt, WhatIsAnsweredByNobodyIsSettledUnconfirmed) {
  auto const sent = after_attempt(row(1, "a"), Disposition::unconfirmed, "sent-unconfirmed", 100, {}, 0);
  EXPECT_EQ(sent.state, OutboxState::unconfirmed);
  EXPECT_EQ(sent.attempts, 1);
  EXPECT_EQ(sent.last_outcome, "sent-unconfirmed");
  EXPECT_FALSE(choose_next({sent}, 200).row);
}

TEST(AfterAttempt, SilenceIsRetriedForEverWithGrowingBoundedDelay) {
  auto again = row(1, "a");
  std::int64_t last_delay = 0;
  for (int attempt = 0; attempt < 1000; ++attempt) {
    again = after_attempt(again, Disposition::unknown, "timeout", 0, {}, 0.999);
    ASSERT_EQ(again.state, OutboxState::waiting);
    EXPECT_GE(again.next_attempt_ms, last_delay);
    EXPECT_LE(again.next_attempt_ms, 60'000);
    last_delay = again.next_attempt_ms;
  }
  EXPECT_GT(last_delay, 59'000);
}

}  // namespace
}  // namespace gateway::delivery
