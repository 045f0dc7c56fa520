/// What subscribers are told of a change: trigger event <-> state transition in one notation both ways
/// (design translation.md 3.3), through the doors that changes come by.
#include "fhir/json/reader.hpp"
#include "gateway/delivery/render.hpp"
#include "gateway/intake/intake.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <filesystem>

namespace gateway::intake {
namespace {

constexpr char kVisits[] = "urn:oid:1.3.6.1.4.1.32473.31";

class Telling : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "telling-" + testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    auto const clock = [this] { return now_; };
    store_ = store::open_sqlite({.path = folder_ + "/handoff.db"}, clock).value();
    config::Partner hospital;
    hospital.name = "hospital";
    hospital.application = "ADT";
    hospital.facility = "HOSP";
    hospital.authorities = {{"HOSP", "urn:oid:1.3.6.1.4.1.32473.30"}, {"VISITS", kVisits}};
    hospital.own_authorities = {"urn:oid:1.3.6.1.4.1.32473.30"};
    hospital.events = {"ADT^A01"};
    hospital.delivery.mllp.port = 2574;
    config::Partner clinic = hospital;
    clinic.name = "clinic";
    clinic.application = "EHR";
    clinic.facility = "CLINIC";
    clinic.delivery.mllp.port = 2575;
    clinic.events = {};
    for (char const* const trigger : {"A01", "A02", "A03", "A04", "A05", "A06", "A07", "A08", "A11", "A12",
                                      "A13", "A15", "A16", "A21", "A22", "A23", "A26", "A38", "A50"})
      clinic.events.push_back(std::string("ADT^") + trigger);
    for (char const* const event :
         {"RDE^O11", "VXU^V04", "ORU^R01", "OML^O21", "PPR^PC1", "ADT^A60", "SIU^S12", "SIU^S14", "RDS^O13",
          "RAS^O17", "BAR^P01", "DFT^P03", "SIU^S23"})
      clinic.events.emplace_back(event);
    config::Partner aside = clinic;
    aside.name = "aside";
    aside.application = "ASIDE";
    aside.events = {"REF^I12"};
    config::Partner wide = clinic;  // as the clinic, and it wants what no table reads as well
    wide.name = "wide";
    wide.application = "WIDE";
    wide.version = "2.7";
    wide.delimiters = "|$~\\&";
    wide.forward_unmapped = true;
    settings_.partners = {hospital, clinic, aside, wide};
    tables_ = std::make_shared<LiveTables>(make_tables(settings_, {}, {}).value());
    intake_ = std::make_unique<Intake>(
        IntakeOptions{.store = *store_, .tables = tables_, .clock = clock, .subscriptions = subscriptions_});
    ASSERT_TRUE(intake_->prepare());
  }
  void TearDown() override {
    intake_.reset();
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  /// An ADT of one visit; the MSA-1 of its answer.
  std::string adt(std::string const& trigger, std::string const& place = "4W^1^A",
                  std::string const& patient_class = "I", std::string const& more = {}) {
    now_ += 60'000;
    std::string const at = "202503011" + std::to_string(minute_ / 60) + (minute_ % 60 < 10 ? "0" : "") +
                           std::to_string(minute_ % 60) + "00+0000";
    ++minute_;
    return send("MSH|^~\\&|ADT|HOSP|HANDOFF|HUB|" + at + "||ADT^" + trigger + "|M" + std::to_string(minute_) +
                "|P|2.5.1\rEVN|" + trigger + "|" + at + "\rPID|1||4711^^^HOSP^MR||Mason^Walter||19570312|M" +
                (race_.empty() ? "" : "||" + race_ + "|||||||||||MOTHER-1^^^HOSP") + "\r" +
                (trigger == "A50" ? "MRG|4711^^^HOSP^MR||||V1^^^VISITS^VN\r" : "") + "PV1|1|" +
                patient_class + "|" + place + "||||||||||||||||" + (trigger == "A50" ? "V2" : "V1") +
                "^^^VISITS^VN\r" + more);
  }
  std::string send(std::string bytes) {
    Envelope envelope;
    envelope.bytes = std::move(bytes);
    envelope.feed = "mllp:test";
    boost::asio::io_context context;
    std::string code;
    boost::asio::co_spawn(context, intake_->accept_v2(std::move(envelope)),
                          [&](std::exception_ptr failed, std::vector<std::string> answers) {
                            ASSERT_FALSE(failed);
                            ASSERT_EQ(answers.size(), 1U);
                            auto const msa = answers[0].find("MSA|");
                            code = msa == std::string::npos ? answers[0] : answers[0].substr(msa + 4, 2);
                          });
    context.run();
    return code;
  }

  /// A FHIR client writes these; "" or why it may not.
  std::string put(std::vector<std::string> resources) {
    now_ += 60'000;
    store::Compute write = [resources = std::move(resources)](store::Unit& unit) -> fhir::Result<void> {
      for (std::string const& text : resources) {
        FHIR_TRY(auto const resource, fhir::json::read(text, unit.arena()));
        FHIR_TRY(auto const before, unit.find(resource.text_at("resourceType"), resource.text_at("id")));
        FHIR_CHECK(unit.put(resource, "ehr", before ? "PUT" : "POST"));
      }
      return {};
    };
    boost::asio::io_context context;
    std::string failed;
    boost::asio::co_spawn(context, intake_->commit({.source = "ehr"}, {"PUT", "r"}, write),
                          [&](std::exception_ptr thrown, fhir::Result<store::Receipt> const& receipt) {
                            ASSERT_FALSE(thrown);
                            if (!receipt) failed = fhir::to_line(receipt.error());
                          });
    context.run();
    return failed;
  }
  static std::string patient() {
    return R"({"resourceType":"Patient","id":"p","name":[{"family":"Reed"}],"identifier":[{"system":)"
           R"("urn:oid:1.3.6.1.4.1.32473.30","value":"5"}]})";
  }
  static std::string visit(std::string const& status, std::string const& ward = "a",
                           std::string const& code = "IMP") {
    return R"({"resourceType":"Encounter","id":"v","status":")" + status + R"(","class":{"system":)" +
           R"("http://terminology.hl7.org/CodeSystem/v3-ActCode","code":")" + code +
           R"("},"subject":{"reference":"Patient/p"},"identifier":[{"system":")" + kVisits +
           R"(","value":"V9"}],"location":[{"status":"active","location":{"reference":"Location/)" + ward +
           R"("}}]})";
  }
  /// A booking with these participants beside the patient: "PPRF Practitioner/d".
  static std::string booking(std::vector<std::string> const& others) {
    std::string json =
        R"({"resourceType":"Appointment","id":"b","status":"booked","identifier":[{"system":)"
        R"("urn:x","value":"B-1"}],"start":"2025-03-10T09:00:00Z","end":"2025-03-10T09:30:00Z",)"
        R"("participant":[{"actor":{"reference":"Patient/p"},"status":"accepted"})";
    for (std::string const& other : others) {
      auto const space = other.find(' ');
      json +=
          R"(,{"type":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType",)"
          R"("code":")" +
          other.substr(0, space) + R"("}]}],"actor":{"reference":")" + other.substr(space + 1) +
          R"("},"status":"accepted"})";
    }
    return json + "]}";
  }
  static std::string doctor(std::string const& id) {
    return R"({"resourceType":"Practitioner","id":")" + id + R"(","name":[{"family":"Doctor)" + id +
           R"("}],"identifier":[{"system":"urn:x","value":")" + id + R"("}]})";
  }
  static std::string ward(std::string const& id) {
    return R"({"resourceType":"Location","id":")" + id + R"(","name":"Ward )" + id + R"("})";
  }

  std::vector<store::OutboxRow> rows(std::string const& partner) {
    return store_->snapshot().value()->outbox(partner, 100).value();
  }
  /// "ADT^A01 ADT^A03": what that partner is told.
  std::string told(std::string const& partner) {
    std::string all;
    for (auto const& row : rows(partner)) all += (all.empty() ? "" : " ") + row.kind.substr(6);
    return all;
  }
  /// The last of them as it is written.
  std::string written(std::string const& partner) {
    auto const all = rows(partner);
    if (all.empty()) return "nothing";
    auto const snapshot = store_->snapshot().value();
    auto const current = tables_->current();
    std::vector<mappings::language::PartnerProfile const*> others;
    for (KnownPartner const& one : current->partners->all()) others.push_back(&one.profile);
    auto const made = delivery::render(*snapshot, current->maps, current->partners->find(partner)->profile,
                                       all.back(), "C1", "20250301120000", nullptr, others);
    return made ? made->bytes : fhir::to_line(made.error());
  }

  std::int64_t now_ = 1'740'830'400'000;  // 2025-03-01T12:00:00Z
  int minute_ = 120;
  std::string race_;  ///< PID-10, which no table reads; with it comes a PID-21.
  std::string folder_;
  config::Settings settings_;
  std::unique_ptr<store::Store> store_;
  std::shared_ptr<LiveTables> tables_;
  delivery::Subscriptions subscriptions_;
  std::unique_ptr<Intake> intake_;
};

TEST_F(Telling, AStayOfOnePartnerIsToldToAnotherByTheEventsThatMadeIt) {
  EXPECT_EQ(adt("A05", ""), "AA");
  EXPECT_EQ(adt("A01"), "AA");
  EXPECT_EQ(adt("A02", "ICU^2^B"), "AA");
  EXPECT_EQ(adt("A12"), "AA");
  EXPECT_EQ(adt("A21"), "AA");
  EXPECT_EQ(adt("A22"), "AA");
  EXPECT_EQ(adt("A03"), "AA");
  EXPECT_EQ(adt("A13"), "AA");
  EXPECT_EQ(adt("A08", "4W^1^A", "I", "PV2|||R07.4^Chest pain^I10\r"), "AA");
  EXPECT_EQ(adt("A11"), "AA");
  EXPECT_EQ(told("clinic"),
            "ADT^A05 ADT^A01 ADT^A02 ADT^A12 ADT^A21 ADT^A22 ADT^A03 ADT^A13 ADT^A08 ADT^A11");
  EXPECT_EQ(told("hospital"), "") << "never back to who said it";
  EXPECT_EQ(told("aside"), "") << "it asked for none of them";
  for (auto const& row : rows("clinic"))
    EXPECT_NE(row.request.find(R"("record":"transition/)"), std::string::npos) << row.request;
}

TEST_F(Telling, AClientsVisitIsToldByWhatChangedInIt) {
  ASSERT_EQ(put({patient(), ward("a"), ward("b"), visit("planned")}), "");
  ASSERT_EQ(put({visit("in-progress")}), "");
  EXPECT_NE(written("clinic").find("ADT^A01^ADT_A01"), std::string::npos) << written("clinic");
  EXPECT_NE(written("clinic").find("\rPID|1||5^^^HOSP"), std::string::npos) << written("clinic");
  ASSERT_EQ(put({visit("in-progress", "b")}), "");
  EXPECT_NE(written("clinic").find("Ward b"), std::string::npos) << written("clinic");
  ASSERT_EQ(put({visit("onleave", "b")}), "");
  ASSERT_EQ(put({visit("in-progress", "b")}), "");
  ASSERT_EQ(put({visit("finished", "b")}), "");
  ASSERT_EQ(put({visit("in-progress", "b")}), "");
  ASSERT_EQ(put({visit("in-progress", "b")}), "") << "the same again says nothing";
  ASSERT_EQ(put({visit("in-progress", "b", "AMB")}), "");
  ASSERT_EQ(put({visit("cancelled", "b", "AMB")}), "");
  EXPECT_EQ(told("clinic"), "ADT^A05 ADT^A01 ADT^A02 ADT^A21 ADT^A22 ADT^A03 ADT^A13 ADT^A07 ADT^A11");
  EXPECT_EQ(told("hospital"), "ADT^A01");
  EXPECT_EQ(told("aside"), "");
}

/// translation.md 3.1: "Other partners' complements give only unmapped standard fields, never Z segments or
/// ids, and only if the destination's profile says forward_unmapped".
TEST_F(Telling, WhatNoTableReadsIsHandedOnWhereTheProfileWantsIt) {
  race_ = "2106-3^White";
  EXPECT_EQ(adt("A01", "4W^1^A", "I",
                "PV2||SEMI^Semi private\rACC|20250228|FALL^Fall|Ice|||||||||||ACC-77\rZPI|ours\r"),
            "AA");
  std::string const wide = written("wide");
  EXPECT_NE(wide.find("|M||2106-3$White"), std::string::npos) << wide;
  EXPECT_NE(wide.find("\rPV2||SEMI$Semi private"), std::string::npos) << wide;
  EXPECT_NE(wide.find("\rACC|20250228|FALL$Fall|Ice\r"), std::string::npos) << wide;
  EXPECT_EQ(wide.find("ACC-77"), std::string::npos) << "a number of somebody's\n" << wide;
  EXPECT_EQ(wide.find("MOTHER-1"), std::string::npos) << "a number of somebody's\n" << wide;
  EXPECT_EQ(wide.find("\rZPI"), std::string::npos) << "the sender's own\n" << wide;
  std::string const narrow = written("clinic");
  EXPECT_EQ(narrow.find("2106-3"), std::string::npos) << narrow;
  EXPECT_EQ(narrow.find("\rACC"), std::string::npos) << narrow;
  EXPECT_NE(narrow.find("\rPID|1||4711^^^HOSP"), std::string::npos) << narrow;
}

TEST_F(Telling, AVisitOfNoRecordIsToldAsWell) {
  EXPECT_EQ(adt("A04", "CLIN", "O"), "AA");
  EXPECT_EQ(told("clinic"), "ADT^A04");
  EXPECT_EQ(rows("clinic")[0].request.find(R"("record")"), std::string::npos);
}

TEST_F(Telling, WhoIsTakenOutOfAnAppointmentIsToldWithTheActionCode) {
  std::string const one = "PPRF Practitioner/d1", two = "PPRF Practitioner/d2", place = "LOC Location/a";
  ASSERT_EQ(put({patient(), doctor("d1"), doctor("d2"), doctor("d3"), ward("a"), booking({one, two, place})}),
            "");
  EXPECT_EQ(told("clinic"), "SIU^S12");
  EXPECT_NE(written("clinic").find("\rAIP|1||d1^Doctord1"), std::string::npos) << "a new one says none";
  ASSERT_EQ(put({booking({two, place, "PPRF Practitioner/d3"})}), "");
  EXPECT_EQ(told("clinic"), "SIU^S12 SIU^S14");
  std::string message = written("clinic");
  for (char const* const segment : {"\rRGS|1|U", "|D|d1^Doctord1", "|U|d2^Doctord2", "|A|d3^Doctord3"})
    EXPECT_NE(message.find(segment), std::string::npos) << segment << "\n" << message;
  EXPECT_NE(message.find("\rAIL|1|U|"), std::string::npos) << message;
  ASSERT_EQ(put({booking({two, "PPRF Practitioner/d3"})}), "");
  message = written("clinic");
  EXPECT_NE(message.find("\rAIL|1|D|"), std::string::npos) << message;
  EXPECT_EQ(message.find("Doctord1"), std::string::npos) << "it is gone already";
  ASSERT_EQ(put({booking({two, "PPRF Practitioner/d3", one})}), "");
  EXPECT_NE(written("clinic").find("\rAIP|1||"), std::string::npos) << "nothing gone: a snapshot";
}

TEST_F(Telling, WhoAMessageTakesOutOfAnAppointmentIsToldOn) {
  std::string const head = "|HANDOFF|HUB|20250301120000+0000||SIU^S1",
                    tail =
                        "|P|2.5.1\rSCH||B-1^HOSP|||||||||"
                        "^^30^20250310090000+0000\rPID|1||4711^^^HOSP^MR||Mason^Walter\rRGS|1\r";
  ASSERT_EQ(send("MSH|^~\\&|ADT|HOSP" + head + "2|S1" + tail + "AIP|1||D1^Adler\rAIP|2||D2^Bauer\r"), "AA");
  ASSERT_EQ(send("MSH|^~\\&|ADT|HOSP" + head + "4|S2" + tail + "AIP|1|D|D1^Adler\r"), "AA");
  EXPECT_EQ(told("clinic"), "SIU^S12 SIU^S14");
  EXPECT_NE(written("clinic").find("|D|D1^Adler"), std::string::npos) << written("clinic");
  EXPECT_NE(written("clinic").find("|U|D2^Bauer"), std::string::npos) << written("clinic");
}

TEST_F(Telling, AnAppointmentOfAReferralIsToldToWhoAskedForSuchMessages) {
  std::string const to = "|HANDOFF|HUB|20250301120000+0000||",
                    patient = "PID|1||4711^^^HOSP^MR||Mason^Walter\r";
  ASSERT_EQ(send("MSH|^~\\&|ADT|HOSP" + to +
                 "REF^I12|R1|P|2.5.1\rRF1|P|R|MED|||R-1^HOSP\r"
                 "PRD|RP|Adams^Ann\rPRD|RT|Baker^Bo\r" +
                 patient + "PR1|1||80146^Visit^L\r"),
            "AA");
  std::string const sch =
      "|P|2.5.1\rSCH||B-1^HOSP|||||||||^^30^20250310090000+0000|||||||||||||||R-1^HOSP\r" + patient +
      "RGS|1\r";
  ASSERT_EQ(send("MSH|^~\\&|ADT|HOSP" + to + "SIU^S12|S1" + sch + "AIP|1||D1^Adler\rAIP|2||D2^Bauer\r"),
            "AA");
  ASSERT_EQ(send("MSH|^~\\&|ADT|HOSP" + to + "SIU^S14|S2" + sch + "AIP|1|D|D1^Adler\r"), "AA");
  EXPECT_EQ(told("clinic"), "SIU^S12 SIU^S14");
  EXPECT_NE(written("clinic").find("|D|D1^Adler"), std::string::npos) << written("clinic");
}

TEST_F(Telling, OfAnAllergyTheWholeListIsTold) {
  auto const allergy = [](std::string const& id, std::string const& more = {}) {
    return R"({"resourceType":"AllergyIntolerance","id":")" + id +
           R"(","patient":{"reference":"Patient/p"},"code":{"coding":[{"system":"urn:x","code":")" + id +
           R"("}]})" + more + "}";
  };
  ASSERT_EQ(put({patient(), allergy("nuts"), allergy("milk")}), "");
  EXPECT_EQ(told("clinic"), "ADT^A60") << "one message for both";
  ASSERT_EQ(put({allergy("eggs")}), "");
  EXPECT_EQ(told("clinic"), "ADT^A60 ADT^A60");
  EXPECT_EQ(told("hospital"), "") << "it did not ask";
  std::string message = written("clinic");
  EXPECT_NE(message.find("\rPID|1||5^"), std::string::npos) << message;
  for (char const* const code : {"|eggs^", "|milk^", "|nuts^"})
    EXPECT_NE(message.find(code), std::string::npos) << code << message;
  std::string const wrong =
      R"(,"verificationStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/)"
      R"(allergyintolerance-verification","code":"entered-in-error"}]})";
  ASSERT_EQ(put({allergy("milk", wrong)}), "");
  message = written("clinic");
  auto const milk = message.find("|milk^");
  ASSERT_NE(milk, std::string::npos) << message;
  EXPECT_EQ(message.substr(message.find('\r', milk) - 2, 2), "|E") << "erroneous (IAM-17)" << message;
  ASSERT_EQ(put({allergy("nuts", R"(,"criticality":"high")")}), "");
  EXPECT_EQ(written("clinic").find("|milk^"), std::string::npos) << "it was told as an error";
  EXPECT_NE(written("clinic").find("|eggs^"), std::string::npos);
}

TEST_F(Telling, AnotherSourcesAllergiesAreOnTheListThatIsTold) {
  std::string const head = "|HANDOFF|HUB|20250301120000+0000||ADT^A60|",
                    evn =
                        "|P|2.5.1\rEVN|A60|20250301120000"
                        "+0000\rPID|1||4711^^^HOSP^MR||Mason^Walter||19570312|M\r";
  ASSERT_EQ(
      send("MSH|^~\\&|EHR|CLINIC" + head + "C1" + evn + "IAM|1|DA|7980^Penicillin^RXNORM|SV||A|AL-1^C\r"),
      "AA");
  ASSERT_EQ(send("MSH|^~\\&|ADT|HOSP" + head + "H1" + evn + "IAM|1|DA|2670^Codeine^RXNORM|SV||A|AL-9^H\r"),
            "AA");
  EXPECT_EQ(told("clinic"), "ADT^A60");
  EXPECT_NE(written("clinic").find("|7980^"), std::string::npos)
      << "its own, which a list without it would end";
  EXPECT_NE(written("clinic").find("|2670^"), std::string::npos) << written("clinic");
}

TEST_F(Telling, ARoleThatAVisitHasNoMoreIsToldAsDeleted) {
  auto const with = [](std::string const& who) {
    std::string json = visit("in-progress");
    json.pop_back();
    return json + R"(,"participant":[)" + who + "]}";
  };
  auto const role = [](std::string const& id) {
    return R"({"type":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0443","code":"DP"}]}],)"
           R"("individual":{"reference":"Practitioner/)" +
           id + R"("}})";
  };
  ASSERT_EQ(put({patient(), ward("a"), doctor("d1"), doctor("d2"), with(role("d1") + "," + role("d2"))}), "");
  EXPECT_NE(written("clinic").find("|AD|DP"), std::string::npos) << written("clinic");
  ASSERT_EQ(put({with(role("d2"))}), "");
  std::string const message = written("clinic");
  EXPECT_NE(message.find("|DE|DP^^HL70443|d1^Doctord1"), std::string::npos) << message;
  EXPECT_NE(message.find("|UP|DP^^HL70443|d2^Doctord2"), std::string::npos) << message;
}

TEST_F(Telling, ANewNumberOfAVisitIsToldWithTheOldOne) {
  EXPECT_EQ(adt("A01"), "AA");
  EXPECT_EQ(adt("A50"), "AA");
  EXPECT_EQ(told("clinic"), "ADT^A01 ADT^A50");
  EXPECT_NE(written("clinic").find("\rMRG|4711^^^HOSP&1.3.6.1.4.1.32473.30&ISO||||V1^^^VISITS&"),
            std::string::npos)
      << written("clinic");
}

/// What a FHIR client writes of other kinds, and the segment that must tell of it.
struct Told {
  char const* event;
  char const* segment;
  char const* resource;
};
void PrintTo(Told const& one, std::ostream* out) { *out << one.event; }

class ToldOf : public Telling, public testing::WithParamInterface<Told> {};

TEST_P(ToldOf, IsToldAsItsEventAndOnce) {
  std::string json = GetParam().resource;
  for (char& c : json) c = c == '\'' ? '"' : c;
  ASSERT_EQ(put({patient(), json}), "");
  EXPECT_EQ(told("clinic"), GetParam().event);
  EXPECT_NE(written("clinic").find(std::string("\r") + GetParam().segment), std::string::npos)
      << written("clinic");
  ASSERT_EQ(put({json}), "");
  EXPECT_EQ(told("clinic"), GetParam().event);
  EXPECT_EQ(told("aside"), "");
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, ToldOf,
    testing::Values(
        Told{"RDE^O11", "RXE|",
             "{'resourceType':'MedicationRequest','id':'m','status':'active','intent':'order','subject':{'"
             "reference':"
             "'Patient/p'},'authoredOn':'2025-03-01','identifier':[{'system':'urn:x','value':'1'}],"
             "'medicationCodeableConcept':{'coding':[{'system':'http://www.nlm.nih.gov/research/umls/"
             "rxnorm','code':"
             "'1','display':'A'}]},'dosageInstruction':[{'route':{'coding':[{'system':'http://"
             "terminology.hl7.org/CodeSystem/v2-0162','code':'PO'}]},'text':'one a "
             "day','doseAndRate':[{'doseQuantity':{"
             "'value':1,'unit':'tablet','code':'TAB'}}]}]}"},
        Told{"ORU^R01", "OBR|",
             "{'resourceType':'DiagnosticReport','id':'r','status':'final','subject':{'reference':'Patient/"
             "p'},"
             "'identifier':[{'system':'urn:x','value':'1','type':{'coding':[{'system':"
             "'http://terminology.hl7.org/CodeSystem/v2-0203','code':'FILL'}]}}],"
             "'code':{'coding':[{'system':'http://loinc.org','code':'24627-2','display':'Chest CT'}]}}"},
        Told{"VXU^V04", "RXA|",
             "{'resourceType':'Immunization','id':'i','status':'completed','patient':{'reference':'Patient/"
             "p'},"
             "'occurrenceDateTime':'2025-03-01','identifier':[{'system':'urn:x','value':'1'}],'vaccineCode':{"
             "'coding':[{"
             "'system':'http://hl7.org/fhir/sid/cvx','code':'08','display':'HepB'}]}}"},
        Told{"PPR^PC1", "PRB|",
             "{'resourceType':'Condition','id':'c','subject':{'reference':'Patient/"
             "p'},'category':[{'coding':[{'system'"
             ":'http://terminology.hl7.org/CodeSystem/condition-category','code':'problem-list-item'}]}],"
             "'clinicalStatus':{'coding':[{'system':'http://terminology.hl7.org/CodeSystem/"
             "condition-clinical','code':"
             "'active'}]},'identifier':[{'system':'urn:x','value':'1'}],'code':{'text':'Cough'}}"},
        Told{"RDS^O13", "RXD|",
             "{'resourceType':'MedicationDispense','id':'d','status':'completed','subject':{'reference':"
             "'Patient/p'},'medicationCodeableConcept':{'coding':[{'system':'http://www.nlm.nih.gov/research/"
             "umls/rxnorm','code':'1','display':'A'}]},'dosageInstruction':[{'route':{'coding':[{'system':"
             "'http://terminology.hl7.org/CodeSystem/v2-0162','code':'PO'}]}}],'quantity':{'value':42},"
             "'whenHandedOver':'2025-03-01T10:00:00Z','identifier':[{'use':'usual','value':'RX-1'}],"
             "'authorizingPrescription':[{'identifier':{'system':'urn:x','value':'1'}}]}"},
        Told{
            "RAS^O17", "RXA|",
            "{'resourceType':'MedicationAdministration','id':'a','status':'completed','subject':{'reference':"
            "'Patient/p'},'effectiveDateTime':'2025-03-01T10:00:00Z','medicationCodeableConcept':{'coding':"
            "[{'system':'http://www.nlm.nih.gov/research/umls/rxnorm','code':'1','display':'A'}]},"
            "'dosage':{'route':{'coding':[{'system':'http://terminology.hl7.org/CodeSystem/v2-0162','code':"
            "'PO'}]},'dose':{'value':1}}}"},
        Told{"BAR^P01", "PID|",
             "{'resourceType':'Account','id':'k','status':'active','subject':[{'reference':'Patient/p'}],"
             "'identifier':[{'system':'urn:x','value':'K-1'}]}"},
        Told{"DFT^P03", "FT1|",
             "{'resourceType':'ChargeItem','id':'f','status':'billable','subject':{'reference':'Patient/p'},"
             "'occurrenceDateTime':'2025-03-01','code':{'coding':[{'system':'urn:x','code':'99213'}]}}"},
        Told{"SIU^S23", "SCH|",
             "{'resourceType':'Slot','id':'s','status':'busy-unavailable','schedule':{'display':'OPD'},"
             "'start':'2025-03-01T10:00:00Z','end':'2025-03-01T12:00:00Z','identifier':[{'system':'urn:x',"
             "'value':'1'}],'serviceType':[{'text':'Clinic'}]}"}));

}  // namespace
}  // namespace gateway::intake
