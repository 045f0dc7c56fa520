#include "gateway/rest/references.hpp"

#include "fhir/definitions/definitions.hpp"
#include "fhir/search/values.hpp"

namespace gateway::rest {

namespace {

using fhir::definitions::ElementDefinition;
using fhir::definitions::Primitive;
using fhir::definitions::TypeDefinition;
using fhir::json::Arena;
using fhir::json::Element;
using fhir::json::Member;

bool is_address(Primitive primitive) {
  return primitive == Primitive::uri || primitive == Primitive::url || primitive == Primitive::oid ||
         primitive == Primitive::uuid;
}

class Rewriter {
 public:
  Rewriter(Arena& arena, Rewrites const& rewrites, std::string_view base)
      : arena_(arena), rewrites_(rewrites), base_(base) {}

  void rewrite_object(Element& object, TypeDefinition const& type) {
    for (Member& member : object.members()) {
      ElementDefinition const* const element = find_element(type, member.name);
      if (element == nullptr) continue;
      bool const is_reference = type.name() == "Reference" && member.name == "reference";
      rewrite_value(member.value, element->type(), is_reference);
    }
  }

 private:
  void rewrite_value(Element& value, TypeDefinition const& type, bool is_reference) {
    if (value.is_array()) {
      for (Element& item : value.items()) rewrite_value(item, type, is_reference);
    } else if (value.is_object()) {
      TypeDefinition const* const actual =
          type.is_abstract() ? fhir::definitions::find_type(value.text_at("resourceType")) : &type;
      if (actual != nullptr) rewrite_object(value, *actual);
    } else if (value.is_string()) {
      rewrite_text(value, type.primitive(), is_reference);
    }
  }

  void rewrite_text(Element& value, Primitive primitive, bool is_reference) {
    if (primitive == Primitive::xhtml) {
      value = Element::of_string(arena_.copy(rewrite_narrative(std::string(value.text()))));
    } else if (is_reference || is_address(primitive)) {
      auto found = rewrites_.find(value.text());
      if (found == rewrites_.end() && is_reference && !base_.empty()) {
        found = rewrites_.find(std::string(base_) + std::string(value.text()));
      }
      if (found != rewrites_.end()) value = Element::of_string(arena_.copy(found->second));
    }
  }

  /// Attributes are compared whole, quotes included: href="urn:uuid:1" is not href="urn:uuid:12".
  std::string rewrite_narrative(std::string text) const {
    for (std::string_view const attribute : {"href=\"", "src=\""}) {
      for (auto at = text.find(attribute); at != std::string::npos; at = text.find(attribute, at + 1)) {
        auto const from = at + attribute.size();
        auto const end = text.find('"', from);
        if (end == std::string::npos) break;
        auto const found = rewrites_.find(std::string_view(text).substr(from, end - from));
        if (found != rewrites_.end()) text.replace(from, end - from, found->second);
      }
    }
    return text;
  }

  Arena& arena_;
  Rewrites const& rewrites_;
  std::string_view base_;
};

bool is_inside_bundle(std::string_view expression) { return expression.starts_with("Bundle.entry"); }

/// Whether the reference names a resource of this server; what is elsewhere is believed.
bool is_local(fhir::search::ReferenceValue const& value, std::string_view base_url) {
  if (value.type.empty() || value.id.empty()) return false;
  std::string_view base = value.base;
  if (base.ends_with('/')) base.remove_suffix(1);
  return base.empty() || base == base_url;
}

bool is_conditional(std::string_view text) {
  auto const mark = text.find('?');
  return mark != std::string_view::npos && fhir::definitions::is_resource_type(text.substr(0, mark));
}

}  // namespace

void rewrite_references(Arena& arena, Element& resource, Rewrites const& rewrites, std::string_view base) {
  TypeDefinition const* const type = fhir::definitions::find_type(resource.text_at("resourceType"));
  if (type != nullptr && !rewrites.empty()) Rewriter(arena, rewrites, base).rewrite_object(resource, *type);
}

std::map<std::string, std::string> conditional_references(Element const& resource) {
  std::map<std::string, std::string> found;
  for (auto const& reference : fhir::search::references(resource)) {
    std::string_view const text = reference.reference->text_at("reference");
    if (is_conditional(text) && !is_inside_bundle(reference.expression))
      found.emplace(text, reference.expression);
  }
  return found;
}

fhir::Result<void> check_references(store::Unit& unit, Element const& resource, std::string_view base_url,
                                    std::set<std::string>& known) {
  for (auto const& reference : fhir::search::references(resource)) {
    if (is_inside_bundle(reference.expression)) continue;
    if (is_conditional(reference.reference->text_at("reference"))) {
      return fhir::error(fhir::IssueType::value, "A conditional reference stands only in a transaction.",
                         reference.expression);
    }
    if (!is_local(reference.value, base_url)) continue;
    std::string const target = std::string(reference.value.type) + '/' + std::string(reference.value.id);
    if (known.contains(target)) continue;
    FHIR_TRY(auto const version, unit.find(reference.value.type, reference.value.id));
    if (!version || version->deleted) {
      return fhir::error(fhir::IssueType::value, "There is no " + target + " on this server to refer to.",
                         reference.expression);
    }
    known.insert(target);
  }
  return {};
}

}  // namespace gateway::rest
