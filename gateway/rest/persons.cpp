#include "gateway/rest/persons.hpp"

#include "gateway/identity/identity.hpp"

#include <utility>

namespace gateway::rest {
namespace {

using fhir::search::Criterion;
using fhir::search::Modifier;
using fhir::search::Operand;
using fhir::search::ReferenceValue;

constexpr std::string_view kPair = "_person=";
constexpr std::string_view kPatient = "Patient";

/// The id of the Patient that an operand names, "" for anything else.
std::string_view patient_named(Criterion const& criterion, Operand const& operand) {
  auto const* const reference = std::get_if<ReferenceValue>(&operand.value);
  if (reference == nullptr || !reference->base.empty()) return {};
  std::string_view const type = criterion.modifier == Modifier::type ? criterion.type : reference->type;
  return type.empty() || type == kPatient ? reference->id : std::string_view{};
}

bool names_references(Criterion const& criterion) {
  bool const plain = criterion.chain.empty() && !criterion.reverse;
  return plain && (criterion.modifier == Modifier::none || criterion.modifier == Modifier::type);
}

}  // namespace

fhir::Result<PersonChoice> take_person(std::string_view raw) {
  PersonChoice choice;
  while (!raw.empty()) {
    auto const end = raw.find('&');
    std::string_view const pair = raw.substr(0, end);
    raw.remove_prefix(end == std::string_view::npos ? raw.size() : end + 1);
    if (!pair.starts_with(kPair)) {
      choice.query.append(choice.query.empty() ? "" : "&").append(pair);
      continue;
    }
    std::string_view const value = pair.substr(kPair.size());
    if (!choice.asked.empty() || (value != "true" && value != "false"))
      return fhir::error(fhir::IssueType::value, "_person is true or false, and stands once.", {}, "_person");
    choice.asked = pair;
    choice.whole = value == "true";
  }
  return choice;
}

fhir::Result<bool> widen_to_persons(store::Snapshot& snapshot, fhir::search::Query& query) {
  if (query.resource_type == kPatient || query.resource_type == "Person") return false;
  bool widened = false;
  for (Criterion& criterion : query.criteria) {
    if (!names_references(criterion)) continue;
    std::vector<Operand> others;
    for (Operand const& operand : criterion.operands) {
      std::string_view const named = patient_named(criterion, operand);
      if (named.empty()) continue;
      FHIR_TRY(auto const all, identity::patients_beside(snapshot, named));
      for (std::string const& id : all) {
        if (id == named) continue;
        Operand other = operand;
        ReferenceValue reference;
        reference.type = kPatient;
        reference.id = query.texts.copy(id);
        other.value = reference;
        others.push_back(std::move(other));
      }
    }
    widened = widened || !others.empty();
    criterion.operands.insert(criterion.operands.end(), others.begin(), others.end());
  }
  return widened;
}

}  // namespace gateway::rest
