#include "generator.hpp"

#include "mappings/hl7v2/dictionary.hpp"
#include "mappings/hl7v2/escape.hpp"
#include "mappings/language/program.hpp"
#include "mappings/language/reach.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

namespace mappings::laws {

namespace {

using hl7v2::FieldDefinition;
using hl7v2::GrammarNode;

std::string encoded(Leaf const& leaf, hl7v2::Delimiters const& delimiters) {
  if (leaf == "\"\"") return leaf;
  std::string out;
  std::size_t begin = 0;
  bool is_sequence = false;
  for (;;) {
    auto const end = leaf.find(kEscape, begin);
    std::string_view const piece =
        std::string_view(leaf).substr(begin, end == std::string::npos ? end : end - begin);
    out += is_sequence ? delimiters.escape + std::string(piece) + delimiters.escape
                       : hl7v2::encode(piece, delimiters);
    if (end == std::string::npos) return out;
    begin = end + 1;
    is_sequence = !is_sequence;
  }
}

template <class Items, class Text>
std::string joined(Items const& items, char by, Text const& text) {
  std::string out;
  for (std::size_t at = 0; at < items.size(); ++at)
    out += (at == 0 ? "" : std::string(1, by)) + text(items[at]);
  return out;
}

/// Codes that our tables know: of vocabularies by table, and what guards ask for.
struct KnownCodes {
  std::map<std::string, std::vector<std::string>> by_table;  ///< "0001"
  std::map<std::string, std::vector<std::string>> by_place;  ///< "PRD-1"

  KnownCodes() {
    for (auto const& code : language::code_reaches(language::builtin())) {
      if (code.v2_system.size() > 4)
        by_table[code.v2_system.substr(code.v2_system.size() - 4)].push_back(code.v2_code);
    }
    auto const& program = language::builtin().program();
    auto const add = [&](std::vector<language::Predicate> const& predicates) {
      for (auto const& one : predicates) {
        auto& values = by_place[one.place.segment + "-" + std::to_string(one.place.field)];
        if (!one.is_fhir) values.insert(values.end(), one.values.begin(), one.values.end());
      }
    };
    for (auto const& map : program.segments)
      for (auto const& row : map.rows) add(row.v2_when);
    for (auto const& structure : program.structures) {
      for (auto const& use : structure.uses) add(use.when);
      for (auto const& role : structure.roles) add(role.when);
    }
  }
};

/// The structure of a seed: the one whose name and the seed hash highest, so that a table that is added takes
/// its share of the seeds and leaves all others what they were.
language::Structure const& structure_of(std::uint64_t seed) {
  auto const& structures = language::builtin().program().structures;
  return *std::ranges::max_element(structures, {}, [&](language::Structure const& one) {
    std::uint64_t hash = 0xcbf29ce484222325ULL ^ (seed * 0x9e3779b97f4a7c15ULL);
    for (char const c : one.name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    return (hash ^ (hash >> 29)) * 0xbf58476d1ce4e5b9ULL;
  });
}

class Maker {
 public:
  explicit Maker(std::uint64_t seed) : random_(seed), structure_(structure_of(seed)) {}

  Spec run() {
    auto const& structure = structure_;
    Spec spec;
    spec.structure = structure.name;
    std::tie(spec.code, spec.trigger) = structure.events[below(structure.events.size())];
    // A version that has the structure; else the nearest that has.
    for (int tries = 0; tries < 20; ++tries) {
      version_ = static_cast<hl7v2::Version>(below(11));
      if (hl7v2::find_structure(version_, spec.structure).exact) break;
    }
    spec.version = hl7v2::to_text(version_);
    if (version_ == hl7v2::Version::v2_8 && chance(3)) spec.version = chance(2) ? "2.8.1" : "2.8.2";
    spec.names_structure = version_ > hl7v2::Version::v2_3 && chance(4) == false;
    spec.delimiters = delimiters();
    auto const* const root = hl7v2::find_structure(version_, spec.structure).root;
    if (root != nullptr) expand(*root, 0, spec.segments);
    std::erase_if(spec.segments, [](Segment const& one) { return one.id == "MSH"; });
    if (chance(4)) {
      Segment own{"ZXY", {}};
      for (std::size_t field = 0; field < 1 + below(4); ++field) own.fields.push_back({value("CX", 0)});
      spec.segments.insert(
          spec.segments.begin() + static_cast<std::ptrdiff_t>(below(spec.segments.size() + 1)), own);
    }
    return spec;
  }

 private:
  std::size_t below(std::size_t bound) { return bound == 0 ? 0 : random_() % bound; }
  bool chance(std::size_t one_in) { return below(one_in) == 0; }
  template <class Items>
  auto const& pick(Items const& items) {
    return items[below(std::size(items))];
  }

  hl7v2::Delimiters delimiters() {
    if (!chance(4)) return {};
    std::string punctuation = "|^~\\&!#$%*+:;<=>?@/";
    std::ranges::shuffle(punctuation, random_);
    return {punctuation[0], punctuation[1], punctuation[2], punctuation[3], punctuation[4], '\0'};
  }

  void expand(GrammarNode const& node, std::size_t depth, std::vector<Segment>& out) {
    if (node.is_choice) {
      if (!node.children.empty()) expand(pick(node.children), depth, out);
      return;
    }
    for (GrammarNode const& child : node.children) {
      std::size_t times = child.min;
      if (times == 0 && out.size() < 40 && chance(depth < 2 ? 2 : 3)) times = 1;
      while (times > 0 && (child.max == 0 || times < child.max) && times < 3 && out.size() < 40 && chance(4))
        ++times;
      for (std::size_t time = 0; time < times; ++time) {
        if (child.is_group || child.is_choice)
          expand(child, depth + 1, out);
        else
          out.push_back(segment(child.name, time + 1));
      }
    }
  }

  Segment segment(std::string_view id, std::size_t ordinal) {
    Segment made{std::string(id), {}};
    auto const fields = hl7v2::fields_of(version_, id);
    for (std::size_t at = 0; at < fields.size(); ++at) {
      made.fields.emplace_back();
      if (fields[at] == nullptr) continue;
      bool const is_required = fields[at]->optionality == 'R';
      if (!is_required && !chance(3)) continue;
      place_ = made.id + "-" + std::to_string(at + 1);
      made.fields.back() = field(*fields[at], ordinal);
    }
    if (made.id == "OBX" && made.fields.size() >= 5) observe(made);
    while (!made.fields.empty() && made.fields.back().empty()) made.fields.pop_back();
    return made;
  }

  /// OBX-5 is of the type that OBX-2 names.
  void observe(Segment& obx) {
    constexpr std::string_view kTypes[] = {"NM",  "ST", "TX", "CWE", "CE", "DT", "TM",
                                           "DTM", "TS", "SN", "ED",  "FT", "IS"};
    std::string_view const type = pick(kTypes);
    obx.fields[1] = {{{std::string(type)}}};
    obx.fields[4] = {value(type == "CWE" && version_ < hl7v2::Version::v2_5 ? "CE" : type, 0)};
  }

  Field field(FieldDefinition const& definition, std::size_t ordinal) {
    if (definition.optionality != 'R' && chance(25)) return {{{"\"\""}}};
    if (definition.data_type == "SI") return {{{std::to_string(ordinal)}}};
    Field made{value(definition.data_type, definition.table)};
    while (definition.repeats && made.size() < 4 && chance(3))
      made.push_back(value(definition.data_type, definition.table));
    return made;
  }

  Repetition value(std::string_view type, std::uint16_t table) {
    std::size_t const count = hl7v2::component_count(version_, type);
    if (count == 0) return {{leaf(type, table)}};
    Repetition made;
    for (std::size_t number = 1; number <= count; ++number) {
      made.emplace_back();
      if (number > 1 && !chance(2)) continue;
      auto const* const part = hl7v2::find_component(version_, type, number);
      if (part == nullptr) continue;
      std::uint16_t const part_table = number == 1 && part->table == 0 ? table : part->table;
      made.back() = component(part->data_type, part_table, type, number);
    }
    while (made.size() > 1 && made.back().empty()) made.pop_back();
    return made;
  }

  Component component(std::string_view type, std::uint16_t table, std::string_view within,
                      std::size_t number) {
    bool const is_coded = within == "CWE" || within == "CE" || within == "CNE";
    if (is_coded && (number == 3 || number == 6)) return {std::string(pick(kSystems))};
    std::size_t const count = hl7v2::component_count(version_, type);
    if (count == 0) return {leaf(type, table)};
    Component made;
    for (std::size_t at = 1; at <= count; ++at) {
      auto const* const part = hl7v2::find_component(version_, type, at);
      made.push_back(part != nullptr && (at == 1 || chance(2)) ? leaf(part->data_type, part->table) : "");
    }
    if (type == "HD" && made.size() >= 3) {
      made[1] = chance(2) ? "2.16.840.1.113883.19." + std::to_string(below(9)) : "";
      made[2] = made[1].empty() ? "" : "ISO";
    }
    while (made.size() > 1 && made.back().empty()) made.pop_back();
    return made;
  }

  Leaf leaf(std::string_view type, std::uint16_t table) {
    if (type == "NM") return (chance(4) ? "-" : "") + std::to_string(below(500)) + (chance(2) ? ".50" : "");
    if (type == "DT") return date();
    if (type == "TM") return pick(kTimes);
    if (type == "DTM" || type == "TS" || type == "TSComponentOne") return time();
    if (type == "SI") return std::to_string(1 + below(9));
    if (type == "ID" || type == "IS") return code(table);
    if (table != 0 && chance(2)) return code(table);
    return text();
  }

  Leaf date() {
    std::string made = std::to_string(1930 + below(95));
    if (chance(8)) return made;
    made += pick(kMonths);
    if (chance(8)) return made;
    return made + pick(kDays);
  }

  Leaf time() {
    std::string made = date();
    if (made.size() < 8 || chance(3)) return made;
    made += pick(kTimes);
    return made + (made.size() > 12 && chance(3) ? pick(kOffsets) : "");
  }

  Leaf code(std::uint16_t table) {
    static KnownCodes const known;
    if (auto const found = known.by_place.find(place_);
        found != known.by_place.end() && !found->second.empty() && !chance(4))
      return pick(found->second);
    std::string number = std::to_string(table);
    number.insert(0, number.size() < 4 ? 4 - number.size() : 0, '0');
    if (auto const found = known.by_table.find(number); found != known.by_table.end() && !chance(6))
      return pick(found->second);
    if (table == 136) return chance(2) ? "Y" : "N";
    return pick(kCodes);
  }

  Leaf text() {
    std::string made = pick(kTexts);
    if (chance(3)) made += " " + std::to_string(below(1000));
    return made;
  }

  static constexpr std::string_view kSystems[] = {"LN", "SCT",   "I10",     "I10C",
                                                  "L",  "99LOC", "HL70203", "UCUM"};
  static inline std::string const kTimes[] = {"0830", "143001", "235959.1234", "1201", "06"};
  static inline std::string const kMonths[] = {"01", "02", "07", "12"};
  static inline std::string const kDays[] = {"01", "15", "28"};
  static inline std::string const kOffsets[] = {"+0000", "-0500", "+0930"};
  static inline std::string const kCodes[] = {"A", "P", "R", "XX", "1", "MR", "VN", "PH", "H"};
  static inline std::string const kTexts[] = {
      "Abernathy",
      "O'Neil",
      "Jos\xC3\xA9",
      "a|b^c~d&e\\f",
      "two  spaces",
      "9",
      "x",
      "\xE6\x9D\xB1\xE4\xBA\xAC",
      std::string("line") + kEscape + ".br" + kEscape + "break",
      std::string(1, kEscape) + "H" + kEscape + "bold" + kEscape + "N" + kEscape,
      std::string(1, kEscape) + "Z9" + kEscape,
      "http://example.org/a",
      "77120",
      "4W^401",
      "#$%*+:;<=>?@/!"};

  std::mt19937_64 random_;
  language::Structure const& structure_;
  hl7v2::Version version_ = hl7v2::Version::v2_5_1;
  std::string place_;
};

/// One smaller spec after the other, biggest steps first; stops at the first for which `take` is true.
template <class Take>
bool try_smaller(Spec const& spec, Take const& take) {
  for (std::size_t at = 0; at < spec.segments.size(); ++at) {
    Spec less = spec;
    less.segments.erase(less.segments.begin() + static_cast<std::ptrdiff_t>(at));
    if (take(less)) return true;
  }
  if (spec.delimiters != hl7v2::Delimiters{}) {
    Spec less = spec;
    less.delimiters = {};
    if (take(less)) return true;
  }
  for (std::size_t at = 0; at < spec.segments.size(); ++at) {
    for (std::size_t field = 0; field < spec.segments[at].fields.size(); ++field) {
      Field const& whole = spec.segments[at].fields[field];
      if (whole.empty()) continue;
      auto const with = [&](Field value) {
        Spec less = spec;
        auto& fields = less.segments[at].fields;
        fields[field] = std::move(value);
        while (!fields.empty() && fields.back().empty()) fields.pop_back();
        return take(less);
      };
      if (with({})) return true;
      for (std::size_t repetition = 0; whole.size() > 1 && repetition < whole.size(); ++repetition) {
        Field less = whole;
        less.erase(less.begin() + static_cast<std::ptrdiff_t>(repetition));
        if (with(less)) return true;
      }
      for (std::size_t repetition = 0; repetition < whole.size(); ++repetition) {
        for (std::size_t component = 0; component < whole[repetition].size(); ++component) {
          for (std::size_t sub = 0; sub < whole[repetition][component].size(); ++sub) {
            Leaf const& leaf = whole[repetition][component][sub];
            for (std::string const& simpler : {std::string(), std::string("x")}) {
              if (leaf.size() <= simpler.size()) continue;
              Field less = whole;
              less[repetition][component][sub] = simpler;
              if (with(less)) return true;
            }
          }
          if (component + 1 == whole[repetition].size() && component > 0) {
            Field less = whole;
            less[repetition].pop_back();
            if (with(less)) return true;
          }
        }
      }
    }
  }
  return false;
}

}  // namespace

std::string Spec::bytes() const {
  auto const& d = delimiters;
  std::string out = "MSH";
  out += d.field;
  out += d.component;
  out += d.repetition;
  out += d.escape;
  out += d.subcomponent;
  auto const header = [&](std::string_view text) { (out += d.field) += text; };
  for (char const* const name : {"SENDER", "SITE", "HANDOFF", "HUB"}) header(name);
  header("20250301083000+0000");
  header("");
  std::string event = code;
  if (!trigger.empty()) event += d.component + trigger;
  if (names_structure && !trigger.empty()) event += d.component + structure;
  header(event);
  header("G1");
  header("P");
  header(version);
  header("");
  header("");
  header("");
  header("");
  header("");
  header("UNICODE UTF-8");
  out += '\r';
  for (Segment const& segment : segments) {
    out += segment.id;
    for (Field const& field : segment.fields) {
      out += d.field;
      out += joined(field, d.repetition, [&](Repetition const& repetition) {
        return joined(repetition, d.component, [&](Component const& component) {
          return joined(component, d.subcomponent, [&](Leaf const& leaf) { return encoded(leaf, d); });
        });
      });
    }
    out += '\r';
  }
  return out;
}

Spec generate(std::uint64_t seed) { return Maker(seed).run(); }

Spec shrink(Spec spec, std::function<bool(Spec const&)> const& fails) {
  int tries = 1500;  // each may cost the law some milliseconds
  while (tries > 0) {
    bool const smaller = try_smaller(spec, [&](Spec const& less) {
      if (tries-- <= 0 || !fails(less)) return false;
      spec = less;
      return true;
    });
    if (!smaller) break;
  }
  return spec;
}

std::vector<Case> const& kept_cases() {
  static std::vector<Case> const all = [] {
    std::vector<Case> cases;
    for (auto const& entry :
         std::filesystem::directory_iterator(HANDOFF_SOURCE_DIR "/tests/mappings/laws/cases")) {
      if (entry.path().extension() != ".hl7") continue;
      std::ifstream in(entry.path(), std::ios::binary);
      std::string text(std::istreambuf_iterator<char>(in), {});
      std::ranges::replace(text, '\n', '\r');
      cases.push_back({entry.path().stem().string(), std::move(text)});
    }
    std::ranges::sort(cases, {}, &Case::name);
    return cases;
  }();
  return all;
}

}  // namespace mappings::laws
