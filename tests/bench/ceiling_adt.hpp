/// What a careful person writes by hand for one interface: ADT^A01 to its resources with RapidJSON's DOM, and
/// back. The ceiling that the row language is held against (design performance.md section 2).
///
/// It reads and writes what the tables of ADT_A01 do for the segments of the benchmark's message, value by
/// value, but knows those segments only: no profile, no complement, no loss report, no provenance. Outside
/// fhir/json RapidJSON stands only here.
#pragma once

#include "mappings/hl7v2/message.hpp"

#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace bench {

/// Appends the resources, one line of JSON each; references[i] is what others call the i-th.
void adt_to_fhir(mappings::hl7v2::Message const& message, std::span<std::string const> references,
                 std::string& out);

struct Header {
  std::string_view control_id, timestamp;
};

/// A Bundle with the resources of an ADT^A01 as v2.5.1; "" when it is none.
std::string adt_to_v2(std::string_view bundle, Header header);
/// A Bundle with the resources of a REF^I12 as v2.5.1; "" when it is none.
std::string ref_to_v2(std::string_view bundle, Header header);

}  // namespace bench
