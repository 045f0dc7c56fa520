/// The terminology operations of FHIR: $expand, $validate-code, $lookup, $translate, $subsumes.
/// Source: R4 terminology-service.html; the OperationDefinitions of ValueSet, CodeSystem and ConceptMap; what
/// R5 adds to their parameters is taken too.
///
/// Pure: resources come through a Source, moments and ids with each request. A Terminology may be shared by
/// threads; it keeps what it has made of resources that the Source gives a key for. Cycles among value sets
/// are found, and work is counted: what would need more is refused as too-costly.
#pragma once

#include "fhir/terminology/code_system.hpp"
#include "fhir/terminology/value_set.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace fhir::terminology {

/// A resource, and what names this very content of it; "" when it must not be kept.
struct Found {
  SharedElement resource;
  std::string key;
};

/// Where CodeSystems, ValueSets and ConceptMaps come from. Thread-safe.
class Source {
 public:
  virtual ~Source() = default;
  /// By canonical url; `version` "" finds the newest.
  virtual std::optional<Found> find(std::string_view type, std::string_view url,
                                    std::string_view version) const = 0;
  /// What $translate looks through when it is not told a map.
  virtual std::vector<Found> concept_maps() const { return {}; }
  /// A code system that is no resource (SNOMED CT, LOINC, RxNorm from release files), or nullptr.
  virtual std::shared_ptr<CodeSystem const> external(std::string_view /*url*/,
                                                     std::string_view /*version*/) const {
    return nullptr;
  }
};

struct Limits {
  std::size_t codes_max = 1000;      ///< In an expansion for which no count is asked.
  std::size_t page_max = 10'000;     ///< In one page of an expansion.
  std::size_t work_max = 1'000'000;  ///< Codes looked at in one operation.
};

struct Request {
  json::Element const* parameters = nullptr;  ///< A Parameters resource.
  std::string_view accept_language;           ///< "" for none.
  std::string_view now;                       ///< An instant, for expansion.timestamp.
  std::string_view identifier;                ///< For expansion.identifier.
};

/// What an operation answers: its result, or with `failure` an OperationOutcome.
struct Answer {
  json::Document document;
  std::optional<Issue> failure;
};

/// Whether a code is in a value set, for validators.
enum class Verdict : std::uint8_t { in, not_in, unknown };

struct Checked {
  Verdict verdict = Verdict::unknown;
  std::string message;  ///< Why it is not in, or not known.
  std::string display;  ///< As the code system has it.
  bool wrong_display = false;
  std::string display_message;  ///< What would be right.
};

class Terminology {
 public:
  /// What has been made of resources, for Terminologies over Sources that give the same keys.
  class Cache;
  static std::shared_ptr<Cache> make_cache();

  explicit Terminology(std::shared_ptr<Source const> source, Limits limits = {},
                       std::shared_ptr<Cache> cache = make_cache());
  ~Terminology();
  Terminology(Terminology const&) = delete;
  Terminology& operator=(Terminology const&) = delete;

  Answer expand(Request const& request) const;                         ///< ValueSet/$expand
  Answer validate_in_value_set(Request const& request) const;          ///< ValueSet/$validate-code
  Answer validate_in_code_system(Request const& request) const;        ///< CodeSystem/$validate-code
  Answer batch_validate_in_value_set(Request const& request) const;    ///< ValueSet/$batch-validate-code
  Answer batch_validate_in_code_system(Request const& request) const;  ///< CodeSystem/$batch-validate-code
  Answer lookup(Request const& request) const;                         ///< CodeSystem/$lookup
  Answer subsumes(Request const& request) const;                       ///< CodeSystem/$subsumes
  Answer translate(Request const& request) const;                      ///< ConceptMap/$translate

  /// Whether system|code is in the value set. A code system or value set that is not known makes it unknown,
  /// as does work beyond the limits. `system` "" is an element of type code, whose system the value set
  /// tells. `display` "" is not checked.
  Checked check(std::string_view value_set, std::string_view system, std::string_view code,
                std::string_view display = {}, std::string_view version = {}) const;
  /// Whether the code is one of its system.
  Checked check_code(std::string_view system, std::string_view code, std::string_view display = {},
                     std::string_view version = {}) const;
  /// Whether `general` is `specific` or above it. Errors: not_found (system or code).
  Result<bool> is_above(std::string_view system, std::string_view general, std::string_view specific) const;

 private:
  friend class Run;

  std::shared_ptr<Source const> source_;
  Limits limits_;
  std::shared_ptr<Cache> cache_;
};

}  // namespace fhir::terminology
