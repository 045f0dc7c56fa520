/// `structure` sections: roles, keys, which segment maps apply where, links, defaults, rows of their own.
#include "mappings/language/engine.hpp"
#include "mappings/language/readers.hpp"
#include "mappings/language/row_reader.hpp"

#include <algorithm>

namespace mappings::language {

namespace {

class StructureReader : public RowReader {
 public:
  using RowReader::RowReader;

  void run() {
    std::vector<Section const*> waiting;
    on_.each_section("structure", [&](Section const& section) { waiting.push_back(&section); });
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
    for (Structure& structure : program_.structures) {
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
      made.at = source_at(section.head);
      made.events.clear();
      structure = &program_.structures.emplace_back(std::move(made));
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
    if (first == "default" || first == "mark") return read_default(line, words, structure);
    if (first == "anchor" && words.size() == 2) {
      structure.anchor = role_of(line, words[1], structure);
      return;
    }
    if (first == "without" && words.size() == 2) return read_without(line, words[1], structure);
    fail(line, line.column, "", "role, use, link, key, default, mark, anchor, without or a row is expected");
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
    constexpr std::string_view kForm =
        "role Type#name per message|GROUP|SEGMENT [at GROUP] [when ... [; ...]]";
    if (words.size() < 4 || words[2].text != "per") return fail(line, line.column, "", std::string(kForm));
    auto const hash = words[1].text.find('#');
    if (hash == std::string_view::npos) return fail(line, words[1].column, "", std::string(kForm));
    Role role;
    role.source = source_at(line);
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
      auto const sides = split_at(rest_of(line, words, at + 1), ";");
      if (sides.empty() || sides.size() > 2) return fail(line, words[at].column, "", std::string(kForm));
      if (!sides[0].text.empty() && !read_predicates(line, sides[0], "", false, role.when)) return;
      if (sides.size() == 2 && !read_predicates(line, sides[1], "", true, role.fhir_when)) return;
    }
    role.events = program_.find_events(role.type, role.name);
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

  /// Parted by commas, but for those in braces.
  static std::vector<Cell> split_targets(Cell const& cell) {
    std::vector<Cell> targets;
    std::size_t begin = 0;
    int depth = 0;
    for (std::size_t at = 0; at <= cell.text.size(); ++at) {
      char const c = at < cell.text.size() ? cell.text[at] : ',';
      depth += c == '{' ? 1 : c == '}' ? -1 : 0;
      if (c != ',' || (depth > 0 && at < cell.text.size())) continue;
      std::string_view const target = trim(cell.text.substr(begin, at - begin));
      auto const offset = target.empty() ? begin : static_cast<std::size_t>(target.data() - cell.text.data());
      targets.push_back({target, cell.column + static_cast<std::uint32_t>(offset)});
      begin = at + 1;
    }
    return targets;
  }

  void read_use(Line const& line, std::vector<Cell> const& words, Structure& structure) {
    constexpr std::string_view kForm =
        "use SEGMENT[/variant] [at GROUP] [acts FIELD [else FIELD] by PATH ...] [when ...] -> "
        "Type#role[.path*][, ...]";
    auto const arrow = line.text.find("->");
    if (words.size() < 4 || arrow == std::string_view::npos)
      return fail(line, line.column, "", std::string(kForm));
    Use use;
    use.at = source_at(line);
    auto const slash = words[1].text.find('/');
    use.segment = words[1].text.substr(0, slash);
    if (slash != std::string_view::npos) use.variant = words[1].text.substr(slash + 1);
    std::size_t at = 2;
    if (words[at].text == "at" && at + 1 < words.size()) {
      use.group = words[at + 1].text;
      at += 2;
    }
    if (words[at].text == "acts" && !read_acts(line, words, at, use)) return;
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
    for (Cell const& cell : split_targets(targets)) {
      Use::Target target;
      if (!role_path(line, cell, structure, target.role, target.base)) return;
      use.targets.push_back(std::move(target));
    }
    SegmentMap const* const map = find_segment_map(program_, use.segment, use.variant);
    if (map == nullptr)
      return fail(line, words[1].column, "",
                  "there is no section 'segment " + std::string(words[1].text) + " -> ...'");
    if (map->targets.size() > use.targets.size())
      return fail(line, targets.column, "",
                  "segment " + use.segment + " writes to " + std::to_string(map->targets.size()) +
                      " targets; name a role for each, in its order");
    Path const& base = use.targets[0].base;
    if (!use.acts.empty() && (base.empty() || !base.steps.back().is_array()))
      return fail(line, targets.column, "", "an action code acts on an item: write -> Type#role.path*");
    structure.uses.push_back(std::move(use));
  }

  /// `acts AIP-2 else RGS-2 by actor`; leaves `at` behind it.
  bool read_acts(Line const& line, std::vector<Cell> const& words, std::size_t& at, Use& use) {
    auto const ends = [&](std::size_t word) {
      return word >= words.size() || words[word].text == "when" || words[word].text == "->";
    };
    for (++at; !ends(at) && words[at].text != "by"; ++at) {
      if (words[at].text == "else") continue;
      Fault fault;
      auto const place = read_place(words[at].text, fault);
      if (!place) {
        fail(line, words[at].column, "", fault.what);
        return false;
      }
      use.acts.push_back(*place);
    }
    if (!ends(at)) ++at;  // by
    for (; !ends(at); ++at)
      if (!read_path_cell(line, words[at], "", use.by.emplace_back())) return false;
    if (use.acts.empty() || use.by.empty()) {
      fail(line, line.column, "",
           "acts FIELD [else FIELD] by PATH ...: where the code is, what tells items apart");
      return false;
    }
    return true;
  }

  void read_link(Line const& line, std::vector<Cell> const& words, Structure& structure) {
    bool const inward = words.size() == 5 && words[4].text == "inward";
    bool const scoped = words.size() == 6 && words[4].text == "within";
    if ((words.size() != 4 && !inward && !scoped) || words[2].text != "->")
      return fail(line, line.column, "", "link Type#role.path -> Type#role [inward | within GROUP]");
    Link link;
    if (scoped) link.within = words[5].text;
    link.inward = inward;
    link.at = source_at(line);
    if (!role_path(line, words[1], structure, link.source, link.path)) return;
    if (link.path.empty())
      return fail(line, words[1].column, "",
                  "a link needs the element that refers: link Type#role.path -> Type#role");
    for (Step const& step : link.path.steps)
      link.names.append(link.names.empty() ? "" : ".").append(step.name);
    link.target = role_of(line, words[3], structure);
    if (link.target != SIZE_MAX) structure.links.push_back(std::move(link));
  }

  void read_key(Line const& line, std::vector<Cell> const& words, Structure& structure) {
    if (words.size() < 3)
      return fail(line, line.column, "",
                  "key Type#role PATH [else PATH] [else within Type#role [by PATH ...]]");
    Key key;
    key.at = source_at(line);
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
    constexpr std::string_view kForm =
        "default Type#role.path = value | absent | $CONSTANT | V2 as PAIR [when ...]";
    if (words.size() < 4 || words[2].text != "=") return fail(line, line.column, "", std::string(kForm));
    Default made;
    made.marks = words[0].text == "mark";
    made.at = source_at(line);
    if (!role_path(line, words[1], structure, made.role, made.path)) return;
    if (made.path.empty()) return fail(line, words[1].column, "", std::string(kForm));
    Cell rest = rest_of(line, words, 3);
    auto const when = rest.text.find(" when ");
    if (when != std::string_view::npos) {
      Cell const guards{rest.text.substr(when + 6), rest.column + static_cast<std::uint32_t>(when + 6)};
      if (!read_predicates(line, guards, "", false, made.when)) return;
      rest.text = trim(rest.text.substr(0, when));
    }
    if (rest.text == "absent") {
      made.is_absent = true;
      if (made.path.steps.size() != 1 || made.path.steps[0].is_array())
        return fail(line, words[1].column, "",
                    "only an element of the resource itself says why it is absent");
    } else if (rest.text.starts_with('$')) {
      made.constant = program_.find_constant(rest.text.substr(1));
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
    if (is_disabled(cells[0].text)) return;
    if (cells.size() < 4)
      return fail(
          line, line.column, cells[0].text,
          "a row of a structure is: id | group | v2 | Type#role.path | type | vocab | when | dir | upd");
    Cell const group = cells[1];
    cells.erase(cells.begin() + 1);
    Cell const fhir = cells[2];
    Use use;
    use.at = source_at(line);
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
        program_.structure_rows.push_back(std::move(row));
        known.rows[0] = &program_.structure_rows.back();
        return;
      }
    }
    program_.structure_rows.push_back(std::move(row));
    use.rows.push_back(&program_.structure_rows.back());
    structure.uses.push_back(std::move(use));
  }

  /// Segment maps are complete only now (overlays), so uses get their rows last.
  void bind_uses() {
    for (Structure& structure : program_.structures) {
      for (Use& use : structure.uses) {
        if (!use.rows.empty()) continue;
        SegmentMap const* const map = find_segment_map(program_, use.segment, use.variant);
        if (map == nullptr) continue;
        for (Row const& row : map->rows) {
          bool const whole = row.kind == Row::Kind::path && row.path.steps.empty();
          if (whole && use.targets[row.target].base.empty())
            on_.report(fhir::Severity::error, row.at, row.id,
                       "'.' is the item that a use names, and the one at " + use.at.file + ":" +
                           std::to_string(use.at.line) + " names none; write -> Type#role.path*");
          else
            use.rows.push_back(&row);
        }
      }
      for (Use& use : structure.uses) {
        std::ranges::copy_if(use.rows, std::back_inserter(use.reverse_rows), [](Row const* row) {
          return row->kind == Row::Kind::path && row->reverse && row->target < 4;
        });
      }
      if (structure.anchor == SIZE_MAX && !structure.roles.empty()) structure.anchor = 0;
      structure.covers = covers_of(structure);
      index_structure(structure);
    }
  }
};

}  // namespace

void read_structures(Building& on) {
  StructureReader reader(on);
  reader.run();
  reader.bind_uses();
}

}  // namespace mappings::language
