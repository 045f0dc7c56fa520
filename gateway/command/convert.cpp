#include <fstream>
#include <iostream>
#include <iterator>

#include "fhir/json/reader.hpp"
#include "fhir/json/writer.hpp"
#include "gateway/command/commands.hpp"
#include "gateway/command/setup.hpp"
#include "mappings/hl7v2/batch.hpp"
#include "mappings/hl7v2/charset.hpp"

namespace gateway::command {

namespace {

using fhir::json::Element;
namespace hl7v2 = mappings::hl7v2;
namespace language = mappings::language;

/// One run of `convert`: its tables and profile, and the loss report it gathers.
class Conversion {
 public:
  Conversion(ConvertArguments const& arguments, language::Maps maps, language::PartnerProfile profile)
      : arguments_(arguments), maps_(std::move(maps)), profile_(std::move(profile)) {}

  fhir::Result<void> to_fhir(std::string const& bytes) {
    if (!hl7v2::is_batch(bytes)) return message_to_fhir(bytes);
    fhir::Issues warnings;
    FHIR_TRY(auto const file, hl7v2::split_batch(bytes, warnings));
    warn(warnings);
    for (hl7v2::Batch const& batch : file.batches) {
      for (std::string_view const message : batch.messages) FHIR_CHECK(message_to_fhir(message));
    }
    return {};
  }

  fhir::Result<void> to_hl7v2(std::string const& bytes) {
    FHIR_TRY(auto const document, fhir::json::read_document(bytes));
    auto const caret = arguments_.event.find('^');
    if (caret == std::string::npos) {
      return fhir::error(fhir::IssueType::required, "say which message to write: --event REF^I12", {}, "--event");
    }
    FHIR_TRY(auto request, language::from_bundle(maps_, arguments_.structure, document.root));
    request.message_code = std::string_view(arguments_.event).substr(0, caret);
    request.trigger_event = std::string_view(arguments_.event).substr(caret + 1);
    request.structure = arguments_.structure;
    std::optional<hl7v2::Message> seed;
    if (!arguments_.complement.empty()) {
      FHIR_TRY(auto const image, read_file(arguments_.complement));
      fhir::Issues forgiven;
      FHIR_TRY(seed, hl7v2::Message::parse(image, file_options(), forgiven));
      request.seed = &*seed;
      request.keep_header = true;
    } else {
      request.control_id = "CONVERT1";
      request.timestamp = "20000101000000";  // the output is the same whenever it is made
    }
    FHIR_TRY(auto const reversed, language::reverse(maps_, request, profile_));
    warn(reversed.warnings);
    for (language::LossNote const& note : reversed.loss) {
      Element& entry = losses_.push(arena_);
      set(entry, "path", note.path);
      set(entry, "reason", note.reason);
      set(entry, "kept", note.kept_in);
    }
    FHIR_TRY(auto const out, hl7v2::encode_charset(reversed.image.bytes(), profile_.charset));
    std::cout.write(out.data(), static_cast<std::streamsize>(out.size()));
    return {};
  }

  fhir::Result<void> write_loss() {
    if (arguments_.loss.empty()) return {};
    std::string const report = fhir::json::write(losses_) + "\n";
    if (arguments_.loss == "-") {
      std::cerr << report;
      return {};
    }
    std::ofstream file(arguments_.loss, std::ios::binary);
    file << report;
    if (!file.flush()) return fhir::error(fhir::IssueType::no_store, "the loss report cannot be written", {}, arguments_.loss);
    return {};
  }

 private:
  static hl7v2::ParseOptions file_options() {
    hl7v2::ParseOptions options;
    options.allow_utf16 = true;  // files may be UTF-16; streams may not
    return options;
  }

  fhir::Result<void> message_to_fhir(std::string_view bytes) {
    auto options = file_options();
    options.charset = profile_.charset;
    fhir::Issues warnings;
    FHIR_TRY(auto const message, hl7v2::Message::parse(bytes, options, warnings));
    FHIR_TRY(auto draft, language::forward(maps_, message, profile_));
    warnings.insert(warnings.end(), draft.warnings.begin(), draft.warnings.end());
    warn(warnings);
    if (arguments_.explain) explain(draft);
    report_loss(message, draft);
    std::cout << fhir::json::write(language::to_bundle(draft)) << "\n";
    return {};
  }

  static void explain(language::Draft const& draft) {
    for (language::Provenance const& one : language::provenance(draft)) {
      std::cerr << one.path << " <- " << one.v2 << " (" << one.row << ")\n";
    }
  }

  void report_loss(hl7v2::Message const& message, language::Draft const& draft) {
    language::Account const account = language::account(message, draft);
    Element& entry = losses_.push(arena_);
    set(entry, "message", message.control_id());
    set_count(entry, "leaves", account.leaves);
    set_count(entry, "mapped", account.mapped.size());
    add_losses(entry, "kept", message, account.kept);
    add_losses(entry, "dropped", message, account.dropped);
  }

  void add_losses(Element& entry, std::string_view name, hl7v2::Message const& message,
                  std::vector<language::Loss> const& losses) {
    Element list = Element::of_array();
    for (language::Loss const& loss : losses) {
      Element& item = list.push(arena_);
      set(item, "v2", to_string(message, loss.address));
      set(item, "reason", loss.reason);
    }
    entry.set(arena_, name, list);
  }

  void set(Element& entry, std::string_view name, std::string_view text) {
    entry.set(arena_, name, Element::of_string(arena_.copy(text)));
  }
  void set_count(Element& entry, std::string_view name, std::size_t count) {
    entry.set(arena_, name, Element::of_number(arena_.copy(std::to_string(count))));
  }
  void warn(fhir::Issues const& warnings) const {
    if (!warnings.empty()) print(warnings, arguments_.json);
  }

  ConvertArguments const& arguments_;
  language::Maps maps_;
  language::PartnerProfile profile_;
  fhir::json::Arena arena_;
  Element losses_ = Element::of_array();
};

fhir::Result<void> run(ConvertArguments const& arguments) {
  FHIR_TRY(auto const settings, load_settings(arguments.config));
  FHIR_TRY(auto maps, load_maps(settings.map_overlays));
  language::PartnerProfile profile;
  if (!arguments.partner.empty()) {
    intake::Partners const partners(settings);
    auto const* const partner = partners.find(arguments.partner);
    if (partner == nullptr) {
      return fhir::error(fhir::IssueType::not_found, "the configuration names no such partner", {}, "--partner");
    }
    profile = partner->profile;
  }
  Conversion conversion(arguments, std::move(maps), std::move(profile));
  auto const take = [&](std::string const& bytes) {
    return arguments.from == "hl7v2" ? conversion.to_fhir(bytes) : conversion.to_hl7v2(bytes);
  };
  if (arguments.files.empty()) {
    FHIR_CHECK(take({std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()}));
  }
  for (std::string const& path : arguments.files) {
    FHIR_TRY(auto const bytes, read_file(path));
    if (auto taken = take(bytes); !taken) {
      fhir::Issue issue = taken.error();
      issue.source = path + (issue.source.empty() ? "" : " " + issue.source);
      return issue;
    }
  }
  return conversion.write_loss();
}

}  // namespace

int convert(ConvertArguments const& arguments) {
  if (arguments.from == arguments.to) {
    print({fhir::error(fhir::IssueType::invalid, "--from and --to are the same", {}, "--to")}, arguments.json);
    return kWrongUsage;
  }
  if (auto done = run(arguments); !done) {
    print({done.error()}, arguments.json);
    return kRefused;
  }
  return kDone;
}

}  // namespace gateway::command
