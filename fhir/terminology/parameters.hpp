/// A Parameters resource read and written. Source: R4 parameters.html.
#pragma once

#include "fhir/json/element.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fhir::terminology {

/// The input parameters of an operation; `outer` has what is said for several at once.
class Inputs {
 public:
  explicit Inputs(json::Element const& parameters, Inputs const* outer = nullptr)
      : parameters_(&parameters), outer_(outer) {}

  json::Element const* find(std::string_view name) const;
  std::vector<json::Element const*> all(std::string_view name) const;
  bool has(std::string_view name) const { return find(name) != nullptr; }
  /// The text of its value, whatever type it has.
  std::string text(std::string_view name) const;
  std::vector<std::string> texts(std::string_view name) const;
  bool flag(std::string_view name, bool otherwise = false) const;
  std::optional<std::size_t> count(std::string_view name) const;  ///< A whole number from 0.
  /// Its value of that type, "valueCoding", or nullptr.
  json::Element const* value(std::string_view name, std::string_view type) const;
  json::Element const* resource(std::string_view name) const;

 private:
  json::Element const* parameters_;
  Inputs const* outer_;
};

/// Builds parameters and parts. Texts are copied into the arena.
class ParameterWriter {
 public:
  ParameterWriter(json::Arena& arena, json::Element& list) : arena_(arena), list_(list) {}

  /// Adds {"name": name, type: text}; `type` is a literal: "valueUri".
  void add(std::string_view name, std::string_view type, std::string_view text);
  void add(std::string_view name, bool value);
  void add_number(std::string_view name, std::string_view type, std::string_view digits);
  void add_element(std::string_view name, std::string_view type, json::Element value);
  /// The list of parts of a new parameter, good until the next one is added.
  json::Element& add_parts(std::string_view name);

 private:
  json::Element& entry(std::string_view name);

  json::Arena& arena_;
  json::Element& list_;
};

json::Element text_element(json::Arena& arena, std::string_view text);

}  // namespace fhir::terminology
