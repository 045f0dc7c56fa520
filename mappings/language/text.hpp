/// The text of map files: lines, cells and words with their columns. Internal to this room.
#pragma once

#include "mappings/language/program.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mappings::language {

/// A piece of a line and where it begins (columns count from 1).
struct Cell {
  std::string_view text;
  std::uint32_t column = 1;
};

struct Line {
  std::string_view file;
  std::uint32_t number = 0;
  std::string_view text;  ///< Without comment and white space at its ends.
  std::uint32_t column = 1;
  bool is_row() const;
};

std::string_view trim(std::string_view text);
/// Lines that hold something.
std::vector<Line> split_lines(std::string_view file, std::string_view text);
std::vector<Cell> split_cells(Line const& line);
/// Words parted by white space; what stands in quotes or braces stays together.
std::vector<Cell> split_words(Cell const& cell);
/// Pieces of a cell between occurrences of ` word ` (" else ", " and ") or of a character.
std::vector<Cell> split_at(Cell const& cell, std::string_view separator);

/// Where a reader of one cell puts what it did not understand: offset in the cell, what is wrong, what would
/// fix it.
struct Fault {
  std::size_t offset = 0;
  std::string what;
};

std::optional<Path> read_path(std::string_view text, Program const& program, Fault& fault);
std::optional<Place> read_place(std::string_view text, Fault& fault);
std::optional<Predicate> read_predicate(std::string_view text, bool fhir_side, Program const& program,
                                        Fault& fault);

}  // namespace mappings::language
