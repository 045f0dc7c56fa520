#include "mappings/coverage/coverage.hpp"
#include "mappings/coverage/text.hpp"
#include "mappings/types/pair.hpp"

namespace mappings::coverage {

namespace {

/// Cell `at`; "" where the line ends before it or says `-`.
std::string cell(std::vector<std::string> const& cells, std::size_t at) {
  return at < cells.size() && cells[at] != "-" ? cells[at] : "";
}

/// A line that says how a sheet is compared; false: it is none.
bool read_way(std::vector<std::string> const& cells, Way& way) {
  way.sheet = cell(cells, 1);
  way.by = cell(cells, 2);
  if (cells[0] == "via" && cells.size() >= 4 && cells.size() <= 6) {
    way.kind = Way::Kind::pair;
    auto const end = cells[3].data() + cells[3].size();
    if (std::from_chars(cells[3].data(), end, way.part).ptr != end || cells[3].empty()) return false;
    way.element = cell(cells, 4);
    way.sample = cell(cells, 5);
    return types::find_pair(way.by) != nullptr;
  }
  if (cells[0] == "rows" && (cells.size() == 3 || cells.size() == 4)) {
    way.kind = Way::Kind::rows;
    way.element = cell(cells, 3);
    if (auto const of = way.by.find(" of "); of != std::string::npos) {
      way.sample = way.by.substr(of + 4);
      way.by.resize(of);
    }
    return true;
  }
  if (cells[0] == "events" && cells.size() == 4) {
    way.kind = Way::Kind::events;
    way.element = cells[3];
    return true;
  }
  return false;
}

}  // namespace

fhir::Result<Reasons> parse_reasons(std::string_view text) {
  Reasons all;
  std::size_t number = 0;
  for (std::string const& line : split(text, "\n")) {
    ++number;
    if (line.empty() || line[0] == '#') continue;
    auto const cells = split(line, " | ");
    if (Way way; read_way(cells, way)) {
      way.line = number;
      all.ways.push_back(std::move(way));
      continue;
    }
    bool const known = cells[0] == "deviates" || cells[0] == "out";
    if (!known || cells.size() != 5 || cells[4].empty())
      return fhir::error(
          fhir::IssueType::structure,
          "a line is: deviates | SHEET | V2 | TARGET | REASON (or out | ...), via | SHEET | PAIR | PART [| "
          "ELEMENT [| SAMPLE]] of a pair that exists, rows | SHEET | TYPE [of FIELD] [| ELEMENT], or events "
          "| SHEET | "
          "MESSAGE | ELEMENT",
          {}, "official.reasons:" + std::to_string(number));
    all.reasons.push_back({cells[0] == "out" ? Standing::out_of_scope : Standing::deviating, cells[1],
                           cells[2], cells[3], cells[4], number});
  }
  return all;
}

}  // namespace mappings::coverage
