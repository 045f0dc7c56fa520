/// One value of FHIRPath: a node of a resource, or a value of the language's own types.
#pragma once

#include "fhir/definitions/definitions.hpp"
#include "fhir/json/element.hpp"
#include "fhir/path/decimal.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fhir::path {

/// One value of a collection: a node of a resource, or a value of FHIRPath's own types.
struct Item {
  enum class Kind : std::uint8_t {
    node,
    boolean,
    integer,
    decimal,
    string,
    date,
    date_time,
    time,
    quantity,
    type_info
  };

  // Forty bytes: what a node needs and what a value needs stand in the same place, and `kind` tells which it
  // is. `value` is a node's alone and nullptr for every value; look at it or at is_node() before the three
  // below.
  Kind kind = Kind::node;
  bool boolean = false;
  bool is_calendar = false;  ///< quantity: the unit is a word like "days"
  std::uint8_t number_scale = 0;
  std::uint32_t text_size = 0;
  json::Element const* value = nullptr;  ///< node: nullptr when only an extension stands there
  union {
    definitions::TypeDefinition const* type = nullptr;  ///< node; nullptr when the definitions do not know it
    char const* text_start;
  };
  union {
    json::Element const* extra = nullptr;  ///< node of a primitive type: the "_name" member
    std::uint64_t number_low;
    char const* name_start;
  };
  union {
    definitions::ElementDefinition const* definition = nullptr;  ///< node below the root: which element it is
    std::uint64_t number_high;
    std::size_t name_size;
  };

  bool is_node() const { return kind == Kind::node; }
  bool has_number() const { return kind == Kind::integer || kind == Kind::decimal || kind == Kind::quantity; }
  /// Of an integer, decimal or quantity; else 0.
  Decimal number() const {
    if (!has_number()) return {};
    return {static_cast<Int128>(static_cast<UnsignedInt128>(number_high) << 64U | number_low), number_scale};
  }
  void set_number(Decimal const& number) {
    number_low = static_cast<std::uint64_t>(number.unscaled);
    number_high = static_cast<std::uint64_t>(static_cast<UnsignedInt128>(number.unscaled) >> 64U);
    number_scale = static_cast<std::uint8_t>(number.scale);
  }
  /// A string; a date, dateTime or time as written; a quantity's unit; a type_info's namespace; else "".
  std::string_view text() const {
    return text_size == 0 ? std::string_view{} : std::string_view{text_start, text_size};
  }
  /// A type_info's name; else "".
  std::string_view name() const {
    return kind == Kind::type_info ? std::string_view{name_start, name_size} : std::string_view{};
  }

  static Item of_boolean(bool value);
  static Item of_integer(std::int64_t value) { return of_number(Kind::integer, Decimal::of(value)); }
  static Item of_decimal(Decimal const& value) { return of_number(Kind::decimal, value); }
  static Item of_number(Kind kind, Decimal const& value);
  /// `text` has kTextMax bytes at most.
  static Item of_text(Kind kind, std::string_view text);
  static Item of_quantity(Decimal const& value, std::string_view unit, bool calendar = false);
  static Item of_type_info(std::string_view space, std::string_view name);
};

/// What an expression may make of texts; those of a resource are shorter than its 4 GiB anyway.
inline constexpr std::size_t kTextMax = 16 * 1024 * 1024;

inline Item Item::of_boolean(bool value) {
  Item item;
  item.kind = Kind::boolean;
  item.boolean = value;
  return item;
}

inline Item Item::of_number(Kind kind, Decimal const& value) {
  Item item;
  item.kind = kind;
  item.set_number(value);
  return item;
}

inline Item Item::of_text(Kind kind, std::string_view text) {
  Item item;
  item.kind = kind;
  item.text_start = text.data();
  item.text_size = static_cast<std::uint32_t>(text.size());
  return item;
}

inline Item Item::of_quantity(Decimal const& value, std::string_view unit, bool calendar) {
  Item item = of_text(Kind::quantity, unit);
  item.set_number(value);
  item.is_calendar = calendar;
  return item;
}

inline Item Item::of_type_info(std::string_view space, std::string_view name) {
  Item item = of_text(Kind::type_info, space);
  item.name_start = name.data();
  item.name_size = name.size();
  return item;
}

}  // namespace fhir::path
