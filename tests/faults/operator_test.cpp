// What an operator does beside the running gateway: asks what a field became, sees what a changed table would
// change, puts new tables in force without a stop, and keeps the old ones when the new ones are broken.
#include "examples/partners/fhir.hpp"
#include "examples/partners/v2.hpp"
#include "tests/fhir/support/archive.hpp"
#include "tests/support/database.hpp"
#include "tests/support/gateway_process.hpp"
#include "tests/support/mllp_wire.hpp"
#include "tests/support/scripted_receiver.hpp"
#include "tests/support/temp_folder.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>

namespace faults {
namespace {

using partners::field;
using support::eventually;

constexpr char const* kToken = "an-operators-token";

class OperatorTest : public ::testing::Test {
 protected:
  OperatorTest() {
    write_overlay("overlay own\n");
    std::ofstream(folder_.file("handoff.yaml"))
        << "store:\n  path: \"" << folder_.file("handoff.db") << "\"\nhttp:\n  listen: \"127.0.0.1:0\"\n"
        << "admin:\n  listen: \"127.0.0.1:0\"\n  operators:\n    - name: kim\n      bearer_sha256: \""
        << support::sha256_hex(kToken) << "\"\nclients:\n  - name: kims-ehr\n    bearer_sha256: \""
        << support::sha256_hex(kToken) << "\"\nmllp:\n  - name: ward\n    listen: \"127.0.0.1:0\"\n"
        << "maps:\n  overlays: [\"" << folder_.file("own.map") << "\"]\n"
        << "partners:\n  - name: general\n    application: GENADT\n    facility: GENERAL\n    authorities:\n"
        << "      GENERAL: \"urn:oid:1.3.6.1.4.1.32473.50\"\n      GENERAL-VISITS: "
           "\"urn:oid:1.3.6.1.4.1.32473.51\"\n";
    gateway_.start();
  }

  void write_overlay(std::string const& text) {
    std::ofstream(folder_.file("own.map"), std::ios::trunc) << text;
  }

  std::string send(std::string const& control_id, std::string const& sex = "F") {
    auto wire = support::MllpWire::connect(gateway_.mllp_port("ward"));
    std::string answer;
    EXPECT_TRUE(
        wire.send("MSH|^~\\&|GENADT|GENERAL|HANDOFF|HANDOFF|20250301110000+0000||ADT^A01|" + control_id +
                  "|P|2.5.1\rEVN|A01|20250301110000+0000\rPID|1||4711^^^GENERAL^MR||Mason^Walter||19570312|" +
                  sex + "\rPV1|1|I|4W^401^1|E|||||||||||||||V1^^^GENERAL-VISITS^VN\r"));
    EXPECT_EQ(wire.receive(answer, support::kPatience), support::Heard::frame);
    return field(answer, "MSA", 1);
  }

  std::string run(std::vector<std::string> arguments, int expected = 0) {
    std::string const log = folder_.file("out-" + std::to_string(++runs_));
    arguments.push_back("--config");
    arguments.push_back(folder_.file("handoff.yaml"));
    EXPECT_EQ(support::run_handoff(arguments, log), expected);
    std::ifstream in(log);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }

  std::string tables_in_force() {
    partners::FhirClient admin("http://127.0.0.1:" + std::to_string(gateway_.admin_port()) + "/admin", kToken,
                               transcript_);
    auto const answer = admin.get("tables");
    return answer.status == 200 ? answer.body["hash"].GetString() : std::string{};
  }

  std::string tables_of(int journal_id) {
    return support::Database(folder_.file("handoff.db"))
        .text("SELECT maps_hash FROM journal WHERE journal_id = " + std::to_string(journal_id));
  }

  support::TempFolder folder_;
  support::GatewayProcess gateway_{folder_.file("handoff.yaml"), folder_.file("gateway.log")};
  partners::Transcript transcript_{folder_.file("transcript")};
  int runs_ = 0;
};

TEST_F(OperatorTest, AFieldsWayIsShownBesideARunningGateway) {
  ASSERT_EQ(send("M1"), "AA");
  std::string const shown = run({"journal", "show", "1", "--field", "PID-7"});
  EXPECT_NE(shown.find("PID-7 mapped -> Patient/"), std::string::npos) << shown;
  EXPECT_NE(shown.find("Patient.birthDate (pid.7) stands \"1957-03-12\""), std::string::npos) << shown;
  EXPECT_NE(run({"journal", "show", "1", "--field", "nonsense"}, 1).find("a field is written"),
            std::string::npos);
}

TEST_F(OperatorTest, AClientAsksWhereAnElementCameFrom) {
  ASSERT_EQ(send("M1"), "AA");
  partners::FhirClient client(gateway_.base_url(), kToken, transcript_);
  auto const patients = client.get("Patient?name=mason");
  ASSERT_EQ(patients.status, 200);
  ASSERT_EQ(patients.body["entry"].Size(), 1U);
  std::string const id = patients.body["entry"][0]["resource"]["id"].GetString();
  auto const answer = client.get("Patient/" + id + "/$provenance?path=birthDate");
  ASSERT_EQ(answer.status, 200);
  ASSERT_EQ(answer.body["entry"].Size(), 1U);
  auto const& provenance = answer.body["entry"][0]["resource"];
  EXPECT_STREQ(provenance["resourceType"].GetString(), "Provenance");
  EXPECT_STREQ(provenance["entity"][0]["what"]["identifier"]["value"].GetString(), "1");
  EXPECT_STREQ(provenance["entity"][0]["what"]["display"].GetString(), "ADT^A01 M1");
  EXPECT_STREQ(provenance["agent"][0]["who"]["display"].GetString(), "general");
  auto const& target = provenance["target"][0];
  EXPECT_EQ(target["reference"].GetString(), "Patient/" + id + "/_history/1");
  std::map<std::string, rapidjson::Value const*> extensions;
  for (auto const& extension : target["extension"].GetArray())
    extensions[extension["url"].GetString()] = &extension;
  auto const* const path = extensions["http://hl7.org/fhir/StructureDefinition/targetPath"];
  ASSERT_NE(path, nullptr);
  EXPECT_STREQ((*path)["valueString"].GetString(), "Patient.birthDate");
  auto const* const source = extensions["https://handoff.example/fhir/StructureDefinition/v2-source"];
  ASSERT_NE(source, nullptr);
  EXPECT_STREQ((*source)["extension"][0]["valueString"].GetString(), "PID-7");
  EXPECT_STREQ((*source)["extension"][1]["valueString"].GetString(), "pid.7");
  // The definitions of these extensions are there to be read.
  for (auto const& [url, extension] : extensions) {
    auto const definition = client.get("StructureDefinition?url=" + url);
    ASSERT_EQ(definition.status, 200);
    EXPECT_EQ(definition.body["entry"].Size(), 1U) << url;
  }
  EXPECT_EQ(client.get("Patient/nobody/$provenance").status, 404);
  EXPECT_EQ(client.get("Patient/" + id + "/$provenance?nonsense=1").status, 400);
}

TEST_F(OperatorTest, TablesAreReloadedWholeOrNotAtAll) {
  ASSERT_EQ(send("M1"), "AA");
  std::string const first = tables_in_force();
  EXPECT_EQ(tables_of(1), first);

  write_overlay("overlay own\ndisable pid.7\n");
  std::string const diff = run({"journal", "replay", "--diff"});
  EXPECT_NE(diff.find("Patient#patient.birthDate: \"1957-03-12\" -> nothing"), std::string::npos) << diff;
  EXPECT_NE(diff.find("1 of 1 messages would change"), std::string::npos) << diff;
  EXPECT_EQ(tables_in_force(), first) << "asking changes nothing";

  gateway_.reload();
  ASSERT_TRUE(eventually([&] { return tables_in_force() != first; }));
  ASSERT_EQ(send("M2"), "AA");
  EXPECT_EQ(tables_of(2), tables_in_force());
  EXPECT_EQ(tables_of(1), first) << "a journal row names the tables that translated it";

  write_overlay("overlay own\nsegment PID -> Patient\nown.1 | PID-5* | nickname* | XPN~HumanNam\n");
  std::string const second = tables_in_force();
  partners::FhirClient admin("http://127.0.0.1:" + std::to_string(gateway_.admin_port()) + "/admin", kToken,
                             transcript_);
  EXPECT_EQ(admin.post("reload", "{}").status, 400);
  EXPECT_EQ(tables_in_force(), second);
  EXPECT_EQ(send("M3"), "AA") << "the old tables stand";
}

/// US Core's Patient in little: a profile that asks for a gender.
std::string gender_package() {
  return fhir::test::tgz(
      fhir::test::tar_entry("package/package.json",
                            R"({"name":"a.b","version":"1.0.0","fhirVersions":["4.0.1"]})") +
      fhir::test::tar_entry(
          "package/p.json",
          R"({"resourceType":"StructureDefinition","url":"http://a/p","name":"P","status":"active",)"
          R"("kind":"resource","abstract":false,"type":"Patient","derivation":"constraint",)"
          R"("baseDefinition":"http://hl7.org/fhir/StructureDefinition/Patient","differential":{"element":[)"
          R"({"id":"Patient","path":"Patient"},{"id":"Patient.gender","path":"Patient.gender","min":1}]}})"));
}

TEST_F(OperatorTest, APackageIsInForceAtOnceAndAfterARestart) {
  std::string const claims =
      R"({"resourceType":"Patient","meta":{"profile":["http://a/p"]},"name":[{"family":"Mason"}]})";
  std::string const path = "Patient/$validate?profile=http://a/p";
  auto const errors = [&] {
    partners::FhirClient client(gateway_.base_url(), kToken, transcript_);
    auto const answer = client.post(path, claims);
    std::string all;
    for (auto const& issue : answer.body["issue"].GetArray()) {
      if (std::string_view(issue["severity"].GetString()) == "error")
        all += std::string(issue["code"].GetString()) + " ";
    }
    return all;
  };
  EXPECT_NE(errors().find("not-found"), std::string::npos);
  {
    partners::FhirClient admin("http://127.0.0.1:" + std::to_string(gateway_.admin_port()) + "/admin", kToken,
                               transcript_);
    EXPECT_EQ(admin.post("packages", "no package").status, 400);
    ASSERT_EQ(admin.post("packages", gender_package()).status, 200);
    EXPECT_EQ(admin.get("packages").body["packages"].Size(), 1U);
  }
  EXPECT_EQ(errors(), "required ");
  EXPECT_EQ(gateway_.stop(support::kPatience), 0);
  gateway_.start();
  EXPECT_EQ(errors(), "required ");
}

TEST_F(OperatorTest, WhatAMessageWouldStoreIsJudgedAndAnsweredOnTheWire) {
  write_overlay(
      "overlay own\nvocabulary site-flag HL79999 -> http://hl7.org/fhir/flag-status\n  A <-> active\n"
      "segment ZFL -> Flag\nzfl.1 | ZFL-1 | status | ID~code | site-flag\n"
      "zfl.2 | ZFL-2 | code.text | ST~string |\nstructure ADT_A01\nrole Flag#flag per ZFL\n"
      "use  ZFL -> Flag#flag\nlink Flag#flag.subject -> Patient#patient\n"
      "key  Flag#flag within Patient#patient\n");
  partners::FhirClient admin("http://127.0.0.1:" + std::to_string(gateway_.admin_port()) + "/admin", kToken,
                             transcript_);
  ASSERT_EQ(admin.post("reload", "").status, 200);
  auto wire = support::MllpWire::connect(gateway_.mllp_port("ward"));
  std::string answer;
  ASSERT_TRUE(
      wire.send("MSH|^~\\&|GENADT|GENERAL|HANDOFF|HANDOFF|20250301110000+0000||ADT^A01|Z1|P|2.5.1\r"
                "EVN|A01|20250301110000+0000\rPID|1||4711^^^GENERAL^MR||Mason^Walter||19570312|M\r"
                "PV1|1|I|4W^401^1|E|||||||||||||||V1^^^GENERAL-VISITS^VN\rZFL|A\r"));
  ASSERT_EQ(wire.receive(answer, support::kPatience), support::Heard::frame);
  EXPECT_EQ(field(answer, "MSA", 1), "AE") << answer;
  EXPECT_NE(answer.find("ERR||ZFL^1|101^"), std::string::npos) << answer;
  EXPECT_NE(answer.find("(Flag.code)"), std::string::npos) << answer;
  auto const items = admin.get("work?kind=invalid");
  ASSERT_EQ(items.body["items"].Size(), 1U);
  partners::FhirClient client(gateway_.base_url(), kToken, transcript_);
  EXPECT_FALSE(client.get("Patient").body.HasMember("entry"));
}

TEST_F(OperatorTest, NoAnswerNorLogOfAnOperatorsActNamesAPatient) {
  ASSERT_EQ(send("M1", "Q"), "AA");
  partners::FhirClient admin("http://127.0.0.1:" + std::to_string(gateway_.admin_port()) + "/admin", kToken,
                             transcript_);
  auto const list = admin.get("work?kind=unmapped-code");
  ASSERT_EQ(list.status, 200);
  ASSERT_EQ(list.body["items"].Size(), 1U);
  std::string const item = list.body["items"][0]["id"].GetString();
  EXPECT_EQ(admin.post("work/" + item + "/answer", R"({"code":"other","reason":"asked"})").status, 200);
  EXPECT_EQ(admin.get("journal/1?raw=true").status, 200);
  EXPECT_EQ(gateway_.stop(support::kPatience), 0);
  std::ifstream in(folder_.file("gateway.log"));
  std::string const log{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  EXPECT_NE(log.find("kim answer work/"), std::string::npos) << log;
  for (char const* const secret : {"Mason", "Walter", "4711", "1957", kToken})
    EXPECT_EQ(log.find(secret), std::string::npos) << secret;
}

}  // namespace
}  // namespace faults
