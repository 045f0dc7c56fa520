/// Ids within one resource: each once, and every link of the narrative leads to one.
/// Source: R4 element.html#id ("unique within the resource"), narrative.html#linking.
#include "fhir/validate/walk.hpp"

#include <algorithm>
#include <set>

namespace fhir::validate {

using json::Element;

namespace {

constexpr int kDepthMax = 64;  // what the reader lets through

bool is_resource(Element const& element) { return element.find("resourceType") != nullptr; }

/// The ids of the elements of a resource, those of resources within it apart. `twice` gets what stands twice.
void collect(Element const& element, bool is_root, int depth, std::set<std::string_view>& ids,
             bool& is_twice) {
  if (depth > kDepthMax) return;
  for (Element const& item : element.items()) collect(item, false, depth + 1, ids, is_twice);
  if (!element.is_object() || (!is_root && is_resource(element))) return;
  for (json::Member const& member : element.members()) {
    bool const is_id = member.name == "id" && member.value.is_string() && !is_root;
    if (is_id && !ids.insert(member.value.text()).second) is_twice = true;
    if (!is_id) collect(member.value, false, depth + 1, ids, is_twice);
  }
}

/// Whether the narrative has an element with that id, or an anchor of that name.
bool has_anchor(std::string_view div, std::string_view name) {
  for (char const* begin : {"id=\"", "id='", "name=\"", "name='"}) {
    std::string const wanted =
        std::string(begin).append(name).append(1, begin[std::string_view(begin).size() - 1]);
    if (div.find(wanted) != std::string_view::npos) return true;
  }
  return false;
}

bool has_contained(Element const& resource, std::string_view id) {
  Element const* const contained = resource.find("contained");
  return contained != nullptr &&
         std::ranges::any_of(contained->items(), [&](Element const& one) { return one.text_at("id") == id; });
}

}  // namespace

void check_identities(Walk& walk, Element const& resource, Place const& place) {
  std::set<std::string_view> ids;
  bool is_twice = false;
  collect(resource, true, 0, ids, is_twice);
  // An element of a snapshot has the id that it has in the differential.
  bool const may_repeat = resource.text_at("resourceType") == "StructureDefinition";
  if (is_twice && !may_repeat)
    walk.fail(IssueType::business_rule, place, "two elements of the resource have the same id");
  std::string_view const div = resource.text_of("text", "div");
  constexpr std::string_view kLink = "href=\"#";
  for (std::size_t at = div.find(kLink); at != std::string_view::npos; at = div.find(kLink, at + 1)) {
    std::size_t const from = at + kLink.size();
    std::string_view const name = div.substr(from, div.find('"', from) - from);
    if (name.empty() || ids.contains(name) || has_anchor(div, name) || has_contained(resource, name))
      continue;
    Place const text{&place, "text"};
    Place const below{&text, "div"};
    walk.report(Severity::warning, IssueType::invalid, below,
                "a link of the narrative leads to nothing in the resource");
    return;
  }
}

}  // namespace fhir::validate
