#include "mappings/hl7v2/batch.hpp"

#include "mappings/hl7v2/escape.hpp"
#include "mappings/hl7v2/split.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace mappings::hl7v2 {
namespace {

using fhir::IssueType;

bool is_alphanumeric(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool is_line_of(std::string_view line, std::string_view id) {
  return line.starts_with(id) && (line.size() == id.size() || !is_alphanumeric(line[id.size()]));
}

std::string_view without_mark(std::string_view bytes) {
  if (bytes.starts_with("\xef\xbb\xbf")) bytes.remove_prefix(3);
  return bytes;
}

std::string_view field_of(std::string_view line, std::size_t number) {
  return line.size() < 4 ? std::string_view{} : nth_part(line, line[3], number).value_or(std::string_view{});
}

/// BTS-1 or FTS-1 against what is there. An empty count says nothing and is passed.
fhir::Result<void> check_count(std::string_view line, std::size_t found, std::string_view field) {
  auto const stated = field_of(line, 2);
  if (stated.empty()) return {};
  std::size_t count = 0;
  auto const [end, failure] = std::from_chars(stated.data(), stated.data() + stated.size(), count);
  if (failure != std::errc{} || end != stated.data() + stated.size()) {
    return fhir::error(IssueType::incomplete, std::string(field) + " is no number", "", std::string(field));
  }
  if (count == found) return {};
  return fhir::error(
      IssueType::incomplete,
      std::string(field) + " says " + std::to_string(count) + ", " + std::to_string(found) + " are present",
      "", std::string(field));
}

/// Takes the lines one by one; `batch_` is open between BHS, or the first MSH without one, and BTS.
class Splitter {
 public:
  explicit Splitter(fhir::Issues& warnings) : warnings_(warnings) {}

  fhir::Result<void> take(std::string_view line) {
    if (line.find_first_not_of(" \t\r\n\x0b\x1c") == std::string_view::npos) {
      extend_message(line);
      return {};
    }
    if (closed_) return out_of_order("a segment stands behind FTS");
    if (is_line_of(line, "FHS")) return take_file_header(line);
    if (is_line_of(line, "BHS")) return take_batch_header(line);
    if (is_line_of(line, "MSH")) return take_message(line);
    if (is_line_of(line, "BTS")) return take_batch_trailer(line);
    if (is_line_of(line, "FTS")) return take_file_trailer(line);
    if (!in_message_) return out_of_order("a segment stands outside any message");
    extend_message(line);
    return {};
  }

  fhir::Result<BatchFile> finish() {
    if (open_) close_batch();
    if (!file_.header.empty() && file_.trailer.empty()) warn("FHS without FTS", "FTS");
    return std::move(file_);
  }

 private:
  static std::string_view text_of(std::string_view line) {
    return line.substr(0, line.find_first_of("\r\n"));
  }

  fhir::Issue out_of_order(char const* what) { return fhir::error(IssueType::structure, what); }

  void warn(char const* what, char const* place) {
    warnings_.push_back(fhir::warning(IssueType::incomplete, what, "", place));
  }

  void extend_message(std::string_view line) {
    if (!in_message_) return;
    auto& message = file_.batches.back().messages.back();
    message = {message.data(), static_cast<std::size_t>(line.data() + line.size() - message.data())};
  }

  void close_batch() {
    auto const& batch = file_.batches.back();
    if (!batch.header.empty() && batch.trailer.empty())
      warn("BHS without BTS: the batch may have been cut", "BTS");
    open_ = in_message_ = false;
  }

  fhir::Result<void> take_file_header(std::string_view line) {
    if (!file_.header.empty() || !file_.batches.empty()) return out_of_order("FHS stands inside a file");
    file_.header = text_of(line);
    return {};
  }

  fhir::Result<void> take_batch_header(std::string_view line) {
    if (open_) close_batch();
    file_.batches.push_back({text_of(line), {}, {}});
    open_ = true;
    return {};
  }

  fhir::Result<void> take_message(std::string_view line) {
    if (!open_) file_.batches.emplace_back();
    open_ = in_message_ = true;
    file_.batches.back().messages.push_back(line);
    return {};
  }

  fhir::Result<void> take_batch_trailer(std::string_view line) {
    if (!open_) return out_of_order("BTS closes no batch");
    auto& batch = file_.batches.back();
    batch.trailer = text_of(line);
    FHIR_CHECK(check_count(batch.trailer, batch.messages.size(), "BTS-1"));
    close_batch();
    return {};
  }

  fhir::Result<void> take_file_trailer(std::string_view line) {
    if (open_) close_batch();
    file_.trailer = text_of(line);
    closed_ = true;
    return check_count(file_.trailer, file_.batches.size(), "FTS-1");
  }

  fhir::Issues& warnings_;
  BatchFile file_;
  bool open_ = false;
  bool in_message_ = false;
  bool closed_ = false;
};

}  // namespace

bool is_batch(std::string_view bytes) {
  bytes = without_mark(bytes);
  bytes.remove_prefix(std::min(bytes.find_first_not_of("\r\n\t \x0b"), bytes.size()));
  return is_line_of(bytes, "FHS") || is_line_of(bytes, "BHS");
}

fhir::Result<BatchFile> split_batch(std::string_view bytes, fhir::Issues& warnings) {
  bytes = without_mark(bytes);
  Splitter splitter(warnings);
  while (!bytes.empty()) {
    // A line keeps its end, so that a message is one view from its MSH to the next envelope.
    if (bytes.front() == '\x0b') bytes.remove_prefix(1);
    auto end = bytes.find_first_of("\r\n");
    end = end == std::string_view::npos ? bytes.size() : end + 1;
    FHIR_CHECK(splitter.take(bytes.substr(0, end)));
    bytes.remove_prefix(end);
  }
  return splitter.finish();
}

std::string make_batch_ack(Batch const& batch, std::vector<std::string> const& acks,
                           AckHeader const& header) {
  char const separator = batch.header.size() > 3 ? batch.header[3] : '|';
  auto const encoding = field_of(batch.header, 2);
  Delimiters delimiters;
  delimiters.field = separator;
  std::string answer = "BHS";
  auto const add = [&](std::string_view value) {
    answer += separator;
    answer += value;
  };
  add(encoding.empty() ? "^~\\&" : encoding);
  for (std::size_t const field : {5U, 6U, 3U, 4U}) add(field_of(batch.header, field));
  add(encode(header.timestamp, delimiters));
  for (int empty = 8; empty <= 10; ++empty) add("");
  add(encode(header.control_id, delimiters));
  add(field_of(batch.header, 11));
  answer += '\r';
  for (auto const& ack : acks) answer += ack;
  answer += "BTS";
  add(std::to_string(acks.size()));
  answer += '\r';
  return answer;
}

}  // namespace mappings::hl7v2
