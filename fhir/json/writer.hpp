/// Element trees to JSON bytes: UTF-8, no whitespace, shortest escapes, members in the order they stand,
/// numbers as read.
#pragma once

#include "fhir/json/element.hpp"

#include <string>

namespace fhir::json {

void write(Element const& element, std::string& out);
std::string write(Element const& element);

/// `text` as a JSON string with its quotes, appended.
void write_string(std::string_view text, std::string& out);

}  // namespace fhir::json
