/// What translation could not carry, counted per partner and place: v2 fields on the way in, FHIR elements on
/// the way out. No values. Bounded: a field that no version of HL7 has, or an element that R4 does not have,
/// is "other"; partners are those of the configuration.
#pragma once

#include "mappings/hl7v2/message.hpp"
#include "mappings/language/translator.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace gateway::delivery {

/// Thread-safe; one lock for each message.
class LossCounters {
 public:
  void note(std::string_view partner, mappings::hl7v2::Message const& message,
            mappings::language::Account const& account);
  void note(std::string_view partner, std::vector<mappings::language::LossNote> const& losses);

  /// (partner, "v2" or "fhir", "PV1-44" or "ServiceRequest.locationReference", "kept" or "dropped", how many)
  using Visitor =
      std::function<void(std::string const&, char const*, std::string const&, char const*, std::uint64_t)>;
  void visit(Visitor const& visitor) const;
  /// (partner, "mapped", "kept" or "dropped", how many v2 leaves)
  using TotalVisitor = std::function<void(std::string const&, char const*, std::uint64_t)>;
  void visit_totals(TotalVisitor const& visitor) const;

 private:
  struct Of {
    std::uint64_t mapped = 0, kept = 0, dropped = 0;
    std::unordered_map<std::uint64_t, std::uint64_t> fields;  // packed segment, field and end
    std::map<std::string, std::uint64_t, std::less<>> elements;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Of, std::less<>> partners_;
};

}  // namespace gateway::delivery
