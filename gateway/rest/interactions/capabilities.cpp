// https://hl7.org/fhir/R4/http.html#capabilities: made from the routing table, the compiled definitions and
// what the search parser and the store really take, so that it cannot promise what is not there.
#include "fhir/definitions/definitions.hpp"
#include "fhir/json/writer.hpp"
#include "fhir/search/query.hpp"
#include "gateway/rest/interactions/interactions.hpp"
#include "gateway/rest/options.hpp"
#include "gateway/rest/router.hpp"
#include "gateway/rest/times.hpp"

#include <algorithm>
#include <map>
#include <string>

namespace gateway::rest {

namespace {

using fhir::definitions::ParameterType;
using fhir::definitions::SearchParameter;
using fhir::definitions::TypeDefinition;
using fhir::json::Arena;
using fhir::json::Element;

Element text(Arena& arena, std::string_view value) { return Element::of_string(arena.copy(value)); }

Element& push_object(Arena& arena, Element& parent, std::string_view list) {
  return parent.set(arena, list).push(arena, Element::of_object());
}

/// A value that a parameter of this type can have, to ask whether it is taken.
std::string sample(SearchParameter const& parameter) {
  switch (parameter.type()) {
    case ParameterType::date:
      return "2025";
    case ParameterType::quantity:
    case ParameterType::number:
      return "1";
    case ParameterType::uri:
      return "http://a";
    case ParameterType::composite: {
      std::string all;
      for (auto const& component : parameter.components())
        all += (all.empty() ? "" : "$") + sample(component.parameter());
      return fhir::search::percent_encode(all);
    }
    default:
      return "a";
  }
}

/// Whether searches by a parameter are served: the parser is asked each time, the store once per type of
/// parameter.
class Searchable {
 public:
  Searchable(store::Snapshot& snapshot, store::AccessPolicy const& policy)
      : snapshot_(snapshot), policy_(policy) {}

  bool operator()(std::string_view type, SearchParameter const& parameter) {
    std::string const raw = std::string(parameter.code()) + '=' + sample(parameter);
    auto query = fhir::search::parse_query(type, raw, fhir::search::Handling::strict);
    if (!query) return false;
    if (parameter.code().starts_with('_')) return is_served(*query);
    auto const known = served_.find(parameter.type());
    if (known != served_.end()) return known->second;
    return served_.emplace(parameter.type(), is_served(*query)).first->second;
  }

 private:
  bool is_served(fhir::search::Query& query) {
    query.count = 1;
    return snapshot_.search(policy_, query).has_value();
  }

  store::Snapshot& snapshot_;
  store::AccessPolicy const& policy_;
  std::map<ParameterType, bool> served_;
};

bool fits_type(Route const& route, std::string_view type) {
  std::string_view const step = route.path.substr(0, route.path.find('/'));
  return route.level != Level::system && (step == "[type]" || step == type);
}

/// R4's own operation, or one of ours (architecture.md section 5).
std::string definition_of(std::string_view type, std::string_view operation) {
  static std::map<std::string_view, std::string_view> const official{{"validate", "Resource-validate"},
                                                                     {"expand", "ValueSet-expand"},
                                                                     {"lookup", "CodeSystem-lookup"},
                                                                     {"subsumes", "CodeSystem-subsumes"},
                                                                     {"translate", "ConceptMap-translate"}};
  std::string const base = "http://hl7.org/fhir/OperationDefinition/";
  if (operation == "validate-code") return base + std::string(type) + "-validate-code";
  if (operation == "batch-validate-code") return base + std::string(type) + "-batch-validate-code";
  if (auto const known = official.find(operation); known != official.end())
    return base + std::string(known->second);
  return "https://handoff.example/fhir/OperationDefinition/" + std::string(operation);
}

void add_interactions(Arena& arena, Element& resource, std::string_view type) {
  for (Route const& route : routes()) {
    std::string_view const code = route.interaction;
    if (!fits_type(route, type) || code.empty() || code.starts_with('$')) continue;
    auto const is_listed = [&](Element const& listed) { return listed.text_at("code") == code; };
    Element const* const listed = resource.find("interaction");
    if (listed != nullptr && std::ranges::any_of(listed->items(), is_listed)) continue;
    push_object(arena, resource, "interaction").set(arena, "code", Element::of_string(code));
  }
}

void add_operations(Arena& arena, Element& resource, std::string_view type) {
  for (Route const& route : routes()) {
    if (!fits_type(route, type) || !route.interaction.starts_with('$')) continue;
    std::string_view const name = route.interaction.substr(1);
    Element& operation = push_object(arena, resource, "operation");
    operation.set(arena, "name", Element::of_string(name));
    operation.set(arena, "definition", text(arena, definition_of(type, name)));
  }
}

void add_parameters(Arena& arena, Element& resource, std::string_view type, Searchable& searchable) {
  Element includes = Element::of_array();
  Element parameters = Element::of_array();
  for (SearchParameter const* const parameter : fhir::definitions::search_parameters(type)) {
    if (!searchable(type, *parameter)) continue;
    Element& item = parameters.push(arena, Element::of_object());
    item.set(arena, "name", Element::of_string(parameter->code()));
    item.set(arena, "definition", Element::of_string(parameter->url()));
    item.set(arena, "type", Element::of_string(to_code(parameter->type())));
    if (parameter->type() == ParameterType::reference) {
      includes.push(arena, text(arena, std::string(type) + ':' + std::string(parameter->code())));
    }
  }
  if (!includes.empty()) resource.set(arena, "searchInclude", includes);
  if (!parameters.empty()) resource.set(arena, "searchParam", parameters);
}

void add_resource(Arena& arena, Element& rest, std::string_view type, Searchable& searchable) {
  Element& resource = push_object(arena, rest, "resource");
  resource.set(arena, "type", Element::of_string(type));
  add_interactions(arena, resource, type);
  resource.set(arena, "versioning", Element::of_string("versioned-update"));
  for (std::string_view const name : {"readHistory", "updateCreate", "conditionalCreate"}) {
    resource.set(arena, name, Element::of_boolean(true));
  }
  resource.set(arena, "conditionalRead", Element::of_string("not-match"));
  resource.set(arena, "conditionalUpdate", Element::of_boolean(true));
  resource.set(arena, "conditionalDelete", Element::of_string("single"));
  Element& policy = resource.set(arena, "referencePolicy");
  policy.push(arena, Element::of_string("literal"));
  policy.push(arena, Element::of_string("logical"));
  add_parameters(arena, resource, type, searchable);
  add_operations(arena, resource, type);
}

/// What every search takes beyond R4.
void add_common_parameters(Arena& arena, Element& rest) {
  Element& person = push_object(arena, rest, "searchParam");
  person.set(arena, "name", Element::of_string("_person"));
  person.set(arena, "type", Element::of_string("special"));
  person.set(
      arena, "documentation",
      Element::of_string("true (what is done without it): a reference parameter that names one Patient "
                         "answers for all Patients of the same person; false: for that one alone"));
}

void add_system_interactions(Arena& arena, Element& rest) {
  for (Route const& route : routes()) {
    if (route.level != Level::system || route.interaction.empty()) continue;
    push_object(arena, rest, "interaction").set(arena, "code", Element::of_string(route.interaction));
    if (route.interaction == "transaction") {  // one path takes both
      push_object(arena, rest, "interaction").set(arena, "code", Element::of_string("batch"));
    }
  }
}

void add_head(Context const& context, Arena& arena, Element& statement) {
  statement.set(arena, "resourceType", Element::of_string("CapabilityStatement"));
  statement.set(arena, "status", Element::of_string("active"));
  statement.set(arena, "date", text(arena, to_instant(context.started_ms)));
  statement.set(arena, "kind", Element::of_string("instance"));
  statement.set(arena, "instantiates")
      .push(arena, Element::of_string("http://hl7.org/fhir/CapabilityStatement/terminology-server"));
  Element& software = statement.set(arena, "software", Element::of_object());
  software.set(arena, "name", Element::of_string("Handoff"));
  software.set(arena, "version", text(arena, context.settings.software_version));
  Element& implementation = statement.set(arena, "implementation", Element::of_object());
  implementation.set(arena, "description",
                     Element::of_string("FHIR R4 gateway for referrals and transitions of care"));
  implementation.set(arena, "url", text(arena, context.settings.base_url));
  statement.set(arena, "fhirVersion", Element::of_string("4.0.1"));
  Element& formats = statement.set(arena, "format");
  formats.push(arena, Element::of_string("application/fhir+json"));
  formats.push(arena, Element::of_string("json"));
  Element& patches = statement.set(arena, "patchFormat");
  patches.push(arena, Element::of_string("application/fhir+json"));
  patches.push(arena, Element::of_string(kJsonPatch));
  patches.push(arena, Element::of_string(kXmlPatch));
}

/// What $expand takes besides the value set, as expand in operations/terminology.cpp has it.
constexpr std::string_view kExpansionParameters[] = {"activeOnly",
                                                     "check-system-version",
                                                     "count",
                                                     "designation",
                                                     "displayLanguage",
                                                     "excludeNested",
                                                     "excludeNotForUI",
                                                     "filter",
                                                     "force-system-version",
                                                     "includeDefinition",
                                                     "includeDesignations",
                                                     "offset",
                                                     "property",
                                                     "system-version",
                                                     "tx-resource",
                                                     "useSupplement"};

/// https://hl7.org/fhir/R4/terminologycapabilities.html, for metadata?mode=terminology. The code systems are
/// those of the loaded packages; stored ones are found by a search.
std::string make_terminology_statement(Context const& context) {
  Arena arena;
  Element statement = Element::of_object();
  statement.set(arena, "resourceType", Element::of_string("TerminologyCapabilities"));
  statement.set(arena, "version", text(arena, context.settings.software_version));
  statement.set(arena, "name", Element::of_string("HandoffTerminology"));
  statement.set(arena, "title", Element::of_string("Terminology of Handoff"));
  statement.set(arena, "status", Element::of_string("active"));
  statement.set(arena, "date", text(arena, to_instant(context.started_ms)));
  statement.set(arena, "kind", Element::of_string("instance"));
  Element& software = statement.set(arena, "software", Element::of_object());
  software.set(arena, "name", Element::of_string("Handoff"));
  software.set(arena, "version", text(arena, context.settings.software_version));
  Element& implementation = statement.set(arena, "implementation", Element::of_object());
  implementation.set(arena, "description", Element::of_string("Terminology operations of this server"));
  implementation.set(arena, "url", text(arena, context.settings.base_url));
  if (context.releases != nullptr) {
    for (auto const& system : context.releases->all()) {
      Element& item = push_object(arena, statement, "codeSystem");
      item.set(arena, "uri", text(arena, system->facts().url));
      if (system->facts().version.empty()) continue;
      push_object(arena, item, "version").set(arena, "code", text(arena, system->facts().version));
    }
  }
  auto const conformance = context.definitions->current();
  std::string_view last;
  for (auto const* const entry : conformance->library->list("CodeSystem")) {
    if (entry->url == last) continue;
    last = entry->url;
    push_object(arena, statement, "codeSystem").set(arena, "uri", text(arena, entry->url));
  }
  Element& expansion = statement.set(arena, "expansion", Element::of_object());
  expansion.set(arena, "hierarchical", Element::of_boolean(true));
  expansion.set(arena, "paging", Element::of_boolean(true));
  for (std::string_view const name : kExpansionParameters)
    push_object(arena, expansion, "parameter").set(arena, "name", Element::of_string(name));
  statement.set(arena, "codeSearch", Element::of_string("all"));
  statement.set(arena, "validateCode", Element::of_object())
      .set(arena, "translations", Element::of_boolean(true));
  statement.set(arena, "translation", Element::of_object())
      .set(arena, "needsMap", Element::of_boolean(false));
  return fhir::json::write(statement);
}

/// Errors: what the store says when it cannot be asked.
fhir::Result<std::string> make_statement(Context const& context) {
  FHIR_TRY(auto const snapshot, context.store.snapshot());
  store::AccessPolicy const policy =
      store::AccessPolicy::all();  // asked is only what can be searched, not for what
  Searchable searchable(*snapshot, policy);
  Arena arena;
  Element statement = Element::of_object();
  add_head(context, arena, statement);
  Element rest = Element::of_object();
  rest.set(arena, "mode", Element::of_string("server"));
  for (TypeDefinition const* const type : fhir::definitions::resource_types()) {
    add_resource(arena, rest, type->name(), searchable);
  }
  add_system_interactions(arena, rest);
  add_common_parameters(arena, rest);
  statement.set(arena, "rest").push(arena, rest);
  return fhir::json::write(statement);
}

}  // namespace

fhir::Result<Answer> capabilities(Context const& context, Request const& request) {
  FHIR_TRY(auto const options, parse_options(request.query, {"mode"}, request.handling));
  FHIR_TRY(auto const pairs, fhir::search::parse_pairs(request.query));
  if (std::ranges::find(pairs, std::pair<std::string, std::string>("mode", "terminology")) != pairs.end()) {
    Answer answer;
    answer.body = make_terminology_statement(context);
    return answer;
  }
  CapabilityCache& cache = *context.capabilities;
  std::lock_guard const lock(cache.mutex);
  if (cache.bytes.empty()) {
    FHIR_TRY(cache.bytes, make_statement(context));
  }
  Answer answer;
  answer.body = cache.bytes;
  return answer;
}

}  // namespace gateway::rest
