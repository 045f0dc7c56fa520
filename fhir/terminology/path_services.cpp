#include "fhir/terminology/path_services.hpp"

#include "fhir/path/types.hpp"

#include <array>

namespace fhir::terminology {

namespace {

using json::Element;

struct Code {
  std::string_view system;
  std::string_view code;
};

/// The codes of a code, Coding, Quantity or CodeableConcept.
std::vector<Code> codes_of(path::Item const& item) {
  std::vector<Code> codes;
  if (item.is_node() && item.value != nullptr && item.value->is_object()) {
    Element const* const codings = item.value->find("coding");
    if (codings == nullptr) return {{item.value->text_at("system"), item.value->text_at("code")}};
    for (Element const& coding : codings->items())
      codes.push_back({coding.text_at("system"), coding.text_at("code")});
    return codes;
  }
  auto const value = path::to_value(item);
  if (value && value->kind == path::Item::Kind::string) codes.push_back({{}, value->text()});
  return codes;
}

Result<bool> is_member(Terminology const& terminology, std::string_view value_set, path::Item const& item) {
  std::string unknown;
  for (Code const& code : codes_of(item)) {
    Checked const checked = terminology.check(value_set, code.system, code.code);
    if (checked.verdict == Verdict::in) return true;
    if (checked.verdict == Verdict::unknown) unknown = checked.message;
  }
  if (!unknown.empty()) return error(IssueType::not_found, "memberOf() cannot be told: " + unknown);
  return false;
}

Result<bool> is_above(Terminology const& terminology, path::Item const& general, path::Item const& specific) {
  for (Code const& above : codes_of(general)) {
    for (Code const& below : codes_of(specific)) {
      std::string_view const system = above.system.empty() ? below.system : above.system;
      if (system.empty()) return error(IssueType::processing, "codes are compared within a code system");
      if (!below.system.empty() && below.system != system) continue;
      FHIR_TRY(bool const is, terminology.is_above(system, above.code, below.code));
      if (is) return true;
    }
  }
  return false;
}

struct Operation {
  std::string_view name;
  Answer (Terminology::*run)(Request const&) const;
};

constexpr std::array<Operation, 6> kOperations{{{"expand", &Terminology::expand},
                                                {"lookup", &Terminology::lookup},
                                                {"validateVS", &Terminology::validate_in_value_set},
                                                {"validateCS", &Terminology::validate_in_code_system},
                                                {"subsumes", &Terminology::subsumes},
                                                {"translate", &Terminology::translate}}};

Result<Element const*> answer(Terminology const& terminology, std::string_view name,
                              Element const& parameters, json::Arena& arena) {
  for (Operation const& operation : kOperations) {
    if (operation.name != name) continue;
    Request request;
    request.parameters = &parameters;
    Answer const given = (terminology.*operation.run)(request);
    if (given.failure && given.failure->code == IssueType::too_costly) return *given.failure;
    if (given.failure) return static_cast<Element const*>(nullptr);
    auto* const root = static_cast<Element*>(arena.allocate(sizeof(Element), alignof(Element)));
    return static_cast<Element const*>(std::construct_at(root, json::deep_copy(arena, given.document.root)));
  }
  return error(IssueType::not_supported, "there is no such operation");
}

}  // namespace

void provide(std::shared_ptr<Terminology const> terminology, path::Services& services) {
  services.member_of = [terminology](std::string_view value_set, path::Item const& item) {
    return is_member(*terminology, value_set, item);
  };
  services.subsumes = [terminology](path::Item const& general, path::Item const& specific) {
    return is_above(*terminology, general, specific);
  };
  services.terminology = [terminology](std::string_view operation, Element const& parameters,
                                       json::Arena& arena) {
    return answer(*terminology, operation, parameters, arena);
  };
}

}  // namespace fhir::terminology
