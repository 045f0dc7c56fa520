/// A patch from outside: a JSON Patch, an XML Patch, or the Parameters of a FHIRPath Patch, on a resource
/// that has a bit of everything. It is read or refused; it is applied or refused; the resource itself stays
/// as it was.
#include "fhir/json/canonical.hpp"
#include "fhir/json/reader.hpp"
#include "fhir/json/writer.hpp"
#include "fhir/patch/patch.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace fhir;

void apply(Result<std::shared_ptr<patch::Patch const>> const& patch) {
  static json::Document const patient =
      json::read_document(
          R"({"resourceType":"Patient","id":"a","contained":[{"resourceType":"Organization","id":"o","name":"O"}],)"
          R"("identifier":[{"system":"urn:x","value":"1","period":{"start":"2001-05-06"}}],"active":true,)"
          R"("name":[{"family":"F","given":["A","B"],"_given":[null,{"id":"x"}]},{"use":"usual","given":["C"]}],)"
          R"("birthDate":"1974-12-25","_birthDate":{"extension":[{"url":"u","valueString":"s"}]},)"
          R"("multipleBirthInteger":2,"contact":[{"name":{"text":"N"},"telecom":[{"value":"1"}]}]})")
          .value();
  static std::string const before = json::write(patient.root);
  if (!patch) return;
  json::Arena arena;
  auto result = (*patch)->apply(patient.root, arena);
  if (json::write(patient.root) != before) std::abort();
  if (!result) return;
  patch::drop_empty(*result);
  json::to_canonical(*result);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const bytes(reinterpret_cast<char const*>(data), size);
  apply(patch::read_json_patch(bytes));
  if (bytes.starts_with('<')) apply(patch::read_xml_patch(bytes));
  auto const parameters = json::read_document(bytes);
  if (parameters && parameters->root.is_object()) apply(patch::read_fhirpath_patch(parameters->root));
  return 0;
}
