/// JSON Pointer. Source: RFC 6901.
#pragma once

#include "fhir/json/element.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fhir::patch {

/// The unescaped names of a pointer: "/a/b~1c" is {"a", "b/c"}; "" is {}.
using Pointer = std::vector<std::string>;

/// nullopt: it neither is "" nor starts with "/", or has a "~" that 0 or 1 does not follow.
std::optional<Pointer> parse_pointer(std::string_view text);

/// An array index: digits without a leading zero. nullopt for "-" and anything else.
std::optional<std::size_t> to_index(std::string_view step);

/// What the steps lead to, or nullptr.
json::Element* find(json::Element& root, std::span<std::string const> steps);

}  // namespace fhir::patch
