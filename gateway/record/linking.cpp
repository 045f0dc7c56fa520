#include "gateway/record/linking.hpp"

#include "gateway/record/codes.hpp"

#include <algorithm>

namespace gateway::record {
namespace {

using fhir::json::Element;

constexpr std::int64_t kWindowMs = std::int64_t{90} * 24 * 3'600'000;  // record.md section 2: within 90 days.

std::string key_of(std::string_view kind, Element const& identifier) {
  std::string_view const value = identifier.text_at("value");
  if (value.empty()) return {};
  std::string key(kind);
  return key.append("|").append(identifier.text_at("system")).append("|").append(value);
}

void add_key(std::vector<std::string>& keys, std::string_view kind, Element const* identifier) {
  if (identifier == nullptr) return;
  std::string key = key_of(kind, *identifier);
  if (!key.empty() && std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(std::move(key));
}

bool is_type(Element const& identifier, std::string_view code) {
  return has_code(identifier.find("type"), code);
}

/// Order numbers: PLAC and FILL by type; an untyped identifier counts as `otherwise`, "" not at all.
void add_order_keys(std::vector<std::string>& keys, Element const& resource, std::string_view otherwise) {
  Element const* identifiers = resource.find("identifier");
  if (identifiers == nullptr) return;
  for (Element const& each : identifiers->items()) {
    if (is_type(each, "PLAC")) {
      add_key(keys, "plac", &each);
    } else if (is_type(each, "FILL")) {
      add_key(keys, "fill", &each);
    } else if (is_type(each, "PGN")) {
      add_key(keys, "group", &each);
    } else if (each.find("type") == nullptr && !otherwise.empty()) {
      add_key(keys, otherwise, &each);
    }
  }
}

void add_all(std::vector<std::string>& keys, std::string_view kind, Element const& resource) {
  if (Element const* identifiers = resource.find("identifier"))
    for (Element const& each : identifiers->items()) add_key(keys, kind, &each);
}

/// A reference may be logical: the order's number instead of its address (SCH-26, TXA-14).
void add_logical(std::vector<std::string>& keys, Element const* reference) {
  Element const* identifier = reference == nullptr ? nullptr : reference->find("identifier");
  if (identifier != nullptr) add_key(keys, is_type(*identifier, "FILL") ? "fill" : "plac", identifier);
}

/// Members that say which order, visit or appointment something belongs to.
constexpr std::string_view kParents[] = {"basedOn", "focus", "partOf", "appointment", "encounter", "about"};

template <class Visit>
void for_each_parent(Element const& resource, Visit const& visit) {
  auto const each_of = [&](Element const* member) {
    if (member == nullptr) return;
    if (member->is_array()) {
      for (Element const& item : member->items()) visit(item);
    } else {
      visit(*member);
    }
  };
  for (std::string_view name : kParents) each_of(resource.find(name));
  each_of(resource.at("context", "related"));
  each_of(resource.at("context", "encounter"));
}

std::string_view value_of(std::string_view key) { return key.substr(key.rfind('|') + 1); }

bool same_value(std::vector<std::string> const& known, std::string_view key) {
  auto const kind_end = key.find('|');
  return std::any_of(known.begin(), known.end(), [&](std::string const& other) {
    return other.compare(0, kind_end, key.substr(0, kind_end)) == 0 && value_of(other) == value_of(key);
  });
}

/// The record's person as of now: the person may have been merged since the record was last written.
fhir::Result<bool> agrees(Context& context, std::string const& record, std::string const& person) {
  if (person.empty()) return false;
  FHIR_TRY(auto const records, context.records_of(person));
  return std::find(records.begin(), records.end(), record) != records.end();
}

fhir::Result<std::string> find_key_of_person(Context& context, std::string const& key,
                                             std::string const& person) {
  for (std::string const& spelling : {key + "|" + person, key}) {
    FHIR_TRY(auto const record, context.unit.find_key(kReferralSpace, spelling));
    if (!record) continue;
    FHIR_TRY(bool const same, agrees(context, *record, person));
    if (same) return *record;
  }
  return std::string{};
}

fhir::Result<std::vector<ReferralState>> open_referrals(Context& context, std::string const& person) {
  std::vector<ReferralState> open;
  FHIR_TRY(auto const records, context.records_of(person));
  for (auto const& record : records) {
    if (!record.starts_with("referral/")) continue;
    FHIR_TRY(auto const row, context.unit.find_record(record));
    if (row && !row->open) continue;
    FHIR_TRY(auto const log, context.log(record));
    ReferralState state = fold_referral(record, log);
    if (is_open(state.state)) open.push_back(std::move(state));
  }
  return open;
}

fhir::Result<bool> was_by(Context& context, ReferralState const& state,
                          std::vector<std::string> const& providers) {
  if (state.performer.empty()) return false;
  if (std::find(providers.begin(), providers.end(), state.performer) != providers.end()) return true;
  FHIR_TRY(auto const parties, context.parties_of(state.performer));
  for (Party const* party : parties) {
    if (party->name == context.cause.origin) return true;
    for (auto const& provider : providers) {
      FHIR_TRY(bool const same, context.serves(*party, provider));
      if (same) return true;
    }
  }
  return false;
}

bool same_day(ReferralState const& state, std::int64_t at, Calendar const& calendar) {
  return state.appointment_start != 0 &&
         local_date(state.appointment_start, calendar) == local_date(at, calendar);
}

using Candidates = std::vector<ReferralState const*>;

/// Whether the referral is where such a thing may happen to it, at about that time.
bool is_awaited(ReferralState const& state, Sighting const& sighting) {
  State const base =
      state.state == State::cancel_requested || state.state == State::needs_info ? state.resume : state.state;
  if (rank_of(base) < sighting.rank_min || rank_of(base) > sighting.rank_max) return false;
  return sighting.at >= state.sent_at - kWindowMs && sighting.at <= state.sent_at + 4 * kWindowMs;
}

bool share_any(std::vector<std::string> const& a, std::vector<std::string> const& b) {
  return std::any_of(a.begin(), a.end(),
                     [&](auto const& one) { return std::find(b.begin(), b.end(), one) != b.end(); });
}

/// Several candidates are told apart by the day of their appointment, or not at all.
Link only_one(Candidates candidates, std::string tier, std::int64_t at, Calendar const& calendar) {
  if (candidates.size() > 1) {
    Candidates on_the_day;
    for (ReferralState const* state : candidates)
      if (same_day(*state, at, calendar)) on_the_day.push_back(state);
    if (on_the_day.size() == 1) candidates = std::move(on_the_day);
  }
  if (candidates.size() == 1) return {candidates.front()->record_id, std::move(tier), false};
  return {{}, {}, !candidates.empty()};
}

void add_codes(std::vector<std::string>& codes, Element const* concepts) {
  if (concepts == nullptr) return;
  auto const add_one = [&](Element const& concept_) {
    Element const* const codings = concept_.find("coding");
    if (codings == nullptr) return;
    for (Element const& coding : codings->items()) {
      if (coding.text_at("code").empty()) continue;
      std::string code = std::string(coding.text_at("system")) + "|" + std::string(coding.text_at("code"));
      if (std::find(codes.begin(), codes.end(), code) == codes.end()) codes.push_back(std::move(code));
    }
  };
  if (!concepts->is_array()) return add_one(*concepts);
  for (Element const& each : concepts->items()) add_one(each);
}

}  // namespace

std::vector<std::string> keys_of(Element const& resource) {
  std::vector<std::string> keys;
  std::string_view const type = resource.text_at("resourceType");
  if (type == "ServiceRequest") {
    add_order_keys(keys, resource, "plac");
    add_key(keys, "group", resource.find("requisition"));
  } else if (type == "Task") {
    add_order_keys(keys, resource, {});
    add_key(keys, "group", resource.find("groupIdentifier"));
  } else if (type == "Appointment") {
    add_all(keys, "appt", resource);
  } else if (type == "Encounter") {
    add_all(keys, "visit", resource);
  } else if (type == "DiagnosticReport") {
    add_order_keys(keys, resource, {});
  }
  for_each_parent(resource, [&](Element const& reference) { add_logical(keys, &reference); });
  return keys;
}

std::vector<Reference> parents_of(Element const& resource) {
  std::vector<Reference> parents;
  for_each_parent(resource, [&](Element const& item) {
    if (Reference reference = reference_at(&item)) parents.push_back(std::move(reference));
  });
  return parents;
}

std::string patient_of(Element const& resource) {
  for (std::string_view name : {"subject", "for", "patient"}) {
    Reference const found = reference_at(resource.find(name));
    if (found.type == "Patient") return found.text();
  }
  if (Element const* participants = resource.find("participant")) {
    for (Element const& each : participants->items()) {
      Reference const actor = reference_at(each.find("actor"));
      if (actor.type == "Patient") return actor.text();
    }
  }
  return {};
}

bool is_referral(Element const& request, Element const* task, Site const& site, std::string_view message) {
  if (message.starts_with("REF^")) return true;
  if (has_coding(request.find("code"), kLoincSystem, "57133-1")) return true;
  if (request.text_at("intent") != "order" && request.text_at("intent") != "original-order") return false;
  auto const in_set = [&](std::string_view system, std::string_view code) {
    return has_coding(request.find("category"), system, code) ||
           has_coding(request.find("code"), system, code);
  };
  if (in_set(kSnomedSystem, "3457005")) return true;
  for (std::string_view code : {"Med", "Psy", "Skn", "Hom", "MED", "PSY", "SKN", "HOM"})
    if (in_set("http://terminology.hl7.org/CodeSystem/v2-0281", code)) return true;
  for (std::string_view entry : site.referral_codes) {
    auto const bar = entry.find('|');
    if (bar != entry.npos && in_set(entry.substr(0, bar), entry.substr(bar + 1))) return true;
  }
  if (task == nullptr || role_of(*task) != TaskRole::fulfil) return false;
  Reference const owner = reference_at(task->find("owner"));
  return owner && owner.text() != reference_at(request.find("requester")).text();
}

TaskRole role_of(Element const& task) {
  Element const* code = task.find("code");
  if (has_coding(code, kTaskCodeSystem, kReviewCode)) return TaskRole::review;
  if (has_coding(code, kTaskCodeSystem, kConsultantReportCode)) return TaskRole::consultant_report;
  if (has_coding(code, kTaskCodeSystem, kTransitionCode)) return TaskRole::transition;
  if (has_coding(code, kTaskCodeSystem, kObligationCode)) return TaskRole::obligation;
  if (has_coding(code, kTaskCodeSystem, kWorkItemCode)) return TaskRole::work_item;
  if (has_coding(code, kFhirTaskCodeSystem, "abort")) return TaskRole::abort;
  bool const names_request = std::any_of(kParents, kParents + 2, [&](std::string_view name) {
    Element const* member = task.find(name);
    Element const* first = member != nullptr && member->is_array() ? member->at(0) : member;
    return reference_at(first).type == "ServiceRequest";
  });
  bool const fulfils = code == nullptr || has_code(code, "fulfill") || names_request;
  return fulfils ? TaskRole::fulfil : TaskRole::other;
}

fhir::Result<std::vector<std::string>> specialties_of(Context& context, Element const& resource) {
  std::vector<std::string> codes;
  for (std::string_view name : {"performerType", "serviceType", "specialty"})
    add_codes(codes, resource.find(name));
  add_codes(codes, resource.at("context", "practiceSetting"));
  for (std::string_view name : {"performer", "author", "participant"}) {
    Element const* const members = resource.find(name);
    if (members == nullptr) continue;
    for (Element const& each : members->items()) {
      Reference who = reference_at(&each);
      if (!who) who = reference_at(each.find("individual"));
      if (who.type != "PractitionerRole" && who.type != "HealthcareService") continue;
      FHIR_TRY(Element const* role, context.load(who));
      if (role != nullptr) add_codes(codes, role->find("specialty"));
    }
  }
  return codes;
}

fhir::Result<Link> link_by_key(Context& context, Element const& resource, std::string const& person) {
  for (Reference const& parent : parents_of(resource)) {
    FHIR_TRY(auto const record, context.record_of_view(parent.text()));
    if (!record || !record->starts_with("referral/")) continue;
    FHIR_TRY(bool const same, agrees(context, *record, person));
    if (same) return Link{*record, "reference", false};
  }
  auto const keys = keys_of(resource);
  for (auto const& key : keys) {
    if (key.starts_with("group|")) continue;  // One group holds several referrals.
    FHIR_TRY(std::string record, find_key_of_person(context, key, person));
    if (record.starts_with("referral/"))
      return Link{std::move(record), key.starts_with("fill") ? "T2" : "T1", false};
  }
  // The same number under another spelling of its authority ("PCP" for its OID): only within this person,
  // only if alone.
  Link link;
  FHIR_TRY(auto const open, open_referrals(context, person));
  for (auto const& key : keys) {
    if (!key.starts_with("plac|") && !key.starts_with("fill|")) continue;
    for (ReferralState const& state : open) {
      if (!same_value(state.keys, key) || state.record_id == link.record) continue;
      link.ambiguous = !link.record.empty();
      link = {state.record_id, "T1 value and person", link.ambiguous};
    }
  }
  if (link.ambiguous) link.record.clear();
  return link;
}

fhir::Result<Link> link_by_person(Context& context, Sighting const& sighting) {
  if (sighting.person.empty()) return Link{};
  FHIR_TRY(auto const open, open_referrals(context, sighting.person));
  Candidates of_provider, of_specialty;
  for (ReferralState const& state : open) {
    if (!is_awaited(state, sighting)) continue;
    FHIR_TRY(bool const same, was_by(context, state, sighting.providers));
    if (same) of_provider.push_back(&state);
    if (share_any(state.specialties, sighting.specialties)) of_specialty.push_back(&state);
  }
  Calendar const calendar = context.calendar();
  return !of_provider.empty() ? only_one(std::move(of_provider), "T3", sighting.at, calendar)
                              : only_one(std::move(of_specialty), "T4", sighting.at, calendar);
}

fhir::Result<void> remember(Context& context, std::string const& record, std::string const& person,
                            std::vector<std::string> const& keys, std::vector<std::string> const& views) {
  for (auto const& view : views) context.unit.put_key(kViewSpace, view, record);
  for (auto const& key : keys) {
    if (key.starts_with("group|")) continue;
    FHIR_TRY(auto const holder, context.unit.find_key(kReferralSpace, key));
    if (holder && *holder == record) continue;
    context.unit.put_key(kReferralSpace, holder ? key + "|" + person : key, record);
  }
  return {};
}

}  // namespace gateway::record
