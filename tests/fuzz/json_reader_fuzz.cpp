/// JSON from outside, through everything that fhir does with it before it is stored. What is read must be
/// written back unchanged, and canonical bytes must be a fixed point.
#include "fhir/json/canonical.hpp"
#include "fhir/json/reader.hpp"
#include "fhir/json/writer.hpp"
#include "fhir/search/values.hpp"
#include "fhir/validate/structure.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace fhir;
  auto const document = json::read_document({reinterpret_cast<char const*>(data), size});
  if (!document) return 0;
  auto const again = json::read_document(json::write(document->root));
  if (!again || !(again->root == document->root)) std::abort();
  Issues issues;
  validate::validate_structure(document->root, issues);
  search::extract(document->root);
  search::references(document->root);
  if (!document->root.is_object()) return 0;
  auto const canonical = json::to_canonical(document->root);
  auto const stored = json::read_document(canonical.bytes);
  if (!stored || json::to_canonical(stored->root).bytes != canonical.bytes) std::abort();
  if (issues.empty()) {
    auto const served = json::read_document(json::with_version(canonical, "1", "2024-01-01T00:00:00.000Z"));
    if (!served) std::abort();
    validate::validate_structure(served->root, issues);
    if (!issues.empty()) std::abort();  // what was valid is valid as it is served
  }
  return 0;
}
