#include "examples/partners/v2.hpp"
#include "examples/story/acts.hpp"
#include "examples/story/record_view.hpp"

namespace story {

namespace {

using namespace std::chrono_literals;
using partners::component;
using partners::field;
using partners::make_segment;
using partners::message;
using partners::text_at;

constexpr auto kPatience = 20s;

/// The last step of "Patient/abc/_history/1" style locations: "Patient/abc".
std::string reference_of(std::string const& location) {
  std::string const cut = location.substr(0, location.find("/_history/"));
  auto const slash = cut.rfind('/');
  return cut.substr(cut.rfind('/', slash - 1) + 1);
}

std::string header(Stage& stage, std::string const& event, std::string const& structure) {
  return "MSH|^~\\&|HEARTIS|HEARTCLINIC|HANDOFF|HUB|" + stage.dtm() + "||" + event + "^" + structure + "|" +
         stage.control_id() + "|P|2.5.1";
}

/// The patient as the clinic registers him: its own number, the practice's as a second one, the national id.
constexpr char kClinicPid[] =
    "PID|1||H-778^^^HEARTCLINIC^MR~R-4711^^^RIVERSIDE^MR~900-55-1234^^^NATIONAL^NI||Mason^Walter^J||19570312|"
    "M|||"
    "12 Mill Lane^^Riverside^OH^45011||^PRN^PH^^^513^5550117";

constexpr char kDoctor[] = "1944444444^Hart^Lena^^^^^^NPI";

/// Sets Task.status and businessStatus as an EHR does: read, change, write with If-Match.
void put_task_status(Stage& stage, std::string const& task, std::string const& status) {
  auto answer = stage.riverside().get(task);
  expect(answer.status == 200, task + " can be read");
  auto& body = answer.body;
  body["status"].SetString(status.c_str(), body.GetAllocator());
  auto const written = stage.riverside().put(task, partners::to_text(body), answer.etag);
  expect(written.status == 200, task + " becomes " + status + " (was " + std::to_string(written.status) +
                                    " " + text_at(written.body, {"issue", "0", "diagnostics"}) + ")");
}

}  // namespace

Practice set_up_practice(Stage& stage) {
  auto& ehr = stage.riverside();
  expect(ehr.get("metadata").status == 200, "the gateway answers /metadata");
  auto const put = [&](std::string const& reference, std::string const& body) {
    auto const answer = ehr.put(reference, body);
    expect(answer.status == 200 || answer.status == 201,
           reference + " is stored (was " + std::to_string(answer.status) + " " +
               text_at(answer.body, {"issue", "0", "diagnostics"}) + ")");
  };
  put("Organization/riverside",
      R"({"resourceType":"Organization","id":"riverside","name":"Riverside Family Practice",
          "identifier":[{"system":"http://hl7.org/fhir/sid/us-npi","value":"1911111111"}]})");
  put("Organization/heart-clinic",
      R"({"resourceType":"Organization","id":"heart-clinic","name":"Heart Clinic",
          "identifier":[{"system":"http://hl7.org/fhir/sid/us-npi","value":"1922222222"}]})");
  put("Practitioner/dr-okafor",
      R"({"resourceType":"Practitioner","id":"dr-okafor","name":[{"family":"Okafor","given":["Ada"]}],
          "identifier":[{"system":"http://hl7.org/fhir/sid/us-npi","value":"1933333333"}]})");
  put("PractitionerRole/dr-okafor",
      R"({"resourceType":"PractitionerRole","id":"dr-okafor","practitioner":{"reference":"Practitioner/dr-okafor"},
          "organization":{"reference":"Organization/riverside"}})");
  // The practice's own id for its Patient: the clinic echoes the practice's number, so that a search by it
  // finds two.
  Practice const practice{"Patient/riverside-4711"};
  put(practice.patient,
      R"({"resourceType":"Patient","id":"riverside-4711","identifier":[
            {"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"MR"}]},
             "system":"urn:oid:1.3.6.1.4.1.32473.10","value":"R-4711"},
            {"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"NI"}]},
             "system":"urn:oid:1.3.6.1.4.1.32473.1","value":"900-55-1234"}],
          "name":[{"family":"Mason","given":["Walter","J"]}],"gender":"male","birthDate":"1957-03-12",
          "generalPractitioner":[{"reference":"PractitionerRole/dr-okafor"}],
          "address":[{"line":["12 Mill Lane"],"city":"Riverside","state":"OH","postalCode":"45011"}]})");
  std::string const endpoint = "http://127.0.0.1:" + std::to_string(stage.hook().port()) + "/hook";
  for (std::string const& criteria : {std::string("Task?owner=Organization/riverside"),
                                      std::string("Communication?recipient=PractitionerRole/dr-okafor")}) {
    auto const answer = ehr.post(
        "Subscription",
        R"({"resourceType":"Subscription","status":"requested","reason":"work for the practice","criteria":")" +
            criteria + R"(","channel":{"type":"rest-hook","payload":"application/fhir+json","endpoint":")" +
            endpoint + R"("}})");
    expect(answer.status == 201 && text_at(answer.body, {"status"}) == "active",
           "the Subscription to " + criteria + " is active");
  }
  stage.say("Riverside Family Practice registers Walter M. and subscribes to its Tasks and notices");
  return practice;
}

void refer_to_clinic(Stage& stage, Practice const& practice) {
  auto& ehr = stage.riverside();
  std::string const number = "R-" + stage.run();
  stage.say("\n== A referral: Riverside (FHIR) -> Heart Clinic (HL7 v2.5.1 over TLS)");

  // 1 The practice posts ServiceRequest and Task in one transaction; REF^I12 goes out.
  std::string const transaction =
      R"({"resourceType":"Bundle","type":"transaction","entry":[
        {"fullUrl":"urn:uuid:0b6f3c1e-0000-4000-8000-000000000001","request":{"method":"POST","url":"ServiceRequest"},"resource":{
          "resourceType":"ServiceRequest","status":"active","intent":"order","priority":"asap",
          "identifier":[{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"PLAC"}]},
            "system":"urn:oid:1.3.6.1.4.1.32473.11","value":")" +
      number + R"("}],
          "category":[{"coding":[{"system":"http://snomed.info/sct","code":"3457005","display":"Patient referral"}]},
                      {"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0281","code":"Med"}]}],
          "code":{"coding":[{"system":"http://snomed.info/sct","code":"183519002","display":"Referral to cardiology service"}]},
          "subject":{"reference":")" +
      practice.patient + R"("},"authoredOn":")" + stage.date_time() + R"(",
          "requester":{"reference":"PractitionerRole/dr-okafor"},"performer":[{"reference":"Organization/heart-clinic"}],
          "occurrencePeriod":{"start":")" +
      stage.date_time() + R"(","end":")" + stage.date_time(24 * 30) + R"("},
          "reasonCode":[{"text":"Exertional chest pain, two weeks"}],"note":[{"text":"Please see within a month."}]}},
        {"fullUrl":"urn:uuid:0b6f3c1e-0000-4000-8000-000000000002","request":{"method":"POST","url":"Task"},"resource":{
          "resourceType":"Task","status":"requested","intent":"order",
          "code":{"coding":[{"system":"http://hl7.org/fhir/CodeSystem/task-code","code":"fulfill"}]},
          "focus":{"reference":"urn:uuid:0b6f3c1e-0000-4000-8000-000000000001"},"for":{"reference":")" +
      practice.patient + R"("},
          "authoredOn":")" +
      stage.date_time() + R"(","requester":{"reference":"PractitionerRole/dr-okafor"},
          "owner":{"reference":"Organization/heart-clinic"}}}]})";
  auto const posted = ehr.post("", transaction);
  expect(posted.status == 200, "the transaction is taken (was " + std::to_string(posted.status) + " " +
                                   text_at(posted.body, {"issue", "0", "diagnostics"}) + ")");
  std::string const request = reference_of(text_at(posted.body, {"entry", "0", "response", "location"}));
  std::string const task = reference_of(text_at(posted.body, {"entry", "1", "response", "location"}));
  std::string const referral = stage.clinic().take("REF^I12", kPatience);
  expect(!referral.empty(), "Heart Clinic receives REF^I12");
  expect(component(field(referral, "RF1", 6), 1) == number,
         "RF1-6 is " + number + " (was " + field(referral, "RF1", 6) + ")");
  expect(component(field(referral, "RF1", 2), 1) == "A", "RF1-2 says asap");
  expect(component(field(referral, "PID", 5), 1) == "Mason", "PID-5 names the patient");
  expect(field(referral, "PID", 3).find("R-4711") != std::string::npos, "PID-3 has the practice's number");
  stage.say("1 Riverside posts ServiceRequest and Task        -> Heart Clinic gets REF^I12 " + number);
  expect_state(stage, request, "RECEIVED", "Organization/heart-clinic");

  // 2 The clinic accepts.
  std::string const filler = "C-" + stage.run();
  stage.clinic_sends(message({header(stage, "RRI^I12", "RRI_I12"), "MSA|AA|" + field(referral, "MSH", 10),
                              "RF1|A|A|Med|WR|O|" + field(referral, "RF1", 6) + "|||" + stage.dtm() + "||" +
                                  filler + "^HEART-ORDERS^1.3.6.1.4.1.32473.21^ISO",
                              "PRD|RT|Hart^Lena|||||1944444444^NPI", kClinicPid}));
  stage.say("2 Heart Clinic accepts with RRI^I12              -> filler number " + filler);
  expect_state(stage, request, "ACCEPTED", "Organization/heart-clinic");
  auto const accepted = ehr.get(task);
  expect(text_at(accepted.body, {"status"}) == "accepted", "the practice reads its Task as accepted");
  expect(partners::to_text(accepted.body).find(filler) != std::string::npos,
         "the Task carries the filler number");

  std::string const order = number + "^RIVERSIDE-ORDERS^1.3.6.1.4.1.32473.11^ISO";
  std::string const filled = filler + "^HEART-ORDERS^1.3.6.1.4.1.32473.21^ISO";

  // 3 An appointment, 4 a no-show and a new date.
  std::string const appointment = "A-" + stage.run();
  auto const schedule = [&](std::string const& event, std::string const& status, int hours) {
    stage.clinic_sends(message(
        {header(stage, event, "SIU_S12"),
         make_segment("SCH", {{1, appointment + "^HEART-ORDERS"},
                              {2, appointment + "^HEART-ORDERS"},
                              {7, "CONSULT^First visit"},
                              {9, "30"},
                              {10, "min"},
                              {11, "^^^" + stage.dtm(hours) + "^" + stage.dtm(hours + 1)},
                              {16, kDoctor},
                              {20, kDoctor},
                              {25, status},
                              {26, order},
                              {27, filled}}),
         kClinicPid, "RGS|1|A",
         make_segment("AIP",
                      {{1, "1"}, {2, "A"}, {3, kDoctor}, {6, stage.dtm(hours)}, {9, "30"}, {10, "min"}})}));
  };
  schedule("SIU^S12", "Booked", 48);
  stage.say("3 Heart Clinic books with SIU^S12                -> " + appointment);
  expect_state(stage, request, "SCHEDULED", "Organization/heart-clinic");
  auto const booked = ehr.get("Appointment?based-on=" + request);
  expect(text_at(booked.body, {"entry", "0", "resource", "status"}) == "booked",
         "a search finds the booked Appointment");
  schedule("SIU^S26", "Noshow", 48);
  stage.say("4 Heart Clinic reports a no-show with SIU^S26");
  expect_state(stage, request, "NO_SHOW", "Organization/heart-clinic");
  schedule("SIU^S13", "Booked", 96);
  stage.say("  and books again with SIU^S13");
  expect_state(stage, request, "SCHEDULED", "Organization/heart-clinic");

  // 5 The visit.
  std::string const visit = "V-" + stage.run();
  auto const encounter = [&](std::string const& event, std::string const& structure) {
    stage.clinic_sends(message({header(stage, event, structure),
                                "EVN|" + component(event, 2) + "|" + stage.dtm(), kClinicPid,
                                make_segment("PV1", {{1, "1"},
                                                     {2, "O"},
                                                     {3, "CARD^^^HEARTCLINIC"},
                                                     {7, kDoctor},
                                                     {19, visit + "^^^HEARTCLINIC^VN"},
                                                     {44, stage.dtm()}})}));
  };
  encounter("ADT^A04", "ADT_A01");
  stage.say("5 The patient is seen: ADT^A04                   -> " + visit);
  expect_state(stage, request, "SEEN", "Organization/heart-clinic");

  // 6 The report, first preliminary, then final.
  auto const report = [&](std::string const& status, std::string const& text) {
    stage.clinic_sends(message({header(stage, "ORU^R01", "ORU_R01"), kClinicPid,
                                make_segment("ORC", {{1, "RE"}, {2, order}, {3, filled}}),
                                make_segment("OBR", {{1, "1"},
                                                     {2, order},
                                                     {3, filled},
                                                     {4, "11488-4^Consult note^LN"},
                                                     {7, stage.dtm()},
                                                     {16, kDoctor},
                                                     {22, stage.dtm()},
                                                     {25, status}}),
                                make_segment("OBX", {{1, "1"},
                                                     {2, "TX"},
                                                     {3, "11488-4^Consult note^LN"},
                                                     {5, text},
                                                     {11, status},
                                                     {14, stage.dtm()}})}));
  };
  report("P", "Stress test done, read pending");
  stage.say("6 Heart Clinic sends a preliminary ORU^R01");
  expect_state(stage, request, "SEEN", "Organization/heart-clinic");
  report("F", "Stable angina; start a beta blocker, review in three months");
  stage.say("  and the final one");
  expect_state(stage, request, "NOTE_RETURNED", "PractitionerRole/dr-okafor");
  auto const done = ehr.get(task);
  expect(text_at(done.body, {"status"}) == "completed", "the fulfilment Task is completed");
  expect(partners::at(done.body, {"output", "0"}) != nullptr, "it has the report as output");

  // 7 The practice reviews; closed.
  auto const open_reviews =
      ehr.get("Task?code=review-report&status=requested,ready,in-progress&patient=" + practice.patient);
  std::string review;
  auto const* const entries = partners::at(open_reviews.body, {"entry"});
  expect(entries != nullptr && entries->Size() > 0, "the practice finds its review Task");
  for (auto const& entry : entries->GetArray()) review = "Task/" + text_at(entry, {"resource", "id"});
  put_task_status(stage, review, "completed");
  stage.say("7 Dr. Okafor reviews: PUT " + std::string("Task (review) = completed"));
  auto const closed = expect_state(stage, request, "CLOSED", "");
  expect(text_at(ehr.get(request).body, {"status"}) == "completed", "the ServiceRequest is completed");
  std::vector<std::string> const way{"SENT",      "RECEIVED", "ACCEPTED",      "SCHEDULED", "NO_SHOW",
                                     "SCHEDULED", "SEEN",     "NOTE_RETURNED", "CLOSED"};
  expect(closed.states == way, "the timeline tells the whole way");
  stage.say("8 Closed. The record and its timeline: GET " + request + "/$referral-record");
}

void refer_from_clinic(Stage& stage, Practice const& practice) {
  auto& ehr = stage.riverside();
  std::string const number = "H-" + stage.run();
  stage.say("\n== The mirror: Heart Clinic (HL7 v2) -> Riverside (FHIR)");
  stage.clinic_sends(message({header(stage, "REF^I12", "REF_I12"),
                              "RF1|P|R|Med|RP|O|" + number + "^HEART-ORDERS^1.3.6.1.4.1.32473.21^ISO|" +
                                  stage.dtm() + "|" + stage.dtm(24 * 60),
                              "PRD|RP|Hart^Lena|||||1944444444^NPI",
                              "PRD|RT||1 River Road^^Riverside^OH|Riverside Family Practice|||1911111111^NPI",
                              kClinicPid, "DG1|1||I10^Essential hypertension^I10",
                              "NTE|1||Please take over blood pressure follow-up."}));
  stage.say("1 Heart Clinic sends REF^I12 " + number);

  // The practice is told, and finds the Task by polling too.
  auto const told = stage.hook().take(
      [](partners::Notification const& one) { return one.target.starts_with("/hook/Task/"); }, kPatience);
  expect(!told.method.empty(), "the practice is notified of the Task by rest-hook");
  std::string request, task;
  expect(eventually([&] {
           auto const tasks = ehr.get("ServiceRequest?identifier=urn:oid:1.3.6.1.4.1.32473.21|" + number);
           if (partners::at(tasks.body, {"entry", "0"}) == nullptr) return false;
           request = "ServiceRequest/" + text_at(tasks.body, {"entry", "0", "resource", "id"});
           auto const mine = ehr.get("Task?focus=" + request);
           if (partners::at(mine.body, {"entry", "0"}) == nullptr) return false;
           task = "Task/" + text_at(mine.body, {"entry", "0", "resource", "id"});
           return true;
         }),
         "the practice finds ServiceRequest and Task");
  expect_state(stage, request, "RECEIVED", "Organization/riverside");
  put_task_status(stage, task, "accepted");
  std::string answer;
  expect(eventually([&] {
           answer = stage.clinic().take("RRI^I12", kPatience);
           return answer.empty() || component(field(answer, "RF1", 1), 1) == "A";
         }) &&
             !answer.empty(),
         "Heart Clinic receives RRI^I12 with RF1-1 A");
  expect(component(field(answer, "RF1", 6), 1) == number, "RF1-6 is its own number");
  expect(field(answer, "PID", 3).find("H-778") != std::string::npos, "PID-3 is its own patient number");
  stage.say("2 Riverside accepts: PUT Task = accepted         -> Heart Clinic gets RRI^I12 RF1|A");
  expect_state(stage, request, "ACCEPTED", "Organization/riverside");

  std::string const appointment =
      R"({"resourceType":"Appointment","status":"booked","identifier":[{"system":"urn:oid:1.3.6.1.4.1.32473.11","value":"B-)" +
      stage.run() + R"("}],"basedOn":[{"reference":")" + request + R"("}],"start":")" + stage.date_time(24) +
      R"(","end":")" + stage.date_time(25) + R"(","participant":[{"actor":{"reference":")" +
      practice.patient +
      R"("},"status":"accepted"},{"actor":{"reference":"Practitioner/dr-okafor"},"status":"accepted"}]})";
  expect(ehr.post("Appointment", appointment).status == 201, "the Appointment is stored");
  std::string const booked = stage.clinic().take("SIU^S12", kPatience);
  expect(!booked.empty(), "Heart Clinic receives SIU^S12");
  expect(component(field(booked, "SCH", 26), 1) == number,
         "SCH-26 is its own number (was " + field(booked, "SCH", 26) + ")");
  stage.say("3 Riverside books: POST Appointment              -> Heart Clinic gets SIU^S12");
  expect_state(stage, request, "SCHEDULED", "Organization/riverside");

  std::string const report =
      R"({"resourceType":"DiagnosticReport","status":"final","identifier":[{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"FILL"}]},"system":"urn:oid:1.3.6.1.4.1.32473.11","value":"D-)" +
      stage.run() + R"("}],"basedOn":[{"reference":")" + request +
      R"("}],"code":{"coding":[{"system":"http://loinc.org","code":"11488-4","display":"Consult note"}]},"subject":{"reference":")" +
      practice.patient + R"("},"issued":")" + stage.date_time() + R"(","effectiveDateTime":")" +
      stage.date_time() +
      R"(","performer":[{"reference":"Practitioner/dr-okafor"}],"conclusion":"Blood pressure controlled."})";
  auto const stored = ehr.post("DiagnosticReport", report);
  expect(stored.status == 201, "the DiagnosticReport is stored (was " + std::to_string(stored.status) + " " +
                                   text_at(stored.body, {"issue", "0", "diagnostics"}) + ")");
  std::string const result = stage.clinic().take("ORU^R01", kPatience);
  expect(!result.empty(), "Heart Clinic receives ORU^R01");
  expect(component(field(result, "OBR", 2), 1) == number,
         "OBR-2 is its own number (was " + field(result, "OBR", 2) + ")");
  expect(field(result, "OBR", 25) == "F", "OBR-25 says final");
  stage.say("4 Riverside reports: POST DiagnosticReport       -> Heart Clinic gets ORU^R01");
  expect_state(stage, request, "CLOSED", "");
  expect(text_at(ehr.get(task).body, {"status"}) == "completed", "the Task is completed");
  stage.say("5 Closed: the clinic's policy closes on delivery of the report");
}

}  // namespace story
