/// A message of our own written again from its FHIR: the way back that the laws and the goldens ask about.
#pragma once

#include "own_corpus.hpp"

#include <string>
#include <utility>
#include <vector>

namespace mappings::maps::test {

/// What reverse makes of a message's resources as a Bundle, its facts and its header's words: over the
/// message itself as its own complement (`with_seed`), or from FHIR and facts alone. `error` is informational
/// when all went well.
struct Rewritten {
  Rewritten(OwnMessage const& own, bool with_seed);

  Translated translated;
  std::vector<std::pair<std::string, std::string>> texts;  ///< the facts, by name
  fhir::json::Element bundle;
  std::string timestamp;
  std::string bytes;
  std::vector<language::LossNote> loss;
  fhir::Issue error{fhir::Severity::information, fhir::IssueType::informational, "", "", ""};
};

}  // namespace mappings::maps::test
