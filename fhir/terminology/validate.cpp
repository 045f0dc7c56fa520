// $validate-code of ValueSet and CodeSystem, and many at once. Source: R4
// valueset-operation-validate-code.html, codesystem-operation-validate-code.html; the message ids are those
// by which clients tell findings apart.
#include "fhir/terminology/run.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace fhir::terminology {

namespace {

using json::Arena;
using json::Element;

/// One code to be judged and where it stands: "Coding", "CodeableConcept.coding[0]", "" for parameters of
/// their own.
struct Asked {
  std::string system;
  std::string version;
  std::string code;
  std::string display;
  std::string place;

  std::string at(std::string_view part) const {
    return place.empty() ? std::string(part) : fmt::format("{}.{}", place, part);
  }
  /// "http://system|1.0#code"
  std::string name() const {
    return fmt::format("{}{}{}#{}", system, version.empty() ? "" : "|", version, code);
  }
};

struct Finding {
  Severity severity = Severity::error;
  Failure failure;
  bool in_message = true;
};

/// What is known of one code after it was judged.
struct Judged {
  bool valid = false;
  bool is_member = false;
  std::shared_ptr<CodeSystem const> system;
  std::optional<ConceptId> id;
  std::string display;
  bool is_inactive = false;
  std::string status;
  std::string unknown_system;
  bool unknown_by_value_set = false;  ///< The value set cannot be judged without that system.
  std::string normalized;
};

bool is_absolute(std::string_view uri) { return uri.find(':') != std::string_view::npos; }

class Validation {
 public:
  Validation(Run& run, std::shared_ptr<ValueSet const> value_set)
      : run_(run),
        value_set_(std::move(value_set)),
        only_membership_(run.inputs().flag("valueset-membership-only")),
        is_lenient_(run.inputs().flag("lenient-display-validation")) {
    // What a value set itself asks for holds where the client says nothing.
    if (value_set_ != nullptr && !run_.has_own_languages()) {
      Element const* const list = value_set_->resource->at("compose", "extension");
      for (Element const& extension : list == nullptr ? std::span<Element const>{} : list->items()) {
        Element const* const name = find_extension(extension, "name");
        Element const* const value = find_extension(extension, "value");
        if (name != nullptr && value != nullptr && value_of(*name).text == "displayLanguage")
          run_.set_languages(value_of(*value).text);
      }
      if (run_.languages().text().empty()) run_.set_languages(value_set_->language);
    }
  }

  Outcome<json::Document> run() {
    Inputs const& inputs = run_.inputs();
    if (Element const* const concept_element = inputs.value("codeableConcept", "valueCodeableConcept"))
      return run_concept(*concept_element);
    if (Element const* const coding = inputs.value("coding", "valueCoding"))
      return run_one(read_coding(*coding, "Coding"));
    if (!inputs.has("code")) {
      return fail(IssueType::invalid,
                  "Unable to find code to validate (looked for coding | codeableConcept | code+system | "
                  "code+inferSystem in parameters");
    }
    Asked asked{
        inputs.text("system"), inputs.text("systemVersion"), inputs.text("code"), inputs.text("display"), {}};
    if (asked.version.empty()) asked.version = inputs.text("version");
    if (value_set_ == nullptr && asked.system.empty()) asked.system = parse_canonical(inputs.text("url")).url;
    bool const infers = value_set_ != nullptr && asked.system.empty();
    if (infers) {
      FHIR_TRY(bool const inferred, infer(asked));
      if (!inferred) return write(asked, Judged{}, nullptr, false);
    }
    return run_one(asked);
  }

  /// The systems by which the value set has the code.
  Outcome<std::set<std::string>> systems_with(std::string_view code) {
    std::set<std::string> candidates;
    FHIR_CHECK(run_.add_systems(*value_set_, candidates));
    std::set<std::string> systems;
    for (std::string const& system : candidates) {
      FHIR_TRY(Membership const membership, run_.member(*value_set_, system, {}, code));
      if (membership.in) systems.insert(system);
    }
    return systems;
  }

  /// For checks from within: what came of one code.
  Outcome<Judged> judge_one(Asked const& asked) { return judge(asked, false); }
  std::vector<Finding> const& findings() const { return findings_; }
  /// `of_display`: only what is said of the display, or only the rest; unset for all.
  std::string message(std::optional<bool> of_display = {}) const {
    std::set<std::string> texts;
    for (Finding const& finding : findings_) {
      bool const is_of_display = finding.failure.detail == "invalid-display";
      if (of_display && *of_display != is_of_display) continue;
      if (finding.in_message) texts.insert(finding.failure.issue.diagnostics);
    }
    return fmt::format("{}", fmt::join(texts, "; "));
  }

 private:
  static Asked read_coding(Element const& coding, std::string place) {
    return {std::string(coding.text_at("system")), std::string(coding.text_at("version")),
            std::string(coding.text_at("code")), std::string(coding.text_at("display")), std::move(place)};
  }

  void note(Severity severity, IssueType code, std::string detail, std::string message_id, std::string text,
            std::string place, bool in_message = true) {
    findings_.push_back(
        {severity, fail(code, std::move(text), std::move(detail), std::move(message_id), std::move(place)),
         in_message});
  }

  std::string value_set_name() const {
    return value_set_->url.empty() ? "(unidentified)" : value_set_->canonical();
  }

  void note_not_in(Asked const& asked, bool of_concept) {
    std::string const display = asked.display.empty() ? "" : fmt::format(" ('{}')", asked.display);
    note(of_concept ? Severity::information : Severity::error, IssueType::code_invalid,
         of_concept ? "this-code-not-in-vs" : "not-in-vs",
         "None_of_the_provided_codes_are_in_the_value_set_one",
         fmt::format("The provided code '{}{}' was not found in the value set '{}'", asked.name(), display,
                     value_set_name()),
         asked.at("code"));
  }

  /// The one system of the value set that has the code, or false and findings.
  Outcome<bool> infer(Asked& asked) {
    FHIR_TRY(auto const systems, systems_with(asked.code));
    if (systems.size() == 1) {
      asked.system = *systems.begin();
      return true;
    }
    note_not_in(asked, false);
    if (systems.empty()) {
      std::set<std::string> known;
      for (Include const& include : value_set_->includes) {
        if (!include.system.empty()) known.insert(include.system);
      }
      note(Severity::error, IssueType::not_found, "cannot-infer", "UNABLE_TO_INFER_CODESYSTEM",
           fmt::format(
               "The code '{}' is in none of the code systems of the value set '{}' ({}), so its system "
               "cannot be inferred",
               asked.code, value_set_name(), fmt::join(known, ", ")),
           asked.at("code"));
    } else {
      note(Severity::error, IssueType::not_found, "cannot-infer",
           "Unable_to_resolve_system__value_set_has_multiple_matches",
           fmt::format(
               "The System URI could not be determined for the code '{}' in the ValueSet '{}': value set "
               "expansion has multiple matches: [{}]",
               asked.code, value_set_name(), fmt::join(systems, ", ")),
           asked.at("code"));
    }
    return false;
  }

  /// What is wrong with the system itself. True when the code can be judged no further.
  Outcome<bool> judge_system(Asked const& asked, Judged& judged, Membership const& membership) {
    if (asked.system.empty()) {
      if (!asked.place.empty()) {
        note(Severity::warning, IssueType::invalid, "invalid-data", "Coding_has_no_system__cannot_validate",
             "Coding has no system. A code with no system has no defined meaning, and it cannot be "
             "validated. A "
             "system should be provided",
             asked.place);
      }
      return true;
    }
    FHIR_TRY(judged.system, run_.code_system(asked.system, asked.version));
    if (judged.system) return false;
    if (run_.find("ValueSet", asked.system, "")) {
      note(Severity::error, IssueType::invalid, "invalid-data", "Terminology_TX_System_ValueSet2",
           fmt::format("The Coding references a value set, not a code system ('{}')", asked.system),
           asked.at("system"));
      return true;
    }
    if (!is_absolute(asked.system)) {
      note(Severity::error, IssueType::invalid, "invalid-data", "Terminology_TX_System_Relative",
           fmt::format("{} must be an absolute reference, not a local reference", asked.at("system")),
           asked.at("system"));
    }
    judged.unknown_system = asked.system;
    judged.unknown_by_value_set = membership.unknown_system == asked.system;
    FHIR_TRY(auto const other_version, asked.version.empty()
                                           ? Outcome<std::shared_ptr<CodeSystem const>>(nullptr)
                                           : run_.code_system(asked.system, {}));
    if (other_version) {
      judged.unknown_system = fmt::format("{}|{}", asked.system, asked.version);
      note(Severity::error, IssueType::not_found, "not-found", "UNKNOWN_CODESYSTEM_VERSION",
           fmt::format(
               "A definition for CodeSystem '{}' version '{}' could not be found, so the code cannot be "
               "validated. Valid versions: {}",
               asked.system, asked.version, other_version->facts().version),
           asked.at("system"));
    } else {
      note(Severity::error, IssueType::not_found, "not-found", "UNKNOWN_CODESYSTEM",
           fmt::format(
               "A definition for CodeSystem '{}' could not be found, so the code cannot be validated",
               asked.version.empty() ? asked.system : fmt::format("{}|{}", asked.system, asked.version)),
           asked.at("system"));
    }
    return true;
  }

  void note_unknown_code(Asked const& asked, Judged const& judged) {
    CodeSystemFacts const& facts = judged.system->facts();
    if (facts.is_fragment) {
      note(Severity::warning, IssueType::code_invalid, "invalid-code", "UNKNOWN_CODE_IN_FRAGMENT",
           fmt::format("Unknown Code '{}' in the CodeSystem '{}' version '{}' - note that the code system is "
                       "labeled as a "
                       "fragment, so the code may be valid in some other fragment",
                       asked.code, facts.url, facts.version),
           asked.at("code"), false);
      return;
    }
    std::string const version = facts.version.empty() ? "" : fmt::format(" version '{}'", facts.version);
    note(Severity::error, IssueType::code_invalid, "invalid-code", "Unknown_Code_in_Version",
         fmt::format("Unknown code '{}' in the CodeSystem '{}'{}", asked.code, facts.url, version),
         asked.at("code"));
  }

  Outcome<Judged> judge(Asked const& asked, bool of_concept) {
    Judged judged;
    Membership membership;
    if (value_set_ != nullptr) {
      auto const found = run_.member(*value_set_, asked.system, asked.version, asked.code);
      if (!found) {
        if (found.error().message_id != kUnknownValueSet) return found.error();
        FHIR_TRY(judged.system, run_.code_system(asked.system, asked.version));
        findings_.push_back({Severity::error, found.error(), true});
        return judged;
      }
      membership = *found;
    } else {
      membership.in = true;
    }
    judged.is_member = membership.in;
    bool const blames_system_only = membership.unknown_system == asked.system && !asked.system.empty();
    if (value_set_ != nullptr && !membership.in && !blames_system_only) note_not_in(asked, of_concept);
    if (only_membership_) {
      judged.valid = membership.in;
      if (!judged.valid) return judged;
    }
    FHIR_TRY(bool const ends, judge_system(asked, judged, membership));
    if (ends) return judged;
    judged.id = judged.system->find(asked.code);
    if (!judged.id) {
      if (!only_membership_) note_unknown_code(asked, judged);
      judged.valid = membership.in && judged.system->facts().is_fragment;
      return judged;
    }
    judged.valid = membership.in;
    judge_concept(asked, judged, membership);
    return judged;
  }

  void judge_concept(Asked const& asked, Judged& judged, Membership const& membership) {
    CodeSystem const& system = *judged.system;
    judged.is_inactive = system.is_inactive(*judged.id);
    judged.status = system.status(*judged.id);
    judge_case(asked, judged);
    if (!run_.inputs().flag("abstract", true) && system.is_abstract(*judged.id)) {
      judged.valid = false;
      note(Severity::error, IssueType::business_rule, "code-rule", "ABSTRACT_CODE_NOT_ALLOWED",
           fmt::format("Code '{}' is abstract, and not allowed in this context", asked.name()),
           asked.at("code"));
    }
    if (membership.inactive_left_out) {
      note(Severity::error, IssueType::business_rule, "code-rule", "STATUS_CODE_WARNING_CODE",
           fmt::format("The concept '{}' is valid but is not active", asked.code), asked.at("code"));
    }
    if (judged.is_inactive) {
      std::string const how =
          judged.status.empty() || judged.status == "inactive" ? "inactive" : judged.status + " and inactive";
      note(Severity::warning, IssueType::business_rule, "code-comment", "INACTIVE_CONCEPT_FOUND",
           fmt::format("The concept '{}' has a status of {} and its use should be reviewed", asked.code, how),
           asked.place.empty() ? "code" : asked.place);
    }
    if (membership.listed != nullptr) judge_listed(asked, membership);
    judge_display(asked, judged, membership);
  }

  void judge_case(Asked const& asked, Judged& judged) {
    std::string const right = judged.system->code(*judged.id);
    if (right == asked.code) return;
    judged.normalized = right;
    note(
        Severity::information, IssueType::business_rule, "code-rule", "CODE_CASE_DIFFERENCE",
        fmt::format(
            "The code '{}' differs from the correct code '{}' by case. Although the code system '{}' is case "
            "insensitive, implementers are strongly encouraged to use the correct case anyway",
            asked.code, right, judged.system->facts().canonical()),
        asked.at("code"), false);
  }

  /// A value set may mark one of its codes as deprecated.
  void judge_listed(Asked const& asked, Membership const& membership) {
    Element const* const deprecated =
        find_extension(*membership.listed, "http://hl7.org/fhir/StructureDefinition/valueset-deprecated");
    Element const* const status = find_extension(
        *membership.listed, "http://hl7.org/fhir/StructureDefinition/structuredefinition-standards-status");
    bool const is_deprecated = (deprecated != nullptr && value_of(*deprecated).text == "true") ||
                               (status != nullptr && value_of(*status).text == "deprecated");
    if (!is_deprecated) return;
    note(Severity::warning, IssueType::business_rule, "code-comment", "CONCEPT_DEPRECATED_IN_VALUESET",
         fmt::format("The presence of the concept '{}' in the system '{}' in the value set {} is marked with "
                     "a status of "
                     "deprecated and its use should be reviewed",
                     asked.code, asked.system, membership.listed_in->canonical()),
         asked.at("code"), false);
  }

  struct Name {
    std::string text;
    std::string language;
  };

  void judge_display(Asked const& asked, Judged& judged, Membership const& membership) {
    Names const names = run_.names_of(judged.system.get(), judged.id, membership.listed);
    Languages const& languages = run_.languages();
    judged.display = choose(names, languages).text;
    if (judged.display.empty()) judged.display = names.base;
    if (asked.display.empty()) return;
    if (names.base.empty() && names.others.empty()) return;  // the system has no names: those of UCUM's units
    std::vector<Name> wanted;
    std::vector<Name> by_default;
    auto const add = [&](std::string const& text, std::string const& language) {
      if (text.empty()) return;
      bool const is_default = names.base_language.empty() || in_language(names.base_language, language);
      if (is_default) by_default.push_back({text, language});
      if (languages.wants(language) || (language.empty() && names.base_language.empty()))
        wanted.push_back({text, language});
    };
    add(judged.system->display(*judged.id), names.base_language);
    if (names.base != judged.system->display(*judged.id)) add(names.base, names.base_language);
    for (Designation const& other : names.others) {
      if (other.is_display()) add(other.value, other.language);
    }
    auto const has = [&](std::vector<Name> const& all, auto const& same) {
      return std::ranges::any_of(all, [&](Name const& name) { return same(name.text); });
    };
    auto const exactly = [&](std::string const& text) { return equal_folded(text, asked.display); };
    auto const spaced = [&](std::string const& text) {
      return equal_folded(one_spaced(text), one_spaced(asked.display));
    };
    if (has(wanted, exactly)) return;
    std::string const tags =
        languages.text().empty() ? "--" : fmt::format("{}", fmt::join(languages.tags(), ","));
    std::string const what = fmt::format("{}#{}", asked.system, asked.code);
    if (wanted.empty()) {
      if (has(by_default, exactly)) {
        note(
            Severity::information, IssueType::invalid, "invalid-display",
            "NO_VALID_DISPLAY_FOUND_NONE_FOR_LANG_OK",
            fmt::format(
                "There are no valid display names found for the code {} for language(s) '{}'. The display is "
                "'{}' which is a valid display for the default language",
                what, tags, asked.display),
            asked.at("display"));
        return;
      }
      note_display(
          asked, judged, "NO_VALID_DISPLAY_FOUND_NONE_FOR_LANG_ERR",
          fmt::format(
              "Wrong Display Name '{}' for {}. There are no valid display names found for language(s) "
              "'{}'. Default display is '{}'",
              asked.display, what, tags, judged.display));
      return;
    }
    std::vector<std::string> choices;
    for (Name const& name : wanted) {
      choices.push_back(name.language.empty() ? fmt::format("'{}'", name.text)
                                              : fmt::format("'{}' ({})", name.text, name.language));
    }
    std::string const valid = choices.size() == 1 ? "Valid display is " + choices[0]
                                                  : fmt::format("Valid display is one of {} choices: {}",
                                                                choices.size(), fmt::join(choices, " or "));
    note_display(asked, judged,
                 has(wanted, spaced) ? "Display_Name_WS_for__should_be_one_of__instead_of"
                                     : "Display_Name_for__should_be_one_of__instead_of",
                 fmt::format("Wrong Display Name '{}' for {}. {} (for the language(s) '{}')", asked.display,
                             what, valid, tags));
  }

  void note_display(Asked const& asked, Judged& judged, std::string message_id, std::string text) {
    note(is_lenient_ ? Severity::warning : Severity::error, IssueType::invalid, "invalid-display",
         std::move(message_id), std::move(text), asked.at("display"));
    wrong_display_ = true;
    if (!is_lenient_) judged.valid = false;
  }

  Outcome<json::Document> run_one(Asked const& asked) {
    FHIR_TRY(Judged const judged, judge(asked, false));
    return write(asked, judged, nullptr, judged.valid);
  }

  Outcome<json::Document> run_concept(Element const& concept_element) {
    Asked shown;
    Judged best;
    bool any_member = false;
    std::set<std::string> unknown_systems;
    Element const* const list = concept_element.find("coding");
    std::size_t const size = list == nullptr ? 0 : list->size();
    for (std::size_t i = 0; i < size; ++i) {
      Asked const asked = read_coding(list->items()[i], fmt::format("CodeableConcept.coding[{}]", i));
      FHIR_TRY(Judged judged, judge(asked, true));
      if (!judged.unknown_system.empty()) unknown_systems.insert(judged.unknown_system);
      if (!judged.is_member || any_member) continue;
      any_member = true;
      shown = asked;
      best = std::move(judged);
    }
    bool const has_unresolved = std::ranges::any_of(
        findings_, [](Finding const& finding) { return finding.failure.message_id == kUnknownValueSet; });
    if (value_set_ != nullptr && !any_member && !has_unresolved) {
      note(Severity::error, IssueType::code_invalid, "not-in-vs", "TX_GENERAL_CC_ERROR_MESSAGE",
           fmt::format("No valid coding was found for the value set '{}'", value_set_name()), "");
    }
    bool const valid = any_member && std::ranges::none_of(findings_, [](Finding const& finding) {
                         return finding.severity == Severity::error;
                       });
    if (!any_member && !unknown_systems.empty()) best.unknown_system = *unknown_systems.begin();
    return write(shown, best, &concept_element, valid);
  }

  Outcome<json::Document> write(Asked const& asked, Judged const& judged, Element const* concept_element,
                                bool valid) {
    note_statuses(judged);
    json::Document document;
    Arena& arena = document.arena;
    Element root = Element::of_object();
    root.set(arena, "resourceType", Element::of_string("Parameters"));
    ParameterWriter out(arena, root.set(arena, "parameter", Element::of_array()));
    out.add("result", valid);
    if (!asked.code.empty()) out.add("code", "valueCode", asked.code);
    if (!asked.system.empty()) out.add("system", "valueUri", asked.system);
    if (judged.system && !judged.system->facts().version.empty())
      out.add("version", "valueString", judged.system->facts().version);
    if (!judged.display.empty()) out.add("display", "valueString", judged.display);
    if (judged.is_inactive) out.add("inactive", true);
    if (judged.is_inactive && !judged.status.empty() && judged.status != "inactive")
      out.add("status", "valueCode", judged.status);
    if (!judged.normalized.empty()) out.add("normalized-code", "valueCode", judged.normalized);
    if (!judged.unknown_system.empty()) {
      out.add(judged.unknown_by_value_set ? "x-caused-by-unknown-system" : "x-unknown-system",
              "valueCanonical", judged.unknown_system);
    }
    if (concept_element != nullptr)
      out.add_element("codeableConcept", "valueCodeableConcept", json::deep_copy(arena, *concept_element));
    if (std::string const text = message(); !text.empty()) out.add("message", "valueString", text);
    if (!findings_.empty()) {
      Element outcome = Element::of_object();
      outcome.set(arena, "resourceType", Element::of_string("OperationOutcome"));
      Element& issues = outcome.set(arena, "issue", Element::of_array());
      for (Finding const& finding : findings_) add_issue(arena, issues, finding.severity, finding.failure);
      out.add_element("issues", "resource", outcome);
    }
    document.root = root;
    return document;
  }

  void note_statuses(Judged const& judged) {
    if (value_set_ == nullptr || !judged.valid) return;
    for (auto const& [status, kind, canonical] : run_.status_notes) {
      note(Severity::information, IssueType::business_rule, "status-check", "MSG_" + upper(status),
           fmt::format("Reference to {} {} {}", status, kind, canonical), "", false);
    }
  }

  static std::string upper(std::string text) {
    for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return text;
  }

 public:
  bool has_wrong_display() const { return wrong_display_; }

 private:
  Run& run_;
  std::shared_ptr<ValueSet const> value_set_;
  bool only_membership_;
  bool is_lenient_;
  bool wrong_display_ = false;
  std::vector<Finding> findings_;
};

Outcome<json::Document> validate(Terminology const& terminology, Inputs const& inputs, Request const& request,
                                 bool in_value_set) {
  Run run(terminology, inputs, request.accept_language);
  FHIR_CHECK(run.prepare());
  std::shared_ptr<ValueSet const> value_set;
  if (in_value_set) {
    FHIR_TRY(value_set, run.root_value_set());
  }
  return Validation(run, std::move(value_set)).run();
}

Answer answer_of(Outcome<json::Document> outcome) {
  if (!outcome) return refused(outcome.error());
  return Answer{*std::move(outcome), std::nullopt};
}

}  // namespace

Answer Terminology::validate_in_value_set(Request const& request) const {
  return answer_of(validate(*this, Inputs(*request.parameters), request, true));
}

Answer Terminology::validate_in_code_system(Request const& request) const {
  return answer_of(validate(*this, Inputs(*request.parameters), request, false));
}

namespace {

/// Each `validation` by itself; what it does not say, the batch says.
/// Source: FHIR R6 valueset-operation-batch-validate-code.html.
Answer validate_batch(Terminology const& terminology, Request const& request, bool by_value_set) {
  Inputs const outer(*request.parameters);
  Answer answer;
  Arena& arena = answer.document.arena;
  Element root = Element::of_object();
  root.set(arena, "resourceType", Element::of_string("Parameters"));
  ParameterWriter out(arena, root.set(arena, "parameter", Element::of_array()));
  for (Element const* const one : outer.all("validation")) {
    Element const* const parameters = one->find("resource");
    if (parameters == nullptr)
      return refused(fail(IssueType::required, "Each validation is a Parameters resource", "invalid"));
    Answer const single =
        answer_of(validate(terminology, Inputs(*parameters, &outer), request, by_value_set));
    out.add_element("validation", "resource", json::deep_copy(arena, single.document.root));
  }
  answer.document.root = root;
  return answer;
}

}  // namespace

Answer Terminology::batch_validate_in_value_set(Request const& request) const {
  return validate_batch(*this, request, true);
}

Answer Terminology::batch_validate_in_code_system(Request const& request) const {
  return validate_batch(*this, request, false);
}

namespace {

Checked checked_of(Outcome<Judged> const& outcome, Validation const& validation) {
  Checked checked;
  if (!outcome) {
    checked.message = outcome.error().issue.diagnostics;
    return checked;
  }
  checked.message = validation.message(false);
  checked.display_message = validation.message(true);
  checked.display = outcome->display;
  checked.wrong_display = validation.has_wrong_display();
  bool const is_unresolved = std::ranges::any_of(validation.findings(), [](Finding const& finding) {
    return finding.failure.message_id == kUnknownValueSet;
  });
  bool const is_no_code = outcome->system != nullptr && !outcome->id && !outcome->valid;
  if (outcome->is_member && !is_unresolved) {
    checked.verdict = is_no_code ? Verdict::not_in : Verdict::in;
  } else if (!is_unresolved && !outcome->unknown_by_value_set) {
    checked.verdict = Verdict::not_in;
  }
  return checked;
}

/// A code without system that no system of the value set brings: not in, unless one of them is not known.
Checked not_listed(Run& run, ValueSet const& value_set, std::string_view code) {
  std::set<std::string> systems;
  if (auto const all = run.add_systems(value_set, systems); !all)
    return Checked{Verdict::unknown, all.error().issue.diagnostics, {}, false, {}};
  for (std::string const& system : systems) {
    auto const membership = run.member(value_set, system, {}, code);
    if (!membership || !membership->unknown_system.empty())
      return Checked{
          Verdict::unknown, fmt::format("The code system '{}' is not known", system), {}, false, {}};
  }
  return Checked{Verdict::not_in,
                 fmt::format("The code '{}' is not in the value set '{}'", code, value_set.canonical()),
                 {},
                 false,
                 {}};
}

}  // namespace

Checked Terminology::check(std::string_view value_set, std::string_view system, std::string_view code,
                           std::string_view display, std::string_view version) const {
  Element const none = Element::of_object();
  Inputs const inputs(none);
  Run run(*this, inputs, {});
  auto const refuse = [](Failure const& failure) {
    return Checked{Verdict::unknown, failure.issue.diagnostics, {}, false, {}};
  };
  auto const root = run.value_set(value_set, nullptr);
  if (!root) return refuse(root.error());
  if (auto const acyclic = run.check_cycles(**root); !acyclic) return refuse(acyclic.error());
  Validation validation(run, *root);
  Asked asked{std::string(system), std::string(version), std::string(code), std::string(display), {}};
  if (system.empty()) {
    auto const systems = validation.systems_with(code);
    if (!systems) return refuse(systems.error());
    if (systems->empty()) return not_listed(run, **root, code);
    asked.system = *systems->begin();
  }
  return checked_of(validation.judge_one(asked), validation);
}

Checked Terminology::check_code(std::string_view system, std::string_view code, std::string_view display,
                                std::string_view version) const {
  Element const none = Element::of_object();
  Inputs const inputs(none);
  Run run(*this, inputs, {});
  Validation validation(run, nullptr);
  auto const judged = validation.judge_one(
      {std::string(system), std::string(version), std::string(code), std::string(display), {}});
  Checked checked = checked_of(judged, validation);
  if (judged && judged->system == nullptr) checked.verdict = Verdict::unknown;
  return checked;
}

}  // namespace fhir::terminology
