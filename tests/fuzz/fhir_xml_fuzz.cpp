/// FHIR XML from outside. What is read must be written, and read again as the same.
#include "fhir/xml/xml.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace fhir;
  auto const document = xml::read_resource({reinterpret_cast<char const*>(data), size});
  if (!document) return 0;
  auto const written = xml::write_resource(document->root);
  if (!written) std::abort();
  auto const again = xml::read_resource(*written);
  if (!again || !(again->root == document->root)) std::abort();
  return 0;
}
