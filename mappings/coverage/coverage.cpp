#include "mappings/coverage/coverage.hpp"

#include "mappings/coverage/text.hpp"
#include "mappings/coverage/trials.hpp"
#include "mappings/hl7v2/dictionary.hpp"
#include "mappings/language/reach.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace mappings::coverage {

namespace {

using language::Joint;
using language::Placing;
using language::Reach;
using language::Turn;

bool same(std::string_view left, std::string_view right) { return types::equals_ignoring_case(left, right); }

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
      if (reach.kind == Reach::Kind::copy && !(reach.system + reach.sent_system).empty()) note_table(reach);
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

  /// A row of ours that reads one component of a field of the sheet's type.
  std::string by_component(Way const& way, Sheet const& sheet, OfficialRow const& row) const {
    std::uint16_t const number = number_of(row.v2);
    std::string const path = joined(way.element, own_path(sheet, row));
    for (Reach const& ours : reaches_.elements) {
      if (!same(ours.type, way.by)) continue;
      bool const is_field = ours.segment + "-" + std::to_string(ours.field) == way.sample;
      if (way.sample.empty() ? !reads_type(ours, sheet.source) : !is_field) continue;
      if (row.is_constant && ours.kind == Reach::Kind::constant && same_path(ours.path, path) &&
          ours.value == row.value)
        return ours.row;
      bool const reads = ours.kind == Reach::Kind::copy && (number == 0 || component_of(ours) == number);
      if (!row.is_constant && reads && (same_path(ours.path, path) || holds_path(ours, path)))
        return ours.row;
    }
    return {};
  }

  /// A row of our event tables that leads to the published status.
  std::string by_event(Way const& way, OfficialRow const& row) const {
    for (Turn const& turn : reaches_.turns) {
      if (turn.message == way.by && turn.event == row.v2 && turn.after == row.code &&
          turn.type + "." + turn.path == way.element)
        return turn.row;
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
  /// A pair of a primitive that is given a whole field reads its first component.
  static std::uint16_t component_of(Reach const& ours) {
    auto const type = std::string_view(ours.pair).substr(0, ours.pair.find('~'));
    bool const primitive = hl7v2::component_count(hl7v2::Version::v2_8, type) == 0;
    return ours.component == 0 && primitive ? std::uint16_t{1} : ours.component;
  }

  /// A literal of a segment that has such a field counts as well: it comes with what the field says.
  static bool reads_type(Reach const& ours, std::string_view type) {
    for (int at = 0; at <= static_cast<int>(hl7v2::Version::v2_8); ++at) {
      auto const version = static_cast<hl7v2::Version>(at);
      if (ours.field != 0) {
        auto const* const field = hl7v2::find_field(version, ours.segment, ours.field);
        if (field != nullptr && field->data_type == type) return true;
        continue;
      }
      for (auto const* const field : hl7v2::fields_of(version, ours.segment)) {
        if (ours.kind == Reach::Kind::constant && field != nullptr && field->data_type == type) return true;
      }
    }
    return false;
  }

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
    if (!reach.sent_system.empty()) passed_on_.insert(table_of(reach.sent_system));
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

/// Gives every row its verdict and remembers which reasons were of use.
class Judge {
 public:
  Judge(language::Maps const& maps, Reasons const& reasons)
      : reasons_(reasons),
        ours_(maps),
        used_(reasons.reasons.size()),
        seen_(used_.size()),
        went_(reasons.ways.size()) {}

  Verdict verdict(Sheet const& sheet, OfficialRow const& row) {
    if (row.maps_nothing) return {Standing::no_target, ""};
    std::string const title = sheet.title();
    std::string by = covering(title, sheet, row);
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
    for (std::size_t at = 0; at < went_.size(); ++at) {
      if (went_[at]) continue;
      Way const& way = reasons_.ways[at];
      all.push_back(fhir::error(fhir::IssueType::business_rule,
                                "it covers no published row: correct it or take it out (" + way.sheet +
                                    " | " + way.by + " | " + way.element + ")",
                                {}, "official.reasons:" + std::to_string(way.line)));
    }
    return all;
  }

 private:
  std::string covering(std::string const& title, Sheet const& sheet, OfficialRow const& row) {
    std::string by = ours_.covering(sheet, row);
    bool has_way = false;
    for (std::size_t at = 0; at < went_.size(); ++at) {
      Way const& way = reasons_.ways[at];
      if (!matches(way.sheet, title)) continue;
      has_way = true;
      std::string const found = by_way(way, sheet, row);
      if (found.empty()) continue;
      went_[at] = true;
      if (by.empty()) by = found;
    }
    if (by.empty() && !has_way && sheet.kind == SheetKind::data_type) by = trials_.by_name(sheet, row);
    return by;
  }

  std::string by_way(Way const& way, Sheet const& sheet, OfficialRow const& row) {
    switch (way.kind) {
      case Way::Kind::rows:
        return ours_.by_component(way, sheet, row);
      case Way::Kind::events:
        return ours_.by_event(way, row);
      case Way::Kind::pair:
        break;
    }
    return trials_.covering(way, sheet, row);
  }

  Reasons const& reasons_;
  Ours ours_;
  Trials trials_;
  std::vector<bool> used_, seen_, went_;
};

}  // namespace

bool matches(std::string_view pattern, std::string_view text) {
  for (std::string const& one : split(pattern, " or ")) {
    if (matches_one(one, text)) return true;
  }
  return false;
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
