#include "mappings/hl7v2/batch.hpp"

#include "tests/mappings/hl7v2/corpus.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <map>

namespace mappings::hl7v2::test {
namespace {

using fhir::IssueType;
using ::testing::HasSubstr;

std::string const kMessage = "MSH|^~\\&|A||||||ADT^A01|1|P|2.5\rPID|1\r";

std::string shape(std::string_view bytes) {
  fhir::Issues warnings;
  auto const file = split_batch(bytes, warnings);
  if (!file) return std::string(to_code(file.error().code)) + " " + file.error().source;
  std::string text;
  for (auto const& batch : file->batches) text += std::to_string(batch.messages.size()) + " ";
  return text + (warnings.empty() ? "" : "warned");
}

TEST(Batch, CutsEveryFormOfEnvelope) {
  EXPECT_EQ(shape("FHS|^~\\&|A\rBHS|^~\\&|A\r" + kMessage + kMessage + "BTS|2\rFTS|1\r"), "2 ");
  EXPECT_EQ(shape("BHS|^~\\&|A\r" + kMessage + "BTS|1\r"), "1 ");
  EXPECT_EQ(shape(kMessage + kMessage), "2 ");
  EXPECT_EQ(shape("FHS|^~\\&|A\r" + kMessage + "FTS|1\r"), "1 ");
  EXPECT_EQ(shape("FHS|^~\\&\rBHS|^~\\&\r" + kMessage + "BTS|1\rBHS|^~\\&\r" + kMessage + "BTS\rFTS|2\r"),
            "1 1 ");
  EXPECT_EQ(shape("BHS|^~\\&|A\r" + kMessage), "1 warned");
  EXPECT_EQ(shape(""), "");
}

TEST(Batch, MessagesAreViewsFromTheirHeaderToTheNextEnvelope) {
  std::string const bytes = "BHS|^~\\&|A\r\n" + kMessage + kMessage + "BTS|2\r";
  fhir::Issues warnings;
  auto const file = split_batch(bytes, warnings);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->batches[0].header, "BHS|^~\\&|A");
  EXPECT_EQ(file->batches[0].trailer, "BTS|2");
  EXPECT_THAT(file->batches[0].messages, ::testing::Each(kMessage));
}

TEST(Batch, RefusesWrongCountsAndStraySegments) {
  EXPECT_EQ(shape("BHS|^~\\&|A\r" + kMessage + "BTS|2\r"), "incomplete BTS-1");
  EXPECT_EQ(shape("BHS|^~\\&|A\r" + kMessage + "BTS|many\r"), "incomplete BTS-1");
  EXPECT_EQ(shape("FHS|^~\\&|A\rFTS|1\r"), "incomplete FTS-1");
  EXPECT_EQ(shape("BHS|^~\\&|A\rPID|1\rBTS|1\r"), "structure ");
  EXPECT_EQ(shape(kMessage + "FTS|1\r" + kMessage), "structure ");
  EXPECT_EQ(shape("FHS|^~\\&\r" + kMessage + "FHS|^~\\&\r"), "structure ");
  EXPECT_EQ(shape("BTS|0\r"), "structure ");
}

TEST(Batch, OneBadMessageDoesNotStopTheOthers) {
  std::string const bytes = "BHS|^~\\&|A\r" + kMessage + "MSH|^~\r" + kMessage + "BTS|3\r";
  EXPECT_EQ(shape(bytes), "3 ");
}

TEST(Batch, IsToldFromAMessage) {
  EXPECT_TRUE(
      is_batch("\xef\xbb\xbf"
               "FHS|^~\\&\r"));
  EXPECT_TRUE(is_batch("\r\nBHS|^~\\&\r"));
  EXPECT_FALSE(is_batch(kMessage));
  EXPECT_FALSE(is_batch(""));
}

TEST(Batch, IsAnsweredByABatchOfAnswers) {
  std::string const bytes = "BHS#*!?@#A#B#C#D#2024####B-7\r" + kMessage + "BTS#1\r";
  fhir::Issues warnings;
  auto const file = split_batch(bytes, warnings);
  ASSERT_TRUE(file);
  AckHeader const header{"ACK-1", "2024"};
  auto const ack = make_ack(parse_or_throw(file->batches[0].messages[0]), "AA", header, {});
  auto const answer = make_batch_ack(file->batches[0], {ack, ack}, header);
  EXPECT_EQ(answer, "BHS#*!?@#C#D#A#B#2024####ACK-1#B-7\r" + ack + ack + "BTS#2\r");
  EXPECT_EQ(shape(answer), "2 ");
}

TEST(Batch, EverySampleOfTheFramingCorpusIsCutOrRefusedAsItMust) {
  if (shared_directory().empty()) GTEST_SKIP() << "the shared corpora are absent";
  std::map<std::string, std::string> const expected{
      {"sample_bad_batch.hl7", "structure "},
      {"sample_bad_batch1.hl7", "structure "},
      {"sample_bad_file.hl7", "structure "},
      {"sample_bad_file1.hl7", "structure "},
      {"sample_bad_file2.hl7", "structure "},
      {"sample_bad_file3.hl7", "structure "},
      {"sample_batch.hl7", "1 "},
      {"sample_batch1.hl7", "2 "},
      {"sample_batch2.hl7", "2 "},
      {"sample_batch3.hl7", "1 warned"},
      {"sample_batch4.hl7", "1 "},
      {"sample_file.hl7", "1 "},
      {"sample_file1.hl7", "2 1 "},
      {"sample_file2.hl7", "2 "},
      {"sample_file3.hl7", "1 warned"},
      {"sample_file4.hl7", "1 "},
      {"sample_file5.hl7", "1 warned"},
      {"sample_file6.hl7", "1 "},
  };
  std::size_t seen = 0;
  for (auto const& entry : std::filesystem::directory_iterator(shared_directory() + "/corpora/mllp/batch")) {
    if (entry.path().extension() != ".hl7") continue;
    ++seen;
    auto const name = entry.path().filename().string();
    ASSERT_TRUE(expected.contains(name)) << name;
    EXPECT_EQ(shape(read_file(entry.path().string())), expected.at(name)) << name;
  }
  EXPECT_EQ(seen, expected.size());
}

TEST(Batch, EveryBatchOfTheMessageCorpusIsCutOrRefusedAsItMust) {
  if (shared_directory().empty()) GTEST_SKIP() << "the shared corpora are absent";
  for (auto const& [name, expected] : std::map<std::string, std::string>{
           {"cosyte-hl7/batch/bare-message.hl7", "1 "},
           {"cosyte-hl7/batch/count-mismatch.hl7", "incomplete BTS-1"},
           {"cosyte-hl7/batch/malformed-mid-batch.hl7", "3 "},
           {"cosyte-hl7/batch/multi-batch-file.hl7", "2 1 "},
           {"cosyte-hl7/batch/single-batch.hl7", "2 "},
           {"cosyte-hl7/stream/large-batch.ndhl7", "12 "},
           {"ruby-hl7/empty-batch.hl7", "incomplete BTS-1"},
           {"ruby-hl7/realm/realm-batch.hl7", "2 "},
       }) {
    EXPECT_EQ(shape(read_file(shared_directory() + "/corpora/hl7v2/" + name)), expected) << name;
  }
}

}  // namespace
}  // namespace mappings::hl7v2::test
