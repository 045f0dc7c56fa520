#include "fhir/terminology/implicit.hpp"

#include <algorithm>
#include <string>

namespace fhir::terminology {

using json::Element;

SharedElement implicit_value_set(std::string_view url) {
  constexpr std::string_view kSnomed = "http://snomed.info/sct";
  constexpr std::string_view kMark = "?fhir_vs";
  constexpr std::string_view kIsA = "=isa/";
  // R4 binds a language of expressions to what is no FHIR url at all: media types.
  bool const is_media_type = url == "http://www.rfc-editor.org/bcp/bcp13.txt";
  bool const is_loinc = url == "http://loinc.org/vs" || is_media_type;
  auto const mark = url.find(kMark);
  if (!is_loinc && (!url.starts_with(kSnomed) || mark == std::string_view::npos)) return nullptr;
  std::string_view const rest = is_loinc ? std::string_view{} : url.substr(mark + kMark.size());
  std::string_view const code = rest.starts_with(kIsA) ? rest.substr(kIsA.size()) : std::string_view{};
  bool const is_code =
      !code.empty() && std::ranges::all_of(code, [](char c) { return c >= '0' && c <= '9'; });
  if (!rest.empty() && !is_code) return nullptr;

  auto const document = std::make_shared<json::Document>();
  auto& arena = document->arena;
  auto const text = [&](std::string_view value) { return Element::of_string(arena.copy(value)); };
  Element& root = document->root;
  root.set(arena, "resourceType", Element::of_string("ValueSet"));
  root.set(arena, "url", text(url));
  root.set(arena, "status", Element::of_string("active"));
  Element include = Element::of_object();
  include.set(arena, "system",
              is_media_type ? Element::of_string("urn:ietf:bcp:13")
              : is_loinc    ? Element::of_string("http://loinc.org")
                            : text(kSnomed));
  std::string_view const edition = is_loinc ? std::string_view{} : url.substr(0, mark);
  if (edition.size() > kSnomed.size()) include.set(arena, "version", text(edition));
  if (is_code) {
    Element& filter = include.set(arena, "filter").push(arena, Element::of_object());
    filter.set(arena, "property", Element::of_string("concept"));
    filter.set(arena, "op", Element::of_string("is-a"));
    filter.set(arena, "value", text(code));
  }
  root.set(arena, "compose", Element::of_object()).set(arena, "include").push(arena, include);
  return SharedElement(document, &document->root);
}

}  // namespace fhir::terminology
