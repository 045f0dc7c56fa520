/// Coverage is computed, not declared: every published row has one standing, reasons cannot rot, and a row of
/// ours that goes is missed.
#include "mappings/coverage/coverage.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>

namespace mappings::coverage {
namespace {

namespace fs = std::filesystem;

struct PublishedFile {
  std::string name, text;
};

/// The published sheets; empty when the reference data is not there.
std::vector<Sheet> const& published() {
  static std::vector<Sheet> const all = [] {
    std::vector<PublishedFile> files;
    fs::path const root = fs::path(HANDOFF_SHARED_DIR) / "reference" / "v2-to-fhir";
    if (!fs::exists(root)) return std::vector<Sheet>{};
    for (auto const& entry : fs::recursive_directory_iterator(root)) {
      if (entry.path().extension() != ".csv") continue;
      std::ifstream in(entry.path(), std::ios::binary);
      files.push_back({fs::relative(entry.path(), root).generic_string(),
                       std::string(std::istreambuf_iterator<char>(in), {})});
    }
    std::vector<OfficialFile> views;
    for (PublishedFile const& file : files) views.push_back({file.name, file.text});
    auto sheets = read_official(views);
    EXPECT_TRUE(sheets) << (sheets ? "" : fhir::to_line(sheets.error()));
    return sheets ? std::move(*sheets) : std::vector<Sheet>{};
  }();
  return all;
}

Reasons reasons() {
  auto parsed = parse_reasons(builtin_reasons());
  EXPECT_TRUE(parsed) << (parsed ? "" : fhir::to_line(parsed.error()));
  return parsed ? std::move(*parsed) : Reasons{};
}

/// Our own tables beside the published ones, compared once.
Report const& builtin_report() {
  static Report const report = compare(language::builtin(), published(), reasons());
  return report;
}

language::Maps maps_with(std::string_view overlay) {
  std::vector<language::SourceFile> files(language::builtin_files().begin(), language::builtin_files().end());
  files.push_back({"test.map", overlay});
  auto compiled = language::compile(files);
  EXPECT_TRUE(compiled.maps.has_value())
      << (compiled.issues.empty() ? "" : fhir::to_line(compiled.issues[0]));
  return *compiled.maps;
}

Verdict const& verdict_of(Report const& report, std::string_view sheet, std::string_view v2,
                          std::string_view target) {
  for (SheetReport const& one : report.sheets) {
    if (one.sheet->name != sheet) continue;
    for (std::size_t at = 0; at < one.verdicts.size(); ++at) {
      if (one.sheet->rows[at].v2 == v2 && one.sheet->rows[at].target == target) return one.verdicts[at];
    }
  }
  static Verdict const none;
  ADD_FAILURE() << sheet << " has no row " << v2 << " " << target;
  return none;
}

TEST(Coverage, GivesEveryPublishedRowOneStanding) {
  if (published().empty()) GTEST_SKIP() << "the reference data is not at " << HANDOFF_SHARED_DIR;
  // Covered only ever rises, missing stays 0: a row that our tables do not have needs a reason.
  struct Expected {
    SheetKind kind;
    std::size_t sheets, rows, covered_at_least;
  };
  constexpr Expected kExpected[] = {{SheetKind::message, 13, 735, 143},
                                    {SheetKind::segment, 75, 2547, 468},
                                    {SheetKind::data_type, 105, 1090, 271},
                                    {SheetKind::vocabulary, 97, 4134, 1776}};
  Report const& report = builtin_report();
  for (Expected const& expected : kExpected) {
    std::size_t sheets = 0, rows = 0;
    for (SheetReport const& one : report.sheets) {
      if (one.sheet->kind != expected.kind) continue;
      ++sheets;
      rows += one.verdicts.size();
      ASSERT_EQ(one.verdicts.size(), one.sheet->rows.size()) << one.sheet->name;
    }
    std::string const kind(to_text(expected.kind));
    EXPECT_EQ(sheets, expected.sheets) << kind;
    EXPECT_EQ(rows, expected.rows) << kind;
    EXPECT_EQ(report.count(expected.kind, Standing::missing), 0U) << kind;
    EXPECT_GE(report.count(expected.kind, Standing::covered), expected.covered_at_least) << kind;
    std::string figures = kind + ":";
    for (std::size_t at = 0; at < kStandings; ++at)
      figures += " " + std::to_string(report.count(expected.kind, static_cast<Standing>(at)));
    RecordProperty(kind, figures);
  }
}

TEST(Coverage, HasNoReasonThatHasRotted) {
  if (published().empty()) GTEST_SKIP() << "the reference data is not at " << HANDOFF_SHARED_DIR;
  for (fhir::Issue const& issue : builtin_report().stale) ADD_FAILURE() << fhir::to_line(issue);
}

TEST(Coverage, MissesARowOfOursThatIsTakenOut) {
  if (published().empty()) GTEST_SKIP() << "the reference data is not at " << HANDOFF_SHARED_DIR;
  Report const& with = builtin_report();
  auto const maps = maps_with("overlay test\ndisable pid.8\n");
  Report const without = compare(maps, published(), reasons());
  EXPECT_EQ(verdict_of(with, "PID[Patient]", "PID-8", "gender").standing, Standing::covered);
  EXPECT_EQ(verdict_of(with, "PID[Patient]", "PID-8", "gender").why, "pid.8");
  EXPECT_EQ(verdict_of(without, "PID[Patient]", "PID-8", "gender").standing, Standing::missing);
  EXPECT_EQ(without.count(SheetKind::segment, Standing::missing),
            with.count(SheetKind::segment, Standing::missing) + 1);
}

TEST(Coverage, SeesWhatRowsReadOfADataTypeByItsComponents) {
  if (published().empty()) GTEST_SKIP() << "the reference data is not at " << HANDOFF_SHARED_DIR;
  Report const& with = builtin_report();
  EXPECT_EQ(verdict_of(with, "TQ[ServiceRequest]", "TQ.1", "quantityQuantity").why, "orc.7q");
  auto const maps = maps_with("overlay test\ndisable orc.7q\n");
  Report const without = compare(maps, published(), reasons());
  EXPECT_EQ(verdict_of(without, "TQ[ServiceRequest]", "TQ.1", "quantityQuantity").standing,
            Standing::missing);
}

TEST(Coverage, SeesTheStatusThatAnEventLeadsTo) {
  if (published().empty()) GTEST_SKIP() << "the reference data is not at " << HANDOFF_SHARED_DIR;
  constexpr std::string_view kFinished = "http://hl7.org/fhir/encounter-status|finished";
  Report const& with = builtin_report();
  EXPECT_EQ(verdict_of(with, "Event[EncounterStatus]", "A03", kFinished).why, "enc.end");
  auto const maps = maps_with("overlay test\ndisable enc.end\n");
  Report const without = compare(maps, published(), reasons());
  EXPECT_EQ(verdict_of(without, "Event[EncounterStatus]", "A03", kFinished).standing, Standing::missing);
}

TEST(Coverage, RunsATypePairToSeeWhatBecomesOfACode) {
  if (published().empty()) GTEST_SKIP() << "the reference data is not at " << HANDOFF_SHARED_DIR;
  Report const& report = builtin_report();
  EXPECT_EQ(verdict_of(report, "NameType", "L", "http://hl7.org/fhir/name-use|official").why,
            "XPN~HumanName");
  EXPECT_EQ(verdict_of(report, "PractitionerIDNumberType", "DEA",
                       "http://terminology.hl7.org/CodeSystem/v2-0338|DEA")
                .why,
            "PLN~Identifier");
  EXPECT_EQ(verdict_of(report, "TelecommunicationEquipmentType", "SAT",
                       "http://hl7.org/fhir/contact-point-system|other")
                .standing,
            Standing::deviating);
}

TEST(Coverage, KnowsEveryErratumOfThePublishedSheets) {
  if (published().empty()) GTEST_SKIP() << "the reference data is not at " << HANDOFF_SHARED_DIR;
  std::size_t paths = 0, conditions = 0;
  for (Sheet const& sheet : published()) {
    for (OfficialRow const& row : sheet.rows) {
      bool const condition = row.erratum.starts_with("condition");
      conditions += condition ? 1 : 0;
      paths += !row.erratum.empty() && row.erratum != "condition" ? 1 : 0;
    }
  }
  EXPECT_EQ(paths, 94U);
  EXPECT_EQ(conditions, 281U);
}

TEST(Coverage, CountsARowForAnotherFieldOrElementAsNothing) {
  if (published().empty()) GTEST_SKIP() << "the reference data is not at " << HANDOFF_SHARED_DIR;
  auto const maps = maps_with(
      "overlay test\nsegment PID -> Patient\npid.16 | PID-15 | maritalStatus | CWE~CodeableConcept | "
      "v2-0002\n");
  Report const report = compare(maps, published(), reasons());
  EXPECT_EQ(verdict_of(report, "PID[Patient]", "PID-16", "maritalStatus").standing, Standing::missing);
}

TEST(Coverage, TakesADiscriminatorForTheConstantsThatItWrites) {
  if (published().empty()) GTEST_SKIP() << "the reference data is not at " << HANDOFF_SHARED_DIR;
  Report const& report = builtin_report();
  EXPECT_EQ(verdict_of(report, "PV1[Encounter]", "PV1-7", "participant[1].type.coding.code = \"ATND\"").why,
            "pv1.7");
}

TEST(Coverage, RunsATypePairToSeeWhichComponentReachesWhat) {
  if (published().empty()) GTEST_SKIP() << "the reference data is not at " << HANDOFF_SHARED_DIR;
  Report const& report = builtin_report();
  EXPECT_EQ(verdict_of(report, "XPN[HumanName]", "XPN.5", "[1].prefix").standing, Standing::covered);
  EXPECT_EQ(verdict_of(report, "CX[Identifier]", "CX.1", "value").standing, Standing::covered);
}

TEST(Coverage, SpeaksUpWhenAReasonMatchesNothingOrOnlyCoveredRows) {
  Sheet sheet;
  sheet.kind = SheetKind::segment;
  sheet.name = "PID[Patient]";
  sheet.source = "PID";
  sheet.target = "Patient";
  OfficialRow row;
  row.v2 = "PID-8";
  row.target = "gender";
  row.hops = hops_of("gender");
  sheet.rows.push_back(row);
  row.v2 = "PID-31";
  row.target = "noSuchElement";
  row.hops = hops_of("noSuchElement");
  sheet.rows.push_back(row);
  auto const written = parse_reasons(
      "deviates | segment PID[Patient] | PID-8 | gender | covered since\n"
      "out | segment PID[Patient] | PID-31 | * | R4 has no place\n"
      "out | segment PID[Patient] | PID-99 | * | no such row\n"
      "via | datatype XYZ[HumanName] | XPN~HumanName | 0\n");
  ASSERT_TRUE(written);
  std::vector<Sheet> const sheets{sheet};
  Report const report = compare(language::builtin(), sheets, *written);
  ASSERT_EQ(report.stale.size(), 3U);
  EXPECT_EQ(report.stale[0].source, "official.reasons:1");
  EXPECT_EQ(report.stale[1].source, "official.reasons:3");
  EXPECT_EQ(report.stale[2].source, "official.reasons:4");
  EXPECT_EQ(report.sheets[0].verdicts[0].standing, Standing::covered);
  EXPECT_EQ(report.sheets[0].verdicts[1].standing, Standing::out_of_scope);
}

TEST(Coverage, RefusesAReasonWithoutTextAndAPairThatDoesNotExist) {
  for (char const* const text : {"deviates | segment PID[Patient] | PID-8 | gender\n",
                                 "deviates | segment PID[Patient] | PID-8 | gender |\n", "why not\n",
                                 "via | datatype XPN[HumanName] | XPN~HumanNam | 0\n",
                                 "via | datatype XPN[HumanName] | XPN~HumanName | first\n"}) {
    auto const parsed = parse_reasons(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().source, "official.reasons:1");
  }
}

TEST(OfficialPaths, AreTakenApartAsTheyArePublished) {
  struct Case {
    char const* published;
    std::vector<std::pair<std::string, std::string>> hops;
  };
  std::vector<Case> const cases{
      {"location[1].location(Location)", {{"", "location.location"}, {"Location", ""}}},
      {"requester(PractitionerRole.organization(Organization.address))",
       {{"", "requester"}, {"PractitionerRole", "organization"}, {"Organization", "address"}}},
      {"diagnosis.condition(Condition.asserter(Practitioner)",
       {{"", "diagnosis.condition"}, {"Condition", "asserter"}, {"Practitioner", ""}}},
      {"policyHolder([1]Organization.identifier)", {{"", "policyHolder"}, {"Organization", "identifier"}}},
      {"note(Annotation.text)", {{"", "note.text"}}},
      {"recorder.reference(Practitioner.name)", {{"", "recorder"}, {"Practitioner", "name"}}},
      {"$this", {{"", ""}}},
      {"[1].given[2]", {{"", "given"}}}};
  for (Case const& one : cases) {
    std::vector<std::pair<std::string, std::string>> got;
    for (Hop const& hop : hops_of(one.published)) got.emplace_back(hop.type, hop.path);
    EXPECT_EQ(got, one.hops) << one.published;
  }
}

TEST(OfficialSheets, AreRefusedWhenThereAreNone) {
  EXPECT_FALSE(read_official({}));
  OfficialFile const empty{"segments/HL7 Segment - FHIR R4_ PID[Patient] - PID.csv", "one row\n"};
  EXPECT_FALSE(read_official({&empty, 1}));
}

}  // namespace
}  // namespace mappings::coverage
