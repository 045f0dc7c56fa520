// https://hl7.org/fhir/R4/terminology-service.html: $expand, $validate-code, $lookup, $subsumes and
// $translate, by GET with parameters in the query and by POST of a Parameters resource; on an instance the
// stored resource is what is asked. $batch-validate-code, of R6, by POST alone.
#include "fhir/json/writer.hpp"
#include "fhir/search/query.hpp"
#include "fhir/terminology/parameters.hpp"
#include "gateway/rest/interactions/interactions.hpp"
#include "gateway/rest/operations/stored_terminology.hpp"
#include "gateway/rest/status.hpp"
#include "gateway/rest/times.hpp"

#include <algorithm>
#include <initializer_list>

namespace gateway::rest {

namespace {

using fhir::IssueType;
using fhir::json::Arena;
using fhir::json::Element;
using fhir::terminology::Terminology;

using Operation = fhir::terminology::Answer (Terminology::*)(fhir::terminology::Request const&) const;
using Names = std::initializer_list<std::string_view>;

// Taken by every operation.
constexpr std::string_view kCommon[] = {"displayLanguage",      "system-version", "force-system-version",
                                        "check-system-version", "useSupplement",  "tx-resource"};

struct Call {
  Operation operation;
  Names parameters;               ///< Besides the common ones.
  std::string_view own_resource;  ///< The parameter that holds the stored resource of an instance.
};

/// The parameters in one list, and what keeps the stored resource alive.
struct Parameters {
  Arena arena;
  Element root = Element::of_object();
  std::shared_ptr<Element const> stored;

  Element& list() { return root.set(arena, "parameter"); }
  void add_resource(std::string_view name, Element const& resource) {
    Element& parameter = list().push(arena, Element::of_object());
    parameter.set(arena, "name", Element::of_string(name));
    parameter.set(arena, "resource", resource);
  }
  void add_text(std::string_view name, std::string_view text) {
    Element& parameter = list().push(arena, Element::of_object());
    parameter.set(arena, "name", Element::of_string(arena.copy(name)));
    parameter.set(arena, "valueString", Element::of_string(arena.copy(text)));
  }
};

fhir::Result<void> read_query(Request const& request, Parameters& parameters) {
  FHIR_TRY(auto const pairs, fhir::search::parse_pairs(request.query));
  for (auto const& [name, value] : pairs) {
    if (name != "_format" && name != "_pretty") parameters.add_text(name, value);
  }
  return {};
}

fhir::Result<void> read_body(Request const& request, Call const& call, Parameters& parameters) {
  if (request.method != "POST" || (request.body.empty() && request.resource.root == nullptr)) return {};
  FHIR_TRY(Input const input, read_resource(request));
  std::string_view const type = input.root->text_at("resourceType");
  if (type == request.type) {  // R4 operations.html: a single resource may stand for its parameter
    parameters.add_resource(call.own_resource, fhir::json::deep_copy(parameters.arena, *input.root));
    return {};
  }
  if (type != "Parameters")
    return fhir::error(IssueType::value, "The operation takes a Parameters resource.", "resourceType");
  Element const* const list = input.root->find("parameter");
  for (Element const& parameter : list == nullptr ? std::span<Element const>{} : list->items())
    parameters.list().push(parameters.arena, fhir::json::deep_copy(parameters.arena, parameter));
  return {};
}

/// Errors: not_supported, naming the parameter.
fhir::Result<void> check_names(Request const& request, Call const& call, Parameters& parameters) {
  if (request.handling == fhir::search::Handling::lenient) return {};
  for (Element const& parameter : parameters.list().items()) {
    std::string_view const name = parameter.text_at("name");
    bool const is_known = std::ranges::find(call.parameters, name) != call.parameters.end() ||
                          std::ranges::find(kCommon, name) != std::end(kCommon);
    if (!is_known) {
      return fhir::error(IssueType::not_supported,
                         "This operation has no parameter " + std::string(name) + " here.",
                         "Parameters.parameter.where(name='" + std::string(name) + "')");
    }
  }
  return {};
}

/// The stored resource of an instance as what the operation is about.
fhir::Result<void> add_instance(store::Snapshot& snapshot, Request const& request, Call const& call,
                                Parameters& parameters) {
  if (request.id.empty()) return {};
  FHIR_TRY(auto const version, snapshot.find(request.principal.policy, request.type, request.id));
  if (!version) return fhir::error(IssueType::not_found, "There is no resource of that type and id.");
  if (version->deleted) return fhir::error(IssueType::deleted, "The resource has been deleted.");
  FHIR_TRY(auto found, StoredTerminology::found(*version));
  parameters.stored = std::move(found.resource);
  parameters.add_resource(call.own_resource, *parameters.stored);
  return {};
}

/// A code system that is given goes before a stored one of its url, which then says the system of the codes.
fhir::Result<void> name_code_system(Request const& request, Parameters& parameters) {
  if (request.type != "CodeSystem") return {};
  for (Element& parameter : parameters.list().items()) {
    if (parameter.text_at("name") != "codeSystem") continue;
    Element const* const resource = parameter.find("resource");
    std::string const url(resource == nullptr ? std::string_view{} : resource->text_at("url"));
    if (url.empty())
      return fhir::error(IssueType::required, "A code system that is asked for codes has a url.",
                         "CodeSystem.url");
    parameter.set(parameters.arena, "name", Element::of_string("tx-resource"));
    parameters.add_text("system", url);
    return {};
  }
  return {};
}

/// Whether Parameters of an answer, or of one in a batch, say that a code system is not known.
bool says_unknown(Element const& parameters) {
  Element const* const list = parameters.find("parameter");
  for (Element const& parameter : list == nullptr ? std::span<Element const>{} : list->items()) {
    std::string_view const name = parameter.text_at("name");
    if (name == "x-unknown-system" || name == "x-caused-by-unknown-system") return true;
    Element const* const inner = parameter.find("resource");
    if (inner != nullptr && says_unknown(*inner)) return true;
  }
  return false;
}

/// Whether the answer is that something is not known here.
bool is_unknown(fhir::terminology::Answer const& answer) {
  if (answer.failure) return answer.failure->code == IssueType::not_found;
  return says_unknown(answer.document.root);
}

/// Whether no map here had a word for the code, and none was named that should have: another server may have
/// one.
bool is_unmapped(Call const& call, Element const& asked, fhir::terminology::Answer const& answer) {
  if (call.operation != &Terminology::translate || answer.failure) return false;
  for (Element const& parameter : asked.find("parameter")->items()) {
    std::string_view const name = parameter.text_at("name");
    if (name == "url" || name == "conceptMap") return false;
  }
  Element const* const list = answer.document.root.find("parameter");
  return list != nullptr && std::ranges::none_of(list->items(), [](Element const& parameter) {
           return parameter.text_at("name") == "match";
         });
}

/// The text of a CodeableConcept is what somebody wrote: it may tell of whom.
bool holds_free_text(Element const& parameters) {
  Element const* const list = parameters.find("parameter");
  for (Element const& parameter : list == nullptr ? std::span<Element const>{} : list->items()) {
    Element const* const coded = parameter.find("valueCodeableConcept");
    if (coded != nullptr && coded->find("text") != nullptr) return true;
    Element const* const inner = parameter.find("resource");
    if (inner != nullptr && holds_free_text(*inner)) return true;
  }
  return false;
}

/// What the other terminology server says, or ours with a word of why not. Free text is not sent there.
void ask_remote(Context const& context, Request const& request, Element const& parameters, Answer& answer) {
  std::string const operation = request.type + '/' + request.path.back();
  auto remote = context.remote->ask(operation, fhir::json::write(parameters), context.clock());
  if (remote) {
    answer.status = 200;
    answer.body = *std::move(remote);
  } else if (remote.error().code == IssueType::transient) {
    answer.headers.add("Warning", "199 - \"the other terminology server did not answer\"");
  }
}

fhir::Result<Answer> run(Context const& context, Request const& request, Call const& call) {
  Parameters parameters;
  parameters.root.set(parameters.arena, "resourceType", Element::of_string("Parameters"));
  parameters.root.set(parameters.arena, "parameter", Element::of_array());
  FHIR_CHECK(read_query(request, parameters));
  FHIR_CHECK(read_body(request, call, parameters));
  FHIR_CHECK(check_names(request, call, parameters));
  FHIR_TRY(auto const snapshot, context.store.snapshot());
  FHIR_CHECK(add_instance(*snapshot, request, call, parameters));
  FHIR_CHECK(name_code_system(request, parameters));

  auto const conformance = context.definitions->current();
  auto const source = std::make_shared<StoredTerminology>(*snapshot, request.principal.policy,
                                                          conformance->library, context.releases);
  Terminology const terminology(source, {}, conformance->terminology_cache);
  std::string const now = to_instant(context.clock());
  std::string const identifier = "urn:uuid:" + context.ids();
  fhir::terminology::Request asked;
  asked.parameters = &parameters.root;
  asked.accept_language = request.accept_language;
  asked.now = now;
  asked.identifier = identifier;
  auto const result = (terminology.*call.operation)(asked);
  if (source->failure()) return *source->failure();
  Answer answer;
  answer.status = result.failure ? status_of(*result.failure) : 200;
  answer.body = fhir::json::write(result.document.root);
  bool const is_for_remote = is_unknown(result) || is_unmapped(call, parameters.root, result);
  if (context.remote != nullptr && is_for_remote && !holds_free_text(parameters.root))
    ask_remote(context, request, parameters.root, answer);
  return answer;
}

}  // namespace

fhir::Result<Answer> expand(Context const& context, Request const& request) {
  return run(context, request,
             {&Terminology::expand,
              {"url", "valueSet", "valueSetVersion", "filter", "offset", "count", "includeDesignations",
               "designation", "includeDefinition", "activeOnly", "excludeNested", "excludeNotForUI",
               "excludePostCoordinated", "property"},
              "valueSet"});
}

fhir::Result<Answer> validate_code_in_value_set(Context const& context, Request const& request) {
  return run(context, request,
             {&Terminology::validate_in_value_set,
              {"url", "valueSet", "valueSetVersion", "code", "system", "systemVersion", "display", "coding",
               "codeableConcept", "abstract", "inferSystem", "activeOnly", "lenient-display-validation",
               "valueset-membership-only"},
              "valueSet"});
}

fhir::Result<Answer> validate_code_in_code_system(Context const& context, Request const& request) {
  return run(context, request,
             {&Terminology::validate_in_code_system,
              {"url", "system", "codeSystem", "code", "version", "display", "coding", "codeableConcept",
               "abstract", "lenient-display-validation"},
              "codeSystem"});
}

fhir::Result<Answer> batch_validate_in_value_set(Context const& context, Request const& request) {
  return run(context, request,
             {&Terminology::batch_validate_in_value_set,
              {"validation", "url", "valueSet", "valueSetVersion", "system", "systemVersion", "abstract",
               "inferSystem", "activeOnly", "lenient-display-validation", "valueset-membership-only"},
              "valueSet"});
}

fhir::Result<Answer> batch_validate_in_code_system(Context const& context, Request const& request) {
  return run(
      context, request,
      {&Terminology::batch_validate_in_code_system,
       {"validation", "url", "system", "codeSystem", "version", "abstract", "lenient-display-validation"},
       "codeSystem"});
}

fhir::Result<Answer> lookup(Context const& context, Request const& request) {
  return run(context, request,
             {&Terminology::lookup, {"code", "system", "version", "coding", "property"}, "codeSystem"});
}

fhir::Result<Answer> subsumes(Context const& context, Request const& request) {
  return run(context, request,
             {&Terminology::subsumes,
              {"codeA", "codeB", "system", "version", "codingA", "codingB", "codeSystem"},
              "codeSystem"});
}

fhir::Result<Answer> translate(Context const& context, Request const& request) {
  return run(context, request,
             {&Terminology::translate,
              {"url",         "conceptMap", "conceptMapVersion", "code",         "system",
               "source",      "coding",     "codeableConcept",   "target",       "targetsystem",
               "reverse",     "sourceCode", "sourceSystem",      "sourceCoding", "sourceCodeableConcept",
               "sourceScope", "targetCode", "targetSystem",      "targetCoding", "targetCodeableConcept",
               "targetScope"},
              "conceptMap"});
}

}  // namespace gateway::rest
