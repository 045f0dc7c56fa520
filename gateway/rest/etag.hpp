/// Entity tags that carry a version id: W/"3". Source: R4 http.html#concurrency; RFC 9110 section 8.8.3.
#pragma once

#include "fhir/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace gateway::rest {

std::string to_etag(std::int64_t version_id);  ///< W/"3"

/// One tag, weak or strong, or the bare digits some clients send. Errors: value, with `header` as the source.
fhir::Result<std::int64_t> parse_etag(std::string_view text, std::string_view header);

/// Whether an If-None-Match field names that version ("*" names any). What is not a tag of ours matches
/// nothing.
bool names_version(std::string_view if_none_match, std::int64_t version_id);

/// A version id in a path or tag: digits, from 1, without leading zero; 0 when it is none.
std::int64_t to_version_id(std::string_view digits);

}  // namespace gateway::rest
