/// What every reader of map sections needs: reporting with file, line, column and row, and the parts that
/// rows and declarations are made of. Internal to this room.
#pragma once

#include "mappings/language/text.hpp"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace mappings::language {

/// One section of a map file, not yet read.
struct Section {
  std::string_view kind;
  Line head;
  std::vector<Cell> words;  ///< of the head
  std::vector<Line> lines;
  bool overlay = false;
};

/// What the readers of one compilation share.
struct Building {
  Program& program;
  std::vector<Section> sections;
  std::set<std::string, std::less<>> disabled;
  std::map<std::string, std::string, std::less<>> ids;  ///< of rows, and where each was declared
  fhir::Issues issues;

  void report(fhir::Severity severity, SourceAt const& at, std::string_view row, std::string what);

  template <class Read>
  void each_section(std::string_view kind, Read const& read) const {
    for (Section const& section : sections) {
      if (section.kind == kind) read(section);
    }
  }
};

/// "text" and 'text' without their quotes.
std::string_view unquoted(std::string_view text);
/// v2-0064 and HL70064 as http://terminology.hl7.org/CodeSystem/v2-0064; a URI stays as it is.
std::string system_uri(std::string_view name);
inline SourceAt source_at(Line const& line) { return {std::string(line.file), line.number, line.column}; }

/// Reads the parts of a line; what it cannot read is reported.
class PartReader {
 public:
  explicit PartReader(Building& on) : on_(on), program_(on.program) {}

 protected:
  void fail(Line const& line, std::uint32_t column, std::string_view row, std::string what);
  void fail(Line const& line, Cell const& cell, Fault const& fault, std::string_view row);
  /// False when the id is taken. Overlays may reuse ids.
  bool claim(Line const& line, std::string const& id, bool overlay);
  bool is_disabled(std::string_view id) const { return on_.disabled.contains(id); }

  /// `kept 2 4 35-39 : why` of a segment, or `kept ACC DRG : why` of whole ones (`segment` is "").
  void read_kept(Line const& line, std::vector<Cell> const& words, std::string_view segment);
  bool read_path_cell(Line const& line, Cell const& cell, std::string_view id, Path& path);
  bool read_places(Line const& line, Cell const& cell, std::string_view id, std::vector<Place>& places);
  bool read_predicates(Line const& line, Cell const& cell, std::string_view id, bool fhir_side,
                       std::vector<Predicate>& predicates);
  types::Pair const* read_pair(Line const& line, Cell const& cell, std::string_view id);
  /// `PV1-45 else EVN-2 as DTM~dateTime`, or `'literal'`.
  bool read_value(Line const& line, Cell const& cell, std::string_view id, std::vector<Place>& places,
                  std::string& literal, types::Pair const*& pair);

  Building& on_;
  Program& program_;
};

}  // namespace mappings::language
