/// Small things about texts of the published sheets. Internal to this room.
#pragma once

#include "mappings/coverage/official.hpp"

#include <cctype>
#include <charconv>
#include <string>
#include <string_view>
#include <vector>

namespace mappings::coverage {

inline std::string trim(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
  return std::string(text);
}

/// The parts between `by`, trimmed; one part at least.
inline std::vector<std::string> split(std::string_view text, std::string_view by) {
  std::vector<std::string> parts;
  for (;;) {
    auto const end = text.find(by);
    parts.push_back(trim(text.substr(0, end)));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + by.size());
  }
}

/// "PV1-7" -> 7, "CX.4.1" -> 4, "PV1" -> 0.
inline std::uint16_t number_of(std::string_view v2) {
  auto const mark = v2.find_first_of("-.");
  std::uint16_t number = 0;
  if (mark != std::string_view::npos) std::from_chars(v2.data() + mark + 1, v2.data() + v2.size(), number);
  return number;
}

/// "a.b" of "a" and "b"; either may be "".
inline std::string joined(std::string_view base, std::string_view more) {
  std::string path(base);
  if (!path.empty() && !more.empty()) path += '.';
  return path.append(more);
}

/// The published path within the sheet's own data type: `Quantity.code` and `[1].location(Location.mode)` of
/// PL[Location] are `code` and `mode`.
inline std::string own_path(Sheet const& sheet, OfficialRow const& row) {
  if (row.hops.empty()) return {};
  if (row.hops.size() > 1 && row.hops.back().type == sheet.target) return row.hops.back().path;
  std::string path = row.hops.front().path;
  if (path.starts_with(sheet.target + ".")) path.erase(0, sheet.target.size() + 1);
  return row.hops.size() > 1 ? joined(path, row.hops.back().path) : path;
}

}  // namespace mappings::coverage
