/// What check() finds in tables that compile: each finding names file, line, row and what would fix it.
#include "corpus.hpp"
#include "fhir/json/reader.hpp"
#include "fhir/json/writer.hpp"
#include "mappings/language/program.hpp"
#include "mappings/language/translator.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>

namespace mappings::language {
namespace {

struct Finding {
  char const* name;
  char const* text;
  char const* source;
  char const* says;
};

std::ostream& operator<<(std::ostream& out, Finding const& one) { return out << one.name; }

class Findings : public ::testing::TestWithParam<Finding> {};

TEST_P(Findings, AreErrorsThatNameTheRow) {
  SourceFile const file{"x.map", GetParam().text};
  auto const result = compile({&file, 1});
  for (auto const& issue : result.issues) ADD_FAILURE() << fhir::to_line(issue);
  ASSERT_TRUE(result.maps.has_value());
  auto const issues = check(*result.maps);
  auto const found = std::ranges::find_if(issues, [](fhir::Issue const& issue) {
    return issue.severity == fhir::Severity::error && issue.source == GetParam().source &&
           issue.diagnostics.find(GetParam().says) != std::string::npos;
  });
  if (found != issues.end()) return;
  for (auto const& issue : issues) {
    if (issue.severity == fhir::Severity::error) ADD_FAILURE() << fhir::to_line(issue);
  }
  ADD_FAILURE() << "no error at " << GetParam().source << " says " << GetParam().says;
}

#define STRUCTURE                                                                           \
  "structure ADT_A01 : ADT^A01\nrole Patient#p per message\nrole Encounter#v per message\n" \
  "default Encounter#v.status = unknown\n"

constexpr Finding kFindings[] = {
    {"UnknownElement",
     "segment PID -> Patient\na.1 | PID-7 | born | DTM~date\n" STRUCTURE "use PID -> Patient#p\n",
     "x.map:2:1 a.1", "Patient has no element 'born'"},
    {"ArrayWithoutMark",
     "segment PID -> Patient\na.1 | PID-5 | name | XPN~HumanName\n" STRUCTURE "use PID -> Patient#p\n",
     "x.map:2:1 a.1", "is an array"},
    {"ArrayWithoutMarkInADiscriminator",
     "segment PID -> Patient\na.1 | PID-3 | identifier{type.coding.code=MR}.value | ST~string\n" STRUCTURE
     "use PID -> Patient#p\n",
     "x.map:2:1 a.1", "CodeableConcept.coding is an array: write *, [0]"},
    {"ArrayWithoutMarkBesideAPrimitive",
     "segment PID -> Patient\na.1 | PID-6 | name[0]._given.id | ST~string\n" STRUCTURE
     "use PID -> Patient#p\n",
     "x.map:2:1 a.1", "HumanName.given is an array, and so is what stands beside it"},
    {"ArrayWithoutMarkInAnEffect",
     "events Encounter.status\ne.1 | ADT^A01 | none -> planned | | location.period.end = EVN-2\n" STRUCTURE,
     "x.map:2:1 e.1", "Encounter.location is an array"},
    {"ArrayWithoutMarkOfAUse",
     "segment PID -> HumanName\na.1 | PID-6 | family | ST~string\n" STRUCTURE "use PID -> Patient#p.name\n",
     "x.map:7:1 PID", "Patient.name is an array"},
    {"MarkWithoutArray",
     "segment PID -> Patient\na.1 | PID-7 | birthDate* | DTM~date\n" STRUCTURE "use PID -> Patient#p\n",
     "x.map:2:1 a.1", "is no array"},
    {"WrongType",
     "segment PID -> Patient\na.1 | PID-7 | birthDate | XPN~HumanName\n" STRUCTURE "use PID -> Patient#p\n",
     "x.map:2:1 a.1", "the element is a date"},
    {"PairDoesNotReadField",
     "segment PID -> Patient\na.1 | PID-5* | identifier* | CX~Identifier\n" STRUCTURE
     "use PID -> Patient#p\n",
     "x.map:2:1 a.1", "does not read"},
    {"FieldOfNoVersion",
     "segment PID -> Patient\na.1 | PID-99 | birthDate | DTM~date\n" STRUCTURE "use PID -> Patient#p\n",
     "x.map:2:1 a.1", "no version of HL7 v2 has a field PID-99"},
    {"SegmentOfNoVersion",
     "segment QQQ -> Patient\na.1 | QQQ-1 | birthDate | DTM~date\n" STRUCTURE "use QQQ -> Patient#p\n",
     "x.map:2:1 a.1", "no version of HL7 v2 has a segment QQQ"},
    {"ComponentOfNoType",
     "segment PID -> Patient\na.1 | PID-8.99 | gender | IS~code | v\n"
     "vocabulary v HL70001 -> http://hl7.org/fhir/administrative-gender\nF <-> female\n" STRUCTURE
     "use PID -> Patient#p\n",
     "x.map:2:1 a.1", "has a part PID-8.99"},
    {"GuardOfNoVersion",
     "segment PID -> Patient\na.1 | PID-7 | birthDate | DTM~date | | PID-88 valued\n" STRUCTURE
     "use PID -> Patient#p\n",
     "x.map:2:1 a.1", "PID-88"},
    {"FhirGuardOfNoElement",
     "segment PID -> Patient\na.1 | PID-7 | birthDate | DTM~date | | ; born valued\n" STRUCTURE
     "use PID -> Patient#p\n",
     "x.map:2:1 a.1", "no element 'born'"},
    {"CodeOutsideARequiredBinding",
     "vocabulary v HL70001 -> http://hl7.org/fhir/administrative-gender\nF <-> woman\n"
     "segment PID -> Patient\na.1 | PID-8 | gender | IS~code | v\n" STRUCTURE "use PID -> Patient#p\n",
     "x.map:4:1 a.1", "'woman', which is not in"},
    {"AnyCodeIntoARequiredBinding",
     "segment PID -> Patient\na.1 | PID-8 | gender | IS~code\n" STRUCTURE "use PID -> Patient#p\n",
     "x.map:2:1 a.1", "name a vocabulary"},
    {"LiteralOutsideARequiredBinding",
     "segment PID -> Patient\na.1 | 'woman' | gender | | | | >\n" STRUCTURE "use PID -> Patient#p\n",
     "x.map:2:1 a.1", "'woman' is not in"},
    {"DiscriminatorOfNoElement",
     "segment PID -> Patient\na.1 | PID-3* | identifier{kind=x}* | CX~Identifier\n" STRUCTURE
     "use PID -> Patient#p\n",
     "x.map:2:1 a.1", "no element 'kind'"},
    {"ConstantOfAnotherType",
     "constant MR Coding http://terminology.hl7.org/CodeSystem/v2-0203 MR\n"
     "segment PID -> Patient\na.1 | PID-3* | identifier{type=$MR}* | CX~Identifier\n" STRUCTURE
     "use PID -> Patient#p\n",
     "x.map:3:1 a.1", "constant MR is a Coding"},
    {"UnusedRows", "segment PID -> Patient\na.1 | PID-7 | birthDate | DTM~date\n" STRUCTURE, "x.map:1:1 PID",
     "no structure uses these rows"},
    {"UnreachableRows",
     "segment TXA -> Encounter\na.1 | TXA-4 | period.start | DTM~dateTime\n" STRUCTURE
     "use TXA -> Encounter#v\n",
     "x.map:1:1 TXA", "has a segment TXA where they are used"},
    {"GroupOfNoGrammar",
     "segment PR1 -> Encounter\na.1 | PR1-5 | period.start | DTM~dateTime\n" STRUCTURE
     "use PR1 at NOWHERE -> Encounter#v\n",
     "x.map:7:1 PR1", "no group NOWHERE"},
    {"RequiredElementWithoutSource",
     "segment PID -> Patient\na.1 | PID-7 | birthDate | DTM~date\n" STRUCTURE "use PID -> Patient#p\n",
     "x.map:5:1 v", "Encounter.class is required"},
    {"RequiredPartWithoutSource",
     "segment PV1 -> Encounter\na.1 | PV1-3 | location{status=active}.physicalType | "
     "CWE~CodeableConcept\n" STRUCTURE "use PV1 -> Encounter#v\n",
     "x.map:2:1 v", "Encounter.location.location is required"},
    {"LinkToAnotherType", STRUCTURE "link Encounter#v.serviceProvider -> Patient#p\n", "x.map:5:1 v",
     "may not refer to a Patient"},
    {"LinkFromNoReference", STRUCTURE "link Encounter#v.period -> Patient#p\n", "x.map:5:1 v",
     "is no Reference, so it refers to no Patient"},
    {"KeyOfNoIdentifier", STRUCTURE "key Patient#p name\n", "x.map:5:1 p", "is no Identifier"},
    {"AnAbsentObject", STRUCTURE "default Patient#p.maritalStatus = absent\n", "x.map:5:1 p",
     "only a primitive element says why it is absent"},
    {"DefaultOutsideABinding", STRUCTURE "default Patient#p.gender = woman\n", "x.map:5:1 p",
     "'woman' is not in"},
    {"UseOfAnotherType",
     "segment PID -> Patient\na.1 | PID-7 | birthDate | DTM~date\n" STRUCTURE "use PID -> Encounter#v\n",
     "x.map:7:1 PID", "write to a Patient, this use names a Encounter"},
    {"StatusOfNoKind", "events Encounter.status\ne.1 | ADT^A01 | none -> admitted\n" STRUCTURE,
     "x.map:2:1 e.1", "no status of Encounter"},
    {"KeptFieldOfNoVersion",
     "segment PID -> Patient\nkept 99 : why\na.1 | PID-7 | birthDate | DTM~date\n" STRUCTURE
     "use PID -> Patient#p\n",
     "x.map:2:1", "nothing to keep"},
};

INSTANTIATE_TEST_SUITE_P(Check, Findings, ::testing::ValuesIn(kFindings),
                         [](auto const& test) { return std::string(test.param.name); });

TEST(Kept, AFieldWithoutARowIsListedWithItsReasonOrWithoutOne) {
  SourceFile const file{"x.map",
                        "kept DRG : grouping for payment\n"
                        "segment PID -> Patient\nkept 2 4-6 : moved elsewhere\n"
                        "a.1 | PID-7 | birthDate | DTM~date\n" STRUCTURE "use PID -> Patient#p\n"};
  auto const result = compile({&file, 1});
  for (auto const& issue : result.issues) ADD_FAILURE() << fhir::to_line(issue);
  ASSERT_TRUE(result.maps.has_value());
  auto const issues = check(*result.maps);
  auto const says = [&](std::string_view text) {
    return std::ranges::any_of(
        issues, [&](fhir::Issue const& issue) { return issue.diagnostics.find(text) != std::string::npos; });
  };
  EXPECT_TRUE(says("kept in the complement: PID 2 4 5 6: moved elsewhere"));
  EXPECT_TRUE(says("neither a row nor a reason: PID 3 8 9"));
  EXPECT_TRUE(says("kept in the complement: DRG 1 2"));
  auto const message =
      testing::parse("MSH|^~\\&|A|B|C|D|20250301||ADT^A01|1|P|2.5\rPID|1|OLD|4711||||19800101\r");
  PartnerProfile const partner;
  auto const draft = forward(*result.maps, *message, partner).value();
  auto const all = account(*message, draft);
  auto const reason = [&](std::uint16_t field) {
    auto const found =
        std::ranges::find_if(all.kept, [&](Loss const& one) { return one.address.field == field; });
    return found == all.kept.end() ? std::string_view("mapped") : found->reason;
  };
  EXPECT_EQ(reason(2), "moved elsewhere");
  EXPECT_EQ(reason(3), "no row");
  EXPECT_EQ(reason(7), "mapped");
}

TEST(Kept, WhatARowCouldNotReadIsNotListedAsWithoutARow) {
  SourceFile const file{
      "x.map",
      "vocabulary sex HL70001 -> http://hl7.org/fhir/administrative-gender\n  F <-> female\n"
      "segment PID -> Patient\na.1 | PID-7 | birthDate | DTM~date\n"
      "a.2 | PID-8 | gender | IS~code | sex\n" STRUCTURE "use PID -> Patient#p\n"};
  auto const result = compile({&file, 1});
  for (auto const& issue : result.issues) ADD_FAILURE() << fhir::to_line(issue);
  ASSERT_TRUE(result.maps.has_value());
  auto const message =
      testing::parse("MSH|^~\\&|A|B|C|D|20250301||ADT^A01|1|P|2.5\rPID|1||4711||||19801341|Q\r");
  PartnerProfile const partner;
  auto const draft = forward(*result.maps, *message, partner).value();
  auto const all = account(*message, draft);
  std::map<int, std::string_view> reasons;
  for (Loss const& one : all.kept) reasons[one.address.field] = one.reason;
  EXPECT_EQ(reasons[3], "no row");
  EXPECT_EQ(reasons[7], "value not readable");
  EXPECT_EQ(reasons[8], "no table has this code");
}

TEST(Lists, RowsThatShareOneAppendToIt) {
  SourceFile const file{
      "x.map",
      "segment PID -> Patient\na.1 | PID-3* | identifier* | CX~Identifier\n"
      "a.2 | PID-18 | identifier* | CX~Identifier | | | > \"PID-3 is written back\"\n" STRUCTURE
      "use PID -> Patient#p\nkey Patient#p identifier\n"};
  auto const result = compile({&file, 1});
  for (auto const& issue : result.issues) ADD_FAILURE() << fhir::to_line(issue);
  ASSERT_TRUE(result.maps.has_value());
  auto const message =
      testing::parse("MSH|^~\\&|A|B|C|D|20250301||ADT^A01|1|P|2.5\rPID|1||4711~99|||||||||||||||ACC\r");
  PartnerProfile const partner;
  auto const draft = forward(*result.maps, *message, partner).value();
  fhir::json::Arena arena;
  fhir::json::Element current = fhir::json::Element::of_object();
  current.set(arena, "resourceType", fhir::json::Element::of_string("Patient"));
  auto const merged = apply(draft, 0, &current, arena);
  ASSERT_NE(merged.find("identifier"), nullptr);
  EXPECT_EQ(fhir::json::write(*merged.find("identifier")),
            R"([{"value":"4711"},{"value":"99"},{"value":"ACC"}])");
}

TEST(Precedence, AFieldThatSaysSomethingElseLosesInSight) {
  SourceFile const file{
      "x.map", "segment PID -> Patient\na.1 | PID-3 else PID-2 | identifier[0] | CX~Identifier\n" STRUCTURE
               "use PID -> Patient#p\n"};
  auto const result = compile({&file, 1});
  ASSERT_TRUE(result.maps.has_value());
  PartnerProfile const partner;
  auto const warnings = [&](std::string const& pid) {
    auto const message = testing::parse("MSH|^~\\&|A|B|C|D|20250301||ADT^A01|1|P|2.5\r" + pid + "\r");
    std::string all;
    for (auto const& issue : forward(*result.maps, *message, partner).value().warnings) {
      if (issue.code == fhir::IssueType::conflict) all += issue.source + ": " + issue.diagnostics;
    }
    return all;
  };
  EXPECT_EQ(warnings("PID|1|4711|4711"), "");
  EXPECT_EQ(warnings("PID|1|4711^^^B|4711^^^A"), "") << "the same, with another authority beside it";
  EXPECT_EQ(warnings("PID|1||4711"), "");
  EXPECT_EQ(warnings("PID|1|OLD|4711"),
            "PID-2: row a.1: PID-2 says something else than PID-3, which is taken");
}

TEST(UnknownStructure, CountsSegmentsInOrderAndSaysSo) {
  SourceFile const file{
      "x.map",
      "segment PID -> Patient\na.1 | PID-7 | birthDate | DTM~date\n"
      "structure OWN_X01 : OWN^X01\nrole Patient#p per message\nuse PID at NOWHERE -> Patient#p\n"};
  auto const result = compile({&file, 1});
  ASSERT_TRUE(result.maps.has_value());
  auto const message =
      testing::parse("MSH|^~\\&|A|B|C|D|20250301||OWN^X01|1|P|2.5\rPID|1||4711||||19800101\r");
  PartnerProfile const partner;
  auto const draft = forward(*result.maps, *message, partner).value();
  ASSERT_EQ(draft.resources.size(), 1U);
  EXPECT_TRUE(std::ranges::any_of(draft.warnings, [](fhir::Issue const& issue) {
    return issue.source == "MSH-9" && issue.diagnostics.find("in the order") != std::string::npos;
  }));
}

TEST(Discriminators, ToldByWhatAnItemRefersToOrByAnotherCondition) {
  SourceFile const file{
      "x.map",
      "constant PPRF CodeableConcept http://terminology.hl7.org/CodeSystem/v3-ParticipationType PPRF\n"
      "constant LOC CodeableConcept http://terminology.hl7.org/CodeSystem/v3-ParticipationType LOC\n"
      "segment AIP -> Appointment.participant\na.1 | AIP-3 | actor | XCN~Practitioner\n"
      "a.2 | 'accepted' | status | | | | >\n"
      "segment AIL -> Appointment.participant\na.3 | AIL-3 | actor | PL~Location\n"
      "a.4 | 'accepted' | status | | | | >\n"
      "segment SCH -> Appointment\na.5 | SCH-2 | identifier[0] | EI~Identifier\n"
      "structure SIU_S12 : SIU^S12\nrole Appointment#a per message\nuse SCH -> Appointment#a\n"
      "use AIP -> Appointment#a.participant{type[0]=$PPRF or actor->Practitioner}*\n"
      "use AIL -> Appointment#a.participant{type[0]=$LOC or actor->Location}*\nanchor Appointment#a\n"};
  auto const result = compile({&file, 1});
  for (auto const& issue : result.issues) ADD_FAILURE() << fhir::to_line(issue);
  ASSERT_TRUE(result.maps.has_value());
  fhir::json::Arena arena;
  auto const bundle = fhir::json::read(R"({"resourceType":"Bundle","entry":[
      {"fullUrl":"urn:uuid:1","resource":{"resourceType":"Appointment","identifier":[{"value":"F1"}],"participant":[
        {"actor":{"reference":"urn:uuid:2"},"status":"accepted"},
        {"actor":{"reference":"Location/3"},"status":"accepted"}]}},
      {"fullUrl":"urn:uuid:2","resource":{"resourceType":"Practitioner","name":[{"family":"Haus"}]}},
      {"resource":{"resourceType":"Location","id":"3","name":"Room 3"}}]})",
                                       arena);
  ASSERT_TRUE(bundle);
  auto request = from_bundle(*result.maps, "SIU_S12", *bundle);
  ASSERT_TRUE(request);
  request->control_id = "1";
  request->timestamp = "20250301";
  PartnerProfile const partner;
  auto const written = reverse(*result.maps, *request, partner);
  ASSERT_TRUE(written) << fhir::to_line(written.error());
  std::string const bytes = written->image.bytes();
  EXPECT_NE(bytes.find("AIP|1||^Haus\r"), std::string::npos) << bytes;
  EXPECT_NE(bytes.find("AIL|1||Room 3\r"), std::string::npos) << bytes;
}

TEST(SeveralAnchors, EachOrderOfABundleGetsItsOwnGroup) {
  auto const message = testing::parse(
      "MSH|^~\\&|A|B|C|D|20250301||OMG^O19^OMG_O19|1|P|2.5.1\rPID|1||4711^^^H^MR||M^A\r"
      "ORC|NW|R1\rOBR|1|R1||A^first^L\rORC|NW|R2\rOBR|2|R2||B^second^L\r");
  PartnerProfile partner;
  partner.name = "site";
  auto draft = forward(builtin(), *message, partner).value();
  auto const bundle = to_bundle(draft);
  auto request = from_bundle(builtin(), "OMG_O19", bundle);
  ASSERT_TRUE(request);
  request->control_id = "1";
  request->timestamp = "20250301";
  request->facts = {{"order.control", "NW"}};
  auto const written = reverse(builtin(), *request, partner);
  ASSERT_TRUE(written) << fhir::to_line(written.error());
  auto const again = testing::parse(written->image.bytes());
  ASSERT_TRUE(again);
  auto const read = forward(builtin(), *again, partner).value();
  ASSERT_NE(read.find("ref", 2), nullptr) << written->image.bytes();
  EXPECT_EQ(read.find("ref", 1)->content.text_of("code", "coding", 0, "code"), "A");
  EXPECT_EQ(read.find("ref", 2)->content.text_of("code", "coding", 0, "code"), "B");
  EXPECT_EQ(read.find("ref", 2)->content.text_of("identifier", 0, "value"), "R2");
}

TEST(WholeItem, ARowMayWriteTheItemThatItsUseNames) {
  SourceFile const file{
      "x.map",
      "segment AIS -> CodeableConcept, Appointment\na.1 | AIS-3 | . | CWE~CodeableConcept\n"
      "a.2 | AIS-4 | Appointment.start | DTM~instant\n"
      "segment SCH -> Appointment\na.3 | SCH-2 | identifier[0] | EI~Identifier\n"
      "structure SIU_S12 : SIU^S12\nrole Appointment#a per message\nuse SCH -> Appointment#a\n"
      "use AIS -> Appointment#a.serviceType*, Appointment#a\nanchor Appointment#a\n"};
  auto const result = compile({&file, 1});
  for (auto const& issue : result.issues) ADD_FAILURE() << fhir::to_line(issue);
  ASSERT_TRUE(result.maps.has_value());
  std::string const text =
      "MSH|^~\\&|A|B|C|D|20250301||SIU^S12|1|P|2.5\rSCH||F1\rRGS|1\rAIS|1||A^first^L|20250310090000+0000\r"
      "AIS|2||B^second^L|20250310090000+0000\r";
  auto const message = testing::parse(text);
  PartnerProfile partner;
  partner.name = "site";
  auto draft = forward(*result.maps, *message, partner).value();
  auto const* const appointment = draft.find("a");
  ASSERT_NE(appointment, nullptr);
  EXPECT_EQ(appointment->content.text_of("serviceType", 0, "coding", 0, "code"), "A");
  EXPECT_EQ(appointment->content.text_of("serviceType", 1, "coding", 0, "code"), "B");
  EXPECT_EQ(account(*message, draft).kept.size(), 3U) << "RGS-1 and the set ids";
  auto const bundle = to_bundle(draft);
  auto request = from_bundle(*result.maps, "SIU_S12", bundle);
  ASSERT_TRUE(request);
  request->control_id = "1";
  request->timestamp = "20250301";
  auto const written = reverse(*result.maps, *request, partner);
  ASSERT_TRUE(written) << fhir::to_line(written.error());
  std::string const bytes = written->image.bytes();
  EXPECT_NE(bytes.find("AIS|1||A^first^L|20250310090000+0000\r"), std::string::npos) << bytes;
  EXPECT_NE(bytes.find("AIS|2||B^second^L|20250310090000+0000\r"), std::string::npos) << bytes;
}

}  // namespace
}  // namespace mappings::language
