#include "fhir/validate/structure.hpp"

#include "fhir/definitions/definitions.hpp"
#include "fhir/validate/primitive.hpp"

#include <algorithm>
#include <bitset>
#include <string>
#include <vector>

namespace fhir::validate {

namespace {

using definitions::BindingStrength;
using definitions::ElementDefinition;
using definitions::Primitive;
using definitions::TypeDefinition;
using json::Element;
using json::Kind;
using json::Member;

constexpr std::size_t kElementsMax = 512;             // members of one type; ElementDefinition has 257
constexpr std::size_t kStringBytesMax = 1024 * 1024;  // datatypes.html#string
constexpr std::size_t kNameBytesMax = 64;

/// Where the walk stands; a chain on the call stack, spelled out only when something is wrong.
struct Path {
  Path const* parent = nullptr;
  std::string_view name;
  int index = -1;
};

void append_to(std::string& out, Path const& path) {
  if (path.parent != nullptr) append_to(out, *path.parent);
  if (!path.name.empty()) {
    if (!out.empty()) out.push_back('.');
    out.append(path.name);
  }
  if (path.index >= 0) out.append("[").append(std::to_string(path.index)).append("]");
}

/// For each type, the elements with min above 0; of a choice the first stands for all.
class RequiredElements {
 public:
  RequiredElements() : runs_(definitions::types().size()) {
    for (TypeDefinition const& type : definitions::types()) {
      definitions::Run& run = runs_[index_of(type)];
      run.first = static_cast<std::uint32_t>(rows_.size());
      ElementDefinition const* last = nullptr;
      for (ElementDefinition const& element : type.elements()) {
        bool const same_choice =
            last != nullptr && element.is_choice() && last->choice_group == element.choice_group;
        if (element.min() > 0 && !same_choice) rows_.push_back(&element);
        last = &element;
      }
      run.size = static_cast<std::uint32_t>(rows_.size()) - run.first;
    }
  }
  std::span<ElementDefinition const* const> of(TypeDefinition const& type) const {
    definitions::Run const run = runs_[index_of(type)];
    return std::span(rows_).subspan(run.first, run.size);
  }

 private:
  static std::size_t index_of(TypeDefinition const& type) {
    return static_cast<std::size_t>(&type - definitions::types().data());
  }
  std::vector<ElementDefinition const*> rows_;
  std::vector<definitions::Run> runs_;
};

RequiredElements const& required_elements() {
  static RequiredElements const elements;
  return elements;
}

TypeDefinition const& known_type(std::string_view name) { return *definitions::find_type(name); }

/// A name that may be repeated to the sender: an element's shape, not a smuggled value.
bool is_printable_name(std::string_view name) {
  return !name.empty() && name.size() <= kNameBytesMax && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

Kind kind_of(Primitive type) {
  switch (type) {
    case Primitive::none:
      return Kind::object;
    case Primitive::boolean:
      return Kind::boolean;
    case Primitive::integer:
    case Primitive::unsigned_int:
    case Primitive::positive_int:
    case Primitive::decimal:
      return Kind::number;
    default:
      return Kind::string;
  }
}

std::string_view describe(Kind kind) {
  switch (kind) {
    case Kind::boolean:
      return "true or false";
    case Kind::number:
      return "a JSON number";
    case Kind::object:
      return "a JSON object";
    case Kind::array:
      return "a JSON array";
    default:
      return "a JSON string";
  }
}

class Validator {
 public:
  explicit Validator(Issues& issues) : issues_(issues), first_(issues.size()) {}

  enum class Place : unsigned char { root, entry, contained };

  /// `path` names where it stands, or is nullptr for the outermost.
  void check_resource(Element const& resource, Path const* path, Place place) {
    Path const nowhere;
    Path const& here = path == nullptr ? nowhere : *path;
    if (!resource.is_object()) return report(IssueType::structure, here, "a resource is a JSON object");
    Element const* const name = resource.find("resourceType");
    if (name == nullptr || !name->is_string()) {
      return report(IssueType::structure, here,
                    "a resource needs resourceType, a JSON string naming its type");
    }
    TypeDefinition const* const type = definitions::find_type(name->text());
    if (type == nullptr || !type->is_resource() || type->is_abstract()) {
      return report(IssueType::structure, here, "resourceType is not one of the resource types of FHIR R4");
    }
    if (place == Place::contained && resource.find("contained") != nullptr) {
      report(IssueType::structure, here,
             "a contained resource must not contain resources; put them side by side");
    }
    Path const root{nullptr, type->name()};
    check_object(resource, *type, path == nullptr ? root : here);
  }

 private:
  void report(IssueType code, Path const& path, std::string diagnostics) {
    std::size_t const found = issues_.size() - first_;
    if (found > kIssuesMax) return;
    if (found == kIssuesMax) {
      issues_.push_back(error(IssueType::too_costly, "more findings follow; correct these first"));
      return;
    }
    std::string expression;
    append_to(expression, path);
    issues_.push_back(error(code, std::move(diagnostics), std::move(expression)));
  }
  bool is_full() const { return issues_.size() - first_ > kIssuesMax; }

  void check_object(Element const& object, TypeDefinition const& type, Path const& path) {
    if (is_full()) return;
    if (!object.is_object()) return report(IssueType::structure, path, wrong_kind(type, Kind::object));
    std::bitset<kElementsMax> seen;
    std::size_t members = 0;
    for (Member const& member : object.members()) {
      if (member.name == "resourceType" && type.is_resource()) continue;
      ++members;
      check_member(object, member, type, path, seen);
    }
    if (members == 0 && !type.is_resource()) {
      report(IssueType::structure, path, "an object must not be empty: leave the element out");
    }
    for (ElementDefinition const* const element : required_elements().of(type)) {
      if (!is_seen(seen, type, *element)) report_missing(*element, path);
    }
    check_meaning(object, type, path);
  }

  static std::string wrong_kind(TypeDefinition const& type, Kind expected) {
    return std::string(type.name()).append(" is written as ").append(describe(expected));
  }

  /// Whether the element, or any type of its choice, was there.
  static bool is_seen(std::bitset<kElementsMax> const& seen, TypeDefinition const& type,
                      ElementDefinition const& element) {
    if (!element.is_choice()) return seen[element.order()];
    auto const all = type.elements();
    for (std::size_t i = element.order(); i < all.size() && all[i].choice_group == element.choice_group;
         ++i) {
      if (seen[i]) return true;
    }
    return false;
  }

  void report_missing(ElementDefinition const& element, Path const& path) {
    Path const here{&path, element.path_name()};
    std::string diagnostics = "required element ";
    diagnostics.append(element.path_name()).append(element.is_choice() ? "[x]" : "").append(" is missing");
    report(IssueType::required, here, std::move(diagnostics));
  }

  void check_member(Element const& object, Member const& member, TypeDefinition const& type, Path const& path,
                    std::bitset<kElementsMax>& seen) {
    bool const companion = member.name.starts_with('_');
    std::string_view const name = companion ? member.name.substr(1) : member.name;
    ElementDefinition const* const element = definitions::find_element(type, name);
    if (element == nullptr || (companion && !element->type().is_primitive()))
      return report_unknown(member.name, type, path);
    Path const here{&path, element->path_name()};
    if (element->is_prohibited()) {
      return report(IssueType::structure, here, "this element is not allowed in " + std::string(type.name()));
    }
    if (element->is_choice() && !seen[element->order()] &&
        is_seen(seen, type, first_of_choice(type, *element))) {
      report(IssueType::structure, here, "only one type of this choice may be given");
    }
    seen.set(element->order());
    if (companion) {
      check_companion(object, member, *element, here);
    } else {
      check_element(object, member.value, *element, here);
    }
  }

  static ElementDefinition const& first_of_choice(TypeDefinition const& type,
                                                  ElementDefinition const& element) {
    auto const all = type.elements();
    std::size_t at = element.order();
    while (at > 0 && all[at - 1].choice_group == element.choice_group) --at;
    return all[at];
  }

  void report_unknown(std::string_view name, TypeDefinition const& type, Path const& path) {
    std::string diagnostics = "unknown element";
    if (is_printable_name(name)) diagnostics.append(" ").append(name);
    diagnostics.append(": ").append(type.name()).append(" has no such member in FHIR R4");
    Path const here{&path, is_printable_name(name) ? name : std::string_view{}};
    report(IssueType::structure, here, std::move(diagnostics));
  }

  void check_element(Element const& object, Element const& value, ElementDefinition const& element,
                     Path const& path) {
    if (!element.repeats()) {
      if (value.is_array())
        return report(IssueType::structure, path, "this element does not repeat: no JSON array here");
      return check_value(value, element, path);
    }
    if (!value.is_array())
      return report(IssueType::structure, path, "this element repeats: it is written as a JSON array");
    if (value.empty())
      return report(IssueType::structure, path, "an array must not be empty: leave the element out");
    int index = 0;
    for (Element const& item : value.items()) {
      Path const here{path.parent, path.name, index};
      if (!item.is_null()) {
        check_value(item, element, here);
      } else if (!element.type().is_primitive() ||
                 !has_companion(object, element, static_cast<std::size_t>(index))) {
        report(IssueType::structure, here,
               "null stands only for a primitive whose _ companion has content at the same place");
      }
      ++index;
    }
  }

  static bool has_companion(Element const& object, ElementDefinition const& element, std::size_t index) {
    Element const* const companion = find_companion(object, element.name());
    return companion != nullptr && index < companion->items().size() && companion->items()[index].is_object();
  }

  static Element const* find_companion(Element const& object, std::string_view name) {
    for (Member const& member : object.members()) {
      if (member.name.starts_with('_') && member.name.substr(1) == name) return &member.value;
    }
    return nullptr;
  }

  /// json.html#primitive: `_x` carries id and extension of x; in arrays place by place, with null where there
  /// is none.
  void check_companion(Element const& object, Member const& member, ElementDefinition const& element,
                       Path const& path) {
    static TypeDefinition const& element_type = known_type("Element");
    if (!element.repeats()) return check_object(member.value, element_type, path);
    if (!member.value.is_array() || member.value.empty()) {
      return report(IssueType::structure, path,
                    "the _ companion of a repeating element is a JSON array with content");
    }
    Element const* const values = object.find(element.name());
    if (values != nullptr && values->is_array() && values->size() != member.value.size()) {
      report(IssueType::structure, path, "an element and its _ companion must have the same number of items");
    }
    std::size_t index = 0;
    for (Element const& item : member.value.items()) {
      Path const here{path.parent, path.name, static_cast<int>(index)};
      if (!item.is_null()) {
        check_object(item, element_type, here);
      } else if (values == nullptr || index >= values->size() || values->items()[index].is_null()) {
        report(IssueType::structure, here, "a place must have a value or a _ companion with content");
      }
      ++index;
    }
  }

  void check_value(Element const& value, ElementDefinition const& element, Path const& path) {
    TypeDefinition const& type = element.type();
    if (type.is_primitive()) {
      check_primitive(value, type, path);
      if (type.primitive() == Primitive::code) check_code(value, element, path);
    } else if (type.is_resource() && type.is_abstract()) {
      check_resource(value, &path, element.name() == "contained" ? Place::contained : Place::entry);
    } else {
      check_object(value, type, path);
      if (element.binding_index != kNoBinding) check_concept(value, element, path);
      if (element.target_run.size != 0) check_target(value, element, path);
    }
  }

  void check_primitive(Element const& value, TypeDefinition const& type, Path const& path) {
    Primitive const primitive = type.primitive();
    if (value.kind() != kind_of(primitive))
      return report(IssueType::structure, path, wrong_kind(type, kind_of(primitive)));
    if (!is_primitive_value(primitive, value.text())) {
      return report(IssueType::value, path, std::string("must be ").append(validate::describe(primitive)));
    }
    if (value.text().size() > kStringBytesMax &&
        (primitive == Primitive::string || primitive == Primitive::markdown)) {
      report(IssueType::too_long, path, "a string must not exceed 1 MB");
    }
  }

  // terminologies.html#required

  static bool is_enumerated(ElementDefinition const& element) {
    definitions::Binding const* const binding = element.binding();
    return binding != nullptr && binding->strength() == BindingStrength::required &&
           !binding->codes().empty();
  }

  void report_code(ElementDefinition const& element, Path const& path) {
    report(IssueType::code_invalid, path,
           "the code must be one of the value set " + std::string(element.binding()->value_set()));
  }

  void check_code(Element const& value, ElementDefinition const& element, Path const& path) {
    if (value.is_string() && is_enumerated(element) &&
        !definitions::code_in_binding(element, {}, value.text())) {
      report_code(element, path);
    }
  }

  static bool is_bound_coding(Element const& coding, ElementDefinition const& element) {
    return definitions::code_in_binding(element, coding.text_at("system"), coding.text_at("code"));
  }

  /// Coding, CodeableConcept (one coding must be in the set) and the codes of quantities.
  void check_concept(Element const& value, ElementDefinition const& element, Path const& path) {
    if (!is_enumerated(element)) return;
    if (element.type().name() != "CodeableConcept") {
      if (value.find("code") != nullptr && !is_bound_coding(value, element)) report_code(element, path);
      return;
    }
    Element const* const codings = value.find("coding");
    if (codings == nullptr) return;
    if (std::ranges::none_of(codings->items(),
                             [&](Element const& coding) { return is_bound_coding(coding, element); })) {
      report_code(element, path);
    }
  }

  /// references.html: what a literal, relative reference names must be a type that the element may point to.
  void check_target(Element const& value, ElementDefinition const& element, Path const& path) {
    std::string_view const text = value.text_at("reference");
    auto const slash = text.find('/');
    if (slash == std::string_view::npos) return;
    TypeDefinition const* const type = definitions::find_type(text.substr(0, slash));
    if (type == nullptr || !type->is_resource()) return;
    auto const targets = element.targets();
    bool const allowed = std::ranges::any_of(
        targets, [&](TypeDefinition const* target) { return target == type || target->is_abstract(); });
    if (!allowed) report(IssueType::value, path, "a reference here must point to " + to_list(targets));
  }

  static std::string to_list(std::span<TypeDefinition const* const> types) {
    std::string list;
    for (TypeDefinition const* type : types) list.append(list.empty() ? "" : ", ").append(type->name());
    return list;
  }

  /// What a type demands beyond its members.
  void check_meaning(Element const& object, TypeDefinition const& type, Path const& path) {
    static TypeDefinition const& reference_type = known_type("Reference");
    if (&type == &reference_type) check_reference(object, path);
  }

  /// references.html#literal: an absolute URI, a fragment, Type/id, or a search (Type?query) within a
  /// transaction.
  void check_reference(Element const& object, Path const& path) {
    std::string_view const text = object.text_at("reference");
    if (text.empty() || text.starts_with('#') || text.find(':') != std::string_view::npos) return;
    std::string_view const name = text.substr(0, text.find_first_of("/?"));
    bool const complete = name.size() + 1 < text.size();
    if (complete && definitions::is_resource_type(name)) return;
    Path const here{&path, "reference"};
    report(IssueType::value, here,
           "a reference must be Type/id, an absolute URI, or # and the id of a contained resource");
  }

  static constexpr std::uint16_t kNoBinding = 0xFFFF;

  Issues& issues_;
  std::size_t first_;
};

}  // namespace

void validate_structure(json::Element const& resource, Issues& issues) {
  Validator(issues).check_resource(resource, nullptr, Validator::Place::root);
}

}  // namespace fhir::validate
