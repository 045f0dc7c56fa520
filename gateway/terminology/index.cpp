#include "gateway/terminology/index.hpp"

#include "gateway/store/sqlite/database.hpp"
#include "gateway/terminology/schema.hpp"

#include <algorithm>
#include <mutex>

namespace gateway::terminology {

namespace {

using fhir::terminology::CodeSystem;
using fhir::terminology::CodeSystemFacts;
using fhir::terminology::ConceptId;
using fhir::terminology::Designation;
using fhir::terminology::Filter;
using fhir::terminology::FilterOperator;
using fhir::terminology::Outcome;
using fhir::terminology::Property;
using fhir::terminology::PropertyDefinition;
using store::sqlite::Database;
using store::sqlite::Statement;

constexpr std::string_view kAbout = "SELECT value FROM about WHERE name = $1";
constexpr std::string_view kCount = "SELECT count(*) FROM concept";
constexpr std::string_view kFind = "SELECT id FROM concept WHERE code = $1";
constexpr std::string_view kCode = "SELECT code FROM concept WHERE id = $1";
constexpr std::string_view kDisplay = "SELECT display FROM concept WHERE id = $1";
constexpr std::string_view kInactive = "SELECT inactive FROM concept WHERE id = $1";
constexpr std::string_view kDesignations = R"(
  SELECT language, use_code, value FROM designation
  WHERE concept = $1 AND value <> (SELECT display FROM concept WHERE id = $1))";
constexpr std::string_view kProperties = "SELECT code, type, value FROM property WHERE concept = $1";
constexpr std::string_view kPropertyCodes = "SELECT DISTINCT code FROM property";
constexpr std::string_view kByProperty =
    "SELECT concept FROM property WHERE code = $1 AND value = $2 ORDER BY concept";
constexpr std::string_view kParents = "SELECT parent FROM edge WHERE child = $1";
constexpr std::string_view kChildren = "SELECT child FROM edge WHERE parent = $1";
constexpr std::string_view kIsBelow = R"(
  WITH RECURSIVE above(id) AS (SELECT $1 UNION SELECT parent FROM edge JOIN above ON child = above.id)
  SELECT 1 FROM above WHERE id = $2 LIMIT 1)";
constexpr std::string_view kBelow = R"(
  WITH RECURSIVE below(id) AS (
    SELECT child FROM edge WHERE parent = $1 UNION SELECT child FROM edge JOIN below ON parent = below.id)
  SELECT id FROM below LIMIT $2)";

/// One connection, asked by one thread at a time: an answer takes microseconds.
class IndexedCodeSystem : public CodeSystem {
 public:
  IndexedCodeSystem(CodeSystemFacts facts, Database database, std::size_t size)
      : CodeSystem(std::move(facts)), database_(std::move(database)), size_(size) {}

  std::size_t size() const override { return size_; }

  std::optional<ConceptId> find(std::string_view code) const override {
    std::lock_guard const lock(mutex_);
    auto select = database_.prepare(kFind);
    select.bind(1, code);
    auto const found = select.step();
    if (!found || !*found) return std::nullopt;
    return static_cast<ConceptId>(select.integer(0));
  }
  std::string code(ConceptId id) const override { return text_of(kCode, id); }
  std::string display(ConceptId id) const override { return text_of(kDisplay, id); }
  std::string definition(ConceptId) const override { return {}; }
  bool is_inactive(ConceptId id) const override { return text_of(kInactive, id) == "1"; }
  bool is_abstract(ConceptId) const override { return false; }
  std::string status(ConceptId) const override { return {}; }

  std::vector<Designation> designations(ConceptId id) const override {
    std::vector<Designation> all;
    for_each(kDesignations, id, [&](Statement const& row) {
      Designation one;
      one.language = row.text(0);
      one.use_code = row.text(1);
      one.use_system = one.use_code.empty() ? "" : facts().url;
      one.value = row.text(2);
      all.push_back(std::move(one));
    });
    return all;
  }
  std::vector<Property> properties(ConceptId id) const override {
    std::vector<Property> all;
    for_each(kProperties, id, [&](Statement const& row) {
      all.push_back({std::string(row.text(0)), std::string(row.text(1)), std::string(row.text(2))});
    });
    return all;
  }
  std::vector<ConceptId> parents(ConceptId id) const override { return ids_of(kParents, id); }
  std::vector<ConceptId> children(ConceptId id) const override { return ids_of(kChildren, id); }

  bool is_a(ConceptId specific, ConceptId general) const override {
    if (specific == general) return true;
    std::lock_guard const lock(mutex_);
    auto select = database_.prepare(kIsBelow);
    select.bind(1, std::int64_t{specific}).bind(2, std::int64_t{general});
    auto const found = select.step();
    return found && *found;
  }

  Outcome<std::vector<ConceptId>> descendants(ConceptId general, std::size_t count_max) const override {
    std::lock_guard const lock(mutex_);
    auto select = database_.prepare(kBelow);
    select.bind(1, std::int64_t{general}).bind(2, static_cast<std::int64_t>(count_max) + 1);
    std::vector<ConceptId> all;
    for (auto row = select.step(); row && *row; row = select.step())
      all.push_back(static_cast<ConceptId>(select.integer(0)));
    if (all.size() > count_max) {
      return fhir::terminology::fail(fhir::IssueType::too_costly, "The concepts below are too many",
                                     "too-costly", "VALUESET_TOO_COSTLY");
    }
    return all;
  }

  std::vector<PropertyDefinition> property_definitions() const override {
    std::vector<PropertyDefinition> all;
    std::lock_guard const lock(mutex_);
    auto select = database_.prepare(kPropertyCodes);
    for (auto row = select.step(); row && *row; row = select.step())
      all.push_back({std::string(select.text(0)), {}});
    return all;
  }

  /// What the index of property values narrows needs no look at every concept.
  Outcome<std::vector<ConceptId>> select(std::vector<Filter> const& filters,
                                         std::size_t count_max) const override {
    auto const by_value = std::ranges::find_if(filters, [](Filter const& filter) {
      return filter.operation == FilterOperator::equal && filter.property != "concept" &&
             filter.property != "code" && filter.property != "display" && filter.property != "parent" &&
             filter.property != "child" && filter.property != "inactive" &&
             filter.property != "notSelectable";
    });
    if (by_value == filters.end()) return CodeSystem::select(filters, count_max);
    std::vector<ConceptId> passing;
    for (ConceptId const candidate : with_property(*by_value)) {
      bool all = true;
      for (Filter const& filter : filters) {
        FHIR_TRY(bool const one, passes(filter, candidate));
        all = all && one;
      }
      if (all) passing.push_back(candidate);
    }
    if (passing.size() > count_max) {
      return fhir::terminology::fail(fhir::IssueType::too_costly, "The code system has too many concepts",
                                     "too-costly", "VALUESET_TOO_COSTLY");
    }
    return passing;
  }

 private:
  template <class Visit>
  void for_each(std::string_view constant, ConceptId id, Visit visit) const {
    std::lock_guard const lock(mutex_);
    auto select = database_.prepare(constant);
    select.bind(1, std::int64_t{id});
    for (auto row = select.step(); row && *row; row = select.step()) visit(select);
  }

  std::string text_of(std::string_view constant, ConceptId id) const {
    std::string text;
    for_each(constant, id, [&](Statement const& row) { text = row.text(0); });
    return text;
  }

  std::vector<ConceptId> ids_of(std::string_view constant, ConceptId id) const {
    std::vector<ConceptId> all;
    for_each(constant, id,
             [&](Statement const& row) { all.push_back(static_cast<ConceptId>(row.integer(0))); });
    return all;
  }

  std::vector<ConceptId> with_property(Filter const& filter) const {
    std::vector<ConceptId> all;
    std::lock_guard const lock(mutex_);
    auto select = database_.prepare(kByProperty);
    select.bind(1, filter.property).bind(2, filter.value);
    for (auto row = select.step(); row && *row; row = select.step())
      all.push_back(static_cast<ConceptId>(select.integer(0)));
    return all;
  }

  mutable std::mutex mutex_;
  mutable Database database_;
  std::size_t size_;
};

fhir::Result<std::string> read_about(Database& database, std::string_view name) {
  auto select = database.prepare(kAbout);
  select.bind(1, name);
  FHIR_TRY(bool const found, select.step());
  return found ? std::string(select.text(0)) : std::string{};
}

}  // namespace

fhir::Result<std::shared_ptr<CodeSystem const>> open_index(std::filesystem::path const& index) {
  auto const refuse = [&](std::string why) {
    return fhir::error(fhir::IssueType::exception, std::move(why), {}, index.string());
  };
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(index, ignored)) return refuse("There is no terminology index");
  FHIR_TRY(Database database, Database::open(index.string(), false, 64));
  auto const form = read_about(database, "form");
  if (!form || *form != kForm)
    return refuse("The file is no terminology index of this version: import it again");
  CodeSystemFacts facts;
  FHIR_TRY(facts.url, read_about(database, "url"));
  FHIR_TRY(facts.version, read_about(database, "version"));
  facts.name = facts.url;
  facts.language = "en";
  facts.status = "active";
  std::int64_t count = 0;
  {
    auto select = database.prepare(kCount);
    FHIR_TRY(bool const found, select.step());
    if (found) count = select.integer(0);
  }
  return std::shared_ptr<CodeSystem const>(std::make_shared<IndexedCodeSystem>(
      std::move(facts), std::move(database), static_cast<std::size_t>(count)));
}

std::shared_ptr<CodeSystem const> ReleaseIndexes::find(std::string_view url, std::string_view version) const {
  for (auto const& system : systems_) {
    bool const is_version = version.empty() || system->facts().version == version ||
                            system->facts().version.starts_with(std::string(version) + '/');
    if (system->facts().url == url && is_version) return system;
  }
  return nullptr;
}

}  // namespace gateway::terminology
