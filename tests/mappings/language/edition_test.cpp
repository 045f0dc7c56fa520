/// What a message looks like for its receiver's version and profile: fields, types, lengths, times.
#include "mappings/language/edition.hpp"

#include "corpus.hpp"
#include "mappings/language/translator.hpp"
#include "samples.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <set>

namespace mappings::language {
namespace {

using hl7v2::Image;
using hl7v2::Version;

struct Fit {
  char const* name;
  Version version;
  char const* segment;  ///< as written by rows
  char const* fitted;
  char const* lost;  ///< places of the loss notes, parted by blanks
};

std::ostream& operator<<(std::ostream& out, Fit const& one) { return out << one.name; }

/// One segment in an image of its own.
Image image_of(std::string_view segment) {
  std::string const bytes = "MSH|^~\\&|A|B|C|D|20250301||ADT^A01|1|P|2.5\r" + std::string(segment) + "\r";
  return Image(*testing::parse(bytes));
}

std::string segment_of(Image const& image) {
  std::string const bytes = image.bytes();
  auto const begin = bytes.find('\r') + 1;
  return bytes.substr(begin, bytes.size() - begin - 1);
}

std::string places(std::vector<LossNote> const& loss) {
  std::string all;
  for (LossNote const& note : loss) all.append(all.empty() ? "" : " ").append(note.path);
  return all;
}

class Editions : public ::testing::TestWithParam<Fit> {};

TEST_P(Editions, WritesAFieldAsItsVersionHasIt) {
  Image image = image_of(GetParam().segment);
  std::vector<LossNote> loss;
  PartnerProfile partner;
  partner.newer_fields = false;
  Edition(GetParam().version, partner, image, loss).fit(1);
  EXPECT_EQ(segment_of(image), GetParam().fitted);
  EXPECT_EQ(places(loss), GetParam().lost);
}

constexpr Fit kFits[] = {
    {"AFieldThatFitsStays", Version::v2_5_1, "PID|1||4711^^^HOSP&1.2.3&ISO^MR||Muster^Anna",
     "PID|1||4711^^^HOSP&1.2.3&ISO^MR||Muster^Anna", ""},
    {"AFieldOfALaterVersionGoes", Version::v2_3,
     "PID|1||4711||Muster^Anna||||||||||||||||||||||||||||||||||CHE", "PID|1||4711||Muster^Anna", "PID-39"},
    {"ACodeLosesWhatAnIdentifierHasNot", Version::v2_3, "PID|1||4711||M^A|||F^Female^HL70001",
     "PID|1||4711||M^A|||F", "PID-8.2 PID-8.3"},
    {"TelephoneIsOneText", Version::v2_1, "PID|1||4711||M^A||||||||^PRN^PH^^41^31^5551234",
     "PID|1||4711||M^A||||||||(31)5551234", "PID-13.2 PID-13.3 PID-13.5"},
    {"TextOfAConceptMovesWhereItsVersionHasIt", Version::v2_3, "DG1|1||^^^^^^^^cough", "DG1|1||^cough", ""},
    {"TimesOfTheFirstVersionHaveNoOffset", Version::v2_1,
     "PV1|1|I||||||||||||||||||||||||||||||||||||||||||20250301101500+0100",
     "PV1|1|I||||||||||||||||||||||||||||||||||||||||||20250301091500", ""},
    {"NullStays", Version::v2_1, "PID|1||\"\"", "PID|1||\"\"", ""},
    {"OwnSegmentsAreEveryVersions", Version::v2_1, "ZPI|own^a&b~c", "ZPI|own^a&b~c", ""},
    {"ObservationTypesHaveTheirOldNames", Version::v2_3, "OBX|1|CWE|1^a^L||1^b^L^^^^^^whole",
     "OBX|1|CE|1^a^L||1^b^L", "OBX-5.9"},
    {"AnObservedCodeHasThePartsOfItsType", Version::v2_5_1, "OBX|1|CWE|1^a^L||1^b^L^2^c^L^^^whole^3^d^L",
     "OBX|1|CWE|1^a^L||1^b^L^2^c^L^^^whole", "OBX-5.10 OBX-5.11 OBX-5.12"},
    {"AVersionWithoutStructuredNumbersHasTexts", Version::v2_2, "OBX|1|SN|1^a^L||<^15~^1^:^128",
     "OBX|1|ST|1^a^L||<15~1:128", ""},
    {"AVersionWithStructuredNumbersKeepsThem", Version::v2_3, "OBX|1|SN|1^a^L||<^15", "OBX|1|SN|1^a^L||<^15",
     ""},
    {"ACompositeOfTheSecondVersionHasThePartsItSays", Version::v2_2,
     "PR1|1||1||20250301|x||^x&y^^^^^^^^^^^^z", "PR1|1||1||20250301|x||^x", "PR1-8.2.2 PR1-8.14"},
};

INSTANTIATE_TEST_SUITE_P(Dictionary, Editions, ::testing::ValuesIn(kFits),
                         [](auto const& test) { return std::string(test.param.name); });

/// Whatever rows write, in each version it is what that version's dictionary has.
TEST(Editions, EveryFieldOfAFullMessageIsOfItsVersion) {
  auto const full = testing::parse(
      "MSH|^~\\&|A|B|C|D|20250301101500+0100||ADT^A01^ADT_A01|1|P|2.8\r"
      "PID|1||4711^^^HOSP&1.2.3&ISO^MR~9^^^B||M&van&M^A^B^Jr^Dr^^L~N^B|X^Y|19800229101500.1234+0100|F^Female^"
      "HL70001||"
      "W^White^L|1 "
      "Way&Way&1^^Bern^BE^3000^CHE^H^^BE|BE|^PRN^PH^a@b^41^31^1^2||de^German|M^Married|R^x|A^^^B&1&ISO^AN\r"
      "PV1|1|I|W^1^2^H&1&ISO^^N||||1^H^G^^^Dr^^^N&2&ISO^L^^^NPI|||||||||||V^^^H&1&ISO^VN\r"
      "DG1|1||I10^x^I10^y^z^w^1^2^whole||20250301|A^Admitting\r");
  std::size_t fields = 0;
  for (int at = 0; at <= static_cast<int>(Version::v2_8); ++at) {
    auto const version = static_cast<Version>(at);
    Image image(*full);
    std::vector<LossNote> loss;
    PartnerProfile partner;
    partner.newer_fields = false;
    Edition edition(version, partner, image, loss);
    for (std::uint32_t segment = 1; segment < image.segment_count(); ++segment) {
      edition.fit(segment);
      for (std::uint16_t field = 1; field <= image.field_count(segment); ++field) {
        if (image.raw({segment, field}).empty()) continue;
        ++fields;
        auto const* const definition = hl7v2::find_field(version, image.segment_id(segment), field);
        ASSERT_NE(definition, nullptr)
            << hl7v2::to_text(version) << " " << image.segment_id(segment) << field;
        EXPECT_NE(definition->optionality, 'W');
        if (!definition->repeats) EXPECT_LE(image.repetition_count(segment, field), 1U);
        if (definition->data_type.starts_with("CM")) continue;
        auto const most = std::max<std::size_t>(hl7v2::component_count(version, definition->data_type), 1);
        EXPECT_LE(image.component_count({segment, field, 1}), most)
            << hl7v2::to_text(version) << " " << image.segment_id(segment) << "-" << field;
      }
    }
  }
  EXPECT_GT(fields, 150U);
}

/// HL7's own rule lets a receiver pass over what is newer; what an older type cannot hold goes all the same.
TEST(Editions, WhatIsNewerIsWrittenUnlessTheProfileSaysOtherwise) {
  Image image = image_of("PID|1||4711^^^A&1&ISO^MR^^^^^^X||M^A|||F^Female|||||||||||||||||||||||||||||||CHE");
  std::vector<LossNote> loss;
  PartnerProfile const partner;
  Edition(Version::v2_3, partner, image, loss).fit(1);
  EXPECT_EQ(segment_of(image), "PID|1||4711^^^A&1&ISO^MR^^^^^^X||M^A|||F|||||||||||||||||||||||||||||||CHE");
  EXPECT_EQ(places(loss), "PID-8.2");
}

TEST(Editions, TooLongIsCutBetweenCharactersAndToldByALossNote) {
  Image image = image_of("PID|1||4711||M\xC3\xBCller\\T\\Sohn^Anna");
  std::vector<LossNote> loss;
  PartnerProfile partner;
  partner.lengths = {{"PID-5.1", 8}};
  Edition(Version::v2_5_1, partner, image, loss).fit(1);
  EXPECT_EQ(segment_of(image), "PID|1||4711||M\xC3\xBCller^Anna") << "an escape sequence is never cut";
  ASSERT_EQ(loss.size(), 1U);
  EXPECT_EQ(loss[0].path, "PID-5.1");
}

TEST(Editions, LengthsOfTheDictionaryHoldWhereTheProfileSaysSo) {
  std::string const segment = "DG1|1||I10|" + std::string(60, 'x');
  Image as_it_is = image_of(segment);
  Image cut = image_of(segment);
  std::vector<LossNote> loss;
  PartnerProfile partner;
  Edition(Version::v2_5_1, partner, as_it_is, loss).fit(1);
  EXPECT_EQ(segment_of(as_it_is), segment);
  EXPECT_TRUE(loss.empty());
  partner.dictionary_lengths = true;
  Edition(Version::v2_5_1, partner, cut, loss).fit(1);
  EXPECT_EQ(segment_of(cut), "DG1|1||I10|" + std::string(40, 'x'));
  EXPECT_EQ(places(loss), "DG1-4");
}

/// What is left of a number or of a point in time would be another one.
TEST(Editions, NumbersAndTimesAreNeverCut) {
  PartnerProfile partner;
  partner.dictionary_lengths = true;
  for (std::string const segment : {"SPM|1|||B|||||||||||||19700728083000+0000^20200228083000+0000",
                                    "RXO|1^a|1234567890123456789012345"}) {
    Image image = image_of(segment);
    std::vector<LossNote> loss;
    Edition(Version::v2_5, partner, image, loss).fit(1);
    EXPECT_EQ(segment_of(image), segment);
  }
}

/// A cut identifier is another patient's, order's or doctor's: CX, EI, XCN.1, XON.10, PL, PLN, CN, HD, ST by
/// its field.
TEST(Editions, AnIdentifierIsNeverCut) {
  std::string const number(700, '7');
  struct Case {
    Version version;
    std::string_view segment;
    std::size_t field;
    std::string value;
  };
  std::vector<Case> const cases = {{Version::v2_5, "PID", 3, number + "^^^HOSP^MR"},
                                   {Version::v2_3, "PID", 2, number + "^^^HOSP"},
                                   {Version::v2_5, "ORC", 2, number + "^PCP^1.2.3^ISO"},
                                   {Version::v2_5, "ORC", 12, number + "^Okafor^Nadia"},
                                   {Version::v2_1, "PV1", 7, number + "^OKAFOR^NADIA"},
                                   {Version::v2_5, "ORC", 21, "Elm^L^" + number + "^^^^^^^" + number},
                                   {Version::v2_5, "PV1", 3, number + "^" + number + "^" + number},
                                   {Version::v2_5, "PRD", 7, number + "^NPI"},
                                   {Version::v2_5, "PID", 11, "1 Elm^^^^" + number},
                                   {Version::v2_5, "PID", 13, "^PRN^PH^^1^845^" + number},
                                   {Version::v2_5, "PID", 19, number},
                                   {Version::v2_5, "IN1", 36, number},
                                   {Version::v2_5, "DG1", 3, number + "^text^I10"},
                                   {Version::v2_5, "EVN", 7, number + "^1.2.3^ISO"}};
  for (Case const& one : cases) {
    std::string const place = std::string(one.segment) + "-" + std::to_string(one.field);
    std::string const segment = std::string(one.segment) + std::string(one.field, '|') + one.value;
    for (bool const by_profile : {false, true}) {
      PartnerProfile partner;
      partner.dictionary_lengths = !by_profile;
      if (by_profile) partner.lengths = {{place, 10}, {place + ".1", 5}, {place + ".3", 5}};
      Image image = image_of(segment);
      std::vector<LossNote> loss;
      Edition(one.version, partner, image, loss).fit(1);
      EXPECT_EQ(segment_of(image), segment) << place;
      EXPECT_TRUE(places(loss).ends_with(place)) << place << " " << places(loss);
    }
  }
}

TEST(Editions, WordsBesideAnIdentifierAreCutInItsPlace) {
  PartnerProfile partner;
  partner.lengths = {{"ORC-12", 24}, {"ORC-12.1", 3}};
  Image image = image_of("ORC|NW|||||||||||1234567893^Featherstonehaugh^Nadia");
  std::vector<LossNote> loss;
  Edition(Version::v2_5, partner, image, loss).fit(1);
  EXPECT_EQ(segment_of(image), "ORC|NW|||||||||||1234567893^Feather^Nadia");
  EXPECT_EQ(places(loss), "ORC-12.1 ORC-12");
}

/// "ISO" of an authority would be "IS".
TEST(Editions, AnAuthorityIsNeverCut) {
  PartnerProfile partner;
  partner.lengths = {{"PV1-17", 38}};
  Image image = image_of("PV1|1|I|||||||||||||||4711^Abernathy^Ruth^^^^^^VN&2.16.840.1&ISO");
  std::vector<LossNote> loss;
  Edition(Version::v2_5, partner, image, loss).fit(1);
  EXPECT_EQ(segment_of(image), "PV1|1|I|||||||||||||||4711^Abern^Ruth^^^^^^VN&2.16.840.1&ISO");
  EXPECT_EQ(places(loss), "PV1-17");
}

TEST(Editions, TimesHaveThePrecisionAndZoneOfTheProfile) {
  struct Case {
    TimePrecision precision;
    bool write_offset;
    char const* time;
    std::size_t notes;
  };
  for (Case const& one : {Case{TimePrecision::full, true, "20250228233015.5-0500", 0},
                          Case{TimePrecision::second, true, "20250228233015-0500", 1},
                          Case{TimePrecision::minute, true, "202502282330-0500", 1},
                          Case{TimePrecision::day, true, "20250228", 1},
                          Case{TimePrecision::full, false, "20250301053015.5", 0},
                          Case{TimePrecision::day, false, "20250301", 1}}) {
    Image image = image_of("EVN|A01|20250228233015.5-0500");
    std::vector<LossNote> loss;
    PartnerProfile partner;
    partner.precision = one.precision;
    partner.write_offset = one.write_offset;
    partner.utc_offset = "+01:00";
    Edition(Version::v2_5_1, partner, image, loss).fit(1);
    EXPECT_EQ(segment_of(image), std::string("EVN|A01|") + one.time);
    EXPECT_EQ(loss.size(), one.notes) << one.time;
  }
}

TEST(Editions, WhatThePartnerSentInItsVersionStaysByteForByte) {
  auto const sent =
      testing::parse("MSH|^~\\&|A|B|C|D|20250301||ADT^A01|1|P|2.3\rPID|1||4711||M^A|||F^odd^here\r");
  Image image(*sent);
  image.set_text({1, 5, 1, 1, 1}, "N");
  std::vector<LossNote> loss;
  PartnerProfile const partner;
  Edition(Version::v2_3, partner, image, loss).fit(1, &*sent, 1);
  EXPECT_EQ(segment_of(image), "PID|1||4711||N^A|||F^odd^here");
  EXPECT_TRUE(loss.empty());
}

TEST(Editions, AMessageThatTheVersionLacksIsWrittenInTheLowestThatHasIt) {
  PartnerProfile partner;
  partner.version = "2.2";
  EXPECT_EQ(version_to_write(partner, "ADT_A01").value(), Version::v2_2);
  EXPECT_EQ(version_to_write(partner, "REF_I12").value(), Version::v2_3);
  partner.newer_version = false;
  auto const refused = version_to_write(partner, "REF_I12");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, fhir::IssueType::not_supported);
  EXPECT_NE(refused.error().diagnostics.find("REF_I12"), std::string::npos);
  partner.version = "2.8.2";
  EXPECT_EQ(version_to_write(partner, "REF_I12").value(), Version::v2_8);
}

/// A whole message through reverse: the header names the version that was written.
TEST(Editions, AWholeMessageIsWrittenInThePartnersVersion) {
  auto const message = testing::parse(testing::kAdmit);
  PartnerProfile partner;
  partner.name = "hosp";
  auto draft = forward(builtin(), *message, partner).value();
  auto const bundle = to_bundle(draft);
  for (char const* const version :
       {"2.1", "2.2", "2.3", "2.3.1", "2.4", "2.5", "2.6", "2.7", "2.8", "2.8.1", "2.8.2"}) {
    auto request = from_bundle(builtin(), "ADT_A01", bundle);
    ASSERT_TRUE(request);
    request->control_id = "1";
    request->timestamp = "20250301101500";
    partner.version = version;
    auto const written = reverse(builtin(), *request, partner);
    ASSERT_TRUE(written) << version << ": " << fhir::to_line(written.error());
    auto const again = testing::parse(written->image.bytes());
    ASSERT_TRUE(again) << version;
    EXPECT_EQ(again->version(), version);
    EXPECT_EQ(again->trigger_event(), "A01");
    auto const read = forward(builtin(), *again, partner);
    ASSERT_TRUE(read) << version;
    auto const* const patient = read->find("patient");
    ASSERT_NE(patient, nullptr) << version;
    EXPECT_EQ(patient->content.text_of("name", 0, "family"), "Muster") << version;
    EXPECT_EQ(patient->content.text_at("birthDate"), "1980-02-29") << version;
    EXPECT_EQ(patient->content.text_of("identifier", 0, "value"), "4711") << version;
  }
}

TEST(Editions, ARequiredPlaceIsNamedDownToItsComponent) {
  auto const message = testing::parse(testing::kAdmit);
  PartnerProfile partner;
  partner.name = "hosp";
  auto draft = forward(builtin(), *message, partner).value();
  auto const bundle = to_bundle(draft);
  auto request = from_bundle(builtin(), "ADT_A01", bundle);
  ASSERT_TRUE(request);
  partner.required_fields = {"PID-3.7"};
  auto const refused = reverse(builtin(), *request, partner);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, fhir::IssueType::required);
  EXPECT_EQ(refused.error().source, "PID-3(1).7");
  EXPECT_EQ(refused.error().expression, "Patient.identifier");
}

}  // namespace
}  // namespace mappings::language
