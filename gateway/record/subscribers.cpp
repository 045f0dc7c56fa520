#include "gateway/record/subscribers.hpp"

#include "fhir/search/query.hpp"
#include "gateway/record/context.hpp"
#include "gateway/record/outbox_request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace gateway::record {
namespace {

using fhir::json::Element;
using Change = store::Unit::Change;

/// Types that may be told of besides Patients and allergies; what carries others in its message comes first.
constexpr std::string_view kTypes[] = {"Encounter",
                                       "CarePlan",
                                       "Goal",
                                       "Condition",
                                       "Appointment",
                                       "ServiceRequest",
                                       "Immunization",
                                       "DiagnosticReport",
                                       "MedicationRequest",
                                       "MedicationDispense",
                                       "MedicationAdministration",
                                       "Account",
                                       "ChargeItem",
                                       "Slot",
                                       "DocumentReference"};

constexpr std::string_view kAllergy = "AllergyIntolerance";

/// What its message carries beside the resource itself: of a visit only its diagnoses, for it moves for
/// reasons of its own and an appointment that it fulfils has a message too.
Element const* carrier_of(Element const& resource) {
  return resource.text_at("resourceType") == "Encounter" ? resource.find("diagnosis") : &resource;
}

void collect_references(Element const& element, std::set<std::string>& found) {
  if (Reference const reference = reference_of(element.text_at("reference"))) found.insert(reference.text());
  for (auto const& member : element.members()) collect_references(member.value, found);
  for (Element const& item : element.items()) collect_references(item, found);
}

/// "Patient/x" that the resource is about; "" when it names none.
std::string patient_of(Element const& resource) {
  for (std::string_view const path : {"subject", "patient"}) {
    Element const* const member = resource.find(path);
    bool const is_list = member != nullptr && member->is_array();  // an Account's
    if (Reference const about = reference_at(is_list ? member->at(0) : member); about.type == "Patient")
      return about.text();
  }
  if (Element const* const participants = resource.find("participant")) {
    for (Element const& one : participants->items()) {
      if (Reference const actor = reference_at(one.find("actor")); actor.type == "Patient")
        return actor.text();
    }
  }
  return {};
}

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

class Telling {
 public:
  Telling(Context& context, ChooseEvent const& choose) : context_(context), choose_(choose) {
    for (auto const& change : context_.unit.changes()) {
      auto const [entry, is_new] = last_.try_emplace(change.type + "/" + change.id, change);
      if (is_new) continue;
      entry->second.after = change.after;
      entry->second.changed = entry->second.changed || change.changed;
    }
  }

  fhir::Result<void> of_persons() { return of_type("Patient", &Telling::tell_of_person); }
  fhir::Result<void> of_the_rest() {
    for (std::string_view const type : kTypes) FHIR_CHECK(of_type(type, &Telling::tell));
    return of_type(kAllergy, &Telling::tell_of_allergies);
  }

 private:
  using Tell = fhir::Result<void> (Telling::*)(Party const&, std::string const&, Change const&,
                                               Element const* before);

  fhir::Result<void> of_type(std::string_view type, Tell tell) {
    for (auto const& [reference, change] : last_) {
      if (change.type != type || !change.changed || change.after == nullptr) continue;
      FHIR_TRY(Element const* before, context_.before(change));
      for (Party const& party : context_.site.parties) {
        if (party.speaks_v2 && !party.sends.empty() && party.name != context_.cause.origin)
          FHIR_CHECK((this->*tell)(party, reference, change, before));
      }
    }
    return {};
  }

  std::optional<ChosenEvent> choose(Party const& party, Element const* before, Element const& after) const {
    auto event = choose_(party, before, after);
    if (event && std::ranges::find(party.sends, event->message) == party.sends.end()) event.reset();
    return event;
  }

  fhir::Result<void> tell(Party const& party, std::string const& reference, Change const& change,
                          Element const* before) {
    auto& carried = carried_[party.name];
    if (carried.contains(reference)) return {};
    auto const event = choose(party, before, *change.after);
    if (!event) return {};
    FHIR_TRY(auto const record, context_.record_of_view(reference));
    FHIR_TRY(bool const is_told, is_told_by_record(party, record.value_or(""), change.type));
    if (is_told) return {};
    OutboxRequest request{.message = event->message, .structure = event->structure};
    request.facts = event->facts;
    if (event->row == "enc.rehome" || event->row == "enc.number") FHIR_CHECK(name_former(*before, request));
    FHIR_TRY(request.anchors[event->role], context_.version(reference));
    request.before[event->role] = context_.version_before(reference);
    if (record && change.type == "Encounter") {
      request.record = *record;
      FHIR_TRY(auto const row, context_.unit.find_record(*record));
      if (row) request.state = row->state;
    }
    FHIR_TRY(auto const person, context_.person_of(patient_of(*change.after)));
    queue(context_, party, person.empty() ? reference : person, request);
    if (Element const* const carrier = carrier_of(*change.after)) collect_references(*carrier, carried);
    return {};
  }

  /// An A60 is read as the list of all allergies: one that left others out would end them at its receiver. It
  /// has every one that any source knows of the person, once for a commit; one found to be an error is named
  /// when that is found, for its action code.
  fhir::Result<void> tell_of_allergies(Party const& party, std::string const&, Change const& change,
                                       Element const* before) {
    auto const event = choose(party, before, *change.after);
    std::string const patient = patient_of(*change.after);
    if (!event || patient.empty()) return {};
    FHIR_TRY(std::string const person, context_.person_of(patient));
    if (!told_.insert(party.name + "|allergies|" + person).second) return {};
    FHIR_TRY(auto patients, context_.patients_of(person));
    if (std::ranges::find(patients, patient) == patients.end()) patients.push_back(patient);
    OutboxRequest request{.message = event->message, .structure = event->structure};
    FHIR_TRY(std::string const told, patient_told_to(party, patients, patient));
    FHIR_TRY(request.anchors["patient"], context_.version(told));
    std::size_t number = 0;
    for (std::string const& one : patients) {
      FHIR_TRY(auto const allergies, allergies_of(one));
      for (std::string const& allergy : allergies) {
        FHIR_TRY(request.anchors[event->role + "#" + fmt::format("{:04}", ++number)],
                 context_.version(allergy));
      }
    }
    queue(context_, party, person, request);
    return {};
  }

  /// The party's own Patient of that person where it has one.
  fhir::Result<std::string> patient_told_to(Party const& party, std::vector<std::string> const& patients,
                                            std::string const& other) {
    for (std::string const& one : patients) {
      FHIR_TRY(std::string const source, context_.source(one));
      FHIR_TRY(Element const* patient, context_.load(reference_of(one)));
      if (source == party.name && patient != nullptr && patient->text_at("active") != "false") return one;
    }
    return other;
  }

  fhir::Result<std::vector<std::string>> allergies_of(std::string const& patient) {
    auto query = fhir::search::parse_query(kAllergy, "patient=" + patient, fhir::search::Handling::strict);
    if (!query) return query.error();
    query->count = store::kAllMatches;
    FHIR_TRY(auto const found, context_.unit.match(*query));
    std::vector<std::string> all;
    for (store::Version const& one : found) {
      std::string reference = std::string(kAllergy) + "/" + one.id;
      FHIR_TRY(Element const* allergy, context_.load(reference_of(reference)));
      if (allergy == nullptr) continue;
      bool const is_error = allergy->text_of("verificationStatus", "coding", 0, "code") == "entered-in-error";
      if (!is_error || last_.contains(reference)) all.push_back(std::move(reference));
    }
    return all;
  }

  /// Whose the visit was, and its number then: MRG.
  fhir::Result<void> name_former(Element const& before, OutboxRequest& request) {
    FHIR_TRY(Element const* patient, context_.load(reference_at(before.find("subject"))));
    if (patient != nullptr) request.facts["merge.retired"] = number_of(*patient);
    request.facts["merge.visit"] = number_of(before);
    return {};
  }

  /// A referral tells its own parties of its visit by its states, and of its appointment where that moves
  /// one; a stay's visit has nothing else that tells of it.
  fhir::Result<bool> is_told_by_record(Party const& party, std::string const& record, std::string_view type) {
    if (record.empty()) return false;
    if (type != "Encounter" && type != "Appointment") return true;
    if (!record.starts_with("referral/")) return false;
    FHIR_TRY(auto const known, context_.unit.peer_state(party.name, record));
    if (type == "Encounter") return !known.empty();
    FHIR_TRY(auto const earlier, context_.unit.snapshot().peer_state(party.name, record));
    return known != earlier;
  }

  fhir::Result<void> tell_of_person(Party const& party, std::string const& self, Change const& change,
                                    Element const* before) {
    auto const event = choose(party, before, *change.after);
    if (!event) return {};
    OutboxRequest request{.message = event->message, .structure = event->structure};
    FHIR_TRY(request.anchors["patient"], context_.version(self));
    if (event->row == "pat.merge") {
      // PID is who survives, MRG who is retired.
      FHIR_TRY(request.anchors["patient"], context_.version(linked(*change.after, "replaced-by")));
      request.facts["merge.retired"] = number_of(*change.after);
      if (request.facts["merge.retired"].empty()) return {};
    } else if (event->row == "pat.link" || event->row == "pat.apart") {
      std::string const other =
          event->row == "pat.link" ? linked(*change.after, "seealso") : linked(*before, "");
      if (!told_.insert(party.name + event->message + std::min(self, other) + std::max(self, other)).second)
        return {};  // both ends of a link change; one message tells of it
      FHIR_TRY(request.anchors["patient#2"], context_.version(other));
      if (request.anchors["patient#2"].empty()) return {};
    }
    if (request.anchors["patient"].empty() || number_of(*change.after).empty()) return {};
    FHIR_TRY(auto person, context_.person_of(self));
    queue(context_, party, std::move(person), request);
    return {};
  }

  Context& context_;
  ChooseEvent const& choose_;
  std::map<std::string, Change> last_;  ///< One resource written twice counts as it stands at the end.
  std::map<std::string, std::set<std::string>>
      carried_;  ///< by party: what its messages of this commit carry
  std::set<std::string> told_;
};

}  // namespace

fhir::Result<void> tell_of_persons(store::Unit& unit, Cause const& cause, Site const& site,
                                   ChooseEvent const& choose) {
  Context context(unit, cause, site);
  return Telling(context, choose).of_persons();
}

fhir::Result<void> tell_subscribers(store::Unit& unit, Cause const& cause, Site const& site,
                                    ChooseEvent const& choose) {
  Context context(unit, cause, site);
  return Telling(context, choose).of_the_rest();
}

}  // namespace gateway::record
