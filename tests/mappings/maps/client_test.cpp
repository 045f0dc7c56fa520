/// Resources as FHIR clients write them, without anything that our own tables would have put there, become v2
/// messages.
#include "fhir/json/reader.hpp"
#include "own_corpus.hpp"

#include <gtest/gtest.h>

namespace mappings::maps::test {
namespace {

/// Writes the bundle as this message; the error's text when it cannot.
std::string written(std::string_view bundle_json, std::string_view code, std::string_view trigger,
                    std::string_view structure, std::vector<language::FactValue> const& facts,
                    std::string_view version = "2.5.1") {
  auto bundle = fhir::json::read_document(bundle_json);
  if (!bundle) return fhir::to_line(bundle.error());
  auto request = language::from_bundle(language::builtin(), structure, bundle->root);
  if (!request) return fhir::to_line(request.error());
  request->message_code = code;
  request->trigger_event = trigger;
  request->control_id = "1";
  request->timestamp = "20250301083000+0000";
  request->facts = facts;
  auto profile = sender();
  profile.version = version;
  profile.authorities = {{"PCP", "1.2.3", "ISO", "https://pcp.example/referrals"},
                         {"ELMST", "1.2.3.1", "ISO", "https://pcp.example/mrn"},
                         {"CARD", "1.2.9", "ISO", "https://card.example/orders"}};
  profile.our_application = {"HANDOFF", "", ""};
  auto const reversed = language::reverse(language::builtin(), *request, profile);
  if (!reversed) return fhir::to_line(reversed.error());
  std::string text = reversed->image.bytes();
  for (char& c : text) {
    if (c == '\r') c = '\n';
  }
  return text;
}

/// The segments of that id, one per line.
std::string segments(std::string const& message, std::string_view id) {
  std::string found;
  for (std::size_t at = 0; at < message.size();) {
    auto const end = message.find('\n', at);
    if (message.compare(at, id.size(), id) == 0) found += message.substr(at, end - at + 1);
    if (end == std::string::npos) break;
    at = end + 1;
  }
  return found;
}

/// The referral of the design's worked example (record.md section 14, step 1) as the PCP's EHR POSTs it.
constexpr std::string_view kReferral = R"({
  "resourceType": "Bundle", "type": "collection", "entry": [
  {"fullUrl": "https://pcp.example/fhir/ServiceRequest/1", "resource": {"resourceType": "ServiceRequest", "id": "1", "status": "active",
    "intent": "order", "priority": "urgent",
    "identifier": [{"type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "PLAC"}]},
                    "system": "https://pcp.example/referrals", "value": "R-1001"}],
    "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "3457005"}]},
                 {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0281", "code": "Med"}]}],
    "subject": {"reference": "Patient/1"}, "requester": {"reference": "Practitioner/7"},
    "occurrencePeriod": {"start": "2025-03-01", "end": "2025-03-31"},
    "reasonReference": [{"reference": "Condition/3"}],
    "note": [{"text": "Please see soon | urgent"}]}},
  {"fullUrl": "https://pcp.example/fhir/Task/2", "resource": {"resourceType": "Task", "id": "2", "status": "requested", "intent": "order",
    "focus": {"reference": "ServiceRequest/1"}, "for": {"reference": "Patient/1"}, "authoredOn": "2025-03-01T08:30:00+00:00",
    "restriction": {"period": {"end": "2025-04-30"}},
    "requester": {"reference": "Practitioner/7"}, "owner": {"reference": "Organization/9"}}},
  {"fullUrl": "https://pcp.example/fhir/Patient/1", "resource": {"resourceType": "Patient", "id": "1", "gender": "female", "birthDate": "1958-03-14",
    "identifier": [{"type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]},
                    "system": "https://pcp.example/mrn", "value": "77120"}],
    "name": [{"use": "official", "family": "Abernathy", "given": ["Ruth"]}]}},
  {"fullUrl": "https://pcp.example/fhir/Practitioner/7", "resource": {"resourceType": "Practitioner", "id": "7",
    "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893"}], "name": [{"family": "Okafor", "given": ["Nadia"]}]}},
  {"fullUrl": "https://pcp.example/fhir/Organization/9", "resource": {"resourceType": "Organization", "id": "9", "name": "Millbrook Cardiology"}},
  {"fullUrl": "https://pcp.example/fhir/Condition/3", "resource": {"resourceType": "Condition", "id": "3", "subject": {"reference": "Patient/1"},
    "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "I48.91", "display": "Atrial fibrillation"}]}}}]})";

TEST(ClientResources, AReferralBecomesAnRefMessage) {
  std::string const message = written(kReferral, "REF", "I12", "REF_I12", {{"referral.status", "P"}});
  EXPECT_EQ(segments(message, "RF1"),
            "RF1|P|A|Med|||R-1001^PCP^1.2.3^ISO|20250301|20250430|20250301083000+0000\n")
      << message;
  EXPECT_EQ(segments(message, "PRD"),
            "PRD|RP|Okafor^Nadia|||||1234567893^NPI\nPRD|RT|||||||||Millbrook Cardiology\n")
      << message;
  EXPECT_NE(message.find("PID|1||77120^^^ELMST&1.2.3.1&ISO^MR||Abernathy^Ruth"), std::string::npos)
      << message;
  EXPECT_NE(message.find("DG1|1||I48.91^Atrial fibrillation^I10C|||W"), std::string::npos) << message;
  EXPECT_NE(message.find("NTE|1||Please see soon \\F\\ urgent"), std::string::npos) << message;
}

TEST(ClientResources, AConsultingProviderOfTheTeamBecomesAPrdAndNobodyElseOfIt) {
  std::string referral(kReferral);
  std::string_view const reason = R"("reasonReference": [{"reference": "Condition/3"}],)";
  referral.insert(referral.find(reason), R"("supportingInfo": [{"reference": "CareTeam/5"}], )");
  referral.insert(referral.rfind("]}"), R"(,
  {"fullUrl": "https://pcp.example/fhir/CareTeam/5", "resource": {"resourceType": "CareTeam", "id": "5", "participant": [
    {"role": [{"text": "ward nurse"}], "member": {"reference": "Practitioner/7"}},
    {"role": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0286", "code": "CP"}]}],
     "member": {"reference": "Practitioner/8"}}]}},
  {"fullUrl": "https://pcp.example/fhir/Practitioner/8", "resource": {"resourceType": "Practitioner", "id": "8",
    "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1122334459"}], "name": [{"family": "Novak"}]}})");
  auto const message = written(referral, "REF", "I12", "REF_I12", {});
  EXPECT_EQ(segments(message, "PRD|CP"), "PRD|CP|Novak|||||1122334459^NPI\n") << message;
  EXPECT_EQ(segments(message, "PRD|RP"), "PRD|RP|Okafor^Nadia|||||1234567893^NPI\n");
}

TEST(ClientResources, ServicesThatATaskIsBasedOnAreOnePR1Each) {
  std::string const service =
      R"({"resource":{"resourceType":"ServiceRequest","id":"ID","status":"STATUS","intent":"order",)"
      R"("requisition":{"value":"G-1"},"subject":{"reference":"Patient/p"},"code":{"coding":[{"system":)"
      R"("http://www.ama-assn.org/go/cpt","code":"CODE"}]}MORE}},)";
  auto const one = [&](char const* id, char const* code, char const* more, char const* status = "active") {
    std::string text = service;
    for (auto const& [mark, value] :
         {std::pair{"ID", id}, std::pair{"STATUS", status}, std::pair{"CODE", code}, std::pair{"MORE", more}})
      text.replace(text.find(mark), std::string_view(mark).size(), value);
    return text;
  };
  // What the Task is about comes last and is named by basedOn as well.
  std::string const bundle =
      R"({"resourceType":"Bundle","type":"transaction","entry":[)" +
      one("b", "93015", R"(,"insurance":[{"reference":"ClaimResponse/k"}])") +
      one("c", "93224", "", "revoked") +
      one("a", "93306",
          R"(,"identifier":[{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"PLAC"}]},"value":"R-1"}],"requester":{"reference":"PractitionerRole/r"},"performer":[{"reference":"PractitionerRole/t"}])") +
      R"({"resource":{"resourceType":"PractitionerRole","id":"r","practitioner":{"display":"Okafor"},"organization":{"display":"Elm"}}},)"
      R"({"resource":{"resourceType":"PractitionerRole","id":"t","organization":{"display":"Heart"}}},)"
      R"({"resource":{"resourceType":"ClaimResponse","id":"k","status":"active","use":"preauthorization","outcome":"complete",)"
      R"("type":{"text":"x"},"patient":{"reference":"Patient/p"},"created":"2025-03-01","insurer":{"reference":"Organization/o"},)"
      R"("identifier":[{"value":"AUTH-1"}],"preAuthRef":"AUTH-1"}},)"
      R"({"resource":{"resourceType":"Organization","id":"o","name":"HH","identifier":[{"value":"HH1"}]}},)"
      R"({"resource":{"resourceType":"Task","id":"t","status":"requested","intent":"order","focus":{"reference":"ServiceRequest/a"},)"
      R"("basedOn":[{"reference":"ServiceRequest/a"},{"reference":"ServiceRequest/b"},{"reference":"ServiceRequest/c"}]}},)"
      R"({"resource":{"resourceType":"Patient","id":"p","name":[{"family":"Reed"}],"identifier":[{"value":"5"}]}}]})";
  std::string const message = written(bundle, "REF", "I12", "REF_I12", {{"referral.status", "P"}}, "2.7");
  EXPECT_EQ(segments(message, "PR1"),
            "PR1|1||93306^^C4\nPR1|2||93015^^C4\nPR1|3||93224^^C4|||||||||||||||||D\n")
      << message;
  EXPECT_NE(message.find("93015^^C4\nAUT|"), std::string::npos) << message;
}

TEST(ClientResources, TheSameReferralBecomesAnOmgMessageForA360XPartner) {
  std::string const message = written(kReferral, "OMG", "O19", "OMG_O19", {{"order.control", "NW"}});
  EXPECT_NE(message.find("ORC|NW|R-1001^PCP^1.2.3^ISO"), std::string::npos) << message;
  EXPECT_NE(message.find("OBR|1|R-1001^PCP^1.2.3^ISO"), std::string::npos) << message;
  EXPECT_NE(message.find("20250331|A"), std::string::npos) << "TQ1-8 need-by, TQ1-9 priority\n" << message;
}

/// Steps 2 to 4 of the worked example from the specialist's side: the answer and the appointment.
constexpr std::string_view kAnswer = R"({
  "resourceType": "Bundle", "type": "collection", "entry": [
  {"fullUrl": "https://card.example/fhir/ServiceRequest/1", "resource": {"resourceType": "ServiceRequest", "id": "1", "status": "active", "intent": "order",
    "identifier": [{"type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "PLAC"}]},
                    "system": "https://pcp.example/referrals", "value": "R-1001"}],
    "subject": {"reference": "Patient/1"}}},
  {"fullUrl": "https://card.example/fhir/Task/2", "resource": {"resourceType": "Task", "id": "2", "status": "accepted", "intent": "order",
    "identifier": [{"type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "FILL"}]},
                    "system": "https://card.example/orders", "value": "C-77"}],
    "focus": {"reference": "ServiceRequest/1"}, "for": {"reference": "Patient/1"}, "lastModified": "2025-03-03",
    "owner": {"reference": "Practitioner/8"}, "note": [{"text": "Bring the ECG"}]}},
  {"fullUrl": "https://card.example/fhir/Appointment/5", "resource": {"resourceType": "Appointment", "id": "5", "status": "booked",
    "identifier": [{"type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "FILL"}]},
                    "system": "https://card.example/orders", "value": "A-5"}],
    "start": "2025-03-10T09:30:00Z", "end": "2025-03-10T10:00:00Z", "minutesDuration": 30, "basedOn": [{"reference": "ServiceRequest/1"}],
    "serviceType": [{"coding": [{"system": "http://snomed.info/sct", "code": "11429006", "display": "Consultation"}]}],
    "participant": [{"actor": {"reference": "Patient/1"}, "status": "accepted"},
                    {"actor": {"reference": "Practitioner/8"}, "status": "accepted"}]}},
  {"fullUrl": "https://card.example/fhir/Patient/1", "resource": {"resourceType": "Patient", "id": "1",
    "identifier": [{"system": "https://pcp.example/mrn", "value": "77120"}], "name": [{"family": "Abernathy", "given": ["Ruth"]}]}},
  {"fullUrl": "https://card.example/fhir/Practitioner/8", "resource": {"resourceType": "Practitioner", "id": "8",
    "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1987654325"}], "name": [{"family": "Lindqvist", "given": ["Per"]}]}}]})";

TEST(ClientResources, AnAcceptedTaskBecomesAnRriMessage) {
  std::string const message =
      written(kAnswer, "RRI", "I12", "RRI_I12",
              {{"referral.status", "A"}, {"message.ack_code", "AA"}, {"message.ack_id", "R0001"}});
  EXPECT_EQ(segments(message, "MSA"), "MSA|AA|R0001\n") << message;
  EXPECT_EQ(segments(message, "RF1"), "RF1|A|||||R-1001^PCP^1.2.3^ISO|||20250303||C-77^CARD^1.2.9^ISO\n")
      << message;
  EXPECT_EQ(segments(message, "PRD"), "PRD|RT|Lindqvist^Per|||||1987654325^NPI\n") << message;
  EXPECT_NE(segments(message, "NTE").find("Bring the ECG"), std::string::npos) << message;
}

TEST(ClientResources, AQuestionOfTheRecordIsANoteOfTheAnswer) {
  std::string silent(kAnswer);
  std::string const note = R"(, "note": [{"text": "Bring the ECG"}])";
  silent.erase(silent.find(note), note.size());
  std::string const rri = written(silent, "RRI", "I12", "RRI_I12",
                                  {{"referral.status", "P"}, {"referral.information", "Which side?"}});
  EXPECT_EQ(segments(rri, "NTE"), "NTE|1||Which side?\n") << rri;
  std::string const osu =
      written(silent, "OSU", "O51", "OSU_O51",
              {{"order.control", "SC"}, {"order.status", "HD"}, {"referral.information", "Which side?"}});
  EXPECT_EQ(segments(osu, "NTE"), "NTE|1||Which side?\n") << osu;
}

TEST(ClientResources, AnAcceptedTaskBecomesAnOsuMessageForA360XPartner) {
  std::string const message =
      written(kAnswer, "OSU", "O51", "OSU_O51", {{"order.control", "SC"}, {"order.status", "IP"}});
  EXPECT_EQ(segments(message, "ORC"), "ORC|SC|R-1001^PCP^1.2.3^ISO|C-77^CARD^1.2.9^ISO||IP||||20250303\n")
      << message;
}

TEST(ClientResources, AnAppointmentBecomesASiuMessageThatNamesTheReferral) {
  std::string const message = written(kAnswer, "SIU", "S12", "SIU_S12", {{"schedule.status", "Booked"}});
  std::string const sch = segments(message, "SCH");
  EXPECT_NE(sch.find("SCH||A-5^CARD^1.2.9^ISO"), std::string::npos) << message;
  EXPECT_NE(sch.find("|30|MIN|^^^20250310093000+0000^20250310100000+0000"), std::string::npos) << message;
  EXPECT_NE(sch.find("|Booked|R-1001^PCP^1.2.3^ISO"), std::string::npos) << message;
  EXPECT_NE(message.find("77120^^^ELMST"), std::string::npos) << message;
  EXPECT_NE(message.find("AIS|1||11429006^Consultation^SCT|20250310093000+0000"), std::string::npos)
      << message;
  // The limit that mappings/maps/README.md states: a participant without our type code is no AIP, so the
  // person is not told.
  EXPECT_EQ(segments(message, "AIP"), "") << message;
}

TEST(ClientResources, TheOfficialNameAndTheNumberInForceComeFirst) {
  auto const message = written(R"({"resourceType": "Bundle", "type": "collection", "entry": [
  {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Patient",
    "identifier": [{"use": "old", "value": "1"}, {"value": "2"}, {"use": "official", "value": "3"}, {"value": "4"}],
    "name": [{"use": "nickname", "given": ["Bo"]}, {"use": "old", "family": "Berg"}, {"use": "usual", "family": "Dahl"},
             {"use": "official", "family": "Sand", "given": ["Bodil"]}]}}]})",
                               "ADT", "A28", "ADT_A05", {});
  EXPECT_EQ(segments(message, "PID"),
            "PID|1||3~2~4~1||Sand^Bodil^^^^^L~Dahl^^^^^^D~^Bo^^^^^N~Berg^^^^^^BAD\n");
}

/// A result with its tubes, as a laboratory's FHIR side tells them.
std::string result_in(std::string_view containers) {
  return R"({"resourceType": "Bundle", "type": "collection", "entry": [
  {"fullUrl": "https://lab.example/fhir/DiagnosticReport/1", "resource": {"resourceType": "DiagnosticReport", "id": "1", "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3"}]}, "subject": {"reference": "Patient/1"},
    "specimen": [{"reference": "Specimen/1"}], "result": [{"reference": "Observation/1"}]}},
  {"fullUrl": "https://lab.example/fhir/Patient/1", "resource": {"resourceType": "Patient", "id": "1",
    "identifier": [{"value": "77145"}], "name": [{"family": "Marsh"}]}},
  {"fullUrl": "https://lab.example/fhir/Observation/1", "resource": {"resourceType": "Observation", "id": "1", "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3"}]}, "valueQuantity": {"value": 4.3}}},
  {"fullUrl": "https://lab.example/fhir/Specimen/1", "resource": {"resourceType": "Specimen", "id": "1",
    "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0487", "code": "SER"}]}, "container": )" +
         std::string(containers) + "}}]}";
}

TEST(ClientResources, ATubeBecomesASacWithTheUnitOfWhatIsInIt) {
  auto const tubes = [](std::string_view containers, std::string_view trigger) {
    std::string const message =
        written(result_in(containers), "OUL", trigger, "OUL_" + std::string(trigger), {});
    EXPECT_EQ(segments(message, "OBX"), "OBX|1|NM|2823-3^^LN||4.3||||||F\n") << message;
    return segments(message, "SAC");
  };
  EXPECT_EQ(tubes(R"([{"identifier": [{"value": "T-1"}], "capacity": {"value": 10, "unit": "mL"},
                       "specimenQuantity": {"value": 4.5, "unit": "mL"}}, {"identifier": [{"value": "T-2"}]}])",
                  "R22"),
            "SAC|||T-1||||||||||||||||||10|4.5||mL\nSAC|||T-2\n");
  // SAC has one unit for both volumes: a number under the unit of another is worse than none.
  EXPECT_EQ(
      tubes(R"([{"capacity": {"value": 10, "unit": "mL"}, "specimenQuantity": {"value": 45, "unit": "uL"}}])",
            "R22"),
      "SAC||||||||||||||||||||||45||uL\n");
  EXPECT_EQ(tubes(R"([{"capacity": {"value": 10, "unit": "mL"}, "specimenQuantity": {"value": 45}}])", "R22"),
            "SAC||||||||||||||||||||||45\n");
  EXPECT_EQ(tubes(R"([{"capacity": {"value": 10, "unit": "mL"}}])", "R22"),
            "SAC|||||||||||||||||||||10|||mL\n");
  EXPECT_EQ(tubes(R"([{"type": {"text": "tube"}}])", "R22"), "");
  EXPECT_EQ(tubes(R"([{"identifier": [{"value": "T-1"}]}])", "R23"), "SAC|||T-1\n");
  EXPECT_EQ(tubes(R"([{"identifier": [{"value": "T-1"}]}])", "R24"), "SAC|||T-1\n");
}

}  // namespace
}  // namespace mappings::maps::test
