/// Messages that nobody has sent yet: made from the dictionary for the laws of design translation.md 3.5. Any
/// structure that has a table, any version, odd delimiters, repetitions, empty values, "" (delete), escapes,
/// Z segments.
///
/// A message is a Spec, which shrinks: smaller() makes it less, one step at a time, for as long as a law
/// fails.
#pragma once

#include "mappings/hl7v2/message.hpp"

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace mappings::laws {

/// A leaf's text; kEscape stands for the message's escape character around a sequence that is kept as it is.
inline constexpr char kEscape = '\x01';

using Leaf = std::string;
using Component = std::vector<Leaf>;  ///< subcomponents
using Repetition = std::vector<Component>;
using Field = std::vector<Repetition>;

struct Segment {
  std::string id;
  std::vector<Field> fields;  ///< [0] is field 1
};

struct Spec {
  std::string structure, code, trigger, version;
  bool names_structure = true;  ///< MSH-9.3 is there
  hl7v2::Delimiters delimiters;
  std::vector<Segment> segments;  ///< without MSH

  std::string bytes() const;
};

/// The same seed gives the same message.
Spec generate(std::uint64_t seed);

/// The smallest spec found, one step after the other, for which `fails` still holds. `spec` must fail.
Spec shrink(Spec spec, std::function<bool(Spec const&)> const& fails);

/// Messages that once broke a law: tests/mappings/laws/cases/*.hl7, one message each, named by what they
/// showed.
struct Case {
  std::string name, bytes;
};
std::vector<Case> const& kept_cases();

}  // namespace mappings::laws
