// https://hl7.org/fhir/R4/http.html#read
#include "gateway/rest/etag.hpp"
#include "gateway/rest/interactions/interactions.hpp"
#include "gateway/rest/options.hpp"

namespace gateway::rest {

namespace {

/// The deletion is a version as well: its ETag says which.
Answer gone(store::Version const& version) {
  Answer answer =
      refuse(fhir::error(fhir::IssueType::deleted, "The resource has been deleted; its history is kept."));
  answer.version_id = version.version_id;
  answer.last_updated_ms = version.last_updated_ms;
  return answer;
}

}  // namespace

fhir::Result<Answer> read(Context const& context, Request const& request) {
  FHIR_TRY(auto const options, parse_options(request.query, {"_summary", "_elements"}, request.handling));
  FHIR_TRY(auto const snapshot, context.store.snapshot());
  FHIR_TRY(auto version, snapshot->find(request.principal.policy, request.type, request.id));
  if (!version) return fhir::error(fhir::IssueType::not_found, "There is no resource of that type and id.");
  if (version->deleted) return gone(*version);
  // http.html#cread
  bool const known = names_version(request.if_none_match, version->version_id);
  Answer answer = answer_with(*std::move(version));
  if (known) {
    answer.status = 304;
    answer.body.clear();
  } else if (!options.view.whole()) {
    FHIR_TRY(answer.body, to_view(answer.body, options.view));
  }
  return answer;
}

}  // namespace gateway::rest
