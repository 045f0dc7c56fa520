/// `events` sections: trigger events and the changes of status they tell of.
#include "mappings/language/readers.hpp"

#include <algorithm>

namespace mappings::language {

namespace {

class EventReader : public PartReader {
 public:
  using PartReader::PartReader;

  void run() {
    on_.each_section("events", [&](Section const& section) {
      if (section.words.size() != 2)
        return fail(section.head, section.head.column, "",
                    "events Type#role.element, as in events Encounter#visit.status");
      EventTable table;
      table.at = source_at(section.head);
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
      for (EventTable& other : program_.events) {
        if (other.type == table.type && other.role == table.role) known = &other;
      }
      if (known == nullptr) known = &program_.events.emplace_back(std::move(table));
      for (Line const& line : section.lines) read_event_row(line, *known, section.overlay);
    });
  }

 private:
  void read_event_row(Line const& line, EventTable& table, bool overlay) {
    auto const cells = split_cells(line);
    EventRow row;
    row.id = cells[0].text;
    row.at = {std::string(line.file), line.number, line.column};
    if (cells.size() < 3)
      return fail(line, line.column, row.id,
                  "an event row is: id | event | before -> after | when | effects");
    if (is_disabled(row.id)) return;
    if (cells[1].text != "-") {
      for (Cell const& word : split_words(cells[1])) {
        if (word.text == "<") {
          row.forward = false;
          continue;
        }
        if (word.text == "*") {
          row.always = true;
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
    if (row.always && (!row.events.empty() || row.after != "same"))
      return fail(line, cells[1].column, row.id, "a row of every message is written * | status ... -> same");
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
        effect.kind = EventRow::Effect::Kind::remove;
        if (!read_path_cell(line, words[1], row.id, effect.path)) return false;
      } else if (words.size() >= 4 && (words[0].text == "keep" || words[0].text == "unkeep") &&
                 words[2].text == "in") {
        effect.kind = words[0].text == "keep" ? EventRow::Effect::Kind::keep : EventRow::Effect::Kind::unkeep;
        auto const sides = split_at(piece, " until ");
        if (!read_path_cell(line, words[1], row.id, effect.from) ||
            !read_path_cell(line, words[3], row.id, effect.path))
          return false;
        if (sides.size() == 2 &&
            !read_value(line, sides[1], row.id, effect.places, effect.literal, effect.pair))
          return false;
      } else if (words.size() >= 6 && words[0].text == "end" && words[2].text == "in" &&
                 words[4].text == "until") {
        effect.kind = EventRow::Effect::Kind::end;
        if (!read_path_cell(line, words[1], row.id, effect.from) ||
            !read_path_cell(line, words[3], row.id, effect.path) ||
            !read_value(line, split_at(piece, " until ")[1], row.id, effect.places, effect.literal,
                        effect.pair))
          return false;
      } else if (words.size() == 6 && (words[0].text == "end" || words[0].text == "reopen") &&
                 words[2].text == "in" && words[4].text == "at") {
        effect.kind = words[0].text == "end" ? EventRow::Effect::Kind::end : EventRow::Effect::Kind::reopen;
        if (!read_path_cell(line, words[1], row.id, effect.from) ||
            !read_path_cell(line, words[3], row.id, effect.path) ||
            !read_path_cell(line, words[5], row.id, effect.at))
          return false;
      } else {
        auto const sides = split_at(piece, " = ");
        if (sides.size() != 2)
          return fail(line, piece.column, row.id,
                      "an effect is: PATH = V2 [else V2] [as PAIR], PATH = 'literal', remove PATH, "
                      "keep PATH in ITEM [until V2 [else V2]], unkeep PATH in ITEM, "
                      "end ITEM in ITEM at PATH, end ITEM in ITEM until V2 [else V2] or reopen ITEM in ITEM "
                      "at PATH"),
                 false;
        if (!read_path_cell(line, sides[0], row.id, effect.path)) return false;
        if (!read_value(line, sides[1], row.id, effect.places, effect.literal, effect.pair)) return false;
      }
      row.effects.push_back(std::move(effect));
    }
    return true;
  }
};

}  // namespace

void read_event_tables(Building& on) { EventReader(on).run(); }

}  // namespace mappings::language
