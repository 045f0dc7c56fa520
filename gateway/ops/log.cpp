#include "gateway/ops/log.hpp"

#include "fhir/json/writer.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

namespace gateway::ops {

namespace {

std::string to_line(std::string_view event, std::string_view detail) {
  std::string line = "\"event\":";
  fhir::json::write_string(event, line);
  line.append(",\"detail\":");
  fhir::json::write_string(detail,
                           line);  // escapes ESC, CR and the like: a log cannot be forged or drive a terminal
  return line;
}

}  // namespace

void open_log(std::string_view level) {
  auto logger =
      std::make_shared<spdlog::logger>("handoff", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})", spdlog::pattern_time_type::utc);
  logger->set_level(spdlog::level::from_str(std::string(level)));
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

void log_info(std::string_view event, std::string_view detail) { spdlog::info("{}", to_line(event, detail)); }

void log_issue(std::string_view event, fhir::Issue const& issue) {
  auto const level = issue.severity == fhir::Severity::warning       ? spdlog::level::warn
                     : issue.severity == fhir::Severity::information ? spdlog::level::info
                                                                     : spdlog::level::err;
  spdlog::log(level, "{}", to_line(event, fhir::to_line(issue)));
}

}  // namespace gateway::ops
