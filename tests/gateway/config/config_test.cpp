#include "gateway/config/config.hpp"

#include <gtest/gtest.h>

namespace gateway::config {
namespace {

TEST(Config, WithoutAFileListensOnLoopbackOnly) {
  Settings const settings = defaults();
  EXPECT_EQ(settings.http.listen.host, "127.0.0.1");
  EXPECT_EQ(settings.http.listen.port, 8080);
  ASSERT_EQ(settings.mllp.size(), 1U);
  EXPECT_EQ(settings.mllp[0].listen.port, 2575);
  EXPECT_EQ(settings.store_path, "./handoff.db");
}

TEST(Config, ReadsTheTerminologyIndexes) {
  auto const settings =
      parse("terminology:\n  indexes: [snomed.db, loinc.db]\n  server: https://tx/r4\n  timeout_ms: 500\n",
            "handoff.yaml");
  ASSERT_TRUE(settings.has_value()) << fhir::to_line(settings.error());
  EXPECT_EQ(settings->terminology_indexes, (std::vector<std::string>{"snomed.db", "loinc.db"}));
  EXPECT_EQ(settings->terminology_server, "https://tx/r4");
  EXPECT_EQ(settings->terminology_timeout_ms, 500);
  EXPECT_FALSE(parse("terminology:\n  index: snomed.db\n", "handoff.yaml").has_value());
}

TEST(Config, ReadsPackagesAndHowStrictlyWritesAreJudged) {
  EXPECT_EQ(defaults().http.validation, "structure");
  auto const settings = parse("packages: [a.tgz, b.tgz]\nhttp:\n  validation: full\n", "handoff.yaml");
  ASSERT_TRUE(settings) << fhir::to_line(settings.error());
  EXPECT_EQ(settings->packages, (std::vector<std::string>{"a.tgz", "b.tgz"}));
  EXPECT_EQ(settings->http.validation, "full");
  EXPECT_FALSE(parse("http:\n  validation: half\n", "handoff.yaml").has_value());
  auto const doors = parse(
      "mllp:\n  - name: a\n  - name: b\n    validation: off\n"
      "partners:\n  - name: p\n  - name: q\n    validation: full\n"
      "clients:\n  - name: c\n    bearer_sha256: \"" +
          std::string(64, '0') + "\"\n    validation: off\n",
      "handoff.yaml");
  ASSERT_TRUE(doors.has_value()) << fhir::to_line(doors.error());
  EXPECT_EQ(doors->mllp[0].validation, "structure");
  EXPECT_EQ(doors->mllp[1].validation, "off");
  EXPECT_EQ(doors->partners[0].validation, "") << "as the listener";
  EXPECT_EQ(doors->partners[1].validation, "full");
  EXPECT_EQ(doors->clients[0].validation, "off");
  EXPECT_FALSE(parse("mllp:\n  - name: a\n    validation: half\n", "handoff.yaml").has_value());
}

TEST(Config, ReadsAPartnerWithAllThatSendsToIt) {
  auto const settings = parse(R"(
partners:
  - name: heart-clinic
    application: CARD
    facility: HEART
    version: 2.5.1
    utc_offset: "-05:00"
    authorities: { HEART: "urn:oid:1.2.9" }
    events: [REF^I12, "OSU^O51"]
    version_fallback: true
    delimiters: "$%~\\&"
    processing_id: T
    required: [PV1-19, PID-3.4]
    honours_delete: false
    lengths: { PID-5.1: 35 }
    time_precision: minute
    time_offset: false
    newer_fields: false
    dictionary_lengths: true
    code_maps: { "0001": { W: F } }
    control_id_reuse: daily
    ref_reply: rri
    application_answers: return
    sequence_protocol: true
    delivery: { mllp: "127.0.0.1:3000", ack_timeout_ms: 500, accept_ack: AL, application_ack: NE }
mllp:
  - name: clinics
    listen: "[::1]:2600"
    framing: strict
    partners: [heart-clinic]
)",
                              "handoff.yaml");
  ASSERT_TRUE(settings) << to_line(settings.error());
  ASSERT_EQ(settings->partners.size(), 1U);
  Partner const& partner = settings->partners[0];
  EXPECT_EQ(partner.utc_offset_minutes, -300);
  EXPECT_EQ(partner.authorities.at("HEART"), "urn:oid:1.2.9");
  EXPECT_EQ(partner.events, (std::vector<std::string>{"REF^I12", "OSU^O51"}));
  EXPECT_EQ(partner.code_maps.at("0001").at("W"), "F");
  EXPECT_EQ(partner.control_id_reuse, ControlIdReuse::daily);
  EXPECT_EQ(partner.ref_reply, "rri");
  EXPECT_EQ(partner.application_answers, "return");
  EXPECT_TRUE(partner.sequence_protocol);
  EXPECT_EQ(partner.delivery.accept_ack, "AL");
  EXPECT_EQ(partner.delivery.application_ack, "NE");
  EXPECT_TRUE(partner.version_fallback);
  EXPECT_EQ(partner.delimiters, "$%~\\&");
  EXPECT_EQ(partner.processing_id, "T");
  EXPECT_EQ(partner.required, (std::vector<std::string>{"PV1-19", "PID-3.4"}));
  EXPECT_FALSE(partner.honours_delete);
  EXPECT_EQ(partner.lengths.at("PID-5.1"), 35);
  EXPECT_EQ(partner.time_precision, "minute");
  EXPECT_FALSE(partner.time_offset);
  EXPECT_FALSE(partner.newer_fields);
  EXPECT_TRUE(partner.dictionary_lengths);
  EXPECT_EQ(partner.delivery.mllp.port, 3000);
  EXPECT_EQ(settings->mllp[0].listen.host, "::1");
  EXPECT_TRUE(settings->mllp[0].strict_framing);
}

struct Refused {
  char const* name;
  char const* yaml;
  char const* place;
  char const* what;
};

class ConfigRefuses : public testing::TestWithParam<Refused> {};

TEST_P(ConfigRefuses, NamingFileLineAndKey) {
  auto const settings = parse(GetParam().yaml, "handoff.yaml");
  ASSERT_FALSE(settings);
  EXPECT_EQ(settings.error().source, GetParam().place);
  EXPECT_TRUE(settings.error().diagnostics.find(GetParam().what) != std::string::npos)
      << to_line(settings.error());
}

INSTANTIATE_TEST_SUITE_P(
    Files, ConfigRefuses,
    testing::Values(
        Refused{"UnknownKey", "http:\n  listen: 127.0.0.1:1\n  lisen: x\n", "handoff.yaml line 3",
                "http.lisen: is not a known key"},
        Refused{"UnknownTopKey", "store:\n  path: x\nhttps: {}\n", "handoff.yaml line 3",
                "https: is not a known key"},
        Refused{"BadYaml", "http: [\n", "handoff.yaml line 2", ""},
        Refused{"WrongType", "http: 3\n", "handoff.yaml line 1", "http: must be a mapping"},
        Refused{"BadPort", "http:\n  listen: localhost\n", "handoff.yaml line 2", "must be HOST:PORT"},
        Refused{"PortTooHigh", "http:\n  listen: localhost:65536\n", "handoff.yaml line 2",
                "must be HOST:PORT"},
        Refused{"OpenToTheWorld", "http:\n  listen: 0.0.0.0:80\n", "handoff.yaml line 2", "anonymous: false"},
        Refused{"PlainMllpBeyondLoopback", "mllp:\n  - name: a\n    listen: 0.0.0.0:1\n",
                "handoff.yaml line 3", "needs tls"},
        Refused{"PartnerWithoutName", "partners:\n  - version: 2.4\n", "handoff.yaml line 2",
                "partners[0].name: is missing"},
        Refused{"PartnerTwice", "partners:\n  - name: a\n  - name: a\n", "handoff.yaml line 3",
                "is named twice"},
        Refused{"UnknownVersion", "partners:\n  - name: a\n    version: 9\n", "handoff.yaml line 3",
                "must be one of"},
        Refused{"UnknownPartner", "mllp:\n  - name: a\n    partners: [b]\n", "handoff.yaml line 3",
                "names 'b'"},
        Refused{"KeyWithoutCertificate", "http:\n  tls:\n    key: k\n", "handoff.yaml line 3",
                "come together"},
        Refused{"NoReturnAddress", "partners:\n  - name: a\n    application_answers: return\n",
                "handoff.yaml line 3", "delivery.mllp, which is missing"},
        Refused{"UnknownCondition", "partners:\n  - name: a\n    delivery:\n      accept_ack: XX\n",
                "handoff.yaml line 4", "must be one of"},
        Refused{"BadOffset", "calendar:\n  utc_offset: EST\n", "handoff.yaml line 2", "offset from UTC"},
        Refused{"AdminBeyondLoopback", "admin:\n  listen: 0.0.0.0:8081\n", "handoff.yaml line 2",
                "on loopback alone"},
        Refused{"OperatorWithoutToken", "admin:\n  operators:\n    - name: kim\n", "handoff.yaml line 3",
                "64 hex"},
        Refused{"EqualDelimiters", "partners:\n  - name: a\n    delimiters: '|^^\\&'\n",
                "handoff.yaml line 3", "all different punctuation"},
        Refused{"RequiredIsNoField", "partners:\n  - name: a\n    required: [PID]\n", "handoff.yaml line 3",
                "must be fields"},
        Refused{"LengthOfNothing", "partners:\n  - name: a\n    lengths: { PID-5: 0 }\n",
                "handoff.yaml line 3", "how many characters"},
        Refused{"ShortTokenHash", "clients:\n  - name: a\n    bearer_sha256: abc\n", "handoff.yaml line 3",
                "64 hex"}),
    [](auto const& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace gateway::config
