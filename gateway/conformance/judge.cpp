#include "gateway/conformance/judge.hpp"

#include "fhir/validate/structure.hpp"
#include "fhir/validate/validator.hpp"

#include <algorithm>

namespace gateway::conformance {

namespace {

constexpr std::uint64_t kWorkMax = 5'000'000;  // about 5 s; a bundle of 1 MB takes a fifth of it

}  // namespace

std::optional<Judging> to_judging(std::string_view word) {
  if (word == "off") return Judging::off;
  if (word == "structure") return Judging::structure;
  if (word == "full") return Judging::full;
  return std::nullopt;
}

Judge::Findings Judge::errors_in(fhir::json::Element const& resource, std::string_view now) const {
  Findings findings;
  if (judging == Judging::off) return findings;
  fhir::validate::validate_structure(resource, findings.errors);
  findings.is_well_formed = findings.errors.empty();
  if (judging == Judging::structure || definitions == nullptr || !findings.is_well_formed) return findings;
  auto const conformance = definitions->current();
  fhir::validate::Options options;
  options.codes = conformance->codes.get();
  options.now = now;
  options.work_max = kWorkMax;
  conformance->validator->validate(resource, options, findings.errors);
  std::erase_if(findings.errors,
                [](fhir::Issue const& issue) { return issue.severity > fhir::Severity::error; });
  return findings;
}

}  // namespace gateway::conformance
