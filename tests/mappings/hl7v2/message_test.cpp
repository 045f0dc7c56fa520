#include "mappings/hl7v2/message.hpp"

#include "tests/mappings/hl7v2/corpus.hpp"

#include <gmock/gmock.h>

namespace mappings::hl7v2::test {
namespace {

using fhir::IssueType;
using ::testing::HasSubstr;

constexpr std::string_view kReferral =
    "MSH|^~\\&|CLINIC|NORTH^1.2.3^ISO|HUB|CITY|20240102030405+0100||REF^I12^REF_I12|C-1|P|2.5.1\r"
    "RF1|P|R|GRF|||R-77^CLINIC\r"
    "PID|1||111^^^NORTH&1.2.3&ISO^MR~222^^^REG||Roe^Ann~R\\T\\oe^A\r"
    "OBX|1|TX|1||first\r"
    "OBX|2|TX|2||second\r";

fhir::Issue refusal(std::string_view bytes, ParseOptions const& options = {}) {
  fhir::Issues warnings;
  auto const message = Message::parse(bytes, options, warnings);
  EXPECT_FALSE(message);
  return message ? fhir::Issue{} : message.error();
}

fhir::Issues warnings_of(std::string_view bytes, ParseOptions const& options = {}) {
  fhir::Issues warnings;
  auto const message = Message::parse(bytes, options, warnings);
  EXPECT_TRUE(message) << (message ? "" : message.error().diagnostics);
  return warnings;
}

TEST(Message, ReadsEveryLevelByItsAddress) {
  auto const message = parse_or_throw(kReferral);
  ASSERT_EQ(message.segment_count(), 5U);
  EXPECT_EQ(message.segment_id(2), "PID");
  EXPECT_EQ(message.raw({2, 3}), "111^^^NORTH&1.2.3&ISO^MR~222^^^REG");
  EXPECT_EQ(message.raw({2, 3, 2}), "222^^^REG");
  EXPECT_EQ(message.raw({2, 3, 1, 4}), "NORTH&1.2.3&ISO");
  EXPECT_EQ(message.raw({2, 3, 1, 4, 2}), "1.2.3");
  EXPECT_EQ(message.raw({2, 3, 0, 5}), "MR");
  EXPECT_EQ(message.raw({2, 3, 3}), "");
  EXPECT_EQ(message.raw({2, 99}), "");
  EXPECT_EQ(message.raw({99, 1}), "");
  EXPECT_EQ(message.text({2, 5, 2, 1}), "R&oe");
  EXPECT_EQ(message.repetition_count(2, 3), 2U);
  EXPECT_EQ(message.repetition_count(2, 4), 0U);
  EXPECT_EQ(message.component_count({2, 3, 1}), 5U);
  EXPECT_EQ(message.subcomponent_count({2, 3, 1, 4}), 3U);
}

TEST(Message, AValueBelowWhatIsSplitIsNumberOne) {
  auto const message = parse_or_throw("MSH|^~\\&|A|B|C|D|2024||ADT^A01|1|P|2.5\rPID|1|||||||F\r");
  EXPECT_EQ(message.raw({1, 8, 1, 1, 1}), "F");
  EXPECT_EQ(message.raw({1, 8, 1, 1, 2}), "");
  EXPECT_EQ(message.raw({1, 8, 1, 2}), "");
}

TEST(Message, CountsMshFromItsSeparatorAndNeverSplitsMsh2) {
  auto const message = parse_or_throw(kReferral);
  EXPECT_EQ(message.raw({0, 1}), "|");
  EXPECT_EQ(message.raw({0, 2}), "^~\\&");
  EXPECT_EQ(message.raw({0, 2, 1, 1}), "^~\\&");
  EXPECT_EQ(message.text({0, 2}), "^~\\&");
  EXPECT_EQ(message.repetition_count(0, 2), 1U);
  EXPECT_EQ(message.raw({0, 3}), "CLINIC");
  EXPECT_EQ(message.field_count(0), 12U);
}

TEST(Message, NamesWhatTheHeaderSays) {
  auto const message = parse_or_throw(kReferral);
  EXPECT_EQ(message.control_id(), "C-1");
  EXPECT_EQ(message.version(), "2.5.1");
  EXPECT_EQ(message.message_code(), "REF");
  EXPECT_EQ(message.trigger_event(), "I12");
  EXPECT_EQ(message.sending_application(), "CLINIC");
  EXPECT_EQ(message.sending_facility(), "NORTH");
}

TEST(Message, ReadsTheVersionBeforeItsCountryCodeAndDefaultsTo251) {
  EXPECT_EQ(parse_or_throw("MSH|^~\\&|A||||||ADT^A01|1|P|2.5^FRA\r").version(), "2.5");
  EXPECT_EQ(parse_or_throw("MSH|^~\\&|A||||||ADT^A01|1|P\r").version(), "2.5.1");
  EXPECT_EQ(warnings_of("MSH|^~\\&|A||||||ADT^A01|1|P\r").at(0).source, "MSH-12");
}

TEST(Message, FindsSegmentsFromAPlaceOn) {
  auto const message = parse_or_throw(kReferral);
  EXPECT_EQ(message.find_segment("OBX"), 3U);
  EXPECT_EQ(message.find_segment("OBX", 4), 4U);
  EXPECT_EQ(message.find_segment("OBX", 5), std::nullopt);
  EXPECT_EQ(message.find_segment("ZZZ"), std::nullopt);
}

TEST(Message, NamesAnAddressAsPeopleWriteIt) {
  auto const message = parse_or_throw(kReferral);
  EXPECT_EQ(to_string(message, {2, 3}), "PID-3");
  EXPECT_EQ(to_string(message, {2, 3, 1, 4, 2}), "PID-3.4.2");
  EXPECT_EQ(to_string(message, {2, 3, 2, 4}), "PID-3(2).4");
  EXPECT_EQ(to_string(message, {4, 5}), "OBX[2]-5");
  EXPECT_EQ(to_string(message, {3}), "OBX");
}

TEST(Message, CopiesAndMovesKeepEveryValue) {
  auto message = parse_or_throw("MSH|^~\\&|A||||||ADT^A01|1|P|2.5\r");
  auto const copy = message;
  auto const code = message.message_code();
  auto const moved = std::move(message);
  EXPECT_EQ(moved.message_code().data(), code.data());
  EXPECT_EQ(copy.message_code(), "ADT");
  EXPECT_NE(copy.message_code().data(), code.data());
}

TEST(Message, TakesAnyLineEndAndSaysSo) {
  for (std::string_view const end : {"\n", "\r\n"}) {
    std::string bytes(kReferral);
    for (std::size_t at = 0; (at = bytes.find('\r', at)) != std::string::npos; at += end.size())
      bytes.replace(at, 1, end);
    EXPECT_EQ(parse_or_throw(bytes).bytes(), kReferral);
    EXPECT_THAT(warnings_of(bytes).at(0).diagnostics, HasSubstr("line ends"));
  }
  EXPECT_TRUE(warnings_of(kReferral).empty());
  EXPECT_EQ(parse_or_throw(kReferral.substr(0, kReferral.size() - 1)).bytes(), kReferral);
}

TEST(Message, LeavesOutTheByteOrderMarkFramingBytesAndBlankLines) {
  EXPECT_EQ(parse_or_throw("\xef\xbb\xbf" + std::string(kReferral)).bytes(), kReferral);
  EXPECT_EQ(parse_or_throw("\x0b" + std::string(kReferral) + "\x1c\r").bytes(), kReferral);
  EXPECT_EQ(parse_or_throw("\r\n" + std::string(kReferral) + "\r\r \r").bytes(), kReferral);
}

TEST(Message, KeepsALineBreakInsideAFieldAsAnEscape) {
  auto const message = parse_or_throw("MSH|^~\\&|A||||||ORU^R01|1|P|2.5\rOBX|1|TX|||one\ntwo|x\rNTE|1\r");
  EXPECT_EQ(message.segment_count(), 3U);
  EXPECT_EQ(message.raw({1, 5}), "one\\.br\\two");
  EXPECT_EQ(message.text({1, 5}), "one\ntwo");
  EXPECT_EQ(message.raw({1, 6}), "x");
}

TEST(Message, KeepsSegmentsOfAnyIdAsTheyAre) {
  auto const message = parse_or_throw("MSH|^~\\&|A||||||ADT^A01|1|P|2.5\rzpd|1\rPIDX|2\r||||\rfree text\r");
  EXPECT_EQ(message.segment_id(1), "zpd");
  EXPECT_EQ(message.segment_id(2), "PIDX");
  EXPECT_EQ(message.segment_id(3), "");
  EXPECT_EQ(message.field_count(3), 4U);
  EXPECT_EQ(message.segment_id(4), "free text");
  EXPECT_EQ(to_string(message, {4}),
            "segment 5");  // Free text may be about a patient: an Issue never shows it.
}

TEST(Message, TakesAnyDelimiters) {
  auto const message = parse_or_throw("MSH#*!?@#A###### #REF*I12#C1#P#2.5\rPID#1##7***H@1.2@ISO!8\r");
  EXPECT_EQ(message.raw({1, 3, 1, 4, 2}), "1.2");
  EXPECT_EQ(message.repetition_count(1, 3), 2U);
}

TEST(Message, ReadsTheTruncationCharacterOf27) {
  EXPECT_EQ(parse_or_throw("MSH|^~\\&#|A||||||ADT^A01|1|P|2.7\r").delimiters().truncation, '#');
}

TEST(Message, CompletesAShortMsh2) {
  auto const message = parse_or_throw("MSH|^~|A||||||ADT^A01|1|P|2.1\r");
  EXPECT_EQ(message.delimiters(), Delimiters{});
  EXPECT_EQ(message.raw({0, 2}), "^~");
  EXPECT_EQ(warnings_of(message.bytes()).at(0).source, "MSH-2");
}

TEST(Message, HealsAnMsh2ThatLostItsBackslash) {
  auto const message = parse_or_throw("MSH|^~&|A^1&2||||||ADT^A01|1|P|2.5\r");
  EXPECT_EQ(message.delimiters(), Delimiters{});
  EXPECT_EQ(message.raw({0, 3, 1, 2, 2}), "2");
}

TEST(Message, RefusesWhatIsNoMessage) {
  EXPECT_EQ(refusal("").code, IssueType::structure);
  EXPECT_THAT(refusal("PID|1\r").diagnostics, HasSubstr("does not start with MSH"));
  EXPECT_THAT(refusal("BHS|^~\\&|A\r").diagnostics, HasSubstr("batch"));
  EXPECT_EQ(refusal("MSH").source, "MSH");
  EXPECT_EQ(refusal("MSH|^~\\&").source, "MSH-2");
  EXPECT_EQ(refusal("MSH||A|B\r").source, "MSH-2");
}

TEST(Message, RefusesUnusableDelimiters) {
  EXPECT_THAT(refusal("MSH|^^\\&|A|B\r").diagnostics, HasSubstr("the same"));
  EXPECT_THAT(refusal("MSH|^~\\&#!|A|B\r").diagnostics, HasSubstr("four encoding characters"));
  EXPECT_THAT(refusal("MSHA^~\\&AxA\r").diagnostics, HasSubstr("printable"));
  EXPECT_THAT(refusal("MSH|^ \\&|A|B\r").diagnostics, HasSubstr("printable"));
}

TEST(Message, RefusesTwoHeaders) {
  auto const issue = refusal("MSH|^~\\&|A||||||ADT^A01|1|P|2.5\rPID|1\rMSH|^~\\&|A||||||ADT^A01|2|P|2.5\r");
  EXPECT_EQ(issue.code, IssueType::value);
  EXPECT_THAT(issue.diagnostics, HasSubstr("two MSH segments"));
}

TEST(Message, RefusesControlCharactersByTheirPlace) {
  using namespace std::string_view_literals;
  auto const issue = refusal("MSH|^~\\&|A||||||ADT^A01|1|P|2.5\rPID|1||\x07x\r");
  EXPECT_EQ(issue.code, IssueType::value);
  EXPECT_EQ(issue.source, "PID-3");
  EXPECT_THAT(issue.diagnostics, HasSubstr("0x07"));
  EXPECT_EQ(refusal("MSH|^~\\&|A||||||ADT^A01|1|P|2.5\rPID|1|\0\r"sv).source, "PID-2");
  EXPECT_EQ(refusal("MSH|^~\\&|A||||||ADT^A01|1|P|2.5\rPID|1\rPI\x1b|1\r").code, IssueType::value);
  EXPECT_TRUE(warnings_of("MSH|^~\\&|A||||||ADT^A01|1|P|2.5\rPID|1|a\tb\r").empty());
}

TEST(Message, RefusesWideBytesInAStreamAndReadsThemFromAFile) {
  using namespace std::string_view_literals;
  std::string wide("\xff\xfe");
  for (char const c : "MSH|^~\\&|A||||||ADT^A01|1|P|2.5||||||UNICODE UTF-16\rPID|1||x\r"sv) wide += {c, '\0'};
  EXPECT_EQ(refusal(wide).code, IssueType::structure);
  EXPECT_EQ(refusal(wide.substr(2)).code, IssueType::structure);
  ParseOptions file;
  file.allow_utf16 = true;
  EXPECT_EQ(parse_or_throw(wide, file).raw({1, 3}), "x");
  EXPECT_EQ(parse_or_throw(std::string_view(wide).substr(2), file).raw({1, 3}), "x");
  EXPECT_EQ(parse_or_throw(wide, file).charset(), "UNICODE UTF-16");
  EXPECT_EQ(parse_or_throw(wide, file).answer_charset(), "UNICODE UTF-8") << "an answer travels in a frame";
}

TEST(Message, StopsAtItsLimits) {
  ParseOptions few;
  few.segments_max = 3;
  EXPECT_EQ(refusal("MSH|^~\\&|A||||||ADT^A01|1|P|2.5\rA01\rA02\rA03\r", few).code, IssueType::too_costly);
  few.segments_max = 100;
  few.fields_max = 20;
  EXPECT_EQ(refusal("MSH|^~\\&|A||||||ADT^A01|1|P|2.5\rPID||||||||||||||||\r", few).code,
            IssueType::too_costly);
  std::string const header = "MSH|^~\\&|A||||||ADT^A01|1|P|2.5\r";
  EXPECT_EQ(refusal(header + "PID|" + std::string(70'000, '~') + "\r").code, IssueType::too_costly);
  EXPECT_EQ(refusal(header + "PID|" + std::string(70'000, '|') + "\r").code, IssueType::too_costly);
}

TEST(Message, CannotBeAnsweredWithoutCodeAndControlId) {
  EXPECT_TRUE(check_identifiable(parse_or_throw(kReferral)));
  EXPECT_EQ(check_identifiable(parse_or_throw("MSH|^~\\&|A||||||ADT^A01||P|2.5\r")).error().source, "MSH-10");
  EXPECT_EQ(check_identifiable(parse_or_throw("MSH|^~\\&|A|||||||1|P|2.5\r")).error().source, "MSH-9");
}

}  // namespace
}  // namespace mappings::hl7v2::test
