/// One FHIR interaction as a value, whatever carried it: an HTTP request or an entry of a Bundle.
#pragma once

#include "fhir/json/element.hpp"
#include "fhir/result.hpp"
#include "fhir/search/query.hpp"
#include "gateway/intake/writer.hpp"
#include "gateway/net/http.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::rest {

inline constexpr std::string_view kJsonPatch = "application/json-patch+json";  // RFC 6902 section 6
inline constexpr std::string_view kXmlPatch = "application/xml-patch+xml";     // RFC 7351 section 2

/// What a write answers with: `Prefer: return=...`.
enum class Returning : unsigned char { representation, minimal, outcome };

/// A resource and the document that it stands in.
struct Input {
  std::shared_ptr<fhir::json::Document const> document;
  fhir::json::Element const* root = nullptr;
};

struct Request {
  std::string method;             ///< "GET" (also for HEAD), "POST", "PUT", "DELETE", ...
  std::vector<std::string> path;  ///< Below the base, percent-decoded: {"Patient", "1"}.
  std::string query;              ///< As sent.
  std::string if_match;
  std::string if_none_match;
  std::string if_none_exist;
  fhir::search::Handling handling = fhir::search::Handling::strict;
  Returning returning = Returning::representation;
  std::string content_type;
  std::string accept_language;
  std::string body;
  Input resource;  ///< A Bundle entry's resource; an HTTP request has a body instead.
  intake::Principal principal;
  std::string request_id;

  // Set by the router from the path, checked.
  std::string type;
  std::string id;
  std::string version;
};

/// Decodes "/Patient/1" (what follows the base). Errors: value (bad escapes, empty or dot segments, control
/// characters).
fhir::Result<std::vector<std::string>> parse_path(std::string_view path);

/// R4 datatypes.html#id: 1 to 64 of A-Z a-z 0-9 - . ; "." and ".." are refused, for they are steps in a path.
bool is_id(std::string_view text);

/// Reads the headers the API knows. Errors: value (Prefer handling).
void read_headers(net::HttpHeaders const& headers, Request& request);

/// Whether JSON may be answered. `format` is `_format` decoded, "" when absent; it overrides Accept.
/// Errors: not_supported with source Accept (406).
fhir::Result<void> check_acceptable(std::string_view accept, std::string_view format);

/// Errors: not_supported with source Content-Type (415).
fhir::Result<void> check_content_type(std::string_view content_type);
bool is_form(std::string_view content_type);        ///< application/x-www-form-urlencoded
bool is_json_patch(std::string_view content_type);  ///< application/json-patch+json
bool is_xml_patch(std::string_view content_type);   ///< application/xml-patch+xml

/// The request's resource, parsed; an object with a known resourceType. Errors: structure, too_costly,
/// not_supported (415).
fhir::Result<Input> read_resource(Request const& request);

}  // namespace gateway::rest
