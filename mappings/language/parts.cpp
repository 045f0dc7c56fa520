#include "mappings/language/parts.hpp"

#include <algorithm>
#include <charconv>

namespace mappings::language {

namespace {

/// "35-39", or "2" for both.
bool read_range(std::string_view text, std::uint16_t& first, std::uint16_t& last) {
  char const* const end = text.data() + text.size();
  auto read = std::from_chars(text.data(), end, first);
  last = first;
  if (read.ec == std::errc{} && read.ptr != end && *read.ptr == '-')
    read = std::from_chars(read.ptr + 1, end, last);
  return read.ec == std::errc{} && read.ptr == end && first > 0 && last >= first;
}

}  // namespace

std::string_view unquoted(std::string_view text) {
  bool const quoted =
      text.size() >= 2 && (text.front() == '"' || text.front() == '\'') && text.back() == text.front();
  return quoted ? text.substr(1, text.size() - 2) : text;
}

std::string system_uri(std::string_view name) {
  constexpr std::string_view kTables = "http://terminology.hl7.org/CodeSystem/";
  if (name.starts_with("HL7") && name.size() == 7)
    return std::string(kTables) + "v2-" + std::string(name.substr(3));
  if (name.starts_with("v2-") || name.starts_with("v3-")) return std::string(kTables) + std::string(name);
  return std::string(name);
}

void Building::report(fhir::Severity severity, SourceAt const& where, std::string_view row,
                      std::string what) {
  std::string source = where.file + ":" + std::to_string(where.line) + ":" + std::to_string(where.column);
  if (!row.empty()) source.append(" ").append(row);
  issues.push_back({severity, fhir::IssueType::structure, std::move(what), {}, std::move(source)});
}

void PartReader::fail(Line const& line, std::uint32_t column, std::string_view row, std::string what) {
  on_.report(fhir::Severity::error, {std::string(line.file), line.number, column}, row, std::move(what));
}

void PartReader::fail(Line const& line, Cell const& cell, Fault const& fault, std::string_view row) {
  fail(line, cell.column + static_cast<std::uint32_t>(fault.offset), row, fault.what);
}

bool PartReader::claim(Line const& line, std::string const& id, bool overlay) {
  if (id.empty()) return fail(line, line.column, "", "the row has no id in its first column"), false;
  auto const [at, fresh] =
      on_.ids.try_emplace(id, std::string(line.file) + ":" + std::to_string(line.number));
  if (fresh || overlay) return true;
  fail(line, line.column, id,
       "the id is taken by the row at " + at->second +
           "; choose another, or start the file with 'overlay NAME' to replace it");
  return false;
}

void PartReader::read_kept(Line const& line, std::vector<Cell> const& words, std::string_view segment) {
  auto const colon = std::ranges::find(words, ":", &Cell::text);
  if (words.size() < 4 || colon == words.end() || colon + 1 == words.end() || colon == words.begin() + 1)
    return fail(line, line.column, "",
                "kept FIELD FROM-TO ... : why, in a segment section, or kept SEGMENT ... : why");
  Kept kept{std::string(segment), 0, 0, {}, source_at(line)};
  kept.reason = line.text.substr((colon + 1)->column - line.column);
  for (auto word = words.begin() + 1; word != colon; ++word) {
    if (segment.empty()) {
      kept.segment = word->text;
    } else {
      if (!read_range(word->text, kept.first, kept.last))
        return fail(line, word->column, "", "a field number from 1, or two of them as in 35-39, is expected");
    }
    program_.add_kept(kept);
  }
}

bool PartReader::read_path_cell(Line const& line, Cell const& cell, std::string_view id, Path& path) {
  Fault fault;
  auto read = read_path(cell.text, program_, fault);
  if (!read) return fail(line, cell, fault, id), false;
  path = std::move(*read);
  return true;
}

bool PartReader::read_places(Line const& line, Cell const& cell, std::string_view id,
                             std::vector<Place>& places) {
  for (Cell const& piece : split_at(cell, " else ")) {
    Fault fault;
    auto place = read_place(piece.text, fault);
    if (!place) return fail(line, piece, fault, id), false;
    places.push_back(std::move(*place));
  }
  return true;
}

bool PartReader::read_predicates(Line const& line, Cell const& cell, std::string_view id, bool fhir_side,
                                 std::vector<Predicate>& predicates) {
  if (cell.text.empty()) return true;
  for (Cell const& piece : split_at(cell, " and ")) {
    Fault fault;
    auto predicate = read_predicate(piece.text, fhir_side, program_, fault);
    if (!predicate) return fail(line, piece, fault, id), false;
    predicates.push_back(std::move(*predicate));
  }
  return true;
}

types::Pair const* PartReader::read_pair(Line const& line, Cell const& cell, std::string_view id) {
  types::Pair const* const pair = types::find_pair(cell.text);
  if (pair == nullptr) {
    std::string what = "there is no type pair '" + std::string(cell.text) + "'";
    auto const tilde = cell.text.find('~');
    std::string_view const wanted = tilde == std::string_view::npos ? cell.text : cell.text.substr(tilde + 1);
    std::string like;
    for (std::string_view const name : types::pair_names()) {
      if (name.substr(name.find('~') + 1) == wanted) like.append(like.empty() ? "" : ", ").append(name);
    }
    fail(line, cell.column, id,
         what + (like.empty() ? "; see the list in mappings/language/README.md"
                              : "; for this FHIR type: " + like));
  }
  return pair;
}

bool PartReader::read_value(Line const& line, Cell const& cell, std::string_view id,
                            std::vector<Place>& places, std::string& literal, types::Pair const*& pair) {
  auto const sides = split_at(cell, " as ");
  if (sides[0].text.starts_with('\'')) {
    literal = unquoted(sides[0].text);
    return true;
  }
  if (!read_places(line, sides[0], id, places)) return false;
  pair = sides.size() > 1 ? read_pair(line, sides[1], id) : types::find_pair("DTM~dateTime");
  return pair != nullptr;
}

}  // namespace mappings::language
