/// Type pairs alone: each reads what it wrote, and keeps its hands off what it cannot read.
#include "fhir/json/reader.hpp"
#include "fhir/json/writer.hpp"
#include "mappings/hl7v2/escape.hpp"
#include "mappings/hl7v2/image.hpp"
#include "mappings/types/pair.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <random>
#include <string>

namespace mappings::types {
namespace {

hl7v2::Message message_with(std::string_view field) {
  fhir::Issues warnings;
  auto message = hl7v2::Message::parse(
      "MSH|^~\\&|A|B|C|D|20250101||ADT^A01|1|P|2.5\rZZZ|" + std::string(field) + "\r", {}, warnings);
  EXPECT_TRUE(message);
  return std::move(*message);
}

struct Bench {
  language::PartnerProfile partner;
  CodeSystems systems{{{"LN", "http://loinc.org"}}};
  Vocabulary sex{"sex",
                 "http://terminology.hl7.org/CodeSystem/v2-0001",
                 "http://hl7.org/fhir/administrative-gender",
                 {{"F", {"http://hl7.org/fhir/administrative-gender", "female", ""}, true, true},
                  {"A", {"http://hl7.org/fhir/administrative-gender", "other", ""}, true, false},
                  {"O", {"http://hl7.org/fhir/administrative-gender", "other", ""}, true, true}},
                 {}};
  Arena arena;

  Bench() {
    partner.name = "site";
    partner.utc_offset = "+01:00";
  }

  /// "" when the pair reads nothing.
  std::string read(std::string_view pair, std::string_view field, Vocabulary const* vocabulary = nullptr) {
    auto const message = message_with(field);
    Context const context{&arena, &message, &partner, &systems};
    In in(context, message.raw({1, 1, 1, 0, 0}), {1, 1, 1, 0, 0});
    in.vocabulary = vocabulary;
    Element out;
    if (!find_pair(pair)->forward(in, out)) return {};
    return fhir::json::write(out);
  }

  /// The field a pair writes for this JSON.
  std::string write(std::string_view pair, std::string_view json, Vocabulary const* vocabulary = nullptr) {
    auto const value = fhir::json::read(json, arena);
    EXPECT_TRUE(value) << json;
    Context const context{&arena, nullptr, &partner, &systems};
    Out out(context);
    out.vocabulary = vocabulary;
    if (!find_pair(pair)->reverse(*value, out)) return {};
    hl7v2::Image image{hl7v2::Delimiters{}};
    image.insert_segment(0, "ZZZ");
    for (Leaf const& leaf : out.leaves) image.set_text({0, 1, 1, leaf.part, leaf.sub}, leaf.text);
    return std::string(image.raw({0, 1, 1, 0, 0}));
  }
};

struct Case {
  char const* pair;
  char const* v2;
  char const* json;
};

std::ostream& operator<<(std::ostream& out, Case const& one) { return out << one.pair << " " << one.v2; }

class BothWays : public ::testing::TestWithParam<Case> {};

TEST_P(BothWays, ReadsWhatItWritesAndWritesWhatItReads) {
  Bench bench;
  EXPECT_EQ(bench.read(GetParam().pair, GetParam().v2), GetParam().json);
  EXPECT_EQ(bench.write(GetParam().pair, GetParam().json), GetParam().v2);
}

constexpr Case
    kBothWays[] =
        {
            {"ST~string", "a\\T\\b", R"("a&b")"},
            {"ID~boolean", "Y", "true"},
            {"ID~boolean", "N", "false"},
            {"NM~decimal", "1.10", "1.10"},
            {"NM~decimal", "-0.5", "-0.5"},
            {"DTM~dateTime", "1980", R"("1980")"},
            {"DTM~dateTime", "198002", R"("1980-02")"},
            {"DTM~dateTime", "20240229101112+0100", R"("2024-02-29T10:11:12+01:00")"},
            {"DTM~dateTime", "20240229101112.5-0330", R"("2024-02-29T10:11:12.5-03:30")"},
            {"DT~date", "19800229", R"("1980-02-29")"},
            {"TM~time", "101112", R"("10:11:12")"},
            {"DR~Period", "20240101^20240131", R"({"start":"2024-01-01","end":"2024-01-31"})"},
            {"CX~Identifier", "4711^^^HOSP^MR",
             R"({"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"MR"}]},"system":"urn:site:site:HOSP","value":"4711"})"},
            {"CX~Identifier", "1^^^&1.2.3&ISO", R"({"system":"urn:oid:1.2.3","value":"1"})"},
            {"EI~Identifier", "R-1^PCP^1.2.3^ISO",
             R"({"system":"urn:oid:1.2.3","assigner":{"display":"PCP"},"value":"R-1"})"},
            {"EI~Identifier", "R-1^A B", R"({"system":"urn:site:site:A%20B","value":"R-1"})"},
            {"HD~uri", "^2.16.840.1.113883.4.6^ISO", R"("http://hl7.org/fhir/sid/us-npi")"},
            {"XPN~HumanName", "Muster^Anna^B^Jr^Dr^MD^L",
             R"({"use":"official","family":"Muster","given":["Anna","B"],"prefix":["Dr"],"suffix":["Jr","MD"]})"},
            {"XAD~Address", "Weg 1^2. Stock^Bern^BE^3000^CH^H^^Mitte",
             R"({"use":"home","line":["Weg 1","2. Stock"],"city":"Bern","district":"Mitte","state":"BE","postalCode":"3000","country":"CH"})"},
            {"XTN~ContactPoint", "+41 31 1^PRN^PH", R"({"system":"phone","value":"+41 31 1","use":"home"})"},
            {"XTN~ContactPoint", "^NET^Internet^a@b.ch", R"({"system":"email","value":"a@b.ch"})"},
            {"CWE~CodeableConcept", "718-7^Hemoglobin^LN",
             R"({"coding":[{"system":"http://loinc.org","code":"718-7","display":"Hemoglobin"}]})"},
            {"CWE~CodeableConcept", "x^X^99A^718-7^Hb^LN^^^my text",
             R"({"coding":[{"system":"urn:site:site:code:99A","code":"x","display":"X"},{"system":"http://loinc.org","code":"718-7","display":"Hb"}],"text":"my text"})"},
            {"CE~CodeableConcept", "^free text", R"({"text":"free text"})"},
            {"CQ~Quantity", "5^mg&milligram&UCUM",
             R"({"value":5,"unit":"milligram","system":"http://unitsofmeasure.org","code":"mg"})"},
            {"SN~value", "^1^-^2", R"({"valueRange":{"low":{"value":1},"high":{"value":2}}})"},
            {"SN~value", ">^100", R"({"valueQuantity":{"value":100,"comparator":">"}})"},
            {"SN~value", "^1^:^128",
             R"({"valueRatio":{"numerator":{"value":1},"denominator":{"value":128}}})"},
            {"ED~Attachment", "^AP^PDF^Base64^QUJD", R"({"contentType":"application/pdf","data":"QUJD"})"},
            {"RP~Attachment", "https://x.example/1^^IM^PNG",
             R"({"contentType":"image/png","url":"https://x.example/1"})"},
            {"XCN~Practitioner", "7^Haus^Greg^^^Dr",
             R"({"identifier":[{"value":"7"}],"name":[{"family":"Haus","given":["Greg"],"prefix":["Dr"]}]})"},
            {"XCN~Practitioner", "7^Haus^Greg^^^^^^^L^^^^^^^^G^20200101^20211231",
             R"({"identifier":[{"value":"7"}],"name":[{"family":"Haus","given":["Greg"],"use":"official","extension":[{"url":"http://hl7.org/fhir/StructureDefinition/humanname-assembly-order","valueCode":"G"}],"period":{"start":"2020-01-01","end":"2021-12-31"}}]})"},
            {"XAD~Address", "1 Hill Road^^Millbrook^NY^^^^^Dutchess",
             R"({"line":["1 Hill Road"],"city":"Millbrook","district":"Dutchess","state":"NY"})"},
            {"PLN~Identifier", "123^NPI", R"({"system":"http://hl7.org/fhir/sid/us-npi","value":"123"})"},
            {"PLN~Identifier", "AB1^DEA",
             R"({"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0338","code":"DEA"}]},"system":"urn:site:site:DEA","value":"AB1"})"},
            {"PLN~Identifier", "77^LN",
             R"({"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"LN"}]},"system":"urn:site:site:LN","value":"77"})"},
            {"CWE~CodeableConcept", "a^A^LN^b^B^99B^2.77^v1^said^c^C^99C^v2",
             R"({"coding":[{"system":"http://loinc.org","code":"a","display":"A","version":"2.77"},{"system":"urn:site:site:code:99B","code":"b","display":"B","version":"v1"},{"system":"urn:site:site:code:99C","code":"c","display":"C","version":"v2"}],"text":"said"})"},
            {"XPN~HumanName", "de Vries-van Dijk&van&Dijk&de&Vries^Anna^^^^^L^^^^^20010203^2010",
             R"({"use":"official","family":"de Vries-van Dijk","_family":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/humanname-own-prefix","valueString":"van"},{"url":"http://hl7.org/fhir/StructureDefinition/humanname-own-name","valueString":"Dijk"},{"url":"http://hl7.org/fhir/StructureDefinition/humanname-partner-prefix","valueString":"de"},{"url":"http://hl7.org/fhir/StructureDefinition/humanname-partner-name","valueString":"Vries"}]},"given":["Anna"],"period":{"start":"2001-02-03","end":"2010"}})"},
            {"XPN~HumanName", "Okafor^Nadia^^Jr^^MD^^^^^G^^^FACP",
             R"({"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/humanname-assembly-order","valueCode":"G"}],"family":"Okafor","given":["Nadia"],"suffix":["Jr","MD","FACP"]})"},
            {"XAD~Address", "Strandweg 4^^Zandvoort^^^^HV^^^^^^202406^202409",
             R"({"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/iso21090-AD-use","valueCode":"HV"}],"line":["Strandweg 4"],"city":"Zandvoort","period":{"start":"2024-06","end":"2024-09"}})"},
            {"XTN~ContactPoint",
             "+1 (845) 5550160 X12^WPN^PH^^1^845^5550160^12^^^^^20240101^^^^^2", R"({"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/contactpoint-country","valueString":"1"},{"url":"http://hl7.org/fhir/StructureDefinition/contactpoint-area","valueString":"845"},{"url":"http://hl7.org/fhir/StructureDefinition/contactpoint-local","valueString":"5550160"},{"url":"http://hl7.org/fhir/StructureDefinition/contactpoint-extension","valueString":"12"}],"system":"phone","value":"+1 (845) 5550160 X12","use":"work","rank":2,"period":{"start":"2024-01-01"}})"},
};

INSTANTIATE_TEST_SUITE_P(Pairs, BothWays, ::testing::ValuesIn(kBothWays));

TEST(Pairs, ANumberThatWasChangedLeavesItsOldPartsBehind) {
  Bench bench;
  EXPECT_EQ(
      bench.write("XTN~ContactPoint",
                  R"({"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/contactpoint-local",)"
                  R"("valueString":"5550160"}],"system":"phone","value":"5550199"})"),
      "5550199^^PH");
}

TEST(Pairs, AUnitThatIsNoCodeIsAText) {
  Bench bench;
  EXPECT_EQ(bench.read("CQ~Quantity", "5^drops  each&&UCUM"), R"({"value":5,"unit":"drops  each"})");
}

TEST(Pairs, AStreetInPartsIsALine) {
  Bench bench;
  EXPECT_EQ(bench.read("XAD~Address", "&Keizersgracht&12^^Amsterdam"),
            R"({"line":["Keizersgracht 12"],"city":"Amsterdam"})");
  EXPECT_EQ(bench.read("XAD~Address", "Keizersgracht 12&Keizersgracht&12"),
            R"({"line":["Keizersgracht 12"]})");
}

TEST(Pairs, ACountyIsItsCodeElseItsText) {
  Bench bench;
  EXPECT_EQ(bench.read("XAD~Address", "1 Hill Road^^^^^^^^&Dutchess"),
            R"({"line":["1 Hill Road"],"district":"Dutchess"})");
  EXPECT_EQ(bench.read("XAD~Address", "1 Hill Road^^^^^^^^027&Dutchess"),
            R"({"line":["1 Hill Road"],"district":"027"})");
}

TEST(Pairs, ASpanBeforeVersion25IsOneComponent) {
  Bench bench;
  EXPECT_EQ(bench.read("XPN~HumanName", "Vries^Anna^^^^^^^^2001&2010"),
            R"({"family":"Vries","given":["Anna"],"period":{"start":"2001","end":"2010"}})");
}

TEST(Pairs, WhatIsNoValueOfTheTypeIsNotRead) {
  Bench bench;
  for (char const* const bad : {"20240230", "2024022", "19", "abc", "2024010125", "20240101+99"})
    EXPECT_EQ(bench.read("DTM~dateTime", bad), "") << bad;
  for (char const* const bad : {"1,5", "x", "--1", "1e5", "."})
    EXPECT_EQ(bench.read("NM~decimal", bad), "") << bad;
  EXPECT_EQ(bench.read("ID~boolean", "maybe"), "");
  EXPECT_EQ(bench.read("CX~Identifier", "^^^HOSP"), "");
  EXPECT_EQ(bench.read("IS~code", "Q", &bench.sex), "");
}

TEST(Pairs, ATimeWithoutAnOffsetGetsThePartners) {
  Bench bench;
  EXPECT_EQ(bench.read("DTM~dateTime", "202403011015"), R"("2024-03-01T10:15:00+01:00")");
}

TEST(Pairs, ManyToOneCodesGoBackToThePreferredOne) {
  Bench bench;
  EXPECT_EQ(bench.read("IS~code", "A", &bench.sex), R"("other")");
  EXPECT_EQ(bench.write("IS~code", R"("other")", &bench.sex), "O");
  EXPECT_EQ(bench.read("IS~code", "f", &bench.sex), R"("female")");
}

TEST(Pairs, ThePartnersOwnCodeComesFirst) {
  Bench bench;
  bench.partner.codes.push_back({"sex", "W", "", "female"});
  EXPECT_EQ(bench.read("IS~code", "W", &bench.sex), R"("female")");
  EXPECT_EQ(bench.write("IS~code", R"("female")", &bench.sex), "W");
}

/// An OBX segment as its value pair sees it: what OBX-5 becomes, and how many leaves behind the first
/// repetition it claims.
std::string observed(std::string_view pair, std::string_view segment, bool* whole = nullptr) {
  fhir::Issues warnings;
  auto const message = hl7v2::Message::parse(
      "MSH|^~\\&|A|B|C|D|20250101||ORU^R01|1|P|2.5\r" + std::string(segment) + "\r", {}, warnings);
  EXPECT_TRUE(message);
  Bench bench;
  Context const context{&bench.arena, &*message, &bench.partner, &bench.systems};
  std::string_view const field = message->raw({1, 5, 0, 0, 0});
  In in(context, field.substr(0, field.find('~')), {1, 5, 1, 0, 0});
  Element out;
  if (!find_pair(pair)->forward(in, out)) return {};
  if (whole != nullptr) *whole = in.claims_field();
  return fhir::json::write(out);
}

TEST(Observed, TheValueHasTheFormThatItsTypeNames) {
  struct Case {
    char const* segment;
    char const* json;
  };
  Case const cases[] = {
      {"OBX|1|NM|1^x^LN||5.40|mmol/L^^UCUM",
       R"({"valueQuantity":{"value":5.40,"unit":"mmol/L","system":"http://unitsofmeasure.org","code":"mmol/L"}})"},
      {"OBX|1|NM|1^x^LN||5.40|mmol/L", R"({"valueQuantity":{"value":5.40,"unit":"mmol/L"}})"},
      {"OBX|1|NM|1^x^LN||<=15|mL", R"({"valueQuantity":{"value":15,"comparator":"<=","unit":"mL"}})"},
      {"OBX|1|NM|1^x^LN||haemolysed|mL", R"({"valueString":"haemolysed"})"},
      {"OBX|1|SN|1^x^LN||<^5", R"({"valueQuantity":{"value":5,"comparator":"<"}})"},
      {"OBX|1|SN|1^x^LN||^3^-^5|mL",
       R"({"valueRange":{"low":{"value":3,"unit":"mL"},"high":{"value":5,"unit":"mL"}}})"},
      {"OBX|1|SN|1^x^LN||^1^:^128",
       R"({"valueRatio":{"numerator":{"value":1},"denominator":{"value":128}}})"},
      {"OBX|1|SN|1^x^LN||<>^5|mL", R"({"valueString":"<> 5 mL"})"},
      {"OBX|1|SN|1^x^LN||^3^+", R"({"valueString":"3 +"})"},
      {"OBX|1|NR|1^x^LN||^10|mL", R"({"valueRange":{"high":{"value":10,"unit":"mL"}}})"},
      {"OBX|1|CQ|1^x^LN||12^mL&&UCUM",
       R"({"valueQuantity":{"value":12,"unit":"mL","system":"http://unitsofmeasure.org","code":"mL"}})"},
      {"OBX|1|IS|1^x^LN||POS", R"({"valueCodeableConcept":{"coding":[{"code":"POS"}]}})"},
      {"OBX|1|TX|1^x^LN||first~second ^ third", R"({"valueString":"first\nsecond ^ third"})"},
      {"OBX|1|FT|1^x^LN||one\\.br\\two", R"({"valueString":"one\ntwo"})"},
      {"OBX|1|DT|1^x^LN||20250301", R"({"valueDateTime":"2025-03-01"})"},
      {"OBX|1|TM|1^x^LN||0930", R"({"valueTime":"09:30:00"})"},
      {"OBX|1|DR|1^x^LN||20250301^20250302", R"({"valuePeriod":{"start":"2025-03-01","end":"2025-03-02"}})"},
      {"OBX|1|NA|1^x^LN||1^2^3", ""},
      {"OBX|1|DT|1^x^LN||20250231", R"({"valueString":"20250231"})"},
      {"OBX|1|TM|1^x^LN||noon", R"({"valueString":"noon"})"},
      {"OBX|1|nm|1^x^LN||5.4|mmol/L", R"({"valueString":"5.4 mmol/L"})"},
      {"OBX|1|ED|1^x^LN||QUJD", ""},
  };
  for (Case const& one : cases) EXPECT_EQ(observed("OBX5~value", one.segment), one.json) << one.segment;
}

TEST(Observed, LinesOfTextAreOneValueAndTakeTheWholeField) {
  bool whole = false;
  observed("OBX5~value", "OBX|1|TX|1^x^LN||a~b", &whole);
  EXPECT_TRUE(whole);
  observed("OBX5~value", "OBX|1|ST|1^x^LN||a~b", &whole);
  EXPECT_FALSE(whole);
}

TEST(Observed, ARepetitionIsAComponentUnderTheSegmentsCode) {
  EXPECT_EQ(
      observed("OBX5~component", "OBX|1|ST|600-7^Culture^LN||E. coli~Klebsiella"),
      R"({"code":{"coding":[{"system":"http://loinc.org","code":"600-7","display":"Culture"}]},"valueString":"E. coli"})");
  EXPECT_EQ(observed("OBX5~component", "OBX|1|ST|||E. coli"), "") << "a component needs a code";
}

TEST(Pairs, ACodeAndAPartOfAComponentNameOrganizationsAndPersons) {
  Bench bench;
  EXPECT_EQ(bench.read("CWE~Organization", "PFR^Pfizer^LN"),
            R"({"identifier":[{"system":"http://loinc.org","value":"PFR"}],"name":"Pfizer"})");
  EXPECT_EQ(bench.write("CWE~Organization", R"({"name":"Pfizer"})"), "^Pfizer");
  EXPECT_EQ(bench.write("CNN~Practitioner",
                        R"({"identifier":[{"value":"7"}],"name":[{"family":"Voss","given":["Ada"]}]})"),
            "7^Voss^Ada");
}

TEST(Pairs, UnitsOfANumberThatStandsElsewhere) {
  Bench bench;
  EXPECT_EQ(bench.read("CWE~Units", "mg^milligram^UCUM"),
            R"({"unit":"milligram","system":"http://unitsofmeasure.org","code":"mg"})");
  EXPECT_EQ(bench.read("CWE~Units", "TAB"), R"({"unit":"TAB"})");
  EXPECT_EQ(bench.write("CWE~Units", R"({"value":3,"unit":"TAB"})"), "TAB");
}

/// L-pair: whatever bytes stand in the field, what was read and written back reads the same again.
TEST(Pairs, ReadingWhatWasWrittenBackIsStableOnRandomFields) {
  std::mt19937 random(20250301);
  std::string_view const alphabet = "AB12.-+ ^^^&&20240101HLN\\F";
  for (std::string_view const pair : pair_names()) {
    // These need their neighbours (OBX-2) or a vocabulary.
    if (pair == "OBX5~value" || pair == "OBX5~component") continue;
    for (int round = 0; round < 400; ++round) {
      std::string field;
      for (std::size_t size = random() % 24; size > 0; --size) field += alphabet[random() % alphabet.size()];
      Bench bench;
      std::string const json = bench.read(pair, field);
      if (json.empty()) continue;
      std::string const back = bench.write(pair, json);
      if (back.empty()) continue;
      std::string const again = bench.read(pair, back);
      std::string const twice = again.empty() ? std::string() : bench.write(pair, again);
      EXPECT_EQ(twice, back) << pair << " of '" << field << "' read " << json << " wrote '" << back
                             << "' read " << again;
    }
  }
}

}  // namespace
}  // namespace mappings::types
