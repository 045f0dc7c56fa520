/// Merging a draft into the current version of the same source's resource, row by row (README.md, upd).
#include "mappings/language/engine.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace mappings::language {

namespace {

/// The array that a list row's items live in, and which items of it the row owns.
class Merge {
 public:
  Merge(Draft const& draft, std::uint32_t resource, Element const& content, Element& result, Arena& arena,
        std::span<std::string const> references, Late late)
      : draft_(draft),
        keeps_(internals(draft)),
        resource_(resource),
        content_(content),
        result_(result),
        arena_(arena),
        references_(references),
        late_(late) {}

  void run(Element const& before) {
    std::set<std::pair<Row const*, std::uint32_t>> done;
    for (std::size_t at = 0; at < draft_.writes.size(); ++at) {
      Write const& write = draft_.writes[at];
      if (write.resource != resource_ || keeps_.origins[at].withdrawn) continue;
      Origin const& origin = keeps_.origins[at];
      // List rows act once for all their items; a use with an array as base acts once for all its segments.
      auto const& base = keeps_.structure->uses[origin.use].targets[write.row->target].base;
      bool const is_snapshot = !base.empty() && (base.steps.back().pick == Step::Pick::each ||
                                                 base.steps.back().pick == Step::Pick::match_each);
      // `dosageInstruction[0]` is one item that several segments fill, each with elements of its own.
      bool const is_item =
          !base.empty() && base.steps.back().is_array() && base.steps.back().pick != Step::Pick::index;
      bool const based = is_snapshot || (is_item && !write.deletes);
      if (based) {
        if (done.insert({nullptr, origin.use}).second) replace_base(origin.use);
      } else if (is_list(*write.row)) {
        if (done.insert({write.row, origin.use}).second) replace_list(*write.row, origin.use);
      } else {
        set_one(write, origin, before);
      }
    }
    for (Act const& act : keeps_.acts) {
      if (act.resource == resource_ && done.insert({nullptr, act.use}).second) replace_base(act.use);
    }
    keep_links();
    move_status(before);
    end_items(before);
  }

 private:
  static bool is_list(Row const& row) {
    return std::ranges::any_of(row.path.steps, [](Step const& step) {
      return step.pick == Step::Pick::each || step.pick == Step::Pick::match_each;
    });
  }

  std::vector<Step> full_path(Row const& row, std::uint32_t use) const {
    std::vector<Step> steps = keeps_.structure->uses[use].targets[row.target].base.steps;
    steps.insert(steps.end(), row.path.steps.begin(), row.path.steps.end());
    return steps;
  }

  Element const* written(Write const& write, std::vector<Step> const& steps) const {
    // follow() only walks; the draft stays as it is.
    return follow(const_cast<Element&>(content_), steps, write.indexes);
  }

  /// What the draft wrote, as something of this arena's own.
  Element own(Element const& value) { return fhir::json::deep_copy(arena_, value); }

  void set_one(Write const& write, Origin const& origin, Element const& before) {
    Row const& row = *write.row;
    auto const steps = full_path(row, origin.use);
    bool const is_status = row.update == Update::state;
    if (is_status ? late_.status : late_.content && is_answered(steps, write, before)) return;
    if (write.deletes) {
      if (row.update == Update::key || row.update == Update::once || row.update == Update::state) return;
      remove(steps);
      // Nobody knows it now: what stands there of a new one that nobody told of it.
      std::string const reason = "_" + steps[0].name;
      if (Element const* const why = content_.find(reason); why != nullptr && steps.size() == 1)
        result_.set(arena_, arena_.copy(reason), own(*why));
    }
    // Of a deleted element this is the default, where R4 wants one to be there.
    Element const* const value = write.deletes ? find(content_, steps) : written(write, steps);
    if (value == nullptr) return;
    Element const* const known = find(before, steps);
    if (row.update == Update::once && known != nullptr) return;
    if (row.update == Update::state && !may_move(steps, known, *value)) return;
    if (row.kind == Row::Kind::literal_in && known != nullptr) return;
    if (is_there(steps, *value)) return;
    if (row.kind == Row::Kind::path) {
      for (std::string_view const other : displaced_by(result_, steps[0].name)) result_.remove(other);
    }
    Trail trail;
    Element& place = reach(result_, steps, arena_, trail);
    if (steps.back().choice)
      replace_choice(place, steps.back().name, *value);
    else
      place = own(*value);
  }

  /// An item that its own discriminator does not find again (`?=` on a system that the sender did not give).
  bool is_there(std::vector<Step> const& steps, Element const& value) const {
    if (steps.back().pick != Step::Pick::match || matches(value, steps.back().conditions)) return false;
    Element const* const parent = parent_in(result_, steps);
    Element const* const array = parent == nullptr ? nullptr : parent->find(steps.back().name);
    return array != nullptr && std::ranges::find(array->items(), value) != array->items().end();
  }

  /// A late message only fills what nothing newer speaks of.
  static bool is_answered(std::vector<Step> const& steps, Write const& write, Element const& before) {
    return write.deletes || steps.back().choice || find(before, steps) != nullptr;
  }

  void replace_choice(Element& parent, std::string_view stem, Element const& from) {
    auto const is_choice = [&](std::string_view name) {
      return name.size() > stem.size() && name.starts_with(stem) && name[stem.size()] >= 'A' &&
             name[stem.size()] <= 'Z';
    };
    std::vector<std::string_view> old;
    for (auto const& member : parent.members()) {
      if (is_choice(member.name)) old.push_back(member.name);
    }
    for (std::string_view const name : old) parent.remove(name);
    for (auto const& member : from.members()) {
      if (is_choice(member.name)) parent.set(arena_, arena_.copy(member.name), own(member.value));
    }
  }

  /// Removes what the path names, and an item or object that nothing is left of.
  void remove(std::vector<Step> const& steps) { remove_in(result_, steps); }

  static bool is_hollow(Element const& element, std::span<Condition const> conditions) {
    if (!element.is_object()) return element.is_array() && element.empty();
    return element.members().size() <= conditions.size();
  }

  void remove_in(Element& here, std::span<Step const> steps) {
    Step const& step = steps[0];
    Element* const next = here.find(step.name);
    if (next == nullptr) return;
    if (!next->is_array()) {
      if (steps.size() == 1) {
        here.remove(step.name);
        return;
      }
      remove_in(*next, steps.subspan(1));
      if (next->is_object() && next->empty()) here.remove(step.name);
      return;
    }
    for (std::size_t at = next->size(); at-- > 0;) {
      Element& item = next->items()[at];
      bool const picked = step.pick == Step::Pick::index ? at == step.index : matches(item, step.conditions);
      if (!picked) continue;
      if (steps.size() > 1) remove_in(item, steps.subspan(1));
      if (steps.size() == 1 || is_hollow(item, step.conditions)) next->remove_item(at);
    }
    if (next->empty()) here.remove(step.name);
  }

  /// Index of the step that is the list.
  static std::size_t list_step(std::vector<Step> const& steps) {
    for (std::size_t at = steps.size(); at-- > 0;) {
      if (steps[at].pick == Step::Pick::each || steps[at].pick == Step::Pick::match_each) return at;
    }
    return 0;
  }

  /// Whether an item of the array is this row's: its discriminator fits and no other row's of the same array
  /// does.
  bool owns(Row const& row, std::uint32_t use, std::size_t step_index, Element const& item) const {
    Step const& step = row.path.steps[step_index];
    if (!step.conditions.empty()) return matches(item, step.conditions);
    for (Row const* const other : keeps_.structure->uses[use].rows) {
      if (other == &row || other->kind != Row::Kind::path || other->target != row.target ||
          other->path.steps.size() <= step_index)
        continue;
      Step const& rival = other->path.steps[step_index];
      if (rival.name == step.name && !rival.conditions.empty() && matches(item, rival.conditions))
        return false;
    }
    return true;
  }

  void replace_list(Row const& row, std::uint32_t use) {
    auto const& base = keeps_.structure->uses[use].targets[row.target].base.steps;
    auto const steps = full_path(row, use);
    std::size_t const at = list_step(steps);
    std::vector<Element> items;
    bool deletes = false;
    for (std::size_t w = 0; w < draft_.writes.size(); ++w) {
      Write const& write = draft_.writes[w];
      if (write.resource != resource_ || write.row != &row || keeps_.origins[w].use != use) continue;
      deletes = deletes || write.deletes;
      if (write.deletes) continue;
      if (Element const* const item =
              written(write, {steps.begin(), steps.begin() + static_cast<std::ptrdiff_t>(at) + 1}))
        items.push_back(own(*item));
    }
    if (items.empty() && (!deletes || row.update == Update::key)) return;
    Element* const parent = parent_of(steps, at);
    if (parent == nullptr) return;
    if (late_.content && (deletes || parent->find(steps[at].name) != nullptr)) return;
    Slots slots;
    std::vector<Element>& said = said_[text_of(steps, at)];
    std::vector<Element> others = said;
    if (Element const* const old = parent->find(steps[at].name)) {
      for (Element const& item : old->items()) {
        // What another row of this message has put there stays, also where this row's discriminator fits it:
        // the work number of PID-13 beside those of PID-14.
        bool const may_be_others = (items.empty() || row.update == Update::key) && at == 0;
        auto const told = may_be_others ? content_.find(steps[0].name) : nullptr;
        bool const is_own = std::ranges::find(items, item) != items.end();
        if (told != nullptr && !is_own && std::ranges::find(told->items(), item) != told->items().end()) {
          slots.push_back(
              item);  // beside what another field of the same message says: "", or its number again
          continue;
        }
        if (auto const other = std::ranges::find(others, item); other != others.end()) {
          others.erase(other);
          slots.push_back(item);
          continue;
        }
        // Identity only grows: an identifier that this message does not repeat is still this thing's. And
        // what the row says again is not there twice, whoever else may own it (an SSN in PID-3).
        bool const repeated = std::ranges::any_of(items, [&](Element const& fresh) {
          return row.update == Update::key ? same_identity(fresh, item) : fresh == item;
        });
        bool const goes = repeated || (row.update != Update::key && owns(row, use, at - base.size(), item));
        slots.push_back(goes ? Element{} : item);
      }
    }
    said.insert(said.end(), items.begin(), items.end());
    Element const ordered = filled(slots, items, row.update == Update::key);
    if (ordered.is_null())
      parent->remove(steps[at].name);
    else
      parent->set(arena_, arena_.copy(steps[at].name), ordered);
  }

  /// An array being merged: what stays, and null for each place where an item of the row stood.
  using Slots = std::vector<Element>;

  /// `items` into the places of those before them, what is left behind the last of these (without any: at the
  /// end, or first), so that a message that says nothing new moves nothing.
  Element filled(Slots const& slots, std::vector<Element> const& items, bool first) {
    std::size_t next = 0;
    Element ordered;
    auto const put_rest = [&] {
      while (next < items.size()) ordered.push(arena_, items[next++]);
    };
    auto const last = std::ranges::find_if(slots.rbegin(), slots.rend(), &Element::is_null);
    std::size_t const last_place = static_cast<std::size_t>(slots.rend() - last);  // 0: there is none
    if (last_place == 0 && first) put_rest();
    for (std::size_t at = 0; at < slots.size(); ++at) {
      if (!slots[at].is_null())
        ordered.push(arena_, slots[at]);
      else if (next < items.size())
        ordered.push(arena_, items[next++]);
      if (at + 1 == last_place) put_rest();
    }
    put_rest();
    return ordered;
  }

  static std::string text_of(std::vector<Step> const& steps, std::size_t last) {
    std::string text;
    for (std::size_t at = 0; at <= last; ++at) text += "." + steps[at].name;
    return text;
  }

  static bool same_identity(Element const& left, Element const& right) {
    if (left.find("value") == nullptr) return left == right;
    return left.text_at("system") == right.text_at("system") &&
           left.text_at("value") == right.text_at("value");
  }

  Element* parent_of(std::vector<Step> const& steps, std::size_t at) {
    if (at == 0) return &result_;
    Trail trail;
    Element& parent = reach(result_, std::span(steps).first(at), arena_, trail);
    if (!parent.is_object()) parent = Element::of_object();
    return &parent;
  }

  /// Whether an item is the one that a segment speaks of. One that says nothing by which it could be told
  /// (AIG-4 without AIG-3) is only known by all that the segment says.
  static bool agree(Element const& item, Element const& said, std::vector<Path> const& by) {
    bool told = false;
    for (Path const& path : by) {
      Element const* const one = find(item, path.steps);
      Element const* const other = find(said, path.steps);
      if ((one == nullptr) != (other == nullptr)) return false;
      if (one == nullptr) continue;
      if (!(*one == *other)) return false;
      told = true;
    }
    return told || contains(item, said);
  }

  /// Segments with action codes: each item that goes is taken out, each other takes the place of the one that
  /// it is known by, or comes behind; what no segment names stays.
  void act_on_base(std::uint32_t use) {
    Use const& acting = keeps_.structure->uses[use];
    std::vector<Step> const& steps = acting.targets[0].base.steps;
    Element const* const fresh = parent_in(content_, steps);
    Element* const parent = parent_of(steps, steps.size() - 1);
    if (late_.content) return;
    std::vector<Element> items;
    if (Element const* const old = parent->find(steps.back().name))
      for (Element const& item : old->items()) items.push_back(own(item));
    auto const known = [&](Element const& one) {
      return std::ranges::find_if(items, [&](Element const& item) {
        return (steps.back().conditions.empty() || matches(item, steps.back().conditions)) &&
               agree(item, one, acting.by);
      });
    };
    for (Act const& act : keeps_.acts) {
      if (act.resource != resource_ || act.use != use || act.item.is_null()) continue;
      Element gone = own(act.item);
      if (!references_.empty()) resolve_references(gone, references_, arena_);
      if (auto const found = known(gone); found != items.end()) items.erase(found);
    }
    Element const* const told = fresh == nullptr ? nullptr : fresh->find(steps.back().name);
    for (std::size_t at = 0; told != nullptr && at < told->size(); ++at) {
      Element const& item = told->items()[at];
      if (!steps.back().conditions.empty() && !matches(item, steps.back().conditions)) continue;
      if (auto const found = known(item); found == items.end())
        items.push_back(own(item));
      else
        merge(*found, own(item), arena_);  // what the segment leaves out stays
    }
    Element all = Element::of_array();
    for (Element const& item : items) all.push(arena_, item);
    if (all.empty())
      parent->remove(steps.back().name);
    else
      parent->set(arena_, arena_.copy(steps.back().name), all);
  }

  bool acts(std::uint32_t use) const {
    return std::ranges::any_of(keeps_.acts,
                               [&](Act const& act) { return act.use == use && act.resource == resource_; });
  }

  /// A use whose base is an array (`Patient.contact*` per NK1): its segments are a snapshot of that array.
  void replace_base(std::uint32_t use) {
    if (acts(use)) return act_on_base(use);
    for (Use::Target const& target : keeps_.structure->uses[use].targets) {
      if (target.base.empty() || !target.base.steps.back().is_array()) continue;
      std::vector<Step> const& steps = target.base.steps;
      Element const* const fresh = parent_in(content_, steps);
      if (fresh == nullptr) continue;
      Element* const parent = parent_of(steps, steps.size() - 1);
      Element const* const items = fresh->find(steps.back().name);
      if (items == nullptr || (late_.content && parent->find(steps.back().name) != nullptr)) continue;
      auto const same = [&](Element const& item) {
        return steps.back().conditions.empty() || matches(item, steps.back().conditions);
      };
      std::vector<Element> fresh_items;
      Slots slots;
      for (Element const& item : items->items()) {
        if (same(item)) fresh_items.push_back(own(item));
      }
      if (Element const* const old = parent->find(steps.back().name)) {
        for (Element const& item : old->items()) slots.push_back(same(item) ? Element{} : item);
      }
      Element const ordered = filled(slots, fresh_items, false);
      parent->set(arena_, arena_.copy(steps.back().name), ordered);
    }
  }

  static Element const* parent_in(Element const& content, std::vector<Step> const& steps) {
    return steps.size() == 1 ? &content : find(content, std::span(steps).first(steps.size() - 1));
  }

  /// References that links made; they follow the draft where the current resource has none or the same slot.
  void keep_links() {
    Structure const& structure = *keeps_.structure;
    for (Link const& link : structure.links) {
      if (structure.roles[link.source].name != draft_.resources[resource_].role) continue;
      std::vector<Element const*> fresh;
      collect(content_, link.path.steps, fresh);
      if (fresh.empty() || (late_.content && find(result_, link.path.steps) != nullptr)) continue;
      bool const many = std::ranges::any_of(link.path.steps, [](Step const& step) {
        return step.pick == Step::Pick::each || step.pick == Step::Pick::match_each;
      });
      std::vector<Element const*> known;
      if (many) collect(result_, link.path.steps, known);
      for (Element const* const reference : fresh) {
        bool const there = std::ranges::any_of(known, [&](Element const* one) {
          return one->text_at("reference") == reference->text_at("reference");
        });
        if (there || reference->find("reference") == nullptr) continue;
        for (std::string_view const other : displaced_by(result_, link.path.steps[0].name))
          result_.remove(other);
        Trail trail;
        Element& place = reach(result_, link.path.steps, arena_, trail);
        place.is_object() ? merge(place, own(*reference), arena_) : void(place = own(*reference));
      }
    }
  }

  EventTable const* table() const {
    std::size_t const role = keeps_.structure->find_role(draft_.resources[resource_].role);
    return role == SIZE_MAX ? nullptr : keeps_.structure->roles[role].events;
  }

  /// A status from a field moves only along a rule for values; without any rule it moves freely.
  bool may_move(std::vector<Step> const& steps, Element const* known, Element const& value) const {
    EventTable const* const events = table();
    if (events == nullptr || steps.size() != events->path.steps.size()) return true;
    std::string_view const from = known == nullptr ? std::string_view{} : known->text();
    if (from == value.text()) return true;
    bool any_rule = false;
    for (EventRow const& row : events->rows) {
      if (!row.events.empty() || row.always) continue;
      any_rule = true;
      if ((row.after == value.text() || row.after == "any") && row.holds_before(from)) return true;
    }
    return !any_rule;
  }

  /// The first row of the event table that fits the state before decides; none: the event is late and changes
  /// nothing.
  void move_status(Element const& before) {
    EventTable const* const events = table();
    if (events == nullptr) return;
    Element const* const known = find(before, events->path.steps);
    std::string_view const from = known == nullptr ? std::string_view{} : known->text();
    Pending const* chosen = nullptr;
    bool told = false;
    for (Pending const& pending : keeps_.pending) {
      if (pending.resource != resource_) continue;
      told = true;
      if (chosen == nullptr && pending.row->holds_before(from) && fits(*pending.row, events->path) &&
          may_act(*pending.row))
        chosen = &pending;
    }
    if (!told) return;
    // A row may have written an effect's element from a field of its own (PV1-45): late events must not do
    // that either.
    if (chosen == nullptr) {
      for (Pending const& pending : keeps_.pending) {
        if (pending.resource != resource_) continue;
        for (EventRow::Effect const& effect : pending.row->effects) {
          bool const of_a_field = effect.kind == EventRow::Effect::Kind::set;
          bool const removed = effect.kind == EventRow::Effect::Kind::remove && !is_deleted(effect.path);
          if (of_a_field || removed) put_back(effect.path.steps, before);
        }
      }
      return;
    }
    Trail trail;
    if (chosen->row->sets_status()) {
      std::string_view const after = chosen->row->after;
      reach(result_, events->path.steps, arena_, trail) = after == "true" || after == "false"
                                                              ? Element::of_boolean(after == "true")
                                                              : Element::of_string(arena_.copy(after));
    }
    for (std::size_t at = 0; at < chosen->row->effects.size(); ++at) {
      EventRow::Effect const& effect = chosen->row->effects[at];
      if (effect.kind == EventRow::Effect::Kind::remove) {
        remove(effect.path.steps);
      } else if (effect.kind == EventRow::Effect::Kind::unkeep) {
        unkeep(effect);
      } else if (effect.kind == EventRow::Effect::Kind::keep) {
        keep_former(effect, chosen->values[at], before);
      } else if (effect.kind == EventRow::Effect::Kind::reopen) {
        reopen_item(result_, effect, before, arena_);
      } else if (!chosen->values[at].is_null()) {
        Trail way;
        reach(result_, effect.path.steps, arena_, way) = own(chosen->values[at]);
      }
    }
  }

  /// Rows of every message, by the status that this one leaves.
  void end_items(Element const& before) {
    EventTable const* const events = table();
    if (events == nullptr) return;
    auto const status = [&](Element const& of) {
      Element const* const found = find(of, events->path.steps);
      return found == nullptr ? std::string_view{} : found->text();
    };
    for (Pending const& ending : keeps_.endings) {
      EventRow const& row = *ending.row;
      if (ending.resource != resource_ || !row.holds_before(status(result_))) continue;
      bool const was_over = row.holds_before(status(before));
      for (std::size_t at = 0; at < row.effects.size(); ++at) {
        EventRow::Effect const& effect = row.effects[at];
        end_item(result_, effect, &before,
                 {was_over, is_deleted(effect.from), late_.content, ending.values[at]}, arena_);
      }
    }
  }

  /// The message itself has "" for it, or for what it consists of.
  bool is_deleted(Path const& item) const {
    return std::ranges::any_of(draft_.writes, [&](Write const& write) {
      std::string const& path = write.row->path.text;
      return write.resource == resource_ && write.deletes &&
             (path == item.text || path.starts_with(item.text + "."));
    });
  }

  /// A late event moves a status that nothing newer moved; what it only tells of is told better by now.
  bool may_act(EventRow const& row) const { return row.sets_status() ? !late_.status : !late_.content; }

  /// `keep class in classHistory*.class until EVN-2`: what stood there before becomes the newest (first)
  /// item.
  void keep_former(EventRow::Effect const& effect, Element const& until, Element const& before) {
    Element const* const old = find(before, effect.from.steps);
    Element const* const now = find(result_, effect.from.steps);
    auto const& steps = effect.path.steps;
    if (old == nullptr || (now != nullptr && contains(*now, *old))) return;
    Element item = Element::of_object();
    satisfy(item, steps[0].conditions, arena_);
    Trail trail;
    reach(item, std::span(steps).subspan(1), arena_, trail) = own(*old);
    Element& period = item.set(arena_, "period");
    period = Element::of_object();
    if (!until.is_null()) period.set(arena_, "end", own(until));
    Element ordered;
    bool placed = false;
    if (Element const* const items = result_.find(steps[0].name)) {
      for (Element const& one : items->items()) {
        if (!placed && !steps[0].conditions.empty() && matches(one, steps[0].conditions)) {
          // A field of the message (PV1-6) may have named the same thing already.
          bool const same = find(one, std::span(steps).subspan(1)) != nullptr &&
                            contains(*find(one, std::span(steps).subspan(1)), *old);
          ordered.push(arena_, item);
          placed = true;
          if (same && one.find("period") == nullptr) continue;
        }
        ordered.push(arena_, one);
      }
    }
    if (!placed) ordered.push(arena_, item);
    result_.set(arena_, arena_.copy(steps[0].name), ordered);
  }

  /// `unkeep location{status=active}.location in location{status=completed}*.location`: the newest kept item
  /// that says what stands there now is over. Nothing is, when the message came before.
  void unkeep(EventRow::Effect const& effect) {
    auto const& steps = effect.path.steps;
    Element* const items = result_.find(steps[0].name);
    Element const* const now = find(result_, effect.from.steps);
    if (items == nullptr || now == nullptr) return;
    for (std::size_t at = 0; at < items->size(); ++at) {
      Element const& item = items->items()[at];
      Element const* const kept = find(item, std::span(steps).subspan(1));
      if (!matches(item, steps[0].conditions) || kept == nullptr || kept == now || !contains(*now, *kept))
        continue;
      items->remove_item(at);
      break;
    }
    if (items->empty()) result_.remove(steps[0].name);
  }

  bool fits(EventRow const& row, Path const& status_path) const {
    return std::ranges::all_of(row.when, [&](Predicate const& predicate) {
      if (predicate.test == Predicate::Test::changed || predicate.test == Predicate::Test::was) return true;
      if (predicate.path.text == status_path.text) return fits_status(predicate);
      return find(result_, predicate.path.steps) == nullptr || holds({predicate}, nullptr, result_);
    });
  }

  /// `status = fulfilled` asks what this message says of it (SCH-25), never what the status was: who was on
  /// the waiting list is booked by an S12 that says no more.
  bool fits_status(Predicate const& predicate) const {
    for (Write const& write : draft_.writes) {
      if (write.resource != resource_ || write.deletes || write.row->update != Update::state ||
          write.row->path.text != predicate.path.text)
        continue;
      return holds({predicate}, nullptr, content_);
    }
    return predicate.test == Predicate::Test::differs;
  }

  void put_back(std::span<Step const> steps, Element const& before) {
    if (Element const* const old = find(before, steps)) {
      Trail trail;
      reach(result_, steps, arena_, trail) = own(*old);
    } else {
      remove_in(result_, steps);
    }
  }

  Draft const& draft_;
  Internals const& keeps_;
  std::uint32_t resource_;
  Element const& content_;  ///< Of the draft, its references as the current resource has them.
  Element& result_;
  Arena& arena_;
  std::span<std::string const> references_;
  Late late_;
  std::map<std::string, std::vector<Element>> said_;  ///< By array: what list rows of this message put there.
};

/// "identifier" of a thing that is known by one stays; every other member that a draft has replaces.
bool replaces(fhir::json::Member const& said, Element const& current) {
  return said.name != "identifier" || current.find("identifier") == nullptr;
}

Element content_of(Draft const& draft, std::size_t resource, Arena& arena,
                   std::span<std::string const> references) {
  Element content = fhir::json::deep_copy(arena, draft.resources[resource].content);
  if (!references.empty()) resolve_references(content, references, arena);
  return content;
}

}  // namespace

bool says_nothing_new(Draft const& draft, std::size_t resource, Element const& current, Arena& arena,
                      std::span<std::string const> references, Late late) {
  if (!draft.resources[resource].role.empty()) return false;
  if (late.content) return true;
  Element const content = content_of(draft, resource, arena, references);
  return std::ranges::all_of(content.members(), [&](auto const& member) {
    if (!replaces(member, current)) return true;
    Element const* const known = current.find(member.name);
    return known != nullptr && *known == member.value;
  });
}

Element apply(Draft const& draft, std::size_t resource, Element const* current, Arena& arena,
              std::span<std::string const> references, Late late) {
  Element const content = content_of(draft, resource, arena, references);
  if (current == nullptr) return content;
  Element result = fhir::json::deep_copy(arena, *current);
  if (draft.resources[resource].role.empty()) {
    // Made by a type pair: a name and an identifier. What it says replaces, the rest stays.
    if (late.content) return result;
    for (auto const& member : content.members()) {
      if (replaces(member, *current)) result.set(arena, arena.copy(member.name), member.value);
    }
    return result;
  }
  Merge(draft, static_cast<std::uint32_t>(resource), content, result, arena, references, late).run(*current);
  return result;
}

}  // namespace mappings::language
