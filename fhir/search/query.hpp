/// A search as it stands in a URL or form body, parsed and typed: what store and rest work on.
/// Source: R4 search.html. Percent-decoding happens here and nowhere else.
///
/// Strict: an unknown parameter, modifier or value is an Issue naming the parameter. Lenient: unknown
/// parameters are dropped and listed, so that the self link can show what was used; a known parameter with a
/// bad value is still refused, for a dropped criterion would widen the result.
#pragma once

#include "fhir/definitions/definitions.hpp"
#include "fhir/result.hpp"
#include "fhir/search/values.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fhir::search {

enum class Handling : std::uint8_t { strict, lenient };

enum class Prefix : std::uint8_t { eq, ne, gt, lt, ge, le, sa, eb, ap };

/// `type` is a resource type: subject:Patient=1.
enum class Modifier : std::uint8_t {
  none,
  missing,
  exact,
  contains,
  text,
  not_,
  above,
  below,
  in,
  not_in,
  of_type,
  identifier,
  type
};

/// One alternative of a criterion, typed as its parameter is. Texts lie in the Query.
///
/// token      TokenValue.system, code; has_system tells "|code" (no system) from "code" (any); code "" is
/// "system|".
///            With :of-type also type_system and type_code, `code` being the value. With :text `text`,
///            normalised. With :in and :not-in `code` is the value set's url.
/// string     StringValue, normalised as the index is.
/// date       DateValue as wide as the precision given, to be compared by `prefix`.
/// reference  ReferenceValue: "1" sets id alone; "Patient/1" type and id; a url also base. With :identifier
/// the
///            identifier_system and identifier_value, has_system as for a token.
/// quantity   QuantityValue; no code: any unit; a code without system (has_system false) is a code or a unit
/// text. number     NumberValue.  uri: UriValue. composite  `components`, in order; `value` means nothing.
struct Operand {
  Prefix prefix = Prefix::eq;
  bool has_system = false;
  Value value;
  std::vector<Operand> components;
};

/// One step of a chain: `parameter` of the type before it, pointing to resources of `type`.
struct ChainStep {
  SearchParameter const* parameter = nullptr;
  std::string_view type;
};

/// `_has:Type:parameter:`: resources of `type` whose reference `parameter` points here.
struct ReverseChain {
  std::string_view type;
  SearchParameter const* parameter = nullptr;
};

/// One `name=value` of the query; all criteria must hold, any of a criterion's operands may.
struct Criterion {
  /// What is compared: of the searched type; of the last step's type in a chain; of reverse->type after
  /// `_has`.
  SearchParameter const* parameter = nullptr;
  Modifier modifier = Modifier::none;
  std::string_view type;  ///< With Modifier::type: the resource type the reference must point to.
  bool missing = false;   ///< With Modifier::missing: the value asked for; `operands` is empty then.
  std::vector<Operand> operands;
  std::vector<ChainStep> chain;  ///< Empty for a plain criterion.
  std::optional<ReverseChain> reverse;
};

struct SortKey {
  SearchParameter const* parameter = nullptr;  ///< also _id and _lastUpdated
  bool descending = false;
};

/// `_include=source:parameter[:target]`, `_revinclude` the same read backwards. A "*" leaves `parameter`
/// null: all.
struct Include {
  std::string_view source_type;
  SearchParameter const* parameter = nullptr;
  std::string_view target_type;  ///< "" for any
  bool iterate = false;
};

enum class Total : std::uint8_t { unset, none, estimate, accurate };
enum class Summary : std::uint8_t { unset, false_, true_, text, data, count };

struct Query {
  std::string resource_type;
  std::vector<Criterion> criteria;
  std::vector<SortKey> sort;
  std::vector<Include> includes;
  std::vector<Include> revincludes;
  std::optional<std::uint32_t> count;
  Total total = Total::unset;
  Summary summary = Summary::unset;
  std::vector<std::string> elements;
  std::string format;  ///< decoded, "" when not given
  bool pretty = false;
  std::vector<std::string> dropped;  ///< Names of parameters that lenient handling left out.
  /// The pairs that were used, percent-encoded as they came, in order: for the self link.
  std::string used;
  /// Where the page before this one ended (store: SearchPage::next_cursor); set by who pages, never by
  /// parse_query.
  std::string cursor;
  json::Arena texts;  ///< Owns what operands view.
};

/// `raw` is what follows "?" or a form body, still percent-encoded; "" is a search for everything.
/// Errors: not_supported (unknown parameter, modifier or feature, by name), value (a value that cannot be
/// typed, by parameter name), invalid (bad percent-encoding), not_found never.
Result<Query> parse_query(std::string_view resource_type, std::string_view raw, Handling handling);

/// The pairs of a query or form body, decoded ("+" is a space). Errors: invalid (a bad %XX or UTF-8).
Result<std::vector<std::pair<std::string, std::string>>> parse_pairs(std::string_view raw);

/// `text` with everything but RFC 3986's unreserved characters percent-encoded.
std::string percent_encode(std::string_view text);

}  // namespace fhir::search
