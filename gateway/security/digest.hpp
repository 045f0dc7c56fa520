/// SHA-256 as text: content hashes, derived ids, stored tokens.
#pragma once

#include <string>
#include <string_view>

namespace gateway::security {

std::string sha256_hex(std::string_view bytes);  ///< 64 hex digits, lower case.

}  // namespace gateway::security
