// ConceptMap/$translate. Source: R4 conceptmap-operation-translate.html, conceptmap.html#unmapped; R5's names
// of parameters and relationships are taken as well, and answered in the words that were asked in.
#include "fhir/terminology/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace fhir::terminology {

namespace {

using json::Arena;
using json::Element;

constexpr std::size_t kMapsMax = 8;  // one map that leaves its rest to another, and so on

struct Relation {
  std::string_view equivalence;   ///< R4
  std::string_view relationship;  ///< R5
};
// Of several with one meaning the first is the one that stands for it in the other words.
constexpr std::array<Relation, 10> kRelations{{{"equivalent", "equivalent"},
                                               {"equal", "equivalent"},
                                               {"relatedto", "related-to"},
                                               {"inexact", "related-to"},
                                               {"wider", "source-is-narrower-than-target"},
                                               {"subsumes", "source-is-narrower-than-target"},
                                               {"narrower", "source-is-broader-than-target"},
                                               {"specializes", "source-is-broader-than-target"},
                                               {"disjoint", "not-related-to"},
                                               {"unmatched", "not-related-to"}}};

struct Match {
  std::string source_system;
  std::string source_code;
  std::string target_system;
  std::string target_code;
  std::string target_display;
  std::string equivalence;
  std::string relationship;
  std::string map;
};

std::span<Element const> items_of(Element const& element, char const* name) {
  Element const* const list = element.find(name);
  return list == nullptr ? std::span<Element const>{} : list->items();
}

void set_relation(Element const& target, Match& match) {
  match.equivalence = target.text_at("equivalence");
  match.relationship = target.text_at("relationship");
  if (match.equivalence.empty()) {
    auto const known = std::ranges::find(kRelations, match.relationship, &Relation::relationship);
    match.equivalence = known == kRelations.end() ? "relatedto" : std::string(known->equivalence);
  }
  if (match.relationship.empty()) {
    auto const known = std::ranges::find(kRelations, match.equivalence, &Relation::equivalence);
    match.relationship = known == kRelations.end() ? "related-to" : std::string(known->relationship);
  }
}

bool maps(Match const& match) { return match.equivalence != "unmatched" && match.equivalence != "disjoint"; }

/// What is to be translated.
struct Asked {
  std::string system;
  std::string code;
};

class Translation {
 public:
  Translation(Run& run) : run_(run) {
    Inputs const& inputs = run.inputs();
    in_r5_words_ = inputs.has("sourceCode") || inputs.has("sourceCoding") ||
                   inputs.has("sourceCodeableConcept") || inputs.has("targetCode") ||
                   inputs.has("targetCoding") || inputs.has("targetCodeableConcept");
    target_system_ = inputs.text(inputs.has("targetSystem") ? "targetSystem" : "targetsystem");
    source_scope_ = inputs.text(in_r5_words_ ? "sourceScope" : "source");
    target_scope_ = inputs.text(in_r5_words_ ? "targetScope" : "target");
    bool const by_target =
        inputs.has("targetCode") || inputs.has("targetCoding") || inputs.has("targetCodeableConcept");
    reverse_ = inputs.flag("reverse") || by_target;
    if (in_r5_words_) {
      read_asked(by_target ? "targetCoding" : "sourceCoding",
                 by_target ? "targetCodeableConcept" : "sourceCodeableConcept",
                 by_target ? "targetCode" : "sourceCode", by_target ? "targetSystem" : "sourceSystem");
      if (by_target) target_system_ = inputs.text("sourceSystem");
      if (!inputs.has("sourceSystem") && inputs.has("system") && !by_target && !asked_.empty() &&
          asked_[0].system.empty())
        asked_[0].system = inputs.text("system");
    } else {
      read_asked("coding", "codeableConcept", "code", "system");
    }
  }

  Outcome<json::Document> run() {
    if (asked_.empty())
      return fail(IssueType::required,
                  "There is nothing to translate: a code and its system, a coding or a "
                  "codeableConcept",
                  "invalid");
    FHIR_TRY(auto const maps_used, find_maps());
    for (Found const& map : maps_used) {
      for (Asked const& asked : asked_) FHIR_CHECK(translate(*map.resource, asked, 0));
    }
    return write();
  }

 private:
  void read_asked(char const* coding_name, char const* concept_name, char const* code_name,
                  char const* system_name) {
    Inputs const& inputs = run_.inputs();
    auto const add = [&](Element const& coding) {
      asked_.push_back({std::string(coding.text_at("system")), std::string(coding.text_at("code"))});
    };
    if (Element const* const coding = inputs.value(coding_name, "valueCoding")) {
      add(*coding);
    } else if (Element const* const concept_element = inputs.value(concept_name, "valueCodeableConcept")) {
      for (Element const& coding_ : items_of(*concept_element, "coding")) add(coding_);
    } else if (inputs.has(code_name)) {
      asked_.push_back({inputs.text(system_name), inputs.text(code_name)});
    }
  }

  Outcome<std::vector<Found>> find_maps() {
    Inputs const& inputs = run_.inputs();
    if (Element const* const given = inputs.resource("conceptMap"))
      return std::vector<Found>{{SharedElement(SharedElement{}, given), {}}};
    if (inputs.has("url")) {
      Canonical const wanted = parse_canonical(inputs.text("url"));
      std::string const version =
          inputs.has("conceptMapVersion") ? inputs.text("conceptMapVersion") : wanted.version;
      auto found = run_.find("ConceptMap", wanted.url, version);
      if (!found) {
        return fail(IssueType::not_found,
                    fmt::format("A definition for ConceptMap '{}' could not be found", wanted.url),
                    "not-found");
      }
      return std::vector<Found>{*std::move(found)};
    }
    std::vector<Found> all;
    for (Element const* const given : inputs.all("tx-resource")) {
      Element const* const resource = given->find("resource");
      if (resource != nullptr && resource->text_at("resourceType") == "ConceptMap")
        all.push_back({SharedElement(SharedElement{}, resource), {}});
    }
    for (Found& found : run_.source().concept_maps()) all.push_back(std::move(found));
    std::erase_if(all, [&](Found const& found) { return !fits_scopes(*found.resource); });
    return all;
  }

  bool fits_scopes(Element const& map) const {
    auto const fits = [&](std::string const& wanted, auto... names) {
      if (wanted.empty()) return true;
      for (char const* const name : {names...}) {
        if (parse_canonical(map.text_at(name)).url == parse_canonical(wanted).url) return true;
      }
      return false;
    };
    return fits(source_scope_, "sourceUri", "sourceCanonical", "sourceScopeUri", "sourceScopeCanonical") &&
           fits(target_scope_, "targetUri", "targetCanonical", "targetScopeUri", "targetScopeCanonical");
  }

  Outcome<void> translate(Element const& map, Asked const& asked, std::size_t depth) {
    std::string const name =
        Canonical{std::string(map.text_at("url")), std::string(map.text_at("version"))}.text();
    for (Element const& group : items_of(map, "group")) {
      std::string const source = parse_canonical(group.text_at("source")).url;
      std::string const target = parse_canonical(group.text_at("target")).url;
      std::string const& from = reverse_ ? target : source;
      std::string const& to = reverse_ ? source : target;
      if (!asked.system.empty() && asked.system != from) continue;
      if (!target_system_.empty() && target_system_ != to && group.find("unmapped") == nullptr) continue;
      bool found = false;
      for (Element const& element : items_of(group, "element")) {
        FHIR_CHECK(run_.spend(1 + items_of(element, "target").size()));
        if (!reverse_ && element.text_at("code") != asked.code) continue;
        for (Element const& mapped : items_of(element, "target")) {
          if (reverse_ && mapped.text_at("code") != asked.code) continue;
          found = true;
          if (!target_system_.empty() && target_system_ != to) continue;
          Match match{source,
                      std::string(element.text_at("code")),
                      target,
                      std::string(mapped.text_at("code")),
                      std::string(mapped.text_at("display")),
                      {},
                      {},
                      name};
          set_relation(mapped, match);
          matches_.push_back(std::move(match));
        }
      }
      if (!found && !reverse_) FHIR_CHECK(translate_unmapped(group, asked, source, target, name, depth));
    }
    return {};
  }

  Outcome<void> translate_unmapped(Element const& group, Asked const& asked, std::string const& source,
                                   std::string const& target, std::string const& map, std::size_t depth) {
    Element const* const unmapped = group.find("unmapped");
    if (unmapped == nullptr) return {};
    std::string_view const mode = unmapped->text_at("mode");
    Match match{source, asked.code, target, {}, {}, "inexact", "related-to", map};
    if (mode == "provided" || mode == "use-source-code") {
      match.target_code = asked.code;
    } else if (mode == "fixed") {
      match.target_code = unmapped->text_at("code");
      match.target_display = unmapped->text_at("display");
    } else if (mode == "other-map") {
      if (depth >= kMapsMax)
        return fail(IssueType::too_costly, "Concept maps lead to one another without end", "too-costly");
      std::string_view const url =
          unmapped->text_at("url").empty() ? unmapped->text_at("otherMap") : unmapped->text_at("url");
      Canonical const wanted = parse_canonical(url);
      auto const other = run_.find("ConceptMap", wanted.url, wanted.version);
      if (!other) return {};
      return translate(*other->resource, asked, depth + 1);
    }
    if (match.target_code.empty() || (!target_system_.empty() && target_system_ != target)) return {};
    matches_.push_back(std::move(match));
    return {};
  }

  json::Document write() {
    json::Document document;
    Arena& arena = document.arena;
    Element root = Element::of_object();
    root.set(arena, "resourceType", Element::of_string("Parameters"));
    ParameterWriter out(arena, root.set(arena, "parameter", Element::of_array()));
    bool const any = std::ranges::any_of(matches_, maps);
    out.add("result", any);
    if (!any) out.add("message", "valueString", "No mapping was found for the code");
    for (Match const& match : matches_) {
      ParameterWriter parts(arena, out.add_parts("match"));
      if (in_r5_words_) {
        parts.add("relationship", "valueCode", match.relationship);
      } else {
        parts.add("equivalence", "valueCode", match.equivalence);
      }
      bool const gives_source = reverse_ && !in_r5_words_;
      parts.add_element("concept", "valueCoding",
                        gives_source
                            ? coding(arena, match.source_system, match.source_code, {})
                            : coding(arena, match.target_system, match.target_code, match.target_display));
      if (reverse_ && in_r5_words_)
        parts.add_element("source", "valueCoding", coding(arena, match.source_system, match.source_code, {}));
      if (!match.map.empty()) {
        parts.add(in_r5_words_ ? "originMap" : "source", in_r5_words_ ? "valueCanonical" : "valueUri",
                  match.map);
      }
    }
    document.root = root;
    return document;
  }

  static Element coding(Arena& arena, std::string const& system, std::string const& code,
                        std::string const& display) {
    Element out = Element::of_object();
    if (!system.empty()) out.set(arena, "system", text_element(arena, system));
    out.set(arena, "code", text_element(arena, code));
    if (!display.empty()) out.set(arena, "display", text_element(arena, display));
    return out;
  }

  Run& run_;
  std::vector<Asked> asked_;
  std::string target_system_;
  std::string source_scope_;
  std::string target_scope_;
  bool reverse_ = false;
  bool in_r5_words_ = false;
  std::vector<Match> matches_;
};

Outcome<json::Document> translate_code(Terminology const& terminology, Request const& request) {
  Inputs const inputs(*request.parameters);
  Run run(terminology, inputs, request.accept_language);
  return Translation(run).run();
}

}  // namespace

std::shared_ptr<Terminology::Cache> Terminology::make_cache() { return std::make_shared<Cache>(); }

Terminology::Terminology(std::shared_ptr<Source const> source, Limits limits, std::shared_ptr<Cache> cache)
    : source_(std::move(source)), limits_(limits), cache_(std::move(cache)) {}

Terminology::~Terminology() = default;

Answer Terminology::translate(Request const& request) const {
  auto translated = translate_code(*this, request);
  if (!translated) return refused(translated.error());
  return Answer{*std::move(translated), std::nullopt};
}

}  // namespace fhir::terminology
