#include "fhir/json/writer.hpp"
#include "fhir/patch/patch.hpp"
#include "tests/fhir/support/examples.hpp"

#include <gtest/gtest.h>

namespace fhir::patch {
namespace {

constexpr char const* kPatient =
    R"({"resourceType":"Patient","id":"a","name":[{"family":"Ashdown","given":["A","B"]}],"active":true})";

/// The patched resource, or the Issue as a line.
std::string patched(std::string_view patch, std::string_view target = kPatient) {
  auto const document = test::read(target);
  auto const read = read_json_patch(patch);
  if (!read) return to_line(read.error());
  json::Arena arena;
  auto const result = (*read)->apply(document.root, arena);
  return result ? json::write(*result) : to_line(result.error());
}

TEST(JsonPatch, KeepsTheDigitsOfNumbers) {
  EXPECT_EQ(patched(R"([{"op":"add","path":"/v","value":1.50}])", R"({"w":2.00})"), R"({"w":2.00,"v":1.50})");
}

TEST(JsonPatch, TestsNumbersByValueAndMembersInAnyOrder) {
  EXPECT_EQ(patched(R"([{"op":"test","path":"/v","value":{"b":1.0,"a":[]}}])", R"({"v":{"a":[],"b":1}})"),
            R"({"v":{"a":[],"b":1}})");
}

TEST(JsonPatch, RemovesAndAddsAtTheEndOfAnArray) {
  EXPECT_EQ(
      patched(
          R"([{"op":"remove","path":"/name/0/given/0"},{"op":"add","path":"/name/0/given/-","value":"C"}])"),
      R"({"resourceType":"Patient","id":"a","name":[{"family":"Ashdown","given":["B","C"]}],"active":true})");
}

TEST(JsonPatch, NamesTheOperationThatFails) {
  EXPECT_EQ(
      patched(R"([{"op":"remove","path":"/active"},{"op":"replace","path":"/name/1/family","value":"B"}])"),
      "error processing [1]: operation 1 (replace /name/1/family): there is nothing at that place");
  EXPECT_EQ(
      patched(R"([{"op":"add","path":"/name/0/given/3","value":"C"}])"),
      "error processing [0]: operation 0 (add /name/0/given/3): the array takes an index from 0 to 2, or -");
  EXPECT_EQ(
      patched(R"([{"op":"add","path":"/name/0/given/00","value":"C"}])"),
      "error processing [0]: operation 0 (add /name/0/given/00): the array takes an index from 0 to 2, or -");
}

TEST(JsonPatch, ThatCannotBeReadIsRefusedBeforeAnythingIsDone) {
  EXPECT_EQ(patched("{}"), "error structure: a JSON Patch is an array of operations");
  EXPECT_EQ(patched(R"([{"op":"remove","path":"/active"},{"op":"spam","path":"/a"}])"),
            "error value [1]: operation 1: \"op\" is add, remove, replace, move, copy or test");
  EXPECT_EQ(patched(R"([{"op":"add","path":"/a"}])"),
            "error required [0]: operation 0 (add /a): \"value\" is missing");
  EXPECT_EQ(patched(R"([{"op":"move","path":"/a"}])"),
            "error required [0]: operation 0 (move /a): \"from\" is missing or no string");
  EXPECT_EQ(patched(R"([{"op":"remove","path":"a"}])"),
            "error value [0]: operation 0 (remove a): \"path\" is no JSON Pointer: /name/0/family");
  EXPECT_EQ(patched(R"([{"op":"remove","path":"/a~2"}])"),
            "error value [0]: operation 0 (remove /a~2): \"path\" is no JSON Pointer: /name/0/family");
}

TEST(JsonPatch, DoesNotMoveAValueIntoItself) {
  EXPECT_EQ(patched(R"([{"op":"move","from":"/name","path":"/name/0/x"}])"),
            "error processing [0]: operation 0 (move /name/0/x): a value cannot be moved into itself");
}

TEST(JsonPatch, ThatCopiesWhatItCopiedEndsAtItsBudget) {
  std::string patch = "[";
  for (int i = 0; i < 40; ++i) patch += R"({"op":"copy","from":"/name","path":"/name/-"},)";
  patch.back() = ']';
  EXPECT_TRUE(patched(patch).starts_with("error too-costly")) << patched(patch);
  patch = "[";
  for (int i = 0; i < 100; ++i)
    patch += R"({"op":"move","from":"/b","path":"/a"},{"op":"add","path":"/b","value":{}},)"
             R"({"op":"move","from":"/a","path":"/b/c"},)";
  patch.back() = ']';
  EXPECT_TRUE(patched(patch, R"({"b":{}})").starts_with("error too-costly")) << patched(patch);
}

TEST(JsonPatch, EmptyThingsAreDroppedOnRequest) {
  auto document = test::read(R"({"a":[],"b":{"c":[{}]},"given":[null,"x"]})");
  drop_empty(document.root);
  EXPECT_EQ(json::write(document.root), R"({"given":[null,"x"]})");
}

}  // namespace
}  // namespace fhir::patch
