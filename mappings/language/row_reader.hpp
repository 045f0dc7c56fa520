/// The cells of a row: id, v2, fhir, type, vocab, when, dir, upd. Internal to this room.
#pragma once

#include "mappings/language/parts.hpp"

namespace mappings::language {

class RowReader : public PartReader {
 public:
  using PartReader::PartReader;

 protected:
  /// False after a report. The row's target stays for the caller to find.
  bool read_row_cells(Line const& line, std::vector<Cell> const& cells, Row& row);

 private:
  bool read_direction(Line const& line, Cell const& cell, Row& row);
  bool read_sides(Line const& line, std::vector<Cell> const& cells, Row& row);
  bool read_type(Line const& line, Cell const& cell, Row& row);
  bool read_vocabulary(Line const& line, Cell const& cell, Row& row);
  bool read_when(Line const& line, Cell const& cell, Row& row);
  bool read_update(Line const& line, Cell const& cell, Row& row);
  /// The class of the row, or why there is none (design translation.md 3.2).
  bool classify(Line const& line, Cell const& fhir, Row& row);
};

}  // namespace mappings::language
