/// Any message that parses is translated and written back over itself without a change, and every leaf is
/// accounted for.
#include "mappings/hl7v2/message.hpp"
#include "mappings/language/translator.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

using namespace mappings;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fhir::Issues warnings;
  auto const message = hl7v2::Message::parse({reinterpret_cast<char const*>(data), size}, {}, warnings);
  if (!message) return 0;
  language::PartnerProfile partner;
  partner.name = "fuzz";
  auto draft = language::forward(language::builtin(), *message, partner);
  if (!draft) return 0;
  auto const account = language::account(*message, *draft);
  if (account.leaves != account.mapped.size() + account.kept.size() + account.dropped.size()) std::abort();

  fhir::json::Arena arena;
  std::vector<std::string> references;
  for (std::size_t at = 0; at < draft->resources.size(); ++at)
    references.push_back(std::string(draft->resources[at].type) + "/" + std::to_string(at));
  std::vector<fhir::json::Element> resources;
  language::ReverseRequest request;
  for (std::size_t at = 0; at < draft->resources.size(); ++at) {
    resources.push_back(language::apply(*draft, at, nullptr, arena));
    language::resolve_references(resources.back(), references, arena);
    resources.back().set(arena, "id", fhir::json::Element::of_string(arena.copy(std::to_string(at))));
  }
  for (std::size_t at = 0; at < resources.size(); ++at) {
    if (!draft->resources[at].role.empty())
      request.resources.push_back({draft->resources[at].role, &resources[at], {}});
  }
  request.structure = draft->structure;
  request.seed = &*message;
  request.keep_header = true;
  request.resolve = [&](std::string_view reference) -> fhir::json::Element const* {
    for (std::size_t at = 0; at < references.size(); ++at) {
      if (references[at] == reference) return &resources[at];
    }
    return nullptr;
  };
  auto const back = language::reverse(language::builtin(), request, partner);
  if (!back || back->image.bytes() != hl7v2::Image(*message).bytes()) std::abort();
  return 0;
}
