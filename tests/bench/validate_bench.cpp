/// How fast resources are judged, by structure alone and in full, and searched for values, against a bare
/// RapidJSON parse and write of the same bytes; and what the definitions take in time and memory. Goals:
/// issue 4, figures 8 and 9.
#include "fhir/json/reader.hpp"
#include "fhir/json/writer.hpp"
#include "fhir/path/path.hpp"
#include "fhir/search/values.hpp"
#include "fhir/terminology/codes.hpp"
#include "fhir/terminology/library_source.hpp"
#include "fhir/validate/structure.hpp"
#include "fhir/validate/validator.hpp"
#include "tests/bench/harness.hpp"

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <vector>

namespace {

using namespace fhir;

constexpr double kSeconds = 1.0;  // of CPU, per figure

std::string read_file(std::filesystem::path const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Resident memory of this process in MB. Source: proc(5), statm.
double resident_mb() {
  std::ifstream file("/proc/self/statm");
  long total = 0, resident = 0;
  file >> total >> resident;
  return static_cast<double>(resident) * 4096 / 1e6;
}

void rapidjson_round(std::string const& bytes) {
  rapidjson::Document document;
  document.Parse(bytes.data(), bytes.size());
  rapidjson::StringBuffer out;
  rapidjson::Writer<rapidjson::StringBuffer> writer(out);
  document.Accept(writer);
}

/// Half of an example is its narrative, one long text: what is left is denser.
std::string without_narrative(std::string const& resource) {
  json::Document document = json::read_document(resource).value();
  document.root.remove("text");
  return json::write(document.root);
}

/// 1 MB of collection Bundle, the resource over and over.
std::string bundle_of(std::string const& resource) {
  std::string text = R"({"resourceType":"Bundle","type":"collection","entry":[)";
  for (int i = 0; text.size() < 1'000'000; ++i) {
    std::array<char, 64> url{};
    std::snprintf(url.data(), url.size(), "urn:uuid:00000000-0000-4000-8000-%012d", i);
    text.append(i == 0 ? "" : ",")
        .append(R"({"fullUrl":")")
        .append(url.data())
        .append(R"(","resource":)")
        .append(resource)
        .append("}");
  }
  return text + "]}";
}

/// Every search parameter of a resource's type, evaluated by fhir/path.
class Paths {
 public:
  void run(json::Element const& resource) {
    auto& all = compiled_[std::string(resource.text_at("resourceType"))];
    if (all.empty()) {
      for (auto const* parameter : definitions::search_parameters(resource.text_at("resourceType"))) {
        auto expression = path::Expression::compile(parameter->expression());
        if (expression) all.push_back(*expression);
      }
    }
    arena_.reset();
    path::Item const root = path::root_item(resource);
    for (path::Expression const& one : all) (void)one.evaluate(root, {}, arena_);
  }

 private:
  std::map<std::string, std::vector<path::Expression>> compiled_;
  json::Arena arena_;
};

/// `ours` and how many times the bare parse and write it takes.
void print_line(char const* what, bench::Measured const& ours, bench::Measured const& bare, double mb) {
  std::printf("  %-44s %12.0f %10.1f %8.2f\n", what, ours.per_second, ours.per_second * mb,
              bare.per_second / ours.per_second);
}

}  // namespace

int main() {
  std::filesystem::path const shared = HANDOFF_SHARED_DIR;
  auto const file = shared / "reference/packages/hl7.fhir.us.core-6.1.0.tgz";
  if (!std::filesystem::exists(file)) {
    std::printf("skipped: no %s\n", file.c_str());
    return 0;
  }
  double const before_mb = resident_mb();
  auto const start = bench::Clock::now();
  double const start_cpu = bench::thread_cpu_seconds();
  auto const library = std::make_shared<packages::Library>(packages::Library::r4());
  auto package = packages::read_package(read_file(file)).value();
  std::string patient;
  for (auto const& resource : package.resources) {
    if (resource.is_example && resource.type == "Patient" && resource.id == "example")
      patient = resource.bytes;
  }
  (void)library->add(std::move(package)).value();
  auto const profiles = std::make_shared<profiles::Profiles const>(library);
  validate::Validator const validator(profiles);
  terminology::Codes const codes(std::make_shared<terminology::Terminology const>(
      std::make_shared<terminology::LibrarySource const>(library)));
  validate::Options options;
  options.codes = &codes;
  options.now = "2026-01-31T10:00:00.000Z";
  options.issues_max = 1'000'000;  // else a large Bundle with warnings ends early
  auto const judge = [&](std::string const& bytes) {
    json::Document const document = json::read_document(bytes).value();
    Issues issues;
    validator.validate(document.root, options, issues);
    return issues;
  };
  auto const issues = judge(patient);
  std::printf(
      "first US Core Patient judged %.2f s of CPU, %.2f s after the start, %.0f MB more in memory, %zu "
      "findings\n",
      bench::thread_cpu_seconds() - start_cpu, bench::seconds_since(start), resident_mb() - before_mb,
      issues.size());
  // All of it: every profile of R4 and US Core made ready.
  std::size_t ready = 0;
  for (auto const* entry : library->list("StructureDefinition"))
    ready += profiles->find(entry->url) ? 1U : 0U;
  std::printf("all %zu structure definitions ready: %.2f s of CPU, %.0f MB more in memory\n", ready,
              bench::thread_cpu_seconds() - start_cpu, resident_mb() - before_mb);
  std::string const bare_patient = without_narrative(patient);
  for (auto const& [name, bytes] : {std::pair<char const*, std::string>{"US Core Patient", patient},
                                    {"US Core Patient without its narrative", bare_patient},
                                    {"Bundle of 1 MB of those", bundle_of(bare_patient)}}) {
    auto const mb = static_cast<double>(bytes.size()) / 1e6;
    auto const bare = bench::per_cpu_second(kSeconds, [&] { rapidjson_round(bytes); });
    std::printf("%s, %zu bytes: RapidJSON parse+write %.1f MB/s\n", name, bytes.size(), bare.per_second * mb);
    std::printf("  %-44s %12s %10s %8s\n", "", "per second", "MB/s", "x time");
    auto const written = bench::per_cpu_second(kSeconds, [&] {
      json::Document const document = json::read_document(bytes).value();
      return json::write(document.root);
    });
    print_line("read, write", written, bare, mb);
    json::Document const document = json::read_document(bytes).value();
    auto const structure = [](json::Element const& root) {
      Issues found;
      validate::validate_structure(root, found);
    };
    search::IndexValues values;
    Paths paths;
    // The store indexes the entries of a Bundle, each as the resource it is.
    auto const extract = [&](json::Element const& root) {
      json::Element const* const entries = root.find("entry");
      if (entries == nullptr) return search::extract(root, values);
      for (json::Element const& entry : entries->items()) search::extract(*entry.find("resource"), values);
    };
    print_line("structure", bench::per_cpu_second(kSeconds, [&] { structure(document.root); }), bare, mb);
    print_line("extraction", bench::per_cpu_second(kSeconds, [&] { extract(document.root); }), bare, mb);
    // The same elements by the general engine, one expression after the other.
    auto const by_path = [&](json::Element const& root) {
      json::Element const* const entries = root.find("entry");
      if (entries == nullptr) return paths.run(root);
      for (json::Element const& entry : entries->items()) paths.run(*entry.find("resource"));
    };
    auto const both = bench::per_cpu_second(kSeconds, [&] {
      structure(document.root);
      extract(document.root);
    });
    print_line("what is extracted, by FHIRPath",
               bench::per_cpu_second(kSeconds, [&] { by_path(document.root); }), bare, mb);
    print_line("structure, extraction (bar: 3 x)", both, bare, mb);
    auto const all = bench::per_cpu_second(kSeconds, [&] {
      json::Document const read = json::read_document(bytes).value();
      structure(read.root);
      extract(read.root);
    });
    print_line("read, structure, extraction", all, bare, mb);
    auto const full = bench::per_cpu_second(kSeconds, [&] { judge(bytes); });
    print_line("read, full validation", full, bare, mb);
  }
  return 0;
}
