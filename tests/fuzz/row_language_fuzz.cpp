/// Map files may come from a site's own folder: any text must give maps or issues, never a crash.
#include "mappings/language/translator.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  mappings::language::SourceFile const file{"fuzz.map", text};
  auto const result = mappings::language::compile({&file, 1});
  if (!result.maps && result.issues.empty()) std::abort();
  if (result.maps) (void)mappings::language::check(*result.maps);
  return 0;
}
