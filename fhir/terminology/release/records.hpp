/// The records of a delimited file, fed in pieces of any size.
/// Source: SNOMED CT Release File Specification (tabs, no quoting); RFC 4180 (LOINC's tables); UMLS RRF
/// (pipes).
#pragma once

#include "fhir/result.hpp"

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fhir::terminology {

enum class Delimiter : char { tab = '\t', comma = ',', pipe = '|' };

constexpr std::size_t kRecordBytesMax = 1024 * 1024;
constexpr std::size_t kFieldsMax = 512;

class RecordReader {
 public:
  using Record = std::span<std::string_view const>;
  /// Told each record; its fields are good for the call only.
  using Visit = std::function<Result<void>(Record)>;

  /// `name` is the file's, for Issues.
  RecordReader(Delimiter delimiter, std::string name) : delimiter_(delimiter), name_(std::move(name)) {}

  /// Errors, with file and line as source: structure (invalid UTF-8, a quote that is not closed, a NUL),
  /// too_costly (a record or its fields beyond the limits), and what `visit` says.
  Result<void> feed(std::string_view bytes, Visit const& visit);
  /// The end of the file: a last record without a line end.
  Result<void> finish(Visit const& visit);

  /// An Issue at the record last read.
  Issue issue(IssueType code, std::string why) const;

 private:
  Result<void> scan(Visit const& visit);
  Result<void> take(std::string_view record, Visit const& visit);
  Result<void> split(std::string_view record);
  Result<void> split_quoted(std::string_view record);

  Delimiter delimiter_;
  std::string name_;
  std::string rest_;          // what was fed and is no whole record yet
  std::size_t searched_ = 0;  // how much of it has been looked through
  bool begun_ = false;        // past the byte order mark, if there is one
  bool in_quotes_ = false;
  std::size_t line_ = 0;
  std::vector<std::string_view> fields_;
  std::string unquoted_;
};

}  // namespace fhir::terminology
