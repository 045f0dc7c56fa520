#include "fhir/path/types.hpp"

#include "fhir/json/writer.hpp"

#include <algorithm>
#include <array>

namespace fhir::path {

namespace {

using definitions::Primitive;
using definitions::TypeDefinition;

constexpr std::string_view kUcumSystem = "http://unitsofmeasure.org";
constexpr std::array<std::string_view, 10> kSystemNames = {
    "", "Boolean", "Integer", "Decimal", "String", "Date", "DateTime", "Time", "Quantity", "TypeInfo"};

std::string_view system_name(Item::Kind kind) { return kSystemNames[static_cast<std::size_t>(kind)]; }

/// "System.Integer" into its two parts; the first is empty where there is none.
std::pair<std::string_view, std::string_view> split(std::string_view specifier) {
  for (std::string_view const space : {std::string_view("FHIR."), std::string_view("System.")}) {
    if (specifier.starts_with(space))
      return {space.substr(0, space.size() - 1), specifier.substr(space.size())};
  }
  return {{}, specifier};
}

/// UCUM's units of time in a resource are the calendar's (R4 fhirpath.html, how a Quantity is mapped).
std::string_view calendar_word(std::string_view code) {
  static constexpr std::pair<std::string_view, std::string_view> kWords[] = {
      {"a", "year"}, {"mo", "month"}, {"d", "day"}, {"h", "hour"}, {"min", "minute"}, {"s", "second"}};
  for (auto const& [unit, word] : kWords) {
    if (json::is_same(unit, code)) return word;
  }
  return {};
}

std::optional<Item> quantity_of(json::Element const& quantity) {
  std::string_view digits, code, unit, system;
  for (json::Member const& member : quantity.members()) {
    if (json::is_same(member.name, "comparator")) return std::nullopt;
    if (json::is_same(member.name, "value")) digits = member.value.text();
    if (json::is_same(member.name, "code")) code = member.value.text();
    if (json::is_same(member.name, "unit")) unit = member.value.text();
    if (json::is_same(member.name, "system")) system = member.value.text();
  }
  auto const value = Decimal::parse(digits);
  if (!value) return std::nullopt;
  if (!code.empty() && json::is_same(system, kUcumSystem)) {
    std::string_view const word = calendar_word(code);
    return Item::of_quantity(*value, word.empty() ? code : word, !word.empty());
  }
  return Item::of_quantity(*value, unit.empty() ? "1" : unit);
}

Item::Kind kind_of(Primitive primitive) {
  switch (primitive) {
    case Primitive::boolean:
      return Item::Kind::boolean;
    case Primitive::integer:
    case Primitive::positive_int:
    case Primitive::unsigned_int:
      return Item::Kind::integer;
    case Primitive::decimal:
      return Item::Kind::decimal;
    case Primitive::date:
      return Item::Kind::date;
    case Primitive::date_time:
    case Primitive::instant:
      return Item::Kind::date_time;
    case Primitive::time:
      return Item::Kind::time;
    default:
      return Item::Kind::string;
  }
}

/// What a JSON primitive of unknown type is.
std::optional<Item> untyped_value(json::Element const& value) {
  switch (value.kind()) {
    case json::Kind::boolean:
      return Item::of_boolean(value.boolean());
    case json::Kind::string:
      return Item::of_text(Item::Kind::string, value.text());
    case json::Kind::number: {
      auto const number = Decimal::parse(value.text());
      return number ? std::optional(Item::of_decimal(*number)) : std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

}  // namespace

void Collection::grow(std::size_t capacity) {
  auto* const block = static_cast<Item*>(::operator new(capacity * sizeof(Item)));
  if (size_ != 0) std::memcpy(static_cast<void*>(block), data(), size_ * sizeof(Item));
  release();
  block_ = block;
  capacity_ = static_cast<std::uint32_t>(capacity);
}

Item root_item(json::Element const& element, definitions::TypeDefinition const& type) {
  Item item;
  item.value = &element;
  item.type = &type;
  return item;
}

Item root_item(json::Element const& resource) {
  Item item;
  item.value = &resource;
  item.type = definitions::find_type(resource.text_at("resourceType"));
  return item;
}

bool is_known_type(std::string_view specifier) {
  auto const [space, name] = split(specifier);
  if (space == "System") return true;
  if (definitions::find_type(name) != nullptr) return true;
  return space.empty() && std::ranges::find(kSystemNames, name) != kSystemNames.end();
}

bool is_below(TypeDefinition const& type, std::string_view name) {
  for (TypeDefinition const* here = &type; here != nullptr; here = here->base()) {
    if (here->name() == name) return true;
  }
  return false;
}

bool is_of_type(Item const& item, std::string_view specifier) {
  auto const [space, name] = split(specifier);
  if (!item.is_node()) return space != "FHIR" && system_name(item.kind) == name;
  return space != "System" && item.type != nullptr && is_below(*item.type, name);
}

bool is_cast_type(Item const& item, std::string_view specifier) {
  if (!is_of_type(item, specifier)) return false;
  return !item.is_node() || !item.type->is_primitive() || item.type->name() == split(specifier).second;
}

std::optional<Item> to_value(Item const& item) {
  if (!item.is_node()) return item;
  if (item.value == nullptr || item.value->is_null()) return std::nullopt;
  if (item.type == nullptr) return untyped_value(*item.value);
  if (!item.type->is_primitive()) {
    return is_below(*item.type, "Quantity") && item.value->is_object() ? quantity_of(*item.value)
                                                                       : std::nullopt;
  }
  Item::Kind const kind = kind_of(item.type->primitive());
  std::string_view const text = item.value->text();
  if (kind == Item::Kind::boolean) return Item::of_boolean(item.value->boolean());
  if (kind != Item::Kind::integer && kind != Item::Kind::decimal) return Item::of_text(kind, text);
  auto const number = Decimal::parse(text);
  if (!number) return std::nullopt;
  Item value = Item::of_decimal(*number);
  value.kind = kind;
  return value;
}

std::string_view namespace_of(Item const& item) { return item.is_node() ? "FHIR" : "System"; }

std::string_view name_of(Item const& item) {
  if (!item.is_node()) return system_name(item.kind);
  return item.type == nullptr ? std::string_view("Element") : item.type->name();
}

std::string type_name(Item const& item) {
  return std::string(namespace_of(item)).append(".").append(name_of(item));
}

std::optional<std::string> to_text(Item const& item) {
  auto const value = to_value(item);
  if (!value) return std::nullopt;
  switch (value->kind) {
    case Item::Kind::boolean:
      return value->boolean ? "true" : "false";
    case Item::Kind::integer:
    case Item::Kind::decimal:
      return value->number().to_string();
    case Item::Kind::quantity: {
      bool const is_word = value->is_calendar;
      std::string text = value->number().to_string();
      text.append(is_word ? " " : " '").append(value->text());
      if (!is_word) text += '\'';
      return text;
    }
    case Item::Kind::type_info:
      return std::string(value->text()).append(".").append(value->name());
    default:
      return std::string(value->text());
  }
}

std::string to_json(Item const& item) {
  std::string out;
  if (item.is_node()) {
    if (item.value != nullptr) {
      json::write(*item.value, out);
    } else {
      out = "null";
    }
    return out;
  }
  switch (item.kind) {
    case Item::Kind::boolean:
    case Item::Kind::integer:
    case Item::Kind::decimal:
      return *to_text(item);
    case Item::Kind::quantity:
      out = "{\"value\":" + item.number().to_string() + ",\"unit\":";
      json::write_string(item.text(), out);
      return out + "}";
    case Item::Kind::type_info:
      out = "{\"namespace\":";
      json::write_string(item.text(), out);
      out += ",\"name\":";
      json::write_string(item.name(), out);
      return out + "}";
    default:
      json::write_string(item.text(), out);
      return out;
  }
}

}  // namespace fhir::path
