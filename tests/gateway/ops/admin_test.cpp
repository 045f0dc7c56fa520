// The admin API: who may use it, what it does, and that every act is written down.
#include "gateway/ops/admin.hpp"

#include "fhir/json/reader.hpp"
#include "gateway/store/hash.hpp"
#include "tests/fhir/support/archive.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace gateway::ops {
namespace {

constexpr char const* kToken = "operators-token";

config::Settings settings() {
  config::Settings made;
  config::Partner partner;
  partner.name = "hospital";
  partner.application = "ADT";
  partner.facility = "HOSP";
  partner.authorities = {{"HOSP", "urn:oid:1.3.6.1.4.1.32473.30"},
                         {"VISITS", "urn:oid:1.3.6.1.4.1.32473.31"}};
  made.partners.push_back(partner);
  return made;
}

struct Reply {
  int status = 0;
  net::HttpHeaders headers;
  std::string body;
  std::shared_ptr<fhir::json::Document> document;
  template <class... Steps>
  std::string text(Steps... steps) const {
    return document ? std::string(document->root.text_of(steps...)) : std::string{};
  }
  std::size_t count(char const* list) const {
    auto const* const found = document ? document->root.find(list) : nullptr;
    return found == nullptr ? 0 : found->size();
  }
};

class AdminTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "admin-" + testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    auto const clock = [this] { return now_; };
    store_ = store::open_sqlite({.path = folder_ + "/handoff.db"}, clock).value();
    tables_ = std::make_shared<intake::LiveTables>(intake::make_tables(settings(), {}, {}).value());
    intake_ = std::make_unique<intake::Intake>(intake::IntakeOptions{
        .store = *store_, .tables = tables_, .clock = clock, .subscriptions = subscriptions_});
    ASSERT_TRUE(intake_->prepare());
    packages_ = std::make_shared<Packages>(*store_, definitions_, nullptr, clock);
    admin_ = std::make_unique<Admin>(
        AdminOptions{.store = *store_,
                     .intake = *intake_,
                     .tables = tables_,
                     .archive = std::make_shared<intake::TableArchive>(),
                     .operators = {{"kim", store::sha256_hex({kToken})}},
                     .reload = [this] { return reload(); },
                     .reload_tables = [this] { return reload(); },
                     .packages = packages_,
                     .run = [](std::function<void()> job) -> net::asio::awaitable<void> {
                       job();
                       co_return;
                     },
                     .clock = clock});
  }
  void TearDown() override {
    admin_.reset();
    intake_.reset();
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  fhir::Result<void> reload() {
    if (broken_)
      return fhir::error(fhir::IssueType::structure, "the overlay does not compile", {}, "own.map:3");
    auto const codes = store_->snapshot().value()->partner_codes().value();
    FHIR_TRY(auto tables, intake::make_tables(settings(), {}, codes));
    tables_->replace(std::move(tables));
    return {};
  }

  Reply call(std::string method, std::string target, std::string body = {}, net::HttpHeaders headers = {}) {
    if (!headers.contains("Authorization")) headers.add("Authorization", std::string("Bearer ") + kToken);
    net::HttpRequest request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.body = std::move(body);
    request.headers = std::move(headers);
    boost::asio::io_context context;
    Reply reply;
    boost::asio::co_spawn(context, admin_->handle(std::move(request)),
                          [&](std::exception_ptr failed, net::HttpResponse response) {
                            ASSERT_FALSE(failed);
                            reply.status = response.status;
                            reply.headers = std::move(response.headers);
                            reply.body = std::move(response.body);
                          });
    context.run();
    auto parsed = fhir::json::read_document(reply.body);
    if (parsed) reply.document = std::make_shared<fhir::json::Document>(std::move(*parsed));
    return reply;
  }

  void send(std::string const& control_id, std::string const& sex) {
    intake::Envelope envelope;
    envelope.bytes = "MSH|^~\\&|ADT|HOSP|HANDOFF|HUB|20250301110000+0000||ADT^A01|" + control_id +
                     "|P|2.5.1\rEVN|A01|20250301110000+0000\rPID|1||4711^^^HOSP^MR||Mason^Walter||19570312|" +
                     sex + "\rPV1|1|I|4W^401^1|E|||||||||||||||V1^^^VISITS^VN\r";
    envelope.feed = "mllp:test";
    boost::asio::io_context context;
    boost::asio::co_spawn(context, intake_->accept_v2(std::move(envelope)),
                          [](std::exception_ptr failed, std::vector<std::string>) { ASSERT_FALSE(failed); });
    context.run();
  }

  std::string item() { return call("GET", "/admin/work?kind=unmapped-code").text("items", 0, "id"); }

  std::int64_t now_ = 1'740'830'400'000;  // 2025-03-01T12:00:00Z
  bool broken_ = false;
  std::string folder_;
  std::unique_ptr<store::Store> store_;
  std::shared_ptr<intake::LiveTables> tables_;
  delivery::Subscriptions subscriptions_;
  std::shared_ptr<conformance::Definitions> definitions_ =
      std::make_shared<conformance::Definitions>(conformance::make_r4());
  std::shared_ptr<Packages> packages_;
  std::unique_ptr<intake::Intake> intake_;
  std::unique_ptr<Admin> admin_;
};

TEST_F(AdminTest, NobodyIsServedWithoutAnOperatorsToken) {
  for (char const* const target :
       {"/admin/work", "/admin/journal", "/admin/tables", "/admin/acts", "/admin/none"}) {
    auto const refused = call("GET", target, {}, {{"Authorization", "Bearer wrong"}});
    EXPECT_EQ(refused.status, 401) << target;
    EXPECT_EQ(refused.headers.get("WWW-Authenticate"), "Bearer");
  }
  EXPECT_EQ(call("POST", "/admin/reload", {}, {{"Authorization", ""}}).status, 401);
  EXPECT_EQ(call("GET", "/admin/acts").count("acts"), 0U) << "what was refused did nothing";
}

TEST_F(AdminTest, GuessingTokensIsSlowedDownAndLocksNobodyOut) {
  for (int guess = 0; guess < 10; ++guess)
    call("GET", "/admin/work", {}, {{"Authorization", "Bearer wrong"}});
  auto const locked = call("GET", "/admin/work", {}, {{"Authorization", "Bearer wrong"}});
  EXPECT_EQ(locked.status, 429);
  EXPECT_EQ(locked.headers.get("Retry-After"), "60");
  EXPECT_EQ(call("GET", "/admin/work").status, 200) << "the right token still is";
  now_ += 61'000;
  EXPECT_EQ(call("GET", "/admin/work", {}, {{"Authorization", "Bearer wrong"}}).status, 401);
}

TEST_F(AdminTest, ABrowserDrivenByAnotherSiteIsRefusedEvenWithAToken) {
  EXPECT_EQ(call("POST", "/admin/reload", {},
                 {{"Authorization", std::string("Bearer ") + kToken}, {"Origin", "https://evil.example"}})
                .status,
            403);
}

TEST_F(AdminTest, TheWorklistIsReadPageByPageToItsEnd) {
  for (char const* const sex : {"Q", "X1", "X2"}) send(std::string("M") + sex, sex);
  std::string ids;
  std::string after;
  for (int page = 0; page < 3; ++page) {
    auto const list = call("GET", "/admin/work?kind=unmapped-code&count=1" + after);
    ASSERT_EQ(list.count("items"), 1U) << list.body;
    EXPECT_EQ(list.count("more"), page < 2 ? 1U : 0U) << list.body;
    EXPECT_EQ(ids.find(list.text("items", 0, "id")), std::string::npos);
    ids += list.text("items", 0, "id") + " ";
    after = "&after=" + list.text("items", 0, "id");
  }
  EXPECT_EQ(call("GET", "/admin/work?after=" + item()).status, 400) << "of which kind?";
}

TEST_F(AdminTest, AnUnmappedCodeIsListedAnsweredAndItsMessageTakenInAgain) {
  send("M1", "Q");
  auto const list = call("GET", "/admin/work");
  ASSERT_EQ(list.count("items"), 1U) << list.body;
  EXPECT_EQ(list.text("items", 0, "kind"), "unmapped-code");
  EXPECT_EQ(list.text("items", 0, "seen"), "1");
  EXPECT_EQ(list.text("items", 0, "item", "code"), "Q");
  std::string const path = "/admin/work/" + item();
  EXPECT_EQ(call("GET", path).text("messages", 0), "1");

  EXPECT_EQ(call("POST", path + "/answer", R"({"code":"purple","reason":"asked"})").status, 422);
  EXPECT_EQ(call("POST", path + "/answer", R"({"code":"other"})").status, 400) << "a reason is needed";
  EXPECT_EQ(call("POST", path + "/answer", "{").status, 400);
  auto const answered = call("POST", path + "/answer", R"({"code":"other","reason":"asked them"})");
  ASSERT_EQ(answered.status, 200) << answered.body;
  EXPECT_EQ(answered.text("requeued"), "1");
  EXPECT_EQ(answered.text("item", "state"), "ANSWERED");
  EXPECT_EQ(call("POST", path + "/answer", R"({"code":"other","reason":"again"})").status, 409);
  EXPECT_EQ(call("GET", "/admin/work").count("items"), 0U);
  auto const field = call("GET", "/admin/journal/1?field=PID-8");
  EXPECT_EQ(field.text("fields", 0, "path"), "Patient.gender") << field.body;
  EXPECT_EQ(field.text("fields", 0, "stands"), "true");
  auto const acts = call("GET", "/admin/acts");
  ASSERT_EQ(acts.count("acts"), 2U) << acts.body;
  EXPECT_EQ(acts.text("acts", 0, "action"), "show");
  EXPECT_EQ(acts.text("acts", 1, "action"), "answer");
  EXPECT_EQ(acts.text("acts", 1, "operator"), "kim");
}

TEST_F(AdminTest, AnItemIsDismissedWithAReason) {
  send("M1", "Q");
  std::string const path = "/admin/work/" + item();
  EXPECT_EQ(call("POST", path + "/dismiss", R"({"reason":"nobody knows"})").status, 200);
  EXPECT_EQ(call("GET", path).text("state"), "DISMISSED");
  EXPECT_EQ(call("GET", "/admin/work/unmapped-code/none").status, 404);
  EXPECT_EQ(call("GET", "/admin/work?kind=nonsense").status, 400);
}

TEST_F(AdminTest, AReloadThatIsRefusedLeavesTheOldTablesAndIsWrittenDown) {
  std::string const before = call("GET", "/admin/tables").text("hash");
  ASSERT_FALSE(before.empty());
  broken_ = true;
  auto const refused = call("POST", "/admin/reload");
  EXPECT_EQ(refused.status, 400);
  EXPECT_NE(refused.body.find("own.map:3"), std::string::npos) << refused.body;
  EXPECT_EQ(call("GET", "/admin/tables").text("hash"), before);
  broken_ = false;
  EXPECT_EQ(call("POST", "/admin/reload").status, 200);
  auto const acts = call("GET", "/admin/acts");
  ASSERT_EQ(acts.count("acts"), 2U);
  EXPECT_EQ(acts.text("acts", 0, "outcome"), "done");
  EXPECT_EQ(acts.text("acts", 1, "outcome"), "structure");
}

TEST_F(AdminTest, TheJournalIsListedShownAndCompared) {
  send("M1", "F");
  send("M2", "M");
  auto const list = call("GET", "/admin/journal?count=1");
  ASSERT_EQ(list.count("rows"), 1U);
  EXPECT_EQ(list.text("rows", 0, "id"), "2");
  EXPECT_EQ(call("GET", "/admin/journal?before=2").text("rows", 0, "id"), "1");
  EXPECT_EQ(call("GET", "/admin/journal?before=x").status, 400);
  auto const row = call("GET", "/admin/journal/1");
  EXPECT_EQ(row.text("kind"), "ADT^A01");
  EXPECT_EQ(row.body.find("Mason"), std::string::npos) << "a row alone names nobody";
  EXPECT_EQ(call("GET", "/admin/acts").count("acts"), 0U);
  EXPECT_NE(call("GET", "/admin/journal/1?raw=true").text("text").find("Mason"), std::string::npos);
  EXPECT_EQ(call("GET", "/admin/acts").text("acts", 0, "object"), "journal/1")
      << "seeing a patient is an act";
  EXPECT_EQ(call("GET", "/admin/journal/1/diff").count("differences"), 0U);
  EXPECT_EQ(call("POST", "/admin/journal/1/replay").status, 200);
  EXPECT_EQ(call("GET", "/admin/journal/99").status, 404);
  EXPECT_EQ(call("DELETE", "/admin/journal/1").status, 405);
}

std::string manifest(std::string const& name, std::string const& version, std::string const& needs = "") {
  return fhir::test::tar_entry("package/package.json", R"({"name":")" + name + R"(","version":")" + version +
                                                           R"(","fhirVersions":["4.0.1"],"dependencies":{)" +
                                                           needs + "}}");
}

std::string profile(std::string const& url, std::string const& base, std::string const& differential) {
  return fhir::test::tar_entry(
      "package/p.json",
      R"({"resourceType":"StructureDefinition","url":")" + url +
          R"(","name":"P","status":"active","kind":"resource","abstract":false,"type":"Patient",)" +
          R"("baseDefinition":")" + base +
          R"(","derivation":"constraint","differential":{"element":[{"id":"Patient","path":"Patient"},)" +
          differential + "]}}");
}

constexpr char const* kPatient = "http://hl7.org/fhir/StructureDefinition/Patient";

TEST_F(AdminTest, APackageIsLoadedInForceKeptAndRemoved) {
  std::string const package = fhir::test::tgz(
      manifest("a.b", "1.0.0", R"("hl7.fhir.r4.core":"4.0.1","not.there":"2.0.0")") +
      profile("http://a/p", kPatient, R"({"id":"Patient.gender","path":"Patient.gender","min":1})"));
  auto const before = definitions_->current();
  auto const loaded = call("POST", "/admin/packages", package);
  ASSERT_EQ(loaded.status, 200) << loaded.body;
  EXPECT_EQ(loaded.text("package", "name"), "a.b");
  EXPECT_EQ(loaded.text("package", "operator"), "kim");
  EXPECT_EQ(loaded.text("package", "dependencies", 0, "loaded"), "4.0.1");
  EXPECT_EQ(loaded.text("package", "dependencies", 1, "loaded"), "");
  EXPECT_EQ(loaded.text("warnings", 0, "code"), "not-found") << "not.there is missed";
  EXPECT_NE(definitions_->current(), before);
  EXPECT_NE(definitions_->current()->library->find("StructureDefinition", "http://a/p"), nullptr);
  EXPECT_EQ(before->library->find("StructureDefinition", "http://a/p"), nullptr) << "who began ends so";
  EXPECT_EQ(call("GET", "/admin/packages").count("packages"), 1U);
  EXPECT_EQ(call("POST", "/admin/packages", package).status, 409) << "it is there already";

  // What needs it and is loaded later finds it, also after a restart, whatever their names' order.
  std::string const user = fhir::test::tgz(manifest("a.a", "1.0.0", R"("a.b":"1.0.0")"));
  ASSERT_EQ(call("POST", "/admin/packages", user).status, 200);
  auto const again = std::make_shared<conformance::Definitions>(conformance::make_r4());
  Packages restarted(*store_, again, nullptr, [this] { return now_; });
  auto prepared = restarted.prepare({});
  ASSERT_TRUE(prepared) << fhir::to_line(prepared.error());
  restarted.put_in_force(std::move(*prepared));
  ASSERT_EQ(restarted.facts().size(), 2U);
  EXPECT_EQ(restarted.facts()[1].name, "a.a");
  EXPECT_EQ(restarted.facts()[1].dependencies[0].loaded, "1.0.0");
  EXPECT_EQ(restarted.facts()[0].loaded_by, "kim");

  EXPECT_EQ(call("POST", "/admin/packages/a.b/1.0.0/remove").status, 409) << "a.a depends on it";
  EXPECT_EQ(call("POST", "/admin/packages/a.a/1.0.0/remove").status, 200);
  EXPECT_EQ(call("POST", "/admin/packages/a.b/1.0.0/remove").status, 200);
  EXPECT_EQ(call("POST", "/admin/packages/a.b/1.0.0/remove").status, 404);
  EXPECT_EQ(definitions_->current()->library->find("StructureDefinition", "http://a/p"), nullptr);
  EXPECT_EQ(call("GET", "/admin/acts").text("acts", 0, "object"), "package a.b 1.0.0");
}

TEST_F(AdminTest, ABadPackageIsRefusedWithItsReasonAndNothingOfItIsLoaded) {
  std::string const good = R"({"id":"Patient.gender","path":"Patient.gender","min":1})";
  struct Bad {
    std::string bytes;
    int status;
    std::string reason;
  };
  std::vector<Bad> const all{
      {"no archive", 400, "gzip"},
      {fhir::test::tgz(fhir::test::tar_entry("package/package.json", "{")), 400, "package.json"},
      {fhir::test::tgz(manifest("a", "1") + profile("http://a/p", "http://a/p", good)), 422,
       "rests on itself"},
      {fhir::test::tgz(
           manifest("a", "1") +
           profile("http://a/p", kPatient, R"({"id":"Patient.wings","path":"Patient.wings","min":1})")),
       422, "http://a/p Patient.wings"},
      {fhir::test::tgz(
           manifest("a", "1") +
           profile("http://a/p", kPatient, R"({"id":"Patient.gender","path":"Patient.gender","max":"2"})")),
       422, "http://a/p StructureDefinition.differential.element[1]: the base allows"},
      {fhir::test::tgz(fhir::test::tar_entry("package/package.json",
                                             R"({"name":"a","version":"1","fhirVersions":["5.0.0"]})")),
       422, "5.0.0"},
  };
  auto const before = definitions_->current();
  for (Bad const& bad : all) {
    auto const refused = call("POST", "/admin/packages", bad.bytes);
    EXPECT_EQ(refused.status, bad.status) << refused.body;
    EXPECT_NE(refused.body.find(bad.reason), std::string::npos) << refused.body;
  }
  EXPECT_EQ(definitions_->current(), before);
  EXPECT_TRUE(store_->snapshot().value()->packages()->empty());
  EXPECT_EQ(call("GET", "/admin/packages").count("packages"), 0U);
}

TEST_F(AdminTest, AnInvariantThatNobodyCanReadIsWarnedOf) {
  auto const loaded =
      call("POST", "/admin/packages",
           fhir::test::tgz(manifest("a", "1") +
                           profile("http://a/p", kPatient,
                                   R"({"id":"Patient.name","path":"Patient.name","constraint":[{"key":"a-1",)"
                                   R"~("severity":"error","human":"x","expression":"given.wings()"}]})~")));
  EXPECT_EQ(loaded.status, 200) << loaded.body;
  EXPECT_NE(loaded.body.find("the invariant a-1 cannot be read"), std::string::npos) << loaded.body;
}

TEST_F(AdminTest, ABadFileOfTheConfigurationIsRefusedByName) {
  auto const write = [](std::string const& name, std::string const& bytes) {
    auto const path = std::filesystem::path(::testing::TempDir()) / name;
    std::ofstream(path, std::ios::binary) << bytes;
    return path.string();
  };
  Packages packages(*store_, std::make_shared<conformance::Definitions>(conformance::make_r4()), nullptr,
                    [this] { return now_; });
  std::string const good = fhir::test::tgz(
      manifest("a", "1") +
      profile("http://a/p", kPatient, R"({"id":"Patient.gender","path":"Patient.gender","min":1})"));
  EXPECT_TRUE(packages.prepare({write("good.tgz", good)}));
  auto const cut = packages.prepare({write("cut.tgz", good.substr(0, good.size() / 2))});
  ASSERT_FALSE(cut);
  EXPECT_NE(cut.error().source.find("cut.tgz"), std::string::npos) << fhir::to_line(cut.error());
  auto const circle = packages.prepare({write(
      "circle.tgz", fhir::test::tgz(manifest("a", "1") + profile("http://a/p", "http://a/p", R"({})")))});
  ASSERT_FALSE(circle);
  EXPECT_NE(circle.error().source.find("circle.tgz"), std::string::npos) << fhir::to_line(circle.error());
  EXPECT_NE(circle.error().diagnostics.find("rests on itself"), std::string::npos);
}

}  // namespace
}  // namespace gateway::ops
