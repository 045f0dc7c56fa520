/// What the maps cover and whether they fit FHIR R4 and the v2 dictionary: `handoff maps check`.
#include "mappings/language/check.hpp"

namespace mappings::language {

namespace {

std::string_view reason_of(Row const& row) {
  switch (row.kind) {
    case Row::Kind::drop:
      return row.literal.empty() ? std::string_view("dropped") : std::string_view(row.literal);
    case Row::Kind::literal_in:
    case Row::Kind::literal_out:
      return row.reason.empty() ? std::string_view("a constant") : std::string_view(row.reason);
    case Row::Kind::path:
    case Row::Kind::fact:
      break;
  }
  return row.reason;
}

RowReport report_of(Row const& row) {
  return {row.id, row.at.file, row.at.line, row.row_class, reason_of(row), row.v2_text, row.fhir_text};
}

}  // namespace

void Findings::add(fhir::Severity severity, SourceAt const& at, std::string_view id, std::string what) {
  std::string source = at.file + ":" + std::to_string(at.line) + ":" + std::to_string(at.column);
  if (!id.empty()) source.append(" ").append(id);
  if (!known_.emplace(source, what).second) return;
  issues_.push_back({severity, fhir::IssueType::structure, std::move(what), {}, std::move(source)});
}

std::vector<RowReport> rows(Maps const& maps) {
  std::vector<RowReport> all;
  for (SegmentMap const& map : maps.program().segments) {
    for (Row const& row : map.rows) all.push_back(report_of(row));
  }
  for (Row const& row : maps.program().structure_rows) all.push_back(report_of(row));
  return all;
}

fhir::Issues check(Maps const& maps) {
  Findings findings;
  check_paths(maps.program(), findings);
  check_places(maps.program(), findings);
  check_structures(maps.program(), findings);
  check_kept(maps.program(), findings);
  return findings.take();
}

}  // namespace mappings::language
