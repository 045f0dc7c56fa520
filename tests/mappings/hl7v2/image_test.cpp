#include "mappings/hl7v2/image.hpp"

#include "tests/mappings/hl7v2/corpus.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <stdexcept>

namespace mappings::hl7v2::test {
namespace {

constexpr std::string_view kMessage =
    "MSH|^~\\&|A||||||ADT^A01|1|P|2.5\r"
    "PID|1||111^^^NORTH&1.2.3&ISO^MR~222^^^REG||Roe^Ann^^||\r"
    "ZPD|a|b\r";

Image image() { return Image(parse_or_throw(kMessage)); }

TEST(Image, WritesAnUntouchedMessageBack) { EXPECT_EQ(image().bytes(), kMessage); }

TEST(Image, SetsOneLeafAndLeavesTheRestOfTheBytes) {
  auto written = image();
  written.set({1, 3, 1, 4, 2}, "9.9");
  EXPECT_EQ(written.raw({1, 3}), "111^^^NORTH&9.9&ISO^MR~222^^^REG");
  written.set({1, 3, 2, 1}, "333");
  EXPECT_EQ(written.raw({1, 3}), "111^^^NORTH&9.9&ISO^MR~333^^^REG");
  written.set({1, 5, 1, 1}, "Doe");
  EXPECT_EQ(written.raw({1, 5}), "Doe^Ann^^");
  written.set({1, 3}, "7~8");
  EXPECT_EQ(written.repetition_count(1, 3), 2U);
}

TEST(Image, GrowsWhatIsMissingOnTheWay) {
  auto written = image();
  written.set({1, 3, 4, 2, 3}, "x");
  EXPECT_EQ(written.raw({1, 3}), "111^^^NORTH&1.2.3&ISO^MR~222^^^REG~~^&&x");
  written.set({2, 5}, "e");
  EXPECT_EQ(written.raw({2, 5}), "e");
  EXPECT_NE(written.bytes().find("ZPD|a|b|||e\r"), std::string::npos);
  written.set({1, 8, 1, 1, 1}, "F");
  EXPECT_EQ(written.raw({1, 8}), "F");
}

TEST(Image, EmptyingTheLastPartDropsTheSeparatorsBehindIt) {
  auto written = image();
  written.set({2, 2}, "");
  EXPECT_NE(written.bytes().find("ZPD|a\r"), std::string::npos);
  written.set({1, 3, 2}, "");
  EXPECT_EQ(written.raw({1, 3}), "111^^^NORTH&1.2.3&ISO^MR");
  written.set({1, 3, 1, 5}, "");
  EXPECT_EQ(written.raw({1, 3}), "111^^^NORTH&1.2.3&ISO");
  written.set({1, 3, 1, 4, 2}, "");
  EXPECT_EQ(written.raw({1, 3}), "111^^^NORTH&&ISO");
  written.set({1, 3, 1, 1}, "");
  EXPECT_EQ(written.raw({1, 3}), "^^^NORTH&&ISO");
}

TEST(Image, EmptyingWhatIsAbsentChangesNothing) {
  auto written = image();
  written.set({1, 30, 2, 3}, "");
  written.set({1, 3, 5}, "");
  EXPECT_EQ(written.bytes(), kMessage);
}

TEST(Image, BuildsAMessageFromNothing) {
  Image built(Delimiters{});
  built.insert_segment(0, "MSH");
  built.set({0, 9, 1, 2}, "A01");
  built.set({0, 9, 1, 1}, "ADT");
  auto const pid = built.insert_segment(1, "PID");
  built.set_text({static_cast<std::uint32_t>(pid), 5, 1, 1}, "R|oe\r");
  EXPECT_EQ(built.bytes(), "MSH|^~\\&|||||||ADT^A01\rPID|||||R\\F\\oe\\X0D\\\r");
  EXPECT_EQ(built.text({1, 5}), "R|oe\r");
}

TEST(Image, InsertsMovesAndRemovesSegments) {
  auto written = image();
  EXPECT_EQ(written.insert_segment(1, "EVN"), 1U);
  written.move_segment(3, 1);
  EXPECT_EQ(written.segment_id(1), "ZPD");
  written.move_segment(1, 3);
  EXPECT_EQ(written.find_segment("ZPD"), 3U);
  written.remove_segment(1);
  EXPECT_EQ(written.bytes(), kMessage);
}

TEST(Image, RemovesARepetitionAndMovesTheLaterOnesDown) {
  auto written = image();
  written.remove_repetition(1, 3, 1);
  EXPECT_EQ(written.raw({1, 3}), "222^^^REG");
  written.remove_repetition(1, 3, 2);
  EXPECT_EQ(written.raw({1, 3}), "222^^^REG");
  written.remove_repetition(1, 3, 1);
  EXPECT_EQ(written.repetition_count(1, 3), 0U);
}

TEST(Image, ChangesItsDelimiters) {
  auto written = image();
  written.use_delimiters({'#', '*', '!', '?', '@'});
  EXPECT_EQ(
      written.bytes(),
      "MSH#*!?@#A######ADT*A01#1#P#2.5\rPID#1##111***NORTH@1.2.3@ISO*MR!222***REG##Roe*Ann**##\rZPD#a#b\r");
  written.use_delimiters(Delimiters{});
  EXPECT_EQ(written.bytes(), kMessage);
}

TEST(Image, RefusesToWriteAnotherMessageThanWasMeant) {
  auto written = image();
  EXPECT_THROW(written.set({1, 5, 1, 1}, "a^b"), std::logic_error);
  EXPECT_THROW(written.set({1, 5, 1}, "a~b"), std::logic_error);
  EXPECT_THROW(written.set({1, 5}, "a|b"), std::logic_error);
  EXPECT_THROW(written.set({1, 5}, "a\rOBX"), std::logic_error);
  EXPECT_THROW(written.set({0, 2}, "^~\\&"), std::logic_error);
  EXPECT_THROW(written.set({9, 1}, "x"), std::logic_error);
  EXPECT_EQ(written.bytes(), kMessage);
}

// Every leaf of the image, by address.
std::map<Address, std::string> leaves(Image const& written) {
  std::map<Address, std::string> all;
  for (std::uint32_t segment = 0; segment < written.segment_count(); ++segment) {
    for (std::uint16_t field = 1; field <= written.field_count(segment); ++field) {
      for (std::uint16_t repetition = 1; repetition <= written.repetition_count(segment, field);
           ++repetition) {
        Address at{segment, field, repetition};
        auto const components = written.component_count(at);
        for (at.component = 1; at.component <= components; ++at.component) {
          at.subcomponent = 0;
          auto const subcomponents = written.subcomponent_count(at);
          for (at.subcomponent = 1; at.subcomponent <= subcomponents; ++at.subcomponent) {
            if (!written.raw(at).empty()) all.emplace(at, written.raw(at));
          }
        }
      }
    }
  }
  return all;
}

RC_GTEST_PROP(Image, WhatIsSetReadsBackAndAllOtherLeavesAreUntouched, ()) {
  auto written = image();
  auto const steps = *rc::gen::inRange(1, 6);
  for (int step = 0; step < steps; ++step) {
    Address const at{*rc::gen::inRange<std::uint32_t>(1, 3), *rc::gen::inRange<std::uint16_t>(1, 9),
                     *rc::gen::inRange<std::uint16_t>(1, 4), *rc::gen::inRange<std::uint16_t>(1, 6),
                     *rc::gen::inRange<std::uint16_t>(1, 4)};
    auto const value = *rc::gen::element<std::string>("", "x", "longer value", "\\T\\");
    auto expected = leaves(written);
    expected.erase(at);
    if (!value.empty()) expected.emplace(at, value);
    written.set(at, value);
    RC_ASSERT(written.raw(at) == value);
    RC_ASSERT(leaves(written) == expected);
  }
  RC_ASSERT(Image(parse_or_throw(written.bytes())).bytes() == written.bytes());
}

}  // namespace
}  // namespace mappings::hl7v2::test
