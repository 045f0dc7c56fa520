/// The files of a tar archive as views into it. Source: POSIX.1-2017 pax (ustar, extended headers), GNU long
/// names.
#pragma once

#include "fhir/result.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace fhir::packages {

struct TarFile {
  std::string path;
  std::string_view bytes;
};

/// Regular files in order; folders are passed over. Errors: structure (no tar, damaged header, cut off),
/// security (a link or device; a path that is absolute or has ".."), too_costly (more than `files_max`).
Result<std::vector<TarFile>> read_tar(std::string_view archive, std::size_t files_max);

}  // namespace fhir::packages
