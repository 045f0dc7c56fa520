// CodeSystem/$lookup and $subsumes. Source: R4 codesystem-operation-lookup.html,
// codesystem-operation-subsumes.html.
#include "fhir/terminology/run.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace fhir::terminology {

namespace {

using json::Arena;
using json::Element;

struct Coded {
  std::string system;
  std::string version;
  std::string code;
};

Coded coded(Inputs const& inputs, std::string_view coding_name, std::string_view code_name) {
  if (Element const* const coding = inputs.value(coding_name, "valueCoding")) {
    return {std::string(coding->text_at("system")), std::string(coding->text_at("version")),
            std::string(coding->text_at("code"))};
  }
  Coded out{inputs.text("system"), inputs.text("version"), inputs.text(code_name)};
  if (out.system.empty()) out.system = inputs.text("url");
  return out;
}

Failure unknown_system(std::string const& system) {
  return fail(IssueType::not_found,
              fmt::format("A definition for CodeSystem '{}' could not be found", system), "not-found",
              "UNKNOWN_CODESYSTEM");
}

Failure unknown_code(std::string const& code, CodeSystemFacts const& facts) {
  return fail(IssueType::not_found,
              fmt::format("Unknown code '{}' in the CodeSystem '{}'", code, facts.canonical()),
              "invalid-code", "Unknown_Code_in_Version");
}

struct Known {
  std::shared_ptr<CodeSystem const> system;
  ConceptId id = 0;
};

Outcome<Known> find_concept(Run& run, Coded const& asked) {
  if (asked.system.empty() || asked.code.empty())
    return fail(IssueType::required, "A code and its system are needed", "invalid");
  FHIR_TRY(auto system, run.code_system(asked.system, asked.version));
  if (!system) return unknown_system(asked.system);
  auto const id = system->find(asked.code);
  if (!id) return unknown_code(asked.code, system->facts());
  return Known{std::move(system), *id};
}

class Lookup {
 public:
  Lookup(Run& run, Known known)
      : run_(run), known_(std::move(known)), wanted_(run.inputs().texts("property")) {}

  json::Document write() {
    CodeSystem const& system = *known_.system;
    CodeSystemFacts const& facts = system.facts();
    Element root = Element::of_object();
    root.set(arena(), "resourceType", Element::of_string("Parameters"));
    ParameterWriter out(arena(), root.set(arena(), "parameter", Element::of_array()));
    out.add("name", "valueString", facts.name.empty() ? facts.url : facts.name);
    out.add("system", "valueUri", facts.url);
    if (!facts.version.empty()) out.add("version", "valueString", facts.version);
    out.add("code", "valueCode", system.code(known_.id));
    Names const names = run_.names_of(&system, known_.id, nullptr);
    Shown const shown = choose(names, run_.languages());
    std::string const display = shown.text.empty() ? names.base : shown.text;
    // The answer must have one; what has no name is shown by its code.
    out.add("display", "valueString", display.empty() ? system.code(known_.id) : display);
    if (std::string const text = system.definition(known_.id); !text.empty())
      out.add("definition", "valueString", text);
    out.add("abstract", system.is_abstract(known_.id));
    for (std::string const& one : facts.supplements) out.add("used-supplement", "valueCanonical", one);
    write_designations(out, names);
    write_properties(out);
    document_.root = root;
    return std::move(document_);
  }

 private:
  Arena& arena() { return document_.arena; }

  bool wants(std::string_view property) const {
    return wanted_.empty() || std::ranges::any_of(wanted_, [&](std::string const& one) {
             return one == property || one == "*";
           });
  }

  void write_designations(ParameterWriter& out, Names const& names) {
    if (!wants("designation") && !wants("display")) return;
    std::vector<Designation> all;
    if (!names.base.empty() && !names.base_language.empty()) {
      all.push_back({names.base_language,
                     names.base,
                     "http://terminology.hl7.org/CodeSystem/hl7TermMaintInfra",
                     "preferredForLanguage",
                     "Preferred For Language",
                     {},
                     nullptr});
    }
    all.insert(all.end(), names.others.begin(), names.others.end());
    for (Designation const& one : all) {
      ParameterWriter parts(arena(), out.add_parts("designation"));
      if (!one.language.empty()) parts.add("language", "valueCode", one.language);
      if (!one.use_code.empty()) {
        Element use = Element::of_object();
        if (!one.use_system.empty()) use.set(arena(), "system", text_element(arena(), one.use_system));
        use.set(arena(), "code", text_element(arena(), one.use_code));
        if (!one.use_display.empty()) use.set(arena(), "display", text_element(arena(), one.use_display));
        parts.add_element("use", "valueCoding", use);
      }
      parts.add("value", "valueString", one.value);
      if (!one.source.empty()) parts.add("source", "valueCanonical", one.source);
    }
  }

  void write_properties(ParameterWriter& out) {
    CodeSystem const& system = *known_.system;
    bool has_inactive = false;
    for (Property const& property : system.properties(known_.id)) {
      if (!wants(property.code)) continue;
      has_inactive = has_inactive || property.code == "inactive";
      ParameterWriter parts(arena(), out.add_parts("property"));
      parts.add("code", "valueCode", property.code);
      write_value(parts, property);
    }
    if (!has_inactive && wants("inactive")) {
      ParameterWriter parts(arena(), out.add_parts("property"));
      parts.add("code", "valueCode", "inactive");
      parts.add("value", system.is_inactive(known_.id));
    }
    if (wants("parent")) write_relatives(out, "parent", system.parents(known_.id));
    if (wants("child")) write_relatives(out, "child", system.children(known_.id));
  }

  static void write_value(ParameterWriter& parts, Property const& property) {
    if (property.type == "valueBoolean") {
      parts.add("value", property.text == "true");
    } else if (property.type == "valueInteger" || property.type == "valueDecimal") {
      parts.add_number("value", property.type == "valueInteger" ? "valueInteger" : "valueDecimal",
                       property.text);
    } else {
      parts.add("value", property.type == "valueString" ? "valueString" : "valueCode", property.text);
    }
  }

  void write_relatives(ParameterWriter& out, char const* name, std::vector<ConceptId> const& relatives) {
    for (ConceptId const relative : relatives) {
      ParameterWriter parts(arena(), out.add_parts("property"));
      parts.add("code", "valueCode", name);
      parts.add("value", "valueCode", known_.system->code(relative));
      std::string const display = known_.system->display(relative);
      if (!display.empty()) parts.add("description", "valueString", display);
    }
  }

  Run& run_;
  Known known_;
  std::vector<std::string> wanted_;
  json::Document document_;
};

Outcome<json::Document> look_up(Terminology const& terminology, Request const& request) {
  Inputs const inputs(*request.parameters);
  Run run(terminology, inputs, request.accept_language);
  FHIR_CHECK(run.prepare());
  FHIR_TRY(Known known, find_concept(run, coded(inputs, "coding", "code")));
  return Lookup(run, std::move(known)).write();
}

Outcome<json::Document> compare(Terminology const& terminology, Request const& request) {
  Inputs const inputs(*request.parameters);
  Run run(terminology, inputs, request.accept_language);
  Coded const left = coded(inputs, "codingA", "codeA");
  Coded const right = coded(inputs, "codingB", "codeB");
  if (left.system != right.system)
    return fail(IssueType::invalid, "Codes of two code systems are not compared", "invalid");
  FHIR_TRY(Known const a, find_concept(run, left));
  FHIR_TRY(Known const b, find_concept(run, right));
  CodeSystem const& system = *a.system;
  std::string_view outcome = "not-subsumed";
  if (a.id == b.id) {
    outcome = "equivalent";
  } else if (system.is_a(b.id, a.id)) {
    outcome = "subsumes";
  } else if (system.is_a(a.id, b.id)) {
    outcome = "subsumed-by";
  }
  json::Document document;
  Element root = Element::of_object();
  root.set(document.arena, "resourceType", Element::of_string("Parameters"));
  ParameterWriter out(document.arena, root.set(document.arena, "parameter", Element::of_array()));
  out.add("outcome", "valueCode", outcome);
  document.root = root;
  return document;
}

Answer answer_of(Outcome<json::Document> outcome) {
  if (!outcome) return refused(outcome.error());
  return Answer{*std::move(outcome), std::nullopt};
}

}  // namespace

Answer Terminology::lookup(Request const& request) const { return answer_of(look_up(*this, request)); }

Answer Terminology::subsumes(Request const& request) const { return answer_of(compare(*this, request)); }

Result<bool> Terminology::is_above(std::string_view system, std::string_view general,
                                   std::string_view specific) const {
  Element const none = Element::of_object();
  Inputs const inputs(none);
  Run run(*this, inputs, {});
  auto const above = find_concept(run, {std::string(system), {}, std::string(general)});
  if (!above) return above.error().issue;
  auto const below = find_concept(run, {std::string(system), {}, std::string(specific)});
  if (!below) return below.error().issue;
  return above->system->is_a(below->id, above->id);
}

}  // namespace fhir::terminology
