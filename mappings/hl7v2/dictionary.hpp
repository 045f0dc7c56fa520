/// What HL7 v2 defines per version: fields of segments, components of data types, grammars of message
/// structures. Compiled from the public dictionary by dictionary/generate.py; our supplement (OSU_O51, the
/// event -> structure table, 2.8.1 and 2.8.2 read as 2.8) is in structures/. See design translation.md
/// section 3.8.
#pragma once

#include "mappings/hl7v2/message.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace mappings::hl7v2 {

/// 2.1, 2.2, 2.3, 2.3.1, 2.4, 2.5, 2.5.1, 2.6, 2.7, 2.7.1, 2.8 in this order.
enum class Version : std::uint8_t { v2_1, v2_2, v2_3, v2_3_1, v2_4, v2_5, v2_5_1, v2_6, v2_7, v2_7_1, v2_8 };

/// "2.3.1" -> v2_3_1; 2.8.1, 2.8.2 and 2.9 -> v2_8; nullopt for anything else.
std::optional<Version> to_version(std::string_view text);
std::string_view to_text(Version version);

struct FieldDefinition {
  std::string_view data_type;  ///< "CX"
  std::string_view name;       ///< "Patient Identifier List"
  char optionality = 'O';      ///< R O C B X W
  bool repeats = false;
  std::uint16_t length_max = 0;  ///< 0: none stated.
  std::uint16_t table = 0;       ///< HL7 table number, 0: none.
};

/// Field `number` (from 1) of a segment; nullptr where the version has none.
FieldDefinition const* find_field(Version version, std::string_view segment, std::size_t number);
/// All fields of a segment by one look, in order; nullptr where a number is not used. Empty: unknown segment.
std::span<FieldDefinition const* const> fields_of(Version version, std::string_view segment);
/// Component `number` (from 1) of a data type.
FieldDefinition const* find_component(Version version, std::string_view data_type, std::size_t number);
std::size_t field_count(Version version, std::string_view segment);        ///< 0: unknown segment.
std::size_t component_count(Version version, std::string_view data_type);  ///< 0: primitive or unknown.

/// One node of a structure's grammar: a segment, a group, or a choice between the segments that are its
/// children.
struct GrammarNode {
  std::string_view name;  ///< "PID" or "PROVIDER_CONTACT"; "" for a choice.
  std::uint16_t min = 0;
  std::uint16_t max = 0;  ///< 0: unbounded
  bool is_group = false;
  bool is_choice = false;
  std::span<GrammarNode const> children;
};

/// "REF_I12" in that version, or in the nearest version that has it (`exact` says which); nullptr when none
/// does.
struct StructureLookup {
  GrammarNode const* root = nullptr;
  bool exact = false;
};
StructureLookup find_structure(Version version, std::string_view structure);
/// The first version that defines a structure; nullopt when none does.
std::optional<Version> lowest_version_of(std::string_view structure);

/// The structure of an event: ("ADT", "A04") -> "ADT_A01", ("RRI", "I13") -> "RRI_I12", ("ACK", any) ->
/// "ACK"; "" when unknown. Lives as long as the program.
std::string_view structure_of_event(std::string_view message_code, std::string_view trigger_event);

/// MSH-9.3 when it names a known structure, else by MSH-9.1 and MSH-9.2 (EVN-1 where MSH-9.2 is empty, as
/// in 2.1): ADT^A04 -> "ADT_A01", SIU^S26 -> "SIU_S12", RRI^I13 -> "RRI_I12"; "" when unknown. An event's own
/// name in MSH-9.3
/// ("ADT_A04") is read as the structure it has.
std::string_view structure_of(Message const& message);

/// Which group instance each segment belongs to, by the structure's grammar.
struct Grouping {
  struct Group {
    std::string_view name;  ///< "" for the root (index 0).
    std::uint32_t parent = 0;
    std::uint32_t ordinal = 1;  ///< Which occurrence of that name within its parent.
  };
  std::vector<Group> groups;
  std::vector<std::uint32_t> group_of_segment;  ///< One per segment of the message: index into `groups`.
  bool by_order = false;  ///< The structure is unknown: everything hangs on the root in order.
};

/// Lenient: a segment that the grammar does not expect attaches to the group of the one before it, with a
/// warning.
Grouping group_segments(Message const& message, GrammarNode const* structure, fhir::Issues& warnings);

}  // namespace mappings::hl7v2
