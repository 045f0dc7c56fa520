/// A search from a URL. The first byte chooses type and handling; what lenient parsing used must parse
/// strictly.
#include "fhir/search/query.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace fhir::search;
  if (size == 0) return 0;
  static constexpr std::string_view kTypes[] = {"Patient", "Observation", "ServiceRequest",
                                                "DocumentReference"};
  std::string_view const type = kTypes[data[0] % 4];
  std::string_view const raw(reinterpret_cast<char const*>(data) + 1, size - 1);
  auto const lenient = parse_query(type, raw, Handling::lenient);
  if (lenient && !parse_query(type, lenient->used, Handling::strict)) std::abort();
  if (auto const pairs = parse_pairs(raw)) {
    for (auto const& [name, value] : *pairs) {
      if (auto const back = parse_pairs("x=" + percent_encode(value)); !back || back->at(0).second != value)
        std::abort();
    }
  }
  return 0;
}
