/// The generated tables: strings by number, unique definitions, and per version the sorted names that lead to
/// them. Written by generate.py; dictionary.cpp turns them into FieldDefinition and GrammarNode once.
#pragma once

#include <cstdint>
#include <span>

namespace mappings::hl7v2::tables {

using Text = std::uint16_t;  // A number of kTextBegin; its text ends where the next begins.

struct FieldRow {
  Text type, name;
  std::uint16_t length, table;
  char optionality;
  bool repeats;
};

/// A segment or a data type: `count` numbers of fields from kFieldLists[first] on; 0xffff where a number is
/// not used.
struct ListRow {
  Text name;
  std::uint16_t count;
  std::uint32_t first;
};

enum class NodeKind : std::uint8_t { segment, group, choice };

struct NodeRow {
  Text name;
  std::uint16_t min, max;
  NodeKind kind;
  std::uint16_t child_count;
  std::uint32_t first_child;
};

struct StructureRow {
  Text name;
  std::uint16_t child_count;
  std::uint32_t first_child;
};

struct VersionRow {
  std::span<ListRow const> segments, types;
  std::span<StructureRow const> structures;
};

/// `structure` is what code_event is written in; sorted by code and event.
struct EventRow {
  Text code, event, structure;
};

extern std::span<char const> const kText;
extern std::span<std::uint32_t const> const kTextBegin;
extern std::span<FieldRow const> const kFields;
extern std::span<std::uint16_t const> const kFieldLists;
extern std::span<NodeRow const> const kNodes;
extern std::span<VersionRow const> const kVersions;
extern std::span<EventRow const> const kEvents;

}  // namespace mappings::hl7v2::tables
