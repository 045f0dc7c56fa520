/// The families of type pairs; one source file each.
#pragma once

#include "mappings/types/pair.hpp"

#include <initializer_list>
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

// What families share. Texts that they return are views into what they were given or into the context's
// arena.

/// The texts one behind the other.
std::string_view joined(Arena& arena, std::initializer_list<std::string_view> texts);

/// urn:site:<partner><kind>[:<name>], for what has no URI of its own.
std::string_view site_urn(Context const& context, std::string_view kind, std::string_view name);
/// The name in a urn:site: made by site_urn for whatever partner; "" when it is none.
std::string_view site_name(Context const& context, std::string_view urn, std::string_view kind);

/// An HD in its three parts.
struct HdView {
  std::string_view namespace_id, universal_id, type;
};

/// The system URI of an HD: the partner's own name for it, urn:oid:, urn:uuid:, the URI itself, else
/// urn:site:<partner>:<name>.
/// "" when there is no authority at all.
std::string_view system_of(std::string_view namespace_id, std::string_view universal_id,
                           std::string_view type, Context const& context);
/// The HD of a system URI; false when it has no form as an HD.
bool authority_of(std::string_view system, Context const& context, HdView& authority);
/// The URI of a coding system name (CWE.3), and back. "" when there is none.
std::string_view code_system_uri(std::string_view name, Context const& context);
std::string_view code_system_name(std::string_view uri, Context const& context);

/// A code as FHIR allows it: no white space at the ends, single blanks inside.
bool is_code(std::string_view text);

/// A DTM as FHIR dateTime text; "" when it is not one. `offset` is used where a time has none.
std::string_view date_time_text(std::string_view dtm, std::string_view offset, Arena& arena);
/// The DTM of a FHIR dateTime; "" when it is not one.
std::string_view dtm_text(std::string_view date_time, Arena& arena);

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
