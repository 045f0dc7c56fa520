/// The one element of FHIR that is not FHIR's: Narrative.div, XHTML kept as it was written.
/// Source: R4 narrative.html, xml.html.
#pragma once

#include "fhir/result.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace fhir::xml {

constexpr std::string_view kXhtml = "http://www.w3.org/1999/xhtml";
constexpr char const* kNoXhtml = "the div is not in the namespace http://www.w3.org/1999/xhtml";

/// Bytes of the element that `text` starts with, which is known to be well-formed.
std::size_t length_of_element(std::string_view text);

/// A div that names no namespace, in that of XHTML.
std::string in_xhtml(std::string_view div);

/// A div of JSON as it may stand in XML. Errors: structure (not one well-formed div element and nothing else;
/// of another namespace).
Result<std::string> div_for_xml(std::string_view div);

}  // namespace fhir::xml
