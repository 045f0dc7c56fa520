/// FHIR XML <-> FHIR JSON, for every R4 resource, by the definitions. Source: R4 xml.html and json.html.
///
/// Kept as they are: decimal digits, ids, extensions on primitives, contained resources, the narrative's
/// bytes. Lost, since FHIR says they mean nothing: comments, white space between elements, the order of
/// attributes.
#pragma once

#include "fhir/json/element.hpp"
#include "fhir/result.hpp"

#include <string>
#include <string_view>

namespace fhir::xml {

/// Reads one resource. Its members stand in the order of the document. Errors: security (a document type
/// declaration: XML here has none), structure (not well-formed, with line and column; an element or attribute
/// that the definitions do not know there; an element of another namespace; deeper than 64), value (a number
/// or boolean that is none; a character that XML cannot hold).
Result<json::Document> read_resource(std::string_view xml);

/// Writes a resource in the order of the definitions, as `<?xml version="1.0" encoding="UTF-8"?>` and one
/// root element. Errors: structure (a resource type or member that the definitions do not know; a narrative
/// that is not one XHTML div), value (a character that XML cannot hold).
Result<std::string> write_resource(json::Element const& resource);

}  // namespace fhir::xml
