/// Compiled tables: what compile() makes of map files and what forward, reverse and apply run. Internal to
/// this room.
#pragma once

#include "mappings/language/translator.hpp"
#include "mappings/types/pair.hpp"
#include "mappings/types/vocabulary.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mappings::language {

/// `constant MR CodeableConcept http://... MR Medical record number`
struct Constant {
  std::string name;
  bool is_concept = false;  ///< CodeableConcept, else Coding
  std::string system, code, display;
};

struct Condition;

/// One name of a FHIR path and which item of it is meant.
struct Step {
  enum class Pick : std::uint8_t { single, each, index, match, match_each };
  std::string name;
  Pick pick = Pick::single;
  std::uint16_t index = 0;
  std::vector<Condition> conditions;
  bool choice = false;        ///< value[x]
  bool shares_first = false;  ///< `[0]*`: the first of each is the item that `[0]` names.
  bool is_array() const { return pick != Pick::single; }
};

struct Path {
  std::string text;  ///< As written.
  std::vector<Step> steps;
  bool empty() const { return steps.empty(); }
};

/// `type=$PLAC` of a discriminator.
struct Condition {
  Path path;
  bool creates = true;  ///< false: `?=` and `->`
  Constant const* constant = nullptr;
  std::string text;                     ///< When there is no constant.
  std::string target;                   ///< `actor->Practitioner`: the type that it refers to.
  std::vector<Condition> alternatives;  ///< `or`: any of them is enough to match.
};

/// A v2 place: `PV1-7*.9`.
struct Place {
  std::string segment;
  std::uint16_t field = 0;
  std::uint16_t repetition = 1;
  std::uint16_t component = 0;
  std::uint16_t subcomponent = 0;
  bool each = false;
  std::string text() const;
};

struct Predicate {
  /// first, further: of a place: its segment is the first of its name in the message or comes after that one.
  enum class Test : std::uint8_t { equals, differs, valued, empty, changed, was, same, first, further };
  bool is_fhir = false;
  Place place;
  Path path;
  Path other;  ///< same: the element that says the same, or lacks as well.
  Test test = Test::valued;
  std::vector<std::string> values;
};

struct SourceAt {
  std::string file;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

struct Row {
  enum class Kind : std::uint8_t { path, fact, literal_in, literal_out, drop };  // literal_in: '..' -> FHIR
  std::string id;
  SourceAt at;
  Kind kind = Kind::path;
  std::vector<Place> places;
  std::string literal;  ///< literal_in, literal_out; the reason of a drop
  std::string fact;
  std::size_t target = 0;  ///< Which of the section's targets.
  Path path;
  types::Pair const* pair = nullptr;
  types::Vocabulary const* vocabulary = nullptr;
  std::string default_system;
  std::vector<Predicate> v2_when, fhir_when;
  bool forward = true, reverse = true;
  std::string reason;
  Update update = Update::set;
  char row_class = 'I';
  std::string v2_text, fhir_text;
};

struct SegmentMap {
  std::string name;     ///< "NTE"
  std::string variant;  ///< "report" of NTE/report
  std::vector<std::string> targets;
  std::vector<Row> rows;
  SourceAt at;
};

/// `kept 2 4 35-39 : why`: fields that stay in the complement on purpose.
struct Kept {
  std::string segment;
  std::uint16_t first = 0,
                last = 0;  ///< 0: every field of the segment that has neither row nor line of its own.
  std::string reason;
  SourceAt at;
};

/// One line of an event table: a trigger event and the change of status that it means.
struct EventRow {
  struct Effect {
    enum class Kind : std::uint8_t { set, remove, keep, unkeep, end, reopen };
    Kind kind = Kind::set;
    Path path;
    Path from;  ///< Of keep and unkeep: what is kept. Of end and reopen: the item as it was before.
    Path at;    ///< Of end and reopen: where the resource says when.
    std::vector<Place> places;
    std::string literal;
    types::Pair const* pair = nullptr;
  };
  std::string id;
  SourceAt at;
  std::vector<std::pair<std::string, std::string>> events;  ///< ("ADT", "A03"); empty: a rule for values
  std::vector<std::string> before;                          ///< "any", "none", codes
  std::string after;                                        ///< "same", "told" or a code
  std::vector<Predicate> v2_when;  ///< What the message must say; backward it is what is written.
  std::vector<Predicate> when;
  bool always = false;  ///< Event `*`: whatever the message, where the status is then one of `before`.
  bool forward = true;  ///< false: `< ORM^O01`, a message that asks for the change and does not make it.
  std::vector<Effect> effects;
  bool holds_before(std::string_view status) const;  ///< "" is none.
  /// The event itself moves no status: it stays, or the rows of the message tell it.
  bool leaves_status() const { return after == "same" || after == "told"; }
  bool sets_status() const { return !leaves_status() && after != "any"; }
};

struct EventTable {
  std::string type;  ///< "Encounter"
  std::string role;  ///< "visit" or "" for all
  Path path;         ///< status
  SourceAt at;
  std::vector<EventRow> rows;
};

struct Role {
  enum class Per : std::uint8_t { message, group, segment };
  std::string type, name;
  Per per = Per::message;
  std::string per_name;
  std::string at;  ///< Group of a per SEGMENT role, "" for any.
  std::vector<Predicate> when;
  std::vector<Predicate> fhir_when;  ///< Reverse: what tells a resource of this role from others of its type.
  EventTable const* events = nullptr;
  SourceAt source;
};

struct Use {
  struct Target {
    std::size_t role = 0;
    Path base;
  };
  std::string segment, variant;
  std::string group;  ///< "" anywhere, "root" the message
  std::vector<Predicate> when;
  std::vector<Place> acts;  ///< Where the code stands that says what is done to the item (tables 0206, 0287).
  std::vector<Path> by;     ///< What tells the items of its array apart.
  std::vector<Target> targets;
  std::vector<Row const*> rows;
  SourceAt at;
  std::vector<Row const*> reverse_rows;  ///< Those that read an element, in reverse.
  /// Beside each of them: the rows whose discriminator claims items of the array that it takes the rest of.
  std::vector<std::vector<Row const*>> rivals;
  std::vector<std::uint32_t> twins;  ///< Uses of the same rows for the same role in another group.
  bool has_facts = false;            ///< Facts that reverse writes.
  bool has_literals = false;         ///< '..' rows that reverse writes; `only_literals`: it has no others.
  bool only_literals = false;
};

struct Link {
  std::size_t source = 0;
  Path path;
  std::string names;  ///< Of the path without marks: "location.location".
  std::size_t target = 0;
  bool inward = false;  ///< Reverse does not follow it.
  std::string within;   ///< The source stands for its enclosing group of this name; "" for where it stands.
  SourceAt at;
  bool has_twin = false;  ///< A per-segment role's link whose place another role of the same type has, too.
};

struct Key {
  struct Alternative {
    Path identifier;
    bool within = false;
    std::size_t parent = 0;
    std::vector<Path> by;
  };
  std::size_t role = 0;
  std::vector<Alternative> alternatives;
  SourceAt at;
};

struct Default {
  std::size_t role = 0;
  Path path;
  Constant const* constant = nullptr;
  std::string literal;
  bool is_number_or_boolean = false;
  bool is_absent = false;  ///< The element says why it has no value (data-absent-reason unknown).
  std::vector<Place> places;
  types::Pair const* pair = nullptr;
  std::vector<Predicate> when;
  SourceAt at;
  bool marks = false;  ///< `mark`: who has this value has this role, in reverse.
};

/// What writes an element of a role's resource; the rest of the element is lost in reverse.
struct Cover {
  std::string name;
  bool choice = false;             ///< Any name that begins with it.
  bool whole = false;              ///< All of it.
  std::vector<Path const*> parts;  ///< Of rows that write part of it.
};

struct Structure {
  std::string name;
  SourceAt at;
  std::vector<std::pair<std::string, std::string>> events;
  std::vector<Role> roles;
  std::vector<Use> uses;
  std::vector<Link> links;
  std::vector<Key> keys;
  std::vector<Default> defaults;
  std::size_t anchor = SIZE_MAX;
  std::vector<std::vector<Cover>> covers;  ///< By role.
  /// The uses of each segment, in order.
  std::vector<std::pair<std::string, std::vector<std::uint32_t>>> uses_of_segment;
  std::span<std::uint32_t const> uses_of(std::string_view segment) const;
  // By role, in order, found once by index_structure():
  std::vector<std::vector<std::uint32_t>> uses_of_role;  ///< The uses that have it among their targets.
  std::vector<std::vector<std::uint32_t>> links_from, links_to;  ///< The links that start and end there.
  /// Whether links lead to the role from the anchor without passing through one of the whole message. When a
  /// message may hold several anchors, what their patient is named by besides need not belong to this one.
  std::vector<bool> near_anchor;
  std::size_t find_role(std::string_view name) const;  ///< SIZE_MAX when there is none.
};

/// What forward and reverse ask of a structure for each message, looked up once. Its uses have their rows.
void index_structure(Structure& structure);

/// Everything, at addresses that stay.
struct Program {
  std::string hash, version;
  types::CodeSystems systems;
  std::deque<types::Vocabulary> vocabularies;
  std::deque<Constant> constants;
  std::deque<SegmentMap> segments;
  std::vector<Kept> kept;  // by segment
  std::deque<Row> structure_rows;
  std::deque<EventTable> events;
  std::deque<Structure> structures;

  Structure const* find_structure(std::string_view name) const;
  Structure const* find_structure_for(std::string_view code, std::string_view trigger) const;
  types::Vocabulary const* find_vocabulary(std::string_view name) const;
  Constant const* find_constant(std::string_view name) const;
  EventTable const* find_events(std::string_view type, std::string_view role) const;
  void add_kept(Kept line);
  /// The declared reason why a field has no row, "" when nobody gave one.
  std::string_view why_kept(std::string_view segment, std::uint16_t field) const;
};

}  // namespace mappings::language
