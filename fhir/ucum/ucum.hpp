/// The Unified Code for Units of Measure: codes read, made canonical, compared and converted.
/// Source: UCUM 2.0.1 (https://ucum.org/ucum), case sensitive codes; ucum-essence.xml through generate.py.
#pragma once

#include "fhir/result.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fhir::ucum {

/// How a unit that is no ratio (UCUM section 21) stands to its proper unit.
enum class Function : std::uint8_t {
  none,
  Cel,
  degF,
  degRe,
  tanTimes100,
  hpX,
  hpC,
  hpM,
  hpQ,
  pH,
  ln,
  lg,
  lgTimes2,
  ld,
  sqrt
};

/// What a unit code means: factor times powers of metre, second, gram, radian, kelvin, coulomb, candela.
struct Unit {
  long double factor = 1;
  std::array<std::int8_t, 7> powers{};
  Function function = Function::none;
  long double function_scale = 1;  ///< The prefix of a special unit: 0.1 for dB.

  bool is_special() const { return function != Function::none; }
  friend bool comparable(Unit const& left, Unit const& right) { return left.powers == right.powers; }
};

/// Reads a code: "mg/dL", "10*3/uL", "kg.m/s2", "{beats}/min", "Cel". Errors: code_invalid, naming the part
/// that is no unit; also for a special unit inside a product, and for nesting deeper than 16.
Result<Unit> parse(std::string_view code);

/// A value in `from` expressed in `to`; nullopt when they measure different things or the value has no image
/// (the logarithm of a negative).
std::optional<long double> convert(long double value, Unit const& from, Unit const& to);

/// A value in base units, and their code: {"m.s-2"}; "1" for pure numbers.
long double canonical_value(long double value, Unit const& unit);
std::string canonical_code(Unit const& unit);

}  // namespace fhir::ucum
