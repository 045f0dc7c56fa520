/// What the laws are proved over, and a message as a server would hold what it means.
#pragma once

#include "generator.hpp"
#include "mappings/language/translator.hpp"

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace mappings::laws {

using fhir::json::Arena;
using fhir::json::Element;

language::PartnerProfile site();  ///< The partner every message is taken to come from.

/// A message, what it means, and its resources as stored: "Patient/0", in the draft's order.
struct Translated {
  hl7v2::Message message;
  language::Draft draft;
  Arena arena;
  std::vector<Element> resources;
  std::vector<std::string> references;

  Element const* find(std::string_view reference) const;
  /// How a resource is called in lines: "visit#1", "Practitioner" for those without a role.
  std::string name_of(std::size_t resource) const;
};

/// nullptr where the codec refuses the bytes or no table is there for them.
std::unique_ptr<Translated> translate(std::string_view bytes);
std::unique_ptr<Translated> translate_utf8(
    std::string_view image_bytes);  ///< Image::bytes(), whatever MSH-18 says.

/// A query or its answer (QBP, RSP): translated, never stored, so that nothing is applied or edited.
bool is_query(Translated const& from);

/// A request that writes `from` again; over itself with keep_seed.
language::ReverseRequest request_of(Translated const& from, bool keep_seed);

/// What a draft says, one line a value: "patient#1.name[0].family = Muster", "visit#1.subject -> patient#1",
/// "@order.control = NW". Resources without a role (Practitioner ...) are told where they are referred to.
std::set<std::string> lines_of(Translated const& from);

/// The same of one resource in another version.
std::set<std::string> lines_of(Translated const& from, std::size_t resource, Element const& content);

/// "- gone\n+ new\n", only lines for which `counts` is true.
std::string difference(std::set<std::string> const& wanted, std::set<std::string> const& got,
                       std::function<bool(std::string const&)> const& counts);

/// "visit#1.participant.individual" without indexes.
std::string without_indexes(std::string_view path);
language::Row const* row_named(std::string_view id);

/// A law over one message: "" when it holds, kDoesNotApply, else what broke.
using Law = std::function<std::string(std::string_view bytes)>;
inline constexpr std::string_view kDoesNotApply = "does not apply";

struct Tally {
  std::size_t public_messages = 0, own = 0, kept = 0, generated = 0;  ///< to which the law applied
};

/// Asserts the law for every public message, every one of ours, every kept case and the generated ones (300
/// from seed 1; LAWS_GENERATED and LAWS_SEED say otherwise). A generated message that breaks it is shrunk and
/// printed as a file for cases/. `excused` names messages with the reason why the law cannot hold for them;
/// one that holds all the same fails the test, so that excuses do not outlive their reason. "generated
/// ADT_A43" excuses generated messages of a structure.
Tally prove(Law const& law, std::map<std::string, std::string> const& excused = {});

}  // namespace mappings::laws
