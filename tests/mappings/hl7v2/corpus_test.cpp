#include "tests/mappings/hl7v2/corpus.hpp"

#include "mappings/hl7v2/image.hpp"

#include <gmock/gmock.h>

#include <map>
#include <set>

namespace mappings::hl7v2::test {
namespace {

class Corpus : public ::testing::Test {
 protected:
  void SetUp() override {
    if (shared_directory().empty()) GTEST_SKIP() << "the shared corpora are absent";
  }
};

// Each of these must be refused, and why.
std::map<std::string, std::string> const kRefused{
    {"cosyte-hl7/batch/malformed-mid-batch.hl7#2", "ends before its delimiters"},
    {"cosyte-hl7/stream/malformed-mid-stream.hl7#2", "ends before its delimiters"},
    {"cosyte-hl7/malformed/empty-input.hl7", "does not start with MSH"},
    {"cosyte-hl7/malformed/msh-too-short.hl7", "ends before its delimiters"},
    {"cosyte-hl7/malformed/no-msh-segment.hl7", "does not start with MSH"},
    {"rethinkhealth-hl7v2/invalid-missing-msh.hl7", "does not start with MSH"},
    {"ruby-hl7/empty-batch.hl7", "does not start with MSH"},
    {"ruby-hl7/empty.hl7", "does not start with MSH"},
};

TEST_F(Corpus, HasTheFilesAndMessagesThatWereCounted) {
  EXPECT_EQ(corpus_file_count(), 372U);
  EXPECT_EQ(corpus_messages().size(), 396U);
}

TEST_F(Corpus, EveryMessageParsesOrIsRefusedForTheReasonListed) {
  std::set<std::string> refused;
  for (auto const& [name, bytes] : corpus_messages()) {
    fhir::Issues warnings;
    auto const message = Message::parse(bytes, {}, warnings);
    if (message) continue;
    refused.insert(name);
    if (!kRefused.contains(name)) {
      ADD_FAILURE() << name << ": " << message.error().diagnostics;
      continue;
    }
    EXPECT_THAT(message.error().diagnostics, ::testing::HasSubstr(kRefused.at(name))) << name;
  }
  EXPECT_EQ(refused.size(), kRefused.size());
}

TEST_F(Corpus, AnUntouchedImageWritesTheMessageBackByteForByte) {
  std::size_t seen = 0;
  for (auto const& [name, bytes] : corpus_messages()) {
    fhir::Issues warnings;
    auto const message = Message::parse(bytes, {}, warnings);
    if (!message) continue;
    ++seen;
    EXPECT_EQ(Image(*message).bytes(), message->bytes()) << name;
  }
  EXPECT_EQ(seen, corpus_messages().size() - kRefused.size());
}

TEST_F(Corpus, ParsingTheCanonicalBytesAgainChangesNothingAndWarnsOfNoBytes) {
  for (auto const& [name, bytes] : corpus_messages()) {
    fhir::Issues warnings;
    auto const message = Message::parse(bytes, {}, warnings);
    if (!message) continue;
    fhir::Issues again_warnings;
    auto const again = Message::parse(message->bytes(), {}, again_warnings);
    ASSERT_TRUE(again) << name;
    EXPECT_EQ(again->bytes(), message->bytes()) << name;
    EXPECT_LE(again_warnings.size(), warnings.size()) << name;
  }
}

// The bytes of a CR-terminated sample are canonical already: nothing may be added to or taken from them.
TEST_F(Corpus, CanonicalSamplesAreKeptAsTheyAre) {
  std::size_t seen = 0;
  for (auto const& [name, bytes] : corpus_messages()) {
    if (bytes.find('\n') != std::string::npos || bytes.find_first_of("\x0b\x1c\xef") != std::string::npos)
      continue;
    fhir::Issues warnings;
    auto const message = Message::parse(bytes, {}, warnings);
    if (!message || bytes.find("\r\r") != std::string::npos) continue;
    ++seen;
    EXPECT_EQ(message->bytes(), bytes.ends_with('\r') ? bytes : bytes + "\r") << name;
  }
  EXPECT_GT(seen, 150U);
}

TEST_F(Corpus, DelimitersCanBeChangedAndChangedBackWithoutLosingAValue) {
  Delimiters const other{'#', '*', '!', '?', '@'};
  for (auto const& [name, bytes] : corpus_messages()) {
    fhir::Issues warnings;
    auto const message = Message::parse(bytes, {}, warnings);
    if (!message) continue;
    Image image(*message);
    image.use_delimiters(other);
    fhir::Issues other_warnings;
    auto const changed = Message::parse(image.bytes(), {}, other_warnings);
    ASSERT_TRUE(changed) << name << ": " << changed.error().diagnostics;
    ASSERT_EQ(changed->segment_count(), message->segment_count()) << name;
    for (std::uint32_t segment = 0; segment < message->segment_count(); ++segment) {
      for (std::uint16_t field = segment == 0 ? 3 : 1; field <= message->field_count(segment); ++field) {
        Address const at{segment, field};
        ASSERT_EQ(changed->repetition_count(segment, field), message->repetition_count(segment, field))
            << name << " " << to_string(*message, at);
        for (std::uint16_t repetition = 1; repetition <= message->repetition_count(segment, field);
             ++repetition) {
          Address const whole{segment, field, repetition};
          auto const components = message->component_count(whole);
          ASSERT_EQ(changed->component_count(whole), components) << name << " " << to_string(*message, whole);
        }
      }
    }
  }
}

}  // namespace
}  // namespace mappings::hl7v2::test
