/// Google's reconciliation: by what a resource is recognised (13 types), and how two states of it are merged
/// (48 pairs).
///
/// Recognising has a counterpart: their criteria are conditional creates and searches, and ours must find
/// with each of them the resource that it was made from, and nothing with another value.
///
/// Merging has none. Their engine merges two FHIR resources, whoever sent them: the newer one's single
/// elements win, absent ones keep, arrays are united. Handoff never merges FHIR input (architecture.md
/// section 2): POST makes, PUT replaces, and each source keeps its own resource. What it merges are v2
/// messages of one source, by the update mode of each row: laws L5 and L6 judge that, single elements as
/// theirs do, lists otherwise (a snapshot replaces what its row owns, so that a phone that is gone goes).
#include "fhir/json/reader.hpp"
#include "fhir/search/match.hpp"
#include "tests/mappings/hl7v2/corpus.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <iostream>
#include <map>

namespace mappings::peers {
namespace {

namespace fs = std::filesystem;
using fhir::json::Element;

/// Their element to R4's search parameter.
std::map<std::string, std::string> const kParameters = {{"identifier", "identifier"},
                                                        {"code", "code"},
                                                        {"category", "category"},
                                                        {"status", "status"},
                                                        {"intent", "intent"},
                                                        {"class", "class"},
                                                        {"type", "type"},
                                                        {"subject", "subject"},
                                                        {"patient", "patient"},
                                                        {"vaccineCode", "vaccine-code"},
                                                        {"medicationReference", "medication"},
                                                        {"medicationCodeableConcept", "code"},
                                                        {"effectiveDateTime", "date"},
                                                        {"effectivePeriod", "date"},
                                                        {"occurrenceDateTime", "date"},
                                                        {"performedDateTime", "date"},
                                                        {"performedPeriod", "date"},
                                                        {"period", "date"},
                                                        {"valueQuantity", "value-quantity"},
                                                        {"valueString", "value-string"},
                                                        {"valueCodeableConcept", "value-concept"}};

struct Query {
  std::string text;                       ///< "code=http://snomed.info/sct|10493&patient=Patient/1"
  std::vector<std::string> unsearchable;  ///< Elements that R4 has no search parameter for.
};

/// "code=coding=code=10493|system=http://snomed.info/sct|patient=reference=Patient/1"
Query to_query(std::string const& criterion) {
  std::vector<std::pair<std::string, std::string>> terms;  // parameter, value
  Query query;
  for (std::size_t begin = 0; begin <= criterion.size();) {
    auto const end = std::min(criterion.find('|', begin), criterion.size());
    std::string const term = criterion.substr(begin, end - begin);
    begin = end + 1;
    std::string const element = term.substr(0, term.find('='));
    std::string const value = term.substr(term.rfind('=') + 1);
    bool const is_rest = element == "system" || element == "value";  // of the token before
    if (is_rest && !terms.empty()) {
      std::string& token = terms.back().second;
      token = element == "system" ? value + "|" + token : token + "|" + value;
    } else if (auto const known = kParameters.find(element); known == kParameters.end()) {
      query.unsearchable.push_back(element);
    } else {
      bool const is_period = term.find("=start=") != std::string::npos;
      terms.emplace_back(known->second, (is_period ? "ge" : "") + value);
    }
  }
  for (auto const& [name, value] : terms)
    query.text += (query.text.empty() ? "" : "&") + name + "=" + fhir::search::percent_encode(value);
  return query;
}

bool finds(std::string const& type, std::string const& query, Element const& resource) {
  auto const parsed = fhir::search::parse_query(type, query, fhir::search::Handling::strict);
  EXPECT_TRUE(parsed) << type << "?" << query << " " << (parsed ? "" : fhir::to_line(parsed.error()));
  if (!parsed) return false;
  auto const found = fhir::search::matches(*parsed, {type, "1", 0}, fhir::search::extract(resource));
  EXPECT_TRUE(found) << type << "?" << query;
  return found && *found;
}

TEST(Reconciliation, WhatGoogleRecognisesAResourceByFindsItInOurSearch) {
  if (hl7v2::test::shared_directory().empty()) GTEST_SKIP() << "the shared corpora are absent";
  fs::path const root = fs::path(hl7v2::test::shared_directory()) /
                        "corpora/hl7v2/google-healthcare-data-harmonization/reconciliation-matching";
  std::size_t types = 0, criteria = 0;
  std::map<std::string, std::size_t> unsearchable;
  for (auto const& entry : fs::directory_iterator(root)) {
    std::string const file = entry.path().filename().string();
    auto const end = file.find(".input.json");
    if (end == std::string::npos) continue;
    ++types;
    std::string const type = file.substr(0, end);
    auto const input = fhir::json::read_document(hl7v2::test::read_file(entry.path().string()));
    auto const output =
        fhir::json::read_document(hl7v2::test::read_file((root / (type + ".output.json")).string()));
    ASSERT_TRUE(input && output) << type;
    auto const resources = input->root.find("resources")->items();
    ASSERT_EQ(resources.size(), output->root.size()) << type;
    for (std::size_t at = 0; at < resources.size(); ++at) {
      for (Element const& criterion : output->root.items()[at].items()) {
        ++criteria;
        Query const query = to_query(std::string(criterion.text()));
        for (auto const& element : query.unsearchable) ++unsearchable[type + "." + element];
        if (query.text.empty()) continue;
        EXPECT_TRUE(finds(type, query.text, resources[at])) << type << "?" << query.text;
        EXPECT_FALSE(finds(type, query.text + "&identifier=urn:other%7C1", resources[at])) << type;
      }
    }
  }
  EXPECT_EQ(types, 13U);
  EXPECT_GE(criteria, 60U);
  std::cout << "Google reconciliation: " << criteria << " criteria of " << types
            << " types, all found by our search\n";
  for (auto const& [element, count] : unsearchable)
    std::cout << "  " << count << " without " << element << ": R4 has no search parameter for it\n";
}

}  // namespace
}  // namespace mappings::peers
