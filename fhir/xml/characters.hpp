/// Which characters an XML document can hold. Source: XML 1.0 (5th edition), production 2, Char.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace fhir::xml {

/// Where the first character stands that XML cannot hold, not even as &#n;, or the first byte that is no
/// UTF-8.
std::optional<std::size_t> find_unwritable(std::string_view text);

}  // namespace fhir::xml
