#include "comparison.hpp"

#include "fhir/date_time.hpp"

#include <algorithm>
#include <functional>
#include <set>

namespace mappings::peers {
namespace {

constexpr std::size_t kNone = SIZE_MAX;

/// What is the translators' own business: ids, narrative, the Bundle's requests.
bool is_skipped(std::string_view path, std::string_view member) {
  bool const of_resource = path.find('.') == std::string_view::npos;
  return of_resource && (member == "id" || member == "resourceType" || member == "text");
}

/// A point in time in one notation; every other text as it is.
std::string normal(std::string_view text) {
  if (text.size() < 16 || text[4] != '-') return std::string(text);
  auto const time = fhir::parse_date_time(text);
  if (!time || time->precision < fhir::DatePrecision::minute) return std::string(text);
  return "@" + std::to_string(fhir::begin_ms(*time));
}

using Name = std::function<std::string(std::string_view reference)>;  ///< What a reference counts as.

/// Every leaf below `element`, by path without indexes.
void tell(Element const& element, std::string const& path, Name const& name,
          std::vector<std::pair<std::string, std::string>>& leaves) {
  if (element.is_object()) {
    for (auto const& member : element.members()) {
      if (is_skipped(path, member.name)) continue;
      std::string const here = path + "." + std::string(member.name);
      if (member.name == "reference" && member.value.is_string())
        leaves.emplace_back(here, name(member.value.text()));
      else
        tell(member.value, here, name, leaves);
    }
  } else if (element.is_array()) {
    for (Element const& item : element.items()) tell(item, path, name, leaves);
  } else if (!element.is_null()) {
    leaves.emplace_back(path, normal(element.text()));
  }
}

std::vector<std::pair<std::string, std::string>> leaves_of(Element const& element, std::string const& path,
                                                           Name const& name) {
  std::vector<std::pair<std::string, std::string>> leaves;
  tell(element, path, name, leaves);
  std::ranges::sort(leaves);
  return leaves;
}

std::string no_reference(std::string_view /*reference*/) { return {}; }

/// How many leaves two elements share; references do not count, they are judged by the pairs.
class Overlap {
 public:
  explicit Overlap(std::string path, Name name = no_reference)
      : path_(std::move(path)), name_(std::move(name)) {}

  std::size_t operator()(Element const& one, Element const& other) const {
    auto const left = leaves_of(one, path_, name_), right = leaves_of(other, path_, name_);
    std::vector<std::pair<std::string, std::string>> both;
    std::ranges::set_intersection(left, right, std::back_inserter(both));
    return static_cast<std::size_t>(
        std::ranges::count_if(both, [](auto const& leaf) { return !leaf.second.empty(); }));
  }

 private:
  std::string path_;
  Name name_;
};

/// For each of `ours` its partner among `theirs`, the pairs with most in common first.
template <class Items, class Score>
std::vector<std::size_t> paired(Items const& ours, Items const& theirs, Score const& score) {
  struct Candidate {
    std::size_t score, one, other;
  };
  std::vector<Candidate> candidates;
  for (std::size_t one = 0; one < ours.size(); ++one) {
    for (std::size_t other = 0; other < theirs.size(); ++other) {
      std::size_t const points = score(one, other);
      if (points > 0) candidates.push_back({points, one, other});
    }
  }
  std::ranges::stable_sort(candidates, std::greater<>{}, &Candidate::score);
  std::vector<std::size_t> partner(ours.size(), kNone);
  std::set<std::size_t> taken;
  for (Candidate const& one : candidates) {
    if (partner[one.one] == kNone && taken.insert(one.other).second) partner[one.one] = one.other;
  }
  return partner;
}

class Comparer {
 public:
  Comparer(Name ours, Name theirs) : our_name_(std::move(ours)), their_name_(std::move(theirs)) {}

  void compare(Element const& ours, Element const& theirs, std::string const& path) {
    if (ours.is_object() && theirs.is_object()) return compare_objects(ours, theirs, path);
    if (ours.is_array() && theirs.is_array()) return compare_arrays(ours, theirs, path);
    bool const are_leaves =
        !ours.is_object() && !ours.is_array() && !theirs.is_object() && !theirs.is_array();
    if (are_leaves) return compare_leaves(normal(ours.text()), normal(theirs.text()), path);
    alone(Kind::ours, ours, path);
    alone(Kind::theirs, theirs, path);
  }

  void alone(Kind kind, Element const& element, std::string const& path) {
    Name const& name = kind == Kind::ours ? our_name_ : their_name_;
    for (auto const& [where, text] : leaves_of(element, path, name)) {
      result.differences.push_back(
          {kind, where, kind == Kind::ours ? text : "", kind == Kind::theirs ? text : ""});
    }
  }

  Comparison result;

 private:
  void compare_leaves(std::string const& ours, std::string const& theirs, std::string const& path) {
    if (ours == theirs)
      ++result.agreeing;
    else
      result.differences.push_back({Kind::differs, path, ours, theirs});
  }

  void compare_objects(Element const& ours, Element const& theirs, std::string const& path) {
    for (auto const& member : ours.members()) {
      if (is_skipped(path, member.name)) continue;
      std::string const here = path + "." + std::string(member.name);
      Element const* const other = theirs.find(member.name);
      if (other == nullptr || other->is_null())
        alone(Kind::ours, member.value, here, path);
      else if (member.name == "reference" && member.value.is_string())
        compare_leaves(our_name_(member.value.text()), their_name_(other->text()), here);
      else
        compare(member.value, *other, here);
    }
    for (auto const& member : theirs.members()) {
      if (!is_skipped(path, member.name) && ours.find(member.name) == nullptr)
        alone(Kind::theirs, member.value, path + "." + std::string(member.name), path);
    }
  }

  /// A reference that stands alone is told by its target's type.
  void alone(Kind kind, Element const& element, std::string const& here, std::string const& /*parent*/) {
    if (!here.ends_with(".reference") || !element.is_string()) return alone(kind, element, here);
    std::string const text = (kind == Kind::ours ? our_name_ : their_name_)(element.text());
    result.differences.push_back(
        {kind, here, kind == Kind::ours ? text : "", kind == Kind::theirs ? text : ""});
  }

  void compare_arrays(Element const& ours, Element const& theirs, std::string const& path) {
    auto const mine = ours.items(), others = theirs.items();
    auto partner = paired(mine, others, [&](std::size_t one, std::size_t other) {
      return similarity(mine[one], others[other], path);
    });
    std::vector<std::size_t> my_rest, their_rest;
    std::set<std::size_t> taken;
    for (std::size_t at = 0; at < mine.size(); ++at) {
      if (partner[at] == kNone) my_rest.push_back(at);
      if (partner[at] != kNone) taken.insert(partner[at]);
    }
    for (std::size_t at = 0; at < others.size(); ++at)
      if (!taken.contains(at)) their_rest.push_back(at);
    // One is left on either side: it is the same thing told otherwise.
    if (my_rest.size() == 1 && their_rest.size() == 1) {
      partner[my_rest[0]] = their_rest[0];
      their_rest.clear();
    }
    for (std::size_t at = 0; at < mine.size(); ++at) {
      if (partner[at] == kNone)
        alone(Kind::ours, mine[at], path + "+");
      else
        compare(mine[at], others[partner[at]], path);
    }
    for (std::size_t const at : their_rest) alone(Kind::theirs, others[at], path + "+");
  }

  std::size_t similarity(Element const& mine, Element const& other, std::string const& path) const {
    auto left = leaves_of(mine, path, our_name_), right = leaves_of(other, path, their_name_);
    std::vector<std::pair<std::string, std::string>> both;
    std::ranges::set_intersection(left, right, std::back_inserter(both));
    return both.size();
  }

  Name our_name_, their_name_;
};

/// "20250301120000+0100" as FHIR's dateTime would be compared; "" where it is no DTM.
std::string time_of(std::string const& text) {
  auto const digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits != 4 && digits != 6 && digits != 8 && digits != 12 && digits != 14) return {};
  std::string iso;
  for (std::size_t at = 0; at < digits; ++at) {
    if (at == 4 || at == 6) iso += '-';
    if (at == 8) iso += 'T';
    if (at == 10 || at == 12) iso += ':';
    iso += text[at];
  }
  if (digits < 12) return iso;
  auto const sign = text.find_first_of("+-");
  if (digits == 12) iso += ":00";
  if (sign == std::string::npos) return normal(iso + "Z");
  return normal(iso + text.substr(sign, 3) + ":" + text.substr(std::min(sign + 3, text.size())));
}

std::set<std::string> values_of(Side const& side) {
  std::set<std::string> values;
  for (std::size_t at = 0; at < side.resources.size(); ++at)
    for (auto const& [path, text] : leaves_of(*side.resources[at], side.types[at], no_reference))
      values.insert(text);
  return values;
}

void find_origins(Comparison& comparison, std::set<std::string> const& said,
                  std::set<std::string> const& ours, std::set<std::string> const& theirs) {
  for (Difference& one : comparison.differences) {
    if (one.kind == Kind::differs) continue;
    bool const is_ours = one.kind == Kind::ours;
    std::string const& value = is_ours ? one.ours : one.theirs;
    if (value.starts_with("-> "))
      one.origin = Origin::link;
    else if (!said.contains(value))
      one.origin = Origin::made;
    else
      one.origin = (is_ours ? theirs : ours).contains(value) ? Origin::elsewhere : Origin::said;
  }
}

/// Where one of a type is left on either side, they are meant for one another though they share nothing.
void pair_the_last(Side const& ours, Side const& theirs, std::vector<std::size_t>& partner) {
  std::map<std::string, std::pair<std::vector<std::size_t>, std::vector<std::size_t>>> left;
  for (std::size_t at = 0; at < partner.size(); ++at)
    if (partner[at] == kNone) left[ours.types[at]].first.push_back(at);
  for (std::size_t at = 0; at < theirs.types.size(); ++at)
    if (std::ranges::find(partner, at) == partner.end()) left[theirs.types[at]].second.push_back(at);
  for (auto const& [type, rest] : left)
    if (rest.first.size() == 1 && rest.second.size() == 1) partner[rest.first[0]] = rest.second[0];
}

}  // namespace

Side::Side(Element const& root) {
  auto const take = [&](Element const& resource, std::string_view full_url) {
    std::string const type(resource.text_at("resourceType"));
    if (type.empty()) return;
    if (!full_url.empty()) by_reference.emplace(std::string(full_url), resources.size());
    by_reference.emplace(type + "/" + std::string(resource.text_at("id")), resources.size());
    resources.push_back(&resource);
    types.push_back(type);
  };
  if (root.is_array()) {
    for (Element const& one : root.items()) take(one, {});
  } else if (root.text_at("resourceType") == "Bundle") {
    if (Element const* const entries = root.find("entry")) {
      for (Element const& entry : entries->items())
        if (auto const* const resource = entry.find("resource")) take(*resource, entry.text_at("fullUrl"));
    }
  } else {
    take(root, {});
  }
}

Comparison compare(Side const& ours, Side const& theirs, std::set<std::string> const& said) {
  auto partner = paired(ours.resources, theirs.resources, [&](std::size_t one, std::size_t other) {
    if (ours.types[one] != theirs.types[other]) return std::size_t{0};
    return Overlap(ours.types[one])(*ours.resources[one], *theirs.resources[other]);
  });
  pair_the_last(ours, theirs, partner);
  std::vector<std::size_t> number(theirs.resources.size(), kNone);
  for (std::size_t at = 0; at < partner.size(); ++at)
    if (partner[at] != kNone) number[partner[at]] = at;
  auto const name_of = [](Side const& side, std::string_view reference,
                          auto const& number_at) -> std::string {
    auto const found = side.by_reference.find(reference);
    if (found == side.by_reference.end()) {
      auto const other = side.outside.find(reference);
      return "-> " + (other == side.outside.end() ? std::string(reference.substr(0, reference.find('/')))
                                                  : other->second);
    }
    std::size_t const pair = number_at(found->second);
    return "-> " + side.types[found->second] + (pair == kNone ? " alone" : " " + std::to_string(pair));
  };
  Comparer comparer(
      [&](std::string_view reference) {
        return name_of(ours, reference, [&](std::size_t at) { return partner[at] == kNone ? kNone : at; });
      },
      [&](std::string_view reference) {
        return name_of(theirs, reference, [&](std::size_t at) { return number[at]; });
      });
  for (std::size_t at = 0; at < partner.size(); ++at) {
    if (partner[at] == kNone)
      comparer.alone(Kind::ours, *ours.resources[at], "+" + ours.types[at]);
    else
      comparer.compare(*ours.resources[at], *theirs.resources[partner[at]], ours.types[at]);
  }
  for (std::size_t at = 0; at < number.size(); ++at)
    if (number[at] == kNone) comparer.alone(Kind::theirs, *theirs.resources[at], "+" + theirs.types[at]);
  find_origins(comparer.result, said, values_of(ours), values_of(theirs));
  return std::move(comparer.result);
}

std::set<std::string> texts_of(hl7v2::Message const& message) {
  std::set<std::string> texts;
  for (std::uint32_t segment = 0; segment < message.segment_count(); ++segment) {
    for (std::uint16_t field = 1; field <= message.field_count(segment); ++field) {
      for (std::uint16_t item = 1; item <= message.repetition_count(segment, field); ++item) {
        hl7v2::Address at{segment, field, item, 1};
        for (; at.component <= message.component_count({segment, field, item}); ++at.component) {
          hl7v2::Address leaf = at;
          std::size_t const parts = message.subcomponent_count(at);
          for (leaf.subcomponent = 1; leaf.subcomponent <= parts; ++leaf.subcomponent) {
            std::string const text = message.text(leaf);
            texts.insert(text);
            texts.insert(time_of(text));
          }
        }
      }
    }
  }
  return texts;
}

Comparison compare_values(std::string const& name, Element const& ours, Element const& theirs) {
  Comparer comparer(no_reference, no_reference);
  comparer.compare(ours, theirs, name);
  return std::move(comparer.result);
}

}  // namespace mappings::peers
