/// Laws L4 and L6 of design translation.md 3.5: what one change does, and what it leaves alone.
#include "mappings/hl7v2/image.hpp"
#include "mappings/language/program.hpp"
#include "tests/mappings/hl7v2/corpus.hpp"
#include "world.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <random>

namespace mappings::laws {
namespace {

/// "PV1-2" of every field that some guard looks at, or whose code acts on an item: changing it may change
/// anything by intent.
std::set<std::string> const& guards() {
  static std::set<std::string> const all = [] {
    std::set<std::string> made{"OBX-2"};
    auto const add = [&](std::vector<language::Predicate> const& predicates) {
      for (auto const& one : predicates) {
        if (!one.is_fhir) made.insert(one.place.segment + "-" + std::to_string(one.place.field));
      }
    };
    auto const& program = language::builtin().program();
    for (auto const& map : program.segments)
      for (auto const& row : map.rows) add(row.v2_when);
    for (auto const& row : program.structure_rows) add(row.v2_when);
    for (auto const& structure : program.structures) {
      for (auto const& use : structure.uses) {
        add(use.when);
        for (auto const& place : use.acts) made.insert(place.segment + "-" + std::to_string(place.field));
      }
      for (auto const& role : structure.roles) add(role.when);
      for (auto const& made_default : structure.defaults) add(made_default.when);
    }
    return made;
  }();
  return all;
}

std::string field_name(hl7v2::Message const& message, hl7v2::Address const& address) {
  return std::string(message.segment_id(address.segment)) + "-" + std::to_string(address.field);
}

/// Up to `count` of the leaves that a change is worth trying on, chosen by the message itself.
std::vector<hl7v2::Address> chosen_leaves(Translated const& from, std::size_t count) {
  auto const account = language::account(from.message, from.draft);
  std::vector<hl7v2::Address> all = account.mapped;
  for (auto const& loss : account.kept) all.push_back(loss.address);
  std::erase_if(all, [&](hl7v2::Address const& one) {
    return from.message.segment_id(one.segment) == "MSH" ||
           guards().contains(field_name(from.message, one)) || from.message.raw(one) == "\"\"";
  });
  std::ranges::sort(all);
  std::mt19937_64 random(from.message.bytes().size());
  std::ranges::shuffle(all, random);
  all.resize(std::min(all.size(), count));
  return all;
}

/// Another value of the same kind.
std::string changed(std::string_view raw) {
  std::string made(raw);
  if (std::isdigit(static_cast<unsigned char>(made.back())) == 0) return made + "Q";
  made.back() = made.back() == '1' ? '2' : '1';
  return made;
}

std::unique_ptr<Translated> with(Translated const& from, hl7v2::Address const& address,
                                 std::string_view raw) {
  hl7v2::Image image(from.message);
  image.set(address, raw);
  return translate_utf8(image.bytes());
}

bool same_field(hl7v2::Address const& left, hl7v2::Address const& right) {
  return left.segment == right.segment && left.field == right.field;
}

/// Some pairs read a second field of the segment, and provenance has both under the first: OBX-5 with OBX-6
/// (units) and OBX-3 (of components), OBX-23 with OBX-24 (its address).
bool speaks_for(hl7v2::Message const& message, hl7v2::Address const& leaf, hl7v2::Address const& written) {
  static std::map<std::uint16_t, std::uint16_t> const kReadWith{{3, 5}, {6, 5}, {24, 23}};
  if (same_field(leaf, written)) return true;
  auto const with = kReadWith.find(leaf.field);
  return message.segment_id(leaf.segment) == "OBX" && with != kReadWith.end() &&
         leaf.segment == written.segment && written.field == with->second;
}

/// Where the rows of a field wrote, as line prefixes; `whole` gives only the first name, for what comes or
/// goes whole. Of a resource that a pair makes (a Practitioner) it is ">": wherever it is referred
/// to.
std::set<std::string> written_by(Translated const& from, hl7v2::Address const& leaf, bool whole) {
  std::set<std::string> all;
  for (auto const& one : language::provenance(from.draft)) {
    if (!speaks_for(from.message, leaf, one.address)) continue;
    auto const dot = one.path.find('.');
    if (dot == std::string::npos) continue;
    std::string path = without_indexes(one.path.substr(dot));
    if (whole) path = path.substr(0, path.find('.', 1));
    all.insert(without_indexes(from.name_of(one.resource)) + path);
    // A person or place that the field names may be named elsewhere as well, and is one resource.
    auto const* const row = row_named(one.row);
    if (row != nullptr && row->pair != nullptr && !row->pair->resource.empty()) all.insert(">");
  }
  for (auto const& fact : from.draft.facts) {
    if (same_field(fact.address, leaf)) all.insert("@" + std::string(fact.name));
  }
  // `default Provenance#entry.recorded = ORC-9 as DTM~instant`
  auto const& structure = *language::builtin().program().find_structure(from.draft.structure);
  for (auto const& made : structure.defaults) {
    for (auto const& place : made.places) {
      if (field_name(from.message, leaf) != place.segment + "-" + std::to_string(place.field)) continue;
      for (std::size_t at = 0; at < from.draft.resources.size(); ++at) {
        if (from.draft.resources[at].role == structure.roles[made.role].name)
          all.insert(from.name_of(at) + "." + without_indexes(made.path.text));
      }
    }
  }
  return all;
}

bool explains(std::set<std::string> const& written, std::string const& line) {
  std::string const path = without_indexes(line);
  return std::ranges::any_of(written, [&](std::string const& one) {
    return one[0] == '>' ? path.find(one) != std::string::npos : path.starts_with(one);
  });
}

std::set<std::string> names_of(Translated const& from) {
  std::set<std::string> all;
  for (std::size_t at = 0; at < from.resources.size(); ++at) all.insert(from.name_of(at));
  return all;
}

/// Resources that only one of the two has.
std::set<std::string> come_or_gone(Translated const& left, Translated const& right) {
  auto const one = names_of(left), other = names_of(right);
  std::set<std::string> all;
  std::ranges::set_symmetric_difference(one, other, std::inserter(all, all.end()));
  return all;
}

/// A line of one of these resources, or one that refers to it.
bool is_about(std::set<std::string> const& names, std::string const& line) {
  return std::ranges::any_of(names, [&](std::string const& name) {
    return line.starts_with(name + ".") || line.ends_with("-> " + name);
  });
}

/// L4: change one leaf; only what its field's rows write may change.
std::string local(std::string_view bytes) {
  auto const from = translate(bytes);
  if (from == nullptr) return std::string(kDoesNotApply);
  auto const before = lines_of(*from);
  for (hl7v2::Address const& address : chosen_leaves(*from, 2)) {
    auto const after = with(*from, address, changed(from->message.raw(address)));
    if (after == nullptr) return "not read after a change of " + hl7v2::to_string(from->message, address);
    auto written = written_by(*from, address, false);
    written.merge(written_by(*after, address, false));
    bool const comes_or_goes = written_by(*from, address, false) != written_by(*after, address, false);
    if (comes_or_goes) {
      written.merge(written_by(*from, address, true));
      written.merge(written_by(*after, address, true));
    }
    auto const others = come_or_gone(*from, *after);
    std::string const strange = difference(before, lines_of(*after), [&](std::string const& line) {
      return !explains(written, line) && !is_about(others, line);
    });
    if (!strange.empty()) return hl7v2::to_string(from->message, address) + " changed:\n" + strange;
  }
  return {};
}

TEST(L4Locality, AChangedLeafChangesOnlyWhatItsOwnRowsWrite) {
  Tally const tally = prove(
      local, {{"ADT_A03/03-died", "EVN-6 moves period.end by the event table, which is no row of EVN-6"}});
  EXPECT_GE(tally.own, 70U);
  EXPECT_GE(tally.generated, 80U);
}

/// The draft's resource of the same role and instance, applied to what `from` made.
std::string applied_lines(Translated const& from, Translated& to, std::size_t resource,
                          std::set<std::string>& lines) {
  for (std::size_t at = 0; at < to.draft.resources.size(); ++at) {
    if (to.name_of(at) != from.name_of(resource) || to.draft.resources[at].role.empty()) continue;
    // References as `from` has them: the same things, whatever their place in the other draft.
    std::vector<std::string> references = to.references;
    for (std::size_t one = 0; one < references.size(); ++one) {
      for (std::size_t known = 0; known < from.references.size(); ++known) {
        // What has a role is known by it: the key of a dose may rest on the very field that is gone.
        bool const is_it = to.draft.resources[one].role.empty()
                               ? from.draft.resources[known].key == to.draft.resources[one].key
                               : from.name_of(known) == to.name_of(one);
        if (is_it) references[one] = from.references[known];
      }
    }
    Element const applied = language::apply(to.draft, at, &from.resources[resource], to.arena, references);
    lines = lines_of(from, resource, applied);
    return {};
  }
  return "gone";
}

/// Segments whose uses fill an array item each (Patient.contact* per GT1): the message's are the array, a
/// snapshot.
bool is_snapshot(std::string_view segment) {
  for (auto const& structure : language::builtin().program().structures) {
    for (auto const& use : structure.uses) {
      for (auto const& target : use.targets) {
        if (use.segment == segment && !target.base.empty() && target.base.steps.back().is_array())
          return true;
      }
    }
  }
  return false;
}

/// Every place that a message's rows write to.
std::set<std::string> written_at_all(Translated const& from) {
  std::set<std::string> all;
  for (auto const& one : language::provenance(from.draft)) {
    auto const dot = std::min(one.path.size(), one.path.find('.'));
    all.insert(without_indexes(from.name_of(one.resource) + one.path.substr(dot)));
  }
  return all;
}

/// L6: a field that the next message leaves out stays as it was, unless another field now speaks for it
/// (OBR-3 or ORC-3).
std::string absent_keeps(std::string_view bytes) {
  auto const from = translate(bytes);
  if (from == nullptr) return std::string(kDoesNotApply);
  for (hl7v2::Address const& leaf : chosen_leaves(*from, 2)) {
    if (is_snapshot(from->message.segment_id(leaf.segment))) continue;
    auto const to = with(*from, {leaf.segment, leaf.field, 0, 0, 0}, "");
    if (to == nullptr) return "not read without " + hl7v2::to_string(from->message, leaf);
    for (std::size_t at = 0; at < from->resources.size(); ++at) {
      if (from->draft.resources[at].role.empty()) continue;
      std::set<std::string> lines;
      if (!applied_lines(*from, *to, at, lines).empty()) continue;  // the segment was all there was of it
      auto const written = written_by(*from, leaf, false);
      auto const said = written_at_all(*to);
      std::string const lost = difference(
          lines_of(*from, at, from->resources[at]), lines,
          [&](std::string const& line) { return explains(written, line) && !explains(said, line); });
      if (!lost.empty()) return "without " + hl7v2::to_string(from->message, leaf) + "\n" + lost;
    }
  }
  return {};
}

TEST(L6Update, WhatAMessageLeavesOutStays) {
  Tally const tally = prove(absent_keeps);
  EXPECT_GE(tally.own, 70U);
  EXPECT_GE(tally.generated, 80U);
}

/// `category{coding[0].system?=...}`: an item that does not carry the mark is not known for the row's own
/// again.
bool only_recognises(language::Row const& row) {
  return std::ranges::any_of(row.path.steps, [](language::Step const& step) {
    return std::ranges::any_of(step.conditions, [](language::Condition const& one) { return !one.creates; });
  });
}

/// L6: "" takes the value out, unless something else of the message (or a default) stands there.
std::string null_deletes(std::string_view bytes) {
  auto const from = translate(bytes);
  if (from == nullptr) return std::string(kDoesNotApply);
  auto const provenance = language::provenance(from->draft);
  for (hl7v2::Address const& leaf : chosen_leaves(*from, 2)) {
    if (is_snapshot(from->message.segment_id(leaf.segment))) continue;
    auto const to = with(*from, {leaf.segment, leaf.field, 0, 0, 0}, "\"\"");
    if (to == nullptr) return "not read with \"\" in " + hl7v2::to_string(from->message, leaf);
    auto const said = lines_of(*to);
    for (auto const& one : provenance) {
      auto const* const row = row_named(one.row);
      bool const deletes =
          row != nullptr && (row->update == language::Update::set || row->update == language::Update::list);
      if (!same_field(one.address, leaf) || !deletes || only_recognises(*row) ||
          from->draft.resources[one.resource].role.empty())
        continue;
      std::set<std::string> lines;
      if (!applied_lines(*from, *to, one.resource, lines).empty()) continue;
      std::string const path =
          from->name_of(one.resource) + one.path.substr(std::min(one.path.size(), one.path.find('.')));
      for (std::string const& line : lines_of(*from, one.resource, from->resources[one.resource])) {
        bool const is_its =
            line.starts_with(path + " =") || line.starts_with(path + ".") || line.starts_with(path + ">");
        if (is_its && lines.contains(line) && !said.contains(line))
          return "still there after \"\" in " + hl7v2::to_string(from->message, leaf) + " (" +
                 std::string(one.row) + "): " + line;
      }
    }
  }
  return {};
}

TEST(L6Update, TwoDoubleQuotesTakeTheValueOut) {
  Tally const tally = prove(null_deletes);
  EXPECT_GE(tally.own, 70U);
  EXPECT_GE(tally.generated, 80U);
}

/// A field whose code says what is done to what its segment tells, and the code that takes it away.
struct ActionCode {
  std::string_view segment;
  std::uint16_t field;
  std::string_view remove;
};
/// Table 0206 where a segment has D, 0323 of IAM-6, 0287 of the roles, problems, goals and pathways.
constexpr ActionCode kActionCodes[] = {{"PRB", 1, "DE"}, {"GOL", 1, "DE"}, {"PTH", 1, "DE"}, {"ROL", 2, "DE"},
                                       {"AIG", 2, "D"},  {"AIL", 2, "D"},  {"AIP", 2, "D"},  {"IAM", 6, "D"},
                                       {"DG1", 21, "D"}, {"PR1", 20, "D"}, {"RXA", 21, "D"}};

/// Whether the resource says of itself that it no longer holds.
bool is_withdrawn(std::set<std::string> const& lines) {
  return std::ranges::any_of(lines, [](std::string const& line) {
    return line.ends_with(" = entered-in-error") || line.ends_with(".active = false") ||
           line.ends_with("verificationStatus.coding[0].code = D");
  });
}

/// What the message's segments made, one line a value, after a message that does `code` to this one segment.
std::set<std::string> after_act(Translated const& from, hl7v2::Address const& place, std::string_view code,
                                std::string& broke) {
  std::set<std::string> all;
  auto const to = with(from, place, code);
  if (to == nullptr) {
    broke = "not read";
    return all;
  }
  for (std::size_t at = 0; at < from.resources.size(); ++at) {
    if (from.draft.resources[at].role.empty()) continue;
    std::set<std::string> lines;
    if (!applied_lines(from, *to, at, lines).empty()) lines = lines_of(from, at, from.resources[at]);
    all.merge(lines);
  }
  return all;
}

/// The role#instance names whose rows read that segment, and of array items the first name of their array.
std::set<std::string> told_by_segment(Translated const& from, std::uint32_t segment) {
  std::set<std::string> all;
  for (auto const& one : language::provenance(from.draft)) {
    if (one.address.segment == segment && !from.draft.resources[one.resource].role.empty())
      all.insert(from.name_of(one.resource));
  }
  return all;
}

/// Whether what reads the segment looks at that field: the first PR1 of a REF names what is asked for, and
/// has no code to act by.
bool reads(language::Draft const& draft, std::uint32_t segment, ActionCode const& code) {
  language::Structure const& structure = *language::builtin().program().find_structure(draft.structure);
  auto const is_read_by = [&](language::Use const& use) {
    return std::ranges::any_of(draft.writes, [&](language::Write const& write) {
      return write.address.segment == segment && std::ranges::find(use.rows, write.row) != use.rows.end();
    });
  };
  auto const is_it = [&](language::Place const& place) {
    return place.segment == code.segment && place.field == code.field;
  };
  return std::ranges::any_of(structure.uses, [&](language::Use const& use) {
    return use.segment == code.segment && is_read_by(use) &&
           (std::ranges::any_of(use.acts, is_it) || std::ranges::any_of(use.rows, [&](auto const* row) {
              return row->forward && (std::ranges::any_of(row->places, is_it) ||
                                      std::ranges::any_of(row->v2_when, [&](language::Predicate const& one) {
                                        return is_it(one.place);
                                      }));
            }));
  });
}

/// L6: a code that deletes takes away what its segment told, the item or by the resource's own word; what
/// other segments told stays; and a second time is none.
std::string action_codes(std::string_view bytes) {
  auto from = translate(bytes);
  if (from == nullptr) return std::string(kDoesNotApply);
  bool applies = false;
  for (std::uint32_t segment = 1; segment < from->message.segment_count(); ++segment) {
    auto const code =
        std::ranges::find(kActionCodes, from->message.segment_id(segment), &ActionCode::segment);
    if (code == std::end(kActionCodes)) continue;
    if (!reads(from->draft, segment, *code)) continue;
    hl7v2::Address const place{segment, code->field, 1, 0, 0};
    std::string_view const said = from->message.raw(place);
    if (said.starts_with('D') || said == "UN") continue;  // gone already
    auto const owners = told_by_segment(*from, segment);
    if (owners.empty()) continue;
    applies = true;
    std::string broke;
    auto const before = after_act(*from, place, said, broke);
    auto const after = after_act(*from, place, code->remove, broke);
    if (!broke.empty()) return broke;
    std::set<std::string> mine;
    std::ranges::copy_if(after, std::inserter(mine, mine.end()),
                         [&](std::string const& line) { return is_about(owners, line); });
    bool const fewer = std::ranges::any_of(
        before, [&](std::string const& line) { return is_about(owners, line) && !after.contains(line); });
    std::string const name = std::string(code->segment) + "-" + std::to_string(code->field);
    if (!is_withdrawn(mine) && !fewer) return name + " " + std::string(code->remove) + " took nothing away";
    // Other resources are as they were, but for what refers to this one.
    std::string const strange = difference(before, after, [&](std::string const& line) {
      return !is_about(owners, line) && line.find(" -> ") == std::string::npos;
    });
    if (!strange.empty()) return name + " " + std::string(code->remove) + " moved others:\n" + strange;
  }
  return applies ? std::string{} : std::string(kDoesNotApply);
}

TEST(L6Update, ACodeThatDeletesTakesAwayWhatItsSegmentToldAndNothingElse) {
  Tally const tally = prove(action_codes);
  EXPECT_GE(tally.own, 20U);
  EXPECT_GE(tally.generated, 20U);
}

}  // namespace
}  // namespace mappings::laws
