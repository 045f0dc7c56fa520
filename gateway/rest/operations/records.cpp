// architecture.md section 5 "Record operations": ServiceRequest/[id]/$referral-record,
// Encounter/[id]/$transition-record and [type]/[id]/$timeline.
// https://hl7.org/fhir/R4/operations.html#executing
#include "fhir/json/reader.hpp"
#include "fhir/json/writer.hpp"
#include "gateway/record/record.hpp"
#include "gateway/rest/interactions/interactions.hpp"
#include "gateway/rest/options.hpp"

namespace gateway::rest {

namespace {

/// None of them takes a parameter: a POST has no body or an empty Parameters.
fhir::Result<void> check_no_parameters(Request const& request) {
  FHIR_TRY(auto const options, parse_options(request.query, {}, request.handling));
  if (request.body.empty()) return {};
  FHIR_TRY(auto const input, read_resource(request));
  bool const empty =
      input.root->text_at("resourceType") == "Parameters" && input.root->find("parameter") == nullptr;
  if (empty) return {};
  return fhir::error(fhir::IssueType::not_supported, "This operation takes no parameters.",
                     "Parameters.parameter");
}

Answer answer_document(fhir::json::Document const& document) {
  Answer answer;
  answer.body = fhir::json::write(document.root);
  return answer;
}

}  // namespace

fhir::Result<Answer> referral_record(Context const& context, Request const& request) {
  FHIR_CHECK(check_no_parameters(request));
  FHIR_TRY(auto const snapshot, context.store.snapshot());
  FHIR_TRY(auto const document,
           record::referral_record(*snapshot, request.principal.policy, request.id, context.clock()));
  return answer_document(document);
}

fhir::Result<Answer> transition_record(Context const& context, Request const& request) {
  FHIR_CHECK(check_no_parameters(request));
  FHIR_TRY(auto const snapshot, context.store.snapshot());
  FHIR_TRY(auto const document,
           record::transition_record(*snapshot, request.principal.policy, request.id, context.clock()));
  return answer_document(document);
}

fhir::Result<Answer> timeline(Context const& context, Request const& request) {
  FHIR_CHECK(check_no_parameters(request));
  FHIR_TRY(auto const snapshot, context.store.snapshot());
  FHIR_TRY(auto const document,
           record::timeline(*snapshot, request.principal.policy, request.type, request.id, context.clock()));
  return answer_document(document);
}

}  // namespace gateway::rest
