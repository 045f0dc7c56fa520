/// Every message that the gateway promises to speak, by name: what each becomes, that it is written again
/// from that alone, and which change causes it. An event without a cause says why.
#include "mappings/hl7v2/batch.hpp"
#include "mappings/hl7v2/dictionary.hpp"
#include "mappings/language/program.hpp"
#include "rewritten.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

namespace mappings::maps::test {
namespace {

/// Why no event table chooses a message: something else than a change of a resource causes it.
constexpr std::string_view kRecord = "the record chooses it by its own state table (gateway/record/outgoing)";
constexpr std::string_view kStatusAsked =
    "a FHIR client reads the record, nobody has to ask for it by message";
constexpr std::string_view kAnswer = "an answer to a message: nobody but who got that sends it";
constexpr std::string_view kPoint =
    "point of care: a device or ward reports a result that it ordered itself; ours are told by ORU^R01";
constexpr std::string_view kAsks =
    "asks the scheduler for a change: a client asks by a new Appointment, all else by REF and SIU";
constexpr std::string_view kWhole =
    "all that a carer knows: written where it is asked for (convert), no single change calls for it";
constexpr std::string_view kQuery = "a query: the gateway answers it and asks none";
constexpr std::string_view kSwitched =
    "v2 has several ways to move numbers; a change made in FHIR goes out by the first that fits";

struct InScope {
  std::string_view event;  ///< "ADT^A01"
  std::string_view
      sample;  ///< A message of our own; of another event of the structure it is sent as this one.
  std::string_view kinds;          ///< Resources that it must give, separated by blanks.
  std::string_view uncaused = {};  ///< "": some row of the event tables chooses it.
};

constexpr InScope kScope[] = {
    {"ADT^A01", "ADT_A01/01-admit", "Patient Encounter Condition AllergyIntolerance"},
    {"ADT^A02", "ADT_A02/01-transfer", "Patient Encounter Location"},
    {"ADT^A03", "ADT_A03/01-discharge-to-rehabilitation", "Patient Encounter"},
    {"ADT^A04", "ADT_A01/02-register", "Patient Encounter"},
    {"ADT^A05", "ADT_A05/01-pre-admit", "Patient Encounter"},
    {"ADT^A06", "ADT_A06/01-outpatient-becomes-inpatient", "Patient Encounter"},
    {"ADT^A07", "ADT_A06/03-inpatient-becomes-outpatient", "Patient Encounter"},
    {"ADT^A08", "ADT_A01/03-update", "Patient Encounter"},
    {"ADT^A11", "ADT_A09/01-cancel-admit", "Patient Encounter"},
    {"ADT^A12", "ADT_A12/01-cancel-transfer", "Patient Encounter Location"},
    {"ADT^A13", "ADT_A01/04-cancel-discharge", "Patient Encounter"},
    {"ADT^A14", "ADT_A05/04-pending-admit", "Patient Encounter"},
    {"ADT^A15", "ADT_A15/01-pending-transfer", "Patient Encounter Location"},
    {"ADT^A16", "ADT_A16/01-pending-discharge", "Patient Encounter"},
    {"ADT^A17", "ADT_A17/01-swap", "Patient Encounter Location"},
    {"ADT^A18", "ADT_A18/01-merge-patient-information", "Patient"},
    {"ADT^A21", "ADT_A21/01-leave", "Patient Encounter"},
    {"ADT^A22", "ADT_A21/02-back-from-leave", "Patient Encounter"},
    {"ADT^A23", "ADT_A21/03-delete-visit", "Patient Encounter"},
    {"ADT^A24", "ADT_A24/01-link", "Patient"},
    {"ADT^A25", "ADT_A21/04-cancel-pending-discharge", "Patient Encounter"},
    {"ADT^A26", "ADT_A21/05-cancel-pending-transfer", "Patient Encounter"},
    {"ADT^A27", "ADT_A21/06-cancel-pending-admit", "Patient Encounter"},
    {"ADT^A28", "ADT_A05/05-new-person", "Patient"},
    {"ADT^A29", "ADT_A21/07-delete-person", "Patient"},
    {"ADT^A30", "ADT_A30/01-merge-person", "Patient"},
    {"ADT^A31", "ADT_A05/03-person-update", "Patient"},
    {"ADT^A34", "ADT_A30/02-merge-patient-id-only", "Patient"},
    {"ADT^A35", "ADT_A30/03-merge-account-only", "Patient Account", kSwitched},
    {"ADT^A36", "ADT_A30/04-merge-patient-and-account", "Patient Account"},
    {"ADT^A37", "ADT_A37/01-unlink", "Patient"},
    {"ADT^A38", "ADT_A38/01-cancel-pre-admit", "Patient Encounter"},
    {"ADT^A39", "ADT_A39/01-merge", "Patient"},
    {"ADT^A40", "ADT_A39/01-merge", "Patient"},
    {"ADT^A41", "ADT_A39/04-merge-accounts", "Patient", kSwitched},
    {"ADT^A42", "ADT_A39/05-merge-visits", "Patient Encounter", kSwitched},
    {"ADT^A43", "ADT_A43/01-move-patient-information", "Patient"},
    {"ADT^A44", "ADT_A43/02-move-account", "Patient"},
    {"ADT^A45", "ADT_A45/01-move-two-visits", "Patient Encounter"},
    {"ADT^A47", "ADT_A30/05-change-of-number", "Patient"},
    {"ADT^A49", "ADT_A30/07-change-of-account-number", "Patient"},
    {"ADT^A50", "ADT_A50/01-change-of-visit-number", "Patient Encounter"},
    {"ADT^A51", "ADT_A50/02-change-of-alternate-visit-id", "Patient Encounter"},
    {"ADT^A54", "ADT_A54/01-other-attending-doctor", "Patient Encounter Practitioner"},
    {"ADT^A60", "ADT_A60/01-allergies", "Patient AllergyIntolerance"},
    {"ADT^A61", "ADT_A61/01-other-consultants", "Patient Encounter Practitioner"},
    {"REF^I12", "REF_I12/01-worked-loop", "ServiceRequest Task Patient PractitionerRole Condition"},
    {"REF^I13", "REF_I12/20-i13-answer-to-a-question", "ServiceRequest Task Patient"},
    {"REF^I14", "REF_I12/08-cancel", "ServiceRequest Patient"},
    {"REF^I15", "REF_I12/21-i15-status-asked", "ServiceRequest Patient", kStatusAsked},
    {"RRI^I12", "RRI_I12/01-accepted", "ServiceRequest Task Patient", kRecord},
    {"RRI^I13", "RRI_I12/11-i13-update", "ServiceRequest Task Patient", kAnswer},
    {"RRI^I14", "RRI_I12/08-cancel-confirmed", "ServiceRequest Task Patient", kRecord},
    {"RRI^I15", "RRI_I12/12-i15-status-told", "ServiceRequest Task Patient", kAnswer},
    {"ORM^O01", "ORM_O01/01-radiology-2-3", "ServiceRequest Patient"},
    {"OMG^O19", "OMG_O19/08-filler-number-assigned", "ServiceRequest Task Patient"},
    {"OML^O21", "OML_O21/01-two-orders-each-with-its-own", "ServiceRequest Patient Specimen"},
    {"OSU^O51", "OSU_O51/01-in-process", "ServiceRequest Task Patient", kRecord},
    {"ORR^O02", "ORR_O02/01-accepted", "ServiceRequest Patient", kAnswer},
    {"ORG^O20", "ORG_O20/01-two-answers", "ServiceRequest Patient", kAnswer},
    {"ORU^R01", "ORU_R01/01-final-consult-result", "DiagnosticReport Observation Patient"},
    {"ORU^R30", "ORU_R30/01-point-of-care", "DiagnosticReport Observation Patient", kPoint},
    {"ORU^R32", "ORU_R30/02-order-in-place-2-7", "DiagnosticReport Observation Patient", kPoint},
    {"SIU^S12", "SIU_S12/01-booked", "Appointment Patient ServiceRequest"},
    {"SIU^S13", "SIU_S12/02-rescheduled", "Appointment Patient"},
    {"SIU^S14", "SIU_S12/03-seen", "Appointment Patient"},
    {"SIU^S15", "SIU_S12/04-cancelled", "Appointment Patient"},
    {"SIU^S16", "SIU_S12/07-discontinued", "Appointment Patient"},
    {"SIU^S17", "SIU_S12/08-entered-in-error", "Appointment Patient"},
    {"SIU^S18", "SIU_S12/09-service-added", "Appointment Patient"},
    {"SIU^S19", "SIU_S12/09-service-added", "Appointment Patient"},
    {"SIU^S20", "SIU_S12/09-service-added", "Appointment Patient"},
    {"SIU^S21", "SIU_S12/09-service-added", "Appointment Patient"},
    {"SIU^S22", "SIU_S12/09-service-added", "Appointment Patient"},
    {"SIU^S23", "SIU_S23/01-block-closed", "Slot Schedule"},
    {"SIU^S24", "SIU_S23/02-block-opened", "Slot Schedule"},
    {"SIU^S26", "SIU_S12/05-no-show", "Appointment Patient"},
    {"SRM^S01", "SRM_S01/01-new-appointment-asked", "Appointment Patient ServiceRequest"},
    {"SRM^S02", "SRM_S01/03-rescheduling-asked", "Appointment Task Patient", kAsks},
    {"SRM^S03", "SRM_S01/03-rescheduling-asked", "Appointment Task Patient", kAsks},
    {"SRM^S04", "SRM_S01/02-cancellation-asked", "Appointment Task Patient", kAsks},
    {"SRM^S05", "SRM_S01/02-cancellation-asked", "Appointment Task Patient", kAsks},
    {"SRM^S06", "SRM_S01/02-cancellation-asked", "Appointment Task Patient", kAsks},
    {"SRM^S07", "SRM_S01/03-rescheduling-asked", "Appointment Task Patient", kAsks},
    {"SRM^S08", "SRM_S01/03-rescheduling-asked", "Appointment Task Patient", kAsks},
    {"SRM^S09", "SRM_S01/03-rescheduling-asked", "Appointment Task Patient", kAsks},
    {"SRM^S10", "SRM_S01/03-rescheduling-asked", "Appointment Task Patient", kAsks},
    {"SRM^S11", "SRM_S01/03-rescheduling-asked", "Appointment Task Patient", kAsks},
    {"SRR^S01", "SRR_S01/01-accepted", "AppointmentResponse Appointment Patient", kAnswer},
    {"SRR^S02", "SRR_S01/02-refused", "AppointmentResponse OperationOutcome", kAnswer},
    {"SRR^S03", "SRR_S01/01-accepted", "AppointmentResponse Appointment Patient", kAnswer},
    {"SRR^S04", "SRR_S01/03-cancelled", "AppointmentResponse Appointment", kAnswer},
    {"SRR^S05", "SRR_S01/03-cancelled", "AppointmentResponse Appointment", kAnswer},
    {"SRR^S06", "SRR_S01/03-cancelled", "AppointmentResponse Appointment", kAnswer},
    {"SRR^S07", "SRR_S01/01-accepted", "AppointmentResponse Appointment Patient", kAnswer},
    {"SRR^S08", "SRR_S01/01-accepted", "AppointmentResponse Appointment Patient", kAnswer},
    {"SRR^S09", "SRR_S01/01-accepted", "AppointmentResponse Appointment Patient", kAnswer},
    {"SRR^S10", "SRR_S01/01-accepted", "AppointmentResponse Appointment Patient", kAnswer},
    {"SRR^S11", "SRR_S01/01-accepted", "AppointmentResponse Appointment Patient", kAnswer},
    {"MDM^T01", "MDM_T01/03-version-2-3", "DocumentReference Patient"},
    {"MDM^T02", "MDM_T02/01-consult-note-pdf", "DocumentReference Patient"},
    {"MDM^T03", "MDM_T01/02-status-change", "DocumentReference Patient"},
    {"MDM^T04", "MDM_T02/05-status-change", "DocumentReference Patient"},
    {"MDM^T05", "MDM_T01/04-addendum-told", "DocumentReference Patient"},
    {"MDM^T06", "MDM_T02/06-addendum", "DocumentReference Patient"},
    {"MDM^T07", "MDM_T01/02-status-change", "DocumentReference Patient"},
    {"MDM^T08", "MDM_T02/07-edit", "DocumentReference Patient"},
    {"MDM^T09", "MDM_T01/05-replacement-told", "DocumentReference Patient"},
    {"MDM^T10", "MDM_T02/03-replacement", "DocumentReference Patient"},
    {"MDM^T11", "MDM_T01/01-cancelled", "DocumentReference Patient"},
    {"PPR^PC1", "PPR_PC1/01-problem-added", "Condition Goal Patient CareTeam"},
    {"PPR^PC2", "PPR_PC1/02-problem-updated", "Condition Patient"},
    {"PPR^PC3", "PPR_PC1/03-problem-entered-in-error", "Condition Patient"},
    {"PGL^PC6", "PGL_PC6/01-goal-added", "Goal Patient"},
    {"PGL^PC7", "PGL_PC6/02-goal-achieved", "Goal Patient"},
    {"PGL^PC8", "PGL_PC6/03-goal-entered-in-error", "Goal Patient"},
    {"PPP^PCB", "PPP_PCB/01-pathway-started", "CarePlan Condition Goal Patient"},
    {"PPP^PCC", "PPP_PCB/02-pathway-completed", "CarePlan Patient"},
    {"PPP^PCD", "PPP_PCB/03-pathway-entered-in-error", "CarePlan Patient"},
    {"RDE^O11", "RDE_O11/01-encoded-order", "MedicationRequest Patient"},
    {"OMP^O09", "OMP_O09/01-prescription", "MedicationRequest Patient"},
    {"RDS^O13", "RDS_O13/01-dispensed", "MedicationDispense Patient"},
    {"RAS^O17", "RAS_O17/01-dose-given", "MedicationAdministration Patient"},
    {"VXU^V04", "VXU_V04/01-given-and-historical", "Immunization Patient"},
    {"BAR^P01", "BAR_P01/01-account-added", "Account Coverage Patient"},
    {"BAR^P05", "BAR_P05/01-account-updated", "Account Patient"},
    {"BAR^P06", "BAR_P06/01-account-ended", "Account Patient"},
    {"DFT^P03", "DFT_P03/01-charge", "ChargeItem Account Patient"},
    {"QBP^Q22", "QBP_Q21/01-demographics-query", "Parameters", kQuery},
    {"QBP^Q23", "QBP_Q23/01-cross-reference-query", "Parameters", kQuery},
    {"RSP^K22", "RSP_K22/03-two-found-2-7", "Parameters Patient", kAnswer},
    {"RSP^K23", "RSP_K23/01-cross-referenced", "Parameters Patient", kAnswer},
    {"CCM^I21", "CCM_I21/01-all-that-is-known",
     "Patient Encounter Appointment Observation Condition Goal CarePlan", kWhole},
    {"CCR^I16", "CCR_I16/01-referral-with-plan", "ServiceRequest Task Patient Condition Goal", kWhole},
    {"CCR^I17", "CCR_I16/01-referral-with-plan", "ServiceRequest Task Patient Condition Goal", kWhole},
    {"CCR^I18", "CCR_I16/02-cancelled", "ServiceRequest Patient", kWhole},
    {"CCU^I20", "CCU_I20/01-update", "ServiceRequest Patient", kWhole},
    {"ACK^I12", "ACK/04-error-with-places", "OperationOutcome", kAnswer},
};

std::string code_of(InScope const& one) { return std::string(one.event.substr(0, one.event.find('^'))); }
std::string trigger_of(InScope const& one) { return std::string(one.event.substr(one.event.find('^') + 1)); }

/// The sample, sent as the event that is asked about.
OwnMessage as_event(InScope const& one) {
  OwnMessage sent = own_message(one.sample);
  hl7v2::Message const message = parse(sent.bytes);
  std::string const name(message.raw({0, 9, 1, 1}));
  char const separator = message.delimiters().component;
  std::string const was = name + separator + std::string(message.trigger_event());
  if (auto const at = sent.bytes.find(was); at != std::string::npos)
    sent.bytes.replace(at, was.size(), name + separator + trigger_of(one));
  return sent;
}

bool gives(language::Draft const& draft, std::string_view type) {
  return std::ranges::any_of(draft.resources,
                             [&](language::DraftResource const& one) { return one.type == type; });
}

/// Some row of the event tables tells of a change by it.
bool is_caused(InScope const& one) {
  for (language::EventTable const& table : language::builtin().program().events)
    for (language::EventRow const& row : table.rows)
      for (auto const& [code, trigger] : row.events)
        if (code == code_of(one) && trigger == trigger_of(one)) return true;
  return false;
}

TEST(Scope, EveryMessageBecomesTheResourcesThatItIsFor) {
  for (InScope const& one : kScope) {
    OwnMessage const sent = as_event(one);
    Translated const translated(sent.bytes);
    EXPECT_EQ(translated.message.message_code(), code_of(one));
    EXPECT_EQ(translated.message.trigger_event(), trigger_of(one)) << one.sample;
    // The table is the event's own, and its segments stand where the grammar has them.
    bool const is_any_ack = code_of(one) == "ACK";  // its table is that of every event
    EXPECT_TRUE(is_any_ack ||
                language::builtin().program().find_structure_for(code_of(one), trigger_of(one)) != nullptr)
        << one.event;
    for (fhir::Issue const& warning : translated.draft.warnings)
      EXPECT_NE(warning.code, fhir::IssueType::structure)
          << one.event << " " << one.sample << ": " << fhir::to_line(warning);
    std::istringstream kinds{std::string(one.kinds)};
    for (std::string kind; kinds >> kind;)
      EXPECT_TRUE(gives(translated.draft, kind)) << one.event << " " << one.sample << " gives no " << kind;
  }
}

TEST(Scope, EveryMessageIsWrittenAgainFromItsResourcesAlone) {
  for (InScope const& one : kScope) {
    OwnMessage const sent = as_event(one);
    Rewritten const again(sent, false);
    ASSERT_EQ(again.error.diagnostics, "") << one.event << " " << one.sample << " " << again.error.source;
    hl7v2::Message const written = parse(again.bytes);
    EXPECT_EQ(written.message_code(), code_of(one)) << one.sample;
    EXPECT_EQ(written.trigger_event(), trigger_of(one)) << one.sample;
    EXPECT_EQ(hl7v2::structure_of(written), hl7v2::structure_of(again.translated.message)) << one.event;
  }
}

TEST(Scope, EveryMessageIsCausedByAChangeOrSaysWhatElseCausesIt) {
  for (InScope const& one : kScope)
    EXPECT_EQ(is_caused(one), one.uncaused.empty()) << one.event << " " << one.uncaused;
}

/// A file of batches holds any of them, each comes out as it went in, and one answer answers all.
TEST(Scope, EveryMessageTravelsInABatchAndIsAnsweredInOne) {
  std::string file = "FHS|^~\\&|HOSP|A|HUB|B\rBHS|^~\\&|HOSP|A|HUB|B|20250301||||B-1\r";
  std::vector<std::string> sent;
  for (InScope const& one : kScope) {
    std::string const bytes = as_event(one).bytes;
    sent.push_back(bytes);
    file += bytes;
  }
  file += "BTS|" + std::to_string(sent.size()) + "\rFTS|1\r";
  fhir::Issues warnings;
  auto const split = hl7v2::split_batch(file, warnings);
  ASSERT_TRUE(split) << fhir::to_line(split.error());
  EXPECT_TRUE(warnings.empty());
  ASSERT_EQ(split->batches.size(), 1U);
  EXPECT_TRUE(std::ranges::equal(split->batches[0].messages, sent));
  std::vector<std::string> const answers(sent.size(),
                                         "MSH|^~\\&|HUB|B|HOSP|A|20250301||ACK|1|P|2.5.1\rMSA|AA|1\r");
  std::string const answer = hl7v2::make_batch_ack(split->batches[0], answers, {});
  EXPECT_NE(answer.find("BTS|" + std::to_string(sent.size())), std::string::npos);
}

}  // namespace
}  // namespace mappings::maps::test
