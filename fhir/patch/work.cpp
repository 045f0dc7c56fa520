#include "fhir/patch/work.hpp"

#include "fhir/json/reader.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace fhir::patch {

namespace {

struct Size {
  std::size_t values = 1;
  std::size_t depth = 1;
};

Size size_of(json::Element const& value) {
  Size size;
  auto const add = [&](json::Element const& child) {
    Size const below = size_of(child);
    size.values += below.values;
    size.depth = std::max(size.depth, below.depth + 1);
  };
  for (auto const& item : value.items()) add(item);
  for (auto const& member : value.members()) add(member.value);
  return size;
}

}  // namespace

Issue failure(IssueType code, Place const& place, std::string_view why) {
  std::string const what =
      place.kind.empty() ? ""
                         : fmt::format(" ({}{}{})", place.kind, place.path.empty() ? "" : " ", place.path);
  return error(code, fmt::format("operation {}{}: {}", place.index, what, why), place.expression);
}

Result<void> check_count(std::size_t operations, std::size_t most) {
  if (operations <= most) return {};
  return error(IssueType::too_costly, fmt::format("a patch has at most {} operations", most));
}

Result<void> Budget::spend(std::size_t values, Place const& place) {
  spent_ += values;
  if (spent_ <= kWorkMax) return {};
  return failure(IssueType::too_costly, place, "the patch copies or shifts too much");
}

Result<void> Budget::check_depth(json::Element const& value, std::size_t depth, Place const& place) {
  if (depth + size_of(value).depth <= json::kDepthMax) return {};
  return failure(IssueType::too_costly, place,
                 fmt::format("the result would be deeper than {} levels", json::kDepthMax));
}

Result<json::Element> Budget::copy(json::Arena& arena, json::Element const& value, std::size_t depth,
                                   Place const& place) {
  FHIR_CHECK(spend(size_of(value).values, place));
  FHIR_CHECK(check_depth(value, depth, place));
  return json::deep_copy(arena, value);
}

void insert_item(json::Arena& arena, json::Element& array, std::size_t index, json::Element value) {
  array.push(arena, value);
  auto const all = array.items();
  std::rotate(all.begin() + static_cast<std::ptrdiff_t>(index), all.end() - 1, all.end());
}

void move_item(json::Element& array, std::size_t from, std::size_t to) {
  auto const all = array.items();
  auto const at = [&](std::size_t index) { return all.begin() + static_cast<std::ptrdiff_t>(index); };
  if (from < to) {
    std::rotate(at(from), at(from + 1), at(to + 1));
  } else {
    std::rotate(at(to), at(from), at(from + 1));
  }
}

void drop_empty(json::Element& element) {
  auto const is_empty = [](json::Element const& child) {
    return (child.is_array() || child.is_object()) && child.empty();
  };
  for (auto& item : element.items()) drop_empty(item);
  for (auto& member : element.members()) drop_empty(member.value);
  if (element.is_array()) {
    for (std::size_t i = element.size(); i-- > 0;) {
      if (is_empty(element.items()[i])) element.remove_item(i);
    }
  }
  auto const members = element.members();
  for (std::size_t i = members.size(); i-- > 0;) {
    if (is_empty(element.members()[i].value)) element.remove(element.members()[i].name);
  }
}

}  // namespace fhir::patch
