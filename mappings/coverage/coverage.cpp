#include "mappings/coverage/coverage.hpp"

#include "mappings/coverage/probe.hpp"
#include "mappings/hl7v2/dictionary.hpp"
#include "mappings/language/reach.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <optional>
#include <set>

namespace mappings::coverage {

namespace {

using language::Joint;
using language::Placing;
using language::Reach;

bool same(std::string_view left, std::string_view right) { return types::equals_ignoring_case(left, right); }

std::string trim(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
  return std::string(text);
}

std::vector<std::string> split(std::string_view text, std::string_view by) {
  std::vector<std::string> parts;
  for (;;) {
    auto const end = text.find(by);
    parts.push_back(trim(text.substr(0, end)));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + by.size());
  }
}

bool matches_one(std::string_view pattern, std::string_view text) {
  auto const star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  if (!text.starts_with(pattern.substr(0, star))) return false;
  pattern.remove_prefix(star + 1);
  text.remove_prefix(star);
  for (std::size_t at = 0; at <= text.size(); ++at) {
    if (matches_one(pattern, text.substr(at))) return true;
  }
  return false;
}

/// "PV1-7" -> 7, "CX.4.1" -> 4, "PV1" -> 0.
std::uint16_t number_of(std::string_view v2) {
  auto const mark = v2.find_first_of("-.");
  std::uint16_t number = 0;
  if (mark != std::string_view::npos) std::from_chars(v2.data() + mark + 1, v2.data() + v2.size(), number);
  return number;
}

std::string segment_of(std::string_view v2) { return std::string(v2.substr(0, v2.find_first_of("-."))); }

/// The same element: capitals do not count, and `value[x]` is any choice of value.
bool same_path(std::string_view ours, std::string_view theirs) {
  if (ours.ends_with("[x]")) {
    ours.remove_suffix(3);
    theirs = theirs.substr(0, ours.size());
  }
  return same(ours, theirs);
}

/// Ours is a data type whose parts the official row names: `code` and `code.coding.code`.
bool holds_path(Reach const& ours, std::string_view theirs) {
  static const std::set<std::string_view> kComplex = {
      "CodeableConcept", "Coding", "Identifier", "HumanName", "Address",    "ContactPoint", "Period",
      "Quantity",        "Range",  "Ratio",      "Timing",    "Attachment", "Annotation"};
  auto const tilde = ours.pair.find('~');
  if (tilde == std::string::npos || !kComplex.contains(std::string_view(ours.pair).substr(tilde + 1)))
    return false;
  return theirs.size() > ours.path.size() && theirs[ours.path.size()] == '.' &&
         same(ours.path, theirs.substr(0, ours.path.size()));
}

/// Answers for one set of our tables.
class Ours {
 public:
  explicit Ours(language::Maps const& maps)
      : reaches_(language::reaches(maps)), codes_(language::code_reaches(maps)) {
    for (Reach const& reach : reaches_.elements) {
      by_segment_[reach.segment].push_back(&reach);
      if (reach.kind == Reach::Kind::copy && !reach.system.empty()) note_table(reach);
    }
  }

  /// The row of ours that does what the official one says; "" when there is none.
  std::string covering(Sheet const& sheet, OfficialRow const& row) {
    switch (sheet.kind) {
      case SheetKind::message:
        return of_message(sheet, row);
      case SheetKind::segment:
        return of_segment(sheet, row);
      case SheetKind::vocabulary:
        return of_code(row);
      case SheetKind::data_type:
        break;
    }
    return {};
  }

  /// The reason that our own `-` row gives for leaving a field out; "" when there is none.
  std::string dropped(Sheet const& sheet, OfficialRow const& row) const {
    std::string const segment = row.v2.empty() ? sheet.source : segment_of(row.v2);
    auto const found = by_segment_.find(segment);
    if (sheet.kind != SheetKind::segment || found == by_segment_.end()) return {};
    for (Reach const* const reach : found->second) {
      if (reach->kind == Reach::Kind::drop && reach->field == number_of(row.v2) && reach->field != 0)
        return reach->value + " (" + reach->row + ")";
    }
    return {};
  }

 private:
  // ---- segments

  std::string of_segment(Sheet const& sheet, OfficialRow const& row) const {
    std::string const segment = row.v2.empty() ? sheet.source : segment_of(row.v2);
    std::uint16_t const field = number_of(row.v2);
    std::vector<Hop> hops = row.hops;
    if (hops.empty()) return {};
    hops[0].type = sheet.target;
    if (row.is_constant) return constant(segment, field, hops, row.value);
    return copy(segment, field, hops);
  }

  template <class Test>
  std::string any_of(std::string const& segment, std::uint16_t field, Test const& test) const {
    auto const found = by_segment_.find(segment);
    if (found == by_segment_.end()) return {};
    for (Reach const* const reach : found->second) {
      if (field != 0 && reach->field != field && !(field_free(*reach))) continue;
      if (test(*reach)) return reach->row;
    }
    return {};
  }

  /// A literal or a default stands for the segment as a whole.
  static bool field_free(Reach const& reach) {
    return reach.field == 0 && reach.kind == Reach::Kind::constant;
  }

  std::string copy(std::string const& segment, std::uint16_t field, std::vector<Hop> const& hops) const {
    bool const ends_in_resource = hops.back().path.empty() && hops.size() > 1;
    Hop const& last = ends_in_resource ? hops[hops.size() - 2] : hops.back();
    std::string row = any_of(segment, field, [&](Reach const& ours) {
      return ours.kind == Reach::Kind::copy && fits_type(last.type, ours.type) &&
             (same_path(ours.path, last.path) || holds_path(ours, last.path));
    });
    if (!row.empty()) return row;
    if (ends_in_resource) return through_link(segment, field, last, hops.back().type);
    // The pair that makes the resource fills it: participant.actor(Location.identifier).
    if (hops.size() < 2) return {};
    Hop const& outer = hops[hops.size() - 2];
    return any_of(segment, field, [&](Reach const& ours) {
      return ours.kind == Reach::Kind::copy && fits_type(outer.type, ours.type) &&
             same_path(ours.path, outer.path) && fits_type(last.type, ours.resource);
    });
  }

  /// The field fills a resource that a link of ours puts there.
  std::string through_link(std::string const& segment, std::uint16_t field, Hop const& at,
                           std::string const& type) const {
    bool const linked = std::ranges::any_of(reaches_.joints, [&](Joint const& joint) {
      return fits_type(at.type, joint.type) && same_path(joint.path, at.path) &&
             fits_type(type, joint.target);
    });
    if (!linked) return {};
    return any_of(segment, field, [&](Reach const& ours) {
      return ours.kind == Reach::Kind::copy && fits_type(type, ours.type);
    });
  }

  static bool fits_type(std::string const& official, std::string const& ours) {
    auto const choices = split(official, "|");
    return std::ranges::any_of(choices, [&](std::string const& one) { return same(one, ours); });
  }

  std::string constant(std::string const& segment, std::uint16_t field, std::vector<Hop> const& hops,
                       std::string const& value) const {
    Hop const& last = hops.back();
    auto const test = [&](Reach const& ours) {
      if (!fits_type(last.type, ours.type)) return false;
      if (ours.kind == Reach::Kind::constant) return same_path(ours.path, last.path) && ours.value == value;
      return ours.kind == Reach::Kind::copy && !ours.system.empty() && ours.system == value &&
             last.path.ends_with(".system") && holds_path(ours, last.path);
    };
    std::string row = any_of(segment, field, test);
    return row.empty() ? any_of("", 0, test) : row;
  }

  // ---- messages

  std::string of_message(Sheet const& sheet, OfficialRow const& row) const {
    std::string const target = row.segment_map.substr(0, row.segment_map.find('['));
    std::string type = row.segment_map.substr(std::min(row.segment_map.size(), target.size() + 1));
    type = type.substr(0, type.find_first_of("-]"));
    for (Placing const& placing : reaches_.placings) {
      if (placing.structure != sheet.source || placing.segment != target || !same(placing.type, type))
        continue;
      if (!placing.group.empty() && placing.group != (row.group.empty() ? "root" : row.group)) continue;
      if (!references_hold(sheet.source, row.references)) return {};
      return "use " + placing.segment + (placing.variant.empty() ? "" : "/" + placing.variant) + " -> " +
             placing.type + (placing.base.empty() ? "" : "." + placing.base);
    }
    return {};
  }

  /// `Account.subject.reference=Patient[1].id; ...`: each is a link of ours in that structure.
  bool references_hold(std::string const& structure, std::string const& references) const {
    std::size_t at = 0;
    while ((at = references.find('=', at)) != std::string::npos) {
      auto begin = references.find_last_of(" ;", at);
      begin = begin == std::string::npos ? 0 : begin + 1;
      auto const end = std::min(references.size(), references.find_first_of(" ;", at));
      std::string const left = references.substr(begin, at - begin);
      std::string const right = references.substr(at + 1, end - at - 1);
      at = end;
      if (!reference_holds(structure, left, right)) return false;
    }
    return true;
  }

  bool reference_holds(std::string const& structure, std::string const& left,
                       std::string const& right) const {
    std::string const path = hops_of(left).front().path;  // "Account.subject"
    auto const dot = path.find('.');
    if (dot == std::string::npos) return true;
    std::string const type = path.substr(0, dot);
    std::string element = path.substr(dot + 1);
    if (element.ends_with(".id")) element.resize(element.size() - 3);
    if (right.starts_with('"')) {
      std::string const value = right.substr(1, right.size() - 2);
      return std::ranges::any_of(reaches_.elements, [&](Reach const& ours) {
        return ours.kind == Reach::Kind::constant && same(ours.type, type) && same_path(ours.path, element) &&
               ours.value == value;
      });
    }
    std::string const target = right.substr(0, right.find_first_of("[."));
    return std::ranges::any_of(reaches_.joints, [&](Joint const& joint) {
      return joint.structure == structure && same(joint.type, type) && same_path(joint.path, element) &&
             same(joint.target, target);
    });
  }

  // ---- vocabularies

  /// "HL70001" or "http://terminology.hl7.org/CodeSystem/v2-0001" -> "0001"; "" for others.
  static std::string table_of(std::string_view system) {
    for (std::string_view const prefix : {"HL7", "http://terminology.hl7.org/CodeSystem/v2-"}) {
      if (system.starts_with(prefix) && system.size() > prefix.size()) {
        std::string number(system.substr(prefix.size()));
        number.insert(0, number.size() < 4 ? 4 - number.size() : 0, '0');
        return number.size() == 4 || prefix.size() > 3 ? number : "";
      }
    }
    return {};
  }

  void note_table(Reach const& reach) {
    passed_on_.insert(table_of(reach.system));
    auto const* const field = hl7v2::find_field(hl7v2::Version::v2_8, reach.segment, reach.field);
    if (field == nullptr || field->table == 0 || !reach.vocabulary.empty()) return;
    std::string number = std::to_string(field->table);
    number.insert(0, number.size() < 4 ? 4 - number.size() : 0, '0');
    if (table_of(reach.system) == number) passed_on_.insert(number);
  }

  std::string of_code(OfficialRow const& row) const {
    std::string const table = table_of(row.v2_system);
    for (auto const& code : codes_) {
      if (table_of(code.v2_system) == table && same(code.v2_code, row.v2) && code.code == row.code &&
          code.system == row.system)
        return "vocabulary " + code.vocabulary;
    }
    // A code that stays what it is: our rows name its table as the system of codes that name none.
    if (!table.empty() && table == table_of(row.system) && row.v2 == row.code && passed_on_.contains(table))
      return "passed on as v2-" + table;
    return {};
  }

  language::Reaches reaches_;
  std::vector<language::CodeReach> codes_;
  std::map<std::string, std::vector<Reach const*>> by_segment_;
  std::set<std::string> passed_on_;
};

/// Data type sheets: the pair runs.
class Pairs {
 public:
  explicit Pairs(Reasons const& reasons) : reasons_(reasons) {}

  std::string covering(Sheet const& sheet, OfficialRow const& row) {
    Probed const& probed = probe_of(sheet);
    if (!probed.probe || row.hops.empty()) return {};
    std::string path = row.hops.front().path;
    if (path.starts_with(sheet.target + ".")) path.erase(0, sheet.target.size() + 1);
    if (row.hops.size() > 1 && !row.hops.back().path.empty())
      path += (path.empty() ? "" : ".") + row.hops.back().path;
    if (!probed.prefix.empty()) path = path.empty() ? probed.prefix : probed.prefix + "." + path;
    std::size_t const number = number_of(row.v2);
    bool const found =
        row.is_constant ? probed.probe->writes(number, path, row.value) : probed.probe->reaches(number, path);
    return found ? probed.pair : "";
  }

 private:
  struct Probed {
    std::string pair, prefix;
    std::optional<Probe> probe;
  };

  Probed const& probe_of(Sheet const& sheet) {
    auto [found, is_new] = probed_.try_emplace(sheet.name);
    if (!is_new) return found->second;
    Via via{"", sheet.source + "~" + sheet.target, "", 0, 0};
    for (Via const& one : reasons_.vias) {
      if (matches(one.sheet, sheet.title())) via = one;
    }
    Probed& made = found->second;
    made.pair = via.pair;
    made.prefix = via.prefix;
    if (types::Pair const* const pair = types::find_pair(via.pair))
      made.probe.emplace(*pair, sheet.source, via.part);
    return made;
  }

  Reasons const& reasons_;
  std::map<std::string, Probed> probed_;
};

/// Gives every row its verdict and remembers which reasons were of use.
class Judge {
 public:
  Judge(language::Maps const& maps, Reasons const& reasons)
      : reasons_(reasons), ours_(maps), pairs_(reasons), used_(reasons.reasons.size()), seen_(used_.size()) {}

  Verdict verdict(Sheet const& sheet, OfficialRow const& row) {
    if (row.maps_nothing) return {Standing::no_target, ""};
    std::string by =
        sheet.kind == SheetKind::data_type ? pairs_.covering(sheet, row) : ours_.covering(sheet, row);
    std::string const title = sheet.title();
    Verdict verdict;
    for (std::size_t at = 0; at < reasons_.reasons.size(); ++at) {
      Reason const& reason = reasons_.reasons[at];
      if (!matches(reason.sheet, title) || !matches(reason.v2, row.v2) || !matches(reason.target, row.target))
        continue;
      seen_[at] = true;
      if (!by.empty()) continue;
      used_[at] = true;
      if (verdict.standing == Standing::missing) verdict = {reason.standing, reason.text};
    }
    if (!by.empty()) return {Standing::covered, std::move(by)};
    if (verdict.standing != Standing::missing) return verdict;
    if (std::string dropped = ours_.dropped(sheet, row); !dropped.empty())
      return {Standing::deviating, std::move(dropped)};
    return verdict;
  }

  fhir::Issues stale() const {
    fhir::Issues all;
    for (std::size_t at = 0; at < used_.size(); ++at) {
      if (used_[at]) continue;
      Reason const& reason = reasons_.reasons[at];
      std::string const what = seen_[at] ? "every official row it speaks of is covered by now: take it out"
                                         : "no official row matches it: correct its patterns or take it out";
      all.push_back(fhir::error(fhir::IssueType::business_rule,
                                what + " (" + reason.sheet + " | " + reason.v2 + " | " + reason.target + ")",
                                {}, "official.reasons:" + std::to_string(reason.line)));
    }
    return all;
  }

 private:
  Reasons const& reasons_;
  Ours ours_;
  Pairs pairs_;
  std::vector<bool> used_, seen_;
};

}  // namespace

bool matches(std::string_view pattern, std::string_view text) {
  for (std::string const& one : split(pattern, " or ")) {
    if (matches_one(one, text)) return true;
  }
  return false;
}

fhir::Result<Reasons> parse_reasons(std::string_view text) {
  Reasons all;
  std::size_t number = 0;
  for (std::string const& line : split(text, "\n")) {
    ++number;
    if (line.empty() || line[0] == '#') continue;
    auto const cells = split(line, " | ");
    bool const is_via = cells[0] == "via";
    if (is_via && (cells.size() == 4 || cells.size() == 5)) {
      Via via{cells[1], cells[2], cells.size() == 5 ? cells[4] : "", 0, number};
      std::from_chars(cells[3].data(), cells[3].data() + cells[3].size(), via.part);
      all.vias.push_back(std::move(via));
      continue;
    }
    bool const known = cells[0] == "deviates" || cells[0] == "out";
    if (!known || cells.size() != 5 || cells[4].empty())
      return fhir::error(
          fhir::IssueType::structure,
          "a line is: deviates | SHEET | V2 | TARGET | REASON (or out | ..., or via | SHEET | PAIR | "
          "PART [| ELEMENT])",
          {}, "official.reasons:" + std::to_string(number));
    all.reasons.push_back({cells[0] == "out" ? Standing::out_of_scope : Standing::deviating, cells[1],
                           cells[2], cells[3], cells[4], number});
  }
  return all;
}

std::array<std::size_t, kStandings> SheetReport::counts() const {
  std::array<std::size_t, kStandings> all{};
  for (Verdict const& verdict : verdicts) ++all[static_cast<std::size_t>(verdict.standing)];
  return all;
}

std::size_t Report::count(SheetKind kind, Standing standing) const {
  std::size_t total = 0;
  for (SheetReport const& one : sheets) {
    if (one.sheet->kind == kind) total += one.counts()[static_cast<std::size_t>(standing)];
  }
  return total;
}

Report compare(language::Maps const& maps, std::span<Sheet const> sheets, Reasons const& reasons) {
  Judge judge(maps, reasons);
  Report report;
  for (Sheet const& sheet : sheets) {
    SheetReport& made = report.sheets.emplace_back();
    made.sheet = &sheet;
    for (OfficialRow const& row : sheet.rows) made.verdicts.push_back(judge.verdict(sheet, row));
  }
  report.stale = judge.stale();
  return report;
}

}  // namespace mappings::coverage
