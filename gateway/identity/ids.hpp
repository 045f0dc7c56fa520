/// Logical ids that follow from what a thing is, so that the same message makes the same resource again.
#pragma once

#include <string>
#include <string_view>

namespace gateway::identity {

/// 32 hex digits from a source and a key: SHA-256, cut. Valid as an R4 id.
std::string derived_id(std::string_view source, std::string_view key);

}  // namespace gateway::identity
