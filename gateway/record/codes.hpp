/// Canonical urls and codes that the record publishes or recognises (design record.md sections 3, 7, 13).
#pragma once

#include <string_view>

namespace gateway::record {

/// Our codes: businessStatus (section 13), states, owners of the next step, task codes, notices, obligations.
inline constexpr std::string_view kBusinessStatusSystem =
    "https://handoff.example/fhir/CodeSystem/business-status";
inline constexpr std::string_view kStateSystem = "https://handoff.example/fhir/CodeSystem/record-state";
inline constexpr std::string_view kTaskCodeSystem = "https://handoff.example/fhir/CodeSystem/task-code";
inline constexpr std::string_view kObligationSystem = "https://handoff.example/fhir/CodeSystem/obligation";
inline constexpr std::string_view kNoticeSystem = "https://handoff.example/fhir/CodeSystem/notice";
inline constexpr std::string_view kEventSystem = "https://handoff.example/fhir/CodeSystem/record-event";
inline constexpr std::string_view kSectionSystem = "https://handoff.example/fhir/CodeSystem/record-section";
/// Identifier system of records: Bundle.identifier, Composition.identifier.
inline constexpr std::string_view kRecordSystem = "https://handoff.example/fhir/record";

/// Extensions on the Composition of a record document, and on the Provenance of each timeline event.
inline constexpr std::string_view kExtensionBase = "https://handoff.example/fhir/StructureDefinition/";

inline constexpr std::string_view kBserBusinessStatusSystem =
    "http://hl7.org/fhir/us/bser/CodeSystem/TaskBusinessStatusCS";
inline constexpr std::string_view kFhirTaskCodeSystem =
    "http://hl7.org/fhir/CodeSystem/task-code";  // fulfill, abort
inline constexpr std::string_view kIdentifierTypeSystem =
    "http://terminology.hl7.org/CodeSystem/v2-0203";  // PLAC FILL
inline constexpr std::string_view kActCodeSystem = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
inline constexpr std::string_view kLoincSystem = "http://loinc.org";
inline constexpr std::string_view kSnomedSystem = "http://snomed.info/sct";

/// Codes in kTaskCodeSystem: what the gateway's own Tasks are for.
inline constexpr std::string_view kReviewCode = "review-report";
inline constexpr std::string_view kConsultantReportCode = "consultant-report";
inline constexpr std::string_view kTransitionCode = "transition-of-care";
inline constexpr std::string_view kObligationCode = "transition-obligation";
inline constexpr std::string_view kWorkItemCode = "work-item";
/// Task.output.type: the OperationOutcome that says what went wrong.
inline constexpr std::string_view kOutcomeCode = "outcome";

/// `Version.source` of what the gateway itself writes.
inline constexpr std::string_view kGatewaySource = "gateway";

}  // namespace gateway::record
