/// What compiled tables reach: every v2 place and the FHIR element that it fills, flat, without notation.
/// This is what `handoff maps coverage` compares with the tables HL7 publishes.
#pragma once

#include "mappings/language/translator.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace mappings::language {

/// One element that one row (or default) fills on the way from v2 to FHIR.
struct Reach {
  enum class Kind : std::uint8_t {
    copy,      ///< the value of the v2 place
    constant,  ///< `value`: a discriminator that comes with a copy, a literal, a default
    fact,      ///< read, for the record: `path` is the fact's name
    drop       ///< left out on purpose: `value` is the reason
  };
  Kind kind = Kind::copy;
  std::string segment;  ///< "PV1"; "" for a default
  std::uint16_t field = 0, component = 0;
  std::string type;  ///< "Encounter"
  std::string path;  ///< "participant.type.coding.code": names alone; a choice is "value[x]"
  std::string value;
  std::string pair;        ///< "XCN~Practitioner"
  std::string resource;    ///< What the pair makes when the element is a Reference: "Practitioner"
  std::string system;      ///< The code system of codes that name none, or of the vocabulary's target
  std::string vocabulary;  ///< "encounter-class"
  /// Of a concept, in which the sender's own code stays: its system where it names none.
  std::string sent_system;
  std::string row;  ///< "pv1.7"
  auto operator<=>(Reach const&) const = default;
};

/// `use NK1 at root -> RelatedPerson#nk`
struct Placing {
  std::string structure, segment, variant, group;
  std::string type, base;  ///< "Patient", "contact"
};

/// `link Encounter#visit.subject -> Patient#patient`
struct Joint {
  std::string structure, type, path, target;
};

/// `enc.end | ADT^A03 | in-progress -> finished` of `events Encounter.status`
struct Turn {
  std::string type, path;      ///< "Encounter", "status"
  std::string message, event;  ///< "ADT", "A03"
  std::string after, row;      ///< "finished", "enc.end"
};

struct Reaches {
  std::vector<Reach> elements;  ///< Sorted, each once.
  std::vector<Placing> placings;
  std::vector<Joint> joints;
  std::vector<Turn> turns;
};

Reaches reaches(Maps const& maps);

/// A declared vocabulary: which v2 codes have which FHIR code.
struct CodeReach {
  std::string vocabulary;
  std::string v2_system;  ///< "http://terminology.hl7.org/CodeSystem/v2-0001"
  std::string v2_code;
  std::string system, code;
};
std::vector<CodeReach> code_reaches(Maps const& maps);

}  // namespace mappings::language
