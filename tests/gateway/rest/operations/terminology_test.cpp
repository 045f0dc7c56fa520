#include "fhir/validate/structure.hpp"
#include "gateway/net/http_listener.hpp"
#include "gateway/net/runtime.hpp"
#include "gateway/rest/operations/stored_terminology.hpp"
#include "tests/gateway/rest/server.hpp"

#include <set>

namespace gateway::rest::testing {
namespace {

constexpr char const* kLetters =
    R"({"resourceType":"CodeSystem","id":"letters","url":"urn:letters","version":"1","status":"active","content":"complete","concept":[)"
    R"({"code":"a","display":"Alpha","concept":[{"code":"b","display":"Beta","designation":[{"language":"de","value":"Beth"}]}]},)"
    R"({"code":"c","display":"Gamma"}]})";
constexpr char const* kSome =
    R"({"resourceType":"ValueSet","id":"some","url":"urn:some","status":"active","compose":{"include":[{"system":"urn:letters",)"
    R"("filter":[{"property":"concept","op":"is-a","value":"a"}]}]}})";
constexpr char const* kMap =
    R"({"resourceType":"ConceptMap","id":"map","url":"urn:map","status":"active","group":[{"source":"urn:letters","target":"urn:numbers",)"
    R"("element":[{"code":"a","target":[{"code":"1","equivalence":"equivalent"}]}]}]})";

void store(Server& server) {
  ASSERT_EQ(server.put("/fhir/CodeSystem/letters", kLetters).status, 201);
  ASSERT_EQ(server.put("/fhir/ValueSet/some", kSome).status, 201);
  ASSERT_EQ(server.put("/fhir/ConceptMap/map", kMap).status, 201);
}

/// The value of a parameter of that name, as text.
std::string value(Reply const& reply, std::string_view name) {
  auto const* const list = reply.json().find("parameter");
  if (list == nullptr) return "no parameters";
  for (auto const& parameter : list->items()) {
    if (parameter.text_at("name") == name) return std::string(parameter.members()[1].value.text());
  }
  return "";
}

std::string codes(Reply const& reply) {
  std::string out;
  auto const* const list = reply.json().at("expansion", "contains");
  if (list == nullptr) return out;
  for (auto const& one : list->items()) out += std::string(one.text_at("code")) + " ";
  return out;
}

TEST(Terminology, ExpandsStoredValueSetsByUrlAndById) {
  Server server;
  store(server);
  Reply const by_url = server.get("/fhir/ValueSet/$expand?url=urn:some&excludeNested=true");
  EXPECT_EQ(by_url.status, 200) << by_url.body;
  EXPECT_EQ(codes(by_url), "a b ");
  EXPECT_EQ(by_url.text("expansion", "timestamp"), "2025-03-03T11:06:40.000Z");
  EXPECT_EQ(codes(server.get("/fhir/ValueSet/some/$expand?excludeNested=true&filter=bet")), "b ");
  EXPECT_EQ(codes(server.get("/fhir/ValueSet/some/$expand?offset=1&count=1")), "b ");
  EXPECT_EQ(server.get("/fhir/ValueSet/none/$expand").status, 404);
  Reply const german =
      server.get("/fhir/ValueSet/some/$expand?offset=1&count=1", {{"Accept-Language", "de"}});
  EXPECT_EQ(german.text("expansion", "contains", 0, "display"), "Beth");
}

TEST(Terminology, ExpandsWhatR4DefinesAndWhatIsPosted) {
  Server server;
  Reply const gender =
      server.get("/fhir/ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/administrative-gender");
  EXPECT_EQ(codes(gender), "male female other unknown ");
  fhir::Issues issues;
  fhir::validate::validate_structure(gender.json(), issues);
  EXPECT_TRUE(issues.empty()) << fhir::to_line(issues.front());
  store(server);
  EXPECT_EQ(
      codes(server.post("/fhir/ValueSet/$expand",
                        R"({"resourceType":"Parameters","parameter":[{"name":"url","valueUri":"urn:some"},)"
                        R"({"name":"excludeNested","valueBoolean":true}]})")),
      "a b ");
  EXPECT_EQ(
      codes(server.post(
          "/fhir/ValueSet/$expand",
          R"({"resourceType":"ValueSet","status":"active","compose":{"include":[{"system":"urn:letters",)"
          R"("concept":[{"code":"c"}]}]}})")),
      "c ");
}

TEST(Terminology, AChangedCodeSystemIsSeenAtOnce) {
  Server server;
  store(server);
  EXPECT_EQ(codes(server.get("/fhir/ValueSet/some/$expand?excludeNested=true")), "a b ");
  std::string changed = kLetters;
  changed.replace(changed.find("\"b\""), 3, "\"z\"");
  ASSERT_EQ(server.put("/fhir/CodeSystem/letters", changed).status, 200);
  EXPECT_EQ(codes(server.get("/fhir/ValueSet/some/$expand?excludeNested=true")), "a z ");
}

TEST(Terminology, ValidatesCodes) {
  Server server;
  store(server);
  Reply const good = server.get("/fhir/ValueSet/$validate-code?url=urn:some&system=urn:letters&code=b");
  EXPECT_EQ(value(good, "result"), "true");
  EXPECT_EQ(value(good, "display"), "Beta");
  EXPECT_EQ(value(server.get("/fhir/ValueSet/some/$validate-code?system=urn:letters&code=c"), "result"),
            "false");
  EXPECT_EQ(value(server.get("/fhir/CodeSystem/$validate-code?url=urn:letters&code=c"), "result"), "true");
  EXPECT_EQ(value(server.get("/fhir/CodeSystem/letters/$validate-code?code=d"), "result"), "false");
  EXPECT_EQ(
      value(
          server.post(
              "/fhir/ValueSet/some/$validate-code",
              R"({"resourceType":"Parameters","parameter":[{"name":"codeableConcept","valueCodeableConcept":)"
              R"({"coding":[{"system":"urn:other","code":"b"},{"system":"urn:letters","code":"b"}]}}]})"),
          "code"),
      "b");
}

TEST(Terminology, ValidatesManyCodesAtOnce) {
  Server server;
  store(server);
  auto const one = [](std::string const& system, std::string const& code) {
    return R"({"name":"validation","resource":{"resourceType":"Parameters","parameter":[{"name":"coding",)"
           R"("valueCoding":{"system":")" +
           system + R"(","code":")" + code + R"("}}]}})";
  };
  std::string const some =
      R"({"resourceType":"Parameters","parameter":[{"name":"url","valueUri":"urn:some"},)" +
      one("urn:letters", "b") + "," + one("urn:letters", "c") + "," + one("urn:nobody", "b") + "]}";
  auto const results = [](Reply const& reply) {
    std::string all;
    for (auto const& parameter : reply.json().find("parameter")->items()) {
      for (auto const& part : parameter.find("resource")->find("parameter")->items()) {
        if (part.text_at("name") == "result") all.append(part.text_at("valueBoolean")).append(" ");
      }
    }
    return all;
  };
  Reply const batch = server.post("/fhir/ValueSet/$batch-validate-code", some);
  EXPECT_EQ(results(batch), "true false false ") << batch.body;
  std::string const in_system = R"({"resourceType":"Parameters","parameter":[)" + one("urn:letters", "c") +
                                "," + one("urn:letters", "y") + "]}";
  EXPECT_EQ(results(server.post("/fhir/CodeSystem/letters/$batch-validate-code", in_system)), "true false ");
  EXPECT_EQ(results(server.post("/fhir/ValueSet/some/$batch-validate-code", in_system)), "false false ");
  EXPECT_EQ(server
                .post("/fhir/ValueSet/$batch-validate-code",
                      R"({"resourceType":"Parameters","parameter":[{"name":"validation","valueCode":"x"}]})")
                .status,
            400);
}

TEST(Terminology, LooksUpSubsumesAndTranslates) {
  Server server;
  store(server);
  EXPECT_EQ(value(server.get("/fhir/CodeSystem/$lookup?system=urn:letters&code=b"), "display"), "Beta");
  Reply const unknown = server.get("/fhir/CodeSystem/$lookup?system=urn:letters&code=y");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(unknown.issue(), "error not-found");
  EXPECT_EQ(value(server.get("/fhir/CodeSystem/$subsumes?system=urn:letters&codeA=a&codeB=b"), "outcome"),
            "subsumes");
  EXPECT_EQ(value(server.get("/fhir/CodeSystem/letters/$subsumes?codeA=b&codeB=a"), "outcome"),
            "subsumed-by");
  Reply const mapped = server.get("/fhir/ConceptMap/$translate?url=urn:map&system=urn:letters&code=a");
  EXPECT_EQ(value(mapped, "result"), "true");
  EXPECT_EQ(mapped.text("parameter", 1, "part", 1, "valueCoding", "code"), "1");
  EXPECT_EQ(value(server.get("/fhir/ConceptMap/map/$translate?system=urn:letters&code=b"), "result"),
            "false");
  EXPECT_EQ(
      value(server.get("/fhir/ConceptMap/$translate?system=urn:letters&code=a&targetsystem=urn:numbers"),
            "result"),
      "true");
}

TEST(Terminology, AsksTheUsersReleaseFiles) {
  Server server;
  Folder const folder;
  auto const releases = std::filesystem::path(HANDOFF_SOURCE_DIR) / "tests/gateway/terminology/releases";
  ASSERT_TRUE(terminology::import_release(fhir::terminology::Release::loinc, releases / "loinc",
                                          folder.path() / "loinc"));
  auto indexes = std::make_shared<terminology::ReleaseIndexes>();
  indexes->add(terminology::open_index(folder.path() / "loinc").value());
  auto const snapshot = server.store().snapshot();
  ASSERT_TRUE(snapshot.has_value());
  fhir::terminology::Terminology const asked(std::make_shared<StoredTerminology>(
      **snapshot, store::AccessPolicy::all(), fhir::packages::Library::r4(), indexes));
  EXPECT_EQ(asked.check_code("http://loinc.org", "90001-1").verdict, fhir::terminology::Verdict::in);
  EXPECT_EQ(asked.check_code("http://loinc.org", "1").verdict, fhir::terminology::Verdict::not_in);
  EXPECT_EQ(asked.check("http://loinc.org/vs", "http://loinc.org", "90001-1").verdict,
            fhir::terminology::Verdict::in);
  EXPECT_EQ(asked.check_code("http://hl7.org/fhir/administrative-gender", "male").verdict,
            fhir::terminology::Verdict::in);
}

TEST(Terminology, AsksAnotherServerForWhatIsNotKnownHere) {
  net::Runtime runtime(net::RuntimeOptions{1, [](fhir::Issue const&) {}});
  runtime.start();
  std::atomic<int> asked{0};
  auto handler = [&](net::HttpRequest) -> net::asio::awaitable<net::HttpResponse> {
    ++asked;
    net::HttpResponse response;
    response.body =
        R"({"resourceType":"Parameters","parameter":[{"name":"display","valueString":"From afar"}]})";
    co_return response;
  };
  auto listener =
      std::make_unique<net::HttpListener>(runtime, net::HttpListenerOptions{}, std::move(handler));
  terminology::RemoteOptions options;
  options.base_url = "http://127.0.0.1:" + std::to_string(listener->port());
  Server server;
  server.remote = terminology::RemoteServer::make(std::move(options)).value();
  server.restart();
  EXPECT_EQ(value(server.get("/fhir/CodeSystem/$lookup?system=urn:far&code=x"), "display"), "From afar");
  EXPECT_EQ(asked, 1);
  Reply const known =
      server.get("/fhir/CodeSystem/$lookup?system=http://hl7.org/fhir/administrative-gender&code=male");
  EXPECT_EQ(value(known, "display"), "Male");
  EXPECT_EQ(asked, 1) << "what is known here is not asked for";
  std::string const coded =
      R"({"resourceType":"Parameters","parameter":[{"name":"url","valueUri":"urn:far"},)"
      R"({"name":"codeableConcept","valueCodeableConcept":{"coding":[{"system":"urn:far","code":"x"}]TEXT}}]})";
  auto const ask_with = [&](std::string_view text) {
    std::string body = coded;
    body.replace(body.find("TEXT"), 4, text);
    (void)server.post("/fhir/ValueSet/$validate-code", body);
  };
  ask_with(R"(,"text":"as the neighbour told")");
  EXPECT_EQ(asked, 1) << "free text is not sent elsewhere";
  ask_with("");
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(value(server.get("/fhir/ConceptMap/$translate?system=urn:far&code=x"), "display"), "From afar");
  EXPECT_EQ(asked, 3) << "no map here speaks of it";
  EXPECT_EQ(value(server.get("/fhir/ConceptMap/$translate?system=http://hl7.org/fhir/administrative-gender"
                             "&code=male&target=http://terminology.hl7.org/ValueSet/v2-0001"),
                  "result"),
            "true");
  EXPECT_EQ(asked, 3);
  listener.reset();
  server.remote = terminology::RemoteServer::make({.base_url = "http://127.0.0.1:1"}).value();
  server.restart();
  Reply const silent = server.get("/fhir/CodeSystem/$lookup?system=urn:far&code=x");
  EXPECT_EQ(silent.status, 404);
  EXPECT_NE(silent.header("Warning"), "");
}

TEST(Terminology, RefusesWhatItDoesNotKnow) {
  Server server;
  store(server);
  Reply const parameter = server.get("/fhir/ValueSet/some/$expand?context=x");
  EXPECT_EQ(parameter.status, 400);
  EXPECT_EQ(parameter.issue(), "error not-supported Parameters.parameter.where(name='context')");
  EXPECT_EQ(server.get("/fhir/ValueSet/some/$expand?context=x", {{"Prefer", "handling=lenient"}}).status,
            200);
  EXPECT_EQ(server.get("/fhir/ValueSet/$expand?url=urn:none").status, 404);
  EXPECT_EQ(server.get("/fhir/ValueSet/$expand").issue(), "error required");
  Reply const outside = server.get("/fhir/ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/body-site");
  EXPECT_EQ(outside.status, 404) << "SNOMED CT is not in the program";
  EXPECT_EQ(outside.issue(), "error not-found");
}

TEST(Terminology, MetadataTellsIt) {
  Server server;
  Reply const reply = server.get("/fhir/metadata");
  EXPECT_EQ(reply.text("instantiates", 0), "http://hl7.org/fhir/CapabilityStatement/terminology-server");
  for (auto const& resource : reply.json().at("rest", 0, "resource")->items()) {
    if (resource.text_at("type") != "ValueSet") continue;
    std::set<std::string> operations;
    for (auto const& operation : resource.find("operation")->items()) {
      EXPECT_TRUE(operations.insert(std::string(operation.text_at("name"))).second)
          << operation.text_at("name");
    }
    EXPECT_TRUE(operations.contains("expand") && operations.contains("validate-code"));
    EXPECT_EQ(resource.text_of("operation", 0, "definition"),
              "http://hl7.org/fhir/OperationDefinition/ValueSet-expand");
  }
  Reply const terms = server.get("/fhir/metadata?mode=terminology");
  EXPECT_EQ(terms.text("resourceType"), "TerminologyCapabilities");
  fhir::Issues issues;
  fhir::validate::validate_structure(terms.json(), issues);
  EXPECT_TRUE(issues.empty()) << fhir::to_line(issues.front());
  std::set<std::string_view> names;
  for (auto const& one : terms.json().at("expansion", "parameter")->items())
    names.insert(one.text_at("name"));
  for (char const* const name :  // those that the tx-ecosystem's test term-caps asks for
       {"activeOnly", "check-system-version", "count", "displayLanguage", "excludeNested",
        "force-system-version", "includeDefinition", "includeDesignations", "offset", "property",
        "system-version", "tx-resource"})
    EXPECT_TRUE(names.contains(name)) << name;
}

}  // namespace
}  // namespace gateway::rest::testing
