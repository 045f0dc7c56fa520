#include "examples/partners/v2.hpp"
#include "examples/story/acts.hpp"
#include "examples/story/record_view.hpp"

#include <algorithm>

namespace story {

namespace {

using namespace std::chrono_literals;
using partners::make_segment;
using partners::message;
using partners::text_at;

constexpr auto kPatience = 20s;

/// The hospital speaks v2.3 and knows the patient under a number of its own and the national id.
constexpr char kHospitalPid[] =
    "PID|1||SM-90210^^^STMARYS^MR~900-55-1234^^^NATIONAL^NI||Mason^Walter||19570312|M|||12 Mill "
    "Lane^^Riverside^OH^45011";

class Hospital {
 public:
  explicit Hospital(Stage& stage) : stage_(stage), visit_("SV-" + stage.run()) {}

  /// An ADT of that trigger; `discharge` is the disposition (PV1-36) of a stay that has ended.
  void send(std::string const& trigger, std::string const& discharge = {},
            std::vector<std::string> const& more = {}) {
    std::vector<std::string> segments{"MSH|^~\\&|STMADT|STMARYS|HANDOFF|HUB|" + stage_.dtm() + "||ADT^" +
                                          trigger + "|" + stage_.control_id() + "|P|2.3",
                                      "EVN|" + trigger + "|" + stage_.dtm(), kHospitalPid, pv1(discharge)};
    segments.insert(segments.end(), more.begin(), more.end());
    stage_.hospital_sends(message(segments));
  }
  std::string pv1(std::string const& discharge = {}) const {
    std::map<std::size_t, std::string> fields{{1, "1"},
                                              {2, "I"},
                                              {3, location},
                                              {4, "E"},
                                              {6, prior_location},
                                              {7, "1955555555^Reyes^Ines^^^^^^NPI"},
                                              {10, "MED"},
                                              {14, "7"},
                                              {19, visit_ + "^^^STMARYS-VISITS^VN"},
                                              {44, admit_time}};
    if (!discharge.empty()) {
      fields[36] = discharge;
      fields[45] = stage_.dtm();
    }
    return make_segment("PV1", fields);
  }
  std::string const& visit() const { return visit_; }

  std::string location = "4W^401^1^STMARYS";
  std::string prior_location;
  std::string admit_time;

 private:
  Stage& stage_;
  std::string visit_;
};

std::string expect_notice(Stage& stage, std::string const& about) {
  auto const notice = stage.hook().take(
      [&](partners::Notification const& one) {
        return one.target.starts_with("/hook/Communication/") && one.body.find(about) != std::string::npos;
      },
      kPatience);
  expect(!notice.method.empty(), "the practice is notified of the " + about + " by rest-hook");
  return notice.body;
}

/// The codes of the obligations whose Tasks are open, each with owner and due time. Notices are left out:
/// their receipt closes them at any moment.
std::vector<std::string> open_obligations(Stage& stage, std::string const& encounter) {
  auto const found =
      stage.riverside().get("Task?encounter=" + encounter + "&code=transition-obligation&_count=100");
  std::vector<std::string> open;
  auto const* const entries = partners::at(found.body, {"entry"});
  if (entries == nullptr) return open;
  for (auto const& entry : entries->GetArray()) {
    auto const* const task = partners::at(entry, {"resource"});
    std::string const status = text_at(*task, {"status"});
    if (status != "requested" && status != "ready" && status != "in-progress") continue;
    expect(!text_at(*task, {"owner", "reference"}).empty(), "every obligation has an owner");
    expect(!text_at(*task, {"restriction", "period", "end"}).empty(), "every obligation has a due time");
    std::string const code = text_at(*task, {"reasonCode", "coding", "0", "code"});
    if (!code.ends_with("-notice")) open.push_back(code);
  }
  std::ranges::sort(open);
  return open;
}

std::string join(std::vector<std::string> const& all) {
  std::string text;
  for (std::string const& one : all) text += (text.empty() ? "" : ", ") + one;
  return text;
}

bool contains(std::vector<std::string> const& all, std::string const& one) {
  return std::ranges::find(all, one) != all.end();
}

}  // namespace

void stay_in_hospital(Stage& stage, Practice const& practice) {
  auto& ehr = stage.riverside();
  Hospital hospital(stage);
  hospital.admit_time = stage.dtm(-72);
  stage.say(
      "\n== A transition: St. Mary's (HL7 v2.3) admits and discharges the same patient under another number");

  hospital.send("A01");
  std::string encounter;
  expect(eventually([&] {
           auto const found =
               ehr.get("Encounter?identifier=urn:oid:1.3.6.1.4.1.32473.31|" + hospital.visit());
           encounter = "Encounter/" + text_at(found.body, {"entry", "0", "resource", "id"});
           return encounter != "Encounter/";
         }),
         "the practice finds the Encounter");
  stage.say("1 ADT^A01: admitted as SM-90210                  -> Riverside is notified");
  expect_notice(stage, "admission");
  expect_state(stage, encounter, "IN_PROGRESS", "Practitioner/");

  auto const persons = ehr.get("Person?patient=" + practice.patient);
  expect(partners::at(persons.body, {"entry", "0", "resource", "link", "2"}) != nullptr,
         "one Person links the patient of practice, clinic and hospital");

  hospital.prior_location = hospital.location;
  hospital.location = "ICU^02^1^STMARYS";
  hospital.send("A02");
  stage.say("2 ADT^A02: moved to intensive care");
  hospital.send("A08", {},
                {"DG1|1|I10|I21.4^Non-ST elevation myocardial infarction^I10||" + stage.dtm() + "|A"});
  stage.say("3 ADT^A08: a diagnosis is added");
  auto const during = ehr.get(encounter);
  expect(text_at(during.body, {"status"}) == "in-progress", "an update never changes the status");
  auto const* const locations = partners::at(during.body, {"location"});
  expect(locations != nullptr && locations->Size() == 2, "the Encounter knows where he is and where he was");

  hospital.send("A03", "01");
  stage.say("4 ADT^A03: discharged home                       -> Riverside is notified");
  expect_notice(stage, "discharge");
  expect_state(stage, encounter, "DISCHARGED", "Organization/st-marys");
  expect(text_at(ehr.get(encounter).body, {"status"}) == "finished", "the Encounter is finished");
  auto const owed = open_obligations(stage, encounter);
  for (char const* code : {"discharge-information", "interactive-contact", "follow-up-scheduled",
                           "follow-up-seen", "medication-reconciliation"}) {
    expect(contains(owed, code), std::string("the obligation ") + code + " is open");
  }
  stage.say("    " + std::to_string(owed.size()) +
            " obligations are open, each with an owner and a due time");

  hospital.send("A13");
  stage.say("5 ADT^A13: the discharge is cancelled");
  expect_state(stage, encounter, "IN_PROGRESS", "Practitioner/");
  expect(text_at(ehr.get(encounter).body, {"status"}) == "in-progress", "the Encounter is in progress again");
  expect(
      open_obligations(stage, encounter) == std::vector<std::string>{"follow-up-scheduled", "follow-up-seen"},
      "the follow-ups are kept and the other obligations suspended");
  hospital.send("A03", "01");
  stage.say("6 ADT^A03: discharged again");
  expect_state(stage, encounter, "DISCHARGED", "Organization/st-marys");
  auto const owed_again = open_obligations(stage, encounter);
  expect(owed_again == owed,
         "the same obligations are open again (were " + join(owed) + "; are " + join(owed_again) + ")");

  std::string const order = "L-" + stage.run();
  auto const header = [&](std::string const& event) {
    return "MSH|^~\\&|STMADT|STMARYS|HANDOFF|HUB|" + stage.dtm() + "||" + event + "|" + stage.control_id() +
           "|P|2.3";
  };
  stage.hospital_sends(message({header("ORU^R01"), kHospitalPid, hospital.pv1("01"),
                                make_segment("OBR", {{1, "1"},
                                                     {3, order + "^STMARYS"},
                                                     {4, "2823-3^Potassium^LN"},
                                                     {7, stage.dtm(-1)},
                                                     {22, stage.dtm()},
                                                     {24, "LAB"},
                                                     {25, "F"}}),
                                make_segment("OBX", {{1, "1"},
                                                     {2, "NM"},
                                                     {3, "2823-3^Potassium^LN"},
                                                     {5, "4.1"},
                                                     {6, "mmol/L"},
                                                     {7, "3.5-5.1"},
                                                     {11, "F"},
                                                     {14, stage.dtm(-1)}})}));
  stage.say("7 ORU^R01: a last laboratory result");
  stage.hospital_sends(
      message({header("MDM^T02"), "EVN|T02|" + stage.dtm(), kHospitalPid, hospital.pv1("01"),
               make_segment("TXA", {{1, "1"},
                                    {2, "DS"},
                                    {3, "TX"},
                                    {4, stage.dtm()},
                                    {5, "1955555555^Reyes^Ines^^^^^^NPI"},
                                    {6, stage.dtm()},
                                    {12, "DOC-" + stage.run() + "^STMARYS"},
                                    {17, "LA"},
                                    {19, "AV"}}),
               make_segment("OBX", {{1, "1"},
                                    {2, "TX"},
                                    {3, "18842-5^Discharge summary^LN"},
                                    {5, "Admitted with NSTEMI; medications and follow-up within."},
                                    {11, "F"}})}));
  stage.say("8 MDM^T02: the discharge summary                 -> the hospital has done its part");
  expect_state(stage, encounter, "POST_ACUTE_WATCH", "PractitionerRole/dr-okafor");
  expect(!contains(open_obligations(stage, encounter), "discharge-information"),
         "discharge information is received");

  auto const history = ehr.get(encounter + "/_history");
  auto const* const versions = partners::at(history.body, {"entry"});
  expect(versions != nullptr && versions->Size() >= 5,
         "the Encounter has its true history: admitted, moved, discharged, not discharged, discharged");
  auto const view = read_record(stage, encounter);
  expect(find_entry(view, "Encounter") != nullptr && find_entry(view, "Task") != nullptr,
         "the transition record holds Encounter and Tasks");
  stage.say("9 The stay and what is owed: GET " + encounter + "/$transition-record");
}

}  // namespace story
