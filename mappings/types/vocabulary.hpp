/// Compiled vocabularies: v2 codes to FHIR codes and back, and the names of code systems on both sides.
#pragma once

#include "mappings/language/partner_profile.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mappings::types {

struct Target {
  std::string system;
  std::string code;
  std::string display;
};

/// Views into a Vocabulary or a PartnerProfile.
struct TargetView {
  std::string_view system;
  std::string_view code;
  std::string_view display;
  bool is_fallback = false;  ///< The vocabulary's `*`: no entry has the code.
};

/// One `vocabulary` section. Forward is a function of the v2 code (case-insensitive), reverse of the FHIR
/// code.
struct Vocabulary {
  std::string name;
  std::string v2_system;  ///< "http://terminology.hl7.org/CodeSystem/v2-0001"
  std::string fhir_system;
  struct Entry {
    std::string v2;
    Target target;
    bool forward = true;
    bool reverse = true;
  };
  std::vector<Entry> entries;
  std::optional<Target> otherwise;  ///< `*`

  Target const* find(std::string_view v2_code) const;
  /// The preferred v2 code, "" when there is none. An empty system matches any.
  std::string_view find_reverse(std::string_view system, std::string_view code) const;
  bool has_v2(std::string_view code) const;
};

/// `system` declarations: CWE.3 "LN" <-> http://loinc.org. HL7nnnn is known without one.
struct CodeSystems {
  struct Name {
    std::string v2;
    std::string uri;
  };
  std::vector<Name> names;
};

bool equals_ignoring_case(std::string_view left, std::string_view right);

/// The partner's own map first, then the vocabulary. nullopt: unmapped.
std::optional<TargetView> to_fhir(Vocabulary const& vocabulary, std::string_view v2_code,
                                  language::PartnerProfile const& partner);
std::string_view to_v2(Vocabulary const& vocabulary, std::string_view system, std::string_view code,
                       language::PartnerProfile const& partner);

}  // namespace mappings::types
