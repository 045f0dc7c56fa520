/// The event tables: which message tells of a change, and what an event does to a resource that is there
/// already.
#include "fhir/json/reader.hpp"
#include "own_corpus.hpp"

#include <gtest/gtest.h>

namespace mappings::maps::test {
namespace {

fhir::json::Document json(std::string const& text) {
  auto document = fhir::json::read_document(text);
  if (!document) throw std::runtime_error(fhir::to_line(document.error()));
  return std::move(*document);
}

std::string event_of(std::string const& before, std::string const& after) {
  fhir::json::Document then = before.empty() ? fhir::json::Document{} : json(before);
  fhir::json::Document const now = json(after);
  auto const choice =
      language::choose_event(language::builtin(), before.empty() ? nullptr : &then.root, now.root, sender());
  return choice ? std::string(choice->message_code) + "^" + std::string(choice->trigger_event) : "none";
}

std::string visit(std::string const& status, std::string const& code, std::string const& place = "4W") {
  return R"({"resourceType":"Encounter","status":")" + status +
         R"(","class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":")" + code +
         R"("},"location":[{"location":{"display":")" + place + R"("}}]})";
}

std::string appointment(std::string const& status, std::string const& start = "2025-03-10T09:30:00Z") {
  return R"({"resourceType":"Appointment","status":")" + status + R"(","start":")" + start +
         R"(","participant":[{"status":"accepted"}]})";
}

TEST(Events, AVisitTellsEachOfItsChangesByOneMessage) {
  struct Case {
    std::string before, after, event;
  };
  Case const cases[] = {
      {"", visit("planned", "IMP"), "ADT^A05"},
      {"", visit("in-progress", "IMP"), "ADT^A01"},
      {"", visit("in-progress", "AMB"), "ADT^A04"},
      {"", visit("in-progress", "EMER"), "ADT^A04"},
      {visit("planned", "IMP"), visit("in-progress", "IMP"), "ADT^A01"},
      {visit("in-progress", "IMP"), visit("finished", "IMP"), "ADT^A03"},
      {visit("finished", "IMP"), visit("in-progress", "IMP"), "ADT^A13"},
      {visit("in-progress", "IMP"), visit("cancelled", "IMP"), "ADT^A11"},
      {visit("planned", "IMP"), visit("cancelled", "IMP"), "ADT^A38"},
      {visit("in-progress", "IMP", "4W"), visit("in-progress", "IMP", "6E"), "ADT^A02"},
      {visit("in-progress", "EMER"), visit("in-progress", "IMP"), "ADT^A06"},
      {visit("in-progress", "IMP"), visit("in-progress", "AMB"), "ADT^A07"},
      {visit("in-progress", "IMP"), visit("onleave", "IMP"), "ADT^A21"},
      {visit("onleave", "IMP"), visit("in-progress", "IMP"), "ADT^A22"},
  };
  for (Case const& one : cases)
    EXPECT_EQ(event_of(one.before, one.after), one.event) << one.before << "\n" << one.after;
}

/// A visit in progress with these members beside its status and class.
std::string stay(std::string const& members) {
  return R"({"resourceType":"Encounter","status":"in-progress","class":{"code":"IMP"})" +
         (members.empty() ? "" : "," + members) + "}";
}

TEST(Events, WhatIsIntendedOrWhoCaresForAVisitHasMessagesOfItsOwn) {
  std::string const attending =
      R"("participant":[{"type":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"ATND"}]}],"individual":{"display":")";
  std::string const number =
      R"("identifier":[{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"VN"}]},"value":")";
  std::string const planned_end =
      R"("extension":[{"url":"http://hl7.org/fhir/5.0/StructureDefinition/extension-Encounter.plannedEndDate","valueDateTime":"2025-04-07"}])";
  std::string const bed = R"({"status":"active","location":{"display":"4W"}})";
  std::string const planned_bed = R"({"status":"planned","location":{"display":"ICU"}})";
  struct Case {
    std::string before, after, event;
  };
  Case const cases[] = {
      {stay(R"("location":[)" + bed + "]"), stay(R"("location":[)" + bed + "," + planned_bed + "]"),
       "ADT^A15"},
      {stay(R"("location":[)" + bed + "," + planned_bed + "]"), stay(R"("location":[)" + bed + "]"),
       "ADT^A26"},
      {stay(""), stay(planned_end), "ADT^A16"},
      {stay(planned_end), stay(""), "ADT^A25"},
      {stay(attending + R"(Novak"}}])"), stay(attending + R"(Costa"}}])"), "ADT^A54"},
      {stay(number + R"(V1"}])"), stay(number + R"(V2"}])"), "ADT^A50"},
      {stay(R"("subject":{"reference":"Patient/1"})"), stay(R"("subject":{"reference":"Patient/2"})"),
       "ADT^A45"},
      {stay(""), stay(R"("serviceType":{"text":"x"})"), "ADT^A08"},
  };
  for (Case const& one : cases)
    EXPECT_EQ(event_of(one.before, one.after), one.event) << one.before << "\n" << one.after;
}

TEST(Events, APersonTellsEachOfItsChangesByOneMessage) {
  auto const patient = [](std::string const& members) {
    return R"({"resourceType":"Patient")" + (members.empty() ? "" : "," + members) + "}";
  };
  auto const linked = [&](std::string const& type) {
    return patient(R"("link":[{"other":{"reference":"Patient/2"},"type":")" + type + R"("}])");
  };
  struct Case {
    std::string before, after, event;
  };
  Case const cases[] = {
      {"", patient(""), "ADT^A28"},
      {patient(""), patient(R"("gender":"male")"), "ADT^A31"},
      {patient(""), linked("replaced-by"), "ADT^A40"},
      {patient(""), linked("seealso"), "ADT^A24"},
      {linked("seealso"), patient(""), "ADT^A37"},
      {linked("replaced-by"), patient(""), "ADT^A37"},
      {patient(R"("active":true)"), patient(R"("active":false)"), "ADT^A29"},
      {patient(""), patient(R"("identifier":[{"value":"2"}])"), "ADT^A31"},
  };
  for (Case const& one : cases)
    EXPECT_EQ(event_of(one.before, one.after), one.event) << one.before << "\n" << one.after;
}

TEST(Events, AnAppointmentTellsEachOfItsChangesByOneMessage) {
  struct Case {
    std::string before, after, event;
  };
  Case const cases[] = {
      {"", appointment("booked"), "SIU^S12"},
      {"", appointment("waitlist"), "SIU^S12"},
      {appointment("waitlist"), appointment("booked"), "SIU^S12"},
      {appointment("booked"), appointment("booked", "2025-03-17T09:30:00Z"), "SIU^S13"},
      {appointment("noshow"), appointment("booked", "2025-03-17T09:30:00Z"), "SIU^S13"},
      {appointment("booked"), appointment("cancelled"), "SIU^S15"},
      {appointment("booked"), appointment("noshow"), "SIU^S26"},
      {appointment("booked"), appointment("checked-in"), "SIU^S14"},
      {appointment("booked"), appointment("fulfilled"), "SIU^S14"},
      {appointment("booked"), appointment("entered-in-error"), "SIU^S17"},
  };
  for (Case const& one : cases)
    EXPECT_EQ(event_of(one.before, one.after), one.event) << one.before << "\n" << one.after;
}

std::string problem(std::string const& verification, std::string const& clinical = "active") {
  return R"({"resourceType":"Condition","category":[{"coding":[{"code":"problem-list-item"}]}],"clinicalStatus":{"coding":[{"code":")" +
         clinical + R"("}]},"verificationStatus":{"coding":[{"code":")" + verification + R"("}]}})";
}

std::string with_status(std::string const& type, std::string const& element, std::string const& status) {
  return R"({"resourceType":")" + type + R"(",")" + element + R"(":")" + status + R"("})";
}

TEST(Events, AProblemAGoalAndAPathwayTellOfEachOfTheirChangesByOneMessage) {
  auto const goal = [](std::string const& status) { return with_status("Goal", "lifecycleStatus", status); };
  auto const plan = [](std::string const& status) { return with_status("CarePlan", "status", status); };
  struct Case {
    std::string before, after, event;
  };
  Case const cases[] = {
      {"", problem("confirmed"), "PPR^PC1"},
      {problem("confirmed"), problem("confirmed", "resolved"), "PPR^PC2"},
      {problem("provisional"), problem("entered-in-error"), "PPR^PC3"},
      {problem("entered-in-error"), problem("entered-in-error", "inactive"), "PPR^PC2"},
      {"", R"({"resourceType":"Condition","category":[{"coding":[{"code":"encounter-diagnosis"}]}]})",
       "none"},
      {"", goal("active"), "PGL^PC6"},
      {goal("active"), goal("completed"), "PGL^PC7"},
      {goal("active"), goal("entered-in-error"), "PGL^PC8"},
      {"", plan("active"), "PPP^PCB"},
      {plan("active"), plan("completed"), "PPP^PCC"},
      {plan("active"), plan("entered-in-error"), "PPP^PCD"},
  };
  for (Case const& one : cases)
    EXPECT_EQ(event_of(one.before, one.after), one.event) << one.before << "\n" << one.after;
}

/// `current` "": nothing is known yet.
std::string status_after_bytes(std::string_view bytes, std::string_view role, std::string const& current) {
  Translated const translated(bytes);
  fhir::json::Document const held = current.empty() ? fhir::json::Document{} : json(current);
  for (std::size_t at = 0; at < translated.draft.resources.size(); ++at) {
    if (translated.draft.resources[at].role != role) continue;
    fhir::json::Arena arena;
    return std::string(language::apply(translated.draft, at, current.empty() ? nullptr : &held.root, arena)
                           .text_at("status"));
  }
  return "no " + std::string(role);
}

/// The status of the role's resource after the message met `current`.
std::string status_after(std::string const& message, std::string_view role, std::string const& current) {
  return status_after_bytes(own_message(message).bytes, role, current);
}

TEST(Events, AModifiedAppointmentIsCheckedInOnlyWhereItSaysSo) {
  auto const modified = [](std::string const& status) {
    return "MSH|^~\\&|A|B|C|D|20250301||SIU^S14^SIU_S12|1|P|2.5.1\rSCH||A-1^B||||OTHER||||||||||^x||||^x||||"
           "|" +
           status + "\rRGS|1\r";
  };
  EXPECT_EQ(status_after_bytes(modified("Booked"), "appt", appointment("booked")), "booked");
  EXPECT_EQ(status_after_bytes(modified(""), "appt", appointment("booked")), "booked");
  EXPECT_EQ(status_after_bytes(modified("Booked"), "appt", ""), "booked");
  EXPECT_EQ(status_after_bytes(modified("Started"), "appt", appointment("booked")), "checked-in");
  EXPECT_EQ(status_after_bytes(modified("Complete"), "appt", appointment("booked")), "fulfilled");
}

TEST(Events, AnUpdateNeverTouchesTheStatusOfAVisit) {
  for (char const* const status : {"planned", "in-progress", "onleave", "finished", "cancelled"})
    EXPECT_EQ(status_after("ADT_A01/03-update", "visit", visit(status, "IMP")), status);
}

TEST(Events, ALateAdmissionDoesNotReopenAFinishedVisit) {
  EXPECT_EQ(status_after("ADT_A01/01-admit", "visit", visit("finished", "IMP")), "finished");
  EXPECT_EQ(status_after("ADT_A03/01-discharge-to-rehabilitation", "visit", visit("in-progress", "IMP")),
            "finished");
  EXPECT_EQ(status_after("ADT_A01/04-cancel-discharge", "visit", visit("finished", "IMP")), "in-progress");
}

TEST(Events, ANoShowIsBookedAgainByARescheduling) {
  EXPECT_EQ(status_after("SIU_S12/05-no-show", "appt", appointment("booked")), "noshow");
  EXPECT_EQ(status_after("SIU_S12/02-rescheduled", "appt", appointment("noshow")), "booked");
  EXPECT_EQ(status_after("SIU_S12/03-seen", "appt", appointment("booked")), "fulfilled");
  EXPECT_EQ(status_after("SIU_S12/04-cancelled", "appt", appointment("booked")), "cancelled");
}

std::string order(std::string const& status) {
  return R"({"resourceType":"ServiceRequest","status":")" + status +
         R"(","intent":"order","subject":{"reference":"Patient/1"}})";
}

TEST(Events, AnOrderMovesByWhatPlacerAndFillerSay) {
  struct Case {
    char const* message;
    char const* before;
    char const* after;
  };
  Case const cases[] = {
      {"OML_O21/03-hold", "active", "on-hold"},
      {"OML_O21/04-release", "on-hold", "active"},
      {"OML_O21/02-change", "on-hold", "on-hold"},
      {"OML_O21/05-cancel-request-without-obr", "active", "active"},
      {"OML_O21/06-cancelled-by-the-laboratory-2-8-2", "active", "revoked"},
      {"ORM_O01/04-status-completed", "active", "completed"},
      // What comes late does not bring an order back.
      {"OML_O21/03-hold", "revoked", "revoked"},
      {"OML_O21/04-release", "completed", "completed"},
      {"OML_O21/01-two-orders-each-with-its-own", "revoked", "revoked"},
  };
  for (Case const& one : cases)
    EXPECT_EQ(status_after(one.message, "order", order(one.before)), one.after)
        << one.message << " " << one.before;
}

TEST(Events, AMedicationAndAVaccinationMoveByTheirMessages) {
  auto const resource = [](std::string const& type, std::string const& status) {
    return R"({"resourceType":")" + type + R"(","status":")" + status + R"("})";
  };
  EXPECT_EQ(status_after("RDE_O11/04-hold", "rx", resource("MedicationRequest", "active")), "on-hold");
  EXPECT_EQ(status_after("RDE_O11/05-discontinued", "rx", resource("MedicationRequest", "active")),
            "stopped");
  EXPECT_EQ(status_after("RDE_O11/04-hold", "rx", resource("MedicationRequest", "stopped")), "stopped");
  EXPECT_EQ(status_after("OMP_O09/04-cancel-request", "rx", resource("MedicationRequest", "active")),
            "active");
  EXPECT_EQ(status_after("VXU_V04/03-deleted", "vaccination", resource("Immunization", "completed")),
            "entered-in-error");
  EXPECT_EQ(
      status_after("VXU_V04/04-updated-2-8-2", "vaccination", resource("Immunization", "entered-in-error")),
      "entered-in-error")
      << "an update that comes late does not bring it back";
}

TEST(Events, TheChangeOfAnOrderNamesItsOrderControl) {
  struct Case {
    std::string before, after, control;
  };
  Case const cases[] = {{"", "active", "NW"},
                        {"active", "on-hold", "HD"},
                        {"on-hold", "active", "RL"},
                        {"active", "revoked", "CA"},
                        {"on-hold", "revoked", "CA"}};
  for (Case const& one : cases) {
    auto const then = json(order(one.before));
    auto const now = json(order(one.after));
    language::PartnerProfile laboratory = sender();
    laboratory.events = {"OML^O21"};
    auto const choice = language::choose_event(language::builtin(), one.before.empty() ? nullptr : &then.root,
                                               now.root, laboratory);
    ASSERT_TRUE(choice) << one.before << " " << one.after;
    EXPECT_EQ(choice->message_code, "OML");
    ASSERT_FALSE(choice->facts.empty()) << choice->row;
    EXPECT_EQ(choice->facts[0].name, "order.control");
    EXPECT_EQ(choice->facts[0].text, one.control) << choice->row;
  }
}

TEST(Events, NoMessageMovesARequestOrATask) {
  std::string const order =
      R"({"resourceType":"ServiceRequest","status":"revoked","intent":"order","subject":{"reference":"Patient/1"}})";
  std::string const task = R"({"resourceType":"Task","status":"completed","intent":"order"})";
  EXPECT_EQ(status_after("OSU_O51/01-in-process", "ref", order), "revoked");
  EXPECT_EQ(status_after("OMG_O19/04-cancel", "ref", order), "revoked");
  EXPECT_EQ(status_after("RRI_I12/01-accepted", "loop", task), "completed");
  EXPECT_EQ(status_after("REF_I12/07-update", "ref", order), "revoked");
}

TEST(Events, APreliminaryCopyThatComesLateLeavesAFinalReportFinal) {
  std::string const final_report =
      R"({"resourceType":"DiagnosticReport","status":"final","code":{"text":"x"}})";
  EXPECT_EQ(status_after("ORU_R01/02-preliminary", "report", final_report), "final");
  std::string const early =
      R"({"resourceType":"DiagnosticReport","status":"preliminary","code":{"text":"x"}})";
  EXPECT_EQ(status_after("ORU_R01/01-final-consult-result", "report", early), "final");
}

}  // namespace
}  // namespace mappings::maps::test
