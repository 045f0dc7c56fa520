/// What one run of the fold reads and says: resources as trees, persons, parties, and the log of a record.
///
/// Internal to this room. Everything goes through the Unit, so that what was read is checked again at commit.
#pragma once

#include "fhir/json/element.hpp"
#include "fhir/result.hpp"
#include "gateway/record/clocks.hpp"
#include "gateway/record/event.hpp"
#include "gateway/record/record.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::record {

/// "Task/abc"; empty when the reference is contained, logical or names no resource.
struct Reference {
  std::string type;
  std::string id;
  explicit operator bool() const { return !id.empty(); }
  std::string text() const { return id.empty() ? std::string{} : type + "/" + id; }
};
/// Also takes "Task/abc/_history/3" and absolute urls.
Reference reference_of(std::string_view text);
/// The `reference` of a Reference element, resolved as above; empty for nullptr.
Reference reference_at(fhir::json::Element const* element);

bool has_coding(fhir::json::Element const* concept_or_list, std::string_view system, std::string_view code);
/// Any system.
bool has_code(fhir::json::Element const* concept_or_list, std::string_view code);

/// Space of keys "ServiceRequest/abc" -> record id: which record a resource is a view of.
inline constexpr std::string_view kViewSpace = "record.view";
/// Business keys of referrals: "plac|system|value" -> record id (record.md section 2).
inline constexpr std::string_view kReferralSpace = "referral";
/// record id -> "Patient/x": found the other way round, all records of a patient.
inline constexpr std::string_view kPatientSpace = "record.patient";

/// A logical id for something the gateway makes for a record: the same inputs, the same id.
std::string derived_id(std::string_view record_id, std::string_view role, std::string_view detail = {});

class Context {
 public:
  Context(store::Unit& unit, Cause const& cause, Site const& site);

  store::Unit& unit;
  Cause const& cause;
  Site const& site;

  std::int64_t now() const { return unit.now_ms(); }
  Calendar calendar() const;

  /// The current resource as a tree, nullptr when absent or deleted. Sees this Unit's writes, which have no
  /// version in their meta yet.
  fhir::Result<fhir::json::Element const*> load(Reference const& reference);
  fhir::Result<fhir::json::Element const*> before(store::Unit::Change const& change);
  /// "Task/abc/_history/3" as it will be after this Unit; "" when absent.
  fhir::Result<std::string> version(std::string_view reference);
  /// The version that what this Unit wrote took the place of; "" when there was none.
  std::string version_before(std::string_view reference);
  /// Whose resource it is; "" when absent.
  fhir::Result<std::string> source(std::string_view reference);

  /// The person of "Patient/x", or that reference itself while it has none; "" for "".
  fhir::Result<std::string> person_of(std::string_view patient);
  /// Every "Patient/x" of that person.
  fhir::Result<std::vector<std::string>> patients_of(std::string const& person);
  /// Every record of that person, its retired Patients' too.
  fhir::Result<std::vector<std::string>> records_of(std::string const& person);
  fhir::Result<std::optional<std::string>> record_of_view(std::string_view reference);

  Party const* party_named(std::string_view name) const;
  /// Who works for that party: by reference, by the resource's identifiers, by its organization or
  /// practitioner.
  fhir::Result<std::vector<Party const*>> parties_of(std::string const& reference);
  fhir::Result<bool> serves(Party const& party, std::string const& reference);

  /// An event with all that the Cause knows.
  Event event(std::string_view type, std::string rule) const;
  std::string_view fact(std::string_view name) const;
  /// "RRI^I12" -> "I12"; "" for FHIR.
  std::string_view trigger() const;
  std::string_view message_type() const;

  fhir::Result<std::vector<Event>> log(std::string const& record_id);
  /// Appends to the store and to `log`, giving the event its place.
  fhir::Result<void> append(std::string const& record_id, std::vector<Event>& log, Event event);

 private:
  fhir::Result<std::vector<std::string>> names_of(std::string const& reference, int depth);
  std::map<std::string, std::vector<std::string>> names_;
};

/// Builds trees in an arena; every text is copied.
class Builder {
 public:
  explicit Builder(fhir::json::Arena& arena) : arena_(arena) {}
  fhir::json::Element text(std::string_view value) const {
    return fhir::json::Element::of_string(arena_.copy(value));
  }
  fhir::json::Element object() const { return fhir::json::Element::of_object(); }
  fhir::json::Element array() const { return fhir::json::Element::of_array(); }
  void set(fhir::json::Element& object, std::string_view name, fhir::json::Element value) const {
    object.set(arena_, name) = value;
  }
  void set(fhir::json::Element& object, std::string_view name, std::string_view value) const {
    if (!value.empty()) object.set(arena_, name) = text(value);
  }
  void push(fhir::json::Element& list, fhir::json::Element value) const { list.push(arena_, value); }
  fhir::json::Element coding(std::string_view system, std::string_view code) const;
  fhir::json::Element concept_of(std::string_view system, std::string_view code) const;
  fhir::json::Element reference(std::string_view to) const;
  fhir::json::Element list_of(fhir::json::Element item) const;
  fhir::json::Arena& arena() const { return arena_; }

 private:
  fhir::json::Arena& arena_;
};

}  // namespace gateway::record
