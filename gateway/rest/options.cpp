#include "gateway/rest/options.hpp"

#include "fhir/definitions/definitions.hpp"
#include "fhir/json/reader.hpp"
#include "fhir/json/writer.hpp"
#include "fhir/search/values.hpp"

#include <algorithm>
#include <charconv>

namespace gateway::rest {

namespace {

using fhir::IssueType;
using fhir::definitions::ElementDefinition;
using fhir::definitions::TypeDefinition;
using fhir::definitions::TypeKind;
using fhir::json::Arena;
using fhir::json::Element;
using fhir::json::Member;
using fhir::search::Summary;

fhir::Issue bad_value(std::string_view name, std::string_view wanted) {
  return fhir::error(IssueType::value, std::string(name) + " takes " + std::string(wanted) + ".", {},
                     std::string(name));
}

fhir::Result<Summary> parse_summary(std::string_view text) {
  if (text == "true") return Summary::true_;
  if (text == "false") return Summary::false_;
  if (text == "text") return Summary::text;
  if (text == "data") return Summary::data;
  return bad_value("_summary", "true, false, text or data here");
}

void add_elements(std::string_view text, std::vector<std::string>& out) {
  for (;;) {
    auto const comma = text.find(',');
    if (comma != 0 && !text.empty()) out.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return;
    text.remove_prefix(comma + 1);
  }
}

fhir::Result<void> take(std::string_view name, std::string_view value, Options& options) {
  if (name == "_summary") {
    FHIR_TRY(options.view.summary, parse_summary(value));
  } else if (name == "_elements") {
    add_elements(value, options.view.elements);
  } else if (name == "_page") {
    options.page = value;
  } else if (name == "_count") {
    std::uint32_t count = 0;
    auto const [end, status] = std::from_chars(value.data(), value.data() + value.size(), count);
    if (status != std::errc{} || end != value.data() + value.size()) return bad_value("_count", "a number");
    options.count = count;
  } else if (name == "_since") {
    auto const since = fhir::search::to_date_value(value);
    if (!since) return bad_value("_since", "an instant with a zone, 2025-03-01T08:00:00Z");
    options.since_ms = since->low;
  }
  return {};
}

/// Whether the view shows this element of a resource or backbone element.
bool is_shown(ElementDefinition const& element, View const& view, bool top) {
  if (element.min() > 0 || element.is_modifier()) return true;
  if (top && !view.elements.empty()) {
    return std::ranges::any_of(view.elements, [&](std::string const& name) {
      return name == element.name() || name == element.path_name();
    });
  }
  switch (view.summary) {
    case Summary::true_:
      return element.is_summary();
    case Summary::text:
      return top && element.name() == "text";
    case Summary::data:
      return !top || element.name() != "text";
    default:
      return true;
  }
}

bool is_frame(std::string_view name) { return name == "resourceType" || name == "id" || name == "meta"; }

Element shown_part(Arena& arena, Element const& object, TypeDefinition const& type, View const& view,
                   bool top);

Element shown_value(Arena& arena, Element const& value, TypeDefinition const& type, View const& view) {
  bool const deeper = view.summary == Summary::true_ && type.kind() == TypeKind::backbone;
  if (!deeper) return value;
  if (!value.is_array()) return shown_part(arena, value, type, view, false);
  Element list = Element::of_array();
  for (Element const& item : value.items()) list.push(arena, shown_part(arena, item, type, view, false));
  return list;
}

Element shown_part(Arena& arena, Element const& object, TypeDefinition const& type, View const& view,
                   bool top) {
  Element out = Element::of_object();
  for (Member const& member : object.members()) {
    std::string_view const name = member.name.starts_with('_') ? member.name.substr(1) : member.name;
    if (is_frame(member.name)) {
      out.append_unchecked(arena, member.name, member.value);
      continue;
    }
    ElementDefinition const* const element = find_element(type, name);
    if (element == nullptr || !is_shown(*element, view, top)) continue;
    out.append_unchecked(arena, member.name, shown_value(arena, member.value, element->type(), view));
  }
  return out;
}

/// R4 search.html#summary: a part of a resource says so, lest it be stored for the whole.
void add_subsetted_tag(Arena& arena, Element& resource) {
  Element& tag = resource.set(arena, "meta").set(arena, "tag").push(arena);
  tag.set(arena, "system", Element::of_string("http://terminology.hl7.org/CodeSystem/v3-ObservationValue"));
  tag.set(arena, "code", Element::of_string("SUBSETTED"));
}

void new_line(std::size_t depth, std::string& out) {
  out += '\n';
  out.append(2 * depth, ' ');
}

}  // namespace

bool View::whole() const {
  return elements.empty() && (summary == Summary::unset || summary == Summary::false_);
}

fhir::Result<Options> parse_options(std::string_view query, std::initializer_list<std::string_view> allowed,
                                    fhir::search::Handling handling) {
  Options options;
  FHIR_TRY(auto const pairs, fhir::search::parse_pairs(query));
  for (auto const& [name, value] : pairs) {
    if (name == "_format" || name == "_pretty") continue;
    if (std::ranges::find(allowed, std::string_view(name)) != allowed.end()) {
      FHIR_CHECK(take(name, value, options));
    } else if (handling == fhir::search::Handling::strict) {
      return fhir::error(IssueType::not_supported, "This interaction has no parameter " + name + ".", {},
                         name);
    }
  }
  return options;
}

fhir::Result<std::string> to_view(std::string_view bytes, View const& view) {
  if (view.whole()) return std::string(bytes);
  FHIR_TRY(auto document, fhir::json::read_document(bytes));
  TypeDefinition const* const type = fhir::definitions::find_type(document.root.text_at("resourceType"));
  if (type == nullptr)
    return fhir::error(IssueType::exception, "A stored resource has a type that R4 does not know.");
  Element shown = shown_part(document.arena, document.root, *type, view, true);
  add_subsetted_tag(document.arena, shown);
  return fhir::json::write(shown);
}

std::string to_pretty(std::string_view json) {
  std::string out;
  out.reserve(json.size() * 2);
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    char const c = json[i];
    if (in_string) {
      out += c;
      if (c == '\\' && i + 1 < json.size()) out += json[++i];
      if (c == '"') in_string = false;
    } else if (c == '{' || c == '[') {
      out += c;
      new_line(++depth, out);
    } else if (c == '}' || c == ']') {
      new_line(depth == 0 ? 0 : --depth, out);
      out += c;
    } else if (c == ',') {
      out += c;
      new_line(depth, out);
    } else {
      in_string = c == '"';
      out += c;
      if (c == ':') out += ' ';
    }
  }
  return out;
}

}  // namespace gateway::rest
