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
  /// `sample` is a v2 value beside whose parts they are tried as well, "" for none.
  Probe(types::Pair const& pair, std::string_view data_type, std::size_t part, std::string_view sample);

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

/// A code in one part of a v2 value; `sample` has the other parts.
struct CodeTrial {
  std::size_t part;
  std::string_view sample, v2_code;
};

/// Does the pair make `code` at `path` of that v2 code, and of no code nothing like it? Where a system stands
/// beside the code it must be `system`.
bool turns_code(types::Pair const& pair, CodeTrial const& trial, std::string_view path, std::string_view code,
                std::string_view system);

}  // namespace mappings::coverage
