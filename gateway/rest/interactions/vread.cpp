// https://hl7.org/fhir/R4/http.html#vread
#include "gateway/rest/etag.hpp"
#include "gateway/rest/interactions/interactions.hpp"
#include "gateway/rest/options.hpp"

namespace gateway::rest {

fhir::Result<Answer> vread(Context const& context, Request const& request) {
  FHIR_TRY(auto const options, parse_options(request.query, {"_summary", "_elements"}, request.handling));
  std::int64_t const version_id = to_version_id(request.version);
  if (version_id == 0)
    return fhir::error(fhir::IssueType::not_found, "There is no such version: they count from 1.");
  FHIR_TRY(auto const snapshot, context.store.snapshot());
  FHIR_TRY(auto version,
           snapshot->find_version(request.principal.policy, request.type, request.id, version_id));
  if (!version)
    return fhir::error(fhir::IssueType::not_found, "There is no such version of a resource of that id.");
  if (version->deleted)
    return fhir::error(fhir::IssueType::deleted, "This version is the deletion of the resource.");
  bool const known = names_version(request.if_none_match, version->version_id);
  Answer answer = answer_with(*std::move(version));
  answer.tasks.clear();  // an old version may be shown: no receipt of the present one
  if (known) {
    answer.status = 304;
    answer.body.clear();
  } else if (!options.view.whole()) {
    FHIR_TRY(answer.body, to_view(answer.body, options.view));
  }
  return answer;
}

}  // namespace gateway::rest
