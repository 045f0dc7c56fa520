#include "mappings/hl7v2/ack.hpp"

#include "tests/mappings/hl7v2/corpus.hpp"

#include <gmock/gmock.h>

namespace mappings::hl7v2::test {
namespace {

using fhir::IssueType;
using ::testing::HasSubstr;

AckHeader const kHeader{"ACK-9", "20240102030405+0000"};

Message asked(std::string_view version = "2.5.1", std::string_view rest = "") {
  return parse_or_throw("MSH|^~\\&|LAB|NORTH^1.2^ISO|HUB|CITY|2024||REF^I12^REF_I12|C 1~\\X|T|" +
                        std::string(version) + std::string(rest) + "\rPID|1\r");
}

fhir::Issues one(IssueType type, std::string source) {
  return {fhir::error(type, "say what is wrong", "", std::move(source))};
}

TEST(Ack, SwapsTheSidesAndEchoesTheControlIdByteForByte) {
  EXPECT_EQ(make_ack(asked(), "AA", kHeader, {}),
            "MSH|^~\\&|HUB|CITY|LAB|NORTH^1.2^ISO|20240102030405+0000||ACK^I12^ACK|ACK-9|T|2.5.1\rMSA|AA|C "
            "1~\\X\r");
}

TEST(Ack, KeepsTheAskersDelimiters) {
  auto const message = parse_or_throw("MSH#*!?@#LAB#N*1@2##### #REF*I12#C1#P#2.5.1\r");
  auto const ack = make_ack(message, "AE", kHeader, one(IssueType::value, "PID-7"));
  EXPECT_THAT(ack, ::testing::StartsWith("MSH#*!?@#"));
  EXPECT_THAT(ack, HasSubstr("\rERR##PID*1*7*1#102*Data type error*HL70357#E###say what is wrong#"));
}

// Found by fuzzing: our own "2.5.1" held the asker's field separator, and the answer was never written.
TEST(Ack, AnswersWhateverPunctuationSeparates) {
  for (std::string const& bytes :
       {std::string("MSH.#"), std::string("MSH.^~\\&.A.B.C.D.20250301..ADT^A01.1.P\r")}) {
    auto const nak = make_nak(bytes, {"N1", "20250301"}, {});
    fhir::Issues ignored;
    EXPECT_TRUE(Message::parse(nak, {}, ignored)) << nak;
    auto const message = Message::parse(bytes, {}, ignored);
    if (message) EXPECT_TRUE(parse_ack(make_ack(*message, "AA", {"N1", "20250301"}, {})));
  }
}

TEST(Ack, SaysItsKindAsTheVersionDoes) {
  EXPECT_THAT(make_ack(asked("2.2"), "AA", kHeader, {}), HasSubstr("||ACK|ACK-9|T|2.2\r"));
  EXPECT_THAT(make_ack(asked("2.3"), "AA", kHeader, {}), HasSubstr("||ACK^I12|ACK-9|T|2.3\r"));
  EXPECT_THAT(make_ack(asked("2.3.1"), "AA", kHeader, {}), HasSubstr("||ACK^I12^ACK|ACK-9|T|2.3.1\r"));
  EXPECT_THAT(make_ack(asked("2.5^FRA"), "AA", kHeader, {}), HasSubstr("|T|2.5^FRA\r"));
}

TEST(Ack, ErrNamesPlaceCodeAndSeverityFrom25On) {
  fhir::Issues issues = one(IssueType::required, "OBX[2]-5(3).4.1");
  issues.push_back(fhir::warning(IssueType::code_invalid, "not | in the table", "Patient.gender", "PID-8"));
  issues.push_back(fhir::error(IssueType::business_rule, "the referral is closed"));
  auto const ack = make_ack(asked(), "AE", kHeader, issues);
  EXPECT_THAT(
      ack, HasSubstr(
               "\rERR||OBX^2^5^3^4^1|101^Required field missing^HL70357|E|||say what is wrong|Required field "
               "missing at OBX[2]-5(3).4.1\r"));
  EXPECT_THAT(
      ack,
      HasSubstr(
          "\rERR||PID^1^8^1|103^Table value not found^HL70357|W|||not \\F\\ in the table (Patient.gender)|"));
  EXPECT_THAT(ack, HasSubstr("\rERR|||207^Application internal error^HL70357|E|business-rule^^HL70533||the "
                             "referral is closed|"));
}

TEST(Ack, ErrIsOneSegmentWithRepetitionsBefore25) {
  fhir::Issues issues = one(IssueType::required, "OBX[2]-5");
  issues.push_back(fhir::error(IssueType::exception, "else"));
  auto const ack = make_ack(asked("2.3"), "AE", kHeader, issues);
  EXPECT_THAT(ack, HasSubstr("\rMSA|AE|C 1~\\X|say what is wrong\r"));
  EXPECT_THAT(
      ack,
      HasSubstr(
          "\rERR|OBX^2^5^101&Required field missing&HL70357~^^^207&Application internal error&HL70357\r"));
}

TEST(Ack, WhatRefusedItIsSaidBeforeWhatWasForgiven) {
  fhir::Issues issues = {fhir::warning(IssueType::value, "an odd date", "", "PID-7")};
  EXPECT_THAT(make_ack(asked("2.3"), "AA", kHeader, issues),
              ::testing::EndsWith("\rMSA|AA|C 1~\\X|an odd date\r"))
      << "ERR-1 has no severity";
  issues.push_back(fhir::error(IssueType::required, "say what is wrong", "", "PID-3"));
  auto const old = make_ack(asked("2.3"), "AE", kHeader, issues);
  EXPECT_THAT(old, ::testing::EndsWith("\rMSA|AE|C 1~\\X|say what is wrong\r"
                                       "ERR|PID^1^3^101&Required field missing&HL70357\r"));
  auto const ack = make_ack(asked(), "AE", kHeader, issues);
  EXPECT_LT(ack.find("ERR||PID^1^3"), ack.find("ERR||PID^1^7"));
}

TEST(Ack, NamesWhatOfTheHeaderIsNotSupported) {
  auto const code = [](std::string source) {
    return make_ack(asked(), "AR", kHeader, one(IssueType::not_supported, std::move(source)));
  };
  EXPECT_THAT(code("MSH-9.1"), HasSubstr("|200^"));
  EXPECT_THAT(code("MSH-9.2"), HasSubstr("|201^"));
  EXPECT_THAT(code("MSH-11"), HasSubstr("|202^"));
  EXPECT_THAT(code("MSH-12"), HasSubstr("|203^"));
}

TEST(Ack, GoesBackInTheCharacterSetItWasAskedIn) {
  auto const message = parse_or_throw("MSH|^~\\&|M\xfcller|||||| REF^I12|C1|P|2.5.1||||||8859/1\r");
  auto const ack = make_ack(message, "AA", kHeader, {});
  EXPECT_THAT(ack, HasSubstr("|M\xfcller|"));
  EXPECT_THAT(ack, HasSubstr("|2.5.1||||||8859/1\r"));
}

TEST(Ack, EveryAnswerIsAMessageThatOurOwnClientReads) {
  for (std::string_view const version :
       {"2.1", "2.2", "2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.8", ""}) {
    for (std::string_view const code : {"AA", "AE", "AR", "CA", "CE", "CR"}) {
      auto const read =
          parse_ack(make_ack(asked(version), code, kHeader, one(IssueType::required, "OBX[2]-5")));
      ASSERT_TRUE(read) << version;
      EXPECT_EQ(read->code, code);
      EXPECT_EQ(read->control_id, "C 1~\\X");
      EXPECT_FALSE(read->has_application_content);
      EXPECT_EQ(read->is_positive(), code == "AA" || code == "CA");
      ASSERT_EQ(read->issues.size(), 1U);
      EXPECT_EQ(read->issues[0].code, IssueType::required);
      EXPECT_EQ(read->issues[0].source, "OBX[2]-5");
    }
  }
}

TEST(Nak, EchoesTheControlIdWhereItCanBeFound) {
  auto const nak = make_nak("MSH|^~\\&|LAB|NORTH|HUB|CITY|2024||REF^I12|C1|P|2.5.1\rPID|\x07\r", kHeader,
                            one(IssueType::value, "PID-1"));
  EXPECT_THAT(nak, ::testing::StartsWith("MSH|^~\\&|HUB|CITY|LAB|NORTH|"));
  EXPECT_THAT(nak, HasSubstr("\rMSA|AR|C1\rERR||PID^1^1^1|102^"));
  EXPECT_THAT(make_nak("MSH|^~\\&|A||||||REF^I12|C1|P|2.5\r", kHeader, {}, "AE"), HasSubstr("MSA|AE|C1\r"));
}

TEST(Nak, AnswersAnythingWithAMessageOfItsOwn) {
  using namespace std::string_view_literals;
  for (std::string_view const bytes :
       {""sv, "PID|1\r"sv, "MSH"sv, "MSH|"sv, "MSH||||\r"sv, "MSH|^^^^|A||||||X|C1|P|2.5\r"sv,
        "MSHAAAAAAAAAA"sv, "MSH\0\0\0\0\0\0"sv, "GET / HTTP/1.1"sv, "\xff\xfeM\0S\0H\0"sv,
        "MSH|^~\\&|A||||||X|C\x07|P|2.5\r"sv, "MSH#*!?@#a#b#c#d#e##f*g#h"sv,
        "MSH|^~\\&|\xff||||||A|C1|P|2.5||||||UNICODE UTF-8\r"sv}) {
    fhir::Issues warnings;
    auto const nak = make_nak(bytes, kHeader, one(IssueType::structure, "MSH"));
    auto const read = Message::parse(nak, {}, warnings);
    ASSERT_TRUE(read) << read.error().diagnostics;
    ASSERT_EQ(read->segment_id(1), "MSA");
    EXPECT_EQ(read->raw({1, 1}), "AR");
  }
  EXPECT_THAT(make_nak("PID|1\r", kHeader, {}), HasSubstr("MSA|AR\r"));
  EXPECT_THAT(make_nak("MSH#*!?@#a#b#c#d#e##f*g#h", kHeader, {}), HasSubstr("\rMSA#AR#h\r"));
}

TEST(AckRequest, OriginalModeWhereBothFieldsAreEmpty) {
  fhir::Issues warnings;
  auto const request = ack_request(asked(), warnings);
  EXPECT_FALSE(request.enhanced);
  EXPECT_EQ(request.application, AckCondition::always);
  EXPECT_EQ(request.accept, AckCondition::never);
}

TEST(AckRequest, ReadsTable0155AndIgnoresOtherCodesWithAWarning) {
  fhir::Issues warnings;
  auto const request = ack_request(asked("2.5.1", "|||ER|SU"), warnings);
  EXPECT_TRUE(request.enhanced);
  EXPECT_EQ(request.accept, AckCondition::on_error);
  EXPECT_EQ(request.application, AckCondition::on_success);
  EXPECT_TRUE(warnings.empty());
  EXPECT_FALSE(ack_request(asked("2.5.1", "|||ZZ"), warnings).enhanced);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_EQ(warnings[0].source, "MSH-15");
  EXPECT_TRUE(is_wanted(AckCondition::on_error, false));
  EXPECT_FALSE(is_wanted(AckCondition::on_error, true));
  EXPECT_FALSE(is_wanted(AckCondition::on_success, false));
  EXPECT_FALSE(is_wanted(AckCondition::never, false));
  EXPECT_TRUE(is_wanted(AckCondition::always, true));
}

TEST(ParseAck, TellsAnApplicationMessageFromAnAck) {
  auto const reply = parse_ack("MSH|^~\\&|A||||||RRI^I12^RRI_I12|7|P|2.5.1\rMSA|AA|C1\rRF1|A\r");
  ASSERT_TRUE(reply);
  EXPECT_TRUE(reply->has_application_content);
}

TEST(ParseAck, RefusesWhatIsNoAnswer) {
  std::string const header = "MSH|^~\\&|A||||||ACK|7|P|2.5.1\r";
  EXPECT_EQ(parse_ack("MSA|AA|C1\r").error().code, IssueType::structure);
  EXPECT_EQ(parse_ack("fail").error().code, IssueType::structure);
  EXPECT_EQ(parse_ack("").error().code, IssueType::structure);
  EXPECT_EQ(parse_ack(header).error().source, "MSA");
  EXPECT_EQ(parse_ack(header + "MSA||C1\r").error().source, "MSA-1");
  EXPECT_EQ(parse_ack(header + "MSA|OK|C1\r").error().code, IssueType::code_invalid);
  EXPECT_EQ(parse_ack(header + "MSA|AA\r").error().source, "MSA-2");
}

}  // namespace
}  // namespace mappings::hl7v2::test
