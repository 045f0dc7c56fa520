#include "gateway/rest/paging.hpp"

#include "fhir/search/query.hpp"

#include <algorithm>

namespace gateway::rest {

namespace {

/// The value of `_page`, or "". Nothing but `_format` and `_pretty` may stand beside it: the token is the
/// whole request.
fhir::Result<std::string> page_token(std::string_view query) {
  if (query.find("_page=") == std::string_view::npos) return std::string{};
  FHIR_TRY(auto const pairs, fhir::search::parse_pairs(query));
  std::string token;
  bool alone = true;
  for (auto const& [name, value] : pairs) {
    if (name == "_page" && token.empty()) {
      token = value;
    } else {
      alone = alone && (name == "_format" || name == "_pretty");
    }
  }
  if (!alone && !token.empty()) {
    return fhir::error(fhir::IssueType::value, "_page stands alone: the link holds the whole search.", {},
                       "_page");
  }
  return token;
}

}  // namespace

std::string path_of(Request const& request) {
  std::string path;
  for (std::string const& segment : request.path) {
    if (!path.empty()) path += '/';
    path += segment;
  }
  return path;
}

fhir::Result<Page> page_of(Context const& context, Request const& request, std::string query) {
  FHIR_TRY(auto const token, page_token(request.query));
  if (token.empty()) {
    Page first;
    first.path = path_of(request);
    first.query = std::move(query);
    first.principal = request.principal.name;
    first.lenient = request.handling == fhir::search::Handling::lenient;
    return first;
  }
  FHIR_TRY(auto page, context.tokens.open(token, request.principal.name, context.clock()));
  if (page.path != path_of(request)) {
    return fhir::error(fhir::IssueType::value, "This page link belongs to another path.", {}, "_page");
  }
  return page;
}

std::string next_link(Context const& context, Page const& page, std::string cursor) {
  Page next = page;
  next.cursor = std::move(cursor);
  // The expiry of the first page holds for all: the store keeps what they need no longer than that.
  if (next.expires_ms == 0) next.expires_ms = context.clock() + context.settings.page_life_ms;
  return context.settings.base_url + '/' + page.path + "?_page=" + context.tokens.seal(next);
}

std::uint32_t page_size(Context const& context, std::optional<std::uint32_t> asked) {
  return std::min(asked.value_or(context.settings.page_entries), context.settings.page_entries_max);
}

}  // namespace gateway::rest
