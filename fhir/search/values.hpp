/// What a resource can be found by: the values of all standard search parameters, and the references it
/// holds. Source: R4 search.html; the expressions of the SearchParameters (definitions.hpp), compiled once at
/// first use.
///
/// `_id` and `_lastUpdated` are not extracted: they are columns of the stored version. `_text`, `_content`,
/// `_query` have no expression. Values under `contained` are not extracted. Dates without zone count as UTC.
#pragma once

#include "fhir/definitions/definitions.hpp"
#include "fhir/json/element.hpp"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace fhir::search {

using definitions::ParameterType;
using definitions::SearchParameter;

/// Coding, CodeableConcept (one value per coding), Identifier, ContactPoint, code, boolean, string, uri.
struct TokenValue {
  std::string_view system;       ///< "" when there is none; the binding's system for an element of type code
  std::string_view code;         ///< "" for a CodeableConcept that has only text
  std::string_view text;         ///< normalised display or CodeableConcept.text, for :text
  std::string_view type_system;  ///< Identifier.type, for :of-type
  std::string_view type_code;
};

/// string, markdown, and every string part of HumanName and Address.
struct StringValue {
  std::string_view normalised;  ///< case and accents folded, white space collapsed: what a search compares
  std::string_view original;    ///< for :exact
};

constexpr std::int64_t kTimeMin = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kTimeMax = std::numeric_limits<std::int64_t>::max();

/// date, dateTime, instant, Period, Timing (its events or bounds). Milliseconds since 1970-01-01T00:00:00Z,
/// half open [low, high) and as wide as the precision given: "2013" is the whole year. Open sides are
/// kTimeMin and kTimeMax.
struct DateValue {
  std::int64_t low = kTimeMin;
  std::int64_t high = kTimeMax;
};

/// Reference, canonical, uri. `type` and `id` are set where the text ends in Type/id[/_history/version].
struct ReferenceValue {
  std::string_view type;  ///< also from Reference.type; "" when unknown
  std::string_view id;
  std::string_view version;  ///< of Type/id/_history/version or canonical|version
  std::string_view
      base;  ///< what precedes Type/id: "" for a relative reference, else "https://example.org/fhir/"
  std::string_view url;  ///< the whole text as it stands ("" when there is only an identifier); a canonical
                         ///< without |version
  std::string_view identifier_system;
  std::string_view identifier_value;
};

struct UriValue {
  std::string_view uri;
};

/// Numbers reach half a unit of their last digit both ways (search.html#number): 5.4 is [5.35, 5.45).
struct NumberValue {
  double low = 0;
  double high = 0;
  double value = 0;
  std::string_view text;  ///< the digits as they stand; "" where the value is a Range
};

/// Quantity and its kinds, Money (system urn:iso:std:iso:4217), Range, SampledData.origin is not one.
struct QuantityValue {
  std::string_view system;
  std::string_view code;
  std::string_view unit;
  double low = 0;   ///< -infinity for < and <=
  double high = 0;  ///< +infinity for > and >=
  double value = 0;
  std::string_view text;  ///< the digits as they stand; "" where the value is a Range
};

using Value =
    std::variant<TokenValue, StringValue, DateValue, ReferenceValue, UriValue, QuantityValue, NumberValue>;

/// One value of one parameter. The parts of a composite stand one after the other with the composite's
/// `parameter`, one `group` per element that composes them and `component` 0, 1 ...; a group without a value
/// for some component is left out, and a component may have several values (two codings), any of which
/// matches.
struct IndexValue {
  SearchParameter const* parameter = nullptr;
  Value value;
  std::uint32_t group = 0;  ///< 0: no composite; else counts from 1 within the resource
  std::uint8_t component = 0;

  /// The type of `value`; for a part of a composite that of the component.
  ParameterType type() const;
  std::string_view code() const { return parameter->code(); }
};

/// Values and the texts they had to make up. Views lie in the resource, in the tables, or in `texts`; so both
/// the resource's arena and this must outlive their use. Movable.
struct IndexValues {
  std::vector<IndexValue> values;
  json::Arena texts;

  void clear() {
    values.clear();
    texts.reset();
  }
};

/// All values of `resource`, in no promised order; a value that the resource repeats is repeated.
IndexValues extract(json::Element const& resource);
/// The same, replacing what `out` held and reusing its memory.
void extract(json::Element const& resource, IndexValues& out);

/// An element whose values a parameter has. For a composite: the element that composes its `group` (component
/// -1), and those of each component.
struct FoundElement {
  SearchParameter const* parameter = nullptr;
  json::Element const* element = nullptr;
  std::uint32_t group = 0;
  int component = -1;
};

/// What extract() makes values of, by the same walk: what a FHIRPath engine must find by the expressions.
std::vector<FoundElement> find_elements(json::Element const& resource);

/// One literal reference (Reference.reference) of a resource or of what it contains; canonicals are no
/// references.
struct FoundReference {
  std::string expression;          ///< "Encounter.participant[0].individual"
  json::Element const* reference;  ///< The Reference object; its `reference` member holds the text.
  ReferenceValue value;
};

/// Every literal reference, contained resources' included; inside a Bundle those of its entries as well.
std::vector<FoundReference> references(json::Element const& resource);

/// Splits the text of a literal reference: "Patient/1", "http://a/Patient/1/_history/2", "urn:uuid:..",
/// "#p1".
ReferenceValue to_reference_value(std::string_view text);

/// Case and accents folded, white space collapsed: the form in which strings are compared. Appended to `out`.
void normalise(std::string_view text, std::string& out);
std::string normalise(std::string_view text);

/// [low, high) of a date, dateTime or instant of R4; also a partial time ("2013-01-14T10:00") as search
/// allows. Empty when `text` is none of these.
std::optional<DateValue> to_date_value(std::string_view text);

/// The number and its implicit range; empty when `text` is no decimal.
std::optional<NumberValue> to_number_value(std::string_view text);

}  // namespace fhir::search
