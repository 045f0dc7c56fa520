#include "gateway/rest/etag.hpp"

#include <charconv>

namespace gateway::rest {

namespace {

std::string_view trimmed(std::string_view text) {
  auto const from = text.find_first_not_of(" \t");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

/// The text between the quotes of an entity tag, or `text` itself where it has none.
std::string_view opaque_part(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with("W/")) text.remove_prefix(2);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') return text.substr(1, text.size() - 2);
  return text;
}

}  // namespace

std::string to_etag(std::int64_t version_id) { return "W/\"" + std::to_string(version_id) + '"'; }

std::int64_t to_version_id(std::string_view digits) {
  std::int64_t value = 0;
  auto const [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  bool const whole = status == std::errc{} && end == digits.data() + digits.size();
  return whole && value > 0 && digits.front() != '0' ? value : 0;
}

fhir::Result<std::int64_t> parse_etag(std::string_view text, std::string_view header) {
  if (auto const version = to_version_id(opaque_part(text)); version != 0) return version;
  return fhir::error(fhir::IssueType::value,
                     std::string(header) + " must be one entity tag as read: W/\"3\".", {},
                     std::string(header));
}

bool names_version(std::string_view if_none_match, std::int64_t version_id) {
  while (!if_none_match.empty()) {
    auto const comma = if_none_match.find(',');
    std::string_view const tag = trimmed(if_none_match.substr(0, comma));
    if (tag == "*" || to_version_id(opaque_part(tag)) == version_id) return true;
    if (comma == std::string_view::npos) break;
    if_none_match.remove_prefix(comma + 1);
  }
  return false;
}

}  // namespace gateway::rest
