#include "mappings/language/program.hpp"
#include "mappings/language/translator.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>

namespace mappings::language {
namespace {

struct Fault {
  char const* name;
  char const* text;
  char const* source;  ///< "x.map:line:column row"
  char const* says;    ///< part of the diagnostics
};

std::ostream& operator<<(std::ostream& out, Fault const& fault) { return out << fault.name; }

class CompileErrors : public ::testing::TestWithParam<Fault> {};

TEST_P(CompileErrors, NameFileLineColumnRowAndWhatWouldFixIt) {
  SourceFile const file{"x.map", GetParam().text};
  auto const result = compile({&file, 1});
  EXPECT_FALSE(result.maps.has_value());
  ASSERT_FALSE(result.issues.empty());
  EXPECT_EQ(result.issues[0].source, GetParam().source) << result.issues[0].diagnostics;
  EXPECT_NE(result.issues[0].diagnostics.find(GetParam().says), std::string::npos)
      << result.issues[0].diagnostics;
}

constexpr Fault kFaults[] = {
    {"stray line", "hello\n", "x.map:1:1", "a section is expected"},
    {"segment without arrow", "segment PID Patient\n", "x.map:1:1", "segment PID -> Patient"},
    {"too few columns", "segment PID -> Patient\na.1 | PID-7\n", "x.map:2:1 a.1", "at least three columns"},
    {"too many columns", "segment PID -> Patient\na.1 | PID-7 | a | ST~string | | | = | set | x\n",
     "x.map:2:45 a.1", "at most eight"},
    {"no id", "segment PID -> Patient\n  | PID-7 | birthDate | DTM~date\n", "x.map:2:3", "no id"},
    {"bad place", "segment PID -> Patient\na.1 | PID7 | birthDate | DTM~date\n", "x.map:2:7 a.1", "PID-5"},
    {"field zero", "segment PID -> Patient\na.1 | PID-0 | birthDate | DTM~date\n", "x.map:2:11 a.1",
     "field number"},
    {"bad path", "segment PID -> Patient\na.1 | PID-7 | birth-Date | DTM~date\n", "x.map:2:20 a.1",
     "a path goes on"},
    {"unknown pair", "segment PID -> Patient\na.1 | PID-7 | birthDate | DTM~data\n", "x.map:2:27 a.1",
     "no type pair"},
    {"pair missing", "segment PID -> Patient\na.1 | PID-7 | birthDate | \n", "x.map:2:26 a.1",
     "type pair is missing"},
    {"unknown vocabulary", "segment PID -> Patient\na.1 | PID-8 | gender | IS~code | sex\n", "x.map:2:34 a.1",
     "declare it"},
    {"unknown constant", "segment PID -> Patient\na.1 | PID-3 | identifier{type=$XX} | CX~Identifier\n",
     "x.map:2:31 a.1", "constant XX"},
    {"unclosed discriminator", "segment PID -> Patient\na.1 | PID-3 | identifier{use=usual | CX~Identifier\n",
     "x.map:2:35 a.1", "'}' is missing"},
    {"wildcard without array", "segment PID -> Patient\na.1 | PID-3* | identifier | CX~Identifier\n",
     "x.map:2:16 a.1", "has a '*'"},
    {"one way without reason", "segment PID -> Patient\na.1 | PID-7 | birthDate | DTM~date | | | >\n",
     "x.map:2:15 a.1", "needs its reason"},
    {"bad direction", "segment PID -> Patient\na.1 | PID-7 | birthDate | DTM~date | | | ->\n",
     "x.map:2:42 a.1", "direction"},
    {"bad update", "segment PID -> Patient\na.1 | PID-7 | birthDate | DTM~date | | | = | merge\n",
     "x.map:2:46 a.1", "update mode"},
    {"bad guard", "segment PID -> Patient\na.1 | PID-7 | birthDate | DTM~date | | PID-8 is F\n",
     "x.map:2:46 a.1", "valued"},
    {"drop without reason", "segment PID -> Patient\na.1 | PID-7 | -\n", "x.map:2:15 a.1", "reason"},
    {"id twice",
     "segment PID -> Patient\na.1 | PID-7 | birthDate | DTM~date\na.1 | PID-8 | gender | IS~code\n",
     "x.map:3:1 a.1", "taken"},
    {"not told apart",
     "segment PID -> Patient\na.1 | PID-7 | birthDate | DTM~date\na.2 | PID-8 | birthDate | DTM~date\n",
     "x.map:3:1 a.2", "tells them apart"},
    {"vocabulary not a function", "vocabulary v HL70001 -> http://x\nA <-> a\nA <-> b\n", "x.map:3:1 v",
     "two targets"},
    {"reverse not a function", "vocabulary v HL70001 -> http://x\nA <-> a\nB <-> a\n", "x.map:3:7 v",
     "two v2 codes"},
    {"constant without shape", "constant MR Concept http://x MR\n", "x.map:1:1", "CodeableConcept|Coding"},
    {"structure without events", "structure ADT_A01\n", "x.map:1:11", "no structure ADT_A01 to add to"},
    {"like nothing", "structure ADT_A03 like ADT_A01 : ADT^A03\n", "x.map:1:24", "to be like"},
    {"use of nothing", "structure S : A^B\nrole Patient#p per message\nuse PID -> Patient#p\n", "x.map:3:5",
     "no section 'segment PID"},
    {"unknown role", "structure S : A^B\nlink Patient#p.link -> Patient#q\n", "x.map:2:6",
     "no role Patient#p"},
    {"kept without reason", "segment PID -> Patient\nkept 2 4\n", "x.map:2:1",
     "kept FIELD FROM-TO ... : why"},
    {"kept no field", "segment PID -> Patient\nkept 4-2 : why\n", "x.map:2:6", "field number from 1"},
    {"item without use",
     "segment PID -> Patient\na.1 | PID-7 | . | DTM~date\nstructure S : A^B\nrole Patient#p per message\n"
     "use PID -> Patient#p\n",
     "x.map:2:1 a.1", "names none"},
    {"item that shares no first", "segment PID -> Patient\na.1 | PID-7 | contact[1]*.name.text | ST~string\n",
     "x.map:2:26 a.1", "only the first item can be shared"},
    {"same as nothing", "segment PID -> Patient\na.1 | PID-7 | birthDate | DTM~date | | ; birthDate same\n",
     "x.map:2:52 a.1", "one element is expected after 'same'"},
    {"event without arrow", "events Encounter.status\ne.1 | ADT^A01 | none planned\n", "x.map:2:17 e.1",
     "before before"},
    {"event without caret", "events Encounter.status\ne.1 | A01 | none -> planned\n", "x.map:2:7 e.1",
     "CODE^TRIGGER"},
    {"bad effect", "events Encounter.status\ne.1 | ADT^A01 | none -> planned | | period.end PV1-45\n",
     "x.map:2:37 e.1", "an effect is"},
};

INSTANTIATE_TEST_SUITE_P(Notation, CompileErrors, ::testing::ValuesIn(kFaults));

TEST(Compiler, TheBuiltInMapsCompileAndFitFhirAndTheDictionary) {
  auto const result = compile(builtin_files());
  for (auto const& issue : result.issues) ADD_FAILURE() << fhir::to_line(issue);
  ASSERT_TRUE(result.maps.has_value());
  EXPECT_GE(result.maps->structures().size(), 10U);
  EXPECT_GE(rows(*result.maps).size(), 200U);
  for (auto const& issue : check(*result.maps)) {
    if (issue.severity <= fhir::Severity::error) ADD_FAILURE() << fhir::to_line(issue);
  }
  for (auto const& row : rows(*result.maps)) {
    if (row.row_class == 'O') EXPECT_FALSE(row.reason.empty()) << row.id;
  }
}

/// L7: a code that can be written back comes forward again as the same FHIR code; preferred codes come back
/// as themselves.
TEST(Laws, EveryVocabularyIsAFunctionBothWays) {
  std::size_t codes = 0;
  for (auto const& vocabulary : builtin().program().vocabularies) {
    for (auto const& entry : vocabulary.entries) {
      if (!entry.forward) continue;
      types::Target const* const target = vocabulary.find(entry.v2);
      ASSERT_NE(target, nullptr);
      std::string_view const back = vocabulary.find_reverse(target->system, target->code);
      if (entry.reverse) EXPECT_EQ(back, entry.v2) << vocabulary.name;
      if (back.empty()) continue;
      types::Target const* const again = vocabulary.find(back);
      ASSERT_NE(again, nullptr) << vocabulary.name << " " << back;
      EXPECT_EQ(again->code, target->code) << vocabulary.name << " " << entry.v2;
      ++codes;
    }
  }
  EXPECT_GE(codes, 100U);
}

/// L11: an event table row, told by its own event, leads where it says; the row's own change chooses one of
/// its events.
TEST(Laws, EveryEventRowIsReachedByItsOwnChange) {
  std::size_t reached = 0;
  fhir::json::Arena arena;
  auto const with_status = [&](EventTable const& table, std::string_view status) {
    auto made = fhir::json::Element::of_object();
    made.set(arena, "resourceType", fhir::json::Element::of_string(table.type));
    made.set(arena, table.path.steps[0].name, fhir::json::Element::of_string(status));
    return made;
  };
  for (EventTable const& table : builtin().program().events) {
    if (table.path.steps.size() != 1) continue;
    for (EventRow const& row : table.rows) {
      if (row.events.empty() || !row.when.empty() || row.leaves_status()) continue;
      std::string const from = row.before[0] == "any" ? std::string("none") : row.before[0];
      if (from == row.after) continue;
      auto const before = with_status(table, from);
      auto const after = with_status(table, row.after);
      auto const choice = choose_event(builtin(), from == "none" ? nullptr : &before, after, {});
      ASSERT_TRUE(choice.has_value()) << row.id;
      ++reached;
    }
  }
  EXPECT_GE(reached, 10U);
}

TEST(Compiler, TheHashTellsTextsApart) {
  SourceFile const one{"x.map", "system LN http://loinc.org\n"};
  SourceFile const other{"x.map", "system LN http://loinc.org \n"};
  EXPECT_EQ(compile({&one, 1}).maps->hash(), compile({&one, 1}).maps->hash());
  EXPECT_NE(compile({&one, 1}).maps->hash(), compile({&other, 1}).maps->hash());
}

TEST(Compiler, AnOverlayReplacesDisablesAndAddsRows) {
  std::vector<SourceFile> files(builtin_files().begin(), builtin_files().end());
  files.push_back({"partner.map",
                   "overlay partner\n"
                   "disable pid.16\n"
                   "segment PID -> Patient\n"
                   "pid.7 | PID-29 | birthDate | DTM~date\n"
                   "pid.z | PID-33 | - | | | | > | not ours\n"});
  auto const result = compile(files);
  for (auto const& issue : result.issues) ADD_FAILURE() << fhir::to_line(issue);
  ASSERT_TRUE(result.maps.has_value());
  auto const all = rows(*result.maps);
  EXPECT_EQ(std::ranges::find(all, "pid.16", &RowReport::id), all.end());
  auto const replaced = std::ranges::find(all, "pid.7", &RowReport::id);
  ASSERT_NE(replaced, all.end());
  EXPECT_EQ(replaced->v2, "PID-29");
  EXPECT_NE(std::ranges::find(all, "pid.z", &RowReport::id), all.end());
}

}  // namespace
}  // namespace mappings::language
