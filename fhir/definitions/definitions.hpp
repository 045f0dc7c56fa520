/// FHIR R4's own definitions as tables: types, elements, required codes, search parameters, compartments.
/// Source: R4 4.0.1 StructureDefinitions, SearchParameters, CompartmentDefinitions, ValueSets and
/// CodeSystems, compiled by generate.py into tables.inc; nothing here is written by hand and nothing is read
/// at run time.
///
/// All handles are addresses of constant tables: they live for ever, compare by address and may be shared by
/// threads. Elements are what stands in JSON: a choice such as Observation.value[x] is one ElementDefinition
/// per type
/// ("valueQuantity", "valueString", ...), standing side by side. A BackboneElement is a type named by its
/// path
/// ("Patient.contact"); an element defined by contentReference has the type of the element referred to.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace fhir::definitions {

enum class TypeKind : std::uint8_t { primitive, complex, backbone, resource };

/// Which primitive a type is; `none` for everything that is an object in JSON.
enum class Primitive : std::uint8_t {
  none,
  base64_binary,
  boolean,
  canonical,
  code,
  date,
  date_time,
  decimal,
  id,
  instant,
  integer,
  markdown,
  oid,
  positive_int,
  string,
  time,
  unsigned_int,
  uri,
  url,
  uuid,
  xhtml
};

enum class BindingStrength : std::uint8_t { none, example, preferred, extensible, required };

enum class ParameterType : std::uint8_t {
  token,
  string,
  date,
  reference,
  uri,
  quantity,
  number,
  composite,
  special
};

/// A text in the tables' one pool.
struct Text {
  std::uint32_t offset;
  std::uint32_t size;
  std::string_view view() const;
};

/// A run of rows in another table.
struct Run {
  std::uint32_t first;
  std::uint32_t size;
};

struct ElementDefinition;
struct SearchParameter;

struct TypeDefinition {
  std::string_view name() const {
    return name_text.view();
  }  ///< "Patient", "Patient.contact", "HumanName", "code"
  TypeKind kind() const { return kind_value; }
  Primitive primitive() const { return primitive_value; }
  bool is_primitive() const { return primitive_value != Primitive::none; }
  bool is_abstract() const { return abstract_value; }  ///< Element, BackboneElement, Resource, DomainResource
  bool is_resource() const { return kind_value == TypeKind::resource; }
  /// Every member its JSON object may have, in definition order, inherited ones included; none for
  /// primitives.
  std::span<ElementDefinition const> elements() const;
  /// What it specialises: "DomainResource" for Patient, "BackboneElement" for Patient.contact; nullptr at the
  /// root.
  TypeDefinition const* base() const;

  Text name_text;
  Run element_run;
  std::uint16_t base_index;
  TypeKind kind_value;
  Primitive primitive_value;
  bool abstract_value;
};

/// One code of a value set and the system that defines it.
struct BoundCode {
  std::string_view system() const { return system_text.view(); }
  std::string_view code() const { return code_text.view(); }

  Text code_text;
  Text system_text;
};

struct Binding {
  std::string_view value_set() const { return value_set_text.view(); }  ///< canonical url without version
  BindingStrength strength() const { return strength_value; }
  /// The codes, sorted by code then system, where strength is required and the value set can be enumerated
  /// from the official code systems; empty otherwise (mime types, currencies, UCUM, LOINC answer lists).
  std::span<BoundCode const> codes() const;

  Text value_set_text;
  Run code_run;
  BindingStrength strength_value;
};

struct ElementDefinition {
  std::string_view name() const {
    return name_text.view();
  }  ///< The JSON member: "birthDate", "valueQuantity".
  /// The FHIRPath name: "value" for "valueQuantity", else name().
  std::string_view path_name() const { return {name_text.view().data(), path_name_size}; }
  bool is_choice() const { return choice_group != 0; }
  TypeDefinition const& type() const;
  int min() const { return min_value; }                    ///< Of the choice as a whole, where it is one.
  bool repeats() const { return repeats_value; }           ///< max > 1: an array in JSON.
  bool is_prohibited() const { return prohibited_value; }  ///< max = 0
  bool is_summary() const { return summary_value; }
  bool is_modifier() const { return modifier_value; }
  /// What a Reference or canonical may point to ("Patient", "Resource" for any); empty for other types.
  std::span<TypeDefinition const* const> targets() const;
  /// nullptr when the element has no binding.
  Binding const* binding() const;
  /// Position among type.elements(): canonical order.
  std::size_t order() const { return order_value; }

  Text name_text;
  Run target_run;
  std::uint16_t type_index;
  std::uint16_t binding_index;  // 0xFFFF: none
  std::uint16_t order_value;
  std::uint8_t path_name_size;
  std::uint8_t choice_group;  // 0: not a choice; equal within one choice of one type
  std::uint8_t min_value;
  bool repeats_value;
  bool prohibited_value;
  bool summary_value;
  bool modifier_value;
};

/// The type of that name, or nullptr: resources, data types, primitives, and backbone elements by path.
TypeDefinition const* find_type(std::string_view name);

/// The element that a JSON member of that name is, or nullptr. "_birthDate" is not a name here.
ElementDefinition const* find_element(TypeDefinition const& type, std::string_view name);

/// All elements of that FHIRPath name: one, or every type of a choice ("value", also as "value[x]"); empty
/// when unknown.
std::span<ElementDefinition const> find_by_path_name(TypeDefinition const& type, std::string_view path_name);

/// Walks JSON names from a type: resolve_path("Encounter", "participant.individual"); nullptr where the way
/// ends.
ElementDefinition const* resolve_path(TypeDefinition const& type, std::string_view path);
ElementDefinition const* resolve_path(std::string_view type, std::string_view path);

/// Whether it is one of the 146 concrete resource types.
bool is_resource_type(std::string_view name);
/// The 146 concrete resource types, sorted by name.
std::span<TypeDefinition const* const> resource_types();
/// Every type of the tables: resources, data types and backbone elements.
std::span<TypeDefinition const> types();

/// Whether a required binding allows the code. `system` "" stands for an element of type code, which has
/// none. True also when the binding is not required or its codes cannot be enumerated.
bool code_in_binding(ElementDefinition const& element, std::string_view system, std::string_view code);
/// The system a code of an element of type code belongs to by its required binding; "" when unknown.
std::string_view system_of_code(ElementDefinition const& element, std::string_view code);

struct SearchComponent {
  SearchParameter const& parameter() const;
  std::string_view expression() const {
    return expression_text.view();
  }  ///< Relative to the composite's expression.

  Text expression_text;
  std::uint16_t parameter_index;
};

struct SearchParameter {
  std::string_view code() const { return code_text.view(); }  ///< "birthdate", "_profile"
  std::string_view url() const { return url_text.view(); }
  ParameterType type() const { return type_value; }
  std::string_view expression() const { return expression_text.view(); }  ///< "" for _text, _content, _query
  /// The resource types it is defined on; Resource and DomainResource stand for all below them.
  std::span<TypeDefinition const* const> bases() const;
  /// What a reference may point to; "Resource" for any.
  std::span<TypeDefinition const* const> targets() const;
  std::span<SearchComponent const> components() const;
  /// Position in all_search_parameters(); stable for one version of the tables only, so never stored.
  std::size_t index() const;

  Text code_text;
  Text url_text;
  Text expression_text;
  Run base_run;
  Run target_run;
  Run component_run;
  ParameterType type_value;
};

/// The parameter of that code for a resource type, those of Resource and DomainResource included; nullptr
/// when unknown.
SearchParameter const* find_search_parameter(std::string_view resource_type, std::string_view code);
/// Every parameter of a resource type, those of Resource and DomainResource included, sorted by code.
std::span<SearchParameter const* const> search_parameters(std::string_view resource_type);
/// All standard parameters once. The examples, `filter` and the extension and genetics ones of the package
/// are left out.
std::span<SearchParameter const> all_search_parameters();
std::string_view to_code(ParameterType type);  // "token"

/// The five compartments' codes: Device, Encounter, Patient, Practitioner, RelatedPerson.
std::span<std::string_view const> compartments();
/// Codes of the reference parameters that put a resource into a compartment: ("Patient", "Observation") gives
/// subject, performer. "{def}" stands for the compartment's own resource. Empty: that type is never in it.
std::span<std::string_view const> compartment_parameters(std::string_view compartment,
                                                         std::string_view resource_type);

}  // namespace fhir::definitions
