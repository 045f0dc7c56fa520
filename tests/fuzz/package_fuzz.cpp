/// Packages from outside: as a gzipped archive, and as the archive within, which the fuzzer can reach by
/// itself. Every input is a package or an Issue that says why not.
#include "fhir/packages/library.hpp"
#include "fhir/packages/package.hpp"
#include "fhir/packages/tar.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace fhir::packages;
  std::string_view const bytes(reinterpret_cast<char const*>(data), size);
  if (auto const files = read_tar(bytes, 1000)) {
    for (TarFile const& file : *files) {
      if (file.path.empty() || file.path.starts_with('/')) std::abort();
    }
  }
  auto package =
      read_package(bytes, {.unpacked_bytes_max = 1 << 20, .file_bytes_max = 1 << 18, .files_max = 1000});
  if (!package) {
    if (package.error().diagnostics.empty()) std::abort();
    return 0;
  }
  Library library;
  if (!library.add(std::move(*package))) std::abort();
  return 0;
}
