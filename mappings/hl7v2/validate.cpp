#include "mappings/hl7v2/validate.hpp"

#include "mappings/hl7v2/dictionary/codes.hpp"
#include "mappings/hl7v2/escape.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <string>

namespace mappings::hl7v2 {
namespace {

using fhir::IssueType;
using fhir::Severity;

constexpr std::string_view kDelete = "\"\"";
/// Types whose definition is elsewhere: OBX-5 by OBX-2, or not in the dictionary at all.
constexpr std::string_view kVaries = "VARIES";

bool is_own(std::string_view segment) { return segment.starts_with('Z'); }

bool are_digits(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

int number_of(std::string_view digits) {
  int number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

int days_in(int year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool const is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && is_leap ? 29 : kDays[month - 1];
}

/// YYYY[MM[DD]]
bool is_date(std::string_view text) {
  if ((text.size() != 4 && text.size() != 6 && text.size() != 8) || !are_digits(text)) return false;
  if (text.size() == 4) return true;
  int const month = number_of(text.substr(4, 2));
  if (month < 1 || month > 12) return false;
  if (text.size() == 6) return true;
  int const day = number_of(text.substr(6));
  return day >= 1 && day <= days_in(number_of(text.substr(0, 4)), month);
}

/// HH[MM[SS[.S[S[S[S]]]]]]
bool is_clock(std::string_view text) {
  auto const dot = text.find('.');
  std::string_view const digits = text.substr(0, dot);
  if (dot != std::string_view::npos) {
    std::string_view const fraction = text.substr(dot + 1);
    if (digits.size() != 6 || fraction.empty() || fraction.size() > 4 || !are_digits(fraction)) return false;
  }
  if ((digits.size() != 2 && digits.size() != 4 && digits.size() != 6) || !are_digits(digits)) return false;
  return number_of(digits.substr(0, 2)) < 24 && (digits.size() < 4 || number_of(digits.substr(2, 2)) < 60) &&
         (digits.size() < 6 || number_of(digits.substr(4)) < 60);
}

/// Takes +ZZZZ or -ZZZZ off the end; false where what stands there is no offset.
bool take_offset(std::string_view& text) {
  auto const sign = text.find_first_of("+-");
  if (sign == std::string_view::npos) return true;
  std::string_view const offset = text.substr(sign + 1);
  text = text.substr(0, sign);
  return offset.size() == 4 && is_clock(offset);
}

bool is_time(std::string_view text) { return take_offset(text) && is_clock(text); }

bool is_date_time(std::string_view text) {
  if (!take_offset(text)) return false;
  if (text.size() <= 8) return is_date(text);
  return is_date(text.substr(0, 8)) && is_clock(text.substr(8));
}

bool is_number(std::string_view text) {
  if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
  auto const dot = text.find('.');
  std::string_view const fraction = dot == std::string_view::npos ? "" : text.substr(dot + 1);
  text = text.substr(0, dot);
  return text.size() + fraction.size() > 0 && are_digits(text) && are_digits(fraction);
}

/// The number of an HL7 table that a coding system names: "HL70203", "HL7 0203"; 0 for any other system.
std::uint16_t table_named(std::string_view system) {
  if (!system.starts_with("HL7")) return 0;
  system.remove_prefix(3);
  if (system.size() != 4 || !are_digits(system)) return 0;
  return static_cast<std::uint16_t>(number_of(system));
}

std::string of(std::string_view name) { return std::string(name); }

class Judge {
 public:
  Judge(Message const& message, std::optional<Version> as) : message_(message), as_(as) {}

  std::vector<Finding> run() {
    choose_version();
    judge_structure();
    for (std::uint32_t segment = 0; segment < message_.segment_count() && !is_full(); ++segment)
      judge_segment(segment);
    if (is_full()) {
      findings_.resize(kFindingsMax);
      find(Severity::error, IssueType::too_costly, "more findings than these are not listed", "");
    }
    return std::move(findings_);
  }

 private:
  bool is_full() const { return findings_.size() > kFindingsMax; }

  void find(Severity severity, IssueType code, std::string what, std::string source, Address const& at = {}) {
    findings_.push_back({{severity, code, std::move(what), {}, std::move(source)}, at});
  }
  void find(Severity severity, IssueType code, std::string what, Address const& at) {
    find(severity, code, std::move(what), to_string(message_, at), at);
  }

  void choose_version() {
    auto const version = as_ ? as_ : to_version(message_.version());
    if (!version)
      find(Severity::error, IssueType::not_supported, "MSH-12 names no version of HL7 v2: judged as 2.5.1",
           "MSH-12");
    version_ = version.value_or(Version::v2_5_1);
    in_version_ = "HL7 v" + of(to_text(version_));
  }

  // ---------------------------------------------------------------------------------------------- structure

  void judge_structure() {
    structure_ = structure_of(message_);
    auto const found = structure_.empty() ? StructureLookup{} : find_structure(version_, structure_);
    if (found.root == nullptr)
      return find(Severity::error, IssueType::not_supported, "no version of HL7 v2 has this message",
                  "MSH-9");
    if (!found.exact)
      find(Severity::error, IssueType::not_supported, in_version_ + " has no " + of(structure_), "MSH-9");
    fhir::Issues misplaced;
    Grouping const grouping = group_segments(message_, found.root, misplaced);
    for (fhir::Issue& one : misplaced) {
      if (auto const at = segment_named(one.source)) misplaced_.insert(*at);
      std::string_view const id = std::string_view(one.source).substr(0, one.source.find_first_of("[-"));
      bool const is_known = field_count(version_, id) > 0;
      find(is_known ? Severity::error : Severity::warning, IssueType::structure,
           is_known ? of(structure_) + ": " + one.diagnostics : in_version_ + " has no such segment",
           std::move(one.source));
    }
    list_members(grouping);
    judge_group(*found.root, 0, grouping);
  }

  struct Allowed {
    std::uint32_t min = 0, max = 0;  ///< max 0: unbounded
    bool is_group = false;
    std::vector<std::string_view> names;
    std::string_view begins_with;  ///< Of a group: its first segment.
  };

  /// How many there are; what is reported as out of place is not counted against a maximum as well.
  struct Count {
    std::uint32_t present = 0, in_place = 0;

    void add(bool is_misplaced) {
      ++present;
      if (!is_misplaced) ++in_place;
    }
    void add(Count const& other) {
      present += other.present;
      in_place += other.in_place;
    }
  };

  static std::string_view first_segment(GrammarNode const& node) {
    return node.children.empty() ? node.name : first_segment(node.children.front());
  }

  /// A group of which nothing is required is there when it is empty: `{ [OBX] [{NTE}] }`.
  static bool may_be_empty(GrammarNode const& group) {
    return std::ranges::all_of(group.children, [](GrammarNode const& child) {
      return child.min == 0 || (child.is_group && may_be_empty(child));
    });
  }

  /// What a group's children allow; a name that stands twice is one entry.
  static std::vector<Allowed> allowed_in(GrammarNode const& group) {
    std::vector<Allowed> all;
    for (GrammarNode const& child : group.children) {
      bool const may_lack = child.is_group && !child.is_choice && may_be_empty(child);
      Allowed one{may_lack ? 0U : child.min, child.max, child.is_group, {}, first_segment(child)};
      if (child.is_choice) {
        for (GrammarNode const& option : child.children) one.names.push_back(option.name);
      } else {
        one.names.push_back(child.name);
      }
      auto const same = std::ranges::find(all, one.names, &Allowed::names);
      if (same == all.end()) {
        all.push_back(std::move(one));
      } else {
        same->min += one.min;
        same->max = same->max == 0 || one.max == 0 ? 0 : same->max + one.max;
      }
    }
    return all;
  }

  void judge_group(GrammarNode const& group, std::uint32_t instance, Grouping const& grouping) {
    std::map<std::string_view, Count> segments, groups;
    for (std::uint32_t const at : segments_in_[instance])
      segments[message_.segment_id(at)].add(misplaced_.contains(at));
    for (std::uint32_t const at : groups_in_[instance]) groups[grouping.groups[at].name].add(false);
    for (Allowed const& one : allowed_in(group)) {
      Count count;
      for (std::string_view const name : one.names) count.add(one.is_group ? groups[name] : segments[name]);
      judge_count(one, count, instance, grouping);
    }
    for (std::uint32_t const at : groups_in_[instance]) {
      auto const child = std::ranges::find(group.children, grouping.groups[at].name, &GrammarNode::name);
      if (child != group.children.end()) judge_group(*child, at, grouping);
    }
  }

  /// The segment that a warning is about: "OBX[2]" or "PID".
  std::optional<std::uint32_t> segment_named(std::string_view place) const {
    auto const bracket = place.find('[');
    std::string_view const id = place.substr(0, bracket);
    int occurrence = bracket == std::string_view::npos ? 1 : number_of(place.substr(bracket + 1));
    for (std::uint32_t at = 0; at < message_.segment_count(); ++at)
      if (message_.segment_id(at) == id && --occurrence == 0) return at;
    return std::nullopt;
  }

  void list_members(Grouping const& grouping) {
    segments_in_.resize(grouping.groups.size());
    groups_in_.resize(grouping.groups.size());
    for (std::uint32_t at = 0; at < grouping.group_of_segment.size(); ++at)
      segments_in_[grouping.group_of_segment[at]].push_back(at);
    for (std::uint32_t at = 1; at < grouping.groups.size(); ++at)
      groups_in_[grouping.groups[at].parent].push_back(at);
  }

  void judge_count(Allowed const& allowed, Count const& count, std::uint32_t instance,
                   Grouping const& grouping) {
    if (count.present >= allowed.min && (allowed.max == 0 || count.in_place <= allowed.max)) return;
    std::string name;
    for (std::string_view const one : allowed.names) name.append(name.empty() ? "" : " or ").append(one);
    std::string const what = (allowed.is_group ? "group " : "segment ") + name;
    std::string const where = of(structure_) + place_of(instance, grouping);
    if (allowed.is_group) name = of(allowed.begins_with);
    if (count.present < allowed.min)
      find(Severity::error, IssueType::required, where + " requires the " + what, name);
    else
      find(Severity::error, IssueType::structure,
           where + " takes the " + what + " " + std::to_string(allowed.max) + " times, not " +
               std::to_string(count.in_place),
           name);
  }

  /// " in the OBSERVATION that begins with OBX[2]"
  std::string place_of(std::uint32_t instance, Grouping const& grouping) const {
    if (instance == 0) return {};
    std::string place = " in the " + of(grouping.groups[instance].name);
    for (std::uint32_t at = 0; at < grouping.group_of_segment.size(); ++at) {
      auto group = grouping.group_of_segment[at];
      while (group != 0 && group != instance) group = grouping.groups[group].parent;
      if (group == instance) return place + " that begins with " + to_string(message_, {at});
    }
    return place;
  }

  // ------------------------------------------------------------------------------------------------- fields

  void judge_segment(std::uint32_t segment) {
    auto const id = message_.segment_id(segment);
    if (is_own(id) || field_count(version_, id) == 0) return;
    auto const fields = fields_of(version_, id);
    std::size_t const first = id == "MSH" ? 3 : 1;  // MSH-1 and MSH-2 are the delimiters
    std::size_t const last = std::max(fields.size(), message_.field_count(segment));
    for (std::size_t number = first; number <= last && !is_full(); ++number) {
      Address const at{segment, static_cast<std::uint16_t>(number)};
      judge_field(at, number <= fields.size() ? fields[number - 1] : nullptr);
    }
    if (id == "OBX" && !message_.raw({segment, 5}).empty() && message_.raw({segment, 2}).empty())
      find(Severity::warning, IssueType::required, "a value needs its data type in OBX-2",
           Address{segment, 2});
  }

  void judge_field(Address at, FieldDefinition const* definition) {
    std::size_t const count = message_.repetition_count(at.segment, at.field);
    if (definition == nullptr) {
      if (count > 0) find(Severity::warning, IssueType::structure, in_version_ + " has no such field", at);
      return;
    }
    if (count == 0) {
      if (definition->optionality == 'R')
        find(Severity::error, IssueType::required, in_version_ + " requires the field", at);
      return;
    }
    if (definition->optionality == 'W' || definition->optionality == 'X')
      find(Severity::warning, IssueType::business_rule, in_version_ + " has withdrawn the field", at);
    if (count > 1 && !definition->repeats)
      find(repeats_elsewhere(at) ? Severity::warning : Severity::error, IssueType::structure,
           in_version_ + " has one repetition of the field", at);
    for (std::size_t repetition = 1; repetition <= count; ++repetition) {
      at.repetition = static_cast<std::uint16_t>(repetition);
      judge_repetition(at, *definition);
    }
  }

  /// A field that some version lets repeat: a receiver of another one takes the first.
  bool repeats_elsewhere(Address const& at) const {
    auto const id = message_.segment_id(at.segment);
    for (auto version = Version::v2_1; version <= Version::v2_8;
         version = static_cast<Version>(static_cast<int>(version) + 1)) {
      auto const* const other = find_field(version, id, at.field);
      if (other != nullptr && other->repeats) return true;
    }
    return false;
  }

  void judge_repetition(Address const& at, FieldDefinition const& definition) {
    std::string_view const raw = message_.raw(at);
    if (raw.empty() || raw == kDelete) return;
    judge_length(at, raw, definition);
    std::string_view const type = type_at(at, definition);
    std::size_t const count = component_count(version_, type);
    if (count == 0) {
      if (type != kVaries) judge_primitive(at, message_.component_count(at), type, definition.table);
      return;
    }
    std::size_t const last = std::max(count, message_.component_count(at));
    for (std::size_t number = 1; number <= last; ++number) {
      Address component = at;
      component.component = static_cast<std::uint16_t>(number);
      judge_component(component, type, find_component(version_, type, number));
    }
    if (type == "CE" || type == "CWE" || type == "CNE") judge_coded(at);
  }

  /// OBX-5 is of the type that OBX-2 names.
  std::string_view type_at(Address const& at, FieldDefinition const& definition) {
    bool const is_observed = at.field == 5 && message_.segment_id(at.segment) == "OBX";
    if (!is_observed) return definition.data_type == "CM" ? kVaries : definition.data_type;
    std::string_view const named = message_.raw({at.segment, 2, 1, 1, 1});
    return named.empty() || named == kDelete ? kVaries : named;
  }

  void judge_component(Address const& at, std::string_view within, FieldDefinition const* definition) {
    std::string_view const raw = message_.raw(at);
    if (definition == nullptr) {
      if (!raw.empty())
        find(Severity::warning, IssueType::structure,
             of(within) + " of " + in_version_ + " has no such component", at);
      return;
    }
    if (raw.empty()) {
      if (definition->optionality == 'R')
        find(Severity::error, IssueType::required,
             of(within) + " of " + in_version_ + " requires the component", at);
      return;
    }
    if (raw == kDelete) return;
    judge_length(at, raw, *definition);
    bool const is_point = within == "TS" && at.component == 1;
    std::string_view const type = is_point ? "DTM" : definition->data_type;
    std::size_t const parts = component_count(version_, type);
    std::size_t const count = message_.subcomponent_count(at);
    if (parts == 0) return judge_primitive(at, count, type, definition->table);
    for (std::size_t number = 1; number <= std::max(parts, count); ++number) {
      Address part = at;
      part.subcomponent = static_cast<std::uint16_t>(number);
      judge_subcomponent(part, type, find_component(version_, type, number));
    }
  }

  void judge_subcomponent(Address const& at, std::string_view within, FieldDefinition const* definition) {
    std::string_view const raw = message_.raw(at);
    if (definition == nullptr && !raw.empty())
      find(Severity::warning, IssueType::structure,
           of(within) + " of " + in_version_ + " has no such subcomponent", at);
    if (definition == nullptr) return;
    if (raw.empty() && definition->optionality == 'R')
      find(Severity::error, IssueType::required,
           of(within) + " of " + in_version_ + " requires the subcomponent", at);
    if (raw.empty() || raw == kDelete) return;
    bool const is_point = within == "TS" && at.subcomponent == 1;
    judge_length(at, raw, *definition);
    judge_leaf(at, is_point ? "DTM" : definition->data_type, definition->table);
  }

  /// What stands where the version has one text: `parts` of it, of which a receiver takes the first.
  void judge_primitive(Address at, std::size_t parts, std::string_view type, std::uint16_t table) {
    if (parts > 1)
      find(Severity::warning, IssueType::structure, of(type) + " of " + in_version_ + " has no parts", at);
    judge_leaf(at, type, table);
  }

  // ------------------------------------------------------------------------------------------------- leaves

  void judge_leaf(Address const& at, std::string_view type, std::uint16_t table) {
    Address leaf = at;
    leaf.component = std::max<std::uint16_t>(leaf.component, 1);
    leaf.subcomponent = std::max<std::uint16_t>(leaf.subcomponent, 1);
    std::string_view const raw = message_.raw(leaf);
    if (raw.empty() || raw == kDelete) return;
    if (!is_of_type(raw, type, version_))
      find(Severity::error, IssueType::value, "it is no " + of(type) + " of " + in_version_, at);
    // Before 2.3 every coded field was an ID, those of user-defined tables too.
    bool const is_closed = type == "ID" && version_ >= Version::v2_3;
    if (is_closed && !table_lists(table, message_.text(leaf)).value_or(true))
      find(Severity::error, IssueType::code_invalid,
           "HL7 table " + std::to_string(table) + " has no such code", at);
  }

  void judge_length(Address const& at, std::string_view raw, FieldDefinition const& definition) {
    if (definition.length_max == 0 || character_count(raw) <= definition.length_max) return;
    find(Severity::warning, IssueType::too_long,
         in_version_ + " has " + std::to_string(definition.length_max) + " characters for it", at);
  }

  /// Code and alternate code against the HL7 tables that they name.
  void judge_coded(Address at) {
    for (std::uint16_t const first : {std::uint16_t{1}, std::uint16_t{4}}) {
      at.component = first;
      std::string const code = message_.text(at);
      Address system = at;
      system.component = static_cast<std::uint16_t>(first + 2);
      if (code.empty() || table_lists(table_named(message_.raw(system)), code).value_or(true)) continue;
      find(Severity::warning, IssueType::code_invalid, "the HL7 table that it names has no such code", at);
    }
  }

  Message const& message_;
  std::optional<Version> as_;
  Version version_ = Version::v2_5_1;
  std::string in_version_;  ///< "HL7 v2.5.1"
  std::string_view structure_;
  std::set<std::uint32_t> misplaced_;  ///< Segments that stand where the structure has none.
  std::vector<std::vector<std::uint32_t>> segments_in_, groups_in_;  ///< Of each group instance.
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> validate(Message const& message, std::optional<Version> as) {
  return Judge(message, as).run();
}

bool is_of_type(std::string_view raw, std::string_view data_type, Version version) {
  if (data_type == "NM") return is_number(raw);
  if (data_type == "SI") return are_digits(raw);
  // 2.1 and 2.2 knew whole days only.
  if (data_type == "DT") return is_date(raw) && (version >= Version::v2_3 || raw.size() == 8);
  if (data_type == "TM") return is_time(raw);
  if (data_type == "DTM" || data_type == "TSComponentOne") return is_date_time(raw);
  return true;
}

std::optional<bool> table_lists(std::uint16_t table, std::string_view code) {
  auto const at = std::ranges::lower_bound(tables::kCodeTables, table, {}, &tables::CodeTable::number);
  if (at == tables::kCodeTables.end() || at->number != table) return std::nullopt;
  return at->codes.find("\n" + std::string(code) + "\n") != std::string_view::npos;
}

}  // namespace mappings::hl7v2
