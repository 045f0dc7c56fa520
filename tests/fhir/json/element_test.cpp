#include "fhir/json/element.hpp"

#include "fhir/json/writer.hpp"
#include "tests/fhir/support/examples.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace fhir::json {
namespace {

TEST(Arena, AlignsWhatItHandsOut) {
  Arena arena;
  for (std::size_t size = 1; size < 100; ++size) {
    arena.allocate(size, 1);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(arena.allocate(size, 16)) % 16, 0U);
  }
}

TEST(Arena, KeepsItsTextsWhereTheyAreWhenItMoves) {
  Arena arena;
  auto const text = arena.copy("kept");
  Arena moved = std::move(arena);
  EXPECT_EQ(text, "kept");
  moved.copy(std::string(100'000, 'x'));
  EXPECT_EQ(text, "kept");
}

TEST(Arena, ServesAgainAfterReset) {
  Arena arena;
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(arena.copy(std::string(20'000, 'a')).size(), 20'000U);
    EXPECT_EQ(arena.copy("b"), "b");
    arena.reset();
    EXPECT_EQ(arena.bytes_used(), 0U);
  }
}

TEST(Element, GrowsObjectsAndArraysByOne) {
  Arena arena;
  Element root;
  for (int i = 0; i < 100; ++i) {
    root.set(arena, arena.copy("n" + std::to_string(i))).push(arena, Element::of_number("1"));
    root.set(arena, "all").push(arena, Element::of_boolean(i % 2 == 0));
  }
  EXPECT_EQ(root.size(), 101U);
  EXPECT_EQ(root.find("all")->size(), 100U);
  EXPECT_EQ(root.text_of("n99", 0), "1");
  EXPECT_EQ(root.text_of("all", 1), "false");
}

TEST(Element, SetReplacesTheMemberOfThatName) {
  Arena arena;
  Element root;
  root.set(arena, "a", Element::of_string("1"));
  root.set(arena, "b", Element::of_string("2"));
  root.set(arena, "a", Element::of_string("3"));
  EXPECT_EQ(write(root), R"({"a":"3","b":"2"})");
}

TEST(Element, WaysThatEndGiveNothing) {
  auto const document = test::read(R"({"a":[{"b":"c"}],"s":"x"})");
  EXPECT_EQ(document.root.text_of("a", 0, "b"), "c");
  EXPECT_EQ(document.root.at("a", 1), nullptr);
  EXPECT_EQ(document.root.at("a", -1), nullptr);
  EXPECT_EQ(document.root.at("s", "x"), nullptr);
  EXPECT_EQ(document.root.at("a", "b"), nullptr);
  EXPECT_EQ(document.root.text_of("none"), "");
}

TEST(Element, RemovesMembersAndItems) {
  auto document = test::read(R"({"a":1,"b":[1,2,3],"c":3})");
  document.root.remove("a");
  document.root.remove("nothing");
  document.root.find("b")->remove_item(1);
  EXPECT_EQ(write(document.root), R"({"b":[1,3],"c":3})");
  document.root.set(document.arena, "d", Element::of_number("4"));
  EXPECT_EQ(write(document.root), R"({"b":[1,3],"c":3,"d":4})");
}

TEST(Element, GrowsAfterBeingRead) {
  auto document = test::read(R"({"a":[1,2,3]})");
  for (int i = 4; i < 40; ++i) document.root.find("a")->push(document.arena, Element::of_number("4"));
  EXPECT_EQ(document.root.find("a")->size(), 39U);
  EXPECT_EQ(document.root.text_of("a", 2), "3");
}

TEST(Element, EqualityIgnoresOrderOfMembersButNotOfItems) {
  EXPECT_EQ(test::read(R"({"a":1,"b":2})").root, test::read(R"({"b":2,"a":1})").root);
  EXPECT_FALSE(test::read("[1,2]").root == test::read("[2,1]").root);
  EXPECT_FALSE(test::read(R"({"a":1})").root == test::read(R"({"a":1,"b":2})").root);
  EXPECT_FALSE(test::read(R"({"a":1})").root == test::read(R"({"a":"1"})").root);
  EXPECT_FALSE(test::read("[1.0]").root == test::read("[1.00]").root);
}

TEST(Element, DeepCopySharesNothing) {
  Document copy;
  {
    auto const original = test::read(R"({"a":[{"b":"c"},null,true,1.0],"d":""})");
    copy.root = deep_copy(copy.arena, original.root);
  }
  EXPECT_EQ(write(copy.root), R"({"a":[{"b":"c"},null,true,1.0],"d":""})");
}

}  // namespace
}  // namespace fhir::json
