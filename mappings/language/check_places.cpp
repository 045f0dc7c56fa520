#include "mappings/hl7v2/dictionary.hpp"
#include "mappings/language/check.hpp"

#include <algorithm>
#include <iterator>
#include <map>

namespace mappings::language {

namespace {

using hl7v2::FieldDefinition;
using hl7v2::Version;

constexpr auto kNewest = static_cast<int>(Version::v2_8);

/// Calls `visit` with each version, the newest first, until it returns true.
template <class Visit>
bool any_version(Visit const& visit) {
  for (int at = kNewest; at >= 0; --at) {
    if (visit(static_cast<Version>(at))) return true;
  }
  return false;
}

/// v2 types that a pair of the first reads: one family of values, each a prefix of the next or told apart by
/// the pair. ST and its like read the first part of anything.
struct Family {
  std::string_view pair;
  std::string_view types;  ///< parted and surrounded by blanks
};
constexpr Family kFamilies[] = {
    {"CWE", " CWE CE CNE CF IS ID ST SI NM TX FT CM VARIES CX EI HD JCC "},
    {"IS", " CWE CE CNE CF IS ID ST SI NM TX FT CM VARIES CX EI HD JCC "},
    {"CX", " CX CK ST EI CM PLN CWE CE IS ID NM "},
    {"EI", " EI EIP ST HD CM CX CQ CE CWE ID IS NM "},
    {"HD", " HD ST IS ID EI CM "},
    {"PLN", " PLN CM ST "},
    {"XPN", " XPN PN ST "},
    {"XAD", " XAD AD SAD ST "},
    {"XTN", " XTN TN ST "},
    {"XCN", " XCN CN PPN CNN NDL ST CM XPN PN "},
    {"XON", " XON ST CE CM "},
    {"PL", " PL CM ST ID IS "},
    {"DTM", " DTM TS DT TM DR ST CM "},
    {"TM", " TM ST TQ CM "},
    {"DR", " DR TS DTM DT CM "},
    {"NM", " NM ST SI ID CQ CM "},
    {"CQ", " CQ NM ST CM "},
    {"SN", " SN VARIES NM ST "},
    {"OBX5", " VARIES ST CE * "},
    {"ED", " ED VARIES ST * "},
    {"RP", " RP ED VARIES ST * "},
};

bool reads(std::string_view pair, std::string_view type) {
  std::string_view const v2 = pair.substr(0, pair.find('~'));
  auto const family = std::ranges::find(kFamilies, v2, &Family::pair);
  if (family == std::end(kFamilies)) return true;  // texts
  if (type.starts_with("CM")) type = "CM";
  std::string wanted(1, ' ');
  wanted.append(type).append(" ");
  return family->types.find(wanted) != std::string_view::npos;
}

class PlaceCheck {
 public:
  PlaceCheck(Program const& program, Findings& findings) : program_(program), findings_(findings) {}

  void run() {
    for (SegmentMap const& map : program_.segments) {
      for (Row const& row : map.rows) check_row(row);
    }
    for (Row const& row : program_.structure_rows) check_row(row);
    for (EventTable const& table : program_.events) {
      for (EventRow const& row : table.rows) {
        for (EventRow::Effect const& effect : row.effects)
          check_all(effect.places, effect.pair, row.at, row.id);
      }
    }
    for (Structure const& structure : program_.structures) {
      for (Default const& made : structure.defaults)
        check_all(made.places, made.pair, made.at, structure.roles[made.role].name);
      for (Role const& role : structure.roles) check_guards(role.when, role.source, role.name);
      for (Use const& use : structure.uses) check_guards(use.when, use.at, use.segment);
    }
    for (Kept const& kept : program_.kept) check_kept_line(kept);
  }

 private:
  void check_row(Row const& row) {
    check_all(row.places, row.pair, row.at, row.id);
    check_guards(row.v2_when, row.at, row.id);
  }

  void check_all(std::vector<Place> const& places, types::Pair const* pair, SourceAt const& at,
                 std::string_view id) {
    for (Place const& place : places) check_place(place, pair, at, id);
  }

  void check_guards(std::vector<Predicate> const& predicates, SourceAt const& at, std::string_view id) {
    for (Predicate const& predicate : predicates) {
      if (!predicate.is_fhir) check_place(predicate.place, nullptr, at, id);
    }
  }

  void check_place(Place const& place, types::Pair const* pair, SourceAt const& at, std::string_view id) {
    if (place.segment[0] == 'Z') return;
    bool const known =
        any_version([&](Version version) { return hl7v2::field_count(version, place.segment) > 0; });
    if (!known)
      return findings_.error(
          at, id, "no version of HL7 v2 has a segment " + place.segment + "; own ones begin with Z");
    bool exists = false;
    bool repeats = false;
    bool fits = pair == nullptr;
    std::string types;
    any_version([&](Version version) {
      FieldDefinition const* const field = hl7v2::find_field(version, place.segment, place.field);
      if (field == nullptr) return false;
      exists = true;
      repeats = repeats || field->repeats;
      std::string_view const type = type_of(version, *field, place);
      if (type.empty()) return false;
      if (types.find(type) == std::string::npos) types.append(types.empty() ? "" : ", ").append(type);
      fits = fits || type == "VARIES" || reads(pair->name, type);
      return false;
    });
    if (!exists)
      return findings_.error(
          at, id, "no version of HL7 v2 has a field " + place.segment + "-" + std::to_string(place.field));
    if (types.empty())
      return findings_.error(at, id, "no version of HL7 v2 has a part " + place.text() + " in its type");
    if (!fits)
      findings_.error(
          at, id, place.text() + " is a " + types + ", which " + std::string(pair->name) + " does not read");
    // A sender may repeat it all the same, so this is no fault.
    if (!repeats && (place.each || place.repetition > 1))
      findings_.add(fhir::Severity::information, at, id,
                    place.segment + "-" + std::to_string(place.field) + " repeats in no version of HL7 v2");
  }

  /// The type at the place in that version; "" when it has no such part.
  static std::string_view type_of(Version version, FieldDefinition const& field, Place const& place) {
    std::string_view type = field.data_type;
    for (std::uint16_t const part : {place.component, place.subcomponent}) {
      if (part == 0) break;
      // OBX-5 and the composites that early versions leave undescribed hold what the sender says; OBX-4 is an
      // OG from 2.8.1 on, where the dictionary ends at 2.8.
      if (place.segment == "OBX" && place.field == 4) return "ST";
      std::size_t const count = hl7v2::component_count(version, type);
      if (type == "VARIES" || type.starts_with("CM")) return "VARIES";
      if (count == 0) {
        if (part > 1) return {};
        continue;
      }
      FieldDefinition const* const component = hl7v2::find_component(version, type, part);
      if (component == nullptr) return {};
      type = component->data_type;
    }
    return type;
  }

  void check_kept_line(Kept const& kept) {
    std::string const name = kept.segment + (kept.first == 0 ? "" : "-" + std::to_string(kept.last));
    bool const exists = any_version([&](Version version) {
      return kept.first == 0 ? hl7v2::field_count(version, kept.segment) > 0
                             : hl7v2::find_field(version, kept.segment, kept.last) != nullptr;
    });
    if (!exists && kept.segment[0] != 'Z')
      findings_.error(kept.at, "", "no version of HL7 v2 has " + name + ", so there is nothing to keep");
  }

  Program const& program_;
  Findings& findings_;
};

/// Which fields of each segment in scope have a row.
class KeptCheck {
 public:
  KeptCheck(Program const& program, Findings& findings) : program_(program), findings_(findings) {}

  void run() {
    for (Structure const& structure : program_.structures) {
      for (Use const& use : structure.uses) gather(structure, use);
      auto const* const grammar = hl7v2::find_structure(Version::v2_8, structure.name).root;
      if (grammar != nullptr) gather(structure, *grammar);
    }
    for (auto const& [segment, about] : segments_) report(segment, about);
  }

 private:
  struct About {
    std::set<std::uint16_t> mapped;
    SourceAt at;
  };

  void gather(Structure const& structure, Use const& use) {
    segment_of(use.segment, use.at);
    for (Row const* const row : use.rows) {
      for (Place const& place : row->places) segment_of(place.segment, use.at).mapped.insert(place.field);
      // An OBX-5 is read by what OBX-2 says, in the units of OBX-6.
      bool const by_siblings = row->pair != nullptr && row->pair->name.starts_with("OBX5~");
      if (by_siblings) segment_of(use.segment, use.at).mapped.insert({2, 6});
    }
    for (auto const* when : {&use.when, &structure.roles[use.targets[0].role].when}) {
      for (Predicate const& one : *when) segment_of(one.place.segment, use.at).mapped.insert(one.place.field);
    }
  }

  void gather(Structure const& structure, hl7v2::GrammarNode const& node) {
    for (auto const& child : node.children) {
      if (child.children.empty())
        segment_of(child.name, structure.at);
      else
        gather(structure, child);
    }
  }

  About& segment_of(std::string_view name, SourceAt const& at) {
    auto const found = segments_.find(name);
    if (found != segments_.end()) return found->second;
    return segments_.emplace(std::string(name), About{{}, at}).first->second;
  }

  void report(std::string const& segment, About const& about) {
    if (segment[0] == 'Z' || segment.size() != 3) return;
    std::map<std::string_view, std::string> kept;  // by reason
    std::size_t fields = 0;
    any_version([&](Version version) {
      fields = std::max(fields, hl7v2::field_count(version, segment));
      return false;
    });
    for (std::uint16_t field = 1; field <= fields; ++field) {
      bool const exists =
          any_version([&](Version version) { return hl7v2::find_field(version, segment, field) != nullptr; });
      if (exists && !about.mapped.contains(field) && !is_written_by_engine(segment, field))
        kept[program_.why_kept(segment, field)].append(" ").append(std::to_string(field));
    }
    for (auto const& [reason, numbers] : kept) {
      if (reason.empty())
        findings_.add(kUndeclared, about.at, segment,
                      "neither a row nor a reason: " + segment + numbers + "; give each a row, or say 'kept" +
                          numbers + " : why' in a segment section of " + segment);
      else
        findings_.add(fhir::Severity::information, about.at, segment,
                      "kept in the complement: " + segment + numbers + ": " + std::string(reason));
    }
  }

  /// Set ids are counted, MSH is written from profile and request.
  static bool is_written_by_engine(std::string_view segment, std::uint16_t field) {
    if (segment == "MSH")
      return field <= 7 || (field >= 9 && field <= 12) || field == 15 || field == 16 || field == 18;
    FieldDefinition const* const first = hl7v2::find_field(Version::v2_8, segment, 1);
    return field == 1 && first != nullptr && first->data_type == "SI";
  }

  static constexpr fhir::Severity kUndeclared = fhir::Severity::information;

  Program const& program_;
  Findings& findings_;
  std::map<std::string, About, std::less<>> segments_;
};

}  // namespace

void check_places(Program const& program, Findings& findings) { PlaceCheck(program, findings).run(); }

void check_kept(Program const& program, Findings& findings) { KeptCheck(program, findings).run(); }

}  // namespace mappings::language
