/// New segments: what the resources say and no segment of the seed does.
#include "mappings/language/reversal.hpp"

#include <algorithm>

namespace mappings::language {

namespace {

using hl7v2::Address;

constexpr std::string_view kRoom = "room for another one";

class Composer {
 public:
  explicit Composer(Reversal& reversal)
      : on_(reversal), structure_(*reversal.structure), nodes_(*reversal.nodes), layout_(*reversal.layout) {}

  void run() {
    elsewhere_.reserve(structure_.uses.size());
    for (Use const& use : structure_.uses) elsewhere_.push_back(stands_elsewhere(use));
    for (Reversal::Extra const& extra : on_.extra) write_segment(*extra.use, extra.node, extra.base, true);
    written_.assign(nodes_.size(), false);
    for (std::size_t at = 0; at < nodes_.size(); ++at) write_node(at, 0);
    if (!on_.seed) write_required();
  }

  void open_groups() {
    for (std::size_t at = 0; at < on_.fresh.size(); ++at) {
      for (auto const& [group, id] : layout_.missing_above(on_.fresh[at])) {
        auto const use = std::ranges::find_if(
            structure_.uses, [id = id](Use const& one) { return one.has_literals && one.segment == id; });
        if (use == structure_.uses.end()) continue;
        Layout::Serial const segment = layout_.insert(group, id);
        on_.fresh.push_back(segment);
        fill_segment(*use, segment, {}, {});
      }
    }
    if (!on_.seed) write_bare();
  }

 private:
  void write_bare() {
    for (Layout::Missing const& one : demanded_segments(on_)) {
      auto const fields = hl7v2::fields_of(on_.version, one.segment);
      bool const needs_a_value = std::ranges::any_of(fields, [](auto const* field) {
        return field != nullptr && field->optionality == 'R' && field->data_type != "SI";
      });
      bool const is_numbered = !fields.empty() && fields[0] != nullptr && fields[0]->data_type == "SI";
      if (needs_a_value || !is_numbered) continue;
      Layout::Group const group =
          one.named.empty() ? one.group : layout_.group_for(one.group, one.segment, false, one.named);
      on_.fresh.push_back(layout_.insert(group, one.segment));
    }
  }

  /// A segment that the structure wants and nothing gave is what its literal rows say: a PV1 of class N.
  void write_required() {
    for (Use const& use : structure_.uses) {
      // What is nothing but its literals (RGS) tells nothing that is not so: it may open a group, too.
      if (!use.has_literals || !use.group.empty() ||
          !layout_.requires_segment(use.segment, use.only_literals))
        continue;
      if (holds_segment(use.segment)) continue;
      Layout::Serial const segment =
          layout_.insert(layout_.group_for(0, use.segment, false, use.group), use.segment);
      on_.fresh.push_back(segment);
      fill_segment(use, segment, {}, {});
    }
  }

  bool holds_segment(std::string_view id) const {
    auto const& image = layout_.image();
    for (std::size_t segment = 0; segment < image.segment_count(); ++segment) {
      if (image.segment_id(segment) == id) return true;
    }
    return false;
  }

  /// After the node that leads to it, whose group it stands in. What stands in no group waits for none: the
  /// first PR1 is that of the referral itself.
  void write_node(std::size_t at, std::size_t depth) {
    if (written_[at]) return;
    written_[at] = true;
    bool const waits = nodes_[at].via != SIZE_MAX && nodes_.role_of(at).per != Role::Per::message;
    if (waits && depth < nodes_.size()) write_node(nodes_[at].via, depth + 1);
    place(at);
    for (std::uint32_t const one : structure_.uses_of_role[nodes_[at].role]) {
      if (elsewhere_[one]) continue;
      Use const& use = structure_.uses[one];
      if (use.targets[0].role != nodes_[at].role) {
        write_part(use, at);
      } else if (has_array_base(use)) {
        write_items(use, at);
      } else if (nodes_[at].known == kNone || !has_frame(use, nodes_[at].known)) {
        write_segment(use, at, with_base(nodes_[at].content, use.targets[0].base), false);
      }
    }
  }

  // Placing.

  /// The group instance (and segment) of a node: the seed's, or a new one below that of the node that led to
  /// it.
  void place(std::size_t at) {
    Node& node = nodes_[at];
    if (node.placed) return;
    node.placed = true;
    if (node.known != kNone) {
      Instance const& instance = on_.seed->keeps().instances[node.known];
      node.group = instance.group;
      if (instance.segment != kNone) node.segment = layout_.serial_of(instance.segment);
      return;
    }
    Layout::Group parent = 0;
    if (node.via != SIZE_MAX) {
      place(node.via);
      parent = nodes_[node.via].group;
    }
    Role const& role = structure_.roles[node.role];
    if (role.per == Role::Per::message) return;
    // The segment of a per-segment role is inserted when it is written.
    node.group = role.per == Role::Per::group ? group_of_role(node.role, parent) : parent;
  }

  /// A linked resource of the same group shares it (the report and the order of one ORDER_OBSERVATION).
  Layout::Group group_of_role(std::size_t role, Layout::Group parent) {
    std::string_view const named = structure_.roles[role].per_name;
    if (layout_.name_of(parent) == named) return parent;
    auto const first =
        std::ranges::find_if(structure_.uses, [&](Use const& use) { return use.targets[0].role == role; });
    std::string_view const segment =
        first == structure_.uses.end() ? std::string_view{} : std::string_view(first->segment);
    return layout_.group_for(parent, segment, true, named);
  }

  Layout::Serial segment_for(Use const& use, std::size_t at, bool own_item) {
    Role const& role = nodes_.role_of(at);
    bool const of_role = !own_item && role.per == Role::Per::segment && role.per_name == use.segment;
    if (of_role && nodes_[at].segment != kNone) return nodes_[at].segment;
    bool const own = own_item || of_role;
    Layout::Group const group = layout_.group_for(nodes_[at].group, use.segment, own, use.group);
    Layout::Serial found = 0;
    if (!own && layout_.find(group, use.segment, found) && !on_.removed.contains(found)) return found;
    found = layout_.insert(group, use.segment);
    on_.fresh.push_back(found);
    if (of_role) {
      nodes_[at].segment = found;
      nodes_[at].group = group;
    }
    return found;
  }

  // What is to be written.

  /// A group that the version being written does not have, where another use names the one that it has: an
  /// OBX stands in SPECIMEN or, from 2.7 on, in SPECIMEN_OBSERVATION. Where it has neither the first use
  /// speaks for all.
  bool stands_elsewhere(Use const& use) const {
    if (use.group.empty() || use.twins.empty() || layout_.knows(use.segment, use.group)) return false;
    return std::ranges::any_of(use.twins, [&](std::uint32_t twin) {
      Use const& other = structure_.uses[twin];
      return &other < &use || layout_.knows(other.segment, other.group);
    });
  }

  void write_items(Use const& use, std::size_t at) {
    if (!on_.done.empty() && on_.done.contains({name_of(use), at})) return;
    for (Element const* const item : base_items(use, *nodes_[at].content, nodes_)) {
      if (nodes_[at].known == kNone || !stood_before(use, at, *item)) write_segment(use, at, item, true);
    }
  }

  bool has_frame(Use const& use, std::uint32_t instance) const {
    return std::ranges::any_of(on_.seed->frames(), [&](Frame const& frame) {
      Use const& other = *frame.use;
      return frame.instance[0] == instance && other.segment == use.segment && other.variant == use.variant &&
             other.rows == use.rows;
    });
  }

  /// The seed said the same, from some other place.
  bool stood_before(Use const& use, std::size_t at, Element const& item) {
    Element const* const content = on_.seed->content(nodes_[at].known);
    if (content == nullptr) return false;
    Projection const now = on_.project_now(use, on_.sources_now(structure_, use, at, &item));
    return std::ranges::any_of(base_items(use, *content, *on_.seed), [&](Element const* one) {
      Sources then;
      then.base[0] = one;
      return same(on_.project_then(use, then), now);
    });
  }

  /// The version being written has no such segment anywhere in the message.
  bool lacks_segment(Use const& use) const {
    return layout_.has_grammar() && use.segment[0] != 'Z' && !layout_.knows(use.segment, {}) &&
           (!on_.seed || std::ranges::none_of(on_.seed->frames(), [&](Frame const& frame) {
             return frame.use->segment == use.segment;
           }));
  }

  /// What a segment tells of depends on where it stands (a note, a result), and the version being written has
  /// no place for it there: behind the last group it would be said of that one.
  bool lacks_place(Use const& use, std::size_t at) const {
    bool const depends = nodes_.role_of(at).per != Role::Per::message || has_array_base(use);
    return depends && layout_.has_grammar() && use.segment[0] != 'Z' &&
           !layout_.has_place(nodes_[at].group, use.segment, use.group) &&
           (!on_.seed || std::ranges::none_of(on_.seed->frames(), [&](Frame const& frame) {
             return frame.use->segment == use.segment;
           }));
  }

  /// A second authorization of a referral would be read as that of its first procedure.
  bool lacks_room(Use const& use, std::size_t at) const {
    Role const& role = nodes_.role_of(at);
    return role.per == Role::Per::segment && role.per_name == use.segment && use.group.empty() &&
           nodes_[at].known == kNone && layout_.would_be_read_elsewhere(nodes_[at].group, use.segment);
  }

  void note_lacking(Use const& use, std::size_t at, Element const* base, std::string_view lacks) {
    if (says_anything(on_.project_now(use, on_.sources_now(structure_, use, at, base)))) lose(use, lacks);
  }

  void lose(Use const& use, std::string_view lacks) {
    on_.loss.push_back({use.segment,
                        "the version being written has no " + std::string(lacks) + " in this message",
                        "the record"});
  }

  void write_segment(Use const& use, std::size_t at, Element const* base, bool own_item) {
    if (base == nullptr) return;
    if (lacks_segment(use)) return note_lacking(use, at, base, "such segment");
    place(at);
    if (lacks_place(use, at)) return note_lacking(use, at, base, "place for it");
    if (lacks_room(use, at)) return note_lacking(use, at, base, kRoom);
    Sources const sources = on_.sources_now(structure_, use, at, base);
    Projection const now = on_.project_now(use, sources);
    // A segment for an item says something of the item: what else it repeats of the resource is no reason for
    // it.
    bool const any = own_item ? says_of_item(now) : says_by_guards(now);
    bool const told = !any && has_facts(use) && nodes_.is_first_of_role(at);
    if (!any && !told && !is_demanded(use, own_item)) return;
    bool const said = on_.seed && nodes_[at].known != kNone && !own_item && said_in_seed(use, at, now);
    if (!said) fill_segment(use, segment_for(use, at, own_item), now, sources);
  }

  /// The message must have such a segment, though there is nothing to say in it. What the partner's own one
  /// of this kind left out, or has already, is not demanded of the next item.
  bool is_demanded(Use const& use, bool own_item) const {
    if (!use.group.empty() || !layout_.requires_segment(use.segment)) return false;
    bool const same_kind = on_.seed && &on_.seed->structure() == &structure_;
    return !own_item || !(same_kind || holds_segment(use.segment));
  }

  /// What stands in another segment by its guard (ORC-7 beside a TQ1) is no reason for this one.
  bool says_by_guards(Projection now) const {
    return std::ranges::any_of(
        now, [&](RowValue const& value) { return !value.items.empty() && guard_allows(*value.row, now); });
  }

  static bool says_of_item(Projection now) {
    return std::ranges::any_of(
        now, [](RowValue const& value) { return !value.items.empty() && value.row->target == 0; });
  }

  /// A resource that is only part of what the segment tells, without the one that would lead it: a client
  /// whose Task names a Practitioner and no PractitionerRole. The segment is written from it alone.
  void write_part(Use const& use, std::size_t at) {
    if (nodes_[at].known != kNone) return;
    for (std::size_t target = 1; target < use.targets.size() && target < kTargetsMax; ++target) {
      if (use.targets[target].role != nodes_[at].role) continue;
      Role const& leading = structure_.roles[use.targets[0].role];
      if (leading.per == Role::Per::message || nodes_.related(at, leading.name) != SIZE_MAX) return;
      Sources sources;
      sources.base[target] = with_base(nodes_[at].content, use.targets[target].base);
      Projection const now = on_.project_now(use, sources);
      if (!says_anything(now)) return;
      if (lacks_room(use, at)) return lose(use, kRoom);
      Layout::Group const group = layout_.group_for(nodes_[at].group, use.segment, true, use.group);
      Layout::Serial const segment = layout_.insert(group, use.segment);
      on_.fresh.push_back(segment);
      fill_segment(use, segment, now, sources);
      return;
    }
  }

  /// A use without a segment in the seed whose values the seed gave all the same (from another use): nothing
  /// changed.
  bool said_in_seed(Use const& use, std::size_t at, Projection now) {
    Element const* const content = on_.seed->content(nodes_[at].known);
    if (content == nullptr) return false;
    Sources then;
    then.base[0] = with_base(content, use.targets[0].base);
    for (std::size_t target = 1; target < use.targets.size() && target < kTargetsMax; ++target) {
      std::size_t const other = nodes_.related(at, structure_.roles[use.targets[target].role].name);
      if (other != SIZE_MAX && nodes_[other].known != kNone)
        then.base[target] = with_base(on_.seed->content(nodes_[other].known), use.targets[target].base);
    }
    return same(on_.project_then(use, then), now);
  }

  bool has_facts(Use const& use) const {
    if (!use.has_facts || on_.request.facts.empty()) return false;
    return std::ranges::any_of(use.rows, [&](Row const* row) {
      return row->kind == Row::Kind::fact && row->reverse &&
             std::ranges::any_of(on_.request.facts,
                                 [&](FactValue const& fact) { return fact.name == row->fact; });
    });
  }

  // Writing it.

  void fill_segment(Use const& use, Layout::Serial serial, Projection now, Sources const& sources) {
    std::size_t const segment = layout_.index_of(serial);
    for (RowValue const& value : now) {
      if (value.items.empty() || !guard_allows(*value.row, now)) continue;
      write_value(segment, serial, use, value);
      write_constants(segment, value.row->v2_when);
    }
    write_constants(segment, use.when);
    write_constants(segment, structure_.roles[use.targets[0].role].when);
    for (Row const* const row : use.rows) {
      if (row->kind == Row::Kind::literal_out && suits_event(*row) && suits_resource(*row, sources))
        on_.writer().set_if_empty(segment, row->places[0], literal_of(*row));
    }
    for (RowValue const& value : now) {
      if (!value.items.empty() && contradicts_guard(segment, *value.row)) take_back(segment, use, *value.row);
    }
  }

  /// `PRB-1 | 'AD' ... MSH-9.2 = PC1`: a literal of some trigger events only.
  bool suits_event(Row const& row) const {
    return std::ranges::all_of(row.v2_when, [&](Predicate const& predicate) {
      bool const of_event = predicate.test == Predicate::Test::equals && predicate.place.segment == "MSH" &&
                            predicate.place.field == 9 && predicate.place.component == 2;
      return !of_event ||
             std::ranges::find(predicate.values, on_.request.trigger_event) != predicate.values.end();
    });
  }

  /// `OBR-4.1 | '57133-1' ... ; code empty`: where there is no resource the guard has nothing to hold
  /// against.
  static bool suits_resource(Row const& row, Sources const& sources) {
    Element const* const base = sources.base[row.target];
    return base == nullptr || holds(row.fhir_when, nullptr, *base);
  }

  std::string_view literal_of(Row const& row) const {
    return row.literal == "@timestamp" ? on_.request.timestamp : std::string_view(row.literal);
  }

  /// PID-30 is written only when PID-29 is empty: the guard is read on what is being written.
  bool guard_allows(Row const& row, Projection now) const {
    return std::ranges::all_of(row.v2_when, [&](Predicate const& predicate) {
      if (predicate.test != Predicate::Test::empty) return true;
      // A value for which the version has a segment of its own is written there: ORC-7 only where there is no
      // TQ1.
      if (predicate.place.segment != row.places[0].segment && row.fhir_when.empty())
        return !layout_.knows(predicate.place.segment, {});
      return std::ranges::none_of(now, [&](RowValue const& value) {
        if (value.items.empty() || value.row == &row) return false;
        return std::ranges::any_of(value.row->places, [&](Place const& place) {
          Place const& guard = predicate.place;
          bool const same_part =
              place.component == 0 || guard.component == 0 || place.component == guard.component;
          return place.segment == guard.segment && place.field == guard.field && same_part &&
                 (place.each || place.repetition == guard.repetition);
        });
      });
    });
  }

  /// A guarded row counts only where its guard holds over what was written: read again, the value would not
  /// come back. A field of the guard that nothing filled says nothing yet.
  bool contradicts_guard(std::size_t segment, Row const& row) const {
    return std::ranges::any_of(row.v2_when, [&](Predicate const& predicate) {
      Place const& place = predicate.place;
      if (place.segment != layout_.image().segment_id(segment)) return false;
      std::string_view const value = layout_.image().raw(
          {static_cast<std::uint32_t>(segment), place.field, place.repetition,
           std::max<std::uint16_t>(place.component, 1), std::max<std::uint16_t>(place.subcomponent, 1)});
      bool const listed = std::ranges::find(predicate.values, value) != predicate.values.end();
      if (predicate.test == Predicate::Test::equals) return !value.empty() && !listed;
      return predicate.test == Predicate::Test::differs && listed;
    });
  }

  /// Leaves alone what another row of the use wrote into the same place.
  void take_back(std::size_t segment, Use const& use, Row const& row) {
    for (Place const& place : row.places) {
      bool const shared = std::ranges::any_of(use.reverse_rows, [&](Row const* other) {
        return other != &row && std::ranges::any_of(other->places, [&](Place const& one) {
                 return one.segment == place.segment && one.field == place.field;
               });
      });
      if (shared || place.segment != layout_.image().segment_id(segment)) continue;
      layout_.image().set({static_cast<std::uint32_t>(segment), place.field, 0, place.component, 0}, "");
      on_.loss.push_back({row.path.text,
                          "the guard of row " + row.id + " does not hold for what stands beside it",
                          "the record"});
    }
  }

  /// The first name in PID-5 counts as the legal one, the first number in PID-3 as the one in force; FHIR has
  /// no order.
  static int rank_of_use(Item const& item) {
    std::string_view const use = item.source == nullptr ? std::string_view{} : item.source->text_at("use");
    if (use == "official") return 0;
    if (use == "old") return kUseRanks - 1;
    return use == "temp" || use == "nickname" || use == "anonymous" || use == "maiden" ? 2 : 1;
  }

  void append_by_use(std::size_t segment, Place const& place, std::span<Item const> items) {
    if (items.size() == 1) return on_.writer().append(segment, place, items.front());
    for (int rank = 0; rank < kUseRanks; ++rank) {
      for (Item const& item : items)
        if (rank_of_use(item) == rank) on_.writer().append(segment, place, item);
    }
  }

  void write_value(std::size_t segment, Layout::Serial serial, Use const& use, RowValue const& value) {
    FieldWriter& writer = on_.writer();
    for (Place const& place : value.row->places) {
      std::size_t where = segment;
      if (place.segment != use.segment) {
        Layout::Serial found = 0;
        if (!layout_.find_around(layout_.group_of(serial), place.segment, found)) continue;
        where = layout_.index_of(found);
      }
      if (place.each) {
        append_by_use(where, place, value.items);
        continue;
      }
      Address const address{static_cast<std::uint32_t>(where), place.field, place.repetition, 0, 0};
      writer.set_value(address, place, value.items[0].leaves);
    }
    for (Item const& item : value.items) writer.write_siblings(segment, nullptr, item);
  }

  void write_constants(std::size_t segment, std::vector<Predicate> const& predicates) {
    for (Predicate const& predicate : predicates) {
      if (!predicate.is_fhir && predicate.test == Predicate::Test::equals)
        on_.writer().set_if_empty(segment, predicate.place, predicate.values[0]);
    }
  }

  static constexpr int kUseRanks = 4;

  Reversal& on_;
  Structure const& structure_;
  Nodes& nodes_;
  Layout& layout_;
  std::vector<bool> elsewhere_;  // uses that stand elsewhere
  std::vector<bool> written_;    // nodes
};

}  // namespace

void write_new(Reversal& reversal) { Composer(reversal).run(); }

void open_groups(Reversal& reversal) { Composer(reversal).open_groups(); }

}  // namespace mappings::language
