/// Strict JSON into an Element tree: RFC 8259 plus what FHIR R4 json.html forbids.
///
/// Refused, each with line and column: anything after the value, depth over kDepthMax, duplicate member
/// names, invalid UTF-8, lone surrogates, control characters below 0x20 other than TAB, LF and CR (also as \u
/// escapes), a leading BOM. Numbers keep their digits; one beyond the range of a double (over some 300
/// digits) is refused. RapidJSON's SAX reader does the lexing; it recurses, but never deeper than kDepthMax.
#pragma once

#include "fhir/json/element.hpp"
#include "fhir/result.hpp"

#include <string_view>

namespace fhir::json {

constexpr int kDepthMax = 64;  // the deepest official R4 example has 14 levels

/// Reads one value; its texts are copied into `arena`. Errors: structure, too_costly (depth).
Result<Element> read(std::string_view bytes, Arena& arena);

/// The same with an arena of its own.
Result<Document> read_document(std::string_view bytes);

}  // namespace fhir::json
