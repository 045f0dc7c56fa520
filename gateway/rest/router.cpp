#include "gateway/rest/router.hpp"

#include "fhir/definitions/definitions.hpp"
#include "gateway/rest/status.hpp"

#include <algorithm>
#include <optional>

namespace gateway::rest {

namespace asio = net::asio;

namespace {

using fhir::IssueType;

// Named types stand before [type], so that the first match is the closest one.
constexpr Route kRoutes[] = {
    {"GET", "metadata", "", Level::system, &capabilities, Place::pool},
    {"GET", "_history", "history-system", Level::system, &history_system, Place::pool},
    {"POST", "", "transaction", Level::system, &bundle, Place::here},

    {"GET", "ValueSet/$expand", "$expand", Level::type, &expand, Place::pool},
    {"GET", "ValueSet/[id]/$expand", "", Level::instance, &expand, Place::pool},
    {"POST", "ValueSet/$expand", "", Level::type, &expand, Place::pool},
    {"POST", "ValueSet/[id]/$expand", "", Level::instance, &expand, Place::pool},
    {"GET", "ValueSet/$validate-code", "$validate-code", Level::type, &validate_code_in_value_set,
     Place::pool},
    {"GET", "ValueSet/[id]/$validate-code", "", Level::instance, &validate_code_in_value_set, Place::pool},
    {"POST", "ValueSet/$validate-code", "", Level::type, &validate_code_in_value_set, Place::pool},
    {"POST", "ValueSet/[id]/$validate-code", "", Level::instance, &validate_code_in_value_set, Place::pool},
    {"GET", "CodeSystem/$validate-code", "$validate-code", Level::type, &validate_code_in_code_system,
     Place::pool},
    {"GET", "CodeSystem/[id]/$validate-code", "", Level::instance, &validate_code_in_code_system,
     Place::pool},
    {"POST", "CodeSystem/$validate-code", "", Level::type, &validate_code_in_code_system, Place::pool},
    {"POST", "CodeSystem/[id]/$validate-code", "", Level::instance, &validate_code_in_code_system,
     Place::pool},
    {"POST", "ValueSet/$batch-validate-code", "$batch-validate-code", Level::type,
     &batch_validate_in_value_set, Place::pool},
    {"POST", "ValueSet/[id]/$batch-validate-code", "", Level::instance, &batch_validate_in_value_set,
     Place::pool},
    {"POST", "CodeSystem/$batch-validate-code", "$batch-validate-code", Level::type,
     &batch_validate_in_code_system, Place::pool},
    {"POST", "CodeSystem/[id]/$batch-validate-code", "", Level::instance, &batch_validate_in_code_system,
     Place::pool},
    {"GET", "CodeSystem/$lookup", "$lookup", Level::type, &lookup, Place::pool},
    {"POST", "CodeSystem/$lookup", "", Level::type, &lookup, Place::pool},
    {"GET", "CodeSystem/$subsumes", "$subsumes", Level::type, &subsumes, Place::pool},
    {"GET", "CodeSystem/[id]/$subsumes", "", Level::instance, &subsumes, Place::pool},
    {"POST", "CodeSystem/$subsumes", "", Level::type, &subsumes, Place::pool},
    {"POST", "CodeSystem/[id]/$subsumes", "", Level::instance, &subsumes, Place::pool},
    {"GET", "ConceptMap/$translate", "$translate", Level::type, &translate, Place::pool},
    {"GET", "ConceptMap/[id]/$translate", "", Level::instance, &translate, Place::pool},
    {"POST", "ConceptMap/$translate", "", Level::type, &translate, Place::pool},
    {"POST", "ConceptMap/[id]/$translate", "", Level::instance, &translate, Place::pool},

    {"GET", "[type]", "search-type", Level::type, &search_type, Place::pool},
    {"POST", "[type]/_search", "search-type", Level::type, &search_by_post, Place::pool},
    {"GET", "[type]/_history", "history-type", Level::type, &history_type, Place::pool},
    {"POST", "[type]/$validate", "$validate", Level::type, &validate, Place::pool},
    {"POST", "[type]", "create", Level::type, &create, Place::here},
    {"PUT", "[type]", "", Level::type, &update, Place::here},
    {"PATCH", "[type]", "", Level::type, &patch, Place::here},
    {"DELETE", "[type]", "", Level::type, &remove, Place::here},

    {"GET", "ServiceRequest/[id]/$referral-record", "$referral-record", Level::instance, &referral_record,
     Place::pool},
    {"POST", "ServiceRequest/[id]/$referral-record", "", Level::instance, &referral_record, Place::pool},
    {"GET", "Encounter/[id]/$transition-record", "$transition-record", Level::instance, &transition_record,
     Place::pool},
    {"POST", "Encounter/[id]/$transition-record", "", Level::instance, &transition_record, Place::pool},
    {"GET", "[type]/[id]/$timeline", "$timeline", Level::instance, &timeline, Place::pool},
    {"POST", "[type]/[id]/$timeline", "", Level::instance, &timeline, Place::pool},
    {"GET", "[type]/[id]/$provenance", "$provenance", Level::instance, &provenance, Place::pool},
    {"POST", "[type]/[id]/$validate", "", Level::instance, &validate, Place::pool},

    {"GET", "[type]/[id]", "read", Level::instance, &read, Place::here},
    {"GET", "[type]/[id]/_history", "history-instance", Level::instance, &history_instance, Place::pool},
    {"GET", "[type]/[id]/_history/[vid]", "vread", Level::instance, &vread, Place::here},
    {"PUT", "[type]/[id]", "update", Level::instance, &update, Place::here},
    {"PATCH", "[type]/[id]", "patch", Level::instance, &patch, Place::here},
    {"DELETE", "[type]/[id]", "delete", Level::instance, &remove, Place::here},
};

/// Takes the next step off `pattern`: "[type]/[id]" gives "[type]" and leaves "[id]".
std::string_view next_step(std::string_view& pattern) {
  auto const end = pattern.find('/');
  std::string_view const step = pattern.substr(0, end);
  pattern = end == std::string_view::npos ? std::string_view{} : pattern.substr(end + 1);
  return step;
}

struct Found {
  std::string type, id, version;
};

bool matches(std::string_view pattern, std::vector<std::string> const& path) {
  for (std::string const& segment : path) {
    if (pattern.empty()) return false;
    std::string_view const step = next_step(pattern);
    bool const is_open = !segment.empty() && segment[0] != '_' && segment[0] != '$';
    if (step[0] == '[' ? !is_open : step != segment) return false;
  }
  return pattern.empty();
}

/// What a path that matches names.
Found names_in(std::string_view pattern, std::vector<std::string> const& path) {
  Found found;
  for (std::size_t i = 0; i < path.size(); ++i) {
    std::string_view const step = next_step(pattern);
    if (step == "[id]") found.id = path[i];
    if (step == "[vid]") found.version = path[i];
    if (i == 0) found.type = path[i];
  }
  return found;
}

fhir::Result<void> check_names(Found const& found) {
  if (!found.type.empty() && !fhir::definitions::is_resource_type(found.type)) {
    return fhir::error(IssueType::not_found, "FHIR R4 has no resource type of that name.");
  }
  if (!found.id.empty() && !is_id(found.id)) {
    return fhir::error(IssueType::value, "An id is 1 to 64 of A-Z, a-z, 0-9, - and .");
  }
  return {};
}

/// "GET, HEAD, PUT" for a path that other methods have.
std::string allowed_methods(std::vector<std::string> const& path) {
  std::vector<std::string_view> methods;
  for (Route const& route : kRoutes) {
    if (matches(route.path, path) && std::ranges::find(methods, route.method) == methods.end()) {
      methods.push_back(route.method);
    }
  }
  std::string out;
  for (std::string_view const method : methods) {
    if (!out.empty()) out += ", ";
    out += method;
    if (method == "GET") out += ", HEAD";
  }
  return out;
}

Answer refuse_unrouted(Request const& request, fhir::Issue const& issue) {
  Answer answer = refuse(issue);
  if (answer.status == 405) answer.headers.add("Allow", allowed_methods(request.path));
  return answer;
}

}  // namespace

std::span<Route const> routes() { return kRoutes; }

fhir::Result<Route const*> find_route(Request& request) {
  for (Route const& route : kRoutes) {
    if (route.method != request.method || !matches(route.path, request.path)) continue;
    auto found = names_in(route.path, request.path);
    if (route.level == Level::system) found.type.clear();
    FHIR_CHECK(check_names(found));
    request.type = std::move(found.type);
    request.id = std::move(found.id);
    request.version = std::move(found.version);
    return &route;
  }
  if (std::ranges::any_of(kRoutes, [&](Route const& route) { return matches(route.path, request.path); })) {
    return fhir::error(IssueType::not_supported, "This path has no such method here; see Allow and metadata.",
                       {}, std::string(kMethod));
  }
  return fhir::error(IssueType::not_found, "There is nothing at this path; metadata says what there is.");
}

asio::awaitable<Answer> dispatch(Context const& context, Request& request) {
  auto const route = find_route(request);
  if (!route) co_return refuse_unrouted(request, route.error());
  if (auto const* const writing = std::get_if<Writing>(&(*route)->handler))
    co_return co_await (*writing)(context, request);

  Reading const reading = std::get<Reading>((*route)->handler);
  Answer answer;
  if ((*route)->place == Place::pool && context.run_on_pool) {
    std::function<void()> job = [&] { answer = answer_of(reading(context, request)); };
    co_await context.run_on_pool(std::move(job));
  } else {
    answer = answer_of(reading(context, request));
  }
  // A read counts as receipt; told after the answer is built (record.md section 3).
  if (!answer.tasks.empty()) context.writer.returned(request.principal, std::move(answer.tasks));
  co_return answer;
}

}  // namespace gateway::rest
