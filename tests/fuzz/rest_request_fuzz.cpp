// What the REST API reads of a request besides its body: path, entity tags, media types, page links, and
// views of JSON.
#include "gateway/rest/etag.hpp"
#include "gateway/rest/options.hpp"
#include "gateway/rest/page_token.hpp"
#include "gateway/rest/request.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace gateway::rest;
  static PageTokens const tokens(PageTokens::Key{});
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  if (auto const path = parse_path(text)) {
    for (auto const& segment : *path) {
      if (segment.empty() || segment == ".." || segment.find_first_of("/\\\r\n") != std::string::npos)
        std::abort();
    }
  }
  if (auto const version = parse_etag(text, "If-Match"); version && *version <= 0) std::abort();
  (void)names_version(text, 1);
  (void)check_acceptable(text, "");
  (void)check_content_type(text);
  if (tokens.open(text, "", 0)) std::abort();  // nobody guesses a sealed page
  View const view{fhir::search::Summary::true_, {}};
  if (auto const shown = to_view(text, view)) (void)to_pretty(*shown);
  return 0;
}
