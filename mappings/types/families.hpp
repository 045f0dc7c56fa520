/// The families of type pairs; one source file each.
#pragma once

#include "mappings/types/pair.hpp"

#include <span>

namespace mappings::types {

std::span<Pair const> primitive_pairs();
std::span<Pair const> coded_pairs();
std::span<Pair const> identifier_pairs();
std::span<Pair const> person_pairs();
std::span<Pair const> time_pairs();
std::span<Pair const> quantity_pairs();
std::span<Pair const> reference_pairs();
std::span<Pair const> attachment_pairs();

// What families share.

/// The system URI of an HD: the partner's own name for it, urn:oid:, urn:uuid:, the URI itself, else
/// urn:site:<partner>:<name>.
/// "" when there is no authority at all.
std::string_view system_of(std::string_view namespace_id, std::string_view universal_id,
                           std::string_view type, Context const& context);
/// The HD of a system URI; false when it has no form as an HD.
bool authority_of(std::string_view system, Context const& context, language::HdName& authority);
/// The URI of a coding system name (CWE.3), and back. "" when there is none.
std::string_view code_system_uri(std::string_view name, Context const& context);
std::string code_system_name(std::string_view uri, Context const& context);

/// A code as FHIR allows it: no white space at the ends, single blanks inside.
bool is_code(std::string_view text);

/// A DTM as FHIR dateTime text; "" when it is not one. `offset` is used where a time has none.
std::string_view date_time_text(std::string_view dtm, std::string_view offset, Arena& arena);
/// The DTM of a FHIR dateTime; "" when it is not one.
std::string dtm_text(std::string_view date_time);

bool read_human_name(In& in, std::size_t first, Element& out);
void write_human_name(Element const& name, std::size_t first, Out& out);
/// Where an XPN or XCN says what kind of name it is, in which order, from when and until when (`range` before
/// v2.5, then `start` and the component behind it).
struct NameDetails {
  std::size_t use, range, order, start;
};
void read_name_details(In& in, NameDetails const& at, Element& name);
void write_name_details(Element const& name, NameDetails const& at, Out& out);

}  // namespace mappings::types
