#include "fhir/xml/characters.hpp"

#include <rapidjson/encodings.h>
#include <rapidjson/memorystream.h>

#include <algorithm>

namespace fhir::xml {

std::optional<std::size_t> find_unwritable(std::string_view text) {
  auto const is_plain = [](char c) { return c >= ' ' || c == '\t' || c == '\n' || c == '\r'; };
  auto const first = static_cast<std::size_t>(std::ranges::find_if_not(text, is_plain) - text.begin());
  rapidjson::MemoryStream bytes(text.data(), text.size());
  for (bytes.src_ += first; bytes.Tell() < text.size();) {
    std::size_t const at = bytes.Tell();
    unsigned code = 0;
    if (!rapidjson::UTF8<>::Decode(bytes, &code)) return at;
    if (code < ' ' && code != '\t' && code != '\n' && code != '\r') return at;
    if ((code >= 0xD800 && code <= 0xDFFF) || code == 0xFFFE || code == 0xFFFF) return at;
  }
  return std::nullopt;
}

}  // namespace fhir::xml
