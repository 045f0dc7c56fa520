/// FHIR XML from outside: what is read must be written, and read again as the same. FHIR JSON that becomes
/// XML: what is read of it must be read again as the same.
#include "fhir/json/reader.hpp"
#include "fhir/xml/xml.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

using namespace fhir;

void from_json(std::string_view bytes) {
  auto const document = json::read_document(bytes);
  if (!document) return;
  auto const written = xml::write_resource(document->root);
  if (!written) return;
  auto const read = xml::read_resource(*written);  // refused: a value that is not of its type
  if (!read) return;
  auto const rewritten = xml::write_resource(read->root);  // without elements that say nothing
  if (!rewritten) std::abort();
  auto const again = xml::read_resource(*rewritten);
  if (!again || !(again->root == read->root)) std::abort();
}

void from_xml(std::string_view bytes) {
  auto const document = xml::read_resource(bytes);
  if (!document) return;
  auto const written = xml::write_resource(document->root);
  if (!written) std::abort();
  auto const again = xml::read_resource(*written);
  if (!again || !(again->root == document->root)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const bytes(reinterpret_cast<char const*>(data), size);
  bytes.starts_with('{') ? from_json(bytes) : from_xml(bytes);
  return 0;
}
