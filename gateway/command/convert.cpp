#include "fhir/json/issues.hpp"
#include "fhir/json/reader.hpp"
#include "fhir/json/writer.hpp"
#include "gateway/command/commands.hpp"
#include "gateway/command/setup.hpp"
#include "mappings/hl7v2/batch.hpp"
#include "mappings/hl7v2/charset.hpp"
#include "mappings/hl7v2/dictionary.hpp"

#include <fstream>
#include <iostream>
#include <iterator>

namespace gateway::command {

namespace {

using fhir::json::Element;
namespace hl7v2 = mappings::hl7v2;
namespace language = mappings::language;

/// Whether a file without an envelope is a row of messages, one after the other.
bool holds_several(std::string_view bytes) {
  std::size_t headers = 0;
  while (!bytes.empty()) {
    while (bytes.starts_with('\x0b') || bytes.starts_with("\xef\xbb\xbf"))
      bytes.remove_prefix(bytes[0] == '\x0b' ? 1 : 3);
    if (bytes.starts_with("MSH") && ++headers > 1) return true;
    auto const end = bytes.find_first_of("\r\n");
    bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
  }
  return false;
}

/// One run of `convert`: its tables and profile, and the loss report it gathers. What one file or message is
/// refused for is printed, and the next one is taken.
class Conversion {
 public:
  Conversion(ConvertArguments const& arguments, language::Maps maps, language::PartnerProfile profile)
      : arguments_(arguments), maps_(std::move(maps)), profile_(std::move(profile)) {}

  /// `name` is the file's, "" for stdin.
  void take(std::string const& name, fhir::Result<std::string> const& bytes) {
    file_ = name;
    number_ = 0;
    if (!bytes) return refuse({bytes.error()});
    fhir::Issues refusals;
    auto const done = arguments_.from == "hl7v2" ? to_fhir(*bytes) : to_hl7v2(*bytes, refusals);
    if (!done) refuse(refusals.empty() ? fhir::Issues{done.error()} : std::move(refusals));
  }

  bool has_refused() const { return refused_; }

  fhir::Result<void> write_loss() {
    if (arguments_.loss.empty()) return {};
    std::string const report = fhir::json::write(losses_) + "\n";
    if (arguments_.loss == "-") {
      std::cerr << report;
      return {};
    }
    std::ofstream file(arguments_.loss, std::ios::binary);
    file << report;
    if (!file.flush())
      return fhir::error(fhir::IssueType::no_store, "the loss report cannot be written", {}, arguments_.loss);
    return {};
  }

 private:
  fhir::Result<void> to_fhir(std::string const& bytes) {
    if (!hl7v2::is_batch(bytes) && !holds_several(bytes)) return message_to_fhir(bytes);
    fhir::Issues warnings;
    FHIR_TRY(auto const file, hl7v2::split_batch(bytes, warnings));
    warn(warnings);
    for (hl7v2::Batch const& batch : file.batches) {
      for (std::string_view const message : batch.messages) {
        ++number_;
        if (auto const done = message_to_fhir(message); !done) refuse({done.error()});
      }
    }
    return {};
  }

  /// `refusals` gets everything that keeps the Bundle from being written.
  fhir::Result<void> to_hl7v2(std::string const& bytes, fhir::Issues& refusals) {
    FHIR_TRY(auto const document, fhir::json::read_document(bytes));
    auto const caret = arguments_.event.find('^');
    if (caret == std::string::npos) {
      return fhir::error(fhir::IssueType::required, "say which message to write: --event REF^I12", {},
                         "--event");
    }
    FHIR_TRY(auto request, language::from_bundle(maps_, arguments_.structure, document.root));
    request.message_code = std::string_view(arguments_.event).substr(0, caret);
    request.trigger_event = std::string_view(arguments_.event).substr(caret + 1);
    request.structure = arguments_.structure;
    FHIR_TRY(request.facts, facts());
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
    FHIR_TRY(auto const reversed, language::reverse(maps_, request, profile_, &refusals));
    warn(reversed.warnings);
    for (language::LossNote const& note : reversed.loss) {
      Element& entry = new_entry();
      set(entry, "path", note.path);
      set(entry, "reason", note.reason);
      set(entry, "kept", note.kept_in);
    }
    // A header that is kept says which character set its message is in.
    std::string charset = profile_.charset;
    if (seed && charset.empty()) charset = seed->charset();
    FHIR_TRY(auto const out, hl7v2::encode_charset(reversed.image.bytes(), charset));
    std::cout.write(out.data(), static_cast<std::streamsize>(out.size()));
    return {};
  }

  fhir::Result<std::vector<language::FactValue>> facts() const {
    std::vector<language::FactValue> values;
    for (std::string_view const fact : arguments_.facts) {
      auto const equals = fact.find('=');
      if (equals == std::string_view::npos)
        return fhir::error(fhir::IssueType::invalid, "a fact is NAME=VALUE, as in order.control=NW", {},
                           "--fact");
      values.push_back({fact.substr(0, equals), fact.substr(equals + 1)});
    }
    return values;
  }

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
    auto translated = language::forward(maps_, message, profile_);
    if (!translated) {
      report_untranslated(message, translated.error());
      return translated.error();
    }
    language::Draft& draft = *translated;
    warnings.insert(warnings.end(), draft.warnings.begin(), draft.warnings.end());
    warn(warnings);
    if (arguments_.explain) explain(draft);
    Element& report = report_loss(message, language::account(message, draft));
    report_repeated(report, draft.warnings);
    bool const is_message = arguments_.bundle == "message";
    std::cout << fhir::json::write(is_message ? language::to_message_bundle(draft, message, profile_)
                                              : language::to_bundle(draft))
              << "\n";
    return {};
  }

  static void explain(language::Draft const& draft) {
    for (language::Provenance const& one : language::provenance(draft)) {
      std::cerr << one.path << " <- " << one.v2 << " (" << one.row << ")\n";
    }
  }

  Element& report_loss(hl7v2::Message const& message, language::Account const& account) {
    Element& entry = new_entry();
    set(entry, "message", message.control_id());
    set_count(entry, "leaves", account.leaves);
    set_count(entry, "mapped", account.mapped.size());
    add_losses(entry, "kept", message, account.kept);
    add_losses(entry, "dropped", message, account.dropped);
    return entry;
  }

  /// The patient told once more: both were read into one, which the leaves alone do not show.
  void report_repeated(Element& entry, fhir::Issues const& warnings) {
    for (fhir::Issue const& warning : warnings) {
      if (warning.code != fhir::IssueType::duplicate) continue;
      Element item = Element::of_object();
      set(item, "v2", warning.source);
      set(item, "reason", warning.diagnostics);
      entry.set(arena_, "repeated").push(arena_, item);
    }
  }

  /// No leaf of a message without a table is lost unsaid: it stays in the message, and the report names it.
  void report_untranslated(hl7v2::Message const& message, fhir::Issue const& why) {
    std::string wanted(hl7v2::structure_of(message));
    if (wanted.empty()) wanted.append(message.message_code()).append("^").append(message.trigger_event());
    std::string const reason = wanted == "^" ? "no table: MSH-9 is empty" : "no table for " + wanted;
    set(report_loss(message, language::account(message, reason)), "refused", why.diagnostics);
    in_report_ = true;
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

  Element& new_entry() {
    Element& entry = losses_.push(arena_);
    if (!file_.empty()) set(entry, "file", place());
    return entry;
  }

  void warn(fhir::Issues warnings) const {
    for (fhir::Issue& warning : warnings) warning.source = placed(warning.source);
    if (!warnings.empty()) print(warnings, arguments_.json);
  }

  /// Prints why, of a Bundle as an OperationOutcome where JSON is asked for; the report names it too, unless
  /// the message's account stands there already.
  void refuse(fhir::Issues issues) {
    refused_ = true;
    for (fhir::Issue& issue : issues) {
      if (!in_report_) set(new_entry(), "refused", issue.diagnostics);
      issue.source = placed(issue.source);
    }
    in_report_ = false;
    if (arguments_.json && arguments_.from == "fhir") {
      std::cerr << fhir::json::to_outcome(issues) << "\n";
    } else {
      print(issues, arguments_.json);
    }
  }

  /// "batch.hl7#2": the file, and which message of it where it holds several.
  std::string place() const { return number_ == 0 ? file_ : file_ + "#" + std::to_string(number_); }
  std::string placed(std::string const& source) const {
    std::string const here = place();
    return here.empty() || source.empty() ? here + source : here + " " + source;
  }

  ConvertArguments const& arguments_;
  language::Maps maps_;
  language::PartnerProfile profile_;
  fhir::json::Arena arena_;
  Element losses_ = Element::of_array();
  std::string file_;
  std::size_t number_ = 0;  ///< Of the message in its file, 0 where the file is one message.
  bool in_report_ = false;
  bool refused_ = false;
};

/// Whether everything was converted; an Issue when nothing could begin or the output could not be written.
fhir::Result<bool> run(ConvertArguments const& arguments) {
  FHIR_TRY(auto settings, load_settings(arguments.config));
  settings.map_overlays.insert(settings.map_overlays.end(), arguments.overlays.begin(),
                               arguments.overlays.end());
  FHIR_TRY(auto const tables, load_tables(settings, {}));
  language::PartnerProfile profile;
  if (!arguments.partner.empty()) {
    auto const* const partner = tables->partners->find(arguments.partner);
    if (partner == nullptr) {
      return fhir::error(fhir::IssueType::not_found, "the configuration names no such partner", {},
                         "--partner");
    }
    profile = partner->profile;
  }
  Conversion conversion(arguments, tables->maps, std::move(profile));
  if (arguments.files.empty()) {
    conversion.take("",
                    std::string{std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()});
  }
  for (std::string const& path : arguments.files) conversion.take(path, read_file(path));
  FHIR_CHECK(conversion.write_loss());
  if (!std::cout.flush()) return fhir::error(fhir::IssueType::no_store, "the output cannot be written");
  return !conversion.has_refused();
}

}  // namespace

int convert(ConvertArguments const& arguments) {
  if (arguments.from == arguments.to) {
    print({fhir::error(fhir::IssueType::invalid, "--from and --to are the same", {}, "--to")},
          arguments.json);
    return kWrongUsage;
  }
  auto const done = run(arguments);
  if (!done) {
    print({done.error()}, arguments.json);
    return kRefused;
  }
  return *done ? kDone : kRefused;
}

}  // namespace gateway::command
