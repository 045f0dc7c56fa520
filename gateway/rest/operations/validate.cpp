// https://hl7.org/fhir/R4/resource-operation-validate.html, as far as there is something to answer with:
// structure, primitive values, cardinality and required bindings. Profiles and other modes are refused, not
// waved through.
#include "fhir/json/reader.hpp"
#include "fhir/validate/structure.hpp"
#include "gateway/rest/interactions/interactions.hpp"
#include "gateway/rest/options.hpp"
#include "gateway/rest/outcome.hpp"

#include <memory>

namespace gateway::rest {

namespace {

using fhir::IssueType;
using fhir::json::Element;

fhir::Issue not_supported(std::string_view name) {
  return fhir::error(IssueType::not_supported,
                     "$validate knows no " + std::string(name) + " here: it judges structure only.", {},
                     std::string(name));
}

/// The resource of the Parameters, or nullptr. Errors: not_supported for every other parameter but mode
/// create or update.
fhir::Result<Element const*> resource_of(Element const& parameters) {
  Element const* resource = nullptr;
  Element const* const list = parameters.find("parameter");
  if (list == nullptr) return resource;
  for (Element const& parameter : list->items()) {
    std::string_view const name = parameter.text_at("name");
    std::string_view const mode = parameter.text_at("valueCode");
    if (name == "resource") {
      resource = parameter.find("resource");
    } else if (name != "mode" || (mode != "create" && mode != "update")) {
      return not_supported(name == "mode" ? "mode other than create and update" : name);
    }
  }
  return resource;
}

/// What is to be judged: the body, the body's Parameters.resource, or the stored resource of the path.
fhir::Result<Input> find_subject(Context const& context, Request const& request) {
  Input input;
  if (!request.body.empty() || request.resource.root != nullptr) {
    FHIR_TRY(input, read_resource(request));
    if (input.root->text_at("resourceType") != "Parameters" || request.type == "Parameters") return input;
    FHIR_TRY(input.root, resource_of(*input.root));
    if (input.root != nullptr) return input;
  }
  if (request.id.empty()) {
    return fhir::error(IssueType::required,
                       "$validate needs a resource: the body, or the parameter resource.");
  }
  FHIR_TRY(auto const snapshot, context.store.snapshot());
  FHIR_TRY(auto const version, snapshot->find(request.principal.policy, request.type, request.id));
  if (!version) return fhir::error(IssueType::not_found, "There is no resource of that type and id.");
  if (version->deleted) return fhir::error(IssueType::deleted, "The resource has been deleted.");
  FHIR_TRY(auto document, fhir::json::read_document(version->content));
  auto const shared = std::make_shared<fhir::json::Document const>(std::move(document));
  return Input{shared, &shared->root};
}

}  // namespace

fhir::Result<Answer> validate(Context const& context, Request const& request) {
  FHIR_TRY(auto const pairs, fhir::search::parse_pairs(request.query));
  for (auto const& [name, value] : pairs) {
    bool const is_known_mode = name == "mode" && (value == "create" || value == "update");
    if (name != "_format" && name != "_pretty" && !is_known_mode) return not_supported(name);
  }
  FHIR_TRY(auto const subject, find_subject(context, request));
  fhir::Issues issues;
  fhir::validate::validate_structure(*subject.root, issues);
  if (subject.root->text_at("resourceType") != request.type) {
    issues.push_back(
        fhir::error(IssueType::value, "The resource's type must be the one in the URL.", "resourceType"));
  }
  issues.push_back(
      fhir::Issue{fhir::Severity::information, IssueType::informational,
                  "Judged: structure, primitive values, cardinality, required bindings. Not judged: "
                  "invariants, profiles, terminology beyond required bindings.",
                  "", ""});
  Answer answer;
  answer.body = to_outcome(issues);
  return answer;
}

}  // namespace gateway::rest
