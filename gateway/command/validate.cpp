#include "mappings/hl7v2/validate.hpp"

#include "fhir/json/reader.hpp"
#include "fhir/validate/locate.hpp"
#include "fhir/validate/validator.hpp"
#include "fhir/xml/xml.hpp"
#include "gateway/command/commands.hpp"
#include "gateway/command/setup.hpp"
#include "gateway/conformance/conformance.hpp"
#include "gateway/rest/outcome.hpp"
#include "gateway/rest/times.hpp"
#include "mappings/hl7v2/batch.hpp"

#include <algorithm>
#include <iostream>
#include <optional>

namespace gateway::command {

namespace {

namespace hl7v2 = mappings::hl7v2;

/// Whether the bytes are HL7 v2 (a message, a row of them, a batch) rather than a resource.
bool is_v2(std::string_view bytes) {
  auto const begin = bytes.find_first_not_of("\x0b\xef\xbb\xbf\r\n ");
  if (begin == std::string_view::npos) return false;
  bytes.remove_prefix(begin);
  return bytes.starts_with("MSH") || bytes.starts_with("FHS") || bytes.starts_with("BHS");
}

/// Of every message in the file; from the second on each place begins with its number: "#2 PID-3".
fhir::Issues findings_in_v2(std::string_view bytes) {
  fhir::Issues issues;
  auto const file = hl7v2::split_batch(bytes, issues);
  if (!file) return {file.error()};
  std::size_t number = 0;
  for (hl7v2::Batch const& batch : file->batches) {
    for (std::string_view const part : batch.messages) {
      fhir::Issues found;
      auto const message = hl7v2::Message::parse(part, {}, found);
      if (!message) found.push_back(message.error());
      if (message)
        for (auto& finding : hl7v2::validate(*message)) found.push_back(std::move(finding.issue));
      if (++number > 1)
        for (fhir::Issue& one : found) one.source = "#" + std::to_string(number) + " " + one.source;
      issues.insert(issues.end(), found.begin(), found.end());
    }
  }
  return issues;
}

/// A resource in JSON or XML, read when it is first needed.
struct Judged {
  std::string path;
  std::string bytes;
  std::optional<fhir::json::Document> document;
  fhir::Issues issues;  ///< What kept it from being read; of HL7 v2, all that was found.
};

Judged read_judged(std::string const& path) {
  Judged judged{path, {}, {}, {}};
  auto bytes = read_file(path);
  if (!bytes) {
    judged.issues.push_back(bytes.error());
    return judged;
  }
  judged.bytes = std::move(*bytes);
  if (is_v2(judged.bytes)) {
    judged.issues = findings_in_v2(judged.bytes);
    return judged;
  }
  std::string_view text(judged.bytes);
  text.remove_prefix(std::min(text.size(), text.find_first_not_of("\xef\xbb\xbf\r\n\t ")));
  auto document =
      text.starts_with('<') ? fhir::xml::read_resource(text) : fhir::json::read_document(judged.bytes);
  if (document) {
    judged.document = std::move(*document);
  } else {
    judged.issues.push_back(document.error());
  }
  return judged;
}

fhir::Result<conformance::LoadedPackages> load_package_files(std::vector<std::string> const& files) {
  FHIR_TRY(auto const sources, conformance::read_packages(files));
  return conformance::load_packages(sources);
}

}  // namespace

int validate(ValidateArguments const& arguments) {
  auto loaded = load_package_files(arguments.packages);
  if (!loaded) {
    print({loaded.error()});
    return kRefused;
  }
  print(loaded->warnings);
  auto const conformance = conformance::make_conformance(std::move(*loaded));
  std::vector<Judged> all;
  for (std::string const& file : arguments.files) all.push_back(read_judged(file));
  std::string const now = rest::to_instant(wall_clock()());
  fhir::validate::Options options;
  options.profiles = arguments.profiles;
  options.codes = conformance->codes.get();
  options.now = now;
  options.refuses_wrong_displays = arguments.strict;
  if (arguments.strict) options.unknown_extensions = fhir::validate::UnknownExtensions::refused;
  options.resolve = [&](std::string_view reference) -> fhir::json::Element const* {
    for (Judged const& one : all) {
      if (!one.document) continue;
      fhir::json::Element const& root = one.document->root;
      std::string const name =
          std::string(root.text_at("resourceType")).append("/").append(root.text_at("id"));
      std::string_view const url = root.text_at("url");
      if (reference == name || (!url.empty() && reference.substr(0, reference.find('|')) == url))
        return &root;
    }
    return nullptr;
  };
  int code = kDone;
  for (Judged& one : all) {
    if (one.document) {
      conformance->validator->validate(one.document->root, options, one.issues);
      fhir::validate::locate(one.bytes, one.issues);
    }
    std::cout << rest::to_outcome(one.issues) << "\n";
    if (fhir::validate::has_error(one.issues)) code = kRefused;
  }
  return code;
}

}  // namespace gateway::command
