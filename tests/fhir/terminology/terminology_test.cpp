#include "fhir/terminology/terminology.hpp"

#include "fhir/json/writer.hpp"
#include "fhir/terminology/codes.hpp"
#include "fhir/terminology/language.hpp"
#include "fhir/terminology/library_source.hpp"
#include "tests/fhir/support/examples.hpp"

#include <gtest/gtest.h>

#include <map>

namespace fhir::terminology {
namespace {

/// Resources written in a test, found by url.
class TestSource : public Source {
 public:
  void add(std::string_view bytes) {
    auto const document = std::make_shared<json::Document>(fhir::test::read(bytes));
    resources_.push_back(SharedElement(document, &document->root));
  }
  std::optional<Found> find(std::string_view type, std::string_view url,
                            std::string_view version) const override {
    for (SharedElement const& one : resources_) {
      bool const fits = one->text_at("resourceType") == type && one->text_at("url") == url;
      if (fits && (version.empty() || version == one->text_at("version"))) return Found{one, {}};
    }
    return std::nullopt;
  }
  std::vector<Found> concept_maps() const override {
    std::vector<Found> all;
    for (SharedElement const& one : resources_) {
      if (one->text_at("resourceType") == "ConceptMap") all.push_back({one, {}});
    }
    return all;
  }

 private:
  std::vector<SharedElement> resources_;
};

// a > b > d, a > c; d is below c as well, by its property. e is alone and inactive.
constexpr char const* kLetters =
    R"({"resourceType":"CodeSystem","url":"urn:letters","version":"2","content":"complete","caseSensitive":true,"concept":[)"
    R"({"code":"a","display":"Alpha","concept":[{"code":"b","display":"Beta","concept":[{"code":"d","display":"Delta",)"
    R"("property":[{"code":"parent","valueCode":"c"},{"code":"kind","valueString":"soft"}]}]},{"code":"c","display":"Gamma"}]},)"
    R"({"code":"e","display":"Epsilon","property":[{"code":"status","valueCode":"retired"},{"code":"kind","valueString":"hard"}]}]})";

std::string value_set(std::string const& url, std::string const& compose) {
  return R"({"resourceType":"ValueSet","status":"active","url":")" + url + R"(","compose":{)" + compose +
         "}}";
}

std::string by_filter(std::string const& property, std::string const& operation, std::string const& value) {
  return value_set("urn:vs", R"("include":[{"system":"urn:letters","filter":[{"property":")" + property +
                                 R"(","op":")" + operation + R"(","value":")" + value + R"("}]}])");
}

struct World {
  std::shared_ptr<TestSource> source = std::make_shared<TestSource>();
  Terminology terminology;

  explicit World(Limits limits = {}) : terminology(source, limits) { source->add(kLetters); }
};

Answer ask(Answer (Terminology::*operation)(Request const&) const, Terminology const& terminology,
           std::string const& parameters) {
  auto const body = fhir::test::read(R"({"resourceType":"Parameters","parameter":[)" + parameters + "]}");
  Request request;
  request.parameters = &body.root;
  request.now = "2026-01-31T10:00:00Z";
  request.identifier = "urn:uuid:1";
  return (terminology.*operation)(request);
}

/// The codes of urn:vs in order, or the Issue.
std::string expanded(World const& world, std::string const& more = "") {
  Answer const answer =
      ask(&Terminology::expand, world.terminology,
          R"({"name":"url","valueUri":"urn:vs"},{"name":"excludeNested","valueBoolean":true})" + more);
  if (answer.failure) return to_line(*answer.failure);
  std::string codes;
  auto const* const list = answer.document.root.at("expansion", "contains");
  if (list == nullptr) return codes;
  for (auto const& one : list->items())
    codes += std::string(codes.empty() ? "" : " ") + std::string(one.text_at("code"));
  return codes;
}

std::string expanded_by(std::string const& property, std::string const& operation, std::string const& value) {
  World world;
  world.source->add(by_filter(property, operation, value));
  return expanded(world);
}

TEST(Expand, TakesEveryFilterOperator) {
  EXPECT_EQ(expanded_by("concept", "is-a", "b"), "b d");
  EXPECT_EQ(expanded_by("concept", "is-a", "c"), "d c") << "by a property, not by nesting";
  EXPECT_EQ(expanded_by("concept", "descendent-of", "a"), "b d c");
  EXPECT_EQ(expanded_by("concept", "is-not-a", "b"), "a c e");
  EXPECT_EQ(expanded_by("concept", "generalizes", "d"), "a b d c");
  EXPECT_EQ(expanded_by("concept", "child-of", "a"), "b c");
  EXPECT_EQ(expanded_by("concept", "descendent-leaf", "a"), "d");
  EXPECT_EQ(expanded_by("concept", "in", "a,e"), "a e");
  EXPECT_EQ(expanded_by("concept", "not-in", "a,e"), "b d c");
  EXPECT_EQ(expanded_by("concept", "regex", "[a-b]"), "a b");
  EXPECT_EQ(expanded_by("display", "regex", ".*eta"), "b");
  EXPECT_EQ(expanded_by("kind", "=", "soft"), "d");
  EXPECT_EQ(expanded_by("kind", "exists", "true"), "d e");
  EXPECT_EQ(expanded_by("kind", "exists", "false"), "a b c");
  EXPECT_EQ(expanded_by("parent", "=", "a"), "b c");
}

TEST(Expand, RefusesFiltersThatCannotBe) {
  EXPECT_EQ(expanded_by("concept", "near", "b"),
            "error invalid ValueSet.compose.include[0].filter[0]: There is no filter operator 'near'");
  EXPECT_TRUE(expanded_by("concept", "regex", "[")
                  .starts_with("error invalid ValueSet.compose.include[0].filter[0]"));
}

TEST(Expand, PagesAndSearches) {
  World world;
  world.source->add(value_set("urn:vs", R"("include":[{"system":"urn:letters"}])"));
  EXPECT_EQ(expanded(world, R"(,{"name":"offset","valueInteger":1},{"name":"count","valueInteger":2})"),
            "b d");
  EXPECT_EQ(expanded(world, R"(,{"name":"filter","valueString":"ELT a"})"), "d");
  EXPECT_EQ(expanded(world, R"(,{"name":"activeOnly","valueBoolean":true})"), "a b d c");
  EXPECT_EQ(expanded(world, R"(,{"name":"count","valueInteger":-1})"),
            "error value: The parameter count is a whole number from 0");
}

TEST(Expand, OfConceptsThatStandAboveOneAnotherLosesNone) {
  World world;
  world.source->add(
      R"({"resourceType":"CodeSystem","url":"urn:ring","content":"complete","concept":[)"
      R"({"code":"x","property":[{"code":"parent","valueCode":"y"}]},{"code":"y","property":[{"code":"parent","valueCode":"x"}]}]})");
  world.source->add(value_set(
      "urn:vs",
      R"("include":[{"system":"urn:ring","filter":[{"property":"concept","op":"is-a","value":"x"}]}])"));
  Answer const answer = ask(&Terminology::expand, world.terminology, R"({"name":"url","valueUri":"urn:vs"})");
  ASSERT_FALSE(answer.failure);
  EXPECT_EQ(answer.document.root.at("expansion", "contains")->size(), 2U);
}

TEST(Expand, OfAVeryLongLineOfConceptsIsAList) {
  World world;
  std::string system =
      R"({"resourceType":"CodeSystem","url":"urn:line","content":"complete","concept":[{"code":"0"})";
  for (int i = 1; i < 900; ++i) {
    system += R"(,{"code":")" + std::to_string(i) + R"(","property":[{"code":"parent","valueCode":")" +
              std::to_string(i - 1) + R"("}]})";
  }
  world.source->add(system + "]}");
  world.source->add(value_set("urn:vs", R"("include":[{"system":"urn:line"}])"));
  Answer const answer = ask(&Terminology::expand, world.terminology, R"({"name":"url","valueUri":"urn:vs"})");
  ASSERT_FALSE(answer.failure);
  EXPECT_EQ(answer.document.root.at("expansion", "contains")->size(), 900U);
}

TEST(Expand, OfValueSetsThatIncludeOneAnotherIsRefused) {
  World world;
  world.source->add(value_set("urn:vs", R"("include":[{"valueSet":["urn:other"]}])"));
  world.source->add(
      value_set("urn:other", R"("include":[{"system":"urn:letters"}],"exclude":[{"valueSet":["urn:vs"]}])"));
  EXPECT_TRUE(expanded(world).starts_with("error processing: The value set urn:vs includes itself"));
  EXPECT_EQ(world.terminology.check("urn:vs", "urn:letters", "a").verdict, Verdict::unknown);
}

TEST(Expand, ThatNeedsTooMuchIsTooCostly) {
  World world(Limits{.codes_max = 3, .page_max = 2, .work_max = 100});
  world.source->add(value_set("urn:vs", R"("include":[{"system":"urn:letters"}])"));
  EXPECT_TRUE(expanded(world).starts_with("error too-costly"));
  EXPECT_EQ(expanded(world, R"(,{"name":"count","valueInteger":2})"), "a b");
  EXPECT_TRUE(expanded(world, R"(,{"name":"count","valueInteger":3})").starts_with("error too-costly"));

  World deep(Limits{.work_max = 1000});
  for (int i = 0; i < 20; ++i) {  // each includes the next one twice: a million ways down
    std::string const next = "urn:" + std::to_string(i + 1);
    deep.source->add(
        value_set(i == 0 ? "urn:vs" : "urn:" + std::to_string(i),
                  R"("include":[{"valueSet":[")" + next + R"("]},{"valueSet":[")" + next + R"("]}])"));
  }
  deep.source->add(value_set("urn:20", R"("include":[{"system":"urn:letters"}])"));
  EXPECT_TRUE(expanded(deep).starts_with("error too-costly"));
}

TEST(Expand, OfAnUnknownSystemListsWhatIsListedAndRefusesTheRest) {
  World world;
  world.source->add(
      value_set("urn:vs", R"("include":[{"system":"urn:unknown","concept":[{"code":"x","display":"X"}]}])"));
  EXPECT_EQ(expanded(world), "x");
  World filtered;
  filtered.source->add(value_set("urn:vs", R"("include":[{"system":"urn:unknown"}])"));
  EXPECT_TRUE(expanded(filtered).starts_with("error not-found"));
}

TEST(Check, TellsInAndNotInAndUnknown) {
  World world;
  world.source->add(by_filter("concept", "is-a", "b"));
  world.source->add(
      value_set("urn:outside",
                R"("include":[{"system":"urn:unknown","filter":[{"property":"x","op":"=","value":"y"}]},)"
                R"({"system":"urn:listed","concept":[{"code":"x"}]}])"));
  Terminology const& terminology = world.terminology;
  EXPECT_EQ(terminology.check("urn:vs", "urn:letters", "d").verdict, Verdict::in);
  EXPECT_EQ(terminology.check("urn:vs", "urn:letters", "c").verdict, Verdict::not_in);
  EXPECT_EQ(terminology.check("urn:vs", "urn:letters", "z").verdict, Verdict::not_in);
  EXPECT_EQ(terminology.check("urn:vs", "urn:else", "d").verdict, Verdict::not_in);
  EXPECT_EQ(terminology.check("urn:vs", "", "d").verdict, Verdict::in) << "the value set tells the system";
  EXPECT_EQ(terminology.check("urn:vs", "", "c").verdict, Verdict::not_in);
  EXPECT_EQ(terminology.check("urn:none", "urn:letters", "d").verdict, Verdict::unknown);
  EXPECT_EQ(terminology.check("urn:outside", "urn:unknown", "d").verdict, Verdict::unknown);
  EXPECT_EQ(terminology.check("urn:outside", "urn:listed", "x").verdict, Verdict::in);
  EXPECT_EQ(terminology.check("urn:outside", "urn:listed", "y").verdict, Verdict::not_in);
  Checked const wrong = terminology.check("urn:vs", "urn:letters", "d", "Dolta");
  EXPECT_EQ(wrong.verdict, Verdict::in);
  EXPECT_TRUE(wrong.wrong_display);
  EXPECT_EQ(wrong.display, "Delta");
  EXPECT_EQ(terminology.check_code("urn:letters", "d").verdict, Verdict::in);
  EXPECT_EQ(terminology.check_code("urn:letters", "z").verdict, Verdict::not_in);
  EXPECT_EQ(terminology.check_code("urn:unknown", "z").verdict, Verdict::unknown);
  Checked const old = terminology.check_code("urn:letters", "a", "", "1");
  EXPECT_EQ(old.verdict, Verdict::unknown);
  EXPECT_EQ(old.message,
            "A definition for CodeSystem 'urn:letters' version '1' could not be found, so the code cannot be "
            "validated. "
            "Valid versions: 2");
}

TEST(Check, AnswersValidators) {
  auto const source = std::make_shared<TestSource>();
  source->add(kLetters);
  source->add(by_filter("concept", "is-a", "b"));
  Codes const codes(std::make_shared<Terminology const>(source));
  auto const verdict = codes.check_in_value_set("urn:vs", {"urn:letters", "", "b", "Bet", false});
  EXPECT_EQ(verdict.membership, validate::Membership::in);
  EXPECT_EQ(verdict.message, "");
  EXPECT_TRUE(verdict.is_display_wrong);
  EXPECT_EQ(verdict.display_message,
            "Wrong Display Name 'Bet' for urn:letters#b. Valid display is 'Beta' (for the language(s) '--')");
  EXPECT_EQ(codes.check_in_value_set("urn:vs", {"", "", "b", "", true}).membership,
            validate::Membership::not_in);
  EXPECT_EQ(codes.check_in_value_set("urn:vs", {"", "", "b", "", false}).membership,
            validate::Membership::in);
  EXPECT_EQ(codes.check_in_code_system({"urn:letters", "", "x", "", false}).membership,
            validate::Membership::not_in);
  EXPECT_EQ(codes.check_in_code_system({"urn:x", "", "x", "", false}).membership,
            validate::Membership::unknown);
}

TEST(Subsumes, TellsWhichOneIsAbove) {
  World world;
  auto const outcome = [&](std::string const& a, std::string const& b) {
    Answer const answer = ask(&Terminology::subsumes, world.terminology,
                              R"({"name":"system","valueUri":"urn:letters"},{"name":"codeA","valueCode":")" +
                                  a + R"("},{"name":"codeB","valueCode":")" + b + R"("})");
    if (answer.failure) return to_line(*answer.failure);
    return std::string(answer.document.root.text_of("parameter", 0, "valueCode"));
  };
  EXPECT_EQ(outcome("a", "d"), "subsumes");
  EXPECT_EQ(outcome("d", "c"), "subsumed-by");
  EXPECT_EQ(outcome("d", "d"), "equivalent");
  EXPECT_EQ(outcome("b", "c"), "not-subsumed");
  EXPECT_TRUE(outcome("b", "z").starts_with("error not-found"));
  EXPECT_TRUE(world.terminology.is_above("urn:letters", "a", "d").value());
  EXPECT_FALSE(world.terminology.is_above("urn:letters", "d", "a").value());
  EXPECT_FALSE(world.terminology.is_above("urn:none", "d", "a").has_value());
}

constexpr char const* kMap =
    R"({"resourceType":"ConceptMap","url":"urn:map","status":"active","group":[{"source":"urn:letters","target":"urn:numbers",)"
    R"("element":[{"code":"a","target":[{"code":"1","display":"One","equivalence":"equivalent"}]},)"
    R"({"code":"b","target":[{"code":"2","equivalence":"wider"}]},{"code":"e","target":[{"code":"9","equivalence":"unmatched"}]}],)"
    R"("unmapped":{"mode":"fixed","code":"0","display":"Other"}}]})";

std::string translated(std::string const& parameters) {
  World world;
  world.source->add(kMap);
  Answer const answer = ask(&Terminology::translate, world.terminology, parameters);
  if (answer.failure) return to_line(*answer.failure);
  return json::write(*answer.document.root.find("parameter"));
}

TEST(Translate, AnswersInR4sWords) {
  EXPECT_EQ(
      translated(
          R"({"name":"url","valueUri":"urn:map"},{"name":"system","valueUri":"urn:letters"},{"name":"code","valueCode":"b"})"),
      R"([{"name":"result","valueBoolean":true},{"name":"match","part":[{"name":"equivalence","valueCode":"wider"},)"
      R"({"name":"concept","valueCoding":{"system":"urn:numbers","code":"2"}},{"name":"source","valueUri":"urn:map"}]}])");
}

TEST(Translate, FindsMapsAndGoesBackwards) {
  EXPECT_EQ(
      translated(
          R"({"name":"coding","valueCoding":{"system":"urn:numbers","code":"1"}},{"name":"reverse","valueBoolean":true})"),
      R"([{"name":"result","valueBoolean":true},{"name":"match","part":[{"name":"equivalence","valueCode":"equivalent"},)"
      R"({"name":"concept","valueCoding":{"system":"urn:letters","code":"a"}},{"name":"source","valueUri":"urn:map"}]}])");
}

TEST(Translate, TellsWhatIsNotMapped) {
  EXPECT_NE(translated(R"({"name":"system","valueUri":"urn:letters"},{"name":"code","valueCode":"zz"})")
                .find(R"("code":"0")"),
            std::string::npos);
  EXPECT_TRUE(translated(R"({"name":"system","valueUri":"urn:letters"},{"name":"code","valueCode":"e"})")
                  .starts_with(R"([{"name":"result","valueBoolean":false})"));
  EXPECT_TRUE(translated("").starts_with("error required"));
  EXPECT_TRUE(translated(R"({"name":"url","valueUri":"urn:nomap"},{"name":"code","valueCode":"e"})")
                  .starts_with("error not-found"));
}

TEST(Languages, AreRankedAndMayShutOutOthers) {
  Languages const languages("de;q=0.5, en-AU, fr;q=0, *;q=0");
  EXPECT_EQ(languages.tags(), (std::vector<std::string>{"en-AU", "de"}));
  EXPECT_FALSE(languages.takes_others());
  EXPECT_TRUE(languages.wants("de-CH"));
  EXPECT_FALSE(languages.wants("den"));
  EXPECT_TRUE(Languages("de").takes_others());
}

TEST(Terminology, ExpandsR4sOwnValueSetsOrSaysWhatIsMissing) {
  auto const library = packages::Library::r4();
  Terminology const terminology(std::make_shared<LibrarySource>(library));
  std::map<std::string, int> outcomes;
  for (packages::Entry const* const entry : library->list("ValueSet")) {
    Answer const answer = ask(&Terminology::expand, terminology,
                              R"({"name":"url","valueUri":")" + std::string(entry->url) +
                                  R"("},{"name":"count","valueInteger":10})");
    ++outcomes[answer.failure ? std::string(to_code(answer.failure->code)) : "expanded"];
  }
  std::cout << outcomes["expanded"] << " of R4's value sets expand, " << outcomes["not-found"]
            << " need a code system that is not here, " << outcomes["too-costly"]
            << " are of a grammar (UCUM, BCP 13, BCP 47), which cannot be listed\n";
  EXPECT_EQ(outcomes.size(), 3U) << "nothing else goes wrong";
  EXPECT_EQ(outcomes["too-costly"], 5);
  EXPECT_GT(outcomes["expanded"], 1000);
}

TEST(Terminology, KnowsTheUnitsOfUcum) {
  Terminology const terminology(std::make_shared<LibrarySource>(packages::Library::r4()));
  constexpr std::string_view kUnits = "http://unitsofmeasure.org";
  EXPECT_EQ(terminology.check_code(kUnits, "10*3/uL").verdict, Verdict::in);
  EXPECT_EQ(terminology.check_code(kUnits, "{beats}/min").verdict, Verdict::in);
  EXPECT_EQ(terminology.check_code(kUnits, "mgg").verdict, Verdict::not_in);
  EXPECT_EQ(terminology.check_code(kUnits, "mg", "mg", "1.9").verdict, Verdict::unknown) << "another version";
  EXPECT_FALSE(terminology.check_code(kUnits, "mg", "milligram").wrong_display)
      << "units have no names there";
  Answer const looked_up =
      ask(&Terminology::lookup, terminology,
          R"({"name":"system","valueUri":"http://unitsofmeasure.org"},{"name":"code","valueCode":"mg/dL"})");
  EXPECT_NE(json::write(looked_up.document.root).find(R"("display","valueString":"mg/dL")"),
            std::string::npos);
  constexpr std::string_view kTimes = "http://hl7.org/fhir/ValueSet/all-time-units";
  EXPECT_EQ(terminology.check(kTimes, kUnits, "min").verdict, Verdict::in);
  EXPECT_EQ(terminology.check(kTimes, kUnits, "mg").verdict, Verdict::not_in);
}

TEST(Terminology, KnowsMediaTypesAndLanguages) {
  Terminology const terminology(std::make_shared<LibrarySource>(packages::Library::r4()));
  auto const check = [&](std::string_view value_set, std::string_view code) {
    return terminology.check(value_set, "", code).verdict;
  };
  for (std::string_view const value_set :
       {"http://hl7.org/fhir/ValueSet/mimetypes|4.0.1", "http://www.rfc-editor.org/bcp/bcp13.txt"}) {
    for (std::string_view const code :
         {"application/pdf", "text/plain; charset=UTF-8", "application/hl7-v3+xml",
          "application/vnd.ms-excel", "text/cql", "json", "multipart/mixed;boundary=\"a b\""})
      EXPECT_EQ(check(value_set, code), Verdict::in) << code;
    for (std::string_view const code : {"pdf", "application/", "/pdf", "text plain", "text/plain;", "a/b/c"})
      EXPECT_EQ(check(value_set, code), Verdict::not_in) << code;
  }
  constexpr std::string_view kLanguages = "http://hl7.org/fhir/ValueSet/all-languages";
  for (std::string_view const code :
       {"en", "en-US", "zh-Hans-CN", "de-CH-1996", "sl-rozaj", "es-419", "x-ours", "i-klingon", "de-x-ours"})
    EXPECT_EQ(check(kLanguages, code), Verdict::in) << code;
  for (std::string_view const code : {"english", "e!", "en_US", "", "en-"})
    EXPECT_NE(check(kLanguages, code), Verdict::in) << code;
}

TEST(Terminology, KnowsR4sOwnValueSets) {
  Terminology const terminology(std::make_shared<LibrarySource>(packages::Library::r4()));
  EXPECT_EQ(terminology.check("http://hl7.org/fhir/ValueSet/administrative-gender", "", "female").verdict,
            Verdict::in);
  EXPECT_EQ(terminology.check("http://hl7.org/fhir/ValueSet/administrative-gender", "", "femal").verdict,
            Verdict::not_in);
  EXPECT_EQ(terminology
                .check("http://terminology.hl7.org/ValueSet/v3-ActEncounterCode",
                       "http://terminology.hl7.org/CodeSystem/v3-ActCode", "AMB")
                .verdict,
            Verdict::in);
  EXPECT_EQ(
      terminology.check("http://hl7.org/fhir/ValueSet/body-site", "http://snomed.info/sct", "106004").verdict,
      Verdict::unknown);
}

}  // namespace
}  // namespace fhir::terminology
