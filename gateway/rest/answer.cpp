#include "gateway/rest/answer.hpp"

#include "gateway/rest/outcome.hpp"
#include "gateway/rest/status.hpp"

namespace gateway::rest {

namespace {

constexpr char const* kRetryAfterSeconds = "2";  // a full disk or a busy store is seldom cured sooner

std::string outcome_of_write(store::Version const& version, int status) {
  std::string const what = status == 201 ? "Created " : "Stored ";
  return to_outcome(fhir::Issue{fhir::Severity::information, fhir::IssueType::informational,
                                what + location_of(version) + ".", "", ""});
}

}  // namespace

Answer refuse(fhir::Issues const& issues) {
  Answer answer;
  answer.status = status_of(issues);
  fhir::Issues shown = issues;
  for (fhir::Issue& issue : shown) {
    if (issue.source == kRules) issue.source.clear();
  }
  answer.body = to_outcome(shown);
  bool const may_pass = answer.status == 503 || answer.status == 507 || answer.status == 429;
  if (may_pass) answer.headers.add("Retry-After", kRetryAfterSeconds);
  return answer;
}

Answer refuse(fhir::Issue const& issue) { return refuse(fhir::Issues{issue}); }

Answer answer_of(fhir::Result<Answer> result) {
  if (!result) return refuse(result.error());
  return *std::move(result);
}

std::string location_of(store::Version const& version) {
  return version.type + '/' + version.id + "/_history/" + std::to_string(version.version_id);
}

Answer answer_with(store::Version version) {
  Answer answer;
  answer.version_id = version.version_id;
  answer.last_updated_ms = version.last_updated_ms;
  note_shown(version, answer);
  answer.body = std::move(version.content);
  return answer;
}

Answer answer_written(store::Version version, int status, Returning returning) {
  std::string const location = location_of(version);
  std::string const outcome =
      returning == Returning::outcome ? outcome_of_write(version, status) : std::string{};
  Answer answer = answer_with(std::move(version));
  answer.tasks.clear();  // the writer's own words are no news to it
  answer.status = status;
  answer.location = location;
  if (returning != Returning::representation) answer.body = outcome;
  return answer;
}

void note_shown(store::Version const& version, Answer& answer) {
  if (version.type == "Task" && !version.deleted) answer.tasks.push_back("Task/" + version.id);
}

}  // namespace gateway::rest
