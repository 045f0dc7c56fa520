#include "gateway/rest/request.hpp"

#include "fhir/definitions/definitions.hpp"
#include "fhir/json/reader.hpp"
#include "gateway/rest/status.hpp"

#include <algorithm>

namespace gateway::rest {

namespace {

using fhir::IssueType;

std::string_view trimmed(std::string_view text) {
  auto const from = text.find_first_not_of(" \t");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

/// Calls `visit` with each trimmed part of `text` between separators.
template <class Visit>
void for_each_part(std::string_view text, char separator, Visit visit) {
  for (;;) {
    auto const end = text.find(separator);
    visit(trimmed(text.substr(0, end)));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Errors: value.
fhir::Result<std::string> decode_segment(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    int const high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    int const low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
    if (high < 0 || low < 0)
      return fhir::error(IssueType::value, "The path has a % that two hex digits do not follow.");
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

bool is_plain(char c) { return c > 0x20 && c < 0x7F && c != '/' && c != '\\' && c != '"'; }

bool is_json_type(std::string_view type) {
  return type == "application/fhir+json" || type == "application/json" || type == "text/json" ||
         type == "json";
}

/// One media range of Accept or _format: "application/fhir+json; fhirVersion=4.0; q=0.9".
bool accepts_json(std::string_view range) {
  std::string type;
  bool acceptable = true;
  for_each_part(range, ';', [&](std::string_view part) {
    std::string const text = lower(part);
    if (type.empty()) {
      type = text;
    } else if (text.starts_with("fhirversion=")) {
      acceptable = acceptable && (text == "fhirversion=4.0" || text == "fhirversion=\"4.0\"");
    } else if (text.starts_with("q=")) {
      acceptable = acceptable && text.find_first_not_of("0.", 2) != std::string::npos;
    }
  });
  return acceptable && (is_json_type(type) || type == "*/*" || type == "application/*");
}

void read_preference(std::string_view part, Request& request) {
  std::string const text = lower(part);
  if (text == "return=minimal") request.returning = Returning::minimal;
  if (text == "return=representation") request.returning = Returning::representation;
  if (text == "return=operationoutcome") request.returning = Returning::outcome;
  if (text == "handling=lenient") request.handling = fhir::search::Handling::lenient;
  if (text == "handling=strict") request.handling = fhir::search::Handling::strict;
}

}  // namespace

bool is_id(std::string_view text) {
  if (text.empty() || text.size() > 64 || text == "." || text == "..") return false;
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
}

fhir::Result<std::vector<std::string>> parse_path(std::string_view path) {
  std::vector<std::string> segments;
  if (path.starts_with('/')) path.remove_prefix(1);
  if (path.ends_with('/')) path.remove_suffix(1);
  if (path.empty()) return segments;
  for (;;) {
    auto const end = path.find('/');
    FHIR_TRY(auto segment, decode_segment(path.substr(0, end)));
    if (segment.empty() || segment == "." || segment == ".." || !std::ranges::all_of(segment, is_plain)) {
      return fhir::error(IssueType::value,
                         "A part of the path is empty, a dot step, or has characters no id or name has.");
    }
    segments.push_back(std::move(segment));
    if (end == std::string_view::npos) return segments;
    path.remove_prefix(end + 1);
  }
}

void read_headers(net::HttpHeaders const& headers, Request& request) {
  request.if_match = headers.get("If-Match");
  request.if_none_match = headers.get("If-None-Match");
  request.if_none_exist = headers.get("If-None-Exist");
  request.content_type = headers.get("Content-Type");
  request.accept_language = headers.get("Accept-Language");
  for (auto const& [name, value] : headers) {
    if (!net::equal_without_case(name, "Prefer")) continue;
    for_each_part(value, ',', [&](std::string_view preference) {
      for_each_part(preference, ';', [&](std::string_view part) { read_preference(part, request); });
    });
  }
}

fhir::Result<void> check_acceptable(std::string_view accept, std::string_view format) {
  std::string_view const wanted = format.empty() ? accept : format;
  bool any = trimmed(wanted).empty();
  for_each_part(wanted, ',', [&](std::string_view range) { any = any || accepts_json(range); });
  if (any) return {};
  return fhir::error(IssueType::not_supported,
                     "Only JSON of FHIR R4 is served: application/fhir+json; fhirVersion=4.0.", {},
                     std::string(kAccept));
}

fhir::Result<void> check_content_type(std::string_view content_type) {
  bool fits = true;
  bool first = true;
  for_each_part(content_type, ';', [&](std::string_view part) {
    std::string const text = lower(part);
    if (first) fits = is_json_type(text);
    if (text.starts_with("charset=")) fits = fits && (text == "charset=utf-8" || text == "charset=\"utf-8\"");
    if (text.starts_with("fhirversion="))
      fits = fits && (text == "fhirversion=4.0" || text == "fhirversion=\"4.0\"");
    first = false;
  });
  if (fits) return {};
  return fhir::error(IssueType::not_supported, "A resource is sent as application/fhir+json in UTF-8.", {},
                     std::string(kContentType));
}

namespace {

std::string media_type(std::string_view content_type) {
  return lower(trimmed(content_type.substr(0, content_type.find(';'))));
}

}  // namespace

bool is_form(std::string_view content_type) {
  return media_type(content_type) == "application/x-www-form-urlencoded";
}

bool is_json_patch(std::string_view content_type) { return media_type(content_type) == kJsonPatch; }
bool is_xml_patch(std::string_view content_type) { return media_type(content_type) == kXmlPatch; }

fhir::Result<Input> read_resource(Request const& request) {
  Input input = request.resource;
  if (input.root == nullptr) {
    FHIR_CHECK(check_content_type(request.content_type));
    FHIR_TRY(auto document, fhir::json::read_document(request.body));
    auto const shared = std::make_shared<fhir::json::Document const>(std::move(document));
    input = Input{shared, &shared->root};
  }
  if (!fhir::definitions::is_resource_type(input.root->text_at("resourceType"))) {
    return fhir::error(IssueType::structure, "A resource is a JSON object whose resourceType is one of R4's.",
                       "resourceType");
  }
  return input;
}

}  // namespace gateway::rest
