#include "fhir/terminology/parameters.hpp"

#include "fhir/terminology/code_system.hpp"

#include <charconv>

namespace fhir::terminology {

using json::Element;

std::vector<Element const*> Inputs::all(std::string_view name) const {
  std::vector<Element const*> found;
  if (Element const* const list = parameters_->find("parameter")) {
    for (Element const& parameter : list->items()) {
      if (parameter.text_at("name") == name) found.push_back(&parameter);
    }
  }
  return found.empty() && outer_ != nullptr ? outer_->all(name) : found;
}

Element const* Inputs::find(std::string_view name) const {
  auto const found = all(name);
  return found.empty() ? nullptr : found.front();
}

std::string Inputs::text(std::string_view name) const {
  Element const* const found = find(name);
  return found == nullptr ? std::string{} : value_of(*found).text;
}

std::vector<std::string> Inputs::texts(std::string_view name) const {
  std::vector<std::string> out;
  for (Element const* const found : all(name)) out.push_back(value_of(*found).text);
  return out;
}

bool Inputs::flag(std::string_view name, bool otherwise) const {
  std::string const value = text(name);
  return value.empty() ? otherwise : value == "true";
}

std::optional<std::size_t> Inputs::count(std::string_view name) const {
  std::string const digits = text(name);
  std::size_t value = 0;
  auto const [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || failed != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

Element const* Inputs::value(std::string_view name, std::string_view type) const {
  Element const* const found = find(name);
  return found == nullptr ? nullptr : found->find(type);
}

Element const* Inputs::resource(std::string_view name) const {
  Element const* const found = find(name);
  return found == nullptr ? nullptr : found->find("resource");
}

Element text_element(json::Arena& arena, std::string_view text) {
  return Element::of_string(arena.copy(text));
}

Element& ParameterWriter::entry(std::string_view name) {
  Element& added = list_.push(arena_, Element::of_object());
  added.set(arena_, "name", text_element(arena_, name));
  return added;
}

void ParameterWriter::add(std::string_view name, std::string_view type, std::string_view text) {
  entry(name).set(arena_, type, text_element(arena_, text));
}

void ParameterWriter::add(std::string_view name, bool value) {
  entry(name).set(arena_, "valueBoolean", Element::of_boolean(value));
}

void ParameterWriter::add_number(std::string_view name, std::string_view type, std::string_view digits) {
  entry(name).set(arena_, type, Element::of_number(arena_.copy(digits)));
}

void ParameterWriter::add_element(std::string_view name, std::string_view type, Element value) {
  entry(name).set(arena_, type, value);
}

Element& ParameterWriter::add_parts(std::string_view name) {
  return entry(name).set(arena_, "part", Element::of_array());
}

}  // namespace fhir::terminology
