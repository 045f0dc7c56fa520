/// What a validator asks of terminology: is a code in a value set, is it one of its own code system.
/// Implemented by fhir/terminology; a validator without one takes every code as unknown.
#pragma once

#include <string>
#include <string_view>

namespace fhir::validate {

/// A code as it stands in a resource. Views into the resource.
struct CodedValue {
  std::string_view
      system;  ///< "" for an element of type code (the value set says which), and for a Coding without
  std::string_view version;
  std::string_view code;
  std::string_view display;       ///< "" when not given: then nothing is said about it
  bool is_system_absent = false;  ///< A Coding or Quantity without system: in no value set that can be told.
};

enum class Membership : unsigned char {
  in,
  not_in,
  unknown  ///< Cannot be told here: the value set or code system is not loaded, or only in part.
};

struct CodeVerdict {
  Membership membership = Membership::unknown;
  std::string
      message;  ///< Why, for a person: "the code is not in the code system", "no such value set is loaded"
  bool is_display_wrong = false;
  std::string display_message;  ///< What would be right: "the display must be one of: Male"
};

class CodeChecker {
 public:
  virtual ~CodeChecker() = default;

  /// Whether the value set of that canonical ("url" or "url|version") has the code.
  virtual CodeVerdict check_in_value_set(std::string_view value_set, CodedValue const& coded) const = 0;

  /// Whether the code is one of its own code system, and its display one of the code's.
  virtual CodeVerdict check_in_code_system(CodedValue const& coded) const = 0;
};

}  // namespace fhir::validate
