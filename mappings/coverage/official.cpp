#include "mappings/coverage/official.hpp"

#include "mappings/delimited/csv.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <tuple>

namespace mappings::coverage {

namespace {

using Cells = std::vector<std::string>;

/// Without white space at both ends, line ends inside as spaces.
std::string tidy(std::string_view text) {
  std::string out;
  for (char const c : text) {
    bool const blank = c == '\n' || c == '\r' || c == '\t' || c == ' ';
    if (!blank)
      out += c;
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

std::string cell(Cells const& cells, std::size_t at) { return at < cells.size() ? tidy(cells[at]) : ""; }

bool is_empty(Cells const& cells) {
  return std::ranges::all_of(cells, [](std::string const& one) { return tidy(one).empty(); });
}

std::string unquoted(std::string text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  return tidy(text);
}

/// `"ATND"` and bare URLs are constants; `/instruction/` and expressions over fields are not.
bool is_constant(std::string_view assignment) {
  if (assignment.starts_with("http://") || assignment.starts_with("https://")) return true;
  return assignment.size() >= 2 && assignment.front() == '"' && assignment.back() == '"' &&
         std::ranges::count(assignment, '"') == 2;
}

/// Names alone: no `[n]`, no `$this`, no `=...`, no `reference` at the end.
std::string names_alone(std::string_view text) {
  std::string out, name;
  bool in_slice = false;
  auto const take = [&] {
    if (!name.empty() && name[0] != '$') out.append(out.empty() ? "" : ".").append(name);
    name.clear();
    in_slice = false;
  };
  int depth = 0;
  for (char const c : text) {
    if (c == '[')
      ++depth;
    else if (c == ']' || c == '}')
      depth = depth > 0 ? depth - 1 : 0;
    else if (depth > 0)
      continue;
    else if (c == '.')
      take();
    else if (c == ':') {  // a slice of an extension is one of its extensions
      take();
      name = "extension";
      in_slice = true;
    } else if (c != ' ' && c != ')' && !in_slice)
      name += c;
  }
  take();
  if (out == "reference") return "";
  if (out.ends_with(".reference")) out.resize(out.size() - 10);
  return out;
}

bool is_data_type(std::string_view name) {
  return name == "Annotation" || name == "Timing" || name == "Quantity" || name == "CodeableConcept";
}

void read_path(Cells const& cells, OfficialRow& row) {
  std::string path = cell(cells, 9);
  if (path.empty()) path = cell(cells, 10);  // a proposed extension
  std::string assignment = cell(cells, 16);
  if (auto const equals = path.find('='); equals != std::string::npos) {
    if (assignment.empty()) assignment = path.substr(equals + 1);  // an assignment written into the path
    path.resize(equals);
  }
  row.hops = hops_of(path);
  // A resource is no constant: what stands there belongs one line further down (PV1-8, PV1-42).
  bool const names_resource = row.hops.size() > 1 && row.hops.back().path.empty();
  row.is_constant = is_constant(assignment) && !names_resource;
  row.value = row.is_constant ? unquoted(assignment) : "";
  row.target = path;
  if (!assignment.empty()) row.target += " = " + assignment;
  row.data_type = cell(cells, 14);
  row.vocabulary = cell(cells, 15);
  row.maps_nothing = path.empty();
}

/// `ADT_A01.INSURANCE.IN1`, `ADT_A01:follow:PID.ROL`: the segment is the last name, its group the one before.
void read_place(OfficialRow& row) {
  auto const dot = row.v2.rfind('.');
  row.segment = dot == std::string::npos ? row.v2 : row.v2.substr(dot + 1);
  std::string const before = dot == std::string::npos ? "" : row.v2.substr(0, dot);
  auto const second = before.rfind('.');
  row.group = second == std::string::npos ? "" : before.substr(second + 1);
  row.group = row.group.substr(0, row.group.find(':'));
}

OfficialRow row_of(SheetKind kind, Cells const& cells, Cells const& heads) {
  OfficialRow row;
  if (kind == SheetKind::vocabulary) {
    row.v2 = cell(cells, 0);
    row.v2_system = cell(cells, 2);
    auto const code = std::find_if(heads.begin() + 1, heads.end(),
                                   [](std::string const& head) { return tidy(head) == "Code"; });
    auto const system = std::find_if(heads.rbegin(), heads.rend(),
                                     [](std::string const& head) { return tidy(head) == "Code System"; });
    row.code = cell(cells, static_cast<std::size_t>(code - heads.begin()));
    row.system = cell(cells, heads.size() - 1 - static_cast<std::size_t>(system - heads.rbegin()));
    row.target = row.system + "|" + row.code;
    row.maps_nothing = row.v2.empty() || row.code.empty();
    return row;
  }
  row.v2 = cell(cells, 1);
  row.antlr = cell(cells, 6);
  for (std::size_t const at : {6U, 7U, 8U}) {
    std::string const text = cell(cells, at);
    if (!text.empty()) row.condition.append(row.condition.empty() ? "" : "; ").append(text);
  }
  if (kind != SheetKind::message) {
    read_path(cells, row);
    return row;
  }
  row.target = cell(cells, 9);
  row.segment_map = cell(cells, 10);
  row.references = cell(cells, 11);
  if (!row.segment_map.empty()) row.target += " by " + row.segment_map;
  row.maps_nothing = row.segment_map.empty();
  read_place(row);
  return row;
}

/// "segments/HL7 Segment - FHIR R4_ PV1[Basic-EncounterHistory] - PV1.csv" is PV1[Basic-EncounterHistory].
std::string sheet_name(std::string_view file) {
  auto const begin = file.find("_ ");
  auto const end = file.rfind(" - ");
  if (begin == std::string_view::npos || end == std::string_view::npos || end < begin) return "";
  return tidy(file.substr(begin + 2, end - begin - 2));
}

fhir::Result<Sheet> read_sheet(SheetKind kind, OfficialFile const& file) {
  Sheet sheet;
  sheet.kind = kind;
  sheet.name = sheet_name(file.name);
  auto const bracket = sheet.name.find('[');
  sheet.source = sheet.name.substr(0, bracket);
  if (bracket != std::string::npos && kind != SheetKind::vocabulary) {
    std::string const inside = sheet.name.substr(bracket + 1, sheet.name.size() - bracket - 2);
    auto const dash = inside.find('-');
    sheet.target = inside.substr(0, dash);
    if (dash != std::string::npos) sheet.qualifier = inside.substr(dash + 1);
  }
  auto const table = delimited::read_csv(file.text);
  if (sheet.name.empty() || table.size() < 2)
    return fhir::error(fhir::IssueType::structure, "a sheet has a name and two heading rows", {},
                       std::string(file.name));
  for (std::size_t line = 2; line < table.size(); ++line) {
    if (is_empty(table[line])) continue;
    sheet.rows.push_back(row_of(kind, table[line], table[1]));
    sheet.rows.back().line = line + 1;
  }
  return sheet;
}

/// What is known to be wrong: paths (by sheet, v2 place and path) with their class, and conditions that no
/// machine can read.
struct Errata {
  std::map<std::tuple<std::string, std::string, std::string>, std::string> paths;
  std::set<std::string> conditions;
};

void read_errata(OfficialFile const& file, Errata& errata) {
  bool const has_paths = file.name == "errata-target-paths.csv";
  if (!has_paths && file.name != "errata-conditions.csv") return;
  auto const table = delimited::read_csv(file.text);
  for (std::size_t line = 1; line < table.size(); ++line) {
    Cells const& cells = table[line];
    if (has_paths)
      errata.paths[{cell(cells, 0), cell(cells, 1), cell(cells, 2)}] = cell(cells, 4);
    else
      errata.conditions.insert(cell(cells, 0));
  }
}

void mark_errata(std::vector<Sheet>& sheets, Errata const& errata) {
  for (Sheet& sheet : sheets) {
    for (OfficialRow& row : sheet.rows) {
      if (errata.conditions.contains(row.antlr)) row.erratum = "condition";
      if (sheet.kind != SheetKind::segment) continue;
      auto const equals = row.target.find(" = ");
      std::string const path = row.target.substr(0, equals);
      std::string const in_path =
          equals == std::string::npos ? path : path + "=" + row.target.substr(equals + 3);
      for (std::string const& published : {path, in_path}) {
        auto const found = errata.paths.find({sheet.name, row.v2, published});
        if (found == errata.paths.end() || row.erratum.ends_with(found->second)) continue;
        row.erratum.append(row.erratum.empty() ? "" : ", ").append(found->second);
      }
    }
  }
}

}  // namespace

std::string_view to_text(SheetKind kind) {
  switch (kind) {
    case SheetKind::message:
      return "message";
    case SheetKind::segment:
      return "segment";
    case SheetKind::data_type:
      return "datatype";
    case SheetKind::vocabulary:
      break;
  }
  return "vocabulary";
}

std::vector<Hop> hops_of(std::string_view published) {
  std::vector<Hop> hops;
  std::string type;
  std::string_view rest = published;
  for (;;) {
    auto const open = rest.find('(');
    hops.push_back({type, names_alone(rest.substr(0, open))});
    if (open == std::string_view::npos) break;
    rest.remove_prefix(open + 1);
    while (!rest.empty() && std::isupper(static_cast<unsigned char>(rest[0])) == 0) rest.remove_prefix(1);
    std::size_t end = 0;
    while (end < rest.size() &&
           (std::isalnum(static_cast<unsigned char>(rest[end])) != 0 || rest[end] == '|'))
      ++end;
    type = std::string(rest.substr(0, end));
    rest.remove_prefix(end);
    if (!is_data_type(type)) continue;
    hops.back().path += rest.starts_with('.') ? "." + names_alone(rest) : "";
    break;
  }
  return hops;
}

fhir::Result<std::vector<Sheet>> read_official(std::span<OfficialFile const> files) {
  constexpr std::pair<std::string_view, SheetKind> kFolders[] = {{"messages/", SheetKind::message},
                                                                 {"segments/", SheetKind::segment},
                                                                 {"datatypes/", SheetKind::data_type},
                                                                 {"codesystems/", SheetKind::vocabulary}};
  std::vector<Sheet> sheets;
  Errata errata;
  for (OfficialFile const& file : files) read_errata(file, errata);
  for (auto const& [folder, kind] : kFolders) {
    for (OfficialFile const& file : files) {
      if (!file.name.starts_with(folder) || !file.name.ends_with(".csv")) continue;
      FHIR_TRY(auto sheet, read_sheet(kind, file));
      sheets.push_back(std::move(sheet));
    }
  }
  if (sheets.empty())
    return fhir::error(fhir::IssueType::not_found,
                       "no sheets of the v2-to-FHIR IG: expected folders messages, segments, datatypes and "
                       "codesystems with CSV files");
  mark_errata(sheets, errata);
  return sheets;
}

}  // namespace mappings::coverage
