/// The parts of check(): what each finds in compiled tables. Internal to this room.
#pragma once

#include "fhir/definitions/definitions.hpp"
#include "mappings/language/program.hpp"

#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace mappings::language {

/// What was found, each thing once, however many structures share the line.
class Findings {
 public:
  void add(fhir::Severity severity, SourceAt const& at, std::string_view id, std::string what);
  void error(SourceAt const& at, std::string_view id, std::string what) {
    add(fhir::Severity::error, at, id, std::move(what));
  }
  fhir::Issues take() { return std::move(issues_); }

 private:
  fhir::Issues issues_;
  std::set<std::pair<std::string, std::string>> known_;
};

/// FHIR paths exist in R4, fit their pairs, constants and targets; codes stay inside required bindings.
void check_paths(Program const& program, Findings& findings);
/// v2 places exist in the dictionary and hold what their pairs read.
void check_places(Program const& program, Findings& findings);
/// What FHIR requires has a source; every row is used by a structure whose messages have its segment.
void check_structures(Program const& program, Findings& findings);
/// Fields without a row, with the declared reason why they are kept, or none.
void check_kept(Program const& program, Findings& findings);

/// The type at a path below a type: nullptr when the path leads nowhere.
fhir::definitions::TypeDefinition const* type_at(std::string_view root, Path const& path);

}  // namespace mappings::language
