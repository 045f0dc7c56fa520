/// A FHIRPath expression from outside (a search, a subscription, a patch), on a resource that has a bit of
/// everything. It compiles or not; it gives items, which all can be written, or an Issue; and it ends.
#include "fhir/json/reader.hpp"
#include "fhir/path/path.hpp"

#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace fhir;
  static json::Document const patient =
      json::read_document(
          R"({"resourceType":"Patient","id":"a","contained":[{"resourceType":"Organization","id":"o","name":"O"}],)"
          R"("identifier":[{"system":"urn:x","value":"1","period":{"start":"2001-05-06"}}],"active":true,)"
          R"("name":[{"use":"official","family":"F","given":["A","B"],"_given":[null,{"id":"x"}]},{"use":"usual","given":["C"]}],)"
          R"("birthDate":"1974-12-25","_birthDate":{"extension":[{"url":"u","valueDateTime":"1974-12-25T14:35:45-05:00"}]},)"
          R"("multipleBirthInteger":2,"managingOrganization":{"reference":"#o"},)"
          R"("extension":[{"url":"q","valueQuantity":{"value":1.50,"system":"http://unitsofmeasure.org","code":"mg"}}]})")
          .value();
  auto const expression = path::Expression::compile({reinterpret_cast<char const*>(data), size});
  if (!expression) return 0;
  auto const focus = path::root_item(patient.root);
  expression->check(*focus.type);
  path::Environment environment;
  environment.now = "2026-01-31T10:00:00.000Z";
  environment.step_max = 20'000;
  environment.collection_max = 2'000;
  json::Arena arena;
  auto const result = expression->evaluate(focus, environment, arena);
  if (!result) return 0;
  for (auto const& item : *result) {
    path::to_json(item);
    path::to_text(item);
  }
  return 0;
}
