/// Map files to a Program: sections are gathered first, then read in the order in which they need each other
/// (vocabularies, events, segments, structures). Every fault is reported; nothing is compiled in part.
#include "mappings/language/digest.hpp"
#include "mappings/language/program.hpp"
#include "mappings/language/text.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace mappings::language {

namespace {

constexpr std::string_view kTables = "http://terminology.hl7.org/CodeSystem/";

struct Section {
  std::string_view kind;
  Line head;
  std::vector<Cell> words;  ///< of the head
  std::vector<Line> lines;
  bool overlay = false;
};

bool has_wildcard(Path const& path) {
  return std::ranges::any_of(path.steps, [](Step const& step) {
    return step.pick == Step::Pick::each || step.pick == Step::Pick::match_each;
  });
}

class Compiler {
 public:
  explicit Compiler(std::span<SourceFile const> files)
      : files_(files), program_(std::make_shared<Program>()) {}

  Compilation run() {
    gather();
    read_vocabularies();
    read_event_tables();
    read_segments();
    read_structures();
    bind_uses();
    check_discriminators();
    Digest digest;
    for (SourceFile const& file : files_) {
      digest.add(file.name);
      digest.add(file.text);
    }
    program_->hash = digest.hex().substr(0, 16);
    program_->version = "handoff-" + program_->hash;
    Compilation compilation{std::nullopt, std::move(issues_)};
    bool const failed = std::ranges::any_of(
        compilation.issues, [](fhir::Issue const& issue) { return issue.severity <= fhir::Severity::error; });
    if (!failed) compilation.maps.emplace(std::move(program_));
    return compilation;
  }

 private:
  // ----------------------------------------------------------------------------------------------------
  // reporting

  void report(fhir::Severity severity, Line const& line, std::uint32_t column, std::string_view row,
              std::string what) {
    std::string source =
        std::string(line.file) + ":" + std::to_string(line.number) + ":" + std::to_string(column);
    if (!row.empty()) source.append(" ").append(row);
    issues_.push_back({severity, fhir::IssueType::structure, std::move(what), {}, std::move(source)});
  }
  void fail(Line const& line, std::uint32_t column, std::string_view row, std::string what) {
    report(fhir::Severity::error, line, column, row, std::move(what));
  }
  void fail(Line const& line, Cell const& cell, Fault const& fault, std::string_view row) {
    fail(line, cell.column + static_cast<std::uint32_t>(fault.offset), row, fault.what);
  }

  // ----------------------------------------------------------------------------------------------------
  // sections

  void gather() {
    static constexpr std::array<std::string_view, 4> kSections = {"segment", "structure", "events",
                                                                  "vocabulary"};
    for (SourceFile const& file : files_) {
      Section* section = nullptr;
      bool overlay = false;
      for (Line const& line : split_lines(file.name, file.text)) {
        auto const words = split_words({line.text, line.column});
        std::string_view const first = words[0].text;
        if (std::ranges::find(kSections, first) != kSections.end() && !line.is_row()) {
          section = &sections_.emplace_back(Section{first, line, words, {}, overlay});
        } else if (first == "overlay" && words.size() == 2) {
          overlay = true;
          section = nullptr;
        } else if (first == "disable" && words.size() == 2) {
          disabled_.emplace(words[1].text);
        } else if (first == "system" && words.size() == 3) {
          program_->systems.names.push_back({std::string(words[1].text), std::string(words[2].text)});
        } else if (first == "constant") {
          read_constant(line, words);
        } else if (section != nullptr) {
          section->lines.push_back(line);
        } else {
          fail(line, line.column, "",
               "a section is expected: segment, structure, events, vocabulary, or constant, system, overlay, "
               "disable");
        }
      }
    }
  }

  template <class F>
  void each_section(std::string_view kind, F&& read) {
    for (Section const& section : sections_) {
      if (section.kind == kind) read(section);
    }
  }

  // ----------------------------------------------------------------------------------------------------
  // vocabulary

  void read_constant(Line const& line, std::vector<Cell> const& words) {
    bool const shaped =
        words.size() >= 5 && (words[2].text == "CodeableConcept" || words[2].text == "Coding");
    if (!shaped)
      return fail(line, line.column, "", "constant NAME CodeableConcept|Coding SYSTEM CODE [display]");
    if (program_->find_constant(words[1].text) != nullptr)
      return fail(line, words[1].column, "",
                  "constant " + std::string(words[1].text) + " is declared twice; remove one");
    std::string display;
    if (words.size() > 5) display = line.text.substr(words[5].column - line.column);
    program_->constants.push_back({std::string(words[1].text), words[2].text == "CodeableConcept",
                                   std::string(words[3].text), std::string(words[4].text),
                                   std::move(display)});
  }

  static std::string system_uri(std::string_view name) {
    if (name.starts_with("HL7") && name.size() == 7)
      return std::string(kTables) + "v2-" + std::string(name.substr(3));
    if (name.starts_with("v2-") || name.starts_with("v3-")) return std::string(kTables) + std::string(name);
    return std::string(name);
  }

  void read_vocabularies() {
    each_section("vocabulary", [&](Section const& section) {
      if (section.words.size() != 5 || section.words[3].text != "->")
        return fail(section.head, section.head.column, "", "vocabulary NAME V2-SYSTEM -> FHIR-SYSTEM");
      std::string_view const name = section.words[1].text;
      types::Vocabulary* vocabulary = nullptr;
      for (auto& known : program_->vocabularies) {
        if (known.name == name) vocabulary = &known;
      }
      if (vocabulary != nullptr && !section.overlay)
        return fail(section.head, section.words[1].column, "",
                    "vocabulary " + std::string(name) +
                        " is declared twice; merge the two, or start the file with 'overlay NAME'");
      if (vocabulary == nullptr) vocabulary = &program_->vocabularies.emplace_back();
      vocabulary->name = name;
      vocabulary->v2_system = system_uri(section.words[2].text);
      vocabulary->fhir_system = system_uri(section.words[4].text);
      for (Line const& line : section.lines) read_entry(line, *vocabulary, section.overlay);
    });
  }

  void read_entry(Line const& line, types::Vocabulary& vocabulary, bool overlay) {
    auto const words = split_words({line.text, line.column});
    bool const formed =
        words.size() >= 3 && (words[1].text == "<->" || words[1].text == "->" || words[1].text == "<-");
    if (!formed)
      return fail(line, line.column, vocabulary.name,
                  "CODE <-> code, CODE -> code or CODE <- code, then a display in quotes");
    types::Vocabulary::Entry entry;
    entry.v2 = unquoted(words[0].text);
    entry.forward = words[1].text != "<-";
    entry.reverse = words[1].text != "->";
    std::string_view const target = words[2].text;
    auto const bar = target.rfind('|');
    entry.target.system =
        bar == std::string_view::npos ? vocabulary.fhir_system : system_uri(target.substr(0, bar));
    entry.target.code = unquoted(bar == std::string_view::npos ? target : target.substr(bar + 1));
    if (words.size() > 3) entry.target.display = unquoted(words[3].text);
    if (words.size() > 4)
      return fail(line, words[4].column, vocabulary.name,
                  "nothing is expected here; put the display in quotes");
    if (entry.v2 == "*") {
      if (words[1].text != "->")
        return fail(line, words[1].column, vocabulary.name,
                    "'*' stands for any other code: only -> makes sense");
      vocabulary.otherwise = entry.target;
      return;
    }
    for (auto known = vocabulary.entries.begin(); known != vocabulary.entries.end(); ++known) {
      bool const same_v2 =
          entry.forward && known->forward && types::equals_ignoring_case(known->v2, entry.v2);
      bool const same_fhir = entry.reverse && known->reverse && known->target.system == entry.target.system &&
                             known->target.code == entry.target.code;
      if (overlay && (same_v2 || same_fhir)) {
        if (same_v2) known->forward = false;
        if (same_fhir) known->reverse = false;
        continue;
      }
      if (same_v2)
        return fail(line, words[0].column, vocabulary.name,
                    entry.v2 + " has two targets (" + known->target.code + ", " + entry.target.code +
                        "); make one of them <-");
      if (same_fhir)
        return fail(line, words[2].column, vocabulary.name,
                    entry.target.code + " has two v2 codes (" + known->v2 + ", " + entry.v2 +
                        "); make the less preferred one ->");
    }
    vocabulary.entries.push_back(std::move(entry));
  }

  static std::string_view unquoted(std::string_view text) {
    bool const quoted =
        text.size() >= 2 && (text.front() == '"' || text.front() == '\'') && text.back() == text.front();
    return quoted ? text.substr(1, text.size() - 2) : text;
  }

  // ----------------------------------------------------------------------------------------------------
  // parts of rows

  bool read_path_cell(Line const& line, Cell const& cell, std::string_view id, Path& path) {
    Fault fault;
    auto read = read_path(cell.text, *program_, fault);
    if (!read) return fail(line, cell, fault, id), false;
    path = std::move(*read);
    return true;
  }

  bool read_places(Line const& line, Cell const& cell, std::string_view id, std::vector<Place>& places) {
    for (Cell const& piece : split_at(cell, " else ")) {
      Fault fault;
      auto place = read_place(piece.text, fault);
      if (!place) return fail(line, piece, fault, id), false;
      places.push_back(std::move(*place));
    }
    return true;
  }

  bool read_predicates(Line const& line, Cell const& cell, std::string_view id, bool fhir_side,
                       std::vector<Predicate>& predicates) {
    if (cell.text.empty()) return true;
    for (Cell const& piece : split_at(cell, " and ")) {
      Fault fault;
      auto predicate = read_predicate(piece.text, fhir_side, *program_, fault);
      if (!predicate) return fail(line, piece, fault, id), false;
      predicates.push_back(std::move(*predicate));
    }
    return true;
  }

  types::Pair const* read_pair(Line const& line, Cell const& cell, std::string_view id) {
    types::Pair const* const pair = types::find_pair(cell.text);
    if (pair == nullptr) {
      std::string what = "there is no type pair '" + std::string(cell.text) + "'";
      auto const tilde = cell.text.find('~');
      std::string_view const wanted =
          tilde == std::string_view::npos ? cell.text : cell.text.substr(tilde + 1);
      std::string like;
      for (std::string_view const name : types::pair_names()) {
        if (name.substr(name.find('~') + 1) == wanted) like.append(like.empty() ? "" : ", ").append(name);
      }
      fail(line, cell.column, id,
           what + (like.empty() ? "; see the list in mappings/language/README.md"
                                : "; for this FHIR type: " + like));
    }
    return pair;
  }

  // ----------------------------------------------------------------------------------------------------
  // event tables

  void read_event_tables() {
    each_section("events", [&](Section const& section) {
      if (section.words.size() != 2)
        return fail(section.head, section.head.column, "",
                    "events Type#role.element, as in events Encounter#visit.status");
      EventTable table;
      Cell const head = section.words[1];
      auto const dot = head.text.find('.');
      if (dot == std::string_view::npos)
        return fail(section.head, head.column, "",
                    "events Type#role.element, as in events Encounter#visit.status");
      std::string_view const owner = head.text.substr(0, dot);
      auto const hash = owner.find('#');
      table.type = owner.substr(0, hash);
      if (hash != std::string_view::npos) table.role = owner.substr(hash + 1);
      if (!read_path_cell(section.head,
                          {head.text.substr(dot + 1), head.column + static_cast<std::uint32_t>(dot + 1)}, "",
                          table.path))
        return;
      EventTable* known = nullptr;
      for (EventTable& other : program_->events) {
        if (other.type == table.type && other.role == table.role) known = &other;
      }
      if (known == nullptr) known = &program_->events.emplace_back(std::move(table));
      for (Line const& line : section.lines) read_event_row(line, *known, section.overlay);
    });
  }

  void read_event_row(Line const& line, EventTable& table, bool overlay) {
    auto const cells = split_cells(line);
    EventRow row;
    row.id = cells[0].text;
    row.at = {std::string(line.file), line.number, line.column};
    if (cells.size() < 3)
      return fail(line, line.column, row.id,
                  "an event row is: id | event | before -> after | when | effects");
    if (disabled_.contains(row.id)) return;
    if (cells[1].text != "-") {
      for (Cell const& word : split_words(cells[1])) {
        if (word.text == "<") {
          row.forward = false;
          continue;
        }
        auto const caret = word.text.find('^');
        if (caret == std::string_view::npos)
          return fail(line, word.column, row.id,
                      "an event is written CODE^TRIGGER, as in ADT^A03, or - for a rule for values");
        row.events.emplace_back(word.text.substr(0, caret), word.text.substr(caret + 1));
      }
    }
    auto const sides = split_at(cells[2], "->");
    if (sides.size() != 2 || sides[0].text.empty() || sides[1].text.empty() ||
        sides[1].text.find(' ') != std::string_view::npos)
      return fail(line, cells[2].column, row.id,
                  "write: before before ... -> after (none, any and same are words of their own)");
    for (Cell const& word : split_words(sides[0])) row.before.emplace_back(word.text);
    row.after = sides[1].text;
    if (cells.size() > 3 && !read_event_guards(line, cells[3], row)) return;
    if (cells.size() > 4 && !read_effects(line, cells[4], row)) return;
    if (cells.size() > 5) return fail(line, cells[5].column, row.id, "an event row has at most five columns");
    auto const same = std::ranges::find(table.rows, row.id, &EventRow::id);
    if (same != table.rows.end() && overlay) {
      *same = std::move(row);
      return;
    }
    if (claim(line, row.id, overlay)) table.rows.push_back(std::move(row));
  }

  bool read_event_guards(Line const& line, Cell const& cell, EventRow& row) {
    auto const sides = split_at(cell, ";");
    if (sides.size() == 1) return read_predicates(line, cell, row.id, true, row.when);
    if (sides.size() > 2)
      return fail(line, sides[2].column, row.id, "a guard has two sides: v2 predicates ; FHIR predicates"),
             false;
    return read_predicates(line, sides[0], row.id, false, row.v2_when) &&
           read_predicates(line, sides[1], row.id, true, row.when);
  }

  bool read_effects(Line const& line, Cell const& cell, EventRow& row) {
    if (cell.text.empty()) return true;
    for (Cell const& piece : split_at(cell, ";")) {
      EventRow::Effect effect;
      auto const words = split_words(piece);
      if (words.size() == 2 && words[0].text == "remove") {
        effect.removes = true;
        if (!read_path_cell(line, words[1], row.id, effect.path)) return false;
      } else {
        auto const sides = split_at(piece, " = ");
        if (sides.size() != 2)
          return fail(line, piece.column, row.id,
                      "an effect is: PATH = V2 [else V2] [as PAIR], PATH = 'literal' or remove PATH"),
                 false;
        if (!read_path_cell(line, sides[0], row.id, effect.path)) return false;
        if (!read_value(line, sides[1], row.id, effect.places, effect.literal, effect.pair)) return false;
      }
      row.effects.push_back(std::move(effect));
    }
    return true;
  }

  /// `PV1-45 else EVN-2 as DTM~dateTime`, or `'literal'`.
  bool read_value(Line const& line, Cell const& cell, std::string_view id, std::vector<Place>& places,
                  std::string& literal, types::Pair const*& pair) {
    auto const sides = split_at(cell, " as ");
    if (sides[0].text.starts_with('\'')) {
      literal = unquoted(sides[0].text);
      return true;
    }
    if (!read_places(line, sides[0], id, places)) return false;
    pair = sides.size() > 1 ? read_pair(line, sides[1], id) : types::find_pair("DTM~dateTime");
    return pair != nullptr;
  }

  // ----------------------------------------------------------------------------------------------------
  // segments

  /// False when the id is taken. Overlays may reuse ids.
  bool claim(Line const& line, std::string const& id, bool overlay) {
    if (id.empty()) return fail(line, line.column, "", "the row has no id in its first column"), false;
    auto const [at, fresh] = ids_.try_emplace(id, std::string(line.file) + ":" + std::to_string(line.number));
    if (fresh || overlay) return true;
    fail(line, line.column, id,
         "the id is taken by the row at " + at->second +
             "; choose another, or start the file with 'overlay NAME' to replace it");
    return false;
  }

  void read_segments() {
    each_section("segment", [&](Section const& section) {
      auto const text = section.head.text;
      auto const arrow = text.find("->");
      if (section.words.size() < 4 || arrow == std::string_view::npos || section.words[2].text != "->")
        return fail(section.head, section.head.column, "",
                    "segment PID -> Patient[, Type ...], or segment NTE/variant -> Type");
      std::string_view const full = section.words[1].text;
      auto const slash = full.find('/');
      SegmentMap made;
      made.name = full.substr(0, slash);
      if (slash != std::string_view::npos) made.variant = full.substr(slash + 1);
      for (Cell const& target : split_at({text.substr(arrow + 2), 1}, ","))
        made.targets.emplace_back(target.text);
      SegmentMap* map = find_segment_map(made.name, made.variant);
      if (map != nullptr && !section.overlay)
        return fail(section.head, section.words[1].column, "",
                    "segment " + std::string(full) +
                        " has rows already; merge them or name a variant: segment " + std::string(full) +
                        "/other");
      if (map == nullptr) map = &program_->segments.emplace_back(std::move(made));
      for (Line const& line : section.lines) read_row(line, *map, section.overlay);
    });
  }

  SegmentMap* find_segment_map(std::string_view name, std::string_view variant) {
    for (SegmentMap& map : program_->segments) {
      if (map.name == name && map.variant == variant) return &map;
    }
    return nullptr;
  }

  void read_row(Line const& line, SegmentMap& map, bool overlay) {
    if (!line.is_row())
      return fail(line, line.column, "",
                  "a row is expected: id | v2 | fhir | type | vocab | when | dir | upd");
    auto const cells = split_cells(line);
    Row row;
    if (disabled_.contains(std::string(cells[0].text))) return;
    if (!read_row_cells(line, cells, row)) return;
    if (row.kind == Row::Kind::path && !choose_target(line, cells[2], map.targets, row)) return;
    auto const same = std::ranges::find(map.rows, row.id, &Row::id);
    if (same != map.rows.end() && overlay) {
      *same = std::move(row);
      return;
    }
    if (claim(line, row.id, overlay)) map.rows.push_back(std::move(row));
  }

  /// `Practitioner.name` belongs to the target of that name.
  bool choose_target(Line const& line, Cell const& cell, std::vector<std::string> const& targets, Row& row) {
    std::string const& first = row.path.steps[0].name;
    if (first[0] < 'A' || first[0] > 'Z') return true;
    auto const found = std::ranges::find(targets, first);
    if (found == targets.end())
      return fail(line, cell.column, row.id,
                  "'" + first + "' is no target of this section; add it to its head: segment XXX -> ..., " +
                      first),
             false;
    if (row.path.steps.size() < 2)
      return fail(line, cell.column, row.id, "an element is expected after the type"), false;
    row.target = static_cast<std::size_t>(found - targets.begin());
    row.path.steps.erase(row.path.steps.begin());
    return true;
  }

  /// Cells: id, v2, fhir, type, vocab, when, dir, upd.
  bool read_row_cells(Line const& line, std::vector<Cell> const& cells, Row& row) {
    row.id = cells[0].text;
    row.at = {std::string(line.file), line.number, line.column};
    if (cells.size() < 3)
      return fail(line, line.column, row.id, "a row has at least three columns: id | v2 | fhir"), false;
    if (cells.size() > 8)
      return fail(line, cells[8].column, row.id,
                  "a row has at most eight columns: id | v2 | fhir | type | vocab | when | dir | upd"),
             false;
    auto const cell = [&](std::size_t at) { return at < cells.size() ? cells[at] : Cell{}; };
    row.v2_text = cells[1].text;
    row.fhir_text = cells[2].text;
    if (!read_direction(line, cell(6), row)) return false;
    if (!read_sides(line, cells, row)) return false;
    if (row.kind == Row::Kind::drop) {
      row.literal = cell(7).text;
      if (row.literal.empty())
        return fail(line, cells[2].column, row.id, "a dropped field needs its reason in the last column"),
               false;
      return true;
    }
    return read_type(line, cell(3), row) && read_vocabulary(line, cell(4), row) &&
           read_when(line, cell(5), row) && read_update(line, cell(7), row) && classify(line, cells[2], row);
  }

  bool read_direction(Line const& line, Cell const& cell, Row& row) {
    std::string_view const sign = cell.text.substr(0, 1);
    if (sign != "" && sign != "=" && sign != ">" && sign != "<")
      return fail(line, cell.column, row.id, "the direction is = (both), > (v2 to FHIR) or < (FHIR to v2)"),
             false;
    row.forward = sign != "<";
    row.reverse = sign != ">";
    if (!cell.text.empty()) row.reason = unquoted(trim(cell.text.substr(1)));
    return true;
  }

  bool read_sides(Line const& line, std::vector<Cell> const& cells, Row& row) {
    std::string_view const v2 = cells[1].text;
    std::string_view const fhir = cells[2].text;
    if (v2.starts_with('\'')) {
      row.kind = Row::Kind::literal_in;
      row.literal = unquoted(v2);
      if (row.forward == row.reverse) {
        row.reverse = false;
      }
      if (!row.forward)
        return fail(line, cells[1].column, row.id, "a literal on the v2 side runs forward: use dir >"), false;
      if (!read_path_cell(line, cells[2], row.id, row.path)) return false;
      row.kind = Row::Kind::literal_in;
      return true;
    }
    if (!read_places(line, cells[1], row.id, row.places)) return false;
    if (fhir == "-") {
      row.kind = Row::Kind::drop;
    } else if (fhir.starts_with('@')) {
      row.kind = Row::Kind::fact;
      row.fact = fhir.substr(1);
      if (row.fact.empty())
        return fail(line, cells[2].column, row.id, "a fact needs a name after '@'"), false;
    } else if (fhir.starts_with('\'')) {
      row.kind = Row::Kind::literal_out;
      row.literal = unquoted(fhir);
      row.forward = false;
      row.reverse = true;
    } else {
      return read_path_cell(line, cells[2], row.id, row.path);
    }
    return true;
  }

  bool read_type(Line const& line, Cell const& cell, Row& row) {
    if (row.kind == Row::Kind::literal_in || row.kind == Row::Kind::literal_out) return true;
    if (cell.text.empty() && row.kind == Row::Kind::fact) {
      row.pair = types::find_pair("ST~string");
      return true;
    }
    if (cell.text.empty())
      return fail(line, cell.column, row.id,
                  "the type pair is missing in the fourth column, as in ST~string"),
             false;
    row.pair = read_pair(line, cell, row.id);
    return row.pair != nullptr;
  }

  bool read_vocabulary(Line const& line, Cell const& cell, Row& row) {
    if (cell.text.empty()) return true;
    row.vocabulary = program_->find_vocabulary(cell.text);
    if (row.vocabulary != nullptr) {
      row.default_system = row.vocabulary->v2_system;
      return true;
    }
    row.default_system = system_uri(cell.text);
    if (row.default_system.find(':') != std::string::npos) return true;
    return fail(line, cell.column, row.id,
                "there is no vocabulary '" + std::string(cell.text) +
                    "'; declare it, or name a code system (v2-0064 or a URI)"),
           false;
  }

  bool read_when(Line const& line, Cell const& cell, Row& row) {
    if (cell.text.empty()) return true;
    auto const sides = split_at(cell, ";");
    if (sides.size() > 2)
      return fail(line, sides[2].column, row.id, "a guard has two sides: v2 predicates ; FHIR predicates"),
             false;
    return read_predicates(line, sides[0], row.id, false, row.v2_when) &&
           (sides.size() < 2 || read_predicates(line, sides[1], row.id, true, row.fhir_when));
  }

  bool read_update(Line const& line, Cell const& cell, Row& row) {
    static constexpr std::pair<std::string_view, Update> kModes[] = {{"set", Update::set},
                                                                     {"list", Update::list},
                                                                     {"key", Update::key},
                                                                     {"state", Update::state},
                                                                     {"once", Update::once}};
    row.update = has_wildcard(row.path) ? Update::list : Update::set;
    if (cell.text.empty()) return true;
    for (auto const& [name, mode] : kModes) {
      if (name != cell.text) continue;
      row.update = mode;
      return true;
    }
    return fail(line, cell.column, row.id, "the update mode is set, list, key, state or once"), false;
  }

  /// The class of the row, or why there is none (design translation.md 3.2).
  bool classify(Line const& line, Cell const& fhir, Row& row) {
    if (row.kind != Row::Kind::path) {
      row.row_class = row.kind == Row::Kind::fact ? 'C' : 'O';
      if (row.row_class == 'O' && row.reason.empty()) row.reason = "a constant";
      return true;
    }
    auto const wildcards = std::ranges::count_if(row.path.steps, [](Step const& step) {
      return step.pick == Step::Pick::each || step.pick == Step::Pick::match_each;
    });
    bool const each = std::ranges::any_of(row.places, &Place::each);
    if (wildcards > 1) return fail(line, fhir.column, row.id, "a path has at most one '*'"), false;
    if (wildcards == 0 && each)
      return fail(line, fhir.column, row.id,
                  "the v2 side has a '*' but the FHIR path has none; write the array as name* or drop the "
                  "'*'"),
             false;
    if (row.forward != row.reverse) {
      if (row.reason.empty())
        return fail(line, fhir.column, row.id,
                    "a one-way row needs its reason: > \"why it cannot be written back\""),
               false;
      row.row_class = 'O';
      return true;
    }
    bool const discriminated =
        std::ranges::any_of(row.path.steps, [](Step const& step) { return !step.conditions.empty(); });
    if (!row.v2_when.empty() && row.fhir_when.empty()) {
      row.row_class = 'G';
    } else if (discriminated) {
      row.row_class = 'D';
    } else {
      row.row_class = row.pair->iso && row.vocabulary == nullptr ? 'I' : 'C';
    }
    return true;
  }

  // ----------------------------------------------------------------------------------------------------
  // structures

  void read_structures() {
    std::vector<Section const*> waiting;
    each_section("structure", [&](Section const& section) { waiting.push_back(&section); });
    bool moved = true;
    while (!waiting.empty() && moved) {
      moved = false;
      for (auto at = waiting.begin(); at != waiting.end();) {
        std::string_view const like = like_of(**at);
        if (!like.empty() && find_structure(like) == nullptr) {
          ++at;
          continue;
        }
        read_structure(**at);
        at = waiting.erase(at);
        moved = true;
      }
    }
    for (Section const* const section : waiting)
      fail(section->head, section->words[3].column, "",
           "there is no structure '" + std::string(like_of(*section)) + "' to be like");
  }

  static std::string_view like_of(Section const& section) {
    return section.words.size() >= 4 && section.words[2].text == "like" ? section.words[3].text
                                                                        : std::string_view{};
  }

  Structure* find_structure(std::string_view name) {
    for (Structure& structure : program_->structures) {
      if (structure.name == name) return &structure;
    }
    return nullptr;
  }

  void read_structure(Section const& section) {
    if (section.words.size() < 2)
      return fail(section.head, section.head.column, "", "structure NAME [like OTHER] : CODE^TRIGGER ...");
    std::string_view const name = section.words[1].text;
    std::string_view const like = like_of(section);
    Structure* structure = find_structure(name);
    bool const has_events =
        std::ranges::any_of(section.words, [](Cell const& word) { return word.text == ":"; });
    if (structure != nullptr && (has_events || !like.empty()))
      return fail(section.head, section.words[1].column, "",
                  "structure " + std::string(name) +
                      " is declared twice; a section that adds to it has neither 'like' nor events");
    if (structure == nullptr) {
      if (!has_events)
        return fail(section.head, section.words[1].column, "",
                    "there is no structure " + std::string(name) +
                        " to add to; write structure NAME : CODE^TRIGGER ...");
      Structure made;
      if (!like.empty()) made = *find_structure(like);
      made.name = name;
      made.events.clear();
      structure = &program_->structures.emplace_back(std::move(made));
      bool after_colon = false;
      for (Cell const& word : section.words) {
        if (after_colon) {
          auto const caret = word.text.find('^');
          if (caret == std::string_view::npos)
            fail(section.head, word.column, "", "an event is written CODE^TRIGGER, as in ADT^A01");
          else
            structure->events.emplace_back(word.text.substr(0, caret), word.text.substr(caret + 1));
        }
        after_colon = after_colon || word.text == ":";
      }
    }
    for (Line const& line : section.lines) read_declaration(line, *structure);
  }

  void read_declaration(Line const& line, Structure& structure) {
    if (line.is_row()) return read_structure_row(line, structure);
    auto const words = split_words({line.text, line.column});
    std::string_view const first = words[0].text;
    if (first == "role") return read_role(line, words, structure);
    if (first == "use") return read_use(line, words, structure);
    if (first == "link") return read_link(line, words, structure);
    if (first == "key") return read_key(line, words, structure);
    if (first == "default") return read_default(line, words, structure);
    if (first == "anchor" && words.size() == 2) {
      structure.anchor = role_of(line, words[1], structure);
      return;
    }
    if (first == "without" && words.size() == 2) return read_without(line, words[1], structure);
    fail(line, line.column, "", "role, use, link, key, default, anchor, without or a row is expected");
  }

  static std::string_view after_hash(std::string_view text) {
    auto const hash = text.find('#');
    return hash == std::string_view::npos ? text : text.substr(hash + 1);
  }

  /// `Encounter#visit`; SIZE_MAX and a report when there is none.
  std::size_t role_of(Line const& line, Cell const& cell, Structure const& structure) {
    std::size_t const role = structure.find_role(after_hash(cell.text));
    if (role == SIZE_MAX || cell.text.find('#') == std::string_view::npos ||
        structure.roles[role].type != cell.text.substr(0, cell.text.find('#'))) {
      fail(line, cell.column, "",
           "there is no role " + std::string(cell.text) + " in " + structure.name + "; declare it: role " +
               std::string(cell.text) + " per message");
      return SIZE_MAX;
    }
    return role;
  }

  /// `Encounter#visit.subject` into role and path (which may be empty).
  bool role_path(Line const& line, Cell const& cell, Structure const& structure, std::size_t& role,
                 Path& path) {
    auto const hash = cell.text.find('#');
    auto const dot = hash == std::string_view::npos ? std::string_view::npos : cell.text.find('.', hash);
    role = role_of(line, {cell.text.substr(0, dot), cell.column}, structure);
    if (role == SIZE_MAX) return false;
    if (dot == std::string_view::npos) return true;
    return read_path_cell(
        line, {cell.text.substr(dot + 1), cell.column + static_cast<std::uint32_t>(dot + 1)}, "", path);
  }

  /// The rest of the line from word `at`, as a cell.
  static Cell rest_of(Line const& line, std::vector<Cell> const& words, std::size_t at) {
    if (at >= words.size()) return {};
    return {line.text.substr(words[at].column - line.column), words[at].column};
  }

  void read_role(Line const& line, std::vector<Cell> const& words, Structure& structure) {
    constexpr std::string_view kForm = "role Type#name per message|GROUP|SEGMENT [at GROUP] [when ...]";
    if (words.size() < 4 || words[2].text != "per") return fail(line, line.column, "", std::string(kForm));
    auto const hash = words[1].text.find('#');
    if (hash == std::string_view::npos) return fail(line, words[1].column, "", std::string(kForm));
    Role role;
    role.type = words[1].text.substr(0, hash);
    role.name = words[1].text.substr(hash + 1);
    std::size_t const same = structure.find_role(role.name);
    role.per_name = words[3].text;
    // Segment ids have three characters; groups of the grammars have more.
    role.per = role.per_name == "message"  ? Role::Per::message
               : role.per_name.size() == 3 ? Role::Per::segment
                                           : Role::Per::group;
    std::size_t at = 4;
    if (at + 1 < words.size() && words[at].text == "at") {
      role.at = words[at + 1].text;
      at += 2;
    }
    if (at < words.size()) {
      if (words[at].text != "when") return fail(line, words[at].column, "", std::string(kForm));
      if (!read_predicates(line, rest_of(line, words, at + 1), "", false, role.when)) return;
    }
    role.events = program_->find_events(role.type, role.name);
    if (same != SIZE_MAX) {
      if (structure.roles[same].type != role.type)
        return fail(
            line, words[1].column, "",
            "role " + role.name + " is a " + structure.roles[same].type + " already; choose another name");
      structure.roles[same] = std::move(role);
      return;
    }
    structure.roles.push_back(std::move(role));
  }

  void read_use(Line const& line, std::vector<Cell> const& words, Structure& structure) {
    constexpr std::string_view kForm =
        "use SEGMENT[/variant] [at GROUP] [when ...] -> Type#role[.path*][, ...]";
    auto const arrow = line.text.find("->");
    if (words.size() < 4 || arrow == std::string_view::npos)
      return fail(line, line.column, "", std::string(kForm));
    Use use;
    auto const slash = words[1].text.find('/');
    use.segment = words[1].text.substr(0, slash);
    if (slash != std::string_view::npos) use.variant = words[1].text.substr(slash + 1);
    std::size_t at = 2;
    if (words[at].text == "at" && at + 1 < words.size()) {
      use.group = words[at + 1].text;
      at += 2;
    }
    if (at < words.size() && words[at].text == "when") {
      std::size_t const begin = words[at].column - line.column + 4;
      if (begin > arrow) return fail(line, words[at].column, "", std::string(kForm));
      Cell const guards = split_at(
          {line.text.substr(begin, arrow - begin), line.column + static_cast<std::uint32_t>(begin)}, ";")[0];
      if (!read_predicates(line, guards, "", false, use.when)) return;
    } else if (at < words.size() && words[at].text != "->") {
      return fail(line, words[at].column, "", std::string(kForm));
    }
    Cell const targets{line.text.substr(arrow + 2), line.column + static_cast<std::uint32_t>(arrow + 2)};
    for (Cell const& cell : split_at(targets, ",")) {
      Use::Target target;
      if (!role_path(line, cell, structure, target.role, target.base)) return;
      use.targets.push_back(std::move(target));
    }
    SegmentMap const* const map = find_segment_map(use.segment, use.variant);
    if (map == nullptr)
      return fail(line, words[1].column, "",
                  "there is no section 'segment " + std::string(words[1].text) + " -> ...'");
    if (map->targets.size() > use.targets.size())
      return fail(line, targets.column, "",
                  "segment " + use.segment + " writes to " + std::to_string(map->targets.size()) +
                      " targets; name a role for each, in its order");
    structure.uses.push_back(std::move(use));
    use_lines_.push_back({structure.name, structure.uses.size() - 1, line});
  }

  void read_link(Line const& line, std::vector<Cell> const& words, Structure& structure) {
    bool const inward = words.size() == 5 && words[4].text == "inward";
    if ((words.size() != 4 && !inward) || words[2].text != "->")
      return fail(line, line.column, "", "link Type#role.path -> Type#role [inward]");
    Link link;
    link.inward = inward;
    if (!role_path(line, words[1], structure, link.source, link.path)) return;
    if (link.path.empty())
      return fail(line, words[1].column, "",
                  "a link needs the element that refers: link Type#role.path -> Type#role");
    link.target = role_of(line, words[3], structure);
    if (link.target != SIZE_MAX) structure.links.push_back(std::move(link));
  }

  void read_key(Line const& line, std::vector<Cell> const& words, Structure& structure) {
    if (words.size() < 3)
      return fail(line, line.column, "",
                  "key Type#role PATH [else PATH] [else within Type#role [by PATH ...]]");
    Key key;
    key.role = role_of(line, words[1], structure);
    if (key.role == SIZE_MAX) return;
    for (Cell const& piece : split_at(rest_of(line, words, 2), " else ")) {
      Key::Alternative alternative;
      auto const parts = split_words(piece);
      if (!parts.empty() && parts[0].text == "within") {
        alternative.within = true;
        if (parts.size() < 2) return fail(line, piece.column, "", "within Type#role [by PATH ...]");
        alternative.parent = role_of(line, parts[1], structure);
        if (alternative.parent == SIZE_MAX) return;
        if (parts.size() > 2 && parts[2].text != "by")
          return fail(line, parts[2].column, "", "within Type#role [by PATH ...]");
        for (std::size_t at = 3; at < parts.size(); ++at) {
          if (!read_path_cell(line, parts[at], "", alternative.by.emplace_back())) return;
        }
      } else if (!read_path_cell(line, piece, "", alternative.identifier)) {
        return;
      }
      key.alternatives.push_back(std::move(alternative));
    }
    std::erase_if(structure.keys, [&](Key const& known) { return known.role == key.role; });
    structure.keys.push_back(std::move(key));
  }

  void read_default(Line const& line, std::vector<Cell> const& words, Structure& structure) {
    constexpr std::string_view kForm = "default Type#role.path = value | $CONSTANT | V2 as PAIR [when ...]";
    if (words.size() < 4 || words[2].text != "=") return fail(line, line.column, "", std::string(kForm));
    Default made;
    if (!role_path(line, words[1], structure, made.role, made.path)) return;
    if (made.path.empty()) return fail(line, words[1].column, "", std::string(kForm));
    Cell rest = rest_of(line, words, 3);
    auto const when = rest.text.find(" when ");
    if (when != std::string_view::npos) {
      Cell const guards{rest.text.substr(when + 6), rest.column + static_cast<std::uint32_t>(when + 6)};
      if (!read_predicates(line, guards, "", false, made.when)) return;
      rest.text = trim(rest.text.substr(0, when));
    }
    if (rest.text.starts_with('$')) {
      made.constant = program_->find_constant(rest.text.substr(1));
      if (made.constant == nullptr)
        return fail(line, rest.column, "", "there is no constant " + std::string(rest.text.substr(1)));
    } else if (rest.text.find(" as ") != std::string_view::npos) {
      if (!read_value(line, rest, "", made.places, made.literal, made.pair)) return;
    } else {
      made.is_number_or_boolean =
          rest.text == "true" || rest.text == "false" ||
          (!rest.text.empty() && rest.text.find_first_not_of("0123456789.") == std::string_view::npos);
      made.literal = unquoted(rest.text);
    }
    structure.defaults.push_back(std::move(made));
  }

  void read_without(Line const& line, Cell const& name, Structure& structure) {
    std::size_t const before = structure.uses.size() + structure.links.size();
    std::erase_if(structure.uses, [&](Use const& use) {
      return use.segment == name.text ||
             (!use.variant.empty() && use.segment + "/" + use.variant == name.text);
    });
    std::size_t const role = structure.find_role(after_hash(name.text));
    if (role != SIZE_MAX) {
      std::erase_if(structure.uses, [&](Use const& use) { return use.targets[0].role == role; });
      std::erase_if(structure.links,
                    [&](Link const& link) { return link.source == role || link.target == role; });
    }
    if (before == structure.uses.size() + structure.links.size())
      fail(line, name.column, "",
           "there is nothing named " + std::string(name.text) + " in " + structure.name + " to leave out");
  }

  /// A row of a structure: id | group | v2 | Role path | type | vocab | when | dir | upd.
  void read_structure_row(Line const& line, Structure& structure) {
    auto cells = split_cells(line);
    if (disabled_.contains(std::string(cells[0].text))) return;
    if (cells.size() < 4)
      return fail(
          line, line.column, cells[0].text,
          "a row of a structure is: id | group | v2 | Type#role.path | type | vocab | when | dir | upd");
    Cell const group = cells[1];
    cells.erase(cells.begin() + 1);
    Cell const fhir = cells[2];
    Use use;
    use.group = group.text;
    Use::Target target;
    auto const hash = fhir.text.find('#');
    if (hash != std::string_view::npos && !fhir.text.starts_with('@') && !fhir.text.starts_with('\'')) {
      auto const dot = fhir.text.find('.', hash);
      if (dot == std::string_view::npos)
        return fail(line, fhir.column, cells[0].text, "an element is expected: Type#role.path");
      target.role = role_of(line, {fhir.text.substr(0, dot), fhir.column}, structure);
      if (target.role == SIZE_MAX) return;
      cells[2] = {fhir.text.substr(dot + 1), fhir.column + static_cast<std::uint32_t>(dot + 1)};
    } else if (!fhir.text.starts_with('@') && !fhir.text.starts_with('\'') && fhir.text != "-") {
      return fail(line, fhir.column, cells[0].text, "name the role: Type#role.path, @fact or -");
    } else {
      target.role = structure.anchor != SIZE_MAX ? structure.anchor : 0;
      if (structure.roles.empty())
        return fail(line, line.column, cells[0].text, "declare the roles before the rows");
    }
    Row row;
    if (!read_row_cells(line, cells, row) || !claim(line, row.id, true)) return;
    if (row.places.empty())
      return fail(line, cells[1].column, row.id,
                  "a literal needs a segment to stand in; use default instead");
    use.segment = row.places[0].segment;
    use.targets.push_back(std::move(target));
    for (Use& known : structure.uses) {
      if (known.rows.size() == 1 && known.rows[0]->id == row.id) {
        program_->structure_rows.push_back(std::move(row));
        known.rows[0] = &program_->structure_rows.back();
        return;
      }
    }
    program_->structure_rows.push_back(std::move(row));
    use.rows.push_back(&program_->structure_rows.back());
    structure.uses.push_back(std::move(use));
  }

  /// Segment maps are complete only now (overlays), so uses get their rows last.
  void bind_uses() {
    for (Structure& structure : program_->structures) {
      for (Use& use : structure.uses) {
        if (!use.rows.empty()) continue;
        SegmentMap const* const map = find_segment_map(use.segment, use.variant);
        if (map == nullptr) continue;
        for (Row const& row : map->rows) use.rows.push_back(&row);
      }
      if (structure.anchor == SIZE_MAX && !structure.roles.empty()) structure.anchor = 0;
    }
  }

  // ----------------------------------------------------------------------------------------------------
  // discriminators

  /// Rows of one segment map that share a plain array path, both ways, must be told apart (class D).
  void check_discriminators() {
    for (SegmentMap const& map : program_->segments) {
      for (std::size_t left = 0; left < map.rows.size(); ++left) {
        for (std::size_t right = left + 1; right < map.rows.size(); ++right)
          check_apart(map.rows[left], map.rows[right]);
      }
    }
  }

  void check_apart(Row const& left, Row const& right) {
    if (left.kind != Row::Kind::path || right.kind != Row::Kind::path || left.target != right.target) return;
    if (!left.reverse || !right.reverse || left.path.text != right.path.text) return;
    if (!left.v2_when.empty() || !left.fhir_when.empty() || !right.v2_when.empty() ||
        !right.fhir_when.empty())
      return;
    if (left.pair->writes_parent || right.pair->writes_parent) return;
    Line const line{right.at.file, right.at.line, "", right.at.column};
    fail(line, right.at.column, right.id,
         "writes the same element as " + left.id +
             " and nothing tells them apart; add a discriminator {...}, a guard, or join them: " +
             left.v2_text + " else " + right.v2_text);
  }

  std::span<SourceFile const> files_;
  std::shared_ptr<Program> program_;
  fhir::Issues issues_;
  std::vector<Section> sections_;
  std::set<std::string, std::less<>> disabled_;
  std::map<std::string, std::string, std::less<>> ids_;
  struct UseLine {
    std::string structure;
    std::size_t use;
    Line line;
  };
  std::vector<UseLine> use_lines_;
};

}  // namespace

Compilation compile(std::span<SourceFile const> files) { return Compiler(files).run(); }

}  // namespace mappings::language
