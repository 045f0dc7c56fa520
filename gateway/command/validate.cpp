#include "mappings/hl7v2/validate.hpp"

#include "fhir/json/reader.hpp"
#include "fhir/validate/structure.hpp"
#include "gateway/command/commands.hpp"
#include "gateway/command/setup.hpp"
#include "gateway/rest/outcome.hpp"
#include "mappings/hl7v2/batch.hpp"

#include <algorithm>
#include <iostream>

namespace gateway::command {

namespace {

namespace hl7v2 = mappings::hl7v2;

/// Whether the bytes are HL7 v2 (a message, a row of them, a batch) rather than a resource.
bool is_v2(std::string_view bytes) {
  auto const begin = bytes.find_first_not_of("\x0b\xef\xbb\xbf\r\n ");
  if (begin == std::string_view::npos) return false;
  bytes.remove_prefix(begin);
  return bytes.starts_with("MSH") || bytes.starts_with("FHS") || bytes.starts_with("BHS");
}

/// Of every message in the file; from the second on each place begins with its number: "#2 PID-3".
fhir::Issues findings_in_v2(std::string_view bytes) {
  fhir::Issues issues;
  auto const file = hl7v2::split_batch(bytes, issues);
  if (!file) return {file.error()};
  std::size_t number = 0;
  for (hl7v2::Batch const& batch : file->batches) {
    for (std::string_view const part : batch.messages) {
      fhir::Issues found;
      auto const message = hl7v2::Message::parse(part, {}, found);
      if (!message) found.push_back(message.error());
      if (message)
        for (auto& finding : hl7v2::validate(*message)) found.push_back(std::move(finding.issue));
      if (++number > 1)
        for (fhir::Issue& one : found) one.source = "#" + std::to_string(number) + " " + one.source;
      issues.insert(issues.end(), found.begin(), found.end());
    }
  }
  return issues;
}

fhir::Issues findings_in(std::string const& path) {
  auto const bytes = read_file(path);
  if (!bytes) return {bytes.error()};
  if (is_v2(*bytes)) return findings_in_v2(*bytes);
  auto const document = fhir::json::read_document(*bytes);
  if (!document) return {document.error()};
  fhir::Issues issues;
  fhir::validate::validate_structure(document->root, issues);
  return issues;
}

}  // namespace

int validate(std::vector<std::string> const& files) {
  int code = kDone;
  for (std::string const& file : files) {
    fhir::Issues const issues = findings_in(file);
    std::cout << rest::to_outcome(issues) << "\n";
    bool const has_error = std::ranges::any_of(
        issues, [](fhir::Issue const& issue) { return issue.severity <= fhir::Severity::error; });
    if (has_error) code = kRefused;
  }
  return code;
}

}  // namespace gateway::command
