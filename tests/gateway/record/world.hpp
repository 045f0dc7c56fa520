/// A whole site on a store of its own, with a clock that only the test moves: what intake would put, put by
/// hand.
#pragma once

#include "fhir/json/element.hpp"
#include "fhir/json/reader.hpp"
#include "fhir/json/writer.hpp"
#include "gateway/identity/identity.hpp"
#include "gateway/record/clocks.hpp"
#include "gateway/record/record.hpp"
#include "gateway/record/referral.hpp"
#include "gateway/record/transition.hpp"
#include "gateway/store/store.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

namespace gateway::record {

inline constexpr std::int64_t kHourMs = 3'600'000;
inline constexpr std::int64_t kDayMs = 24 * kHourMs;
inline constexpr std::int64_t kMonday = 1'740'996'000'000;  // 2025-03-03T10:00:00Z

/// Apostrophes for quotation marks, so that JSON can be read in a test.
inline std::string json(std::string text) {
  for (char& c : text)
    if (c == '\'') c = '"';
  return text;
}

struct Sent {
  std::string destination, kind, request;
};

class World : public ::testing::Test {
 protected:
  World() {
    static int counter = 0;
    path_ = std::filesystem::temp_directory_path() /
            ("handoff-record-" + std::to_string(::getpid()) + "-" + std::to_string(++counter));
    std::filesystem::create_directories(path_);
    store::SqliteOptions options;
    options.path = (path_ / "record.db").string();
    store_ = store::open_sqlite(options, [this] { return now_; }).value();
    site_.parties = {party("riverside", "Organization/riverside", false),
                     party("heart-clinic", "Organization/heart-clinic", true),
                     party("st-marys", "Organization/st-marys", false)};
    site_.parties[1].sends = {};
    EXPECT_TRUE(fhir("riverside", {patient("riverside-patient", "Organization/riverside")}));
  }
  ~World() override {
    store_.reset();
    std::filesystem::remove_all(path_);
  }

  static Party party(std::string name, std::string serves, bool v2) {
    Party made;
    made.name = std::move(name);
    made.serves = {std::move(serves)};
    made.speaks_v2 = v2;
    return made;
  }

  static std::string patient(std::string const& id, std::string const& gp) {
    return json("{'resourceType':'Patient','id':'" + id +
                "','identifier':[{'system':'urn:national','value':'900'}]," +
                "'name':[{'family':'Reed','given':['Ann']}],'birthDate':'1950-01-02'" +
                (gp.empty() ? "" : ",'generalPractitioner':[{'reference':'" + gp + "'}]") + "}");
  }

  identity::Trust trust() const {
    identity::Trust trust;
    for (Party const& each : site_.parties) trust.sources.push_back({each.name, {}, {"urn:national"}});
    for (char const* hospital : {"other-hospital", "fhir-hospital"})
      trust.sources.push_back({hospital, {}, {"urn:national"}});
    return trust;
  }

  /// One Unit: resources put, persons linked, the record folded.
  fhir::Result<store::Receipt> commit(Cause cause, std::vector<std::string> const& resources) {
    if (cause.received_ms == 0) cause.received_ms = now_;
    return store_->commit_and_wait([&](store::Unit& unit) -> fhir::Result<void> {
      for (auto const& text : resources) {
        FHIR_TRY(auto const document, fhir::json::read_document(text));
        FHIR_TRY(auto const before,
                 unit.find(document.root.text_at("resourceType"), document.root.text_at("id")));
        std::string const source =
            before && cause.door != Door::fhir ? before->source : owner_of(before, cause.origin);
        FHIR_CHECK(unit.put(document.root, source, before ? "PUT" : "POST"));
      }
      FHIR_CHECK(identity::link_patients(unit, trust()));
      return fold(unit, cause, site_);
    });
  }

  static std::string owner_of(std::optional<store::Version> const& before, std::string const& origin) {
    return before ? before->source : origin;
  }

  fhir::Result<store::Receipt> fhir(std::string client, std::vector<std::string> const& resources) {
    Cause cause;
    cause.door = Door::fhir;
    cause.origin = std::move(client);
    cause.message = "PUT";
    cause.message_id = "request-" + std::to_string(++messages_);
    return commit(std::move(cause), resources);
  }

  /// A v2 message: what its rows would put, its facts, and what intake recognised.
  fhir::Result<store::Receipt> v2(std::string partner, std::string message, std::vector<Fact> facts,
                                  std::vector<std::string> const& resources = {},
                                  std::vector<std::string> anchors = {}) {
    Cause cause;
    cause.door = Door::v2;
    cause.origin = std::move(partner);
    cause.message = std::move(message);
    cause.message_id = "control-" + std::to_string(++messages_);
    cause.facts = std::move(facts);
    cause.anchors = std::move(anchors);
    cause.asserted_ms = asserted_;
    return commit(std::move(cause), resources);
  }

  void wait(std::int64_t ms) { now_ += ms; }

  fhir::json::Document read(std::string_view type, std::string_view id) {
    auto snapshot = store_->snapshot().value();
    auto const version = snapshot->find(store::AccessPolicy::all(), type, id).value();
    EXPECT_TRUE(version && !version->deleted) << type << "/" << id;
    if (!version || version->deleted) return {};
    return fhir::json::read_document(version->content).value();
  }
  /// The resource with one member replaced, as a client would PUT it back.
  std::string with(std::string_view type, std::string_view id, std::string_view name, std::string value) {
    auto document = read(type, id);
    document.root.remove("meta");
    auto const replaced = fhir::json::read(json(std::move(value)), document.arena).value();
    document.root.set(document.arena, name) = replaced;
    return fhir::json::write(document.root);
  }

  std::vector<Event> log(std::string const& record) {
    auto snapshot = store_->snapshot().value();
    std::vector<Event> events;
    auto const rows = snapshot->events(record).value();
    for (auto const& row : rows) events.push_back(event_of(row.body, row.seq).value());
    return events;
  }
  ReferralState referral(std::string const& id = "sr") {
    return fold_referral("referral/" + id, log("referral/" + id));
  }
  TransitionState stay(std::string const& id = "stay") {
    TransitionState const state = fold_transition("transition/" + id, log("transition/" + id));
    std::string const stored = to_json(state);
    EXPECT_EQ(to_json(transition_of(stored).value()), stored) << "what is stored can be read back whole";
    return state;
  }
  std::string state(std::string const& id = "sr") { return std::string(to_code(referral(id).state)); }

  std::optional<store::RecordRow> row(std::string const& record) {
    return store_->snapshot().value()->find_record(record).value();
  }

  std::vector<store::OutboxRow> outbox(std::string const& destination) {
    return store_->snapshot().value()->outbox(destination, 1000).value();
  }
  /// The messages queued for a partner, in order: "REF^I12 RRI^I12".
  std::string told(std::string const& destination) {
    std::string all;
    for (auto const& each : outbox(destination))
      all += (all.empty() ? "" : " ") + each.kind.substr(each.kind.find(':') + 1);
    return all;
  }
  fhir::json::Document request_of(store::OutboxRow const& row) {
    return fhir::json::read_document(row.request).value();
  }

  fhir::Result<store::Receipt> deliver(store::OutboxRow row, std::string const& outcome) {
    return store_->commit_and_wait([&](store::Unit& unit) -> fhir::Result<void> {
      row.state = store::OutboxState::delivered;
      if (row.id != 0) unit.update_outbox(row);
      return delivered(unit, row, outcome, site_);
    });
  }
  /// One record at a time, so that a walk has steps.
  fhir::Result<store::Receipt> pass_time() {
    return store_->commit_and_wait([&](store::Unit& unit) -> fhir::Result<void> {
      for (Walk at; !at.kind.empty();) {
        FHIR_TRY(at, tick(unit, site_, at, 1));
      }
      return {};
    });
  }

  /// Tasks among the record's views with that code.
  std::vector<fhir::json::Document> tasks(std::vector<std::string> const& views, std::string_view code) {
    std::vector<fhir::json::Document> found;
    for (auto const& view : views) {
      if (!view.starts_with("Task/")) continue;
      auto task = read("Task", view.substr(5));
      bool match = false;
      for (auto const* list : {task.root.at("code", "coding"), task.root.at("reasonCode", "coding")})
        if (list != nullptr)
          for (auto const& coding : list->items()) match = match || coding.text_at("code") == code;
      if (match) found.push_back(std::move(task));
    }
    return found;
  }

  fhir::json::Document first_task(std::vector<std::string> const& views, std::string_view code) {
    auto found = tasks(views, code);
    EXPECT_FALSE(found.empty()) << code;
    return found.empty() ? fhir::json::Document{} : std::move(found.front());
  }

  /// Replay of every log gives the stored rows, and the chains hold.
  void expect_replays() {
    auto const issues = rebuild(*store_);
    for (auto const& issue : issues) ADD_FAILURE() << fhir::to_line(issue);
    EXPECT_TRUE(store_->check().empty());
  }

  static std::string request(std::string const& id = "sr",
                             std::string const& requester = "Organization/riverside",
                             std::string const& performer = "Organization/heart-clinic",
                             std::string const& patient = "riverside-patient",
                             std::string const& number = "R-1001", std::string const& status = "active") {
    return json("{'resourceType':'ServiceRequest','id':'" + id +
                "','identifier':[{'type':{'coding':[{'system':" +
                "'http://terminology.hl7.org/CodeSystem/"
                "v2-0203','code':'PLAC'}]},'system':'urn:oid:1.2.3','value':'" +
                number + "'}],'status':'" + status + "','intent':'order','priority':'asap'," +
                "'category':[{'coding':[{'system':'http://snomed.info/sct','code':'3457005'}]}]," +
                "'subject':{'reference':'Patient/" + patient + "'},'requester':{'reference':'" + requester +
                "'},'performer':[{'reference':'" + performer + "'}]}");
  }
  static std::string task(std::string const& id = "task", std::string const& request = "sr",
                          std::string const& owner = "Organization/heart-clinic",
                          std::string const& status = "requested", std::string const& more = "") {
    return json(
        "{'resourceType':'Task','id':'" + id + "','status':'" + status + "','intent':'order'," +
        "'code':{'coding':[{'system':'http://hl7.org/fhir/CodeSystem/task-code','code':'fulfill'}]}," +
        "'focus':{'reference':'ServiceRequest/" + request +
        "'},'for':{'reference':'Patient/riverside-patient'}," + "'owner':{'reference':'" + owner + "'}" +
        more + "}");
  }
  static std::string appointment(std::string const& id, std::string const& status, std::string const& start,
                                 std::string const& patient = "riverside-patient",
                                 std::string const& based_on = "ServiceRequest/sr") {
    return json("{'resourceType':'Appointment','id':'" + id + "','status':'" + status + "','start':'" +
                start + "'," + (based_on.empty() ? "" : "'basedOn':[{'reference':'" + based_on + "'}],") +
                "'participant':[{'actor':{'reference':'Patient/" + patient + "'},'status':'accepted'}]}");
  }
  static std::string encounter(std::string const& id, std::string const& status, std::string const& act_class,
                               std::string const& patient, std::string const& more = "") {
    return json("{'resourceType':'Encounter','id':'" + id +
                "','identifier':[{'system':'urn:visit','value':'" + id + "'}],'status':'" + status +
                "','class':{'system':'http://terminology.hl7.org/CodeSystem/v3-ActCode'," + "'code':'" +
                act_class + "'},'subject':{'reference':'Patient/" + patient + "'}" + more + "}");
  }
  static std::string report(std::string const& id, std::string const& status,
                            std::string const& patient = "riverside-patient",
                            std::string const& more = ",'basedOn':[{'reference':'ServiceRequest/sr'}]") {
    return json("{'resourceType':'DiagnosticReport','id':'" + id + "','status':'" + status +
                "','code':{'coding':[{'system':'http://loinc.org','code':'11488-4'}]}," +
                "'subject':{'reference':'Patient/" + patient + "'}" + more + "}");
  }

  /// Step 1 of the worked loop: the PCP refers, the clinic's engine acknowledges.
  void refer() {
    ASSERT_TRUE(fhir("riverside", {request(), task()}));
    wait(60'000);
    auto const rows = outbox("heart-clinic");
    ASSERT_FALSE(rows.empty());
    ASSERT_TRUE(deliver(rows.back(), "AA"));
    wait(kHourMs);
  }
  void accept() {
    ASSERT_TRUE(v2("heart-clinic", "RRI^I12", {{"referral.status", "A", "RF1-1"}}, {},
                   {"ServiceRequest/sr", "Task/task"}));
    wait(kHourMs);
  }

  std::filesystem::path path_;
  std::int64_t now_ = kMonday;
  std::int64_t asserted_ = 0;
  int messages_ = 0;
  Site site_;
  std::unique_ptr<store::Store> store_;
};

}  // namespace gateway::record
