#include "fhir/definitions/definitions.hpp"
#include "fhir/xml/characters.hpp"
#include "fhir/xml/narrative.hpp"
#include "fhir/xml/xml.hpp"

#include <fmt/format.h>

#include <span>

namespace fhir::xml {

namespace {

using definitions::ElementDefinition;
using definitions::Primitive;
using definitions::TypeDefinition;
using json::Element;

void append_escaped(std::string& out, std::string_view text) {
  for (char const c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\t':
        out += "&#9;";
        break;  // attributes would be normalised otherwise
      case '\n':
        out += "&#10;";
        break;
      case '\r':
        out += "&#13;";
        break;
      default:
        out.push_back(c);
    }
  }
}

/// A member that writes as a value and what belongs to it ("_name"): one of a single element, or one of each
/// item.
struct Part {
  Element const* value;
  Element const* extra;
};

class Writer {
 public:
  Result<void> resource(Element const& object, bool is_root) {
    std::string_view const name = object.text_at("resourceType");
    TypeDefinition const* type = definitions::find_type(name);
    if (type == nullptr || !type->is_resource() || type->is_abstract()) {
      return error(IssueType::structure, fmt::format("{} is no resource type of R4", name), path_);
    }
    out_.append("<").append(name);
    if (is_root) out_ += " xmlns=\"http://hl7.org/fhir\"";
    out_ += '>';
    std::string const before = path_;
    path_ = is_root ? std::string(name) : path_;
    FHIR_CHECK(members(object, *type, "resourceType"));
    path_ = before;
    out_.append("</").append(name).append(">");
    return {};
  }

  std::string take() { return std::move(out_); }

 private:
  /// Members in the order of the definitions; `skip` was written already.
  Result<void> members(Element const& object, TypeDefinition const& type, std::string_view skip) {
    std::size_t known = skip.empty() || object.find(skip) == nullptr ? 0 : 1;
    for (ElementDefinition const& element : type.elements()) {
      if (element.name() == skip) continue;
      Element const* value = object.find(element.name());
      Element const* extra =
          element.type().is_primitive() ? object.find("_" + std::string(element.name())) : nullptr;
      if (value == nullptr && extra == nullptr) continue;
      known += (value != nullptr ? 1U : 0U) + (extra != nullptr ? 1U : 0U);
      if (is_attribute(type, element)) continue;
      FHIR_CHECK(member(element, value, extra));
    }
    if (known == object.size()) return {};
    return error(IssueType::structure,
                 fmt::format("{} has a member that the definitions do not know", type.name()), path_);
  }

  /// Element.id and Extension.url; a resource's id is an element.
  static bool is_attribute(TypeDefinition const& type, ElementDefinition const& element) {
    if (type.is_resource()) return false;
    return element.name() == "id" || (element.name() == "url" && type.name() == "Extension");
  }

  Result<void> member(ElementDefinition const& element, Element const* value, Element const* extra) {
    bool const is_array = (value != nullptr && value->is_array()) || (extra != nullptr && extra->is_array());
    if (!is_array) return one(element, {value, extra});
    auto const values = value == nullptr ? std::span<Element const>{} : value->items();
    auto const extras = extra == nullptr ? std::span<Element const>{} : extra->items();
    for (std::size_t i = 0; i < std::max(values.size(), extras.size()); ++i) {
      FHIR_CHECK(
          one(element, {i < values.size() ? &values[i] : nullptr, i < extras.size() ? &extras[i] : nullptr}));
    }
    return {};
  }

  Result<void> one(ElementDefinition const& element, Part part) {
    std::string const before = path_;
    path_.append(".").append(element.name());
    TypeDefinition const& type = element.type();
    if (type.primitive() == Primitive::xhtml) {
      auto div = div_for_xml(part.value == nullptr ? std::string_view{} : part.value->text());
      if (!div) return error(div.error().code, std::move(div.error().diagnostics), path_);
      out_ += *div;
    } else if (type.is_primitive()) {
      FHIR_CHECK(primitive(element.name(), part));
    } else {
      FHIR_CHECK(complex(element.name(), type, part.value));
    }
    path_ = before;
    return {};
  }

  Result<void> primitive(std::string_view name, Part part) {
    static TypeDefinition const& kElement = *definitions::find_type("Element");
    out_.append("<").append(name);
    if (part.extra != nullptr) FHIR_CHECK(attribute_of(*part.extra, "id"));
    if (part.value != nullptr && !part.value->is_null()) {
      FHIR_CHECK(attribute("value", part.value->text()));
    }
    if (part.extra == nullptr || !part.extra->is_object() || part.extra->empty()) {
      out_ += "/>";
      return {};
    }
    out_ += '>';
    FHIR_CHECK(members(*part.extra, kElement, {}));
    out_.append("</").append(name).append(">");
    return {};
  }

  Result<void> complex(std::string_view name, TypeDefinition const& type, Element const* value) {
    if (value == nullptr || !value->is_object())
      return error(IssueType::structure, "an object is needed", path_);
    out_.append("<").append(name);
    if (type.is_resource()) {
      out_ += '>';
      FHIR_CHECK(resource(*value, false));
    } else {
      FHIR_CHECK(attribute_of(*value, "id"));
      if (type.name() == "Extension") FHIR_CHECK(attribute_of(*value, "url"));
      out_ += '>';
      FHIR_CHECK(members(*value, type, {}));
    }
    out_.append("</").append(name).append(">");
    return {};
  }

  Result<void> attribute_of(Element const& object, std::string_view name) {
    Element const* value = object.find(name);
    return value == nullptr ? Result<void>{} : attribute(name, value->text());
  }

  Result<void> attribute(std::string_view name, std::string_view value) {
    if (find_unwritable(value)) {
      return error(IssueType::value, fmt::format("its {} has a character that XML cannot hold", name), path_);
    }
    out_.append(" ").append(name).append("=\"");
    append_escaped(out_, value);
    out_ += '"';
    return {};
  }

  std::string out_ = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
  std::string path_;
};

}  // namespace

Result<std::string> write_resource(json::Element const& resource) {
  Writer writer;
  FHIR_CHECK(writer.resource(resource, true));
  return writer.take();
}

}  // namespace fhir::xml
