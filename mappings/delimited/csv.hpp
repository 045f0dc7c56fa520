/// Reads comma-separated values. Source: RFC 4180.
///
/// May call: nothing. Pure: bytes in, rows out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mappings::delimited {

/// The rows of `text`, each a vector of cells. A leading UTF-8 byte order mark is skipped; quoted cells may
/// hold delimiters, doubled quotes and line ends; CR LF and LF end a row, a last row needs no end. Lenient: a
/// quote inside an unquoted cell is a character.
std::vector<std::vector<std::string>> read_csv(std::string_view text, char delimiter = ',');

}  // namespace mappings::delimited
