/// The readers of the kinds of sections, in the order in which they need each other. Internal to this room.
#pragma once

#include "mappings/language/parts.hpp"

namespace mappings::language {

/// `constant MR CodeableConcept http://... MR Medical record number`
void read_constant(Building& on, Line const& line, std::vector<Cell> const& words);
void read_vocabularies(Building& on);
void read_event_tables(Building& on);
void read_segments(Building& on);
/// After all segments: uses name them, and get their rows here.
void read_structures(Building& on);
/// What no row can be judged for alone: rows that write one element must be told apart.
void prove_rows(Building& on);

/// The rows of that section, or nullptr.
SegmentMap* find_segment_map(Program& program, std::string_view name, std::string_view variant);

}  // namespace mappings::language
