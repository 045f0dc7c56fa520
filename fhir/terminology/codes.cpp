#include "fhir/terminology/codes.hpp"

namespace fhir::terminology {

namespace {

validate::Membership membership_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::in:
      return validate::Membership::in;
    case Verdict::not_in:
      return validate::Membership::not_in;
    case Verdict::unknown:
      break;
  }
  return validate::Membership::unknown;
}

validate::CodeVerdict verdict_of(Checked checked) {
  return {membership_of(checked.verdict), std::move(checked.message), checked.wrong_display,
          std::move(checked.display_message)};
}

}  // namespace

validate::CodeVerdict Codes::check_in_value_set(std::string_view value_set,
                                                validate::CodedValue const& coded) const {
  if (coded.is_system_absent && coded.system.empty()) {
    return {validate::Membership::not_in, "A code without a system is in no value set", false, {}};
  }
  return verdict_of(terminology_->check(value_set, coded.system, coded.code, coded.display, coded.version));
}

validate::CodeVerdict Codes::check_in_code_system(validate::CodedValue const& coded) const {
  if (coded.system.empty()) return {validate::Membership::unknown, "The code has no system", false, {}};
  return verdict_of(terminology_->check_code(coded.system, coded.code, coded.display, coded.version));
}

}  // namespace fhir::terminology
