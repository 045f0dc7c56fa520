/// The FHIRPath subset in which R4 writes its SearchParameters, as steps.
/// Source: R4 search-parameters.json; FHIRPath N1. General FHIRPath is not here.
///
/// Grammar: paths joined by `|`; a path is names joined by `.`, optionally `(path as Type)` or `path as
/// Type`, with
/// `.as(Type)`, `.ofType(Type)`, `.where(name='text')`, `.where(resolve() is Type)`, `.extension('url')`,
/// `[0]`, and `path.exists() and path != false`. A path may start with a type's name or with %resource.
#pragma once

#include "fhir/result.hpp"

#include <string_view>
#include <vector>

namespace fhir::search {

struct Step {
  enum class Kind : unsigned char {
    child,           ///< text: an element's FHIRPath name
    as_type,         ///< text: the type
    where_equals,    ///< name and text
    where_resolves,  ///< text: the resource type
    first_item,      ///< [0]
    exists           ///< there, and not false: gives one boolean
  };
  Kind kind = Kind::child;
  std::string_view name;
  std::string_view text;
};

struct PathExpression {
  bool from_resource = false;  ///< %resource
  std::vector<Step> steps;     ///< The first is the type's name, where the path starts with one.
};

/// The paths of an expression; views into `text`. Errors: not_supported, with the place.
Result<std::vector<PathExpression>> parse_expression(std::string_view text);

}  // namespace fhir::search
