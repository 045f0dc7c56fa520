#include "mappings/hl7v2/dictionary.hpp"

#include "tests/mappings/hl7v2/corpus.hpp"

#include <gmock/gmock.h>

#include <array>

namespace mappings::hl7v2::test {
namespace {

constexpr std::array kAll{Version::v2_1, Version::v2_2,   Version::v2_3,   Version::v2_3_1,
                          Version::v2_4, Version::v2_5,   Version::v2_5_1, Version::v2_6,
                          Version::v2_7, Version::v2_7_1, Version::v2_8};

TEST(Dictionary, KnowsItsVersionsByTheirText) {
  for (auto const version : kAll) EXPECT_EQ(to_version(to_text(version)), version);
  EXPECT_EQ(to_version("2.8.1"), Version::v2_8);
  EXPECT_EQ(to_version("2.8.2"), Version::v2_8);
  EXPECT_EQ(to_version("2.9"), Version::v2_8);
  EXPECT_EQ(to_version("1.0"), std::nullopt);
  EXPECT_EQ(to_version(""), std::nullopt);
}

TEST(Dictionary, KnowsFieldsOfSegmentsPerVersion) {
  auto const* const pid3 = find_field(Version::v2_5_1, "PID", 3);
  ASSERT_NE(pid3, nullptr);
  EXPECT_EQ(pid3->data_type, "CX");
  EXPECT_EQ(pid3->name, "Patient Identifier List");
  EXPECT_EQ(pid3->optionality, 'R');
  EXPECT_TRUE(pid3->repeats);
  EXPECT_EQ(find_field(Version::v2_3, "PID", 8)->table, 1);
  EXPECT_EQ(find_field(Version::v2_5_1, "PID", 7)->data_type, "TS");
  EXPECT_EQ(find_field(Version::v2_8, "PID", 7)->data_type, "DTM");
  EXPECT_EQ(find_field(Version::v2_5_1, "PID", 40), nullptr);
  EXPECT_EQ(find_field(Version::v2_5_1, "PID", 0), nullptr);
  EXPECT_EQ(find_field(Version::v2_5_1, "ZPD", 1), nullptr);
  EXPECT_EQ(field_count(Version::v2_5_1, "PID"), 39U);
  EXPECT_EQ(field_count(Version::v2_5_1, "ZPD"), 0U);
}

TEST(Dictionary, KnowsComponentsOfDataTypes) {
  EXPECT_EQ(find_component(Version::v2_5_1, "CX", 4)->data_type, "HD");
  EXPECT_EQ(component_count(Version::v2_5_1, "CX"), 10U);
  EXPECT_EQ(component_count(Version::v2_5_1, "ST"), 0U);
  EXPECT_LT(component_count(Version::v2_3, "CX"), component_count(Version::v2_5_1, "CX"));
}

TEST(Dictionary, FindsAStructureInItsVersionOrTheNearest) {
  EXPECT_TRUE(find_structure(Version::v2_5_1, "REF_I12").exact);
  auto const early = find_structure(Version::v2_1, "REF_I12");
  ASSERT_NE(early.root, nullptr);
  EXPECT_FALSE(early.exact);
  EXPECT_EQ(find_structure(Version::v2_5, "NO_SUCH").root, nullptr);
  for (auto const version : kAll) {
    EXPECT_TRUE(find_structure(version, "OSU_O51").exact) << to_text(version);
    EXPECT_TRUE(find_structure(version, "PGL_PC6").exact) << to_text(version);
  }
}

TEST(Dictionary, AnEventsOwnStructureServesForItsFamily) {
  auto const merge = find_structure(Version::v2_7, "ADT_A39");
  ASSERT_NE(merge.root, nullptr);
  EXPECT_TRUE(merge.exact);
  EXPECT_EQ(merge.root->name, "ADT_A40");
  for (auto const version : kAll)
    EXPECT_NE(find_structure(version, "ADT_A39").root, nullptr) << to_text(version);
}

// The source keeps one entry for a segment that stands twice; both places must be there again, in groups of
// our own, so that a table can tell which patient, or whether patient or visit, they speak of.
TEST(Dictionary, ASegmentThatStandsTwiceHasBothItsPlaces) {
  auto const names = [](std::string_view structure) {
    std::string text;
    for (auto const& node : find_structure(Version::v2_5_1, structure).root->children)
      text += std::string(node.name) + " ";
    return text;
  };
  EXPECT_EQ(names("ADT_A24"), "MSH SFT EVN PATIENT ");
  EXPECT_EQ(names("ADT_A17"), "MSH SFT EVN PATIENT ");
  EXPECT_THAT(names("ADT_A01"), ::testing::StartsWith("MSH SFT EVN PID PD1 ROL NK1 VISIT DB1 "));
}

struct EventCase {
  char const* code;
  char const* event;
  char const* structure;
};

TEST(Dictionary, KnowsTheStructureOfEachEvent) {
  for (auto const& [code, event, structure] : {
           EventCase{"ADT", "A01", "ADT_A01"}, {"ADT", "A02", "ADT_A02"}, {"ADT", "A03", "ADT_A03"},
           {"ADT", "A04", "ADT_A01"},          {"ADT", "A05", "ADT_A05"}, {"ADT", "A06", "ADT_A06"},
           {"ADT", "A07", "ADT_A06"},          {"ADT", "A08", "ADT_A01"}, {"ADT", "A09", "ADT_A09"},
           {"ADT", "A10", "ADT_A09"},          {"ADT", "A11", "ADT_A09"}, {"ADT", "A12", "ADT_A12"},
           {"ADT", "A13", "ADT_A01"},          {"ADT", "A14", "ADT_A05"}, {"ADT", "A15", "ADT_A15"},
           {"ADT", "A16", "ADT_A16"},          {"ADT", "A17", "ADT_A17"}, {"ADT", "A18", "ADT_A18"},
           {"ADT", "A20", "ADT_A20"},          {"ADT", "A21", "ADT_A21"}, {"ADT", "A22", "ADT_A21"},
           {"ADT", "A23", "ADT_A21"},          {"ADT", "A24", "ADT_A24"}, {"ADT", "A25", "ADT_A21"},
           {"ADT", "A26", "ADT_A21"},          {"ADT", "A27", "ADT_A21"}, {"ADT", "A28", "ADT_A05"},
           {"ADT", "A29", "ADT_A21"},          {"ADT", "A30", "ADT_A30"}, {"ADT", "A31", "ADT_A05"},
           {"ADT", "A32", "ADT_A21"},          {"ADT", "A33", "ADT_A21"}, {"ADT", "A34", "ADT_A30"},
           {"ADT", "A35", "ADT_A30"},          {"ADT", "A36", "ADT_A30"}, {"ADT", "A37", "ADT_A37"},
           {"ADT", "A38", "ADT_A38"},          {"ADT", "A39", "ADT_A39"}, {"ADT", "A40", "ADT_A39"},
           {"ADT", "A41", "ADT_A39"},          {"ADT", "A42", "ADT_A39"}, {"ADT", "A43", "ADT_A43"},
           {"ADT", "A44", "ADT_A43"},          {"ADT", "A45", "ADT_A45"}, {"ADT", "A46", "ADT_A30"},
           {"ADT", "A49", "ADT_A30"},          {"ADT", "A50", "ADT_A50"}, {"ADT", "A51", "ADT_A50"},
           {"ADT", "A52", "ADT_A52"},          {"ADT", "A53", "ADT_A52"}, {"ADT", "A54", "ADT_A54"},
           {"ADT", "A55", "ADT_A54"},          {"ADT", "A60", "ADT_A60"}, {"ADT", "A61", "ADT_A61"},
           {"ADT", "A62", "ADT_A61"},          {"SIU", "S12", "SIU_S12"}, {"SIU", "S26", "SIU_S12"},
           {"MDM", "T11", "MDM_T01"},          {"MDM", "T10", "MDM_T02"}, {"ORU", "R01", "ORU_R01"},
           {"ORU", "R32", "ORU_R30"},          {"ORM", "O01", "ORM_O01"}, {"OMG", "O19", "OMG_O19"},
           {"OML", "O21", "OML_O21"},          {"OSU", "O51", "OSU_O51"}, {"REF", "I14", "REF_I12"},
           {"RRI", "I13", "RRI_I12"},          {"RDE", "O11", "RDE_O11"}, {"RDE", "O01", "RDE_O01"},
           {"RDS", "O13", "RDS_O13"},          {"RAS", "O17", "RAS_O17"}, {"VXU", "V04", "VXU_V04"},
           {"BAR", "P05", "BAR_P05"},          {"DFT", "P03", "DFT_P03"}, {"PPR", "PC3", "PPR_PC1"},
           {"PGL", "PC8", "PGL_PC6"},          {"PPP", "PCD", "PPP_PCB"}, {"QBP", "Q22", "QBP_Q21"},
           {"RSP", "K21", "RSP_K21"},          {"ACK", "I12", "ACK"},     {"OMP", "O09", "OMP_O09"},
           {"CCM", "I21", "CCM_I21"},          {"ORU", "", "ORU_R01"},    {"XYZ", "Q99", ""},
       }) {
    EXPECT_EQ(structure_of_event(code, event), structure) << code << "^" << event;
    if (*structure != '\0') EXPECT_NE(find_structure(Version::v2_5_1, structure).root, nullptr) << structure;
  }
}

TEST(Dictionary, ReadsTheStructureOfAMessageFromItsHeader) {
  auto const of = [](std::string_view type, std::string_view rest = "") {
    return structure_of(
        parse_or_throw("MSH|^~\\&|A||||||" + std::string(type) + "|1|P|2.5\r" + std::string(rest)));
  };
  EXPECT_EQ(of("ADT^A04^ADT_A01"), "ADT_A01");
  EXPECT_EQ(of("ADT^A04^ADT_A04"), "ADT_A01");
  EXPECT_EQ(of("ADT^A04"), "ADT_A01");
  EXPECT_EQ(of("ADT^A40^NONSENSE"), "ADT_A39");
  EXPECT_EQ(of("ADT", "EVN|A04|2024\r"), "ADT_A01");
  EXPECT_EQ(of("ZZZ^Z01"), "");
}

/// "PID:PATIENT OBX:OBSERVATION[2]" : each segment with the path of its group.
std::string grouped(std::string_view type, std::string_view segments, fhir::Issues* kept = nullptr,
                    Version version = Version::v2_5_1) {
  std::string bytes = "MSH|^~\\&|A||||||" + std::string(type) + "|1|P|2.5.1\r";
  for (char const c : segments) bytes += c == ' ' ? '\r' : c;
  auto const message = parse_or_throw(bytes);
  fhir::Issues warnings;
  auto const grouping =
      group_segments(message, find_structure(version, structure_of(message)).root, warnings);
  EXPECT_EQ(grouping.group_of_segment.size(), message.segment_count());
  if (kept != nullptr) *kept = warnings;
  std::string text;
  for (std::size_t at = 1; at < message.segment_count(); ++at) {
    std::string path;
    for (auto group = grouping.group_of_segment[at]; group != 0; group = grouping.groups[group].parent) {
      auto const& one = grouping.groups[group];
      path = "/" + std::string(one.name) + (one.ordinal > 1 ? "[" + std::to_string(one.ordinal) + "]" : "") +
             path;
    }
    text += (text.empty() ? "" : " ") + std::string(message.segment_id(at)) + path;
  }
  return text;
}

TEST(Grouping, RepeatedGroupsStartAtTheirFirstSegment) {
  fhir::Issues warnings;
  EXPECT_EQ(
      grouped("ORU^R01", "PID NTE PV1 ORC OBR NTE OBX NTE OBX NTE ORC OBR OBX", &warnings),
      "PID/PATIENT_RESULT/PATIENT NTE/PATIENT_RESULT/PATIENT PV1/PATIENT_RESULT/PATIENT/VISIT "
      "ORC/PATIENT_RESULT/ORDER_OBSERVATION OBR/PATIENT_RESULT/ORDER_OBSERVATION "
      "NTE/PATIENT_RESULT/ORDER_OBSERVATION OBX/PATIENT_RESULT/ORDER_OBSERVATION/OBSERVATION "
      "NTE/PATIENT_RESULT/ORDER_OBSERVATION/OBSERVATION OBX/PATIENT_RESULT/ORDER_OBSERVATION/OBSERVATION[2] "
      "NTE/PATIENT_RESULT/ORDER_OBSERVATION/OBSERVATION[2] ORC/PATIENT_RESULT/ORDER_OBSERVATION[2] "
      "OBR/PATIENT_RESULT/ORDER_OBSERVATION[2] OBX/PATIENT_RESULT/ORDER_OBSERVATION[2]/OBSERVATION");
  EXPECT_TRUE(warnings.empty());
}

TEST(Grouping, AGroupWhoseFirstSegmentIsLeftOutStartsAtTheNextThatCannotRepeat) {
  fhir::Issues warnings;
  EXPECT_EQ(grouped("ORU^R01", "OBR OBX OBR OBX", &warnings),
            "OBR/PATIENT_RESULT/ORDER_OBSERVATION OBX/PATIENT_RESULT/ORDER_OBSERVATION/OBSERVATION "
            "OBR/PATIENT_RESULT/ORDER_OBSERVATION[2] OBX/PATIENT_RESULT/ORDER_OBSERVATION[2]/OBSERVATION");
  EXPECT_TRUE(warnings.empty());
  EXPECT_EQ(grouped("OML^O21", "PID ORC OBR OBX OBR OBX ORC OBR"),
            "PID/PATIENT ORC/ORDER OBR/ORDER/OBSERVATION_REQUEST OBX/ORDER/OBSERVATION_REQUEST/OBSERVATION "
            "OBR/ORDER[2]/OBSERVATION_REQUEST OBX/ORDER[2]/OBSERVATION_REQUEST/OBSERVATION "
            "ORC/ORDER[3] OBR/ORDER[3]/OBSERVATION_REQUEST");
}

TEST(Grouping, EachOrderKeepsItsOwnNotesObservationsAndTimes) {
  // The source lost in 2.6 that these groups repeat, and spells TIMING with two I before.
  std::string_view const expected =
      "PID/PATIENT IN1/PATIENT/INSURANCE IN1/PATIENT/INSURANCE[2] ORC/ORDER TQ1/ORDER/TIMING "
      "TQ1/ORDER/TIMING[2] "
      "OBR/ORDER/OBSERVATION_REQUEST NTE/ORDER/OBSERVATION_REQUEST OBX/ORDER/OBSERVATION_REQUEST/OBSERVATION "
      "NTE/ORDER/OBSERVATION_REQUEST/OBSERVATION OBX/ORDER/OBSERVATION_REQUEST/OBSERVATION[2] "
      "SPM/ORDER/OBSERVATION_REQUEST/SPECIMEN SPM/ORDER/OBSERVATION_REQUEST/SPECIMEN[2] ORC/ORDER[2] "
      "OBR/ORDER[2]/OBSERVATION_REQUEST NTE/ORDER[2]/OBSERVATION_REQUEST";
  for (auto const version : {Version::v2_5, Version::v2_5_1, Version::v2_6, Version::v2_7, Version::v2_8})
    EXPECT_EQ(grouped("OML^O21", "PID IN1 IN1 ORC TQ1 TQ1 OBR NTE OBX NTE OBX SPM SPM ORC OBR NTE", nullptr,
                      version),
              expected)
        << to_text(version);
}

TEST(Grouping, AReferralWithoutItsProvidersIsStillGrouped) {
  fhir::Issues warnings;
  EXPECT_EQ(grouped("REF^I12", "RF1 PID NTE DG1 OBR OBX NTE OBX PV1 NTE", &warnings),
            "RF1 PID NTE DG1 OBR/OBSERVATION OBX/OBSERVATION/RESULTS_NOTES NTE/OBSERVATION/RESULTS_NOTES "
            "OBX/OBSERVATION/RESULTS_NOTES[2] PV1/PATIENT_VISIT NTE");
  EXPECT_EQ(grouped("REF^I12", "RF1 PRD CTD PRD CTD CTD PID"),
            "RF1 PRD/PROVIDER_CONTACT CTD/PROVIDER_CONTACT PRD/PROVIDER_CONTACT[2] CTD/PROVIDER_CONTACT[2] "
            "CTD/PROVIDER_CONTACT[2] PID");
}

TEST(Grouping, AnObservationBehindASpecimenOfAnOrderIsItsResultUnlessTheSpecimenGoesOn) {
  fhir::Issues warnings;
  EXPECT_EQ(grouped("OUL^R24", "PID OBR ORC SPM OBX NTE OBX OBR SPM OBX", &warnings),
            "PID/PATIENT OBR/ORDER ORC/ORDER SPM/ORDER/SPECIMEN OBX/ORDER/RESULT NTE/ORDER/RESULT "
            "OBX/ORDER/RESULT[2] OBR/ORDER[2] SPM/ORDER[2]/SPECIMEN OBX/ORDER[2]/RESULT");
  EXPECT_EQ(grouped("OUL^R24", "OBR SPM OBX OBX SAC SPM OBX SPM ZSP OBX", &warnings),
            "OBR/ORDER SPM/ORDER/SPECIMEN OBX/ORDER/SPECIMEN OBX/ORDER/SPECIMEN SAC/ORDER/SPECIMEN/CONTAINER "
            "SPM/ORDER/SPECIMEN[2] OBX/ORDER/SPECIMEN[2] SPM/ORDER/SPECIMEN[3] ZSP/ORDER/SPECIMEN[3] "
            "OBX/ORDER/RESULT");
  EXPECT_EQ(grouped("OUL^R24", "OBR SPM OBX SAC OBX NTE", &warnings, Version::v2_8),
            "OBR/ORDER SPM/ORDER/SPECIMEN OBX/ORDER/SPECIMEN/SPECIMEN_OBSERVATION "
            "SAC/ORDER/SPECIMEN/CONTAINER OBX/ORDER/RESULT NTE/ORDER/RESULT");
  EXPECT_EQ(grouped("OUL^R24", "OBR SPM OBX PRT OBX PRT", nullptr, Version::v2_8),
            "OBR/ORDER SPM/ORDER/SPECIMEN OBX/ORDER/RESULT PRT/ORDER/RESULT OBX/ORDER/RESULT[2] "
            "PRT/ORDER/RESULT[2]");
  EXPECT_TRUE(warnings.empty());
  EXPECT_EQ(grouped("OUL^R22", "SPM OBX SAC OBR OBX SPM OBX OBR"),
            "SPM/SPECIMEN OBX/SPECIMEN SAC/SPECIMEN/CONTAINER OBR/SPECIMEN/ORDER OBX/SPECIMEN/ORDER/RESULT "
            "SPM/SPECIMEN[2] OBX/SPECIMEN[2] OBR/SPECIMEN[2]/ORDER");
}

TEST(Grouping, ReadsTheOtherReferralDialect) {
  EXPECT_EQ(grouped("OSU^O51^OSU_O51", "NTE PID NTE ORC ORC"), "NTE PID/PATIENT NTE/PATIENT ORC ORC");
  EXPECT_EQ(grouped("SIU^S12", "SCH PID PV1 RGS AIS NTE AIP RGS AIL"),
            "SCH PID/PATIENT PV1/PATIENT RGS/RESOURCES AIS/RESOURCES/SERVICE NTE/RESOURCES/SERVICE "
            "AIP/RESOURCES/PERSONNEL_RESOURCE RGS/RESOURCES[2] AIL/RESOURCES[2]/LOCATION_RESOURCE");
}

TEST(Grouping, ARequiredFirstSegmentMayBeMissing) {
  EXPECT_EQ(grouped("SIU^S12", "SCH PID AIS AIP"),
            "SCH PID/PATIENT AIS/RESOURCES/SERVICE AIP/RESOURCES/PERSONNEL_RESOURCE");
}

TEST(Grouping, TwoPatientsOfALinkStandEachInAGroup) {
  fhir::Issues warnings;
  EXPECT_EQ(grouped("ADT^A24", "EVN PID PV1 PID PV1", &warnings),
            "EVN PID/PATIENT PV1/PATIENT PID/PATIENT[2] PV1/PATIENT[2]");
  EXPECT_EQ(grouped("ADT^A01", "EVN PID ROL NK1 PV1 PV2 ROL OBX"),
            "EVN PID ROL NK1 PV1/VISIT PV2/VISIT ROL/VISIT OBX");
  EXPECT_TRUE(warnings.empty());
  EXPECT_EQ(grouped("ADT^A40", "EVN PID MRG PID MRG"),
            "EVN PID/PATIENT MRG/PATIENT PID/PATIENT[2] MRG/PATIENT[2]");
}

TEST(Grouping, SegmentsOfOurOwnStayWithTheGroupBeforeThemInSilence) {
  fhir::Issues warnings;
  EXPECT_EQ(
      grouped("ORU^R01", "PID ZPD OBR OBX ZBX", &warnings),
      "PID/PATIENT_RESULT/PATIENT ZPD/PATIENT_RESULT/PATIENT OBR/PATIENT_RESULT/ORDER_OBSERVATION "
      "OBX/PATIENT_RESULT/ORDER_OBSERVATION/OBSERVATION ZBX/PATIENT_RESULT/ORDER_OBSERVATION/OBSERVATION");
  EXPECT_TRUE(warnings.empty());
}

TEST(Grouping, WhatIsOutOfOrderGoesWhereItBelongsWithAWarning) {
  fhir::Issues warnings;
  EXPECT_EQ(grouped("ORU^R01", "PID PV1 NTE PV2 OBR", &warnings),
            "PID/PATIENT_RESULT/PATIENT PV1/PATIENT_RESULT/PATIENT/VISIT NTE/PATIENT_RESULT/PATIENT "
            "PV2/PATIENT_RESULT/PATIENT/VISIT OBR/PATIENT_RESULT/ORDER_OBSERVATION");
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_EQ(warnings[0].source, "NTE");
  EXPECT_EQ(grouped("REF^I12", "RF1 PID PV1 PV1 OBR", &warnings),
            "RF1 PID PV1/PATIENT_VISIT PV1/PATIENT_VISIT[2] OBR/OBSERVATION");
  EXPECT_EQ(warnings.size(), 2U);
}

TEST(Grouping, WhatTheStructureDoesNotHaveStaysWithTheOneBefore) {
  fhir::Issues warnings;
  EXPECT_EQ(grouped("ORU^R01", "PID RF1 OBR", &warnings),
            "PID/PATIENT_RESULT/PATIENT RF1/PATIENT_RESULT/PATIENT OBR/PATIENT_RESULT/ORDER_OBSERVATION");
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_EQ(warnings[0].source, "RF1");
}

TEST(Grouping, WithoutAStructureEverythingHangsOnTheRoot) {
  fhir::Issues warnings;
  auto const message = parse_or_throw("MSH|^~\\&|A||||||ZZZ^Z01|1|P|2.5\rPID\rPV1\r");
  auto const grouping = group_segments(message, nullptr, warnings);
  EXPECT_TRUE(grouping.by_order);
  EXPECT_EQ(grouping.group_of_segment, (std::vector<std::uint32_t>{0, 0, 0}));
}

TEST(Grouping, EveryCorpusMessageKeepsEverySegmentInAGroupThatHasAPathToTheRoot) {
  if (shared_directory().empty()) GTEST_SKIP() << "the shared corpora are absent";
  std::size_t seen = 0, grouped_by_order = 0, warned = 0;
  for (auto const& [name, bytes] : corpus_messages()) {
    fhir::Issues warnings;
    auto const message = Message::parse(bytes, {}, warnings);
    if (!message) continue;
    ++seen;
    auto const version = to_version(message->version()).value_or(Version::v2_5_1);
    fhir::Issues group_warnings;
    auto const grouping =
        group_segments(*message, find_structure(version, structure_of(*message)).root, group_warnings);
    grouped_by_order += static_cast<std::size_t>(grouping.by_order);
    warned += static_cast<std::size_t>(!group_warnings.empty());
    ASSERT_EQ(grouping.group_of_segment.size(), message->segment_count()) << name;
    for (auto const group : grouping.group_of_segment) {
      ASSERT_LT(group, grouping.groups.size()) << name;
      if (group != 0) ASSERT_LT(grouping.groups[group].parent, group) << name;
    }
  }
  EXPECT_EQ(seen, 388U);
  EXPECT_EQ(grouped_by_order, 2U);  // One without MSH-9, one RQI^A04.
  EXPECT_EQ(warned, 52U);  // PRT in 2.5.1, RF1 in ADT, TQ1 in an ORM, lower case ids and the like; looked at.
}

TEST(Grouping, TakesTimeInProportionToTheSegments) {
  std::string bytes = "MSH|^~\\&|A||||||ORU^R01|1|P|2.5.1\rPID|1\r";
  for (int at = 0; at < 20'000; ++at) bytes += "OBR|1\rOBX|1\rNTE|1\rPV2\rXXX\r";
  ParseOptions options;
  options.segments_max = 200'000;
  auto const message = parse_or_throw(bytes, options);
  fhir::Issues warnings;
  auto const grouping = group_segments(message, find_structure(Version::v2_5_1, "ORU_R01").root, warnings);
  EXPECT_EQ(grouping.group_of_segment.size(), 100'002U);
  EXPECT_LE(warnings.size(), 21U);
}

}  // namespace
}  // namespace mappings::hl7v2::test
