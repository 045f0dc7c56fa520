#include "fhir/patch/pointer.hpp"

#include <charconv>

namespace fhir::patch {

std::optional<Pointer> parse_pointer(std::string_view text) {
  Pointer pointer;
  if (text.empty()) return pointer;
  if (text[0] != '/') return std::nullopt;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '/') {
      pointer.emplace_back();
    } else if (text[i] != '~') {
      pointer.back() += text[i];
    } else {
      char const escaped = ++i < text.size() ? text[i] : ' ';
      if (escaped != '0' && escaped != '1') return std::nullopt;
      pointer.back() += escaped == '0' ? '~' : '/';
    }
  }
  return pointer;
}

std::optional<std::size_t> to_index(std::string_view step) {
  std::size_t index = 0;
  auto const [end, failed] = std::from_chars(step.data(), step.data() + step.size(), index);
  bool const has_leading_zero = step.size() > 1 && step[0] == '0';
  if (failed != std::errc{} || end != step.data() + step.size() || has_leading_zero) return std::nullopt;
  return index;
}

json::Element* find(json::Element& root, std::span<std::string const> steps) {
  json::Element* here = &root;
  for (std::string const& step : steps) {
    if (here->is_array()) {
      auto const index = to_index(step);
      if (!index || *index >= here->size()) return nullptr;
      here = &here->items()[*index];
    } else {
      here = here->find(step);
      if (here == nullptr) return nullptr;
    }
  }
  return here;
}

}  // namespace fhir::patch
