#include "gateway/identity/whole_person.hpp"

#include <utility>

namespace gateway::identity {
namespace {

using fhir::search::Criterion;
using fhir::search::Modifier;
using fhir::search::Operand;
using fhir::search::Query;
using fhir::search::ReferenceValue;

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

bool is_of_persons(Query const& query) {
  return query.resource_type == kPatient || query.resource_type == "Person";
}

}  // namespace

fhir::Result<bool> widen_to_persons(Query& query, SamePerson const& same_person) {
  if (is_of_persons(query)) return false;
  bool widened = false;
  for (Criterion& criterion : query.criteria) {
    if (!names_references(criterion)) continue;
    std::vector<Operand> others;
    for (Operand const& operand : criterion.operands) {
      std::string_view const named = patient_named(criterion, operand);
      if (named.empty()) continue;
      FHIR_TRY(auto const all, same_person(named));
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

std::vector<std::string_view> patients_named(Query const& query) {
  std::vector<std::string_view> named;
  if (is_of_persons(query)) return named;
  for (Criterion const& criterion : query.criteria) {
    if (!names_references(criterion)) continue;
    for (Operand const& operand : criterion.operands) {
      if (auto const id = patient_named(criterion, operand); !id.empty()) named.push_back(id);
    }
  }
  return named;
}

}  // namespace gateway::identity
