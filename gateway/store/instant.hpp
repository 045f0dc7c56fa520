/// R4 instants in UTC with milliseconds: "2024-02-29T23:59:59.123Z".
#pragma once

#include <cstdint>
#include <string>

namespace gateway::store {

std::string to_instant(std::int64_t milliseconds_since_1970);

}  // namespace gateway::store
