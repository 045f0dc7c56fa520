/// A message judged by the dictionary of its version (MSH-12): the order, presence and repetition of segments
/// and groups, required fields and components, repetitions, components, lengths, the forms of data types, the
/// codes of HL7's own tables. Source: HL7 v2.5.1 2.5 (construction), 2.8 (what a receiver passes over), 2.A
/// (data types); the dictionary of dictionary.hpp.
///
/// Pure and read-only: parsing is lenient (message.hpp), this is the judge. It does not judge what the
/// dictionary does not say: conditional fields, the meaning of values, user-defined tables, Z segments.
#pragma once

#include "mappings/hl7v2/dictionary.hpp"

namespace mappings::hl7v2 {

/// Above this many findings judging stops, with one more (too_costly) that says so.
constexpr std::size_t kFindingsMax = 500;

struct Finding {
  fhir::Issue issue;
  Address at;  ///< Of what is missing: the header.
};

/// What is wrong with the message, or with it as one of the version `as`; nothing when it is valid. `source`
/// is the place as to_string() writes it: "OBX[2]-5(1).2", or the segment that is missing or that a missing
/// group begins with. Errors:
///   not_supported  no version, or not its own, has its structure; MSH-12 names no version
///   structure      a segment out of place or too often, repetitions of a field that has one
///   required       a segment, group, field or component that must be there
///   value          a leaf that is not of its data type
///   code_invalid   an ID (2.3 and later) outside its HL7 table
/// Warnings, which do not make a message invalid:
///   structure      segments, fields, repetitions and components that this version lacks (and for a
///                  repetition another has): receivers pass over them
///   too_long       beyond the dictionary's length: sites agree on lengths
///   business_rule  a withdrawn field
///   code_invalid   a coded element whose code the HL7 table that it names does not have
///   required       an OBX-5 without its OBX-2
std::vector<Finding> validate(Message const& message, std::optional<Version> as = std::nullopt);

/// Whether an escaped leaf is of a primitive data type: NM, SI, DT, TM, DTM (and the first component of TS);
/// true for all others.
bool is_of_type(std::string_view raw, std::string_view data_type, Version version);

/// Whether HL7's table lists the code; nullopt where the table is not known or stays open.
std::optional<bool> table_lists(std::uint16_t table, std::string_view code);

}  // namespace mappings::hl7v2
