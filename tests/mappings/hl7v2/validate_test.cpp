#include "mappings/hl7v2/validate.hpp"

#include "tests/mappings/hl7v2/corpus.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace mappings::hl7v2 {
namespace {

using test::parse_or_throw;

/// "error required EVN-2" for each finding, in order.
std::vector<std::string> findings_in(std::string const& bytes) {
  std::vector<std::string> found;
  for (auto const& [one, at] : validate(parse_or_throw(bytes)))
    found.push_back(std::string(to_code(one.severity)) + " " + std::string(to_code(one.code)) + " " +
                    one.source);
  return found;
}

using Findings = std::vector<std::string>;

std::string admission_2_3(std::string const& rest) {
  return "MSH|^~\\&|A|B|C|D|199903011200||ADT^A01|1|P|2.3\rEVN|A01|199903011200\r" + rest;
}

std::string admission(std::string const& rest, std::string const& version = "2.5.1") {
  return "MSH|^~\\&|A|B|C|D|20250301120000||ADT^A01^ADT_A01|1|P|" + version + "\rEVN||20250301120000\r" +
         rest;
}

std::string const kPatient = "PID|1||4711^^^HOSP^MR||Muster^Anna\r";
std::string const kVisit = "PV1|1|I\r";

TEST(Validate, AMessageByTheDictionaryHasNoFindings) {
  EXPECT_EQ(findings_in(admission(kPatient + kVisit)), Findings{});
  EXPECT_EQ(findings_in(admission(kPatient + kVisit + "ZBE|1^2&3~4\r")), Findings{});
}

TEST(Validate, NamesTheSegmentThatIsMissingAndTheOneThatHasNoPlace) {
  EXPECT_EQ(findings_in(admission(kPatient)), Findings{"error required PV1"});
  EXPECT_EQ(findings_in(admission(kPatient + kVisit + "TXA|1|CN||||||||||D1|||||LA\r")),
            Findings{"error structure TXA"});
  EXPECT_EQ(findings_in(admission(kVisit + kPatient)), (Findings{"error structure PID"}));
  EXPECT_EQ(findings_in(admission(kPatient + kPatient + kVisit)), (Findings{"error structure PID[2]"}));
}

TEST(Validate, NamesTheGroupThatLacksASegment) {
  std::string const order =
      "MSH|^~\\&|A|B|C|D|20250301120000||ORU^R01^ORU_R01|1|P|2.5.1\rOBR|1|||1^Test|||20250301\r";
  EXPECT_EQ(findings_in(order + "OBX|1|NM|2^Sodium||140||||||F\r"), Findings{});
  EXPECT_EQ(findings_in("MSH|^~\\&|A|B|C|D|20250301120000||ORU^R01^ORU_R01|1|P|2.5.1\r"),
            Findings{"error required PID"});
  auto const issues = validate(parse_or_throw(
      "MSH|^~\\&|A|B|C|D|20250301120000||REF^I12^REF_I12|1|P|2.5.1\rPRD|RP|X^Y\rCTD|PR\rCTD|PR\r"));
  ASSERT_EQ(issues.size(), 1U) << fhir::to_line(issues.back().issue);
  EXPECT_EQ(issues[0].issue.diagnostics, "REF_I12 requires the segment PID");
}

/// `{ [OBX] [{NTE}] }` of a GIVE.
TEST(Validate, AGroupOfWhichNothingIsRequiredNeedNotBeThere) {
  EXPECT_EQ(findings_in("MSH|^~\\&|A|B|C|D|20250301120000||RGV^O15^RGV_O15|1|P|2.5.1\rORC|RE\r"
                        "RXG|1||1|1^Drug|1||mg\rTQ1|1\rRXR|PO\r"),
            Findings{});
}

TEST(Validate, NamesTheFieldTheRepetitionAndTheComponent) {
  EXPECT_EQ(findings_in(admission("PID|1||||Muster\r" + kVisit)), Findings{"error required PID-3"});
  EXPECT_EQ(findings_in(admission("PID|1||1^^^H~^^^H||Muster\r" + kVisit)),
            Findings{"error required PID-3(2).1"});
  EXPECT_EQ(findings_in(admission("PID|1||1||Muster||19800101~1981\r" + kVisit)),
            Findings{"error structure PID-7"});
  EXPECT_EQ(findings_in(admission("PID|1||1||Muster||19801301\r" + kVisit)), Findings{"error value PID-7.1"});
  EXPECT_EQ(findings_in(admission("PID|1||1||Muster|||||||||||||||||Maybe\r" + kVisit)),
            Findings{});  // PID-22 is user-defined
  EXPECT_EQ(findings_in(admission("PID|1||1||Muster|||||||||||||||||||Maybe\r" + kVisit)),
            (Findings{"warning too-long PID-24", "error code-invalid PID-24"}));
  EXPECT_EQ(findings_in(admission(kPatient + kVisit + "AL1|1||1^x&y\r")),
            (Findings{"warning structure AL1-3.2"}));
}

TEST(Validate, ADeleteIsNoValueToJudge) {
  EXPECT_EQ(findings_in(admission("PID|1||1||Muster||\"\"||||\"\"\r" + kVisit)), Findings{});
}

TEST(Validate, WhatAVersionLacksIsAWarningSinceReceiversPassOverIt) {
  std::string const newer = "PID|1||1^^^H||Muster" + std::string(35, '|') + "x^PRN^PH\r";
  EXPECT_EQ(findings_in(admission(newer + kVisit)), Findings{"warning structure PID-40"});
  EXPECT_EQ(
      findings_in(admission_2_3("PID|1||1^2^3^4^5^6^7^8^9||Muster\r" + kVisit)),
      (Findings{"warning structure PID-3.7", "warning structure PID-3.8", "warning structure PID-3.9"}));
  EXPECT_EQ(findings_in(admission_2_3("SFT|a|1|b|c\r" + kPatient + kVisit)),
            (Findings{"warning structure SFT"}));
}

TEST(Validate, AnUnknownMessageOrVersionIsSaid) {
  EXPECT_EQ(findings_in("MSH|^~\\&|A|B|C|D|2025||XYZ^X01|1|P|2.5.1\r"),
            Findings{"error not-supported MSH-9"});
  EXPECT_EQ(findings_in("MSH|^~\\&|A|B|C|D|2025||CCR^I16^CCR_I16|1|P|2.5.1\rRF1|||||1\r")[0],
            "error not-supported MSH-9");
  EXPECT_EQ(findings_in(admission(kPatient + kVisit, "3.7"))[0], "error not-supported MSH-12");
}

TEST(Validate, AnObservedValueIsOfTheTypeThatItNames) {
  auto const observed = [](std::string const& type, std::string const& value) {
    return findings_in(admission(kPatient + kVisit + "OBX|1|" + type + "|1^x||" + value + "||||||F\r"));
  };
  EXPECT_EQ(observed("NM", "1.50"), Findings{});
  EXPECT_EQ(observed("NM", "about 1"), Findings{"error value OBX-5"});
  EXPECT_EQ(observed("DT", "20250230"), Findings{"error value OBX-5"});
  EXPECT_EQ(observed("SN", ">^x"), Findings{"error value OBX-5.2"});
  EXPECT_EQ(observed("", "1"), Findings{"warning required OBX-2"});
  EXPECT_EQ(observed("CE", "ZZ^x^HL70203"), Findings{"warning code-invalid OBX-5.1"});
}

TEST(Validate, StopsAtTooManyFindings) {
  std::string many = admission(kPatient + kVisit);
  for (int at = 0; at < 700; ++at) many += "OBX|x|NM|1^x||y||||||F\r";
  EXPECT_EQ(findings_in(many).size(), kFindingsMax + 1);
  EXPECT_EQ(findings_in(many).back(), "error too-costly ");
}

TEST(DataTypes, HaveTheirForms) {
  auto const is = [](std::string_view type, std::string_view text, Version version = Version::v2_5_1) {
    return is_of_type(text, type, version);
  };
  for (auto const* const good : {"2025", "202502", "20250228", "2025022823", "20250228235959.1234-0330"})
    EXPECT_TRUE(is("DTM", good)) << good;
  for (auto const* const bad : {"", "25", "20250229", "2025022824", "20250228235959.12345", "2025022823+25",
                                "20250228.5", "2025-02-28"})
    EXPECT_FALSE(is("DTM", bad)) << bad;
  for (auto const* const good : {"0", "-1", "+1.5", ".5", "1.", "007"}) EXPECT_TRUE(is("NM", good)) << good;
  for (auto const* const bad : {"-", ".", "1e3", "1,5", " 1", "1 mg"}) EXPECT_FALSE(is("NM", bad)) << bad;
  EXPECT_TRUE(is("TM", "2359+0100"));
  EXPECT_FALSE(is("TM", "2360"));
  EXPECT_TRUE(is("DT", "2025"));
  EXPECT_FALSE(is("DT", "2025", Version::v2_2));
  EXPECT_TRUE(is("ST", "anything"));
}

TEST(Tables, AreThoseHl7DefinesAndSayNothingWhereTheyAreOpen) {
  EXPECT_EQ(table_lists(76, "REF"), std::nullopt);
  EXPECT_EQ(table_lists(136, "Y"), std::optional(true));
  EXPECT_EQ(table_lists(136, "y"), std::optional(false));
  EXPECT_EQ(table_lists(211, "8859/1"), std::optional(true));
  EXPECT_EQ(table_lists(9999, "x"), std::nullopt);
}

}  // namespace
}  // namespace mappings::hl7v2
