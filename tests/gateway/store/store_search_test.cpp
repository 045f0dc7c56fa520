// Searching by the index: what it finds, in which order, page by page; and by which plan.
#include "fhir/search/match.hpp"
#include "fhir/search/query.hpp"
#include "gateway/store/secret.hpp"
#include "gateway/store/sqlite/database.hpp"
#include "gateway/store/sqlite/search_plan.hpp"
#include "tests/gateway/store/store_fixture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <random>
#include <set>

namespace gateway::store {
namespace {

fhir::search::Query query_of(std::string_view type, std::string_view text) {
  auto query = fhir::search::parse_query(type, text, fhir::search::Handling::strict);
  EXPECT_TRUE(query) << type << "?" << text << ": " << (query ? "" : query.error().diagnostics);
  return query ? std::move(*query) : fhir::search::Query{};
}

/// "p1 p2 +e1": ids in order, included ones with a plus.
std::string ids_of(SearchPage const& page) {
  std::string ids;
  for (auto const& entry : page.entries)
    ids += (ids.empty() ? "" : " ") + std::string(entry.included ? "+" : "") + entry.version.id;
  return ids;
}

struct SearchTest : testing::Test {
  StoreHome home;

  void put_all(std::initializer_list<char const*> resources) {
    for (auto const* json : resources) {
      home.now->fetch_add(1000);
      must(home.store->commit_and_wait(put_json(json)));
    }
  }
  SearchPage search(std::string_view type, std::string_view text, std::string cursor = {}) {
    auto query = query_of(type, text);
    query.cursor = std::move(cursor);
    auto page = view(*home.store)->search(AccessPolicy::all(), query);
    EXPECT_TRUE(page) << type << "?" << text << ": " << (page ? "" : page.error().diagnostics);
    return page ? std::move(*page) : SearchPage{};
  }
  std::string found(std::string_view type, std::string_view text) { return ids_of(search(type, text)); }
  fhir::Issue refusal(std::string_view type, std::string_view text, std::string cursor = {}) {
    auto query = query_of(type, text);
    query.cursor = std::move(cursor);
    auto page = view(*home.store)->search(AccessPolicy::all(), query);
    EXPECT_FALSE(page) << type << "?" << text;
    return page ? fhir::Issue{} : page.error();
  }
};

constexpr std::initializer_list<char const*> kWard = {
    R"({"resourceType":"Patient","id":"p1","active":true,"birthDate":"1980-05-01","gender":"female",
        "name":[{"family":"Strand","given":["Ida","Maj"]}],
        "identifier":[{"system":"urn:mrn","value":"1","type":{"coding":[{"system":"urn:t","code":"MR"}]}}]})",
    R"({"resourceType":"Patient","id":"p2","active":false,"birthDate":"1980","gender":"male",
        "name":[{"family":"Str\u00f6m"}],"identifier":[{"system":"urn:mrn","value":"2"},{"value":"1"}]})",
    R"({"resourceType":"Patient","id":"p3","name":[{"family":"Berg"}],"managingOrganization":{"reference":"Organization/g1"}})",
    R"({"resourceType":"Organization","id":"g1","name":"North","partOf":{"reference":"Organization/g2"}})",
    R"({"resourceType":"Organization","id":"g2","name":"Region"})",
    R"({"resourceType":"Observation","id":"o1","status":"final","subject":{"reference":"Patient/p1"},
        "code":{"coding":[{"system":"http://loinc.org","code":"718-7","display":"Hemoglobin"}]},
        "effectiveDateTime":"2024-03-01T10:00:00Z",
        "valueQuantity":{"value":11.4,"unit":"g/dL","system":"http://unitsofmeasure.org","code":"g/dL"}})",
    R"({"resourceType":"Observation","id":"o2","status":"final","subject":{"reference":"Patient/p1"},
        "code":{"coding":[{"system":"http://loinc.org","code":"2951-2"}]},
        "effectiveDateTime":"2024-03-02","valueQuantity":{"value":138,"unit":"mmol/L"}})",
    R"({"resourceType":"Observation","id":"o3","status":"preliminary",
        "subject":{"reference":"Patient/p2","identifier":{"system":"urn:mrn","value":"2"}},
        "code":{"coding":[{"system":"http://loinc.org","code":"718-7"}]},
        "effectivePeriod":{"start":"2024-02-28","end":"2024-03-05"},
        "component":[{"code":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]},"valueQuantity":{"value":120}},
                     {"code":{"coding":[{"system":"http://loinc.org","code":"8462-4"}]},"valueQuantity":{"value":80}}]})",
    R"({"resourceType":"Provenance","id":"v1","target":[{"reference":"Observation/o1"},{"reference":"Observation/o2"}],
        "recorded":"2024-03-01T10:00:00Z","agent":[{"who":{"reference":"Organization/g1"}}]})",
    R"({"resourceType":"ValueSet","id":"s1","status":"active","url":"http://example.org/vs/one"})",
    R"({"resourceType":"RiskAssessment","id":"r1","status":"final","subject":{"reference":"Patient/p1"},
        "prediction":[{"probabilityDecimal":0.25}]})"};

TEST_F(SearchTest, FindsByEveryTypeOfParameterPrefixAndModifier) {
  put_all(kWard);
  struct Case {
    char const* type;
    char const* query;
    char const* ids;
  };
  constexpr Case kCases[] = {
      {"Patient", "", "p1 p2 p3"},
      {"Patient", "_id=p2", "p2"},
      {"Patient", "_id=p3,p1,nobody", "p1 p3"},
      {"Patient", "_id=p2&gender=female", ""},
      // token
      {"Patient", "gender=female", "p1"},
      {"Patient", "gender=female,male", "p1 p2"},
      {"Patient", "gender:not=male", "p1 p3"},
      {"Patient", "gender:missing=true", "p3"},
      {"Patient", "gender:missing=false", "p1 p2"},
      {"Patient", "active=true", "p1"},
      {"Patient", "identifier=1", "p1 p2"},
      {"Patient", "identifier=urn:mrn|1", "p1"},
      {"Patient", "identifier=|1", "p2"},
      {"Patient", "identifier=urn:mrn|", "p1 p2"},
      {"Patient", "identifier:of-type=urn:t|MR|1", "p1"},
      {"Patient", "identifier:of-type=urn:t|XX|1", ""},
      {"Observation", "code=http://loinc.org|718-7", "o1 o3"},
      {"Observation", "code:text=globin", "o1"},
      // string
      {"Patient", "family=str", "p1 p2"},
      {"Patient", "family=strom", "p2"},
      {"Patient", "family:exact=Str%C3%B6m", "p2"},
      {"Patient", "family:exact=strom", ""},
      {"Patient", "name:contains=er", "p3"},
      {"Patient", "given=ma,be", "p1"},
      {"Patient", "name=ida&family=strand", "p1"},
      // date
      {"Patient", "birthdate=1980", "p1 p2"},
      {"Patient", "birthdate=1980-05-01", "p1"},
      {"Patient", "birthdate=ne1980-05-01", "p2"},
      {"Patient", "birthdate=gt1980-06", "p2"},
      {"Patient", "birthdate=lt1980-05-01", "p2"},
      {"Observation", "date=2024-03-01", "o1"},
      {"Observation", "date=ge2024-03-02", "o2 o3"},
      {"Observation", "date=sa2024-03-01", "o2"},
      {"Observation", "date=eb2024-03-02", "o1"},
      {"Observation", "date=ge2024-03-01&date=le2024-03-01", "o1 o3"},
      {"Patient", "_lastUpdated=ge2023-11-14", "p1 p2 p3"},
      {"Patient", "_lastUpdated=lt2023-11-14", ""},
      // reference
      {"Observation", "subject=Patient/p1", "o1 o2"},
      {"Observation", "patient=p2", "o3"},
      {"Observation", "subject:Patient=p1", "o1 o2"},
      {"Observation", "subject:Group=p1", ""},
      {"Observation", "subject=http://elsewhere.org/Patient/p1", ""},
      {"Observation", "subject:identifier=urn:mrn|2", "o3"},
      {"Observation", "patient=p1&code=718-7&status=final", "o1"},
      // quantity, number, uri
      {"Observation", "value-quantity=11.4", "o1"},
      {"Observation", "value-quantity=gt11.3", "o1 o2"},
      {"Observation", "value-quantity=11.4|http://unitsofmeasure.org|g/dL", "o1"},
      {"Observation", "value-quantity=138||mmol/L", "o2"},
      {"Observation", "value-quantity=138||g/dL", ""},
      {"RiskAssessment", "probability=gt0.2", "r1"},
      {"RiskAssessment", "probability=0.25", "r1"},
      {"RiskAssessment", "probability=0.35", ""},
      {"ValueSet", "url=http://example.org/vs/one", "s1"},
      {"ValueSet", "url=http://example.org/vs", ""},
      // composite
      {"Observation", "code-value-quantity=http://loinc.org|718-7$11.4", "o1"},
      {"Observation", "code-value-quantity=http://loinc.org|2951-2$11.4", ""},
      {"Observation", "component-code-value-quantity=http://loinc.org|8480-6$120", "o3"},
      {"Observation", "component-code-value-quantity=http://loinc.org|8480-6$80", ""},
      // chains and _has
      {"Observation", "subject:Patient.family=strand", "o1 o2"},
      {"Patient", "organization.name=north", "p3"},
      {"Patient", "organization.partof.name=region", "p3"},
      {"Patient", "_has:Observation:patient:code=718-7", "p1 p2"},
      {"Patient", "_has:Observation:patient:status=preliminary&gender=male", "p2"},
      // sorting: absent values last, ties by age
      {"Patient", "_sort=family", "p3 p1 p2"},
      {"Patient", "_sort=-family", "p2 p1 p3"},
      {"Patient", "_sort=-birthdate", "p2 p1 p3"},
      {"Patient", "_sort=gender,-_id", "p1 p2 p3"},
      {"Patient", "_sort=-_lastUpdated", "p3 p2 p1"},
      {"Observation", "_sort=subject,-date", "o2 o1 o3"},
      // includes do not count as matches
      {"Observation", "status=final&_count=1&_include=Observation:subject", "o1 +p1"},
      {"Observation", "patient=p1&_include=Observation:patient&_revinclude=Provenance:target",
       "o1 o2 +p1 +v1"},
      {"Patient", "_id=p3&_include=Patient:organization&_include:iterate=Organization:partof", "p3 +g1 +g2"},
      {"Patient", "_id=p3&_include=Patient:organization&_include=Organization:partof", "p3 +g1"},
      {"Patient", "_id=p3&_include=Patient:*", "p3 +g1"},
      {"Observation", "_id=o2&_revinclude=Provenance:*", "o2 +v1"},
      {"Organization", "_id=g2&_revinclude=Organization:partof", "g2 +g1"},
  };
  for (auto const& test : kCases)
    EXPECT_EQ(found(test.type, test.query), test.ids) << test.type << "?" << test.query;
}

TEST_F(SearchTest, WhatTheIndexCannotAnswerIsRefusedByName) {
  put_all(kWard);
  for (auto const* query : {"code:below=http://loinc.org|718-7", "code:in=http://example.org/vs/one"}) {
    auto typed = fhir::search::parse_query("Observation", query, fhir::search::Handling::strict);
    if (!typed) continue;  // refused at the door already
    auto const page = view(*home.store)->search(AccessPolicy::all(), *typed);
    ASSERT_FALSE(page) << query;
    EXPECT_EQ(page.error().code, fhir::IssueType::not_supported);
    EXPECT_NE(page.error().diagnostics.find("code"), std::string::npos);
  }
}

TEST_F(SearchTest, DeletedAndChangedResourcesAreNoLongerFoundByWhatTheyWere) {
  put_all(kWard);
  must(home.store->commit_and_wait([](Unit& unit) { return unit.remove("Patient", "p1", "test"); }));
  put_all({R"({"resourceType":"Patient","id":"p2","gender":"other"})"});
  EXPECT_EQ(found("Patient", ""), "p2 p3");
  EXPECT_EQ(found("Patient", "_id=p1"), "");
  EXPECT_EQ(found("Patient", "gender:not=other"), "p3");
  EXPECT_EQ(found("Patient", "gender=male"), "");
  EXPECT_EQ(found("Patient", "gender=other"), "p2");
  EXPECT_EQ(found("Patient", "_has:Observation:patient:code=2951-2"), "") << "its only patient is deleted";
  EXPECT_EQ(found("Observation", "_id=o1&_include=Observation:subject"), "o1");
  put_all({R"({"resourceType":"Patient","id":"p1","gender":"female"})"});
  EXPECT_EQ(found("Patient", "gender=female"), "p1");
}

TEST_F(SearchTest, ATotalCountsMatchesAndNotIncludes) {
  put_all(kWard);
  EXPECT_EQ(search("Observation", "_count=1&_total=accurate&_include=Observation:subject").total, 3);
  EXPECT_EQ(search("Observation", "_summary=count").total, 3);
  EXPECT_TRUE(search("Observation", "_summary=count").entries.empty());
  EXPECT_EQ(search("Observation", "status=final").total, 2)
      << "known for nothing when all stands on one page";
  EXPECT_EQ(search("Observation", "_count=1").total, std::nullopt);
}

TEST_F(SearchTest, PagesAreASnapshotWhateverIsWrittenMeanwhile) {
  constexpr int kPatients = 23;
  for (int number = 0; number < kPatients; ++number)
    put_all({fmt::format(
                 R"({{"resourceType":"Patient","id":"x{:02}","name":[{{"family":"f{}"}}],"gender":"male"}})",
                 number, number % 4)
                 .c_str()});
  for (auto const* text :
       {"_count=5&_total=accurate", "gender=male&_count=5&_total=accurate",
        "gender=male&_sort=family&_count=5&_total=accurate", "_sort=-family,_id&_count=5&_total=accurate",
        "_sort=birthdate,-family&_count=5&_total=accurate"}) {
    std::vector<std::string> seen;
    std::string cursor;
    int writes = 0;
    do {
      auto const page = search("Patient", text, cursor);
      EXPECT_EQ(page.total, kPatients) << text;
      for (auto const& entry : page.entries) seen.push_back(entry.version.id);
      cursor = page.next_cursor;
      // One comes in, one moves in the order, one goes: none of it is seen by these pages.
      put_all(
          {fmt::format(R"({{"resourceType":"Patient","id":"new{}","gender":"male"}})", ++writes).c_str()});
      put_all(
          {fmt::format(
               R"({{"resourceType":"Patient","id":"x{:02}","name":[{{"family":"f{}"}}],"gender":"male"}})",
               writes + 10, (writes + 13) % 4)
               .c_str()});
      must(home.store->commit_and_wait([&](Unit& unit) { return unit.remove("Patient", "x20", "test"); }));
    } while (!cursor.empty());
    EXPECT_EQ(seen.size(), static_cast<std::size_t>(kPatients)) << text;
    EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), seen.size()) << text;
    // Back to 23 for the next round.
    for (int number = 1; number <= writes; ++number)
      must(home.store->commit_and_wait(
          [&](Unit& unit) { return unit.remove("Patient", fmt::format("new{}", number), "test"); }));
    put_all({R"({"resourceType":"Patient","id":"x20","name":[{"family":"f0"}],"gender":"male"})"});
  }
}

// Within one group a row is born, dies and is wanted again.
TEST_F(SearchTest, AValueThatComesBackWithinOneGroupIsFound) {
  int year = 1980;
  auto const gender = [&year](char const* value) {
    return put_json(fmt::format(R"({{"resourceType":"Patient","id":"p1","gender":"{}","birthDate":"{}"}})",
                                value,
                                ++year));  // each a change, also of what is seen before the group
  };
  must(home.store->commit_and_wait(gender("male")));
  std::promise<void> open;
  auto const opened = open.get_future().share();
  std::promise<void> held;
  home.store->commit(put_json(R"({"resourceType":"Basic","id":"b","code":{"text":"x"}})"),
                     [&, opened](fhir::Result<Receipt> const&) {
                       held.set_value();
                       opened.wait();  // what comes meanwhile becomes one group
                     });
  held.get_future().wait();
  std::vector<std::promise<std::int64_t>> groups(4);
  std::size_t next = 0;
  for (auto const* value : {"female", "male", "female", "other"}) {
    home.store->commit(gender(value), [&group = groups[next++]](fhir::Result<Receipt> receipt) {
      group.set_value(must(std::move(receipt)).commit_seq);
    });
  }
  open.set_value();
  std::set<std::int64_t> sequences;
  for (auto& group : groups) sequences.insert(group.get_future().get());
  EXPECT_EQ(sequences.size(), 1U);
  EXPECT_EQ(found("Patient", "gender=other"), "p1");
  EXPECT_EQ(found("Patient", "gender=female,male"), "");
  must(home.store->commit_and_wait(gender("female")));
  EXPECT_EQ(found("Patient", "gender=female"), "p1");
}

TEST_F(SearchTest, ACursorOfAnotherSearchOrOfNothingIsRefused) {
  put_all(kWard);
  auto const cursor = search("Patient", "_count=1").next_cursor;
  ASSERT_FALSE(cursor.empty());
  EXPECT_EQ(refusal("Patient", "_count=1&_sort=family", cursor).code, fhir::IssueType::value);
  EXPECT_EQ(refusal("Patient", "_count=1", "rubbish").code, fhir::IssueType::value);
  EXPECT_EQ(refusal("Patient", "_count=1", "999999 -1 0").code, fhir::IssueType::value) << "from the future";
}

using Rows = std::multiset<std::vector<std::string>>;

Rows rows_of_query(std::string const& path, std::string const& sql) {
  auto database = sqlite::Database::open(path, false, 1);
  auto statement = database->prepare_composed(sql);
  Rows rows;
  for (;;) {
    auto const more = statement.step();
    EXPECT_TRUE(more) << more.error().diagnostics;
    if (!more || !*more) return rows;
    std::vector<std::string> row;
    for (int column = 0; column < 8; ++column) row.emplace_back(statement.text(column));
    rows.insert(std::move(row));
  }
}

/// Every row of the index but those that no commit sees; %s: where the rows come from.
Rows index_rows(std::string const& path, std::string_view from, std::string_view key) {
  Rows all;
  for (auto const& [table, list, columns] : std::initializer_list<std::array<std::string_view, 3>>{
           {"search_token", "tokens_of", "x.code, x.system, x.text, ''"},
           {"search_string", "strings_of", "x.normalised, x.original, '', ''"},
           {"search_date", "dates_of", "x.low, x.high, '', ''"},
           {"search_reference", "references_of", "x.target_id, x.target_type, x.base, x.version"},
           {"search_uri", "uris_of", "x.uri, '', '', ''"},
           {"search_number", "numbers_of", "x.low, x.high, '', ''"},
           {"search_quantity", "quantities_of", "x.low || ' ' || x.high, x.code, x.system, x.unit"},
       }) {
    all.merge(
        rows_of_query(path, fmt::format("SELECT {}, x.param || ' ' || x.part, x.born, x.died, {} FROM {} x "
                                        "WHERE x.born < x.died",
                                        key, columns, fmt::format(fmt::runtime(from), table, list))));
  }
  return all;
}
Rows rows_in_tables(std::string const& path) { return index_rows(path, "{0}", "x.resource_key"); }
Rows rows_in_lists(std::string const& path) {
  return index_rows(path, "search_rows l CROSS JOIN {1}(l.rows)", "l.resource_key");
}

TEST_F(SearchTest, DeadIndexRowsGoAfterThePageLifeAndOldCursorsSaySo) {
  put_all(kWard);
  auto const cursor = search("Patient", "_count=1").next_cursor;
  put_all({R"({"resourceType":"Patient","id":"p1","gender":"other"})"});
  auto const dead = [&] {
    auto database = sqlite::Database::open(home.path(), false, 1);
    auto statement = database->prepare("SELECT count(*) FROM search_token WHERE died < 9223372036854775807");
    EXPECT_TRUE(*statement.step());
    return statement.integer(0);
  };
  EXPECT_GT(dead(), 0);
  EXPECT_EQ(ids_of(search("Patient", "_count=1", cursor)), "p2") << "still within its life";
  home.now->fetch_add(2 * 3'600'000);
  for (int round = 0; round < 3; ++round) {
    put_all({fmt::format(R"({{"resourceType":"Basic","id":"b{}","code":{{"text":"x"}}}})", round).c_str()});
    home.now->fetch_add(2000);
  }
  home.open();  // waits for the committer's last purge
  EXPECT_EQ(dead(), 0);
  EXPECT_EQ(rows_in_lists(home.path()), rows_in_tables(home.path()));
  EXPECT_EQ(refusal("Patient", "_count=1", cursor).code, fhir::IssueType::deleted);
  EXPECT_EQ(found("Patient", "gender=other"), "p1");
}

// A database from before 0005 and before values were shared: phonetic and name have rows of their own for all
// that family and given say.
TEST_F(SearchTest, AFormerDatabaseMigratesAndItsIndexIsGoodAsItIs) {
  put_all({R"({"resourceType":"Patient","id":"p1","name":[{"family":"Strand","given":["Ida"]}]})"});
  home.store.reset();
  {
    auto database = sqlite::Database::open(home.path(), true, 1);
    ASSERT_TRUE(database);
    auto const made = database->execute(R"(
      DROP TABLE secret;
      DROP TABLE search_rows;
      CREATE INDEX search_token_by_resource ON search_token (resource_key, param);
      CREATE INDEX search_string_by_resource ON search_string (resource_key, param);
      CREATE INDEX search_date_by_resource ON search_date (resource_key, param);
      CREATE INDEX search_reference_by_resource ON search_reference (resource_key, param);
      CREATE INDEX search_uri_by_resource ON search_uri (resource_key, param);
      CREATE INDEX search_number_by_resource ON search_number (resource_key, param);
      CREATE INDEX search_quantity_by_resource ON search_quantity (resource_key, param);
      DELETE FROM schema_migration WHERE name IN ('0005_secret', '0008_packed_rows');
      INSERT INTO search_param (param, type, code) VALUES (9001, 'Patient', 'phonetic'), (9002, 'Patient', 'name');
      INSERT INTO search_string SELECT p.param, s.normalised, s.resource_key, s.original, s.part, s.born, s.died
        FROM search_string s CROSS JOIN search_param p ON p.param IN (9001, 9002))");
    ASSERT_TRUE(made) << made.error().diagnostics;
  }
  home.open();
  ASSERT_TRUE(load_secret(home.path(), "page-links"));
  EXPECT_EQ(rows_in_lists(home.path()), rows_in_tables(home.path()));
  for (auto const* text : {"name=strand", "phonetic=ida", "family=strand", "given=ida"})
    EXPECT_EQ(found("Patient", text), "p1") << text;
  put_all({R"({"resourceType":"Patient","id":"p1","name":[{"family":"Lund","given":["Ida"]}]})"});
  for (auto const* text : {"name=strand", "phonetic=strand", "family=strand"})
    EXPECT_EQ(found("Patient", text), "") << text;
  for (auto const* text : {"name=lund", "phonetic=lund", "phonetic=ida"})
    EXPECT_EQ(found("Patient", text), "p1") << text;
  EXPECT_TRUE(home.store->check().empty());
}

/// Resources and searches drawn at random: the index finds what fhir/search/match.cpp says of each resource
/// alone.
class RandomWard {
 public:
  explicit RandomWard(unsigned seed) : random_(seed) {}

  std::string resource(int number) {
    std::string const id = fmt::format("x{}", number);
    if (pick(3) == 0)
      return fmt::format(
          R"({{"resourceType":"Patient","id":"{}","gender":"{}","birthDate":"{}","name":[{{"family":"{}","given":["{}"]}}],)"
          R"({}"identifier":[{{"system":"urn:{}","value":"{}"}}]}})",
          id, of({"male", "female", "other"}), date(), word(), word(), address(), of({"a", "b"}), pick(5));
    std::string const effective = pick(3) == 0 ? fmt::format(R"("effectivePeriod":{{"start":"{}"{}}})",
                                                             date(), pick(2) == 0 ? "" : R"(,"end":"2025")")
                                               : fmt::format(R"("effectiveDateTime":"{}")", date());
    std::string const subject = pick(4) == 0 ? ""
                                             : fmt::format(R"("subject":{{"reference":"{}/x{}"}},)",
                                                           of({"Patient", "Group"}), pick(6));
    return fmt::format(
        R"({{"resourceType":"Observation","id":"{}","status":"{}",{}{},"code":{{"coding":[{{"system":"urn:{}","code":"c{}"}},)"
        R"({{"code":"c{}"}}]}},"valueQuantity":{{"value":{},"unit":"{}"}},"component":[{{"code":{{"coding":[{{"code":"k{}"}}]}},)"
        R"("valueQuantity":{{"value":{}}}}},{{"code":{{"coding":[{{"code":"k{}"}}]}},"valueQuantity":{{"value":{}}}}}]}})",
        id, of({"final", "amended"}), subject, effective, of({"a", "b"}), pick(4), pick(4), number_text(),
        of({"mg", "g"}), pick(3), pick(4), pick(3), pick(4));
  }

  std::pair<std::string, std::string> query() {
    bool const patient = pick(3) == 0;
    std::string text;
    for (int criteria = 1 + pick(2); criteria > 0; --criteria)
      text += (text.empty() ? "" : "&") + (patient ? patient_criterion() : observation_criterion());
    return {patient ? "Patient" : "Observation", text};
  }

 private:
  int pick(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }
  std::string of(std::initializer_list<char const*> all) {
    return *(all.begin() + pick(static_cast<int>(all.size())));
  }
  std::string word() { return of({"Ann", "anna", "\u00c4nn", "bo", "Bo Ann", "hanna"}); }
  std::string date() {
    return of({"2023", "2023-06", "2023-06-15", "2024", "2024-02-29", "2024-02-29T12:00:00Z"});
  }
  std::string number_text() { return of({"1", "1.0", "1.5", "2", "10", "0.95", "-3"}); }
  std::string prefix() { return of({"", "ne", "gt", "lt", "ge", "le", "sa", "eb"}); }

  std::string address() {
    return of({"", R"("address":[{"city":"Springfield","state":"VT","line":["12 Spring Hill"]}],)",
               R"("address":[{"text":"Springfield VT"},{"postalCode":"12345"}],)"});
  }

  std::string patient_criterion() {
    switch (pick(8)) {
      case 6:
        return of({"phonetic=", "phonetic:exact=", "name:exact="}) + word();
      case 7:
        return "address" + of({"=spring", "-city=spring", ":exact=Springfield", "-state:missing=true",
                               ":missing=false", "=vt,12", "-postalcode=1"});
      case 0:
        return "gender" + of({"=male", "=male,other", ":not=female", ":missing=true"});
      case 1:
        return "birthdate=" + prefix() + date();
      case 2:
        return "family" + of({"=an", ":exact=Ann", ":contains=nn", ":exact=anna", "=bo", ":missing=false"});
      case 3:
        return "name=" + of({"ann", "h", "bo", "zz"});
      case 4:
        return "identifier=" + of({"urn:a|1", "|2", "3", "urn:b|", "4,urn:a|2"});
      default:
        return fmt::format("_id=x{},x{}", pick(30), pick(30));
    }
  }
  std::string observation_criterion() {
    switch (pick(12)) {
      case 8:
        return fmt::format("patient{}=x{}", of({"", ":Patient"}), pick(6));
      case 9:
        return "patient:missing=" + of({"true", "false"});
      case 10:
        return "combo-code=" + of({"urn:a|c1", "c2", "k1", "k0,c0"});
      case 11:
        return fmt::format("combo-code-value-quantity={}{}${}{}", of({"k", "c"}), pick(3), prefix(), pick(4));
      case 0:
        return "status" + of({"=final", ":not=final", "=amended,final"});
      case 1:
        return "code=" + of({"urn:a|c1", "c2", "|c3", "urn:b|", "c0,c1"});
      case 2:
        return "date=" + prefix() + date();
      case 3:
        return fmt::format("subject={}x{}", of({"", "Patient/", "Group/"}), pick(6));
      case 4:
        return "subject:missing=" + of({"true", "false"});
      case 5:
        return "value-quantity=" + prefix() + number_text() + of({"", "||mg", "||g"});
      case 6:
        return fmt::format("component-code-value-quantity=k{}${}{}", pick(3), prefix(), pick(4));
      default:
        return fmt::format("subject:Patient=x{}", pick(6));
    }
  }

  std::mt19937 random_;
};

TEST_F(SearchTest, TheIndexFindsExactlyWhatEachResourceAloneAnswers) {
  RandomWard random(20240229);
  constexpr int kRounds = 4;
  constexpr int kQueries = 150;
  int matched = 0;
  std::map<std::string, std::string> current;  // "Patient/x1" -> JSON
  for (int round = 0; round < kRounds; ++round) {
    must(home.store->commit_and_wait([&](Unit& unit) -> fhir::Result<void> {
      for (int number = 0; number < 30; ++number) {
        auto const json = random.resource(number);
        FHIR_TRY(auto const resource, fhir::json::read(json, unit.arena()));
        FHIR_CHECK(unit.put(resource, "test", "PUT"));
        current[fmt::format("{}/x{}", resource.text_at("resourceType"), number)] = json;
      }
      return {};
    }));
    for (int asked = 0; asked < kQueries; ++asked) {
      auto const [type, text] = random.query();
      auto const query = query_of(type, text);
      std::set<std::string> expected;
      for (auto const& [name, json] : current) {
        auto const document = fhir::json::read_document(json);
        ASSERT_TRUE(document) << document.error().diagnostics << json;
        fhir::search::MatchSubject const subject{document->root.text_at("resourceType"),
                                                 document->root.text_at("id"), 0};
        if (fhir::search::matches(query, subject, fhir::search::extract(document->root)).value())
          expected.emplace(subject.id);
      }
      std::set<std::string> found_ids;
      for (auto const& entry : search(type, text).entries) found_ids.insert(entry.version.id);
      EXPECT_EQ(found_ids, expected) << type << "?" << text;
      matched += static_cast<int>(expected.size());
    }
  }
  must(home.store->commit_and_wait([&](Unit& unit) -> fhir::Result<void> {
    for (int number = 0; number < 30; number += 3) {
      auto const name = std::next(current.begin(), number)->first;
      auto const slash = name.find('/');
      FHIR_CHECK(unit.remove(name.substr(0, slash), name.substr(slash + 1), "test"));
    }
    return {};
  }));
  EXPECT_GT(rows_in_lists(home.path()).size(), 500U);
  EXPECT_EQ(rows_in_lists(home.path()), rows_in_tables(home.path()));
  EXPECT_GT(matched, kRounds * kQueries) << "the searches must find something to prove anything";
}

// A plan that reads a whole table is a bug however small the table is today. US Core's combinations, each led
// by each of its criteria, and what sorting, paging, chains and includes add.
TEST_F(SearchTest, NoPlanScansATable) {
  put_all(kWard);
  auto database = sqlite::Database::open(home.path(), false, 1);
  ASSERT_TRUE(database);
  int plans = 0;
  int ordered = 0;
  auto const explain = [&](sqlite::Fragment const& fragment, std::string const& what,
                           bool keeps_order = false) {
    auto const sql = "EXPLAIN QUERY PLAN " + fragment.numbered();
    auto statement = database->prepare_composed(sql);
    ++plans;
    std::set<std::int64_t> each;  // steps that are taken for each candidate, and what stands below them
    for (;;) {
      auto const more = statement.step();
      ASSERT_TRUE(more) << more.error().diagnostics << " " << sql;
      if (!*more) break;
      std::string const step(statement.text(3));
      // Of virtual tables there are only the lists of single resources.
      bool const scans = step.starts_with("SCAN ") && step.find(" VIRTUAL TABLE ") == std::string::npos &&
                         step != "SCAN k" && step != "SCAN CONSTANT ROW" &&
                         !step.starts_with("SCAN (subquery");
      if (step.starts_with("CORRELATED ") || each.contains(statement.integer(1)))
        each.insert(statement.integer(0));
      bool const goes_through_a_parameter =
          each.contains(statement.integer(0)) && step.ends_with(" (param=?)");
      EXPECT_FALSE(goes_through_a_parameter) << what << ": for each candidate, " << step << "\n" << sql;
      EXPECT_FALSE(scans) << what << ": " << step << "\n" << sql;
      if (keeps_order) {
        EXPECT_EQ(step.find("TEMP B-TREE"), std::string::npos) << what << ": " << step << "\n" << sql;
      }
    }
  };
  for (auto const& [type, text] : std::initializer_list<std::pair<char const*, char const*>>{
           {"Patient", ""},
           {"Patient", "_id=p1"},
           {"Patient", "identifier=urn:mrn|1"},
           {"Patient", "name=str&birthdate=1980"},
           {"Patient", "family=str&gender=female"},
           {"Patient", "gender:not=male"},
           {"Patient", "birthdate:missing=true"},
           {"Observation", "patient=p1&category=laboratory&date=ge2024&date=le2025"},
           {"Observation", "patient=p1&code=718-7&date=ge2024&_sort=-date"},
           {"Observation", "patient=p1&code=718-7,2951-2,http://loinc.org|8480-6&status=final"},
           {"Encounter", "class=IMP&patient=p1&date=ge2024&status=finished"},
           {"Condition", "patient=p1&clinical-status=active&category=problem-list-item"},
           {"DocumentReference", "patient=p1&type=http://loinc.org|18842-5&period=ge2024"},
           {"ServiceRequest", "patient=p1&category=x&authored=ge2024"},
           {"Task", "owner=Organization/g1&status=requested&_sort=-_lastUpdated"},
           {"MedicationRequest",
            "patient=p1&intent=order&status=active&_include=MedicationRequest:medication"},
           {"Observation", "code-value-quantity=718-7$gt10"},
           {"Observation", "value-quantity=gt10||mg&value-quantity=lt20"},
           {"Observation", "subject:Patient.family=strand&status=final"},
           {"Patient", "_has:Observation:patient:code=718-7"},
           {"ValueSet", "url=http://example.org/vs/one"},
           {"Observation", "subject=Patient/p1"},
           {"Observation", "code=http://loinc.org|718-7"},
           {"RiskAssessment", "probability=gt0.2"},
           {"Observation", "status=final&_sort=-date"},
           {"Observation", "status=final&_sort=date"},
           {"Patient", "gender=female&_sort=family,-birthdate"},
           {"Patient", "family:exact=Strand&gender=female"},
           {"Observation", "subject:identifier=urn:mrn|1&status=final"},
           {"ValueSet", "url=http://example.org/vs/one&status=active"},
       }) {
    auto const query = query_of(type, text);
    auto const plan = sqlite::to_plan(query);
    ASSERT_TRUE(plan) << plan.error().diagnostics;
    sqlite::SearchCursor after{1, 5, 3, {}};
    for (std::size_t at = 0; at < plan->sort.size(); ++at) after.values.emplace_back(std::string("x"));
    auto const what = fmt::format("{}?{}", type, text);
    if (is_ordered(*plan)) {
      // One equality: the index gives a page in its own order, however many there are.
      ++ordered;
      explain(ordered_page_statement(*plan, nullptr, 11), what, true);
      explain(ordered_page_statement(*plan, &after, 11), what, true);
    }
    explain(page_statement(*plan, std::nullopt, nullptr, 11), what);
    for (std::size_t at = 0; at < plan->conditions.size(); ++at) {
      if (!plan->conditions[at].keys) continue;
      explain(count_statement(*plan->conditions[at].keys, 200), what);
      explain(page_statement(*plan, at, nullptr, 11), what);
      explain(page_statement(*plan, at, &after, 11), what);
      explain(total_statement(*plan, at), what);
    }
  }
  EXPECT_GT(plans, 150);
  EXPECT_EQ(ordered, 4) << "identifier, url, subject, code";
}

}  // namespace
}  // namespace gateway::store
