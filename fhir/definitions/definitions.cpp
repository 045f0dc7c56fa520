#include "fhir/definitions/definitions.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>

namespace fhir::definitions {

namespace {

/// Resources of `type` are in the compartment by these parameters.
struct CompartmentMember {
  std::uint8_t compartment;
  std::uint16_t type_index;
  Run parameter_run;
};

constexpr std::uint16_t kNone = 0xFFFF;

// All texts are one literal of 217 kB, which every compiler we use takes.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverlength-strings"
#include "fhir/definitions/tables.inc"
#pragma GCC diagnostic pop

constexpr std::array<std::string_view, 9> kParameterTypeCodes{
    "token", "string", "date", "reference", "uri", "quantity", "number", "composite", "special"};

/// The hash of generate.py: FNV-1a over the name, started from the type's index.
std::uint32_t hash(std::uint32_t seed, std::string_view name) {
  std::uint32_t value = 2166136261U ^ seed;
  for (char const c : name) value = (value ^ static_cast<unsigned char>(c)) * 16777619U;
  return value ^ (value >> 15U);
}

/// Probes an open-addressed table of row indexes until `matches(index)` or an empty slot; kNone when absent.
template <std::size_t Size, class Matches>
std::uint16_t probe(std::uint16_t const (&slots)[Size], std::uint32_t start, Matches matches) {
  static_assert((Size & (Size - 1)) == 0);
  for (std::size_t at = start & (Size - 1);; at = (at + 1) & (Size - 1)) {
    std::uint16_t const index = slots[at];
    if (index == kNone || matches(index)) return index;
  }
}

template <class Row>
std::span<Row const> rows_of(Row const* table, Run run) {
  return {table + run.first, run.size};
}

std::size_t index_of(TypeDefinition const& type) { return static_cast<std::size_t>(&type - kTypes); }

bool sorts_before(BoundCode const& row, std::string_view code) { return row.code() < code; }

}  // namespace

std::string_view Text::view() const { return {kPool + offset, size}; }

std::span<ElementDefinition const> TypeDefinition::elements() const {
  return rows_of(kElements, element_run);
}

TypeDefinition const* TypeDefinition::base() const {
  return base_index == kNone ? nullptr : kTypes + base_index;
}

std::span<BoundCode const> Binding::codes() const { return rows_of(kCodes, code_run); }

TypeDefinition const& ElementDefinition::type() const { return kTypes[type_index]; }

std::span<TypeDefinition const* const> ElementDefinition::targets() const {
  return rows_of(kTypePointers, target_run);
}

Binding const* ElementDefinition::binding() const {
  return binding_index == kNone ? nullptr : kBindings + binding_index;
}

TypeDefinition const* find_type(std::string_view name) {
  auto const found =
      probe(kTypeSlots, hash(kNone, name), [&](std::uint16_t index) { return kTypes[index].name() == name; });
  return found == kNone ? nullptr : kTypes + found;
}

ElementDefinition const* find_element(TypeDefinition const& type, std::string_view name) {
  auto const& run = type.element_run;
  auto const found = probe(
      kElementSlots, hash(static_cast<std::uint32_t>(index_of(type)), name),
      [&](std::uint16_t index) { return index - run.first < run.size && kElements[index].name() == name; });
  return found == kNone ? nullptr : kElements + found;
}

std::span<ElementDefinition const> find_by_path_name(TypeDefinition const& type, std::string_view path_name) {
  if (path_name.ends_with("[x]")) path_name.remove_suffix(3);
  auto const all = type.elements();
  auto const matches = [&](ElementDefinition const& element) { return element.path_name() == path_name; };
  auto const first = std::ranges::find_if(all, matches);
  auto const last = std::find_if_not(first, all.end(), matches);
  return {first, last};
}

ElementDefinition const* resolve_path(TypeDefinition const& type, std::string_view path) {
  TypeDefinition const* here = &type;
  for (;;) {
    auto const dot = path.find('.');
    ElementDefinition const* const element = find_element(*here, path.substr(0, dot));
    if (element == nullptr || dot == std::string_view::npos) return element;
    here = &element->type();
    path.remove_prefix(dot + 1);
  }
}

ElementDefinition const* resolve_path(std::string_view type, std::string_view path) {
  TypeDefinition const* const found = find_type(type);
  return found == nullptr ? nullptr : resolve_path(*found, path);
}

bool is_resource_type(std::string_view name) {
  TypeDefinition const* const type = find_type(name);
  return type != nullptr && type->is_resource() && !type->is_abstract();
}

std::span<TypeDefinition const* const> resource_types() { return kResourceTypes; }

std::span<TypeDefinition const> types() { return kTypes; }

bool code_in_binding(ElementDefinition const& element, std::string_view system, std::string_view code) {
  Binding const* const binding = element.binding();
  if (binding == nullptr || binding->strength() != BindingStrength::required || binding->codes().empty())
    return true;
  auto const codes = binding->codes();
  for (auto row = std::lower_bound(codes.begin(), codes.end(), code, sorts_before);
       row != codes.end() && row->code() == code; ++row) {
    if (system.empty() || row->system() == system) return true;
  }
  return false;
}

std::string_view system_of_code(ElementDefinition const& element, std::string_view code) {
  Binding const* const binding = element.binding();
  if (binding == nullptr) return {};
  auto const codes = binding->codes();
  auto const row = std::lower_bound(codes.begin(), codes.end(), code, sorts_before);
  return row != codes.end() && row->code() == code ? row->system() : std::string_view{};
}

SearchParameter const& SearchComponent::parameter() const { return kParameters[parameter_index]; }

std::span<TypeDefinition const* const> SearchParameter::bases() const {
  return rows_of(kTypePointers, base_run);
}

std::span<TypeDefinition const* const> SearchParameter::targets() const {
  return rows_of(kTypePointers, target_run);
}

std::span<SearchComponent const> SearchParameter::components() const {
  return rows_of(kComponents, component_run);
}

std::size_t SearchParameter::index() const { return static_cast<std::size_t>(this - kParameters); }

std::span<SearchParameter const* const> search_parameters(std::string_view resource_type) {
  auto const found = std::ranges::lower_bound(kResourceTypes, resource_type, {}, &TypeDefinition::name);
  if (found == std::end(kResourceTypes) || (*found)->name() != resource_type) return {};
  return rows_of(kParameterPointers, kParameterRuns[found - std::begin(kResourceTypes)]);
}

SearchParameter const* find_search_parameter(std::string_view resource_type, std::string_view code) {
  auto const all = search_parameters(resource_type);
  auto const found = std::ranges::lower_bound(all, code, {}, &SearchParameter::code);
  return found != all.end() && (*found)->code() == code ? *found : nullptr;
}

std::span<SearchParameter const> all_search_parameters() { return kParameters; }

std::string_view to_code(ParameterType type) { return kParameterTypeCodes[static_cast<std::size_t>(type)]; }

std::span<std::string_view const> compartments() { return kCompartments; }

std::span<std::string_view const> compartment_parameters(std::string_view compartment,
                                                         std::string_view resource_type) {
  for (CompartmentMember const& member : kCompartmentMembers) {
    if (kCompartments[member.compartment] == compartment &&
        kTypes[member.type_index].name() == resource_type) {
      return rows_of(kCompartmentParameters, member.parameter_run);
    }
  }
  return {};
}

}  // namespace fhir::definitions
