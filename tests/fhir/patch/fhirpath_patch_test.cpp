#include "fhir/json/writer.hpp"
#include "fhir/patch/patch.hpp"
#include "tests/fhir/support/examples.hpp"

#include <gtest/gtest.h>

namespace fhir::patch {
namespace {

constexpr char const* kPatient =
    R"({"resourceType":"Patient","name":[{"given":["A","B","C"],"_given":[null,{"id":"b"}]}],"birthDate":"1970-01-01"})";

/// A part: part("path", "String", "\"Patient\"").
std::string part(std::string_view name, std::string_view type, std::string_view json) {
  return R"({"name":")" + std::string(name) + R"(","value)" + std::string(type) + "\":" + std::string(json) +
         "}";
}

std::string operation(std::string_view type, std::string_view path,
                      std::vector<std::string> const& parts = {}) {
  std::string out = R"({"name":"operation","part":[)" + part("type", "Code", '"' + std::string(type) + '"') +
                    "," + part("path", "String", '"' + std::string(path) + '"');
  for (auto const& one : parts) out += "," + one;
  return out + "]}";
}

std::string patched(std::string const& operations, std::string_view target = kPatient) {
  auto const document = test::read(target);
  auto const parameters = test::read(R"({"resourceType":"Parameters","parameter":[)" + operations + "]}");
  auto const patch = read_fhirpath_patch(parameters.root);
  if (!patch) return to_line(patch.error());
  json::Arena arena;
  auto const result = (*patch)->apply(document.root, arena);
  return result ? json::write(*result) : to_line(result.error());
}

TEST(FhirPathPatch, KeepsAListOfPrimitivesAndItsExtensionsInStep) {
  EXPECT_EQ(
      patched(operation("delete", "Patient.name[0].given[0]")),
      R"({"resourceType":"Patient","name":[{"given":["B","C"],"_given":[{"id":"b"},null]}],"birthDate":"1970-01-01"})");
  EXPECT_EQ(
      patched(operation("insert", "Patient.name[0].given",
                        {part("index", "Integer", "1"), part("value", "String", "\"X\"")})),
      R"({"resourceType":"Patient","name":[{"given":["A","X","B","C"],"_given":[null,null,{"id":"b"},null]}],"birthDate":"1970-01-01"})");
  EXPECT_EQ(
      patched(operation("move", "Patient.name[0].given",
                        {part("source", "Integer", "1"), part("destination", "Integer", "2")})),
      R"({"resourceType":"Patient","name":[{"given":["A","C","B"],"_given":[null,null,{"id":"b"}]}],"birthDate":"1970-01-01"})");
  EXPECT_EQ(patched(operation("replace", "Patient.name[0].given[1]", {part("value", "String", "\"X\"")})),
            R"({"resourceType":"Patient","name":[{"given":["A","X","C"]}],"birthDate":"1970-01-01"})");
}

TEST(FhirPathPatch, AddsAnExtensionToAPrimitive) {
  std::string const value =
      R"({"name":"value","part":[{"name":"url","valueUri":"http://a"},{"name":"value","valueString":"x"}]})";
  EXPECT_EQ(
      patched(operation("add", "Patient.birthDate", {part("name", "String", "\"extension\""), value}),
              R"({"resourceType":"Patient","birthDate":"1970-01-01"})"),
      R"({"resourceType":"Patient","birthDate":"1970-01-01","_birthDate":{"extension":[{"url":"http://a","valueString":"x"}]}})");
}

TEST(FhirPathPatch, GivesAChoiceTheTypeOfItsValue) {
  char const* const observation = R"({"resourceType":"Observation","valueString":"x"})";
  EXPECT_EQ(patched(operation("replace", "Observation.value", {part("value", "Integer", "3")}), observation),
            R"({"resourceType":"Observation","valueInteger":3})");
  EXPECT_EQ(
      patched(operation("add", "Observation",
                        {part("name", "String", "\"value\""), part("value", "Integer", "3")}),
              observation),
      "error processing Parameters.parameter[0]: operation 0 (add Observation): Observation.value is there "
      "already: replace it");
}

TEST(FhirPathPatch, InsertsIntoAListThatIsNotThereYet) {
  EXPECT_EQ(
      patched(operation("insert", "Patient.name",
                        {part("index", "Integer", "0"), R"({"name":"value","valueHumanName":{"text":"N"}})"}),
              R"({"resourceType":"Patient"})"),
      R"({"resourceType":"Patient","name":[{"text":"N"}]})");
}

TEST(FhirPathPatch, AddsAContainedResource) {
  EXPECT_EQ(patched(operation("add", "Patient",
                              {part("name", "String", "\"contained\""),
                               R"({"name":"value","resource":{"resourceType":"Organization","id":"o"}})"}),
                    R"({"resourceType":"Patient"})"),
            R"({"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"o"}]})");
  EXPECT_EQ(patched(operation("replace", "Patient.contained[0].name", {part("value", "String", "\"N\"")}),
                    R"({"resourceType":"Patient","contained":[{"resourceType":"Organization","name":"O"}]})"),
            R"({"resourceType":"Patient","contained":[{"resourceType":"Organization","name":"N"}]})");
}

TEST(FhirPathPatch, DeletesWhatIsFoundAndOnlyOne) {
  EXPECT_EQ(patched(operation("delete", "Patient.active")), kPatient);
  EXPECT_EQ(
      patched(operation("delete", "Patient.name.given")),
      "error processing Parameters.parameter[0]: operation 0 (delete Patient.name.given): the path finds 3 "
      "elements, not one");
}

TEST(FhirPathPatch, NamesTheOperationThatFails) {
  std::string const value = part("value", "String", "\"x\"");
  EXPECT_EQ(
      patched(operation("delete", "Patient.active") + "," + operation("replace", "Patient.gender", {value})),
      "error processing Parameters.parameter[1]: operation 1 (replace Patient.gender): the path finds "
      "nothing");
  EXPECT_EQ(
      patched(operation("add", "Patient", {part("name", "String", "\"size\""), value})),
      "error processing Parameters.parameter[0]: operation 0 (add Patient): Patient has no element size");
  EXPECT_EQ(patched(operation("add", "Patient", {part("name", "String", "\"active\""), value})),
            "error processing Parameters.parameter[0]: operation 0 (add Patient): Patient.active does not "
            "take a value "
            "of type string");
  EXPECT_EQ(patched(operation("replace", "Patient", {value})),
            "error processing Parameters.parameter[0]: operation 0 (replace Patient): the path names the "
            "whole resource");
  EXPECT_EQ(patched(operation("replace", "'x'", {value})),
            "error processing Parameters.parameter[0]: operation 0 (replace 'x'): the path gives something "
            "that is no "
            "element of the resource");
  EXPECT_EQ(patched(operation("insert", "Patient.name[0].given", {part("index", "Integer", "4"), value})),
            "error processing Parameters.parameter[0]: operation 0 (insert Patient.name[0].given): the list "
            "takes an "
            "index from 0 to 3");
  EXPECT_EQ(patched(operation("move", "Patient.name.given.first()",
                              {part("source", "Integer", "0"), part("destination", "Integer", "1")})),
            "error processing Parameters.parameter[0]: operation 0 (move Patient.name.given.first()): the "
            "path finds 1 "
            "of the 3 elements of the list, not all");
}

TEST(FhirPathPatch, ThatCannotBeReadIsRefusedBeforeAnythingIsDone) {
  EXPECT_EQ(patched(operation("merge", "Patient")),
            "error value Parameters.parameter[0]: operation 0: the part \"type\" is add, insert, delete, "
            "replace or move");
  EXPECT_EQ(patched(operation("replace", "Patient.birthDate")),
            "error required Parameters.parameter[0]: operation 0 (replace Patient.birthDate): the part "
            "\"value\" is missing");
  EXPECT_EQ(patched(operation("delete", "Patient.active", {part("pth", "String", "\"x\"")})),
            "error not-supported Parameters.parameter[0]: operation 0: the parts are type, path, name, "
            "value, index, "
            "source and destination");
  EXPECT_TRUE(
      patched(operation("delete", "Patient..active")).starts_with("error invalid Parameters.parameter[0]"));
  EXPECT_TRUE(
      patched(operation("delete", "Patient.wings()")).starts_with("error invalid Parameters.parameter[0]"))
      << "not-found would speak of the resource";
}

}  // namespace
}  // namespace fhir::patch
