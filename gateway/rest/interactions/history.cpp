// https://hl7.org/fhir/R4/http.html#history
#include "gateway/rest/bundle.hpp"
#include "gateway/rest/interactions/interactions.hpp"
#include "gateway/rest/options.hpp"
#include "gateway/rest/paging.hpp"

namespace gateway::rest {

namespace {

fhir::Result<Answer> history(Context const& context, Request const& request, store::Snapshot& snapshot) {
  FHIR_TRY(auto const page, page_of(context, request, request.query));
  FHIR_TRY(auto const options, parse_options(page.query, {"_count", "_since", "_page"}, request.handling));
  FHIR_TRY(auto const found,
           snapshot.history(request.principal.policy, request.type, request.id, options.since_ms,
                            page_size(context, options.count), page.cursor));
  BundleWriter bundle("history", context.settings.base_url);
  bundle.total(found.total);
  bundle.link("self", context.settings.base_url + '/' + page.path +
                          (request.query.empty() ? "" : "?" + request.query));
  if (!found.next_cursor.empty()) bundle.link("next", next_link(context, page, found.next_cursor));
  for (store::Version const& version : found.versions) bundle.add_history(version, version.content);
  if (!found.issues.empty()) bundle.add_outcome(found.issues);
  Answer answer;
  answer.body = bundle.finish();
  return answer;
}

}  // namespace

fhir::Result<Answer> history_instance(Context const& context, Request const& request) {
  FHIR_TRY(auto const snapshot, context.store.snapshot());
  FHIR_TRY(auto const current, snapshot->find(request.principal.policy, request.type, request.id));
  if (!current)
    return fhir::error(fhir::IssueType::not_found, "There never was a resource of that type and id.");
  return history(context, request, *snapshot);
}

fhir::Result<Answer> history_type(Context const& context, Request const& request) {
  FHIR_TRY(auto const snapshot, context.store.snapshot());
  return history(context, request, *snapshot);
}

fhir::Result<Answer> history_system(Context const& context, Request const& request) {
  FHIR_TRY(auto const snapshot, context.store.snapshot());
  return history(context, request, *snapshot);
}

}  // namespace gateway::rest
