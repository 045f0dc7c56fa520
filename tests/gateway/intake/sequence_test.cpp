#include "gateway/intake/sequence.hpp"

#include <gtest/gtest.h>

namespace gateway::intake {
namespace {

using Kind = SequenceStep::Kind;

struct Case {
  char const* name;
  std::optional<std::int64_t> last;
  char const* msh_13;
  Kind kind;
  char const* expected;
  std::int64_t stored;
};

class Sequence : public testing::TestWithParam<Case> {};

TEST_P(Sequence, FollowsTheProtocolOf2Point10Point1) {
  auto const& test = GetParam();
  auto const step = sequence_step(test.last, test.msh_13);
  EXPECT_EQ(step.kind, test.kind);
  EXPECT_EQ(step.expected, test.expected);
  EXPECT_EQ(step.number, test.stored);
}

INSTANTIATE_TEST_SUITE_P(
    Steps, Sequence,
    testing::Values(Case{"TheFirstNumberIsTheStart", std::nullopt, "17", Kind::next, "17", 17},
                    Case{"TheNextIsEchoed", 17, "18", Kind::next, "18", 18},
                    Case{"ZeroAsksForTheNext", 17, "0", Kind::start, "18", 0},
                    Case{"ZeroOnAFreshLinkSaysThatAnyNumberWillDo", std::nullopt, "0", Kind::start, "-1", 0},
                    Case{"MinusOneForgets", 17, "-1", Kind::resync, "-1", 0},
                    Case{"AGapIsHeld", 17, "19", Kind::held, "18", 0},
                    Case{"AGapOfAHundredIsHeld", 17, "118", Kind::held, "18", 0},
                    Case{"ALongerOneIsPassed", 17, "119", Kind::passed, "119", 119},
                    Case{"AnOldNumberIsBehind", 17, "17", Kind::behind, "18", 0},
                    Case{"NoNumberIsUnusable", 17, "", Kind::unusable, "18", 0},
                    Case{"TextIsUnusable", 17, "1a", Kind::unusable, "18", 0},
                    Case{"MinusTwoIsUnusable", 17, "-2", Kind::unusable, "18", 0},
                    Case{"WhatIsTooLongForANumberIsUnusable", 17, "99999999999999999999", Kind::unusable,
                         "18", 0}),
    [](auto const& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace gateway::intake
