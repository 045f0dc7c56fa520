// architecture.md section 5, translation.md section 2 point 3: [type]/[id]/$provenance says for each element
// of a resource which message gave it, which field of it, by which row, and when: one Provenance for each
// version that brought something which still stands. https://hl7.org/fhir/R4/provenance.html; targetPath is
// HL7's extensions pack's.
#include "fhir/json/writer.hpp"
#include "fhir/search/query.hpp"
#include "gateway/intake/trace.hpp"
#include "gateway/rest/interactions/interactions.hpp"
#include "gateway/rest/options.hpp"
#include "gateway/store/instant.hpp"

namespace gateway::rest {

namespace {

using fhir::json::Arena;
using fhir::json::Element;

constexpr std::string_view kTargetPath = "http://hl7.org/fhir/StructureDefinition/targetPath";
constexpr std::string_view kV2Source = "https://handoff.example/fhir/StructureDefinition/v2-source";
constexpr std::string_view kTableSet = "https://handoff.example/fhir/StructureDefinition/table-set";
constexpr std::string_view kJournal = "https://handoff.example/fhir/journal";
constexpr std::string_view kDataOperation = "http://terminology.hl7.org/CodeSystem/v3-DataOperation";

/// The one parameter, `path`; what else a query holds is refused unless lenient.
fhir::Result<std::string> path_of(Request const& request) {
  FHIR_TRY(auto const pairs, fhir::search::parse_pairs(request.query));
  std::string path;
  for (auto const& [name, value] : pairs) {
    if (name == "_format" || name == "_pretty") continue;
    if (name == "path") {
      path = value;
    } else if (request.handling == fhir::search::Handling::strict) {
      return fhir::error(fhir::IssueType::not_supported, "This operation has no parameter " + name + ".", {},
                         name);
    }
  }
  return path;
}

class Writer {
 public:
  Writer(Arena& arena, intake::ResourceTrace const& trace) : arena_(arena), trace_(trace) {}

  Element bundle() {
    Element made = object("Bundle");
    made.set(arena_, "type", Element::of_string("collection"));
    Element entries = Element::of_array();
    for (intake::TracedVersion const& version : trace_.versions) {
      Element& entry = entries.push(arena_, Element::of_object());
      entry.set(arena_, "resource", provenance(version));
    }
    if (!entries.empty()) made.set(arena_, "entry", entries);
    return made;
  }

 private:
  Element text(std::string_view value) { return Element::of_string(arena_.copy(value)); }

  Element object(std::string_view type) {
    Element made = Element::of_object();
    made.set(arena_, "resourceType", Element::of_string(type));
    return made;
  }

  Element& add_extension(Element& owner, std::string_view url) {
    Element* list = owner.find("extension");
    if (list == nullptr) list = &owner.set(arena_, "extension", Element::of_array());
    Element& extension = list->push(arena_, Element::of_object());
    extension.set(arena_, "url", Element::of_string(url));
    return extension;
  }

  void add_part(Element& extension, std::string_view url, std::string_view value_name, Element value) {
    Element& part = add_extension(extension, url);
    part.set(arena_, value_name, value);
  }

  Element target(intake::TracedElement const& element) {
    Element made = Element::of_object();
    made.set(arena_, "reference", text(location_of(trace_.version)));
    add_extension(made, kTargetPath).set(arena_, "valueString", text(element.path));
    if (!element.row.empty()) {
      Element& source = add_extension(made, kV2Source);
      add_part(source, "field", "valueString", text(element.v2));
      add_part(source, "row", "valueString", text(element.row));
    }
    return made;
  }

  Element provenance(intake::TracedVersion const& version) {
    store::JournalRow const& message = version.message;
    bool const by_message = message.id != 0;
    Element made = object("Provenance");
    if (by_message && !message.maps_hash.empty()) {
      Element& tables = add_extension(made, kTableSet);
      add_part(tables, "hash", "valueString", text(message.maps_hash));
      add_part(tables, "exact", "valueBoolean", Element::of_boolean(version.exact));
    }
    Element targets = Element::of_array();
    for (intake::TracedElement const& element : version.elements) targets.push(arena_, target(element));
    made.set(arena_, "target", targets);
    made.set(arena_, "recorded",
             text(store::to_instant(by_message ? message.received_ms : version.last_updated_ms)));
    Element coding = Element::of_object();
    coding.set(arena_, "system", Element::of_string(kDataOperation));
    coding.set(arena_, "code", Element::of_string(version.version_id == 1 ? "CREATE" : "UPDATE"));
    made.set(arena_, "activity").set(arena_, "coding").push(arena_, coding);
    Element who = Element::of_object();
    who.set(arena_, "display", text(by_message ? message.partner : version.source));
    Element agent = Element::of_object();
    agent.set(arena_, "who", who);
    made.set(arena_, "agent").push(arena_, agent);
    if (by_message) made.set(arena_, "entity").push(arena_, entity(version));
    return made;
  }

  Element entity(intake::TracedVersion const& version) {
    Element identifier = Element::of_object();
    identifier.set(arena_, "system", Element::of_string(kJournal));
    identifier.set(arena_, "value", text(std::to_string(version.message.id)));
    Element what = Element::of_object();
    what.set(arena_, "identifier", identifier);
    what.set(arena_, "display", text(version.message.kind + " " + version.control_id));
    Element made = Element::of_object();
    made.set(arena_, "role", Element::of_string("source"));
    made.set(arena_, "what", what);
    return made;
  }

  Arena& arena_;
  intake::ResourceTrace const& trace_;
};

}  // namespace

fhir::Result<Answer> provenance(Context const& context, Request const& request) {
  if (!context.tables || !context.archive)
    return fhir::error(fhir::IssueType::not_supported, "There are no tables here to explain by.");
  FHIR_TRY(auto const path, path_of(request));
  FHIR_TRY(auto const snapshot, context.store.snapshot());
  auto const tables = context.tables->current();
  FHIR_TRY(auto const trace,
           intake::trace_resource({*snapshot, *context.archive, *tables}, request.principal.policy,
                                  request.type, request.id, path));
  Arena arena;
  Answer answer;
  answer.body = fhir::json::write(Writer(arena, trace).bundle());
  return answer;
}

}  // namespace gateway::rest
