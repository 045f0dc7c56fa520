#include "fhir/terminology/language.hpp"

#include "fhir/terminology/text.hpp"

#include <algorithm>
#include <cstdlib>

namespace fhir::terminology {

Languages::Languages(std::string_view list) : text_(list) {
  struct Range {
    std::string tag;
    double weight;
  };
  std::vector<Range> ranges;
  for (std::string_view const part : split(list, ',')) {
    auto const pieces = split(part, ';');
    Range range{std::string(trimmed(pieces[0])), 1.0};
    for (std::size_t i = 1; i < pieces.size(); ++i) {
      std::string const weight(trimmed(pieces[i]));
      if (weight.starts_with("q=")) range.weight = std::strtod(weight.c_str() + 2, nullptr);
    }
    if (range.tag.empty()) continue;
    if (range.tag == "*") {
      takes_others_ = range.weight > 0;
    } else if (range.weight > 0) {
      ranges.push_back(std::move(range));
    }
  }
  std::ranges::stable_sort(ranges, std::greater{}, &Range::weight);
  for (Range& range : ranges) tags_.push_back(std::move(range.tag));
}

bool Languages::wants(std::string_view language) const {
  if (tags_.empty()) return true;
  return std::ranges::any_of(tags_, [&](std::string const& tag) { return in_language(tag, language); });
}

bool in_language(std::string_view tag, std::string_view language) {
  if (language.size() < tag.size() || !equal_folded(language.substr(0, tag.size()), tag)) return false;
  return language.size() == tag.size() || language[tag.size()] == '-';
}

}  // namespace fhir::terminology
