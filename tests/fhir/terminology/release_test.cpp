#include "fhir/terminology/release/release.hpp"

#include <gtest/gtest.h>

namespace fhir::terminology {
namespace {

/// Every record in one line, or the Issue; the bytes come in pieces of that size.
std::string records(Delimiter delimiter, std::string_view bytes, std::size_t piece = 1000) {
  RecordReader reader(delimiter, "file");
  std::string out;
  auto const visit = [&](RecordReader::Record record) -> Result<void> {
    for (std::string_view const field : record) out += "[" + std::string(field) + "]";
    out += ';';
    return {};
  };
  for (std::size_t i = 0; i < bytes.size(); i += piece) {
    if (auto const fed = reader.feed(bytes.substr(i, piece), visit); !fed) return to_line(fed.error());
  }
  if (auto const done = reader.finish(visit); !done) return to_line(done.error());
  return out;
}

TEST(RecordReader, ReadsTabsPipesAndQuotedCommas) {
  EXPECT_EQ(records(Delimiter::tab, "a\tb\r\nc\t\"d\n"), "[a][b];[c][\"d];");
  EXPECT_EQ(records(Delimiter::pipe, "a|b||\n"), "[a][b][][];");
  EXPECT_EQ(records(Delimiter::comma, "\xEF\xBB\xBF\"a,\"\"b\"\"\",c\r\n\"two\nlines\",\r\n"),
            "[a,\"b\"][c];[two\nlines][];");
  EXPECT_EQ(records(Delimiter::tab, "a\tb"), "[a][b];");
}

TEST(RecordReader, AnySplitOfTheBytesYieldsTheSameRecords) {
  std::string const bytes = "\xEF\xBB\xBF\"a,\"\"b\",c\r\n\"two\nlines\",\r\nlast,one";
  std::string const whole = records(Delimiter::comma, bytes);
  for (std::size_t piece = 1; piece < bytes.size(); ++piece)
    EXPECT_EQ(records(Delimiter::comma, bytes, piece), whole) << piece;
}

TEST(RecordReader, NamesTheLineOfWhatItCannotRead) {
  EXPECT_EQ(records(Delimiter::tab, "a\n\xC3(\n"), "error structure file line 2: the record is not UTF-8");
  EXPECT_EQ(records(Delimiter::comma, "a\n\"b"), "error structure file line 1: a quoted field is not closed");
  EXPECT_EQ(records(Delimiter::comma, "\"b\"c\n"),
            "error structure file line 1: a comma follows a quoted field");
  EXPECT_TRUE(records(Delimiter::tab, std::string(kRecordBytesMax + 2, 'x'))
                  .starts_with("error too-costly file line 1"));
  EXPECT_TRUE(records(Delimiter::tab, std::string(kFieldsMax, '\t') + "\n")
                  .starts_with("error too-costly file line 1"));
}

/// Writes down what it is told.
class Notes : public ReleaseSink {
 public:
  Result<void> add_concept(std::string_view code, std::string_view display, bool inactive) override {
    return note("concept", {code, display, inactive ? "inactive" : "active"});
  }
  Result<void> add_designation(std::string_view id, std::string_view concept_code, std::string_view language,
                               std::string_view use, std::string_view value) override {
    return note("designation", {id, concept_code, language, use, value});
  }
  Result<void> prefer(std::string_view id, int rank) override {
    return note("prefer", {id, std::to_string(rank)});
  }
  Result<void> add_parent(std::string_view child, std::string_view parent) override {
    return note("parent", {child, parent});
  }
  Result<void> add_property(std::string_view concept_code, std::string_view property, std::string_view type,
                            std::string_view value) override {
    return note("property", {concept_code, property, type, value});
  }
  void note_version(std::string_view version) override { text += "version " + std::string(version) + "\n"; }

  std::string text;

 private:
  Result<void> note(std::string_view what, std::initializer_list<std::string_view> parts) {
    text += what;
    for (std::string_view const part : parts) text += " [" + std::string(part) + "]";
    text += '\n';
    return {};
  }
};

std::string told(Release release, std::string_view name, std::string_view bytes) {
  Notes notes;
  auto const file = open_release_file(release, name, notes);
  if (!file) return "no such file";
  if (auto const fed = file->feed(bytes); !fed) return to_line(fed.error());
  if (auto const done = file->finish(); !done) return to_line(done.error());
  return notes.text;
}

TEST(Release, ReadsSnomedByColumnsWhateverTheirOrder) {
  EXPECT_EQ(
      told(Release::snomed_ct, "sct2_Concept_Snapshot_US1000124_20250301.txt", "active\tid\n1\t11\n0\t12\n"),
      "version http://snomed.info/sct/731000124108/version/20250301\nconcept [11] [] [active]\nconcept [12] "
      "[] "
      "[inactive]\n");
  EXPECT_EQ(
      told(Release::snomed_ct, "sct2_Relationship_Snapshot_INT.txt",
           "active\tsourceId\tdestinationId\ttypeId\n1\t2\t1\t116680003\n1\t2\t3\t4\n0\t2\t5\t116680003\n"),
      "parent [2] [1]\nproperty [2] [4] [valueCode] [3]\n");
}

TEST(Release, RefusesFilesOfOtherColumns) {
  EXPECT_EQ(told(Release::snomed_ct, "sct2_Concept_Snapshot_INT.txt", "id\tname\n"),
            "error structure sct2_Concept_Snapshot_INT.txt line 1: the file has no column active");
  EXPECT_EQ(told(Release::snomed_ct, "sct2_Concept_Snapshot_INT.txt", ""),
            "error structure sct2_Concept_Snapshot_INT.txt line 0: the file is empty: it has no line that "
            "names its columns");
  EXPECT_EQ(told(Release::snomed_ct, "sct2_Concept_Snapshot_INT.txt", "id\tactive\n11\n"),
            "error structure sct2_Concept_Snapshot_INT.txt line 2: the record has 1 fields, not 2");
  EXPECT_EQ(told(Release::rxnorm, "RXNCONSO.RRF", "1|ENG|\n"),
            "error structure RXNCONSO.RRF line 1: the record has 3 fields, not 18");
  EXPECT_EQ(told(Release::snomed_ct, "sct2_Concept_Full_INT.txt", ""), "no such file");
  EXPECT_EQ(told(Release::loinc, "LoincPartLink.csv", ""), "no such file");
}

}  // namespace
}  // namespace fhir::terminology
