/// The schema, as the numbered files of sql/ that CMake embeds: run in order, each once, recorded by name.
#pragma once

#include <span>
#include <string_view>

namespace gateway::store {

struct Migration {
  std::string_view name;  ///< "0001_resources"
  std::string_view sql;
};

std::span<Migration const> migrations();

}  // namespace gateway::store
