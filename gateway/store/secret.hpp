/// Random bytes that belong to a database: made at the first asking, the same ones from then on.
#pragma once

#include "fhir/result.hpp"

#include <array>
#include <string>
#include <string_view>

namespace gateway::store {

using Secret = std::array<unsigned char, 32>;

/// The secret of that name of the store at `path`, which open_sqlite() has opened before; called at start,
/// before traffic. Whoever can read the database can read it: it is never logged and leaves in no answer.
/// Errors: exception, transient (the database cannot be read or written).
fhir::Result<Secret> load_secret(std::string const& path, std::string_view name);

}  // namespace gateway::store
