#include "gateway/intake/person_messages.hpp"

#include "fhir/json/reader.hpp"
#include "fhir/json/writer.hpp"
#include "gateway/identity/identity.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace gateway::intake {

namespace {

using fhir::json::Element;

/// "Patient/b" of the first link of that type ("" for any), "" when there is none.
std::string linked(Element const& patient, std::string_view type) {
  Element const* const links = patient.find("link");
  if (links == nullptr) return {};
  for (Element const& link : links->items()) {
    if (type.empty() || link.text_at("type") == type) return std::string(link.text_of("other", "reference"));
  }
  return {};
}

/// The number a fact carries: "system|value" of the first identifier, those of type MR first.
std::string number_of(Element const& patient) {
  Element const* const identifiers = patient.find("identifier");
  if (identifiers == nullptr) return {};
  std::string number;
  for (Element const& one : identifiers->items()) {
    bool const is_record = one.text_of("type", "coding", 0, "code") == "MR";
    if (one.text_at("value").empty() || (!number.empty() && !is_record)) continue;
    number = std::string(one.text_at("system")) + "|" + std::string(one.text_at("value"));
    if (is_record) break;
  }
  return number;
}

class PersonTeller {
 public:
  PersonTeller(store::Unit& unit, mappings::language::Maps const& maps, Partners const& partners,
               std::string_view origin)
      : unit_(unit), maps_(maps), partners_(partners), origin_(origin) {}

  fhir::Result<void> run() {
    auto const changes = unit_.changes();
    for (store::Unit::Change const& change : changes) {
      if (change.type != "Patient" || change.after == nullptr || !change.changed) continue;
      std::optional<fhir::json::Document> before;
      if (change.before && !change.before->deleted) {
        FHIR_TRY(auto document, fhir::json::read_document(change.before->content));
        before.emplace(std::move(document));
      }
      for (KnownPartner const& partner : partners_.all())
        FHIR_CHECK(tell(partner, change, before ? &before->root : nullptr));
    }
    return {};
  }

 private:
  fhir::Result<void> tell(KnownPartner const& partner, store::Unit::Change const& change,
                          Element const* before) {
    auto const& settings = partner.settings;
    if (settings.delivery.mllp.port == 0 || settings.events.empty() || settings.name == origin_) return {};
    auto const choice = mappings::language::choose_event(maps_, before, *change.after, partner.profile);
    if (!choice) return {};
    std::string const message = std::string(choice->message_code) + "^" + std::string(choice->trigger_event);
    if (std::ranges::find(settings.events, message) == settings.events.end()) return {};

    std::string const self = "Patient/" + change.id;
    std::map<std::string, std::string> anchors, facts;
    FHIR_TRY(anchors["patient"], version_of(self));
    if (choice->row == "pat.merge") {
      // PID is who survives, MRG who is retired.
      FHIR_TRY(anchors["patient"], version_of(linked(*change.after, "replaced-by")));
      facts["merge.retired"] = number_of(*change.after);
      if (facts["merge.retired"].empty()) return {};
    } else if (choice->row == "pat.link" || choice->row == "pat.apart") {
      std::string const other =
          choice->row == "pat.link" ? linked(*change.after, "seealso") : linked(*before, "");
      if (!told_.insert(settings.name + message + std::min(self, other) + std::max(self, other)).second)
        return {};  // both ends of a link change; one message tells of it
      FHIR_TRY(anchors["patient#2"], version_of(other));
      if (anchors["patient#2"].empty()) return {};
    }
    if (anchors["patient"].empty() || number_of(*change.after).empty()) return {};
    return send(settings.name, change.id, message, choice->structure, anchors, facts);
  }

  fhir::Result<std::string> version_of(std::string const& reference) {
    auto const slash = reference.find('/');
    if (slash == std::string::npos) return std::string{};
    FHIR_TRY(auto const version, unit_.find("Patient", reference.substr(slash + 1)));
    if (!version || version->deleted) return std::string{};
    return reference + "/_history/" + std::to_string(version->version_id);
  }

  fhir::Result<void> send(std::string const& destination, std::string const& patient,
                          std::string const& message, std::string_view structure,
                          std::map<std::string, std::string> const& anchors,
                          std::map<std::string, std::string> const& facts) {
    FHIR_TRY(auto const person, identity::person_of(unit_, patient));
    store::OutboxRow row;
    row.destination = destination;
    row.order_key = person ? *person : "Patient/" + patient;
    row.kind = "hl7v2:" + message;
    row.request = "{";
    member(row.request, "message", message);
    member(row.request, "structure", structure);
    object(row.request, "facts", facts);
    object(row.request, "anchors", anchors);
    row.request += "}";
    row.created_ms = unit_.now_ms();
    row.next_attempt_ms = unit_.now_ms();
    unit_.add_outbox(std::move(row), "");
    return {};
  }

  static void member(std::string& text, std::string_view name, std::string_view value) {
    if (text.back() != '{') text += ',';
    fhir::json::write_string(name, text);
    text += ':';
    fhir::json::write_string(value, text);
  }
  static void object(std::string& text, std::string_view name,
                     std::map<std::string, std::string> const& values) {
    text += ',';
    fhir::json::write_string(name, text);
    text += ":{";
    for (auto const& [key, value] : values) member(text, key, value);
    text += '}';
  }

  store::Unit& unit_;
  mappings::language::Maps const& maps_;
  Partners const& partners_;
  std::string_view origin_;
  std::set<std::string> told_;
};

}  // namespace

fhir::Result<void> tell_of_persons(store::Unit& unit, mappings::language::Maps const& maps,
                                   Partners const& partners, std::string_view origin) {
  return PersonTeller(unit, maps, partners, origin).run();
}

}  // namespace gateway::intake
