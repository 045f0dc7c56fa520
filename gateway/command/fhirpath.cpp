#include "fhir/json/reader.hpp"
#include "fhir/path/path.hpp"
#include "fhir/terminology/library_source.hpp"
#include "fhir/terminology/path_services.hpp"
#include "fhir/validate/path_services.hpp"
#include "fhir/xml/xml.hpp"
#include "gateway/command/commands.hpp"
#include "gateway/command/setup.hpp"
#include "gateway/conformance/conformance.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <iostream>
#include <iterator>

namespace gateway::command {

namespace {

/// Nothing at all is an element without a type: an expression of literals needs no resource.
fhir::Result<fhir::json::Document> read_resource(std::string const& bytes) {
  auto const begin = bytes.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  if (begin == std::string::npos) return fhir::json::read_document("{}");
  return bytes[begin] == '<' ? fhir::xml::read_resource(bytes) : fhir::json::read_document(bytes);
}

std::string now_text() {
  auto const now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  auto const seconds = std::chrono::floor<std::chrono::seconds>(now);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)), (now - seconds).count());
}

int refuse(fhir::Issue const& issue, bool json) {
  print({issue}, json);
  return kRefused;
}

}  // namespace

int fhirpath(FhirpathArguments const& arguments) {
  auto const expression = fhir::path::Expression::compile(arguments.expression);
  if (!expression) return refuse(expression.error(), arguments.json);

  std::string bytes;
  if (arguments.file.empty()) {
    bytes.assign(std::istreambuf_iterator<char>(std::cin), {});
  } else {
    auto read = read_file(arguments.file);
    if (!read) return refuse(read.error(), arguments.json);
    bytes = std::move(*read);
  }
  auto const document = read_resource(bytes);
  if (!document) return refuse(document.error(), arguments.json);

  auto const focus = fhir::path::root_item(document->root);
  if (focus.type != nullptr) {  // what cannot be meant is said, and run all the same
    for (fhir::Issue issue : expression->check(*focus.type)) {
      issue.severity = fhir::Severity::warning;
      print({issue}, arguments.json);
    }
  }
  std::string const now = now_text();
  fhir::path::Environment environment;
  environment.now = now;
  auto sources = conformance::read_packages(arguments.packages);
  if (!sources) return refuse(sources.error(), arguments.json);
  auto loaded = conformance::load_packages(*sources);
  if (!loaded) return refuse(loaded.error(), arguments.json);
  auto const conformance = conformance::make_conformance(std::move(*loaded));
  fhir::path::Services services;  // code systems, value sets and profiles of R4 and the packages
  fhir::terminology::provide(std::make_shared<fhir::terminology::Terminology const>(
                                 std::make_shared<fhir::terminology::LibrarySource>(conformance->library)),
                             services);
  fhir::validate::Options options;
  options.codes = conformance->codes.get();
  options.now = now;
  fhir::validate::provide(std::shared_ptr<fhir::profiles::Profiles const>(
                              conformance->validator, &conformance->validator->profiles()),
                          std::move(options), document->root, services);
  environment.services = &services;
  fhir::json::Arena arena;
  auto const result = expression->evaluate(focus, environment, arena);
  if (!result) return refuse(result.error(), arguments.json);
  for (auto const& item : *result) std::cout << fhir::path::to_json(item) << "\n";
  return kDone;
}

}  // namespace gateway::command
