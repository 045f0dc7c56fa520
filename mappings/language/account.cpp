/// Where every leaf of a message went, and which field gave which element.
#include "mappings/hl7v2/split.hpp"
#include "mappings/language/engine.hpp"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

namespace mappings::language {

namespace {

using hl7v2::Address;

/// Fields of MSH that this room reads and writes itself.
bool is_header(std::string_view segment, std::size_t field) {
  return segment == "MSH" && ((field >= 1 && field <= 7) || (field >= 9 && field <= 12) ||
                              (field >= 15 && field <= 16) || field == 18);
}

/// Every place below a field that holds a value of its own, in message order. MSH-1 and MSH-2 are one leaf
/// each.
template <class Visit>
void each_leaf_of_field(hl7v2::Message const& message, std::uint32_t segment, std::uint16_t field,
                        Visit const& visit) {
  std::string_view const value = message.raw({segment, field, 0, 0, 0});
  if (value.empty()) return;
  if (segment == 0 && field <= 2) {
    visit(Address{segment, field, 1, 1, 1});
    return;
  }
  auto const& delimiters = message.delimiters();
  hl7v2::each_part(value, delimiters.repetition, [&](std::uint16_t repetition, std::string_view item) {
    hl7v2::each_part(item, delimiters.component, [&](std::uint16_t component, std::string_view part) {
      hl7v2::each_part(part, delimiters.subcomponent, [&](std::uint16_t sub, std::string_view leaf) {
        if (!leaf.empty()) visit(Address{segment, field, repetition, component, sub});
      });
    });
  });
}

template <class Visit>
void each_leaf(hl7v2::Message const& message, Visit const& visit) {
  for (std::uint32_t segment = 0; segment < message.segment_count(); ++segment) {
    for (std::size_t field = 1; field <= message.field_count(segment); ++field)
      each_leaf_of_field(message, segment, static_cast<std::uint16_t>(field), visit);
  }
}

class Accounting {
 public:
  Accounting(hl7v2::Message const& message, Draft const& draft) : message_(message), draft_(draft) {
    auto const& claims = internals(draft).claims;
    claims_.reserve(claims.size());
    for (Claim const& claim : claims) claims_.emplace_back(repetition_of(claim.address), &claim);
    std::ranges::stable_sort(claims_, {}, &Claimed::first);
    for (Structure const* structure = internals(draft).structure; structure != nullptr; structure = nullptr) {
      for (Use const& use : structure->uses) {
        for (Row const* const row : use.rows) {
          if (row->kind == Row::Kind::drop) drops_.push_back(row);
        }
      }
    }
  }

  Account run() {
    each_leaf(message_, [&](Address const& leaf) { place(leaf); });
    return std::move(account_);
  }

 private:
  using Claimed = std::pair<Address, Claim const*>;  // a repetition of a field, and one who reads of it

  static Address repetition_of(Address const& place) {
    return {place.segment, place.field, std::max<std::uint16_t>(place.repetition, 1), 0, 0};
  }

  /// Who reads of the repetition that a leaf stands in. Leaves come in the order of the claims.
  std::span<Claimed const> claims_on(Address const& leaf) {
    Address const repetition = repetition_of(leaf);
    while (next_ < claims_.size() && claims_[next_].first < repetition) ++next_;
    std::size_t end = next_;
    while (end < claims_.size() && claims_[end].first == repetition) ++end;
    return std::span(claims_).subspan(next_, end - next_);
  }

  void place(Address const& leaf) {
    ++account_.leaves;
    auto const claims = claims_on(leaf);
    bool const claimed = std::ranges::any_of(claims, [&](Claimed const& claimed) {
      return covers(*claimed.second, leaf) && stands(*claimed.second);
    });
    if (claimed || is_header(message_.segment_id(leaf.segment), leaf.field)) {
      account_.mapped.push_back(leaf);
      return;
    }
    for (Address const& drop : draft_.dropped) {
      if (drop.segment != leaf.segment || drop.field != leaf.field ||
          (drop.component != 0 && drop.component != leaf.component))
        continue;
      account_.dropped.push_back({leaf, reason_of(leaf)});
      return;
    }
    account_.kept.push_back({leaf, why_kept(claims, leaf)});
  }

  std::string_view why_kept(std::span<Claimed const> claims, Address const& leaf) const {
    auto const holds_leaf = [&](Address const& place) { return holds(place, leaf); };
    if (claims.empty()) {
      if (std::ranges::any_of(draft_.unmapped, holds_leaf, &UnmappedCode::address))
        return "no table has this code";
      if (std::ranges::any_of(internals(draft_).unreadable, holds_leaf)) return "value not readable";
      std::string_view const reason =
          draft_.maps->program().why_kept(message_.segment_id(leaf.segment), leaf.field);
      return reason.empty() ? "no row" : reason;
    }
    bool const read =
        std::ranges::any_of(claims, [&](Claimed const& claimed) { return covers(*claimed.second, leaf); });
    return read ? "another value of the message stands in its element" : "no part of the FHIR type";
  }

  /// Whether a leaf stands in a repetition, or in the component of it that a place names.
  static bool holds(Address const& place, Address const& leaf) {
    return repetition_of(place) == repetition_of(leaf) &&
           (place.component == 0 || place.component == leaf.component) &&
           (place.subcomponent == 0 || place.subcomponent == leaf.subcomponent);
  }

  /// Whether what was read still stands in the element that it was written into.
  bool stands(Claim const& claim) const {
    if (claim.write == kNone) return true;
    Origin const& origin = internals(draft_).origins[claim.write];
    return !origin.overwritten && !origin.partial;
  }

  bool covers(Claim const& claim, Address const& leaf) const {
    auto const& parts = internals(draft_).parts;
    std::size_t part = leaf.component;
    std::size_t sub = leaf.subcomponent;
    if (claim.address.component != 0) {
      if (claim.address.component != leaf.component) return false;
      part = leaf.subcomponent;
      sub = 1;
      if (claim.address.subcomponent != 0) {
        if (claim.address.subcomponent != leaf.subcomponent) return false;
        part = 1;
      }
    }
    return part >= 1 && part <= claim.count && sub <= 32 &&
           (parts[claim.begin + part - 1] >> (sub - 1) & 1U) != 0;
  }

  std::string_view reason_of(Address const& leaf) const {
    for (Row const* const row : drops_) {
      for (Place const& place : row->places) {
        if (place.segment == message_.segment_id(leaf.segment) && place.field == leaf.field)
          return row->literal;
      }
    }
    return {};
  }

  hl7v2::Message const& message_;
  Draft const& draft_;
  std::vector<Claimed> claims_;  // by repetition
  std::size_t next_ = 0;         // the first claim that is not on an earlier repetition
  std::vector<Row const*> drops_;
  Account account_;
};

}  // namespace

Account account(hl7v2::Message const& message, Draft const& draft) {
  return Accounting(message, draft).run();
}

Account account(hl7v2::Message const& message, std::string_view reason) {
  Account all;
  each_leaf(message, [&](Address const& leaf) { all.kept.push_back({leaf, reason}); });
  all.leaves = all.kept.size();
  return all;
}

std::vector<Provenance> provenance(Draft const& draft) {
  Internals const& keeps = internals(draft);
  std::vector<Provenance> all;
  for (std::size_t at = 0; at < draft.writes.size(); ++at) {
    Write const& write = draft.writes[at];
    if (write.deletes || keeps.origins[at].overwritten || keeps.origins[at].withdrawn) continue;
    Provenance one;
    std::uint16_t const* index = write.indexes;
    one.path = draft.resources[write.resource].type;
    std::string const base =
        render(keeps.structure->uses[keeps.origins[at].use].targets[write.row->target].base.steps, index);
    if (!base.empty()) one.path.append(".").append(base);
    if (std::string const own = render(write.row->path.steps, index); !own.empty())
      one.path.append(".").append(own);
    one.resource = write.resource;
    one.address = write.address;
    if (write.address.field != 0) one.v2 = hl7v2::to_string(*draft.message, write.address);
    one.row = write.row->id;
    one.value = keeps.origins[at].value;
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace mappings::language
