#include "mappings/language/row_reader.hpp"

#include <algorithm>

namespace mappings::language {

namespace {

bool has_wildcard(Path const& path) {
  return std::ranges::any_of(path.steps, [](Step const& step) {
    return step.pick == Step::Pick::each || step.pick == Step::Pick::match_each;
  });
}

}  // namespace

bool RowReader::read_row_cells(Line const& line, std::vector<Cell> const& cells, Row& row) {
  row.id = cells[0].text;
  row.at = {std::string(line.file), line.number, line.column};
  if (cells.size() < 3)
    return fail(line, line.column, row.id, "a row has at least three columns: id | v2 | fhir"), false;
  if (cells.size() > 8)
    return fail(line, cells[8].column, row.id,
                "a row has at most eight columns: id | v2 | fhir | type | vocab | when | dir | upd"),
           false;
  auto const cell = [&](std::size_t at) { return at < cells.size() ? cells[at] : Cell{}; };
  row.v2_text = cells[1].text;
  row.fhir_text = cells[2].text;
  if (!read_direction(line, cell(6), row)) return false;
  if (!read_sides(line, cells, row)) return false;
  if (row.kind == Row::Kind::drop) {
    row.literal = cell(7).text;
    if (row.literal.empty())
      return fail(line, cells[2].column, row.id, "a dropped field needs its reason in the last column"),
             false;
    return true;
  }
  return read_type(line, cell(3), row) && read_vocabulary(line, cell(4), row) &&
         read_when(line, cell(5), row) && read_update(line, cell(7), row) && classify(line, cells[2], row);
}

bool RowReader::read_direction(Line const& line, Cell const& cell, Row& row) {
  std::string_view const sign = cell.text.substr(0, 1);
  if (sign != "" && sign != "=" && sign != ">" && sign != "<")
    return fail(line, cell.column, row.id, "the direction is = (both), > (v2 to FHIR) or < (FHIR to v2)"),
           false;
  row.forward = sign != "<";
  row.reverse = sign != ">";
  if (!cell.text.empty()) row.reason = unquoted(trim(cell.text.substr(1)));
  return true;
}

bool RowReader::read_sides(Line const& line, std::vector<Cell> const& cells, Row& row) {
  std::string_view const v2 = cells[1].text;
  std::string_view const fhir = cells[2].text;
  if (v2.starts_with('\'')) {
    row.kind = Row::Kind::literal_in;
    row.literal = unquoted(v2);
    if (row.forward == row.reverse) {
      row.reverse = false;
    }
    if (!row.forward)
      return fail(line, cells[1].column, row.id, "a literal on the v2 side runs forward: use dir >"), false;
    if (!read_path_cell(line, cells[2], row.id, row.path)) return false;
    row.kind = Row::Kind::literal_in;
    return true;
  }
  if (!read_places(line, cells[1], row.id, row.places)) return false;
  if (fhir == "-") {
    row.kind = Row::Kind::drop;
  } else if (fhir.starts_with('@')) {
    row.kind = Row::Kind::fact;
    row.fact = fhir.substr(1);
    if (row.fact.empty()) return fail(line, cells[2].column, row.id, "a fact needs a name after '@'"), false;
  } else if (fhir.starts_with('\'')) {
    row.kind = Row::Kind::literal_out;
    row.literal = unquoted(fhir);
    row.forward = false;
    row.reverse = true;
  } else {
    return read_path_cell(line, cells[2], row.id, row.path);
  }
  return true;
}

bool RowReader::read_type(Line const& line, Cell const& cell, Row& row) {
  if (row.kind == Row::Kind::literal_in || row.kind == Row::Kind::literal_out) return true;
  if (cell.text.empty() && row.kind == Row::Kind::fact) {
    row.pair = types::find_pair("ST~string");
    return true;
  }
  if (cell.text.empty())
    return fail(line, cell.column, row.id, "the type pair is missing in the fourth column, as in ST~string"),
           false;
  row.pair = read_pair(line, cell, row.id);
  return row.pair != nullptr;
}

bool RowReader::read_vocabulary(Line const& line, Cell const& cell, Row& row) {
  if (cell.text.empty()) return true;
  row.vocabulary = program_.find_vocabulary(cell.text);
  if (row.vocabulary != nullptr) {
    row.default_system = row.vocabulary->v2_system;
    return true;
  }
  row.default_system = system_uri(cell.text);
  if (row.default_system.find(':') != std::string::npos) return true;
  return fail(line, cell.column, row.id,
              "there is no vocabulary '" + std::string(cell.text) +
                  "'; declare it, or name a code system (v2-0064 or a URI)"),
         false;
}

bool RowReader::read_when(Line const& line, Cell const& cell, Row& row) {
  if (cell.text.empty()) return true;
  auto const sides = split_at(cell, ";");
  if (sides.size() > 2)
    return fail(line, sides[2].column, row.id, "a guard has two sides: v2 predicates ; FHIR predicates"),
           false;
  return read_predicates(line, sides[0], row.id, false, row.v2_when) &&
         (sides.size() < 2 || read_predicates(line, sides[1], row.id, true, row.fhir_when));
}

bool RowReader::read_update(Line const& line, Cell const& cell, Row& row) {
  static constexpr std::pair<std::string_view, Update> kModes[] = {{"set", Update::set},
                                                                   {"list", Update::list},
                                                                   {"key", Update::key},
                                                                   {"state", Update::state},
                                                                   {"once", Update::once}};
  row.update = has_wildcard(row.path) ? Update::list : Update::set;
  if (cell.text.empty()) return true;
  for (auto const& [name, mode] : kModes) {
    if (name != cell.text) continue;
    row.update = mode;
    return true;
  }
  return fail(line, cell.column, row.id, "the update mode is set, list, key, state or once"), false;
}

bool RowReader::classify(Line const& line, Cell const& fhir, Row& row) {
  if (row.kind != Row::Kind::path) {
    row.row_class = row.kind == Row::Kind::fact ? 'C' : 'O';
    if (row.row_class == 'O' && row.reason.empty()) row.reason = "a constant";
    return true;
  }
  auto const wildcards = std::ranges::count_if(row.path.steps, [](Step const& step) {
    return step.pick == Step::Pick::each || step.pick == Step::Pick::match_each;
  });
  bool const each = std::ranges::any_of(row.places, &Place::each);
  if (wildcards > 1) return fail(line, fhir.column, row.id, "a path has at most one '*'"), false;
  if (wildcards == 0 && each)
    return fail(line, fhir.column, row.id,
                "the v2 side has a '*' but the FHIR path has none; write the array as name* or drop the "
                "'*'"),
           false;
  if (row.forward != row.reverse) {
    if (row.reason.empty())
      return fail(line, fhir.column, row.id,
                  "a one-way row needs its reason: > \"why it cannot be written back\""),
             false;
    row.row_class = 'O';
    return true;
  }
  bool const discriminated =
      std::ranges::any_of(row.path.steps, [](Step const& step) { return !step.conditions.empty(); });
  if (!row.v2_when.empty() && row.fhir_when.empty()) {
    row.row_class = 'G';
  } else if (discriminated) {
    row.row_class = 'D';
  } else {
    row.row_class = row.pair->iso && row.vocabulary == nullptr ? 'I' : 'C';
  }
  return true;
}

}  // namespace mappings::language
