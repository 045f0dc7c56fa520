// Reader's searching: a plan is run, its keys become versions, and what they include is fetched after them.
#include "fhir/search/sources.hpp"
#include "gateway/store/sqlite/reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace gateway::store::sqlite {
namespace {

using fhir::search::Include;
using fhir::search::Query;

constexpr std::size_t kPageDefault = 50;
constexpr std::size_t kPageMax = 1000;
constexpr std::size_t kIncludedMax = 2000;  // per page; beyond it the client must ask for smaller pages
constexpr int kIterationsMax = 8;           // of :iterate; record graphs are 3 deep

// How far candidates are counted: below the first limit a criterion leads at once, above the second none is
// selective.
constexpr std::int64_t kSelective = 200;
constexpr std::int64_t kUnselective = 10'000;

constexpr std::string_view kSelectAt = R"(
  SELECT v.type, r.id, v.version_id, v.last_updated, v.commit_seq, v.deleted, v.source, v.interaction, v.crc32c,
         v.content, v.journal_id
  FROM resource r CROSS JOIN resource_version v ON v.resource_key = r.resource_key
  WHERE r.resource_key = $1 AND v.commit_seq <= $2
  ORDER BY v.version_id DESC LIMIT 1)";

constexpr std::string_view kSelectVersionOfKey = R"(
  SELECT v.version_id FROM resource_version v WHERE v.resource_key = $1 AND v.commit_seq <= $2
  ORDER BY v.version_id DESC LIMIT 1)";

constexpr std::string_view kSelectKeyOfResource =
    "SELECT resource_key FROM resource WHERE type = $1 AND id = $2";

constexpr std::string_view kSelectTargets = R"(
  SELECT f.target_type, f.target_id FROM search_rows l CROSS JOIN references_of(l.rows) f
  WHERE l.resource_key = $1 AND f.param = $2 AND f.base = '' AND f.born <= $3 AND f.died > $3
    AND ($4 = '' OR f.target_type = $4))";

constexpr std::string_view kSelectReferring = R"(
  SELECT DISTINCT resource_key FROM search_reference
  WHERE param = $1 AND target_id = $2 AND target_type = $3 AND base = '' AND born <= $4 AND died > $4
  ORDER BY resource_key LIMIT $5)";

std::int64_t number_of(Shared const& shared, std::string_view type, std::string_view code) {
  return shared.parameters.find(type, code).value_or(-1);  // no row has that
}

/// Binds what a fragment left open: parameter numbers and the commit_seq.
void bind_all(Statement& statement, Fragment const& fragment, Shared const& shared, std::int64_t seq) {
  int number = 0;
  for (auto const& bound : fragment.bound) {
    ++number;
    if (auto const* integer = std::get_if<std::int64_t>(&bound)) {
      statement.bind(number, *integer);
    } else if (auto const* real = std::get_if<double>(&bound)) {
      statement.bind(number, *real);
    } else if (auto const* text = std::get_if<std::string>(&bound)) {
      statement.bind(number, std::string_view(*text));
    } else if (auto const* name = std::get_if<ParameterName>(&bound)) {
      statement.bind(number, number_of(shared, name->type, name->code));
    } else {
      statement.bind(number, seq);
    }
  }
}

struct PageRow {
  std::int64_t resource_key = 0;
  std::vector<SearchCursor::Value> values;
};

/// One search at one commit_seq.
class SearchRun {
 public:
  SearchRun(Database& database, Shared& shared, std::int64_t seq)
      : database_(database), shared_(shared), seq_(seq) {}

  fhir::Result<std::int64_t> number(Fragment const& fragment) {
    auto const sql = fragment.numbered();
    auto statement = database_.prepare_composed(sql);
    bind_all(statement, fragment, shared_, seq_);
    FHIR_TRY(bool const found, statement.step());
    return found ? statement.integer(0) : 0;
  }

  /// The condition to lead with: the one that fewest resources meet. None when all are met by many and key
  /// order is wanted, for then the type is walked in key order until the page is full.
  fhir::Result<std::optional<std::size_t>> choose_driver(SearchPlan const& plan, bool walks) {
    std::optional<std::size_t> best;
    if (is_ordered(plan)) return std::optional<std::size_t>{0};  // nothing to choose from
    for (auto const limit : {kSelective, kUnselective}) {
      std::int64_t least = limit;
      for (std::size_t at = 0; at < plan.conditions.size(); ++at) {
        if (!plan.conditions[at].keys) continue;
        if (!best) best = at;
        FHIR_TRY(auto const count, number(count_statement(*plan.conditions[at].keys, limit)));
        if (count >= least) continue;
        least = count;
        best = at;
      }
      if (least < limit) return best;
    }
    if (walks) return std::optional<std::size_t>{};
    return best;
  }

  fhir::Result<std::vector<PageRow>> page(SearchPlan const& plan, std::optional<std::size_t> driver,
                                          SearchCursor const* after, std::size_t count) {
    auto const limit = static_cast<std::int64_t>(count);
    auto const fragment = is_ordered(plan) ? ordered_page_statement(plan, after, limit)
                                           : page_statement(plan, driver, after, limit);
    auto const sql = fragment.numbered();
    auto statement = database_.prepare_composed(sql);
    bind_all(statement, fragment, shared_, seq_);
    std::vector<PageRow> rows;
    for (;;) {
      FHIR_TRY(bool const more, statement.step());
      if (!more) return rows;
      auto& row = rows.emplace_back();
      row.resource_key = statement.integer(0);
      for (std::size_t at = 0; at < plan.sort.size(); ++at)
        row.values.push_back(statement.value(static_cast<int>(at) + 1));
    }
  }

 private:
  Database& database_;
  Shared& shared_;
  std::int64_t seq_;
};

}  // namespace

/// Fetches what a page's resources refer to, and what refers to them, each resource once.
class Includer {
 public:
  Includer(Database& database, Shared& shared, Reader& reader, std::int64_t seq, SearchPage& page)
      : database_(database), shared_(shared), reader_(reader), seq_(seq), page_(page) {}

  fhir::Result<void> run(Query const& query) {
    for (auto const& entry : page_.entries) seen_.emplace(entry.version.type, entry.version.id);
    std::size_t begin = 0;
    for (int round = 0; round < kIterationsMax; ++round) {
      std::size_t const end = page_.entries.size();
      if (begin == end) return {};
      for (std::size_t at = begin; at < end; ++at) {
        // Both a copy: entries grow while they are looked at.
        auto const type = page_.entries[at].version.type;
        auto const id = page_.entries[at].version.id;
        FHIR_CHECK(follow(query, type, id, round));
      }
      begin = end;
    }
    return {};
  }

 private:
  fhir::Result<void> follow(Query const& query, std::string_view type, std::string_view id, int round) {
    for (auto const& include : query.includes) {
      if (round > 0 && !include.iterate) continue;
      if (include.source_type == type || include.source_type == "*")
        FHIR_CHECK(add_targets(include, type, id));
    }
    for (auto const& include : query.revincludes) {
      if (round > 0 && !include.iterate) continue;
      FHIR_CHECK(add_referring(include, type, id));
    }
    return {};
  }

  /// Rows of one parameter number; with a target_type only those that name it.
  struct Place {
    std::int64_t param;
    std::string_view target_type;
  };
  /// Where the references of one parameter stand, or of all where none is named.
  std::vector<Place> places_of(std::string_view type, fhir::search::SearchParameter const* parameter) const {
    std::vector<Place> places;
    if (parameter == nullptr) {
      for (auto const& [code, number] : shared_.parameters.of_type(type)) places.push_back({number, {}});
      return places;
    }
    for (auto const& source : fhir::search::sources_of(type, *parameter))
      places.push_back({number_of(shared_, type, source.parameter->code()), source.target_type});
    return places;
  }

  fhir::Result<std::optional<std::int64_t>> key_of(std::string_view type, std::string_view id) {
    auto statement = database_.prepare(kSelectKeyOfResource);
    statement.bind(1, type).bind(2, id);
    FHIR_TRY(bool const found, statement.step());
    if (!found) return std::optional<std::int64_t>{};
    return std::optional{statement.integer(0)};
  }

  fhir::Result<void> add_targets(Include const& include, std::string_view type, std::string_view id) {
    FHIR_TRY(auto const key, key_of(type, id));
    if (!key) return {};
    std::vector<std::pair<std::string, std::string>> targets;
    for (auto const& place : places_of(type, include.parameter)) {
      auto statement = database_.prepare(kSelectTargets);
      statement.bind(1, *key).bind(2, place.param).bind(3, seq_).bind(4, place.target_type);
      for (;;) {
        FHIR_TRY(bool const more, statement.step());
        if (!more) break;
        targets.emplace_back(statement.text(0), statement.text(1));
      }
    }
    std::sort(targets.begin(), targets.end());
    for (auto const& [target_type, target_id] : targets) {
      if (!include.target_type.empty() && include.target_type != target_type) continue;
      FHIR_TRY(auto const target, key_of(target_type, target_id));
      if (target) FHIR_CHECK(add(*target));
    }
    return {};
  }

  fhir::Result<void> add_referring(Include const& include, std::string_view type, std::string_view id) {
    if (!include.target_type.empty() && include.target_type != type) return {};
    for (auto const& place : places_of(include.source_type, include.parameter)) {
      if (!place.target_type.empty() && place.target_type != type) continue;
      std::vector<std::int64_t> keys;
      {
        auto statement = database_.prepare(kSelectReferring);
        statement.bind(1, place.param).bind(2, id).bind(3, type).bind(4, seq_);
        statement.bind(5, static_cast<std::int64_t>(kIncludedMax) + 1);
        for (;;) {
          FHIR_TRY(bool const more, statement.step());
          if (!more) break;
          keys.push_back(statement.integer(0));
        }
      }
      for (auto const key : keys) FHIR_CHECK(add(key));
    }
    return {};
  }

  fhir::Result<void> add(std::int64_t resource_key) {
    FHIR_TRY(auto version, reader_.version_at(resource_key, seq_, page_.issues));
    if (!version || version->deleted || !seen_.emplace(version->type, version->id).second) return {};
    if (++included_ > kIncludedMax)
      return fhir::error(
          fhir::IssueType::too_costly,
          fmt::format("One page would include more than {} resources; ask for a smaller _count.",
                      kIncludedMax));
    page_.entries.push_back({std::move(*version), true});
    return {};
  }

  Database& database_;
  Shared& shared_;
  Reader& reader_;
  std::int64_t seq_;
  SearchPage& page_;
  std::set<std::pair<std::string, std::string>> seen_;
  std::size_t included_ = 0;
};

fhir::Result<std::optional<Version>> Reader::version_at(std::int64_t resource_key, std::int64_t seq,
                                                        fhir::Issues& issues) {
  auto statement = database_.prepare(kSelectAt);
  statement.bind(1, resource_key).bind(2, seq);
  FHIR_TRY(bool const found, statement.step());
  if (!found) return std::optional<Version>{};
  auto version = version_in(statement);
  if (version) return std::optional(std::move(*version));
  issues.push_back(std::move(version).error());
  return std::optional<Version>{};
}

fhir::Result<SearchPage> Reader::search(AccessPolicy const& policy, Query const& query) {
  SearchPage page;
  page.snapshot_seq = commit_seq_;
  if (!policy.everything) return page;
  FHIR_TRY(auto const plan, to_plan(query));

  std::optional<SearchCursor> after;
  if (!query.cursor.empty()) {
    FHIR_TRY(after, parse_cursor(query.cursor));
    if (after->values.size() != plan.sort.size() || after->seq > commit_seq_)
      return fhir::error(fhir::IssueType::value, "This page cursor belongs to another search.");
    if (after->seq < purged_seq_)
      return fhir::error(fhir::IssueType::deleted, "This page is no longer kept; search again.");
    page.snapshot_seq = after->seq;
    page.total = after->total;
  }
  bool const count_only = query.summary == fhir::search::Summary::count || query.count == 0U;
  bool const wants_total = count_only || query.total == fhir::search::Total::accurate ||
                           query.total == fhir::search::Total::estimate;

  SearchRun run(database_, shared_, page.snapshot_seq);
  FHIR_TRY(auto const driver, run.choose_driver(plan, plan.sort.empty() && !wants_total));
  if (wants_total && !page.total) {
    FHIR_TRY(page.total, run.number(total_statement(plan, driver)));
  }
  if (count_only) return page;

  auto const count = std::min<std::size_t>(query.count.value_or(kPageDefault), kPageMax);
  FHIR_TRY(auto rows, run.page(plan, driver, after ? &*after : nullptr, count + 1));
  bool const more = rows.size() > count;
  if (more) rows.pop_back();
  for (auto const& row : rows) {
    FHIR_TRY(auto version, version_at(row.resource_key, page.snapshot_seq, page.issues));
    if (version) page.entries.push_back({std::move(*version), false});
  }
  if (more) {
    page.next_cursor =
        to_text({page.snapshot_seq, page.total, rows.back().resource_key, std::move(rows.back().values)});
  } else if (!after && query.total == fhir::search::Total::unset) {
    page.total = static_cast<std::int64_t>(rows.size());  // all of it stands on this page
  }
  if (!query.includes.empty() || !query.revincludes.empty())
    FHIR_CHECK(Includer(database_, shared_, *this, page.snapshot_seq, page).run(query));
  return page;
}

fhir::Result<Reader::Marks> Reader::match_marks(SearchPlan const& plan, std::size_t count) {
  SearchRun run(database_, shared_, commit_seq_);
  FHIR_TRY(auto const driver, run.choose_driver(plan, false));
  FHIR_TRY(auto const rows, run.page(plan, driver, nullptr, count));
  Marks marks;
  for (auto const& row : rows) {
    auto statement = database_.prepare(kSelectVersionOfKey);
    statement.bind(1, row.resource_key).bind(2, commit_seq_);
    FHIR_TRY(bool const found, statement.step());
    marks.emplace_back(row.resource_key, found ? statement.integer(0) : 0);
  }
  return marks;
}

fhir::Result<std::vector<Version>> Reader::run_match(SearchPlan const& plan, std::size_t count,
                                                     Marks& marks) {
  FHIR_TRY(marks, match_marks(plan, count));
  std::vector<Version> versions;
  fhir::Issues issues;
  for (auto const& [resource_key, version_id] : marks) {
    FHIR_TRY(auto version, version_at(resource_key, commit_seq_, issues));
    if (version) versions.push_back(std::move(*version));
  }
  // A conditional interaction must not go on as if a match were not there.
  if (!issues.empty()) return std::move(issues.front());
  return versions;
}

}  // namespace gateway::store::sqlite
