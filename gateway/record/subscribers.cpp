#include "gateway/record/subscribers.hpp"

#include "fhir/json/writer.hpp"
#include "gateway/record/context.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace gateway::record {
namespace {

using fhir::json::Element;

/// Types that may be told of, with the role that anchors their message; what names others comes first.
constexpr std::pair<std::string_view, std::string_view> kAnchors[] = {{"CarePlan", "plan"},
                                                                      {"Goal", "goal"},
                                                                      {"Condition", "problem"},
                                                                      {"Appointment", "appt"},
                                                                      {"DocumentReference", "document"}};

void collect_references(Element const& element, std::set<std::string>& found) {
  if (Reference const reference = reference_of(element.text_at("reference"))) found.insert(reference.text());
  for (auto const& member : element.members()) collect_references(member.value, found);
  for (Element const& item : element.items()) collect_references(item, found);
}

std::string request_of(ChosenEvent const& event, std::string_view role, std::string const& version) {
  std::string text = R"({"message":)";
  fhir::json::write_string(event.message, text);
  text += R"(,"structure":)";
  fhir::json::write_string(event.structure, text);
  text += R"(,"anchors":{)";
  fhir::json::write_string(role, text);
  text += ':';
  fhir::json::write_string(version, text);
  return text + "}}";
}

class Telling {
 public:
  Telling(Context& context, ChooseEvent const& choose) : context_(context), choose_(choose) {}

  fhir::Result<void> run() {
    std::map<std::string, store::Unit::Change>
        last;  // One resource written twice counts as it stands at the end.
    for (auto const& change : context_.unit.changes()) {
      auto const [entry, is_new] = last.try_emplace(change.type + "/" + change.id, change);
      if (is_new) continue;
      entry->second.after = change.after;
      entry->second.changed = entry->second.changed || change.changed;
    }
    for (auto const& [type, role] : kAnchors) {
      for (auto const& [reference, change] : last) {
        if (change.type == type && change.changed && change.after != nullptr)
          FHIR_CHECK(tell(reference, change, role));
      }
    }
    return {};
  }

 private:
  fhir::Result<void> tell(std::string const& reference, store::Unit::Change const& change,
                          std::string_view role) {
    FHIR_TRY(auto const record, context_.record_of_view(reference));
    if (record) return {};
    FHIR_TRY(Element const* before, context_.before(change));
    for (Party const& party : context_.site.parties) {
      if (!party.speaks_v2 || party.sends.empty() || party.name == context_.cause.origin) continue;
      auto& carried = carried_[party.name];
      if (carried.contains(reference)) continue;
      auto const event = choose_(party, before, *change.after);
      if (!event || std::find(party.sends.begin(), party.sends.end(), event->message) == party.sends.end())
        continue;
      FHIR_CHECK(queue(party, *event, role, reference, *change.after));
      collect_references(*change.after, carried);
    }
    return {};
  }

  fhir::Result<void> queue(Party const& party, ChosenEvent const& event, std::string_view role,
                           std::string const& reference, Element const& resource) {
    FHIR_TRY(auto const version, context_.version(reference));
    FHIR_TRY(auto const person, context_.person_of(patient_of(resource)));
    store::OutboxRow row;
    row.destination = party.name;
    row.order_key = person.empty() ? reference : person;
    row.kind = "hl7v2:" + event.message;
    row.request = request_of(event, role, version);
    row.created_ms = context_.now();
    row.next_attempt_ms = context_.now();
    context_.unit.add_outbox(std::move(row), {});
    return {};
  }

  /// "Patient/x" that the resource is about; "" when it names none.
  static std::string patient_of(Element const& resource) {
    if (Reference const subject = reference_at(resource.find("subject")); subject.type == "Patient")
      return subject.text();
    if (Element const* const participants = resource.find("participant")) {
      for (Element const& one : participants->items()) {
        if (Reference const actor = reference_at(one.find("actor")); actor.type == "Patient")
          return actor.text();
      }
    }
    return {};
  }

  Context& context_;
  ChooseEvent const& choose_;
  std::map<std::string, std::set<std::string>>
      carried_;  ///< by party: what its messages of this commit carry
};

}  // namespace

fhir::Result<void> tell_subscribers(store::Unit& unit, Cause const& cause, Site const& site,
                                    ChooseEvent const& choose) {
  Context context(unit, cause, site);
  return Telling(context, choose).run();
}

}  // namespace gateway::record
