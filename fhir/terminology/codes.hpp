/// Terminology as what a validator asks: see validate/code_checker.hpp.
#pragma once

#include "fhir/terminology/terminology.hpp"
#include "fhir/validate/code_checker.hpp"

#include <memory>

namespace fhir::terminology {

class Codes : public validate::CodeChecker {
 public:
  explicit Codes(std::shared_ptr<Terminology const> terminology) : terminology_(std::move(terminology)) {}

  validate::CodeVerdict check_in_value_set(std::string_view value_set,
                                           validate::CodedValue const& coded) const override;
  validate::CodeVerdict check_in_code_system(validate::CodedValue const& coded) const override;

 private:
  std::shared_ptr<Terminology const> terminology_;
};

}  // namespace fhir::terminology
