#include "mappings/types/vocabulary.hpp"

#include <algorithm>

namespace mappings::types {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

bool equals_ignoring_case(std::string_view left, std::string_view right) {
  return left.size() == right.size() &&
         std::ranges::equal(left, right, [](char a, char b) { return lower(a) == lower(b); });
}

Target const* Vocabulary::find(std::string_view v2_code) const {
  for (Entry const& entry : entries) {
    if (entry.forward && equals_ignoring_case(entry.v2, v2_code)) return &entry.target;
  }
  return otherwise ? &*otherwise : nullptr;
}

std::string_view Vocabulary::find_reverse(std::string_view system, std::string_view code) const {
  for (Entry const& entry : entries) {
    if (entry.reverse && entry.target.code == code && (system.empty() || entry.target.system == system))
      return entry.v2;
  }
  return {};
}

bool Vocabulary::has_v2(std::string_view code) const {
  return std::ranges::any_of(entries,
                             [&](Entry const& entry) { return equals_ignoring_case(entry.v2, code); });
}

std::optional<TargetView> to_fhir(Vocabulary const& vocabulary, std::string_view v2_code,
                                  language::PartnerProfile const& partner) {
  for (language::CodeMap const& map : partner.codes) {
    if (map.vocabulary == vocabulary.name && equals_ignoring_case(map.v2_code, v2_code))
      return TargetView{
          map.fhir_system.empty() ? vocabulary.fhir_system : map.fhir_system, map.fhir_code, {}};
  }
  if (Target const* const found = vocabulary.find(v2_code))
    return TargetView{found->system, found->code, found->display,
                      vocabulary.otherwise && found == &*vocabulary.otherwise};
  return std::nullopt;
}

std::string_view to_v2(Vocabulary const& vocabulary, std::string_view system, std::string_view code,
                       language::PartnerProfile const& partner) {
  for (language::CodeMap const& map : partner.codes) {
    std::string_view const map_system = map.fhir_system.empty() ? vocabulary.fhir_system : map.fhir_system;
    if (map.vocabulary == vocabulary.name && map.fhir_code == code &&
        (system.empty() || map_system == system))
      return map.v2_code;
  }
  return vocabulary.find_reverse(system, code);
}

}  // namespace mappings::types
