/// Runs a type pair on samples and tells which part of the v2 value reaches which FHIR element. Internal to
/// this room.
#pragma once

#include "mappings/types/pair.hpp"

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace mappings::coverage {

/// What of one v2 data type a pair writes where. Paths are names joined by dots, in lower case, "" the value
/// itself.
class Probe {
 public:
  /// `data_type` is probed as the whole v2 value, or with `part` as that part of it (an FN inside an XPN).
  Probe(types::Pair const& pair, std::string_view data_type, std::size_t part);

  /// Does component `number` (0: any) change the element at `path`?
  bool reaches(std::size_t number, std::string_view path) const;
  /// Does the pair write `value` at `path` when component `number` (0: any) is there?
  bool writes(std::size_t number, std::string_view path, std::string_view value) const;

 private:
  struct Seen {
    std::set<std::string> changed;
    std::map<std::string, std::set<std::string>> texts;
  };
  std::map<std::size_t, Seen> seen_;
};

}  // namespace mappings::coverage
