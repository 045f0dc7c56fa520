/// The log: one JSON object a line on stderr, with ids, counts and reasons. Never a payload, a name or an
/// identifier of a patient: nothing but Issues and fixed words goes in.
#pragma once

#include "fhir/result.hpp"

#include <string>
#include <string_view>

namespace gateway::ops {

/// "debug", "info", "warn", "error". Called once, before the threads start.
void open_log(std::string_view level);

/// `event` is a fixed word ("started", "delivery"); `detail` holds ids and numbers.
void log_info(std::string_view event, std::string_view detail);
void log_issue(std::string_view event, fhir::Issue const& issue);

}  // namespace gateway::ops
