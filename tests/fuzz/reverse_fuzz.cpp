/// Any Bundle is written as any message that it has an anchor for, or refused; what is written can be read.
#include "fhir/json/reader.hpp"
#include "mappings/hl7v2/message.hpp"
#include "mappings/language/translator.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

using namespace mappings;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  auto const bundle = fhir::json::read_document({reinterpret_cast<char const*>(data), size});
  if (!bundle) return 0;
  language::PartnerProfile partner;
  partner.name = "fuzz";
  for (std::string_view const structure : language::builtin().structures()) {
    auto request = language::from_bundle(language::builtin(), structure, bundle->root);
    if (!request) continue;
    request->control_id = "1";
    request->timestamp = "20250301083000+0000";
    auto const written = language::reverse(language::builtin(), *request, partner);
    if (!written) continue;
    hl7v2::ParseOptions options;
    options.bytes_are_utf8 = true;
    fhir::Issues warnings;
    if (!hl7v2::Message::parse(written->image.bytes(), options, warnings)) std::abort();
  }
  return 0;
}
