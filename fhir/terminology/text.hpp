/// Small things done to texts, and canonical urls.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fhir::terminology {

std::string_view trimmed(std::string_view text);
std::vector<std::string_view> split(std::string_view text, char separator);
/// ASCII lower case; other characters stay.
std::string folded(std::string_view text);
bool equal_folded(std::string_view left, std::string_view right);
/// Runs of white space as one blank, none at the ends.
std::string one_spaced(std::string_view text);

/// "http://a/b|1.0" in its parts.
struct Canonical {
  std::string url;
  std::string version;
  std::string text() const { return version.empty() ? url : url + '|' + version; }
};
Canonical parse_canonical(std::string_view text);

}  // namespace fhir::terminology
