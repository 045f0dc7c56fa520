/// gzip to bytes, within a budget. Source: RFC 1952.
#pragma once

#include "fhir/result.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace fhir::packages {

/// Errors: structure (no gzip, damaged, cut off), too_costly (more than `bytes_max`).
Result<std::string> gunzip(std::string_view bytes, std::size_t bytes_max);

}  // namespace fhir::packages
