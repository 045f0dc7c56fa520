/// Runs type pairs to see whether they do what a published data type or vocabulary sheet says. Internal to
/// this room.
#pragma once

#include "mappings/coverage/coverage.hpp"
#include "mappings/coverage/probe.hpp"

#include <map>
#include <string>

namespace mappings::coverage {

class Trials {
 public:
  /// The pair that `way` names, when it fills the published element from the published part (or turns the
  /// published code into the one of the row); "" otherwise.
  std::string covering(Way const& way, Sheet const& sheet, OfficialRow const& row);
  /// The same for a sheet that has no way of its own: the pair of its name, "XAD~Address" of XAD[Address].
  std::string by_name(Sheet const& sheet, OfficialRow const& row);

 private:
  Probe const* probe_of(Way const& way, Sheet const& sheet);

  std::map<std::string, Probe> probes_;  ///< By pair, data type, part and sample.
};

}  // namespace mappings::coverage
