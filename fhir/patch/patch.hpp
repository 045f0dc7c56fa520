/// Patches: a list of changes, applied to a resource whole or not at all.
/// Source: RFC 6902 (JSON Patch) with RFC 6901 (JSON Pointer); R4 fhirpatch.html (FHIRPath Patch);
/// RFC 5261 (XML Patch).
///
/// A Patch is read once and immutable; it may be applied to any number of resources, by several threads.
/// What cannot be read is refused before anything is applied (structure, required, value, invalid,
/// not_supported, too_costly); what cannot be done to this resource is `processing`. Every such Issue names
/// the operation by index, kind and path, and its `expression` is the operation's place in the patch.
#pragma once

#include "fhir/json/element.hpp"
#include "fhir/result.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace fhir::patch {

constexpr std::size_t kOperationsMax = 10'000;
/// What one patch may copy and shift, in values: a patch that copies what it has copied grows without end.
constexpr std::size_t kWorkMax = 5'000'000;

class Patch {
 public:
  virtual ~Patch() = default;
  /// A changed copy of `target` in `arena`, sharing nothing with `target`. The result is not yet judged by
  /// the definitions (see validate_structure). Errors: processing, too_costly.
  virtual Result<json::Element> apply(json::Element const& target, json::Arena& arena) const = 0;
};

/// Reads a JSON Patch document (an array of operations).
Result<std::shared_ptr<Patch const>> read_json_patch(std::string_view bytes);

/// Reads a Parameters resource of FHIRPath Patch operations.
Result<std::shared_ptr<Patch const>> read_fhirpath_patch(json::Element const& parameters);

/// Reads an XML Patch (application/xml-patch+xml): a diff element of add, replace and remove, whose `sel` is
/// an XPath of child steps with predicates. It changes the FHIR XML of a resource. Prefixes are the patch's
/// own; f and h are FHIR and XHTML where it declares none. Comments and namespace declarations mean nothing
/// in FHIR and do not outlive it.
Result<std::shared_ptr<Patch const>> read_xml_patch(std::string_view bytes);
/// The same on the text of any XML document.
Result<std::string> patch_xml(std::string_view document, std::string_view patch);

/// Takes away objects and arrays that a patch has left empty, which FHIR does not allow; nulls of arrays
/// stay, for they keep the places of `_name` arrays.
void drop_empty(json::Element& element);

}  // namespace fhir::patch
