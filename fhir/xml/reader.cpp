#include "fhir/definitions/definitions.hpp"
#include "fhir/xml/characters.hpp"
#include "fhir/xml/narrative.hpp"
#include "fhir/xml/xml.hpp"

#include <fmt/format.h>
#include <pugixml.hpp>

#include <algorithm>

namespace fhir::xml {

namespace {

using definitions::ElementDefinition;
using definitions::Primitive;
using definitions::TypeDefinition;
using json::Arena;
using json::Element;

constexpr int kDepthMax = 64;  // As for JSON.
constexpr std::string_view kFhir = "http://hl7.org/fhir";
constexpr char const* kNoCharacter = "a character that XML cannot hold, or no UTF-8";

/// "line 3 column 14" of a byte.
std::string position(std::string_view text, std::ptrdiff_t offset) {
  std::string_view const before =
      text.substr(0, static_cast<std::size_t>(std::max<std::ptrdiff_t>(offset, 0)));
  auto const line = std::ranges::count(before, '\n') + 1;
  auto const start = before.rfind('\n');
  auto const column = start == std::string_view::npos ? before.size() + 1 : before.size() - start;
  return fmt::format("line {} column {}", line, column);
}

/// A JSON number as RFC 8259 writes it.
bool is_json_number(std::string_view text) {
  auto const digits = [&] {
    std::size_t n = 0;
    while (n < text.size() && text[n] >= '0' && text[n] <= '9') ++n;
    text.remove_prefix(n);
    return n;
  };
  if (text.starts_with('-')) text.remove_prefix(1);
  bool const zero = text.starts_with('0');
  std::size_t const whole = digits();
  if (whole == 0 || (zero && whole > 1)) return false;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (digits() == 0) return false;
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
    if (digits() == 0) return false;
  }
  return text.empty();
}

class Reader {
 public:
  Reader(std::string_view text, Arena& arena) : text_(text), arena_(arena) {}

  Result<Element> resource(pugi::xml_node node, int depth) {
    if (depth > kDepthMax) return fail(node, IssueType::structure, "elements are nested deeper than 64");
    TypeDefinition const* type = definitions::find_type(node.name());
    if (type == nullptr || !type->is_resource() || type->is_abstract()) {
      return fail(node, IssueType::structure, fmt::format("{} is no resource type of R4", node.name()));
    }
    Element object = Element::of_object();
    object.set(arena_, "resourceType", Element::of_string(type->name()));
    FHIR_CHECK(attributes(node, *type, object, false));
    FHIR_CHECK(children(node, *type, object, depth));
    return object;
  }

  Issue fail(pugi::xml_node node, IssueType code, std::string why) const {
    return error(code, std::move(why), path(node), position(text_, node.offset_debug()));
  }

 private:
  /// "Patient.name.given"
  static std::string path(pugi::xml_node node) {
    std::string text;
    for (; node.type() == pugi::node_element; node = node.parent()) {
      text = text.empty() ? node.name() : fmt::format("{}.{}", node.name(), text);
    }
    return text;
  }

  Result<void> attributes(pugi::xml_node node, TypeDefinition const& type, Element& object, bool has_value) {
    for (pugi::xml_attribute const attribute : node.attributes()) {
      std::string_view const name = attribute.name();
      if (name == "xmlns") {
        if (attribute.value() == kFhir) continue;
        return fail(node, IssueType::structure, "the element is not in the namespace http://hl7.org/fhir");
      }
      if (name.starts_with("xmlns:") || name.starts_with("xsi:")) continue;
      if (name == "value" && has_value) continue;
      bool const is_url = name == "url" && type.name() == "Extension";
      if (name != "id" && !is_url) {
        return fail(node, IssueType::structure, fmt::format("no attribute {} belongs here", name));
      }
      FHIR_TRY(Element const text, string(node, attribute.value()));
      object.set(arena_, is_url ? "url" : "id", text);
    }
    return {};
  }

  Result<void> children(pugi::xml_node node, TypeDefinition const& type, Element& object, int depth) {
    for (pugi::xml_node const child : node.children()) {
      if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) {
        if (std::string_view(child.value()).find_first_not_of(" \t\r\n") == std::string_view::npos) continue;
        return fail(node, IssueType::structure, "text stands where only elements may");
      }
      if (child.type() != pugi::node_element) continue;
      ElementDefinition const* element = definitions::find_element(type, child.name());
      if (element == nullptr) {
        return fail(child, IssueType::structure,
                    fmt::format("{} has no element {}", type.name(), child.name()));
      }
      FHIR_CHECK(member(child, *element, object, depth + 1));
    }
    return {};
  }

  Result<void> member(pugi::xml_node node, ElementDefinition const& element, Element& object, int depth) {
    if (depth > kDepthMax) return fail(node, IssueType::structure, "elements are nested deeper than 64");
    if (!element.repeats() && previous_of_name(node)) {
      return fail(node, IssueType::structure, fmt::format("{} may stand once only", element.name()));
    }
    TypeDefinition const& type = element.type();
    if (type.primitive() == Primitive::xhtml) {
      FHIR_TRY(std::string_view const div, narrative(node));
      object.set(arena_, element.name(), Element::of_string(div));
      return {};
    }
    if (type.is_primitive()) return primitive(node, element, object, depth);
    FHIR_TRY(Element const value, complex(node, type, depth));
    if (element.repeats()) {
      array(object, element.name()).push(arena_, value);
    } else {
      object.set(arena_, element.name(), value);
    }
    return {};
  }

  Result<Element> complex(pugi::xml_node node, TypeDefinition const& type, int depth) {
    if (type.is_resource()) {  // <contained><Patient>..</Patient></contained>
      for (pugi::xml_attribute const attribute : node.attributes()) {
        if (attribute.name() == std::string_view("xmlns") && attribute.value() == kFhir) continue;
        return fail(node, IssueType::structure,
                    fmt::format("no attribute {} belongs here", attribute.name()));
      }
      pugi::xml_node only;
      for (pugi::xml_node const child : node.children()) {
        if (child.type() != pugi::node_element) continue;
        if (only) return fail(node, IssueType::structure, "more than one resource stands here");
        only = child;
      }
      if (!only) return fail(node, IssueType::structure, "no resource stands here");
      return resource(only, depth + 1);
    }
    Element value = Element::of_object();
    FHIR_CHECK(attributes(node, type, value, false));
    FHIR_CHECK(children(node, type, value, depth));
    return value;
  }

  /// <birthDate value="1970" id="x"><extension/></birthDate>: "birthDate" and "_birthDate", in arrays side by
  /// side.
  Result<void> primitive(pugi::xml_node node, ElementDefinition const& element, Element& object, int depth) {
    static TypeDefinition const& kElement = *definitions::find_type("Element");
    Element value;
    if (pugi::xml_attribute const attribute = node.attribute("value")) {
      FHIR_TRY(value, primitive_value(node, element.type().primitive(), attribute.value()));
    }
    Element extra = Element::of_object();
    FHIR_CHECK(attributes(node, kElement, extra, true));
    FHIR_CHECK(children(node, kElement, extra, depth));
    std::string_view const extra_name = arena_.copy("_" + std::string(element.name()));
    if (!element.repeats()) {
      if (!value.is_null()) object.set(arena_, element.name(), value);
      if (!extra.empty()) object.set(arena_, extra_name, extra);
      return {};
    }
    // Both arrays have as many items as there are elements, null where one has nothing; an array of nulls
    // alone is left out.
    auto const index = object_index(node);
    if (!value.is_null() || object.find(element.name()) != nullptr) {
      Element& values = array(object, element.name());
      while (values.size() < index) values.push(arena_);
      values.push(arena_, value);
    }
    if (!extra.empty() || object.find(extra_name) != nullptr) {
      Element& extras = array(object, extra_name);
      while (extras.size() < index) extras.push(arena_);
      extras.push(arena_, extra.empty() ? Element{} : extra);
    }
    return {};
  }

  Result<Element> primitive_value(pugi::xml_node node, Primitive primitive, std::string_view text) {
    switch (primitive) {
      case Primitive::boolean:
        if (text != "true" && text != "false")
          return fail(node, IssueType::value, "a boolean is true or false");
        return Element::of_boolean(text == "true");
      case Primitive::decimal:
      case Primitive::integer:
      case Primitive::positive_int:
      case Primitive::unsigned_int:
        if (!is_json_number(text)) return fail(node, IssueType::value, "this is no number");
        return Element::of_number(arena_.copy(text));
      default:
        return string(node, text);
    }
  }

  Result<Element> string(pugi::xml_node node, std::string_view text) {
    if (find_unwritable(text)) return fail(node, IssueType::value, kNoCharacter);
    return Element::of_string(arena_.copy(text));
  }

  /// How many elements of that name stand before it.
  static std::size_t object_index(pugi::xml_node node) {
    std::size_t index = 0;
    for (auto at = node.previous_sibling(node.name()); at; at = at.previous_sibling(node.name())) ++index;
    return index;
  }
  static bool previous_of_name(pugi::xml_node node) {
    return static_cast<bool>(node.previous_sibling(node.name()));
  }

  Element& array(Element& object, std::string_view name) {
    Element* found = object.find(name);
    return found != nullptr ? *found : object.set(arena_, name, Element::of_array());
  }

  /// The <div> as it was written; with its namespace added where it names none.
  Result<std::string_view> narrative(pugi::xml_node node) {
    auto const start = static_cast<std::size_t>(node.offset_debug()) - 1;
    std::string_view const div = text_.substr(start, length_of_element(text_.substr(start)));
    if (!node.attribute("xmlns")) return arena_.copy(in_xhtml(div));
    if (node.attribute("xmlns").value() == kXhtml) return arena_.copy(div);
    return fail(node, IssueType::structure, kNoXhtml);
  }

  std::string_view text_;
  Arena& arena_;
};

}  // namespace

Result<json::Document> read_resource(std::string_view xml) {
  if (xml.starts_with("\xEF\xBB\xBF")) xml.remove_prefix(3);
  if (auto const at = find_unwritable(xml))
    return error(IssueType::value, kNoCharacter, {}, position(xml, static_cast<std::ptrdiff_t>(*at)));
  pugi::xml_document document;
  constexpr unsigned kOptions = pugi::parse_default | pugi::parse_doctype | pugi::parse_ws_pcdata;
  auto const parsed = document.load_buffer(xml.data(), xml.size(), kOptions, pugi::encoding_utf8);
  if (!parsed) {
    return error(IssueType::structure, fmt::format("not well-formed XML: {}", parsed.description()), {},
                 position(xml, parsed.offset));
  }
  json::Document result;
  Reader reader(xml, result.arena);
  for (pugi::xml_node const node : document.children()) {
    if (node.type() == pugi::node_doctype) {
      return error(IssueType::security, "a document type declaration is not allowed");
    }
  }
  pugi::xml_node const root = document.document_element();
  if (std::string_view(root.attribute("xmlns").value()) != kFhir) {
    return reader.fail(root, IssueType::structure,
                       "the root element is not in the namespace http://hl7.org/fhir");
  }
  FHIR_TRY(result.root, reader.resource(root, 1));
  return result;
}

}  // namespace fhir::xml
