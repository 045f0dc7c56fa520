/// What a narrative may be written with. Source: R4 narrative.html (invariants txt-1 and txt-2),
/// fhir-xhtml.xsd.
#pragma once

#include <string>
#include <string_view>

namespace fhir::path {

/// What is wrong with the XHTML of a narrative's div, "" when nothing is: no well-formed XML of one div in
/// the XHTML namespace, an element, attribute or entity that narratives may not have, a script in a link, no
/// content.
std::string find_html_problem(std::string_view div);

}  // namespace fhir::path
