#include "fhir/definitions/definitions.hpp"
#include "fhir/search/query.hpp"
#include "fhir/validate/structure.hpp"
#include "tests/gateway/rest/server.hpp"

#include <set>

namespace gateway::rest::testing {
namespace {

std::set<std::string> texts(fhir::json::Element const* list, std::string_view name) {
  std::set<std::string> out;
  if (list == nullptr) return out;
  for (auto const& item : list->items()) out.emplace(item.text_at(name));
  return out;
}

fhir::json::Element const* resource(Reply const& metadata, std::string_view type) {
  for (auto const& one : metadata.json().at("rest", 0, "resource")->items()) {
    if (one.text_at("type") == type) return &one;
  }
  return nullptr;
}

TEST(Capabilities, AreAWellFormedStatement) {
  Server server;
  Reply const reply = server.get("/fhir/metadata");
  ASSERT_EQ(reply.status, 200);
  EXPECT_EQ(reply.text("fhirVersion"), "4.0.1");
  EXPECT_EQ(reply.text("format", 0), "application/fhir+json");
  EXPECT_EQ(reply.text("date"), "2025-03-03T11:06:40.000Z");
  fhir::Issues issues;
  fhir::validate::validate_structure(reply.json(), issues);
  EXPECT_TRUE(issues.empty()) << fhir::to_line(issues.front());
}

TEST(Capabilities, NameAllTypesAndWhatIsDoneWithThem) {
  Server server;
  Reply const reply = server.get("/fhir/metadata");
  EXPECT_EQ(reply.json().at("rest", 0, "resource")->size(), 146U);
  EXPECT_EQ(texts(resource(reply, "Patient")->find("interaction"), "code"),
            (std::set<std::string>{"read", "vread", "update", "patch", "delete", "create", "search-type",
                                   "history-type", "history-instance"}));
  EXPECT_EQ(texts(reply.json().at("rest", 0, "interaction"), "code"),
            (std::set<std::string>{"transaction", "batch", "history-system"}));
  EXPECT_TRUE(
      texts(resource(reply, "ServiceRequest")->find("operation"), "name").contains("referral-record"));
  EXPECT_FALSE(texts(resource(reply, "Patient")->find("operation"), "name").contains("referral-record"));
}

TEST(Capabilities, TakeEverySearchParameterTheyNameForTheTypesOfAReferral) {
  Server server;
  Reply const reply = server.get("/fhir/metadata");
  for (char const* type : {"Patient", "ServiceRequest", "Task", "Encounter", "Appointment", "Observation"}) {
    auto const* const parameters = resource(reply, type)->find("searchParam");
    ASSERT_NE(parameters, nullptr);
    EXPECT_GT(parameters->size(), 10U) << type;
    for (auto const& parameter : parameters->items()) {
      std::string_view const kind = parameter.text_at("type");
      if (kind == "composite")
        continue;  // their values have no common form; search_test of the store has them
      std::string const value = kind == "date" ? "2025" : kind == "quantity" || kind == "number" ? "1" : "a";
      std::string const target =
          "/fhir/" + std::string(type) + '?' + std::string(parameter.text_at("name")) + '=' + value;
      EXPECT_EQ(server.get(target).status, 200) << target;
    }
  }
}

TEST(Capabilities, LeaveOutNothingThatIsTaken) {
  Server server;
  Reply const reply = server.get("/fhir/metadata");
  auto const named = texts(resource(reply, "Task")->find("searchParam"), "name");
  for (auto const* parameter : fhir::definitions::search_parameters("Task")) {
    std::string const code(parameter->code());
    bool const date = parameter->type() == fhir::definitions::ParameterType::date;
    bool const taken = server.get("/fhir/Task?" + code + '=' + (date ? "2025" : "a")).status == 200;
    EXPECT_EQ(taken, named.contains(code)) << code;
  }
}

}  // namespace
}  // namespace gateway::rest::testing
