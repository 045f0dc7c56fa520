/// FHIRPath against fhirpath.js on the expressions of its own benchmark (github.com/HL7/fhirpath.js,
/// test/benchmark): `fhirpath_bench FOLDER` writes them with their resources to FOLDER/cases.json, which
/// fhirpath.mjs reads, and prints one line per case: name, evaluations per second, how many items came.
/// Goal: issue 4, figure 8: 20 times fhirpath.js.
///
/// Their cases hand collections in as variables (%items); here the same collections come from the resource,
/// so that both engines evaluate one text. Their Questionnaire (MDS 3.0) is not ours to copy: this one has
/// its shape, items of items with codes and answers. Both compile once and evaluate over and over.
#include "fhir/json/reader.hpp"
#include "fhir/json/writer.hpp"
#include "fhir/path/path.hpp"
#include "tests/bench/harness.hpp"

#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

namespace {

using namespace fhir;

constexpr double kSeconds = 0.5;  // of CPU, per case

struct Case {
  std::string name, expression, resource;
};

std::string item(std::string const& link, int depth) {
  std::string text = R"({"linkId":")" + link + R"(","code":[{"system":"http://loinc.org","code":")" + link +
                     R"(","display":"Item )" + link + R"("}],"prefix":")" + link +
                     R"(","text":"What is to be said of item )" + link + R"(?","type":)";
  if (depth == 0) {
    return text + R"("choice","required":true,"answerOption":[{"valueCoding":{"code":"0","display":"No"}},)"
                  R"({"valueCoding":{"code":"1","display":"Yes"}}]})";
  }
  text += R"("group","item":[)";
  for (int i = 0; i < 5; ++i)
    text.append(i == 0 ? "" : ",").append(item(link + "." + std::to_string(i), depth - 1));
  return text + "]}";
}

std::string questionnaire() {
  std::string text = R"({"resourceType":"Questionnaire","status":"active","item":[)";
  for (int i = 0; i < 20; ++i) text.append(i == 0 ? "" : ",").append(item(std::to_string(i), 2));
  return text + "]}";
}

std::vector<Case> cases() {
  std::string const mass =
      R"({"resourceType":"Observation","valueQuantity":{"value":0.1,"system":"http://unitsofmeasure.org","code":"kg"}})";
  std::string const year =
      R"({"resourceType":"Observation","valueQuantity":{"value":1,"unit":"year","system":"http://unitsofmeasure.org","code":"a"}})";
  std::string const gln =
      R"({"resourceType":"Patient","identifier":[{"system":"urn:oid:1.3.88","value":"5798002472264"}]})";
  std::string const answers =
      R"({"resourceType":"QuestionnaireResponse","status":"completed","item":[{"linkId":"1","item":[{"linkId":"1.1"},{"linkId":"1.2","item":[{"linkId":"a"},{"linkId":"b"},{"linkId":"c","item":[{"linkId":"d"},{"linkId":"e"},{"linkId":"f"},{"linkId":"g"},{"linkId":"h","answer":[{"valueString":"Red"},{"valueInteger":7}]}]}]}]}]})";
  std::string checksum = "Patient.identifier.value.select(((10-(";
  for (int digit = 0; digit < 12; ++digit) {
    checksum += (digit == 0 ? "" : "+") + std::string("(substring(") + std::to_string(digit) +
                ",1).toInteger()*" + (digit % 2 == 0 ? "1" : "3") + ")";
  }
  checksum += ")mod(10))mod(10))=substring(12,1).toInteger())";
  std::string const all = questionnaire();
  std::string const items = "Questionnaire.repeat(item).take(100)";
  std::string const codes = "Questionnaire.repeat(item).code.take(100)";
  std::vector<Case> made{
      {"comparison", "1 < 2", mass},
      {"equivalence", "'ab   c   d' ~ 'Ab C D'", mass},
      {"addition", "Observation.value.value + 0.2", mass},
      {"quantity equals calendar", "Observation.value = 1 year", year},
      {"quantity plus calendar", "Observation.value + 1 year = 2 years", year},
      {"date arithmetic", "@2025 + Observation.value * 2 = @2027", year},
      {"check digit", checksum, gln},
      {"part of resource",
       "QuestionnaireResponse.item[0].item[1].item[2].item[4].answer.value.select(toString())", answers},
      {"member invocation", "Questionnaire.item", all},
      {"descendants", "Questionnaire.descendants()", all},
  };
  for (auto const& [name, of] :
       {std::pair<std::string, std::string>{"100 items", items}, {"100 codes", codes}}) {
    made.push_back({"distinct, " + name, of + ".distinct()", all});
    made.push_back({"union, " + name,
                    of + ".union(%context.repeat(item)" + of.substr(of.find(".repeat(item)") + 13) + ")",
                    all});
    made.push_back({"intersect, " + name,
                    of + ".intersect(%context.repeat(item)" + of.substr(of.find(".repeat(item)") + 13) + ")",
                    all});
    made.push_back({"exclude, " + name,
                    of + ".exclude(%context.repeat(item)" + of.substr(of.find(".repeat(item)") + 13) + ")",
                    all});
    made.push_back({"subsetOf, " + name,
                    of + ".subsetOf(%context.repeat(item)" + of.substr(of.find(".repeat(item)") + 13) + ")",
                    all});
    made.push_back({"contains, " + name, of + " contains " + of + ".last()", all});
  }
  return made;
}

void write_cases(std::vector<Case> const& all, std::string const& file) {
  std::string text = "[";
  for (Case const& one : all) {
    text += text.size() > 1 ? ",\n{\"name\":" : "{\"name\":";
    json::write_string(one.name, text);
    text += ",\"expression\":";
    json::write_string(one.expression, text);
    text += ",\"resource\":" + one.resource + "}";
  }
  std::ofstream(file) << text << "]\n";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) {
    std::fprintf(stderr, "fhirpath_bench FOLDER [NAME]\n");
    return 2;
  }
  auto const all = cases();
  write_cases(all, std::string(argv[1]) + "/cases.json");
  for (Case const& one : all) {
    if (argc == 3 && one.name != argv[2]) continue;
    json::Document const document = json::read_document(one.resource).value();
    auto const expression = path::Expression::compile(one.expression).value();
    path::Item const root = path::root_item(document.root);
    path::Environment environment;
    environment.now = "2026-01-31T10:00:00.000Z";
    std::size_t items = 0;
    json::Arena arena;
    auto const measured = bench::per_cpu_second(kSeconds, [&] {
      arena.reset();
      auto const found = expression.evaluate(root, environment, arena);
      items = found ? found->size() : 0;
    });
    std::printf("%s\t%.1f\t%zu\n", one.name.c_str(), measured.per_second, items);
  }
  return 0;
}
