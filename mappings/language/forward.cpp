/// v2 to FHIR: for each segment the uses that apply, for each use its rows; then events, defaults, links and
/// keys.
#include "mappings/hl7v2/escape.hpp"
#include "mappings/language/digest.hpp"
#include "mappings/language/flat_map.hpp"
#include "mappings/language/relations.hpp"

#include <algorithm>
#include <set>

namespace mappings::language {

namespace {

using hl7v2::Address;
constexpr std::string_view kNull = "\"\"";

class Translation {
 public:
  Translation(Maps const& maps, hl7v2::Message const& message, language::PartnerProfile const& sender)
      : program_(maps.program()), message_(message), keeps_(std::make_shared<Internals>()) {
    draft_.maps = &maps;
    draft_.message = &message;
    context_ = {&draft_.arena, &message, &sender, &program_.systems};
    draft_.resources.reserve(24);
    draft_.writes.reserve(128);
    draft_.facts.reserve(16);
    keeps_->instances.reserve(24);
    keeps_->origins.reserve(128);
    keeps_->claims.reserve(160);
    keeps_->parts.reserve(512);
  }

  fhir::Result<Draft> run() {
    FHIR_CHECK(open());
    for (std::uint32_t segment = 0; segment < message_.segment_count(); ++segment) run_segment(segment);
    for (auto const& literal : literals_) run_literal(literal);
    tell_events();
    fill_defaults(false);
    Relations const relations(*keeps_);
    link_resources(draft_, *keeps_, relations);
    fill_defaults(true);
    give_keys(draft_, *keeps_, relations, context_.partner->name);
    finish_facts();
    context_.arena = nullptr;
    draft_.keeps = std::move(keeps_);
    return std::move(draft_);
  }

 private:
  struct Frame {
    Use const* use = nullptr;
    std::uint32_t use_index = 0;
    std::uint32_t segment = 0;
    std::uint32_t instance[4] = {kNone, kNone, kNone, kNone};
    int base_index[4] = {-1, -1, -1, -1};
  };
  struct Literal {
    Row const* row;
    Frame frame;
  };

  fhir::Result<void> open() {
    std::string_view const code = message_.message_code();
    std::string_view const trigger = message_.trigger_event();
    std::string_view const name = hl7v2::structure_of(message_);
    structure_ = program_.find_structure_for(code, trigger);
    if (structure_ == nullptr) structure_ = program_.find_structure(name);
    if (structure_ == nullptr)
      return fhir::error(fhir::IssueType::not_supported,
                         "no table translates " + std::string(code) + "^" + std::string(trigger) +
                             "; add a structure section for it",
                         {}, "MSH-9");
    draft_.structure = structure_->name;
    draft_.message_code = code;
    draft_.trigger_event = trigger;
    draft_.control_id = message_.control_id();
    draft_.timestamp = date_time(message_.raw({0, 7, 1, 1, 1}));
    auto const version = hl7v2::to_version(message_.version()).value_or(hl7v2::Version::v2_5_1);
    std::string_view const grammar = name.empty() ? draft_.structure : name;
    keeps_->structure = structure_;
    keeps_->grouping =
        hl7v2::group_segments(message_, hl7v2::find_structure(version, grammar).root, draft_.warnings);
    return refuse_two_people();
  }

  /// Two PID where the structure has one patient: one person told twice, or two who must not become one.
  fhir::Result<void> refuse_two_people() {
    auto const reads_one = [&](Use const& use) {
      return use.segment == "PID" && std::ranges::any_of(use.targets, [&](Use::Target const& target) {
               Role const& role = structure_->roles[target.role];
               return role.type == "Patient" && role.per == Role::Per::message;
             });
    };
    if (std::ranges::none_of(structure_->uses, reads_one)) return {};
    std::uint32_t first = kNone;
    for (std::uint32_t at = 0; at < message_.segment_count(); ++at) {
      if (message_.segment_id(at) != "PID") continue;
      if (first == kNone) first = at;
      if (at == first) continue;
      if (is_same_person(first, at)) {
        draft_.warnings.push_back(
            fhir::warning(fhir::IssueType::duplicate,
                          "the patient of this message once more: where the two differ, the later counts", {},
                          hl7v2::to_string(message_, Address{at, 0, 0, 0, 0})));
        continue;
      }
      return fhir::error(
          fhir::IssueType::structure,
          "a second patient in a message of one: send a message for each, or repeat a number of "
          "the first in PID-3 if it is one person",
          {}, hl7v2::to_string(message_, Address{at, 3, 0, 0, 0}));
    }
    return {};
  }

  /// One of their numbers is the same, of the same authority; without numbers, their names and births.
  bool is_same_person(std::uint32_t one, std::uint32_t other) const {
    auto const part = [&](std::uint32_t segment, std::uint16_t item, std::uint16_t component) {
      return message_.raw({segment, 3, item, component, 0});
    };
    auto const numbers_of = [&](std::uint32_t segment) {
      return static_cast<std::uint16_t>(message_.repetition_count(segment, 3));
    };
    bool numbered = false;
    for (std::uint16_t left = 1; left <= numbers_of(one); ++left) {
      for (std::uint16_t right = 1; right <= numbers_of(other); ++right) {
        if (part(one, left, 1).empty() || part(other, right, 1).empty()) continue;
        numbered = true;
        if (part(one, left, 1) == part(other, right, 1) && part(one, left, 4) == part(other, right, 4))
          return true;
      }
    }
    return !numbered && message_.raw({one, 5, 0, 0, 0}) == message_.raw({other, 5, 0, 0, 0}) &&
           message_.raw({one, 7, 0, 0, 0}) == message_.raw({other, 7, 0, 0, 0});
  }

  std::string_view date_time(std::string_view dtm) {
    types::In in(context_, dtm, Address{0, 7, 1, 1, 0});
    Element out;
    static types::Pair const* const pair = types::find_pair("DTM~dateTime");
    return pair->forward(in, out) ? out.text() : std::string_view{};
  }

  // ----------------------------------------------------------------------------------------------------
  // segments

  void run_segment(std::uint32_t segment) {
    std::string_view const id = message_.segment_id(segment);
    std::uint32_t const group = keeps_->grouping.group_of_segment[segment];
    for (std::uint32_t const at : structure_->uses_of(id)) {
      Use const& use = structure_->uses[at];
      if (!stands_in(keeps_->grouping, group, use.group)) continue;
      if (!use.when.empty() && !holds(use.when, message_, keeps_->grouping, segment)) continue;
      claim_guards(use.when, segment);
      Frame frame{&use, at, segment, {kNone, kNone, kNone, kNone}, {-1, -1, -1, -1}};
      bool complete = true;
      for (std::size_t target = 0; target < use.targets.size() && target < 4; ++target) {
        frame.instance[target] = instance_for(use.targets[target].role, segment);
        complete = complete && frame.instance[target] != kNone;
      }
      if (!complete) continue;
      std::size_t const first = draft_.writes.size();
      std::size_t const literals = literals_.size();
      for (Row const* const row : use.rows) run_row(*row, frame);
      if (!use.acts.empty()) act(frame, first, literals);
    }
  }

  /// An action code says what is done to the segment's item: D, DE and UN take it out, any other but S (a
  /// snapshot, as when none is given) adds or changes it (HL7 tables 0206 and 0287).
  void act(Frame const& frame, std::size_t first_write, std::size_t first_literal) {
    std::string_view code;
    for (Place const& place : frame.use->acts) {
      auto const segment = segment_in_scope(message_, keeps_->grouping, place.segment, frame.segment);
      if (segment && code.empty())
        code = message_.raw({*segment, place.field, 1, std::max<std::uint16_t>(place.component, 1), 1});
    }
    std::uint32_t const resource = keeps_->instances[frame.instance[0]].resource;
    if (code.empty() || code == "S" || code == kNull || resource == kNone || frame.base_index[0] < 0) return;
    keeps_->acts.push_back({frame.use_index, resource});
    if (code != "D" && code != "DE" && code != "UN") return;
    auto const& steps = frame.use->targets[0].base.steps;
    Element& content = draft_.resources[resource].content;
    // find() only walks.
    Element* const parent =
        steps.size() == 1 ? &content
                          : const_cast<Element*>(find(content, std::span(steps).first(steps.size() - 1)));
    Element* const items = parent == nullptr ? nullptr : parent->find(steps.back().name);
    auto const index = static_cast<std::size_t>(frame.base_index[0]);
    // It was added last: no other index moves.
    if (items == nullptr || index + 1 != items->size()) return;
    keeps_->acts.back().item = items->items()[index];
    items->remove_item(index);
    if (items->empty()) parent->remove(steps.back().name);
    literals_.erase(literals_.begin() + static_cast<std::ptrdiff_t>(first_literal), literals_.end());
    for (std::size_t at = first_write; at < draft_.writes.size(); ++at) {
      keeps_->origins[at].withdrawn = true;
      keeps_->origins[at].value = {};
      keeps_->origins[at].base_index = kNone;
    }
  }

  /// `use ... when PRD-1 = RP` reads PRD-1: reverse writes it back.
  void claim_guards(std::vector<Predicate> const& predicates, std::uint32_t segment) {
    for (Predicate const& predicate : predicates) {
      if (predicate.test != Predicate::Test::equals ||
          predicate.place.segment != message_.segment_id(segment))
        continue;
      claim_leaf({segment, predicate.place.field, predicate.place.repetition, 0, 0},
                 std::max<std::size_t>(predicate.place.component, 1));
    }
  }

  void claim_leaf(Address const& address, std::size_t part) {
    keeps_->claims.push_back(
        {address, static_cast<std::uint32_t>(keeps_->parts.size()), static_cast<std::uint32_t>(part)});
    keeps_->parts.resize(keeps_->parts.size() + part - 1, 0);
    keeps_->parts.push_back(1);
  }

  std::uint32_t instance_for(std::size_t role_index, std::uint32_t segment) {
    Role const& role = structure_->roles[role_index];
    std::uint32_t const here = keeps_->grouping.group_of_segment[segment];
    bool const own = role.per == Role::Per::segment && role.per_name == message_.segment_id(segment) &&
                     stands_in(keeps_->grouping, here, role.at);
    std::uint32_t group = 0;
    if (role.per == Role::Per::group && !keeps_->grouping.by_order) {
      for (group = here; group != 0 && keeps_->grouping.groups[group].name != role.per_name;)
        group = keeps_->grouping.groups[group].parent;
      if (group == 0) return kNone;
    }
    auto& instances = keeps_->instances;
    std::uint32_t ordinal = 1;
    for (std::uint32_t at = static_cast<std::uint32_t>(instances.size()); at-- > 0;) {
      Instance const& known = instances[at];
      if (known.role != role_index) continue;
      ordinal = std::max(ordinal, known.ordinal + 1);
      bool const same =
          role.per == Role::Per::segment
              ? (own ? known.segment == segment : is_within(keeps_->grouping, here, known.group))
              : known.group == group;
      if (same) return at;
    }
    if (role.per == Role::Per::segment && !own) return kNone;
    if (!role.when.empty() && !holds(role.when, message_, keeps_->grouping, segment)) return kNone;
    claim_guards(role.when, segment);
    instances.push_back({static_cast<std::uint32_t>(role_index),
                         role.per == Role::Per::segment ? here : group, own ? segment : kNone, ordinal,
                         kNone});
    return static_cast<std::uint32_t>(instances.size() - 1);
  }

  // ---------------------------------------------------------------------------------------------------- rows

  void run_row(Row const& row, Frame& frame) {
    if (!row.forward) return;
    if (row.kind == Row::Kind::literal_in) {
      if (row.v2_when.empty() || holds(row.v2_when, message_, keeps_->grouping, frame.segment))
        literals_.push_back({&row, frame});
      return;
    }
    bool guarded = !row.v2_when.empty();
    for (Place const& place : row.places) {
      std::uint32_t segment = frame.segment;
      if (place.segment != frame.use->segment) {
        auto const found = segment_in_scope(message_, keeps_->grouping, place.segment, frame.segment);
        if (!found) continue;
        segment = *found;
      }
      std::string_view const field = message_.raw({segment, place.field, 0, 0, 0});
      if (field.empty()) continue;
      if (guarded && !holds(row.v2_when, message_, keeps_->grouping, frame.segment)) return;
      guarded = false;
      if (row.kind == Row::Kind::drop) {
        draft_.dropped.push_back({segment, place.field, 0, place.component, place.subcomponent});
        continue;
      }
      bool const wrote = place.each ? run_repetitions(row, place, segment, field, frame)
                                    : run_one(row, place, segment, field, frame);
      if (wrote && row.places.size() > 1) claim_equals(row, place, field, frame);
      if (wrote) return;
    }
  }

  /// OBR-2 that repeats ORC-2 is accounted for by the row that read ORC-2; one that says something else loses
  /// to it, in sight.
  void claim_equals(Row const& row, Place const& read, std::string_view field, Frame const& frame) {
    for (Place const& other : row.places) {
      if (&other == &read) continue;
      auto const segment = other.segment == frame.use->segment
                               ? std::optional<std::uint32_t>(frame.segment)
                               : segment_in_scope(message_, keeps_->grouping, other.segment, frame.segment);
      if (!segment) continue;
      Address const whole{*segment, other.field, 0, 0, 0};
      std::string_view const found = message_.raw(whole);
      if (found == field && !keeps_->claims.empty()) {
        Claim same = keeps_->claims.back();
        same.address.segment = *segment;
        same.address.field = other.field;
        keeps_->claims.push_back(same);
      } else if (contradicts(found, field)) {
        draft_.warnings.push_back(
            fhir::warning(fhir::IssueType::conflict,
                          "row " + row.id + ": " + other.text() + " says something else than " + read.text() +
                              ", which is taken",
                          row.path.text, hl7v2::to_string(message_, {*segment, other.field, 1, 0, 0})));
      }
    }
  }

  /// Two values that begin otherwise. One that only says more or less of the same does not contradict.
  bool contradicts(std::string_view left, std::string_view right) const {
    auto const& d = message_.delimiters();
    auto const begin = [&](std::string_view value) {
      return value.substr(0, std::min({value.find(d.component), value.find(d.repetition), value.size()}));
    };
    return !begin(left).empty() && !begin(right).empty() && begin(left) != kNull &&
           begin(left) != begin(right);
  }

  bool run_repetitions(Row const& row, Place const& place, std::uint32_t segment, std::string_view field,
                       Frame& frame) {
    char const delimiter = message_.delimiters().repetition;
    bool wrote = false;
    for (std::uint16_t repetition = 1;; ++repetition) {
      auto const end = field.find(delimiter);
      wrote = run_value(row, {segment, place.field, repetition, place.component, place.subcomponent},
                        field.substr(0, end), frame) ||
              wrote;
      if (end == std::string_view::npos) return wrote;
      field.remove_prefix(end + 1);
    }
  }

  bool run_one(Row const& row, Place const& place, std::uint32_t segment, std::string_view field,
               Frame& frame) {
    char const delimiter = message_.delimiters().repetition;
    for (std::uint16_t skip = 1; skip < place.repetition; ++skip) {
      auto const end = field.find(delimiter);
      if (end == std::string_view::npos) return false;
      field.remove_prefix(end + 1);
    }
    return run_value(row, {segment, place.field, place.repetition, place.component, place.subcomponent},
                     field.substr(0, field.find(delimiter)), frame);
  }

  bool run_value(Row const& row, Address const& address, std::string_view raw, Frame& frame) {
    if (raw == kNull) {
      if (row.kind != Row::Kind::path) return false;
      note_write(row, address, frame, {}, true);
      claim_leaf({address.segment, address.field, address.repetition, 0, 0}, 1);
      return true;
    }
    if (address.component != 0) raw = message_.raw(address);
    if (raw.empty()) return false;
    types::In in(context_, raw, address);
    in.vocabulary = row.vocabulary;
    in.default_system = row.default_system;
    Element value;
    bool const is_read = row.pair->forward(in, value) && !value.is_null();
    if (!in.unmapped.empty())
      draft_.unmapped.push_back(
          {row.vocabulary->name, in.keep(in.unmapped), in.keep(in.peek(2)), &row, address});
    if (!is_read) {
      if (has_text(raw) && !row.pair->declines) {
        keeps_->unreadable.push_back(address);
        draft_.warnings.push_back(
            fhir::warning(fhir::IssueType::value,
                          "row " + row.id + ": the value is no " + std::string(row.pair->name) +
                              (row.vocabulary == nullptr ? "" : " of vocabulary " + row.vocabulary->name) +
                              "; it stays in the complement",
                          row.path.text, hl7v2::to_string(message_, address)));
      }
      return false;
    }
    std::size_t const first_claim = keeps_->claims.size();
    note_claims(in);
    if (row.kind == Row::Kind::fact) {
      draft_.facts.push_back({row.fact, structure_->roles[frame.use->targets[0].role].name, frame.instance[0],
                              1, value, address});
      return true;
    }
    write(row, address, value, frame);
    for (std::size_t at = first_claim; at < keeps_->claims.size(); ++at)
      keeps_->claims[at].write = static_cast<std::uint32_t>(draft_.writes.size() - 1);
    return true;
  }

  bool has_text(std::string_view raw) const {
    auto const& d = message_.delimiters();
    return std::ranges::any_of(raw,
                               [&](char c) { return c != d.component && c != d.subcomponent && c != '"'; });
  }

  void note_claims(types::In const& in) {
    auto& parts = keeps_->parts;
    keeps_->claims.push_back(
        {in.address(), static_cast<std::uint32_t>(parts.size()), static_cast<std::uint32_t>(in.size())});
    for (std::size_t part = 1; part <= in.size(); ++part) parts.push_back(in.claimed(part));
    if (in.claims_field()) claim_repetitions(in.address());
    for (std::uint16_t const sibling : in.siblings_read())
      claim_leaf({in.address().segment, static_cast<std::uint16_t>(sibling / 32), 1, 0, 0}, sibling % 32U);
  }

  /// Repetitions behind the first, whole.
  void claim_repetitions(Address const& first) {
    std::string_view const field = message_.raw({first.segment, first.field, 0, 0, 0});
    auto const count = std::ranges::count(field, message_.delimiters().repetition);
    for (auto repetition = 2; repetition <= count + 1; ++repetition) {
      keeps_->claims.push_back({{first.segment, first.field, static_cast<std::uint16_t>(repetition), 0, 0},
                                static_cast<std::uint32_t>(keeps_->parts.size()),
                                static_cast<std::uint32_t>(types::kPartsMax)});
      keeps_->parts.insert(keeps_->parts.end(), types::kPartsMax, ~std::uint32_t{0});
    }
  }

  DraftResource& resource_of(std::uint32_t instance_index) {
    Instance& instance = keeps_->instances[instance_index];
    if (instance.resource == kNone) {
      Role const& role = structure_->roles[instance.role];
      instance.resource = static_cast<std::uint32_t>(draft_.resources.size());
      DraftResource made;
      made.type = role.type;
      made.role = role.name;
      made.instance = instance.ordinal;
      made.content = Element::of_object();
      made.content.append_unchecked(draft_.arena, "resourceType", Element::of_string(role.type));
      draft_.resources.push_back(std::move(made));
    }
    return draft_.resources[instance.resource];
  }

  void note_write(Row const& row, Address const& address, Frame const& frame, Trail const& trail,
                  bool deletes) {
    resource_of(frame.instance[row.target]);
    Write made;
    made.row = &row;
    made.resource = keeps_->instances[frame.instance[row.target]].resource;
    made.address = address;
    made.deletes = deletes;
    std::ranges::copy(trail.indexes, made.indexes);
    draft_.writes.push_back(made);
    int const base = frame.base_index[row.target];
    keeps_->origins.push_back(
        {frame.use_index, frame.segment, base < 0 ? kNone : static_cast<std::uint32_t>(base)});
  }

  /// A segment before this one has the first item of the array.
  bool has_first(Frame const& frame, std::size_t target) const {
    std::uint32_t const resource = keeps_->instances[frame.instance[target]].resource;
    for (std::size_t at = 0; at < draft_.writes.size(); ++at) {
      Origin const& origin = keeps_->origins[at];
      if (draft_.writes[at].resource == resource && origin.use == frame.use_index && origin.base_index == 0)
        return true;
    }
    return false;
  }

  /// The element that the use's base path names for this segment: one item of its own for each segment.
  Element& base_of(Element& content, std::size_t target, Frame& frame, Trail& trail) {
    Path const& base = frame.use->targets[target].base;
    if (base.empty()) return content;
    if (frame.base_index[target] < 0 && base.steps.back().shares_first && !has_first(frame, target))
      frame.base_index[target] = 0;
    Element& item = reach(content, base.steps, draft_.arena, trail, frame.base_index[target]);
    if (frame.base_index[target] < 0 && base.steps.back().is_array())
      frame.base_index[target] = trail.indexes[trail.count - 1];
    return item;
  }

  /// What an earlier write of a resource put into an element that is about to change.
  struct Standing {
    std::size_t write;
    Element value;  ///< Its own copy.
  };

  /// The path of a write: the base of its use, then its row's own.
  std::vector<Step> const& base_steps(std::size_t write) const {
    return structure_->uses[keeps_->origins[write].use].targets[draft_.writes[write].row->target].base.steps;
  }
  std::string_view first_name(std::size_t write) const {
    auto const& base = base_steps(write);
    return base.empty() ? draft_.writes[write].row->path.steps[0].name : base[0].name;
  }

  std::vector<Standing> standing(std::uint32_t resource, std::string_view member) {
    std::vector<Standing> found;
    for (std::size_t at = 0; at < draft_.writes.size(); ++at) {
      Origin const& origin = keeps_->origins[at];
      if (draft_.writes[at].resource != resource || origin.value.is_null() || origin.overwritten ||
          first_name(at) != member)
        continue;
      found.push_back({at, fhir::json::deep_copy(draft_.arena, origin.value)});
    }
    return found;
  }

  void mark_overwritten(std::vector<Standing> const& before, Element& content) {
    for (Standing const& one : before) {
      Write const& write = draft_.writes[one.write];
      auto const& base = base_steps(one.write);
      auto const arrays = static_cast<std::size_t>(std::ranges::count_if(base, &Step::is_array));
      std::span<std::uint16_t const> const indexes = write.indexes;
      Element* place = follow(content, base, indexes);
      if (place != nullptr) place = follow(*place, write.row->path.steps, indexes.subspan(arrays));
      if (place == nullptr || !contains(*place, one.value)) keeps_->origins[one.write].overwritten = true;
    }
  }

  /// Whether writing the value takes something away that stands in the place.
  static bool takes_away(Element const& place, Element const& value, bool merges) {
    if (place.is_null()) return false;
    if (!merges || !place.is_object()) return !contains(value, place);
    return std::ranges::any_of(value.members(), [&](auto const& member) {
      Element const* const known = place.find(member.name);
      return known != nullptr && !contains(member.value, *known);
    });
  }

  /// Puts the value there; earlier writes that lose theirs by it no longer count as mapped.
  void put(Element& content, std::uint32_t resource, std::string_view member, Element& place,
           Element const& value, bool merges) {
    std::vector<Standing> before;
    if (takes_away(place, value, merges)) before = standing(resource, member);
    if (merges && place.is_object())
      merge(place, value, draft_.arena);
    else
      place = value;
    if (!before.empty()) mark_overwritten(before, content);
  }

  /// Two rows that write two types of one choice contradict each other: the later one stands.
  void clear_other_choices(Row const& row, Frame const& frame, Element& content) {
    if (!frame.use->targets[row.target].base.empty() || row.path.steps.empty()) return;
    for (std::string_view const other : displaced_by(content, row.path.steps[0].name)) {
      auto const before = standing(keeps_->instances[frame.instance[row.target]].resource, other);
      content.remove(other);
      mark_overwritten(before, content);
    }
  }

  void write(Row const& row, Address const& address, Element value, Frame& frame) {
    bool partial = false;
    if (!row.pair->resource.empty()) value = refer(row, address, value, frame, partial);
    Trail trail;
    {
      Element& content = resource_of(frame.instance[row.target]).content;
      clear_other_choices(row, frame, content);
      Element& base = base_of(content, row.target, frame, trail);
      Element& place = reach(base, row.path.steps, draft_.arena, trail);
      auto const& base_path = frame.use->targets[row.target].base.steps;
      Step const& last = row.path.steps.empty() ? base_path.back() : row.path.steps.back();
      bool const merges = row.pair->writes_parent || !last.conditions.empty();
      put(content, keeps_->instances[frame.instance[row.target]].resource,
          base_path.empty() ? row.path.steps[0].name : base_path[0].name, place, value, merges);
      if (!last.conditions.empty()) satisfy(place, last.conditions, draft_.arena);
    }
    note_write(row, address, frame, trail, false);
    keeps_->origins.back().value = value;
    keeps_->origins.back().partial = partial;
  }

  /// The resource that a value stands for, made once per key; the value becomes a Reference to it.
  Element refer(Row const& row, Address const& address, Element content, Frame const& frame, bool& partial) {
    Arena& arena = draft_.arena;
    Element whole = Element::of_object();
    whole.append_unchecked(arena, "resourceType", Element::of_string(row.pair->resource));
    for (auto const& member : content.members()) whole.append_unchecked(arena, member.name, member.value);
    Element const* const identifier =
        row.pair->resource == "Location" ? nullptr : content.at("identifier", 0);
    std::string key;
    bool const identified = identifier != nullptr && !identifier->text_at("system").empty();
    if (identified) {
      key = concatenated(
          {row.pair->resource, "|", identifier->text_at("system"), "|", identifier->text_at("value")});
    } else if (identifier == nullptr && content.find("identifier") != nullptr) {
      key = place_key(context_.partner->name, content);
    } else {
      Digest digest;
      digest.add(context_.partner->name);
      std::string_view const raw = message_.raw(address);
      digest.add(raw.substr(0, raw.find(message_.delimiters().repetition)));
      key = concatenated({row.pair->resource, "|", digest.hex()});
    }
    (void)frame;
    auto const next = static_cast<std::uint32_t>(draft_.resources.size());
    std::uint32_t const* const known = made_.find(key);
    if (known != nullptr) {
      partial = !contains(draft_.resources[*known].content, whole);
      return reference_to(arena, *known);
    }
    made_.try_emplace(arena.copy(key), next);
    DraftResource made;
    made.type = row.pair->resource;
    made.key = std::move(key);
    made.key_is_identifier = identified;
    if (identified) made.identifiers.push_back(made.key.substr(made.type.size() + 1));
    made.content = whole;
    draft_.resources.push_back(std::move(made));
    return reference_to(arena, draft_.resources.size() - 1);
  }

  void run_literal(Literal const& literal) {
    Frame frame = literal.frame;
    Instance const& instance = keeps_->instances[frame.instance[literal.row->target]];
    if (instance.resource == kNone) return;
    Path const& base = frame.use->targets[literal.row->target].base;
    if (!base.empty() && base.steps.back().is_array() && frame.base_index[literal.row->target] < 0) return;
    Trail trail;
    Element& content = draft_.resources[instance.resource].content;
    Element& place = reach(base_of(content, literal.row->target, frame, trail), literal.row->path.steps,
                           draft_.arena, trail);
    if (!place.is_null() && !place.empty()) return;
    place = literal_element(literal.row->literal);
    note_write(*literal.row, Address{literal.frame.segment, 0, 0, 0, 0}, frame, trail, false);
  }

  static Element literal_element(std::string_view text) {
    if (text == "true" || text == "false") return Element::of_boolean(text == "true");
    if (!text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos)
      return Element::of_number(text);
    return Element::of_string(text);
  }

  // ----------------------------------------------------------------------------------------------------
  // after the rows

  /// Effects and the status of new resources; what apply() needs for known ones is kept.
  void tell_events() {
    for (Instance const& instance : keeps_->instances) {
      EventTable const* const table = structure_->roles[instance.role].events;
      if (instance.resource == kNone || table == nullptr) continue;
      bool chosen = false;
      for (EventRow const& row : table->rows) {
        bool const told = std::ranges::any_of(row.events, [&](auto const& event) {
          return event.first == draft_.message_code && event.second == draft_.trigger_event;
        });
        std::uint32_t const seen_from =
            instance.segment == kNone ? first_segment_of(instance.group) : instance.segment;
        if (!told || !row.forward || !holds(row.v2_when, message_, keeps_->grouping, seen_from)) continue;
        Pending pending{instance.resource, &row, {}};
        for (EventRow::Effect const& effect : row.effects) pending.values.push_back(effect_value(effect));
        Element& content = draft_.resources[instance.resource].content;
        if (!chosen && row.holds_before({}) && holds_guards(row, content)) {
          chosen = true;
          apply_event(instance.resource, *table, row, pending.values);
        }
        keeps_->pending.push_back(std::move(pending));
      }
      end_items(instance.resource, *table);
    }
  }

  /// Rows of every message, by the status that this one gives a new resource.
  void end_items(std::uint32_t resource, EventTable const& table) {
    Element& content = draft_.resources[resource].content;
    Element const* const status = find(content, table.path.steps);
    for (EventRow const& row : table.rows) {
      if (!row.always) continue;
      Pending ending{resource, &row, {}};
      for (EventRow::Effect const& effect : row.effects) ending.values.push_back(effect_value(effect));
      bool const is_over = status != nullptr && row.holds_before(status->text());
      for (std::size_t at = 0; is_over && at < row.effects.size(); ++at)
        end_item(content, row.effects[at], nullptr, {.until = ending.values[at]}, draft_.arena);
      keeps_->endings.push_back(std::move(ending));
    }
  }

  static bool holds_guards(EventRow const& row, Element const& content) {
    return std::ranges::all_of(row.when, [&](Predicate const& predicate) {
      // What a message cannot say (changed, was) is no guard on its way in.
      if (predicate.test == Predicate::Test::changed || predicate.test == Predicate::Test::was) return true;
      return find(content, predicate.path.steps) == nullptr || holds(predicate, nullptr, content);
    });
  }

  void apply_event(std::uint32_t resource, EventTable const& table, EventRow const& row,
                   std::vector<Element> const& values) {
    Element& content = draft_.resources[resource].content;
    Trail trail;
    if (row.sets_status())
      put(content, resource, table.path.steps[0].name, reach(content, table.path.steps, draft_.arena, trail),
          literal_element(row.after), false);
    for (std::size_t at = 0; at < values.size(); ++at) {
      if (row.effects[at].kind != EventRow::Effect::Kind::set || values[at].is_null()) continue;
      Trail way;
      auto const& steps = row.effects[at].path.steps;
      put(content, resource, steps[0].name, reach(content, steps, draft_.arena, way), values[at], false);
    }
  }

  Element effect_value(EventRow::Effect const& effect) {
    if (!effect.literal.empty()) return literal_element(effect.literal);
    return first_value(effect.places, effect.pair);
  }

  Element first_value(std::vector<Place> const& places, types::Pair const* pair) {
    for (Place const& place : places) {
      auto const segment = message_.find_segment(place.segment);
      if (!segment) continue;
      Address const address{static_cast<std::uint32_t>(*segment), place.field, place.repetition,
                            place.component, place.subcomponent};
      std::string_view const raw = message_.raw(address);
      if (raw.empty() || raw == kNull) continue;
      types::In in(context_, raw, address);
      Element value;
      if (!pair->forward(in, value)) continue;
      note_claims(in);
      return value;
    }
    return {};
  }

  /// A list that links fill (Appointment.participant) is looked at after them.
  bool is_filled_by_links(Default const& made) const {
    Step const& first = made.path.steps[0];
    return first.is_array() && first.conditions.empty() &&
           std::ranges::any_of(structure_->links, [&](Link const& link) {
             return link.source == made.role && link.path.steps[0].name == first.name;
           });
  }

  void fill_defaults(bool after_links) {
    std::set<std::pair<std::uint32_t, std::string_view>> made_arrays;  // by resource and name
    for (Default const& made : structure_->defaults) {
      for (Instance const& instance : keeps_->instances) {
        if (instance.role != made.role || instance.resource == kNone) continue;
        if (is_filled_by_links(made) != after_links) continue;
        Element& content = draft_.resources[instance.resource].content;
        if (find(content, made.path.steps) != nullptr) continue;
        // What stands in an array is not filled up with what is said in place of it.
        Step const& first = made.path.steps[0];
        bool const is_plain_array = first.is_array() && first.conditions.empty();
        bool const is_ours = made_arrays.contains({instance.resource, first.name});
        if (is_plain_array && content.find(first.name) != nullptr && !is_ours) continue;
        if (made.is_absent && !displaced_by(content, first.name).empty()) continue;
        std::uint32_t const seen_from =
            instance.segment == kNone ? first_segment_of(instance.group) : instance.segment;
        if (!made.when.empty() && !holds(made.when, message_, keeps_->grouping, seen_from)) continue;
        if (is_plain_array) made_arrays.insert({instance.resource, first.name});
        Element value;
        if (made.is_absent) {
          content.set(draft_.arena, draft_.arena.copy("_" + first.name), absent_reason(draft_.arena));
          continue;
        }
        if (made.constant != nullptr)
          value = constant_element(*made.constant, draft_.arena);
        else if (made.pair != nullptr)
          value = first_value(made.places, made.pair);
        else if (made.is_number_or_boolean && made.literal != "true" && made.literal != "false")
          value = Element::of_number(made.literal);
        else
          value = literal_element(made.literal);
        if (value.is_null()) continue;
        Trail trail;
        reach(content, made.path.steps, draft_.arena, trail) = value;
        if (made.path.text == "status") draft_.resources[instance.resource].new_only_status = true;
      }
    }
  }

  std::uint32_t first_segment_of(std::uint32_t group) const {
    auto const& groups = keeps_->grouping.group_of_segment;
    auto const found = std::ranges::find(groups, group);
    return found == groups.end() ? 0 : static_cast<std::uint32_t>(found - groups.begin());
  }

  void finish_facts() {
    for (Fact& fact : draft_.facts) {
      if (fact.resource >= keeps_->instances.size()) continue;
      Instance const& instance = keeps_->instances[fact.resource];
      fact.instance = instance.ordinal;
      fact.resource = instance.resource;
    }
  }

  Program const& program_;
  hl7v2::Message const& message_;
  Structure const* structure_ = nullptr;
  Draft draft_;
  std::shared_ptr<Internals> keeps_;
  types::Context context_;
  std::vector<Literal> literals_;
  FlatMap<std::string_view, std::uint32_t> made_;  // resources of type pairs, by key
};

}  // namespace

fhir::Result<Draft> forward(Maps const& maps, hl7v2::Message const& message, PartnerProfile const& sender) {
  return Translation(maps, message, sender).run();
}

}  // namespace mappings::language
