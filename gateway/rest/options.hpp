/// The query parameters of everything that is no search: _summary, _elements, _count, _since ...
/// Source: R4 http.html#parameters, http.html#history; search.html#summary, #elements.
#pragma once

#include "fhir/result.hpp"
#include "fhir/search/query.hpp"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::rest {

/// Which part of a resource is shown.
struct View {
  fhir::search::Summary summary = fhir::search::Summary::unset;
  std::vector<std::string> elements;
  bool whole() const;
};

struct Options {
  View view;
  std::optional<std::uint32_t> count;
  std::int64_t since_ms = 0;
  std::string page;
};

/// Takes `_format` and `_pretty` (the Api has seen to them) and what `allowed` names.
/// Errors: not_supported (another parameter, by name, unless lenient), value.
fhir::Result<Options> parse_options(std::string_view query, std::initializer_list<std::string_view> allowed,
                                    fhir::search::Handling handling);

/// The resource's bytes as the view asks for them, tagged SUBSETTED where something was left out.
/// Kept besides what was asked for: id, meta, mandatory elements and modifiers.
fhir::Result<std::string> to_view(std::string_view bytes, View const& view);

/// The same JSON with line breaks and two spaces per level.
std::string to_pretty(std::string_view json);

}  // namespace gateway::rest
