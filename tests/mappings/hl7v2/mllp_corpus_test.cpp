// The payloads of the framing corpus, without their frames: what the codec itself must accept, refuse or
// keep.
#include "mappings/hl7v2/ack.hpp"
#include "mappings/hl7v2/batch.hpp"
#include "mappings/hl7v2/escape.hpp"
#include "mappings/hl7v2/image.hpp"
#include "tests/mappings/hl7v2/corpus.hpp"

#include <gmock/gmock.h>

#include <filesystem>

namespace mappings::hl7v2::test {
namespace {

using fhir::IssueType;
using ::testing::HasSubstr;

class MllpCorpus : public ::testing::Test {
 protected:
  void SetUp() override {
    if (shared_directory().empty()) GTEST_SKIP() << "the shared corpora are absent";
  }

  static std::string payload(std::string_view prefix) {
    for (auto const& entry :
         std::filesystem::directory_iterator(shared_directory() + "/corpora/mllp/framing")) {
      if (!entry.path().filename().string().starts_with(prefix)) continue;
      auto const frame = read_file(entry.path().string());
      return frame.substr(1, frame.size() - 3);  // VT ... FS CR
    }
    throw std::runtime_error("no such vector: " + std::string(prefix));
  }

  static fhir::Result<Message> parse(std::string_view prefix) {
    fhir::Issues warnings;
    return Message::parse(payload(prefix), {}, warnings);
  }
};

TEST_F(MllpCorpus, AByteOrderMarkIsStrippedWithAWarning) {
  fhir::Issues warnings;
  auto const message = Message::parse(payload("24-"), {}, warnings);
  ASSERT_TRUE(message);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_THAT(warnings[0].diagnostics, HasSubstr("byte order mark"));
}

TEST_F(MllpCorpus, Utf16IsRefused) { EXPECT_EQ(parse("25-").error().code, IssueType::structure); }

TEST_F(MllpCorpus, UndeclaredLatin1IsReadAsLatin1) {
  auto const message = parse("26-");
  ASSERT_TRUE(message);
  EXPECT_EQ(message->charset(), "8859/1");
  EXPECT_THAT(std::string(message->raw({3, 5})), HasSubstr("ü"));
}

TEST_F(MllpCorpus, InvalidBytesInDeclaredUtf8AreRefused) {
  auto const message = parse("27-");
  ASSERT_FALSE(message);
  EXPECT_EQ(message.error().code, IssueType::value);
  EXPECT_EQ(message.error().source, "PID-5");
}

TEST_F(MllpCorpus, NoHeaderIsRefused) { EXPECT_EQ(parse("28-").error().code, IssueType::structure); }

TEST_F(MllpCorpus, AnEmptyControlIdCannotBeAnswered) {
  auto const message = parse("29-");
  ASSERT_TRUE(message);
  EXPECT_EQ(check_identifiable(*message).error().source, "MSH-10");
}

TEST_F(MllpCorpus, OtherDelimitersAreTakenFromTheHeader) {
  auto const message = parse("32-");
  ASSERT_TRUE(message);
  EXPECT_EQ(message->delimiters(), (Delimiters{'#', '*', '!', '?', '@'}));
  EXPECT_EQ(message->raw({3, 3, 1, 5}), "MR");
}

TEST_F(MllpCorpus, AControlIdIsKeptByteForByte) {
  auto const message = parse("33-");
  ASSERT_TRUE(message);
  EXPECT_EQ(message->control_id(), "ID\\X~1 ");
}

TEST_F(MllpCorpus, TwoMessagesInOneFrameAreNeverOne) {
  EXPECT_THAT(parse("38-").error().diagnostics, HasSubstr("two MSH segments"));
}

TEST_F(MllpCorpus, ABatchInOneFrameIsCutAndItsCountChecked) {
  fhir::Issues warnings;
  auto const good_bytes = payload("39-");
  auto const good = split_batch(good_bytes, warnings);
  ASSERT_TRUE(good);
  EXPECT_EQ(good->batches.at(0).messages.size(), 2U);
  auto const bad_bytes = payload("40-");
  auto const bad = split_batch(bad_bytes, warnings);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().diagnostics, "BTS-1 says 3, 2 are present");
}

TEST_F(MllpCorpus, AnAckConditionOutsideItsTableCountsAsAbsent) {
  fhir::Issues warnings;
  EXPECT_FALSE(ack_request(*parse("37-"), warnings).enhanced);
  EXPECT_EQ(warnings.size(), 1U);
  auto const never = ack_request(*parse("35-"), warnings);
  EXPECT_TRUE(never.enhanced);
  EXPECT_FALSE(is_wanted(never.accept, true));
  EXPECT_EQ(ack_request(*parse("36-"), warnings).accept, AckCondition::on_error);
}

TEST_F(MllpCorpus, AnAnswerMustBeAMessageThatNamesTheOneAnswered) {
  auto const wrong = parse_ack(payload("45-"));
  ASSERT_TRUE(wrong);
  EXPECT_EQ(wrong->control_id, "OTHER");
  EXPECT_FALSE(parse_ack(payload("46-")));
  EXPECT_FALSE(parse_ack(payload("47-")));
  auto const unframed =
      parse_ack(read_file(shared_directory() + "/corpora/mllp/framing/44-ack-unframed.bin"));
  ASSERT_TRUE(unframed);
  EXPECT_EQ(unframed->control_id, "FR0001");
}

TEST_F(MllpCorpus, WhatCannotBeReadIsAnsweredWithWhatCanBeFound) {
  AckHeader const header{"N1", "2026"};
  EXPECT_THAT(make_nak(payload("27-"), header, {}), HasSubstr("MSA|AR|FR0027\r"));
  EXPECT_THAT(make_nak(payload("28-"), header, {}), HasSubstr("MSA|AR\r"));
  EXPECT_THAT(make_nak(payload("29-"), header, {}), HasSubstr("MSA|AR\r"));
  EXPECT_THAT(make_ack(*parse("33-"), "AA", header, {}), HasSubstr("MSA|AA|ID\\X~1 \r"));
  EXPECT_THAT(make_ack(*parse("32-"), "AA", header, {}), HasSubstr("MSA#AA#"));
}

TEST_F(MllpCorpus, ASequenceNumberIsRead) { EXPECT_EQ(parse("41-")->raw({0, 13}), "0"); }

TEST_F(MllpCorpus, AnEscapedTerminatorNeverBecomesOneWhenWrittenAgain) {
  auto const message = parse("48-");
  ASSERT_TRUE(message);
  Address const at{3, 5, 1, 2};
  EXPECT_THAT(message->text(at), HasSubstr("\rOBX"));
  Image image(*message);
  image.set_text(at, message->text(at));
  EXPECT_EQ(image.bytes(), message->bytes());
}

TEST_F(MllpCorpus, AllFiveEscapesRoundTripByteForByte) {
  auto const message = parse("49-");
  ASSERT_TRUE(message);
  Address const at{3, 5, 1, 2};
  EXPECT_EQ(message->text(at), "O|BRIEN^A&B~C\\D");
  EXPECT_EQ(encode(message->text(at), message->delimiters()), message->raw(at));
}

TEST_F(MllpCorpus, ControlCharactersInAFieldAreRefusedByTheirPlace) {
  auto const message = parse("50-");
  ASSERT_FALSE(message);
  EXPECT_EQ(message.error().code, IssueType::value);
  EXPECT_EQ(message.error().source, "PID-5");
}

}  // namespace
}  // namespace mappings::hl7v2::test
