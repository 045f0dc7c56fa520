/// `segment` sections: the rows of one segment, whichever message it stands in.
#include "mappings/language/readers.hpp"
#include "mappings/language/row_reader.hpp"

#include <algorithm>

namespace mappings::language {

namespace {

class SegmentReader : public RowReader {
 public:
  using RowReader::RowReader;

  void run() {
    on_.each_section("segment", [&](Section const& section) {
      auto const text = section.head.text;
      auto const arrow = text.find("->");
      if (section.words.size() < 4 || arrow == std::string_view::npos || section.words[2].text != "->")
        return fail(section.head, section.head.column, "",
                    "segment PID -> Patient[, Type ...], or segment NTE/variant -> Type");
      std::string_view const full = section.words[1].text;
      auto const slash = full.find('/');
      SegmentMap made;
      made.at = source_at(section.head);
      made.name = full.substr(0, slash);
      if (slash != std::string_view::npos) made.variant = full.substr(slash + 1);
      for (Cell const& target : split_at({text.substr(arrow + 2), 1}, ","))
        made.targets.emplace_back(target.text);
      SegmentMap* map = find_segment_map(program_, made.name, made.variant);
      if (map != nullptr && !section.overlay)
        return fail(section.head, section.words[1].column, "",
                    "segment " + std::string(full) +
                        " has rows already; merge them or name a variant: segment " + std::string(full) +
                        "/other");
      if (map == nullptr) map = &program_.segments.emplace_back(std::move(made));
      for (Line const& line : section.lines) read_row(line, *map, section.overlay);
    });
  }

 private:
  void read_row(Line const& line, SegmentMap& map, bool overlay) {
    if (!line.is_row() && line.text.starts_with("kept "))
      return read_kept(line, split_words({line.text, line.column}), map.name);
    if (!line.is_row())
      return fail(line, line.column, "",
                  "a row is expected: id | v2 | fhir | type | vocab | when | dir | upd");
    auto const cells = split_cells(line);
    Row row;
    if (is_disabled(cells[0].text)) return;
    if (!read_row_cells(line, cells, row)) return;
    bool const has_path = row.kind == Row::Kind::path || row.kind == Row::Kind::literal_in;
    if (has_path && !choose_target(line, cells[2], map.targets, row)) return;
    auto const same = std::ranges::find(map.rows, row.id, &Row::id);
    if (same != map.rows.end() && overlay) {
      *same = std::move(row);
      return;
    }
    if (claim(line, row.id, overlay)) map.rows.push_back(std::move(row));
  }

  /// `Practitioner.name` belongs to the target of that name.
  bool choose_target(Line const& line, Cell const& cell, std::vector<std::string> const& targets, Row& row) {
    if (row.path.steps.empty()) return true;
    std::string const& first = row.path.steps[0].name;
    if (first[0] < 'A' || first[0] > 'Z') return true;
    auto const found = std::ranges::find(targets, first);
    if (found == targets.end())
      return fail(line, cell.column, row.id,
                  "'" + first + "' is no target of this section; add it to its head: segment XXX -> ..., " +
                      first),
             false;
    if (row.path.steps.size() < 2)
      return fail(line, cell.column, row.id, "an element is expected after the type"), false;
    row.target = static_cast<std::size_t>(found - targets.begin());
    row.path.steps.erase(row.path.steps.begin());
    return true;
  }
};

}  // namespace

SegmentMap* find_segment_map(Program& program, std::string_view name, std::string_view variant) {
  for (SegmentMap& map : program.segments) {
    if (map.name == name && map.variant == variant) return &map;
  }
  return nullptr;
}

void read_segments(Building& on) { SegmentReader(on).run(); }

}  // namespace mappings::language
