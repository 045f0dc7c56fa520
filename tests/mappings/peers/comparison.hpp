/// Two sets of resources made from one message by two translators, compared leaf by leaf.
///
/// Resources of one type are paired by what they have in common, the most first, and so are the items of an
/// array; a reference counts by the pair that it leads to. Ids, fullUrls, narrative and what a server adds
/// are not compared; two notations of one point in time are one value.
#pragma once

#include "fhir/json/element.hpp"
#include "mappings/hl7v2/message.hpp"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace mappings::peers {

using fhir::json::Element;

/// Where a value comes from that one side has alone.
enum class Origin : std::uint8_t {
  said,       ///< A value of the message that the other side has nowhere.
  elsewhere,  ///< A value that the other side has in another place.
  made,       ///< Nothing that the message says: a constant, a display, a default.
  link        ///< A reference.
};

enum class Kind : std::uint8_t { ours, theirs, differs, refused };

/// One leaf on which the two do not agree: "Patient.identifier.system", without indexes.
struct Difference {
  Kind kind;
  std::string path;  ///< "+" before it: no such resource on the other side; behind a name: no such item.
  std::string ours, theirs;      ///< The values; of ours alone or theirs alone the other is "".
  Origin origin = Origin::said;  ///< Of ours alone or theirs alone.
};

struct Comparison {
  std::size_t agreeing = 0;
  std::vector<Difference> differences;
};

/// The resources of a Bundle, of an array, or the one resource that it is, with the reference that leads to
/// each.
struct Side {
  explicit Side(Element const& root);
  std::vector<Element const*> resources;
  std::vector<std::string> types;
  std::map<std::string, std::size_t, std::less<>> by_reference;  ///< fullUrl and "Type/id"
  std::map<std::string, std::string, std::less<>> outside;  ///< References to what is not compared: the type.
};

/// `said`: the texts of the message that both were made from (texts_of).
Comparison compare(Side const& ours, Side const& theirs, std::set<std::string> const& said);

/// Every leaf of a message as its text, points in time as they are compared.
std::set<std::string> texts_of(hl7v2::Message const& message);
/// Two values that are no resources ("HumanName" and the like); `name` begins the paths.
Comparison compare_values(std::string const& name, Element const& ours, Element const& theirs);

}  // namespace mappings::peers
