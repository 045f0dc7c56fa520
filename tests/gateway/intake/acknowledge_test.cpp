#include "gateway/intake/acknowledge.hpp"

#include <gtest/gtest.h>

namespace gateway::intake {
namespace {

mappings::hl7v2::Message message_with(std::string const& accept, std::string const& application) {
  fhir::Issues warnings;
  std::string const bytes =
      "MSH|^~\\&|A|B|C|D|20250301||ADT^A01|X1|P|2.5.1|||" + accept + "|" + application + "\rPID|1\r";
  auto parsed = mappings::hl7v2::Message::parse(bytes, {}, warnings);
  return std::move(*parsed);
}

AckHeaders headers() {
  return [] { return mappings::hl7v2::AckHeader{"N1", "20250301"}; };
}

std::string codes(std::vector<std::string> const& answers) {
  std::string all;
  for (std::string const& answer : answers) {
    auto const at = answer.find("MSA|");
    all += answer.substr(at + 4, 2) + " ";
  }
  return all;
}

struct Case {
  char const* name;
  char const* accept;
  char const* application;
  Verdict verdict;
  char const* codes;
};

class Answers : public testing::TestWithParam<Case> {};

TEST_P(Answers, FollowMsh15AndMsh16) {
  auto const& test = GetParam();
  EXPECT_EQ(codes(answers(message_with(test.accept, test.application), test.verdict, headers(), {})),
            test.codes);
}

INSTANTIATE_TEST_SUITE_P(Modes, Answers,
                         testing::Values(Case{"OriginalAccepted", "", "", Verdict::accepted, "AA "},
                                         Case{"OriginalError", "", "", Verdict::error, "AE "},
                                         Case{"OriginalRefused", "", "", Verdict::refused, "AR "},
                                         Case{"BothAlways", "AL", "AL", Verdict::accepted, "CA AA "},
                                         Case{"CommitOnly", "AL", "NE", Verdict::accepted, "CA "},
                                         Case{"Never", "NE", "NE", Verdict::accepted, ""},
                                         Case{"NeverEvenOnError", "NE", "NE", Verdict::error, ""},
                                         Case{"ErrorsOnlyAndFine", "ER", "NE", Verdict::accepted, ""},
                                         Case{"ErrorsOnlyAndWrong", "ER", "NE", Verdict::error, "CE "},
                                         Case{"ApplicationOnError", "NE", "ER", Verdict::refused, "AR "},
                                         Case{"SuccessOnly", "SU", "SU", Verdict::accepted, "CA AA "},
                                         Case{"UnknownCodeIsAbsent", "XX", "", Verdict::accepted, "AA "}),
                         [](auto const& test) { return std::string(test.param.name); });

mappings::hl7v2::Message parsed(std::string const& bytes) {
  fhir::Issues warnings;
  return mappings::hl7v2::Message::parse(bytes, {}, warnings).value();
}

// Two systems that acknowledge acknowledgments would thank each other for ever.
TEST(Acknowledgments, GetTheCommitAnswerThatTheyAskForAndNoneOfTheirOwn) {
  auto const ack = [](std::string const& conditions) {
    return parsed("MSH|^~\\&|A|B|C|D|20250301||ACK^A01^ACK|X1|P|2.5.1|||" + conditions + "\rMSA|AA|H1\r");
  };
  EXPECT_EQ(codes(answers(ack(""), Verdict::accepted, headers(), {})), "");
  EXPECT_EQ(codes(answers(ack(""), Verdict::error, headers(), {})), "");
  EXPECT_EQ(codes(answers(ack("AL|AL"), Verdict::accepted, headers(), {})), "CA ");
}

TEST(Receipts, AreRriWithRf1PendingAndTheReferralsOwnSegments) {
  auto const referral = parsed(
      "MSH|^~\\&|A|B|C|D|20250301||REF^I12^REF_I12|X1|P|2.5.1\rRF1|A|R|Med|RP|O|N-1^PCP|20250301\r"
      "PRD|RP|Hart^Lena\rPRD|RT|||||||1911111111^NPI\rPID|1||47^^^B^MR||Müller^Ann\rDG1|1||I10\r");
  std::string const receipt = make_receipt(referral, {"N1", "20250302", "AL"});
  EXPECT_EQ(receipt,
            "MSH|^~\\&|C|D|A|B|20250302||RRI^I12^RRI_I12|N1|P|2.5.1|||AL|NE\rMSA|AA|X1\r"
            "RF1|P|R|Med|RP|O|N-1^PCP|20250301\rPRD|RP|Hart^Lena\rPRD|RT|||||||1911111111^NPI\r"
            "PID|1||47^^^B^MR||Müller^Ann\r");
  auto const bare = parsed("MSH|^~\\&|A|B|C|D|20250301||REF^I12|X1|P|2.3\rPID|1||47\r");
  EXPECT_EQ(make_receipt(bare, {"N1", "20250302"}),
            "MSH|^~\\&|C|D|A|B|20250302||RRI^I12|N1|P|2.3\rMSA|AA|X1\rRF1|P\rPID|1||47\r");
}

TEST(JoinedAnswers, ComeApartAgain) {
  std::vector<std::string> const both{"MSH|1\r", "MSH|2\r"};
  EXPECT_EQ(split_answers(join_answers(both)), both);
  EXPECT_TRUE(split_answers(join_answers({})).empty());
}

}  // namespace
}  // namespace gateway::intake
