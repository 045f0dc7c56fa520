#include "fhir/search/values.hpp"

#include "fhir/date_time.hpp"
#include "fhir/search/plan.hpp"
#include "fhir/search/sources.hpp"
#include "fhir/validate/primitive.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace fhir::search {

namespace {

using definitions::ElementDefinition;
using definitions::Primitive;
using definitions::TypeDefinition;
using json::Element;
using json::Member;

constexpr std::string_view kCurrencies = "urn:iso:std:iso:4217";
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The data types that values are made of differently; looked up once.
enum class Shape : std::uint8_t {
  other,
  primitive,
  coding,
  codeable_concept,
  identifier,
  contact_point,
  human_name,
  address,
  period,
  timing,
  reference,
  quantity,
  money,
  range,
  resource
};

class Shapes {
 public:
  Shapes() : shapes_(definitions::types().size(), Shape::other) {
    for (TypeDefinition const& type : definitions::types()) {
      if (type.is_primitive()) shapes_[index_of(type)] = Shape::primitive;
      if (type.is_resource()) shapes_[index_of(type)] = Shape::resource;
      if (type.base() != nullptr && type.base()->name() == "Quantity")
        shapes_[index_of(type)] = Shape::quantity;
    }
    using Named = std::pair<std::string_view, Shape>;
    for (auto const& [name, shape] :
         {Named{"Coding", Shape::coding}, Named{"CodeableConcept", Shape::codeable_concept},
          Named{"Identifier", Shape::identifier}, Named{"ContactPoint", Shape::contact_point},
          Named{"HumanName", Shape::human_name}, Named{"Address", Shape::address},
          Named{"Period", Shape::period}, Named{"Timing", Shape::timing},
          Named{"Reference", Shape::reference}, Named{"Quantity", Shape::quantity},
          Named{"Money", Shape::money}, Named{"Range", Shape::range}}) {
      shapes_[index_of(*definitions::find_type(name))] = shape;
    }
  }
  Shape of(TypeDefinition const& type) const { return shapes_[index_of(type)]; }

 private:
  static std::size_t index_of(TypeDefinition const& type) {
    return static_cast<std::size_t>(&type - definitions::types().data());
  }
  std::vector<Shape> shapes_;
};

Shape shape_of(TypeDefinition const& type) {
  static Shapes const shapes;
  return shapes.of(type);
}

constexpr std::array<std::string_view, 5> kNameParts{"text", "family", "given", "prefix", "suffix"};
constexpr std::array<std::string_view, 7> kAddressParts{"text",  "line",       "city",   "district",
                                                        "state", "postalCode", "country"};

bool is_false(Element const& value) { return value.kind() == json::Kind::boolean && !value.boolean(); }

std::optional<double> to_double(std::string_view text) {
  double value = 0;
  auto const [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Half of what the last digit counts. search.html#number: 100 is [99.5, 100.5), and of 1e2 it says [95,
/// 105).
double half_precision(std::string_view digits) {
  auto const e = digits.find_first_of("eE");
  int exponent = 0;
  if (e != std::string_view::npos) {
    auto text = digits.substr(e + 1);
    if (text.starts_with('+')) text.remove_prefix(1);
    std::from_chars(text.data(), text.data() + text.size(), exponent);
    digits = digits.substr(0, e);
  }
  auto const point = digits.find('.');
  int const decimals = point != std::string_view::npos ? static_cast<int>(digits.size() - point - 1)
                       : e != std::string_view::npos   ? 1
                                                       : 0;
  return 0.5 * std::pow(10.0, exponent - decimals);
}

DateValue to_range(DateTime const& value) { return {begin_ms(value), end_ms(value)}; }

class Extractor {
 public:
  Extractor(Element const& resource, IndexValues& out, Plan const* plan)
      : resource_(resource), out_(out), plan_(plan) {}

  /// Tells of the elements instead of their values.
  void tell(std::vector<FoundElement>& found) { found_ = &found; }

  void run() {
    if (plan_ == nullptr) return;
    type_ = plan_->nodes[0].type;
    walk(plan_->nodes[0], resource_, *type_, nullptr);
    add_absences();
  }

 private:
  // The walk.

  void walk(Plan::Node const& node, Element const& value, TypeDefinition const& type,
            ElementDefinition const* element) {
    for (Plan::Action const& action : node.actions) act(action, value, type, element);
    if (node.branches.empty()) return;
    for (Member const& member : value.members()) {
      if (member.name.starts_with('_')) continue;
      ElementDefinition const* const child = definitions::find_element(type, member.name);
      if (child == nullptr) continue;
      auto branch = std::ranges::lower_bound(node.branches, child, {}, &Plan::Branch::element);
      for (; branch != node.branches.end() && branch->element == child; ++branch)
        follow(*branch, value, member.value);
    }
  }

  void follow(Plan::Branch const& branch, Element const& parent, Element const& value) {
    Plan::Node const& node = plan_->nodes[branch.node];
    TypeDefinition const& type = branch.element->type();
    if (!value.is_array()) {
      enclosing_ = &parent;
      if (holds(branch.condition, value, 0)) walk(node, value, type, branch.element);
      return;
    }
    std::size_t index = 0;
    for (Element const& item : value.items()) {
      enclosing_ = &parent;
      if (!item.is_null() && holds(branch.condition, item, index)) walk(node, item, type, branch.element);
      ++index;
    }
  }

  static bool holds(Condition const& condition, Element const& value, std::size_t index) {
    switch (condition.kind) {
      case Condition::Kind::none:
        return true;
      case Condition::Kind::equals:
        return value.text_at(condition.name) == condition.text;
      case Condition::Kind::first_item:
        return index == 0;
      case Condition::Kind::resolves:
        return resolves_to(value, condition.text);
    }
    return false;
  }

  /// Without fetching it: by the text of the reference, or by the type it states. A reference that says
  /// neither (urn:uuid) may be anything, and is kept so that it is not lost to a search.
  static bool resolves_to(Element const& reference, std::string_view type) {
    std::string_view named = to_reference_value(reference.text_at("reference")).type;
    if (named.empty()) named = reference.text_at("type");
    return named.empty() || named == type;
  }

  void act(Plan::Action const& action, Element const& value, TypeDefinition const& type,
           ElementDefinition const* element) {
    if (action.only_existence) {
      if (is_false(value)) return;
      if (found_ != nullptr) return found_->push_back({action.parameter, &value, 0, -1});
      return emit_existence(action.parameter, true);
    }
    if (action.parameter->type() == ParameterType::composite) return compose(*action.parameter, value, type);
    if (found_ != nullptr) return found_->push_back({action.parameter, &value, 0, -1});
    target_ = {action.parameter, {}, 0, 0};
    action_ = &action;
    extract(action.parameter->type(), value, type, element);
    action_ = nullptr;
  }

  // "There and not false" (Patient.deceased).

  void emit_existence(SearchParameter const* parameter, bool holds) {
    target_ = {parameter, {}, 0, 0};
    emit(TokenValue{{}, holds ? "true" : "false", {}, {}, {}});
  }

  void add_absences() {
    for (SearchParameter const* parameter : plan_->existence) {
      bool const emitted =
          std::ranges::any_of(out_.values, [&](IndexValue const& v) { return v.parameter == parameter; });
      if (!emitted) emit_existence(parameter, false);
    }
  }

  // Composites.

  void compose(SearchParameter const& composite, Element const& value, TypeDefinition const& type) {
    auto const& components = components_of(composite);
    std::size_t const first = out_.values.size();
    ++group_;
    if (found_ != nullptr) found_->push_back({&composite, &value, group_, -1});
    composing_ = true;
    for (std::size_t i = 0; i < components.size(); ++i) {
      std::size_t const before = out_.values.size();
      for (PathExpression const& path : components[i].paths) {
        target_ = {&composite, {}, group_, static_cast<std::uint8_t>(i)};
        ParameterType const wanted = components[i].parameter->type();
        std::span<Step const> const steps(path.steps);
        if (path.from_resource) {
          evaluate(steps, resource_, *type_, nullptr, wanted);
        } else {
          evaluate(steps, value, type, nullptr, wanted);
        }
      }
      if (out_.values.size() == before && found_ == nullptr) {
        out_.values.resize(first);
        break;
      }
    }
    composing_ = false;
  }

  /// A component's path, followed by name.
  void evaluate(std::span<Step const> steps, Element const& value, TypeDefinition const& type,
                ElementDefinition const* element, ParameterType wanted) {
    if (steps.empty()) {
      if (found_ == nullptr) return extract(wanted, value, type, element);
      return found_->push_back({target_.parameter, &value, target_.group, target_.component});
    }
    std::string_view const name = steps.front().text;
    bool const narrowed = steps.size() > 1 && steps[1].kind == Step::Kind::as_type;
    for (ElementDefinition const& child : definitions::find_by_path_name(type, name)) {
      if (narrowed && !is_named(child.type(), steps[1].text)) continue;
      Element const* const found = value.find(child.name());
      if (found == nullptr) continue;
      enclosing_ = &value;
      auto const rest = steps.subspan(narrowed ? 2 : 1);
      if (!found->is_array()) {
        evaluate(rest, *found, child.type(), &child, wanted);
        continue;
      }
      for (Element const& item : found->items()) evaluate(rest, item, child.type(), &child, wanted);
    }
  }

  // One value of a data type as a parameter type sees it: search.html, the tables of "modifiers and data
  // types".

  void extract(ParameterType wanted, Element const& value, TypeDefinition const& type,
               ElementDefinition const* element) {
    switch (wanted) {
      case ParameterType::token:
        return extract_token(value, type, element);
      case ParameterType::string:
        return extract_string(value, type);
      case ParameterType::date:
        return extract_date(value, type);
      case ParameterType::reference:
        return extract_reference(value, type);
      case ParameterType::uri:
        if (value.is_string()) emit(UriValue{value.text()});
        return;
      case ParameterType::quantity:
        return extract_quantity(value, type);
      case ParameterType::number:
        return extract_number(value, type);
      case ParameterType::composite:
      case ParameterType::special:
        return;
    }
  }

  void extract_token(Element const& value, TypeDefinition const& type, ElementDefinition const* element) {
    switch (shape_of(type)) {
      case Shape::primitive:
        if (type.primitive() == Primitive::code && element != nullptr) {
          emit(TokenValue{definitions::system_of_code(*element, value.text()), value.text(), {}, {}, {}});
        } else if (!value.text().empty()) {
          emit(TokenValue{{}, value.text(), {}, {}, {}});
        }
        return;
      case Shape::coding:
        return emit_coding(value, value.text_at("display"));
      case Shape::codeable_concept:
        return extract_concept(value);
      case Shape::identifier:
        return extract_identifier(value);
      case Shape::contact_point:
        if (auto const text = value.text_at("value"); !text.empty()) {
          emit(TokenValue{value.text_at("use"), text, {}, {}, {}});
        }
        return;
      default:
        return;
    }
  }

  void emit_coding(Element const& coding, std::string_view display) {
    std::string_view const system = coding.text_at("system");
    std::string_view const code = coding.text_at("code");
    if (!system.empty() || !code.empty() || !display.empty())
      emit(TokenValue{system, code, to_text(display), {}, {}});
  }

  /// One value per coding; the concept's own text goes with the coding that has no display, else it stands
  /// alone.
  void extract_concept(Element const& concept_) {
    std::string_view text = concept_.text_at("text");
    if (Element const* const codings = concept_.find("coding")) {
      for (Element const& coding : codings->items()) {
        std::string_view display = coding.text_at("display");
        if (display.empty() || display == text) display = std::exchange(text, {});
        emit_coding(coding, display);
      }
    }
    if (!text.empty() && !composing_) emit(TokenValue{{}, {}, to_text(text), {}, {}});
  }

  void extract_identifier(Element const& identifier) {
    std::string_view const value = identifier.text_at("value");
    std::string_view const system = identifier.text_at("system");
    if (value.empty() && system.empty()) return;
    Element const* const type = identifier.find("type");
    TokenValue token{
        system, value, type == nullptr ? std::string_view{} : to_text(type->text_at("text")), {}, {}};
    Element const* const codings = type == nullptr ? nullptr : type->find("coding");
    if (codings == nullptr || codings->empty()) return emit(token);
    for (Element const& coding : codings->items()) {
      token.type_system = coding.text_at("system");
      token.type_code = coding.text_at("code");
      emit(token);
    }
  }

  void extract_string(Element const& value, TypeDefinition const& type) {
    switch (shape_of(type)) {
      case Shape::primitive:
        return emit_string(value);
      case Shape::human_name:
        return emit_parts(value, kNameParts);
      case Shape::address:
        return emit_parts(value, kAddressParts);
      default:
        return;
    }
  }

  void emit_parts(Element const& value, std::span<std::string_view const> parts) {
    for (std::string_view const part : parts) {
      bool const kept =
          action_ != nullptr && std::ranges::find(action_->kept_parts, part) != action_->kept_parts.end();
      if (!kept) emit_strings(value.find(part));
    }
  }

  void emit_strings(Element const* value) {
    if (value == nullptr) return;
    if (!value->is_array()) return emit_string(*value);
    for (Element const& item : value->items()) emit_string(item);
  }

  void emit_string(Element const& value) {
    if (!value.is_string() || value.text().empty()) return;
    std::string_view const normalised = to_normalised(value.text());
    if (!normalised.empty()) emit(StringValue{normalised, value.text()});
  }

  void extract_date(Element const& value, TypeDefinition const& type) {
    switch (shape_of(type)) {
      case Shape::primitive:
        if (auto const date = parse_date_time(value.text())) emit(to_range(*date));
        return;
      case Shape::period:
        return emit_period(value);
      case Shape::timing:
        return extract_timing(value);
      default:
        return;
    }
  }

  /// A side that is missing is open. A side that cannot be read says nothing, so the period is not indexed.
  void emit_period(Element const& period) {
    DateValue range;
    std::string_view const start = period.text_at("start");
    std::string_view const end = period.text_at("end");
    auto const from = parse_date_time(start);
    auto const to = parse_date_time(end);
    if ((start.empty() && end.empty()) || (!start.empty() && !from) || (!end.empty() && !to)) return;
    if (from) range.low = begin_ms(*from);
    if (to) range.high = end_ms(*to);
    emit(range);
  }

  /// From the first event to the last, else the bounds of the repetition.
  void extract_timing(Element const& timing) {
    DateValue range{kTimeMax, kTimeMin};
    if (Element const* const events = timing.find("event")) {
      for (Element const& event : events->items()) {
        auto const date = parse_date_time(event.text());
        if (!date) continue;
        range.low = std::min(range.low, begin_ms(*date));
        range.high = std::max(range.high, end_ms(*date));
      }
    }
    if (range.low != kTimeMax) return emit(range);
    if (Element const* const bounds = timing.at("repeat", "boundsPeriod")) emit_period(*bounds);
  }

  void extract_reference(Element const& value, TypeDefinition const& type) {
    switch (shape_of(type)) {
      case Shape::reference:
        return emit_reference(value);
      case Shape::primitive:
        if (!value.text().empty()) emit_canonical(value.text());
        return;
      case Shape::resource: {  // Bundle.entry[0].resource
        ReferenceValue reference;
        reference.type = value.text_at("resourceType");
        reference.id = value.text_at("id");
        if (enclosing_ != nullptr) reference.url = enclosing_->text_at("fullUrl");
        if (!reference.type.empty()) emit(reference);
        return;
      }
      default:
        return;
    }
  }

  void emit_reference(Element const& value) {
    std::string_view const text = value.text_at("reference");
    ReferenceValue reference;
    if (!text.starts_with('#')) reference = to_reference_value(text);
    if (reference.type.empty()) reference.type = value.text_at("type");
    if (Element const* const identifier = value.find("identifier")) {
      reference.identifier_system = identifier->text_at("system");
      reference.identifier_value = identifier->text_at("value");
    }
    if (action_ != nullptr && !reference.id.empty() && reference.type == action_->kept_target) {
      reference = {.identifier_system = reference.identifier_system,
                   .identifier_value = reference.identifier_value};
    }
    if (!reference.url.empty() || !reference.identifier_value.empty()) emit(reference);
  }

  void emit_canonical(std::string_view text) {
    if (text.starts_with('#')) return;
    auto const bar = text.rfind('|');
    ReferenceValue reference = to_reference_value(text.substr(0, bar));
    if (bar != std::string_view::npos) reference.version = text.substr(bar + 1);
    emit(reference);
  }

  void extract_quantity(Element const& value, TypeDefinition const& type) {
    switch (shape_of(type)) {
      case Shape::quantity: {
        QuantityValue quantity = to_quantity(value);
        quantity.system = value.text_at("system");
        quantity.code = value.text_at("code");
        quantity.unit = value.text_at("unit");
        if (!quantity.text.empty()) emit(quantity);
        return;
      }
      case Shape::money: {
        QuantityValue quantity = to_quantity(value);
        quantity.code = value.text_at("currency");
        if (!quantity.code.empty()) quantity.system = kCurrencies;
        if (!quantity.text.empty()) emit(quantity);
        return;
      }
      case Shape::range:
        return extract_range(value);
      default:
        return;
    }
  }

  static QuantityValue to_quantity(Element const& value) {
    QuantityValue quantity;
    auto const number = to_number_value(value.text_at("value"));
    if (!number) return quantity;
    quantity.text = number->text;
    quantity.value = number->value;
    quantity.low = number->low;
    quantity.high = number->high;
    std::string_view const comparator = value.text_at("comparator");
    if (comparator.starts_with('<')) quantity.low = -kInfinity;
    if (comparator.starts_with('>')) quantity.high = kInfinity;
    return quantity;
  }

  void extract_range(Element const& range) {
    Element const* const low = range.find("low");
    Element const* const high = range.find("high");
    if (low == nullptr && high == nullptr) return;
    QuantityValue const from = low == nullptr ? QuantityValue{} : to_quantity(*low);
    QuantityValue const to = high == nullptr ? QuantityValue{} : to_quantity(*high);
    if (from.text.empty() && to.text.empty()) return;
    Element const& unit = low != nullptr ? *low : *high;
    QuantityValue quantity;
    quantity.system = unit.text_at("system");
    quantity.code = unit.text_at("code");
    quantity.unit = unit.text_at("unit");
    quantity.low = from.text.empty() ? -kInfinity : from.low;
    quantity.high = to.text.empty() ? kInfinity : to.high;
    quantity.value = from.text.empty() ? to.value : from.value;
    emit(quantity);
  }

  void extract_number(Element const& value, TypeDefinition const& type) {
    if (shape_of(type) == Shape::primitive) {
      if (auto const number = to_number_value(value.text())) emit(*number);
    } else if (shape_of(type) == Shape::range) {
      std::string_view const low = value.text_of("low", "value");
      std::string_view const high = value.text_of("high", "value");
      auto const from = to_number_value(low);
      auto const to = to_number_value(high);
      if (!from && !to) return;
      emit(NumberValue{
          from ? from->low : -kInfinity, to ? to->high : kInfinity, from ? from->value : to->value, {}});
    }
  }

  // Handing out.

  void emit(Value value) {
    target_.value = value;
    out_.values.push_back(target_);
  }

  /// Composites compare codes only, so their texts are not made.
  std::string_view to_text(std::string_view display) {
    return composing_ || display.empty() ? std::string_view{} : to_normalised(display);
  }

  std::string_view to_normalised(std::string_view text) {
    scratch_.clear();
    normalise(text, scratch_);
    return scratch_ == text ? text : out_.texts.copy(scratch_);
  }

  Element const& resource_;
  IndexValues& out_;
  Plan const* plan_;
  TypeDefinition const* type_ = nullptr;
  Element const* enclosing_ = nullptr;    // of the value being extracted
  Plan::Action const* action_ = nullptr;  // that it is extracted for; none within a composite
  IndexValue target_;
  std::uint32_t group_ = 0;
  bool composing_ = false;
  std::string scratch_;
  std::vector<FoundElement>* found_ = nullptr;
};

/// Walks a resource for its References by the types of its elements.
class ReferenceFinder {
 public:
  explicit ReferenceFinder(std::vector<FoundReference>& found) : found_(found) {}

  void walk_resource(Element const& resource) {
    TypeDefinition const* const type = definitions::find_type(resource.text_at("resourceType"));
    if (type == nullptr) return;
    if (path_.empty()) path_ = type->name();
    walk(resource, *type);
  }

 private:
  void walk(Element const& value, TypeDefinition const& type) {
    if (shape_of(type) == Shape::reference) {
      if (Element const* const text = value.find("reference"); text != nullptr && text->is_string()) {
        found_.push_back({path_, &value, to_reference_value(text->text())});
      }
    }
    for (Member const& member : value.members()) walk_member(member, type);
  }

  void walk_member(Member const& member, TypeDefinition const& type) {
    static TypeDefinition const& element_type = *definitions::find_type("Element");
    bool const companion = member.name.starts_with('_');
    ElementDefinition const* const element =
        definitions::find_element(type, companion ? member.name.substr(1) : member.name);
    if (element == nullptr || (!companion && element->type().is_primitive())) return;
    TypeDefinition const& member_type = companion ? element_type : element->type();
    std::size_t const size = path_.size();
    path_.append(".").append(element->path_name());
    if (!member.value.is_array()) {
      walk_typed(member.value, member_type);
    } else {
      std::size_t const base = path_.size();
      for (std::size_t i = 0; i < member.value.size(); ++i) {
        path_.append("[").append(std::to_string(i)).append("]");
        walk_typed(member.value.items()[i], member_type);
        path_.resize(base);
      }
    }
    path_.resize(size);
  }

  void walk_typed(Element const& value, TypeDefinition const& type) {
    if (shape_of(type) == Shape::resource) return walk_resource(value);
    walk(value, type);
  }

  std::vector<FoundReference>& found_;
  std::string path_;
};

}  // namespace

ParameterType IndexValue::type() const {
  static constexpr std::array<ParameterType, 7> kTypes{
      ParameterType::token, ParameterType::string,   ParameterType::date,  ParameterType::reference,
      ParameterType::uri,   ParameterType::quantity, ParameterType::number};
  static_assert(std::variant_size_v<Value> == kTypes.size());
  return kTypes[value.index()];
}

void extract(Element const& resource, IndexValues& out) {
  out.clear();
  Extractor(resource, out, find_plan(resource.text_at("resourceType"))).run();
}

IndexValues extract(Element const& resource) {
  IndexValues out;
  extract(resource, out);
  return out;
}

void extract_for_index(Element const& resource, IndexValues& out) {
  out.clear();
  Extractor(resource, out, find_index_plan(resource.text_at("resourceType"))).run();
}

std::vector<FoundElement> find_elements(Element const& resource) {
  IndexValues ignored;
  std::vector<FoundElement> found;
  Extractor extractor(resource, ignored, find_plan(resource.text_at("resourceType")));
  extractor.tell(found);
  extractor.run();
  return found;
}

std::vector<FoundReference> references(Element const& resource) {
  std::vector<FoundReference> found;
  ReferenceFinder(found).walk_resource(resource);
  return found;
}

ReferenceValue to_reference_value(std::string_view text) {
  ReferenceValue value;
  value.url = text;
  if (text.empty() || text.starts_with('#') || text.starts_with("urn:") ||
      text.find('?') != std::string_view::npos) {
    return value;
  }
  std::string_view rest = text;
  auto const take_last = [&rest] {
    auto const slash = rest.rfind('/');
    std::string_view const segment = slash == std::string_view::npos ? rest : rest.substr(slash + 1);
    rest = slash == std::string_view::npos ? std::string_view{} : rest.substr(0, slash);
    return segment;
  };
  std::string_view id = take_last();
  std::string_view version;
  if (auto const slash = rest.rfind('/');
      slash != std::string_view::npos && rest.substr(slash + 1) == "_history") {
    version = id;
    take_last();
    id = take_last();
  }
  auto const slash = rest.rfind('/');
  std::string_view const type = slash == std::string_view::npos ? rest : rest.substr(slash + 1);
  if (!definitions::is_resource_type(type) || !validate::is_primitive_value(Primitive::id, id)) return value;
  value.type = type;
  value.id = id;
  value.version = version;
  value.base = rest.substr(0, rest.size() - type.size());
  return value;
}

std::optional<DateValue> to_date_value(std::string_view text) {
  auto const date = parse_date_time(text);
  if (!date) return std::nullopt;
  return to_range(*date);
}

std::optional<NumberValue> to_number_value(std::string_view text) {
  if (!validate::is_primitive_value(Primitive::decimal, text)) return std::nullopt;
  auto const value = to_double(text);
  if (!value) return std::nullopt;
  double const half = half_precision(text);
  return NumberValue{*value - half, *value + half, *value, text};
}

}  // namespace fhir::search
