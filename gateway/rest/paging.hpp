/// From one page to the next: which request a `_page` link goes on with, and the link itself.
#pragma once

#include "fhir/result.hpp"
#include "gateway/rest/context.hpp"
#include "gateway/rest/page_token.hpp"
#include "gateway/rest/request.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace gateway::rest {

/// "Patient", "Patient/1/_history": the request's own path below the base.
std::string path_of(Request const& request);

/// The page that the request asks for: what its `_page` holds, or the first one of its own query.
/// Errors: value (a token with other parameters beside it, forged, or for another path), deleted, not_found.
fhir::Result<Page> page_of(Context const& context, Request const& request, std::string query);

/// "<base>/Patient?_page=..." for the page after `page`, which ended at `cursor`.
std::string next_link(Context const& context, Page const& page, std::string cursor);

std::uint32_t page_size(Context const& context, std::optional<std::uint32_t> asked);

}  // namespace gateway::rest
