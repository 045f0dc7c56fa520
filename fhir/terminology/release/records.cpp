#include "fhir/terminology/release/records.hpp"

#include <fmt/format.h>

namespace fhir::terminology {

namespace {

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    auto const byte = static_cast<unsigned char>(text[i]);
    std::size_t const size = byte < 0x80                   ? 1
                             : byte >= 0xC2 && byte < 0xE0 ? 2
                             : byte >= 0xE0 && byte < 0xF0 ? 3
                             : byte >= 0xF0 && byte < 0xF5 ? 4
                                                           : 0;
    if (size == 0 || i + size > text.size() || byte == 0) return false;
    for (std::size_t k = 1; k < size; ++k) {
      if ((static_cast<unsigned char>(text[i + k]) & 0xC0) != 0x80) return false;
    }
    i += size;
  }
  return true;
}

}  // namespace

Issue RecordReader::issue(IssueType code, std::string why) const {
  return error(code, std::move(why), {}, fmt::format("{} line {}", name_, line_));
}

Result<void> RecordReader::feed(std::string_view bytes, Visit const& visit) {
  rest_.append(bytes);
  return begun_ || rest_.size() >= 3 ? scan(visit) : Result<void>{};
}

Result<void> RecordReader::scan(Visit const& visit) {
  if (!begun_ && rest_.starts_with("\xEF\xBB\xBF"))
    rest_.erase(0, 3);  // whole only now: pieces may be shorter
  begun_ = true;
  std::size_t from = 0;
  for (; searched_ < rest_.size(); ++searched_) {
    char const c = rest_[searched_];
    if (c == '"' && delimiter_ == Delimiter::comma) in_quotes_ = !in_quotes_;
    if (c != '\n' || in_quotes_) continue;
    FHIR_CHECK(take(std::string_view(rest_).substr(from, searched_ - from), visit));
    from = searched_ + 1;
  }
  rest_.erase(0, from);
  searched_ = rest_.size();
  if (rest_.size() <= kRecordBytesMax) return {};
  ++line_;
  return issue(IssueType::too_costly, fmt::format("a record has at most {} bytes", kRecordBytesMax));
}

Result<void> RecordReader::finish(Visit const& visit) {
  if (!begun_) FHIR_CHECK(scan(visit));
  if (in_quotes_) return issue(IssueType::structure, "a quoted field is not closed");
  if (rest_.empty()) return {};
  std::string const last = std::move(rest_);
  rest_.clear();
  return take(last, visit);
}

Result<void> RecordReader::take(std::string_view record, Visit const& visit) {
  ++line_;
  if (record.ends_with('\r')) record.remove_suffix(1);
  if (record.empty()) return {};
  if (!is_utf8(record)) return issue(IssueType::structure, "the record is not UTF-8");
  FHIR_CHECK(delimiter_ == Delimiter::comma ? split_quoted(record) : split(record));
  if (fields_.size() > kFieldsMax)
    return issue(IssueType::too_costly, fmt::format("a record has at most {} fields", kFieldsMax));
  return visit(fields_);
}

Result<void> RecordReader::split(std::string_view record) {
  fields_.clear();
  for (;;) {
    auto const end = record.find(static_cast<char>(delimiter_));
    fields_.push_back(record.substr(0, end));
    if (end == std::string_view::npos) return {};
    record.remove_prefix(end + 1);
  }
}

Result<void> RecordReader::split_quoted(std::string_view record) {
  unquoted_.clear();
  unquoted_.reserve(record.size());  // so that views into it stay good
  fields_.clear();
  std::size_t i = 0;
  for (;;) {
    std::size_t const from = unquoted_.size();
    if (i < record.size() && record[i] == '"') {
      for (++i;; ++i) {
        if (i >= record.size()) return issue(IssueType::structure, "a quoted field is not closed");
        if (record[i] != '"') {
          unquoted_ += record[i];
        } else if (i + 1 < record.size() && record[i + 1] == '"') {
          unquoted_ += record[i++];
        } else {
          break;
        }
      }
      ++i;
      if (i < record.size() && record[i] != ',')
        return issue(IssueType::structure, "a comma follows a quoted field");
    } else {
      while (i < record.size() && record[i] != ',') unquoted_ += record[i++];
    }
    fields_.push_back(std::string_view(unquoted_).substr(from));
    if (i >= record.size()) return {};
    ++i;
  }
}

}  // namespace fhir::terminology
