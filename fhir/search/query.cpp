#include "fhir/search/query.hpp"

#include "fhir/search/plan.hpp"
#include "fhir/validate/primitive.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace fhir::search {

namespace {

using definitions::find_search_parameter;
using definitions::is_resource_type;
using definitions::Primitive;
using definitions::TypeDefinition;
using validate::is_primitive_value;

constexpr std::size_t kPairsMax = 200;      // of one query
constexpr std::size_t kOperandsMax = 1000;  // of one criterion; a client's list of ids stays well below
constexpr std::size_t kChainStepsMax = 8;

template <class Value>
using Names = std::span<std::pair<std::string_view, Value> const>;

template <class Value>
std::optional<Value> find_named(Names<Value> names, std::string_view name) {
  auto const found = std::ranges::find(names, name, &std::pair<std::string_view, Value>::first);
  return found == names.end() ? std::nullopt : std::optional(found->second);
}

constexpr std::array<std::pair<std::string_view, Prefix>, 9> kPrefixes{{{"eq", Prefix::eq},
                                                                        {"ne", Prefix::ne},
                                                                        {"gt", Prefix::gt},
                                                                        {"lt", Prefix::lt},
                                                                        {"ge", Prefix::ge},
                                                                        {"le", Prefix::le},
                                                                        {"sa", Prefix::sa},
                                                                        {"eb", Prefix::eb},
                                                                        {"ap", Prefix::ap}}};

constexpr std::array<std::pair<std::string_view, Modifier>, 11> kModifiers{
    {{"missing", Modifier::missing},
     {"exact", Modifier::exact},
     {"contains", Modifier::contains},
     {"text", Modifier::text},
     {"not", Modifier::not_},
     {"above", Modifier::above},
     {"below", Modifier::below},
     {"in", Modifier::in},
     {"not-in", Modifier::not_in},
     {"of-type", Modifier::of_type},
     {"identifier", Modifier::identifier}}};

constexpr std::array<std::pair<std::string_view, Total>, 3> kTotals{
    {{"none", Total::none}, {"estimate", Total::estimate}, {"accurate", Total::accurate}}};

constexpr std::array<std::pair<std::string_view, Summary>, 5> kSummaries{{{"false", Summary::false_},
                                                                          {"true", Summary::true_},
                                                                          {"text", Summary::text},
                                                                          {"data", Summary::data},
                                                                          {"count", Summary::count}}};

constexpr std::array<std::pair<std::string_view, bool>, 2> kBooleans{{{"false", false}, {"true", true}}};

/// search.html#modifiers: which modifier goes with which type.
bool is_allowed(Modifier modifier, ParameterType type) {
  switch (modifier) {
    case Modifier::none:
    case Modifier::missing:
      return true;
    case Modifier::exact:
    case Modifier::contains:
      return type == ParameterType::string;
    case Modifier::text:
    case Modifier::not_:
    case Modifier::in:
    case Modifier::not_in:
    case Modifier::of_type:
      return type == ParameterType::token;
    case Modifier::above:
    case Modifier::below:
      return type == ParameterType::token || type == ParameterType::uri;
    case Modifier::identifier:
    case Modifier::type:
      return type == ParameterType::reference;
  }
  return false;
}

bool takes_prefix(ParameterType type) {
  return type == ParameterType::date || type == ParameterType::number || type == ParameterType::quantity;
}

/// Whether it can be searched by at all: it has values to be compared with.
bool is_searchable(SearchParameter const& parameter) {
  return !parameter.expression().empty() && parameter.type() != ParameterType::special;
}

/// The pieces between separators that no backslash escapes; backslashes stay.
std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  std::size_t start = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == separator) {
      pieces.push_back(text.substr(start, i - start));
      start = i + 1;
    }
  }
  pieces.push_back(text.substr(start));
  return pieces;
}

/// search.html#escaping: \, \| \$ \\ stand for the character; any other backslash stands for itself.
std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() &&
        std::string_view(",|$\\").find(text[i + 1]) != std::string_view::npos)
      ++i;
    out.push_back(text[i]);
  }
  return out;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// RFC 3629, without surrogates and overlong forms; and without the control characters that FHIR forbids.
bool is_clean_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    auto const byte = [&](std::size_t at) {
      return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
    };
    unsigned const lead = byte(i);
    if (lead < 0x80) {
      if (lead < 0x20 && lead != '\t' && lead != '\n' && lead != '\r') return false;
      ++i;
      continue;
    }
    std::size_t const size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4) return false;
    unsigned const low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    unsigned const high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (byte(i + 1) < low || byte(i + 1) > high) return false;
    for (std::size_t j = 2; j < size; ++j) {
      if (byte(i + j) < 0x80 || byte(i + j) > 0xBF) return false;
    }
    i += size;
  }
  return true;
}

Result<std::string> percent_decode(std::string_view raw) {
  std::string out;
  out.reserve(raw.size());
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '+') {
      out.push_back(' ');
    } else if (raw[i] != '%') {
      out.push_back(raw[i]);
    } else {
      int const high = i + 2 < raw.size() ? hex_value(raw[i + 1]) : -1;
      int const low = i + 2 < raw.size() ? hex_value(raw[i + 2]) : -1;
      if (high < 0 || low < 0)
        return error(IssueType::invalid, "the query has a % that two hexadecimal digits do not follow");
      out.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    }
  }
  if (!is_clean_utf8(out))
    return error(IssueType::invalid, "the query is not UTF-8 or holds control characters");
  return out;
}

/// A name that may stand in a diagnostic: what parameters look like, so that no value slips in by a missing
/// "=".
std::string to_shown(std::string_view name) {
  bool const plain = name.size() <= 100 && std::ranges::all_of(name, [](char c) {
                       return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                              std::string_view("-_.:").find(c) != std::string_view::npos;
                     });
  return plain ? std::string(name) : std::string("(unprintable name)");
}

Issue bad_value(std::string_view name, std::string_view expected) {
  return error(IssueType::value, "search parameter " + to_shown(name) + " must be " + std::string(expected));
}

Issue unsupported(std::string_view name, std::string_view why) {
  return error(IssueType::not_supported, "search parameter " + to_shown(name) + ": " + std::string(why));
}

/// Turns the text of one alternative into an Operand of its parameter's type. `name` is for diagnostics only.
class OperandParser {
 public:
  OperandParser(json::Arena& texts, std::string_view name) : texts_(texts), name_(name) {}

  Result<Operand> parse(SearchParameter const& parameter, Modifier modifier, std::string_view type,
                        std::string_view text) {
    if (parameter.type() == ParameterType::composite) return parse_composite(parameter, text);
    Operand operand;
    if (takes_prefix(parameter.type())) operand.prefix = take_prefix(text);
    if (text.empty()) return bad_value(name_, "given a value");
    switch (parameter.type()) {
      case ParameterType::token:
        return parse_token(operand, modifier, text);
      case ParameterType::string:
        return parse_string(operand, text);
      case ParameterType::date:
        return parse_date(operand, text);
      case ParameterType::reference:
        if (modifier == Modifier::identifier) return parse_identifier(operand, text);
        return parse_reference(operand, type, text);
      case ParameterType::uri:
        operand.value = UriValue{keep(text)};
        return operand;
      case ParameterType::quantity:
        return parse_quantity(operand, text);
      case ParameterType::number:
        return parse_number(operand, text);
      case ParameterType::composite:
      case ParameterType::special:
        break;
    }
    return unsupported(name_, "parameters of this type are not supported");
  }

 private:
  std::string_view keep(std::string_view escaped) { return texts_.copy(unescape(escaped)); }

  static Prefix take_prefix(std::string_view& text) {
    auto const prefix = find_named<Prefix>(kPrefixes, text.substr(0, 2));
    if (!prefix) return Prefix::eq;
    text.remove_prefix(2);
    return *prefix;
  }

  Result<Operand> parse_composite(SearchParameter const& parameter, std::string_view text) {
    auto const pieces = split(text, '$');
    auto const components = parameter.components();
    if (pieces.size() != components.size()) {
      return bad_value(name_, std::to_string(components.size()) + " values joined by $");
    }
    Operand operand;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      FHIR_TRY(Operand component, parse(components[i].parameter(), Modifier::none, {}, pieces[i]));
      operand.components.push_back(std::move(component));
    }
    return operand;
  }

  Result<Operand> parse_token(Operand operand, Modifier modifier, std::string_view text) {
    TokenValue token;
    if (modifier == Modifier::text) {
      token.text = texts_.copy(normalise(unescape(text)));
      if (token.text.empty()) return bad_value(name_, "given a text");
    } else if (modifier == Modifier::in || modifier == Modifier::not_in) {
      token.code = keep(text);
    } else if (modifier == Modifier::of_type) {
      auto const parts = split(text, '|');
      if (parts.size() != 3 || parts[1].empty() || parts[2].empty())
        return bad_value(name_, "system|code|value");
      token.type_system = keep(parts[0]);
      token.type_code = keep(parts[1]);
      token.code = keep(parts[2]);
    } else {
      auto const parts = split(text, '|');
      if (parts.size() > 2) return bad_value(name_, "code, system|code, |code or system|");
      operand.has_system = parts.size() == 2;
      if (operand.has_system) token.system = keep(parts.front());
      token.code = keep(parts.back());
      if (token.system.empty() && token.code.empty())
        return bad_value(name_, "code, system|code, |code or system|");
    }
    operand.value = token;
    return operand;
  }

  Result<Operand> parse_string(Operand operand, std::string_view text) {
    StringValue string;
    string.original = keep(text);
    string.normalised = texts_.copy(normalise(string.original));
    if (string.normalised.empty()) return bad_value(name_, "a text that is more than white space and marks");
    operand.value = string;
    return operand;
  }

  /// A "+" that was not percent-encoded has come as a space; a date has no other.
  Result<Operand> parse_date(Operand operand, std::string_view text) {
    std::string repaired(text);
    std::ranges::replace(repaired, ' ', '+');
    auto const date = to_date_value(repaired);
    if (!date) return bad_value(name_, "a date: [prefix]YYYY[-MM[-DD[Thh:mm[:ss][zone]]]]");
    operand.value = *date;
    return operand;
  }

  Result<Operand> parse_number(Operand operand, std::string_view text) {
    auto number = to_number_value(text);
    if (!number) return bad_value(name_, "a number: [prefix]5.4");
    number->text = texts_.copy(number->text);
    operand.value = *number;
    return operand;
  }

  Result<Operand> parse_quantity(Operand operand, std::string_view text) {
    auto const parts = split(text, '|');
    auto const number = to_number_value(parts[0]);
    bool const bare = parts.size() == 1;
    if (!number || (!bare && (parts.size() != 3 || parts[2].empty()))) {
      return bad_value(name_, "a quantity: [prefix]5.4, 5.4|system|code or 5.4||code");
    }
    QuantityValue quantity;
    quantity.low = number->low;
    quantity.high = number->high;
    quantity.value = number->value;
    quantity.text = texts_.copy(number->text);
    if (!bare) {
      quantity.system = keep(parts[1]);
      quantity.code = keep(parts[2]);
      operand.has_system = !quantity.system.empty();
    }
    operand.value = quantity;
    return operand;
  }

  Result<Operand> parse_identifier(Operand operand, std::string_view text) {
    auto const parts = split(text, '|');
    ReferenceValue reference;
    operand.has_system = parts.size() == 2;
    if (operand.has_system) reference.identifier_system = keep(parts.front());
    reference.identifier_value = keep(parts.back());
    if (parts.size() > 2 || (reference.identifier_system.empty() && reference.identifier_value.empty())) {
      return bad_value(name_, "value, system|value, |value or system|");
    }
    operand.value = reference;
    return operand;
  }

  /// id, Type/id, a url, or a canonical with |version.
  Result<Operand> parse_reference(Operand operand, std::string_view type, std::string_view text) {
    constexpr std::string_view kExpected = "an id, Type/id or an absolute URL";
    auto const parts = split(text, '|');
    if (parts.size() > 2) return bad_value(name_, kExpected);
    std::string_view const url = keep(parts.front());
    ReferenceValue reference;
    if (is_primitive_value(Primitive::id, url)) {
      reference.id = url;
      reference.type = type;
    } else {
      reference = to_reference_value(url);
      bool const absolute = url.find(':') != std::string_view::npos;
      if (!absolute && reference.type.empty()) return bad_value(name_, kExpected);
      if (!type.empty() && !reference.type.empty() && reference.type != type) {
        return bad_value(name_, "a reference to the type that its modifier names");
      }
    }
    if (parts.size() == 2) reference.version = keep(parts.back());
    operand.value = reference;
    return operand;
  }

  json::Arena& texts_;
  std::string_view name_;
};

class QueryParser {
 public:
  QueryParser(std::string_view resource_type, Handling handling) : handling_(handling) {
    query_.resource_type = resource_type;
  }

  Result<Query> parse(std::string_view raw) {
    if (!is_resource_type(query_.resource_type)) {
      return error(IssueType::not_supported, "a search needs one of the resource types of FHIR R4");
    }
    std::size_t pairs = 0;
    while (!raw.empty()) {
      auto const end = raw.find('&');
      std::string_view const pair = raw.substr(0, end);
      raw = end == std::string_view::npos ? std::string_view{} : raw.substr(end + 1);
      if (pair.empty()) continue;
      if (++pairs > kPairsMax)
        return error(IssueType::too_costly,
                     "the query has more than " + std::to_string(kPairsMax) + " parameters");
      FHIR_CHECK(parse_pair(pair));
    }
    return std::move(query_);
  }

 private:
  Result<void> parse_pair(std::string_view pair) {
    auto const equals = pair.find('=');
    FHIR_TRY(std::string const name, percent_decode(pair.substr(0, equals)));
    FHIR_TRY(std::string const value,
             percent_decode(equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1)));
    auto used = apply(name, value);
    if (!used) {
      // Only what is unknown may be left out: a criterion that is known and badly written must not widen the
      // result.
      if (used.error().code != IssueType::not_supported || handling_ == Handling::strict || !unknown_)
        return used;
      query_.dropped.push_back(to_shown(name));
      return {};
    }
    query_.used.append(query_.used.empty() ? "" : "&").append(pair);
    return {};
  }

  Result<void> apply(std::string_view name, std::string_view value) {
    using Handler = Result<void> (QueryParser::*)(std::string_view, std::string_view);
    static constexpr std::array<std::pair<std::string_view, Handler>, 14> kControls{
        {{"_count", &QueryParser::set_count},
         {"_sort", &QueryParser::set_sort},
         {"_include", &QueryParser::add_include},
         {"_include:iterate", &QueryParser::add_include},
         {"_include:recurse", &QueryParser::add_include},
         {"_revinclude", &QueryParser::add_include},
         {"_revinclude:iterate", &QueryParser::add_include},
         {"_revinclude:recurse", &QueryParser::add_include},
         {"_total", &QueryParser::set_total},
         {"_summary", &QueryParser::set_summary},
         {"_elements", &QueryParser::set_elements},
         {"_format", &QueryParser::set_format},
         {"_pretty", &QueryParser::set_pretty},
         {"_has", &QueryParser::refuse_bare_has}}};
    unknown_ = false;
    if (auto const handler = find_named<Handler>(kControls, name)) return (this->**handler)(name, value);
    return add_criterion(name, value);
  }

  // Result parameters: search.html#return.

  Result<void> set_count(std::string_view name, std::string_view value) {
    std::uint32_t count = 0;
    auto const [end, code] = std::from_chars(value.data(), value.data() + value.size(), count);
    if (value.empty() || code != std::errc() || end != value.data() + value.size())
      return bad_value(name, "a whole number from 0");
    query_.count = count;
    return {};
  }

  Result<void> set_sort(std::string_view name, std::string_view value) {
    query_.sort.clear();
    for (std::string_view key : split(value, ',')) {
      bool const descending = key.starts_with('-');
      if (descending) key.remove_prefix(1);
      SearchParameter const* const parameter = find_search_parameter(query_.resource_type, key);
      bool const sortable =
          parameter != nullptr && is_searchable(*parameter) && parameter->type() != ParameterType::composite;
      if (!sortable)
        return bad_value(name, "search parameters of " + query_.resource_type +
                                   " joined by commas, each with - for descending");
      query_.sort.push_back({parameter, descending});
    }
    return {};
  }

  Result<void> add_include(std::string_view name, std::string_view value) {
    auto& includes = name.starts_with("_rev") ? query_.revincludes : query_.includes;
    Include include;
    include.iterate = name.find(':') != std::string_view::npos;
    if (value != "*") {
      auto const parts = split(value, ':');
      constexpr std::string_view kExpected =
          "*, Type:parameter or Type:parameter:Target, the parameter being a reference";
      if (parts.size() < 2 || parts.size() > 3) return bad_value(name, kExpected);
      TypeDefinition const* const source = definitions::find_type(parts[0]);
      if (source == nullptr || !is_resource_type(parts[0])) return bad_value(name, kExpected);
      include.source_type = source->name();
      if (parts[1] != "*") {
        include.parameter = find_search_parameter(parts[0], parts[1]);
        if (include.parameter == nullptr || include.parameter->type() != ParameterType::reference)
          return bad_value(name, kExpected);
      }
      if (parts.size() == 3) {
        if (!is_resource_type(parts[2])) return bad_value(name, kExpected);
        include.target_type = definitions::find_type(parts[2])->name();
      }
    }
    includes.push_back(include);
    return {};
  }

  Result<void> set_total(std::string_view name, std::string_view value) {
    auto const total = find_named<Total>(kTotals, value);
    if (!total) return bad_value(name, "none, estimate or accurate");
    query_.total = *total;
    return {};
  }

  Result<void> set_summary(std::string_view name, std::string_view value) {
    auto const summary = find_named<Summary>(kSummaries, value);
    if (!summary) return bad_value(name, "true, text, data, count or false");
    query_.summary = *summary;
    return {};
  }

  Result<void> set_elements(std::string_view name, std::string_view value) {
    query_.elements.clear();
    for (std::string_view const element : split(value, ',')) {
      if (element.empty()) return bad_value(name, "element names joined by commas");
      query_.elements.emplace_back(element);
    }
    return {};
  }

  /// The "+" of application/fhir+json, not percent-encoded, has come as a space.
  Result<void> set_format(std::string_view, std::string_view value) {
    query_.format = value;
    std::ranges::replace(query_.format, ' ', '+');
    return {};
  }

  Result<void> set_pretty(std::string_view name, std::string_view value) {
    auto const pretty = find_named<bool>(kBooleans, value);
    if (!pretty) return bad_value(name, "true or false");
    query_.pretty = *pretty;
    return {};
  }

  Result<void> refuse_bare_has(std::string_view name, std::string_view) {
    return unsupported(name, "is written _has:Type:reference:parameter");
  }

  // Criteria.

  Result<void> add_criterion(std::string_view name, std::string_view value) {
    Criterion criterion;
    std::string_view rest = name;
    std::string_view type = query_.resource_type;
    if (rest.starts_with("_has:")) {
      FHIR_TRY(type, take_reverse(criterion, name, rest));
    }
    while (rest.find('.') != std::string_view::npos) {
      if (criterion.reverse) return unsupported(name, "a chain inside _has is not supported");
      if (criterion.chain.size() == kChainStepsMax) return unsupported(name, "the chain is too long");
      FHIR_TRY(type, take_chain_step(criterion, name, type, rest));
    }
    FHIR_CHECK(take_parameter(criterion, name, type, rest));
    FHIR_CHECK(parse_operands(criterion, name, value));
    query_.criteria.push_back(std::move(criterion));
    return {};
  }

  Issue unknown(std::string_view name, std::string_view type) {
    unknown_ = true;
    return unsupported(name, "not a search parameter that is supported on " + std::string(type));
  }

  /// The reference parameter `code` of `type`, or the Issue.
  Result<SearchParameter const*> find_link(std::string_view name, std::string_view type,
                                           std::string_view code) {
    SearchParameter const* const parameter = find_search_parameter(type, code);
    if (parameter == nullptr) return unknown(name, type);
    if (parameter->type() != ParameterType::reference)
      return unsupported(name, "only a reference can be followed");
    return parameter;
  }

  /// `_has:Type:reference:rest`; leaves `rest` and returns the type that it is about.
  Result<std::string_view> take_reverse(Criterion& criterion, std::string_view name, std::string_view& rest) {
    rest.remove_prefix(std::string_view("_has:").size());
    auto const first = rest.find(':');
    auto const second = first == std::string_view::npos ? first : rest.find(':', first + 1);
    if (second == std::string_view::npos)
      return unsupported(name, "is written _has:Type:reference:parameter");
    TypeDefinition const* const type = definitions::find_type(rest.substr(0, first));
    if (type == nullptr || !is_resource_type(type->name())) return unknown(name, "this type");
    FHIR_TRY(SearchParameter const* const link,
             find_link(name, type->name(), rest.substr(first + 1, second - first - 1)));
    rest.remove_prefix(second + 1);
    if (rest.starts_with("_has")) return unsupported(name, "_has inside _has is not supported");
    criterion.reverse = ReverseChain{type->name(), link};
    return type->name();
  }

  /// `code[:Type].rest`; leaves `rest` and returns the type that the step leads to.
  Result<std::string_view> take_chain_step(Criterion& criterion, std::string_view name, std::string_view type,
                                           std::string_view& rest) {
    auto const dot = rest.find('.');
    std::string_view const step = rest.substr(0, dot);
    rest.remove_prefix(dot + 1);
    auto const colon = step.find(':');
    FHIR_TRY(SearchParameter const* const link, find_link(name, type, step.substr(0, colon)));
    std::string_view const next = rest.substr(0, rest.find_first_of(".:"));
    std::string_view const wanted =
        colon == std::string_view::npos ? std::string_view{} : step.substr(colon + 1);
    TypeDefinition const* target = nullptr;
    for (TypeDefinition const* candidate : targets_of(type, *link)) {
      bool const fits = wanted.empty() ? find_search_parameter(candidate->name(), next) != nullptr
                                       : candidate->name() == wanted;
      if (!fits) continue;
      if (target != nullptr)
        return unsupported(name, "the chain may lead to several types: name one, as in subject:Patient.name");
      target = candidate;
    }
    if (target == nullptr) return unknown(name, type);
    criterion.chain.push_back({link, target->name()});
    return target->name();
  }

  /// `code[:modifier]`.
  Result<void> take_parameter(Criterion& criterion, std::string_view name, std::string_view type,
                              std::string_view rest) {
    auto const colon = rest.find(':');
    criterion.parameter = find_search_parameter(type, rest.substr(0, colon));
    if (criterion.parameter == nullptr || !is_searchable(*criterion.parameter)) return unknown(name, type);
    if (colon == std::string_view::npos) return {};
    std::string_view const modifier = rest.substr(colon + 1);
    if (auto const known = find_named<Modifier>(kModifiers, modifier)) {
      criterion.modifier = *known;
    } else if (is_resource_type(modifier)) {
      criterion.modifier = Modifier::type;
      criterion.type = definitions::find_type(modifier)->name();
    } else {
      return unsupported(name, "unknown modifier");
    }
    if (!is_allowed(criterion.modifier, criterion.parameter->type())) {
      return unsupported(name, "this modifier does not go with a parameter of type " +
                                   std::string(definitions::to_code(criterion.parameter->type())));
    }
    return {};
  }

  Result<void> parse_operands(Criterion& criterion, std::string_view name, std::string_view value) {
    if (criterion.modifier == Modifier::missing) {
      auto const missing = find_named<bool>(kBooleans, value);
      if (!missing) return bad_value(name, "true or false");
      criterion.missing = *missing;
      return {};
    }
    auto const alternatives = split(value, ',');
    if (alternatives.size() > kOperandsMax) {
      return error(IssueType::too_costly, "search parameter " + to_shown(name) + " has more than " +
                                              std::to_string(kOperandsMax) + " values");
    }
    OperandParser parser(query_.texts, name);
    for (std::string_view const text : alternatives) {
      FHIR_TRY(Operand operand, parser.parse(*criterion.parameter, criterion.modifier, criterion.type, text));
      criterion.operands.push_back(std::move(operand));
    }
    return {};
  }

  Handling handling_;
  Query query_;
  bool unknown_ = false;  // the last Issue was about a parameter that does not exist
};

}  // namespace

Result<Query> parse_query(std::string_view resource_type, std::string_view raw, Handling handling) {
  return QueryParser(resource_type, handling).parse(raw);
}

Result<std::vector<std::pair<std::string, std::string>>> parse_pairs(std::string_view raw) {
  std::vector<std::pair<std::string, std::string>> pairs;
  while (!raw.empty()) {
    auto const end = raw.find('&');
    std::string_view const pair = raw.substr(0, end);
    raw = end == std::string_view::npos ? std::string_view{} : raw.substr(end + 1);
    if (pair.empty()) continue;
    auto const equals = pair.find('=');
    FHIR_TRY(std::string name, percent_decode(pair.substr(0, equals)));
    FHIR_TRY(std::string value,
             percent_decode(equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1)));
    pairs.emplace_back(std::move(name), std::move(value));
  }
  return pairs;
}

std::string percent_encode(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (char const c : text) {
    auto const byte = static_cast<unsigned char>(c);
    bool const unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                            c == '-' || c == '.' || c == '_' || c == '~';
    if (unreserved) {
      out.push_back(c);
    } else {
      out.append({'%', kHex[byte >> 4U], kHex[byte & 15U]});
    }
  }
  return out;
}

}  // namespace fhir::search
