/// A ValueSet as what its compose says, ready to be asked. Source: R4 valueset.html#compositions.
#pragma once

#include "fhir/terminology/code_system.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace fhir::terminology {

/// One include or exclude: all parts must hold.
struct Include {
  std::string system;
  std::string version;
  std::vector<json::Element const*> concepts;                   ///< as listed; empty with no list
  std::unordered_map<std::string, std::size_t> by_code;         ///< into concepts
  std::unordered_map<std::string, std::size_t> by_folded_code;  ///< into concepts
  std::vector<Filter> filters;
  std::vector<std::string> value_sets;  ///< canonicals, or "#id" of what is contained

  bool lists() const { return !concepts.empty(); }
  /// The listed concept, or nullptr.
  json::Element const* listed(std::string_view code, bool case_sensitive) const;
};

/// A code of a stored expansion.
struct ExpandedCode {
  std::string system;
  std::string version;
  json::Element const* element = nullptr;
};

struct ValueSet {
  SharedElement resource;
  std::string url;
  std::string version;
  std::string language;
  std::string status;
  bool experimental = false;
  std::string standards_status;
  bool has_compose = false;
  bool takes_inactive = true;  ///< compose.inactive is not false
  std::vector<Include> includes;
  std::vector<Include> excludes;
  /// With no compose: what its expansion lists, by "system|code".
  std::vector<ExpandedCode> expanded;
  std::unordered_map<std::string, std::size_t> by_expanded;

  std::string canonical() const { return version.empty() ? url : url + '|' + version; }
};

/// Errors: vs-invalid (a filter without property, operator or value, or one that cannot be read), with its
/// place.
Outcome<std::shared_ptr<ValueSet const>> make_value_set(SharedElement resource);

}  // namespace fhir::terminology
