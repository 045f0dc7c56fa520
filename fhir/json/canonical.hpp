/// Canonical bytes of a resource, as they are stored and served (design fhir.md section 4).
///
/// `resourceType`, `id`, `meta` first, then definition order, `_x` right after `x`; empty objects and arrays
/// dropped. `meta` is always written, without versionId and lastUpdated: the committer splices those in at
/// `meta_end`.
#pragma once

#include "fhir/json/element.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace fhir::json {

struct CanonicalBytes {
  std::string bytes;
  std::size_t meta_end = 0;       ///< Offset of the `}` that closes `meta`.
  bool meta_has_members = false;  ///< Whether a comma must precede what is spliced in.
};

CanonicalBytes to_canonical(Element const& resource);

/// The served bytes: versionId and lastUpdated (an R4 instant) last in `meta`.
std::string with_version(CanonicalBytes const& canonical, std::string_view version_id,
                         std::string_view last_updated);

}  // namespace fhir::json
