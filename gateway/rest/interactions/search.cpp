// https://hl7.org/fhir/R4/http.html#search
#include "fhir/search/query.hpp"
#include "gateway/identity/identity.hpp"
#include "gateway/identity/whole_person.hpp"
#include "gateway/rest/bundle.hpp"
#include "gateway/rest/interactions/interactions.hpp"
#include "gateway/rest/options.hpp"
#include "gateway/rest/paging.hpp"
#include "gateway/rest/persons.hpp"
#include "gateway/rest/status.hpp"

namespace gateway::rest {

namespace {

using fhir::search::Query;
using fhir::search::Summary;

std::string path_with_query(std::string const& path, std::string const& query) {
  return query.empty() ? path : path + '?' + query;
}

/// The page's query, typed, with what the server decides put in.
fhir::Result<Query> to_query(Context const& context, Request const& request, Page const& page,
                             std::string_view raw) {
  auto const handling = page.lenient ? fhir::search::Handling::lenient : fhir::search::Handling::strict;
  FHIR_TRY(auto query, fhir::search::parse_query(request.type, raw, handling));
  bool const counting = query.summary == Summary::count || query.count == 0U;
  query.count = counting ? 0 : page_size(context, query.count);
  if (counting) query.total = fhir::search::Total::accurate;
  query.cursor = page.cursor;
  return query;
}

/// search.html#errors: what lenient handling left out is said in the answer, not only missing from the self
/// link.
fhir::Issues dropped_issues(Query const& query) {
  fhir::Issues issues;
  for (std::string const& name : query.dropped) {
    issues.push_back(fhir::warning(fhir::IssueType::not_supported,
                                   "The parameter " + name + " is not known and was not used.", {}, name));
  }
  return issues;
}

fhir::Result<void> add_entries(store::SearchPage const& page, View const& view, BundleWriter& bundle,
                               Answer& answer) {
  for (store::SearchEntry const& entry : page.entries) {
    std::string_view const mode = entry.included ? "include" : "match";
    note_shown(entry.version, answer);
    if (view.whole()) {
      bundle.add_match(entry.version, entry.version.content, mode);
    } else {
      FHIR_TRY(auto const shown, to_view(entry.version.content, view));
      bundle.add_match(entry.version, shown, mode);
    }
  }
  return {};
}

fhir::Result<Answer> search(Context const& context, Request const& request, std::string raw) {
  FHIR_TRY(auto const page, page_of(context, request, std::move(raw)));
  FHIR_TRY(auto const person, take_person(page.query));
  FHIR_TRY(auto query, to_query(context, request, page, person.query));
  FHIR_TRY(auto const snapshot, context.store.snapshot());
  if (person.whole) {
    FHIR_TRY(bool const widened, identity::widen_to_persons(query, [&](std::string_view patient) {
               return identity::patients_beside(*snapshot, patient);
             }));
    if (widened) query.used += "&_person=true";
  } else {
    query.used.append(query.used.empty() ? "" : "&").append(person.asked);
  }
  FHIR_TRY(auto const found, snapshot->search(request.principal.policy, query));

  bool const counting = query.count == 0U;
  std::string const self = page.cursor.empty() ? path_with_query(page.path, query.used)
                                               : path_with_query(page.path, request.query);
  BundleWriter bundle("searchset", context.settings.base_url);
  if (found.total) bundle.total(*found.total);
  bundle.link("self", context.settings.base_url + '/' + self);
  if (!counting && !found.next_cursor.empty())
    bundle.link("next", next_link(context, page, found.next_cursor));
  Answer answer;
  if (!counting) {
    FHIR_CHECK(add_entries(found, View{query.summary, query.elements}, bundle, answer));
  }
  fhir::Issues issues = dropped_issues(query);
  issues.insert(issues.end(), found.issues.begin(), found.issues.end());
  if (!issues.empty()) bundle.add_outcome(issues);
  answer.body = bundle.finish();
  return answer;
}

}  // namespace

fhir::Result<Answer> search_type(Context const& context, Request const& request) {
  return search(context, request, request.query);
}

/// The same as GET with the form's pairs after those of the URL.
fhir::Result<Answer> search_by_post(Context const& context, Request const& request) {
  if (!request.body.empty() && !is_form(request.content_type)) {
    return fhir::error(fhir::IssueType::not_supported,
                       "A search is posted as application/x-www-form-urlencoded.", {},
                       std::string(kContentType));
  }
  Request as_get = request;
  as_get.path.pop_back();  // "_search": links are those of GET
  if (!request.body.empty()) as_get.query += (as_get.query.empty() ? "" : "&") + request.body;
  std::string raw = as_get.query;
  return search(context, as_get, std::move(raw));
}

}  // namespace gateway::rest
