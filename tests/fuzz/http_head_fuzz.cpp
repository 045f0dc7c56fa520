// A head that passes our check holds its promises, and Beast then parses it without a surprise.
#include "gateway/net/http_head_check.hpp"
#include "gateway/net/http_parser.hpp"
#include "gateway/net/url.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace gateway::net;

void check(HeadKind kind, std::string_view bytes) {
  auto const end = find_head_end(bytes);
  if (!end || *end == std::string_view::npos) return;
  auto const text = bytes.substr(0, *end);
  auto const head = check_head(text, kind);
  if (!head) return;
  if (head->chunked && head->content_length) std::abort();
  if (kind == HeadKind::request && head->host.empty()) std::abort();

  auto parser = HttpParser::begin(kind, text, {1000, 100});
  if (!parser) return;  // Beast may be stricter
  if (kind == HeadKind::request && !parser->done() && !head->chunked &&
      head->content_length.value_or(0) == 0) {
    std::abort();  // Beast would read a body where the head has none
  }
  for (auto const& [name, value] : parser->headers()) {
    if (!is_field_name(name) || !is_field_value(value)) std::abort();
  }
  auto const eaten = parser->put(bytes.substr(*end));
  if (eaten && *eaten > bytes.size() - *end) std::abort();
  if (parser->body().size() > 1000) std::abort();
  if (!head->chunked && head->content_length && parser->body().size() > *head->content_length) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const bytes(reinterpret_cast<char const*>(data), size);
  check(HeadKind::request, bytes);
  check(HeadKind::response, bytes);
  if (auto const url = parse_url(bytes)) {
    // What was read once reads the same when it is written out again.
    auto const again = parse_url(url->origin.scheme + "://" + to_host_header(url->origin) + url->target);
    if (!again || !(again->origin == url->origin) || again->target != url->target) std::abort();
  }
  return 0;
}
