/// Creates, updates and deletes inside one Unit: a single interaction and a transaction are the same thing
/// here. Source: R4 http.html#transaction-rules, #ccreate, #cond-update, #cdelete, #patch, #ref-create.
///
/// A Write is planned outside the Unit (parsed, validated) and may be applied several times, for a Unit that
/// lost against another is computed again. Reads, ids and matches happen inside, so that the committer checks
/// them.
#pragma once

#include "fhir/patch/patch.hpp"
#include "fhir/result.hpp"
#include "fhir/search/query.hpp"
#include "gateway/rest/context.hpp"
#include "gateway/rest/request.hpp"
#include "gateway/store/store.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::rest {

enum class WriteKind : unsigned char { create, update, remove };

struct Write {
  WriteKind kind = WriteKind::create;
  std::string type;
  std::string id;  ///< Of the URL; "" for a create and for what a condition must find.
  Input resource;
  std::shared_ptr<fhir::patch::Patch const>
      patch;  ///< An update that changes what is stored: no resource then.
  std::shared_ptr<fhir::search::Query const>
      condition;  ///< If-None-Exist, or the criteria of PUT and DELETE Type?...
  std::string condition_text;
  std::int64_t if_match = 0;    ///< The version that must be current; 0: none asked for.
  bool only_if_absent = false;  ///< If-None-Match: *
  std::string full_url;         ///< Of a Bundle entry: what other entries call it.
  std::string place;            ///< "Bundle.entry[2]" for Issues, "" alone.
};

/// What became of a Write within the Unit.
struct Written {
  std::string id;
  store::Version
      current;  ///< What the condition matched or the update left as it was; else the committed one is shown.
  bool created = false;
  bool matched = false;         ///< A conditional create found its resource and wrote nothing.
  bool nothing = false;         ///< A delete of what is not there.
  fhir::json::Element patched;  ///< What a patch makes of the current version, in the Unit's arena.
};

/// Reads type, id, condition and headers of the request; validates the resource. Several Issues when it is
/// malformed.
struct Planned {
  Write write;
  fhir::Issues issues;  ///< Not empty: refused.
};
Planned plan_create(Context const& context, Request const& request);
Planned plan_update(Context const& context, Request const& request);
Planned plan_patch(Request const& request);
Planned plan_remove(Request const& request);

/// What the URL and the headers of an update, patch or delete say: type and id, or the criteria that must
/// find it, and the version that must be current. Errors: value, not_supported.
fhir::Result<Write> plan_target(Request const& request, WriteKind kind);

/// What is wrong with a resource that is to be stored. What only profiles and invariants have against it
/// carries kRules as source: 422 where a broken structure is 400 (http.html#create).
fhir::Issues judged(Judge const& judge, fhir::json::Element const& resource, std::string_view now);

/// What a Unit needs besides the writes.
struct WriteSetting {
  std::string base_url;
  std::string source;  ///< Whose new resources become.
  store::IdSource ids;
  bool in_bundle = false;  ///< Conditional references are resolved, one identity may stand only once.
  Judge judge = {};        ///< Of what a patch makes.
  std::string now = {};    ///< For the judge.
};

/// Applies them all in R4's order (DELETE, POST, PUT), or fails with the first Issue, its expression below
/// `place`. Errors: conflict (If-Match, source says so), multiple_matches, value (references that lead
/// nowhere), invariant (one identity twice), and what the store says.
fhir::Result<std::vector<Written>> apply_writes(store::Unit& unit, std::vector<Write> const& writes,
                                                WriteSetting const& setting);

// One kind each, in interactions/{create,update,patch,delete}.cpp: find what the condition names, then write.
fhir::Result<Written> resolve_create(store::Unit& unit, Write const& write, WriteSetting const& setting);
fhir::Result<Written> resolve_update(store::Unit& unit, Write const& write, WriteSetting const& setting);
fhir::Result<Written> resolve_patch(store::Unit& unit, Write const& write, WriteSetting const& setting);
fhir::Result<Written> resolve_remove(store::Unit& unit, Write const& write);

/// "Patient.birthDate" at the place "Bundle.entry[2]" is "Bundle.entry[2].resource.birthDate"; "" is no
/// place.
fhir::Issue placed(fhir::Issue issue, std::string const& place);

/// At most one match. Errors: multiple_matches.
fhir::Result<std::optional<store::Version>> match_one(store::Unit& unit, Write const& write);

/// Errors: conflict with source If-Match or If-None-Match.
fhir::Result<void> check_preconditions(Write const& write, std::optional<store::Version> const& current);

/// Parses a condition; it must have a criterion, or it would name everything. Errors: value, not_supported.
fhir::Result<std::shared_ptr<fhir::search::Query const>> parse_condition(std::string_view type,
                                                                         std::string_view text,
                                                                         std::string_view source);

/// The committed version of that resource, or what the Unit saw of it.
store::Version version_of(store::Receipt const& receipt, Write const& write, Written const& written);

}  // namespace gateway::rest
