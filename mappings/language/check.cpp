/// What the maps cover and whether they fit FHIR R4 and the v2 dictionary: `handoff maps check`.
#include "fhir/definitions/definitions.hpp"
#include "mappings/hl7v2/dictionary.hpp"
#include "mappings/language/program.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace mappings::language {

namespace {

using fhir::definitions::ElementDefinition;
using fhir::definitions::TypeDefinition;

std::string_view text_of_kind(Row const& row) {
  switch (row.kind) {
    case Row::Kind::drop:
      return "dropped";
    case Row::Kind::literal_in:
    case Row::Kind::literal_out:
      return "a constant";
    case Row::Kind::path:
    case Row::Kind::fact:
      break;
  }
  return {};
}

RowReport report_of(Row const& row) {
  std::string_view const reason =
      row.kind == Row::Kind::drop ? std::string_view(row.literal) : std::string_view(row.reason);
  return {row.id,      row.at.file,  row.at.line, row.row_class, reason.empty() ? text_of_kind(row) : reason,
          row.v2_text, row.fhir_text};
}

class Check {
 public:
  explicit Check(Program const& program) : program_(program) {}

  fhir::Issues run() {
    for (SegmentMap const& map : program_.segments) {
      for (Row const& row : map.rows) {
        check_places(row);
        if (row.kind == Row::Kind::path || row.kind == Row::Kind::literal_in) check_path_of_target(row, map);
      }
    }
    for (Structure const& structure : program_.structures) check_structure(structure);
    for (EventTable const& table : program_.events) check_events(table);
    for (Structure const& structure : program_.structures) list_unmapped(structure);
    return std::move(issues_);
  }

 private:
  void report(fhir::Severity severity, SourceAt const& at, std::string_view id, std::string what) {
    std::string source = at.file + ":" + std::to_string(at.line) + ":" + std::to_string(at.column);
    if (!id.empty()) source.append(" ").append(id);
    issues_.push_back({severity, fhir::IssueType::structure, std::move(what), {}, std::move(source)});
  }

  void check_places(Row const& row) {
    for (Place const& place : row.places) {
      if (place.segment[0] == 'Z') continue;
      if (hl7v2::field_count(hl7v2::Version::v2_8, place.segment) == 0) {
        report(fhir::Severity::error, row.at, row.id,
               "HL7 v2.8 has no segment " + place.segment + "; own segments begin with Z");
      } else if (hl7v2::find_field(hl7v2::Version::v2_8, place.segment, place.field) == nullptr) {
        report(fhir::Severity::error, row.at, row.id,
               place.segment + " has no field " + std::to_string(place.field) + " in HL7 v2.8");
      }
    }
  }

  void check_path_of_target(Row const& row, SegmentMap const& map) {
    std::string const& type = map.targets[row.target];
    // Sections for a part of a resource (Annotation, Patient.contact) name its type.
    TypeDefinition const* const definition = fhir::definitions::find_type(type);
    if (definition == nullptr) return;
    check_path(row, *definition, row.path);
  }

  /// Walks the path; the last element, or nullptr after a report.
  void check_path(Row const& row, TypeDefinition const& root, Path const& path) {
    TypeDefinition const* type = &root;
    ElementDefinition const* element = nullptr;
    for (Step const& step : path.steps) {
      if (step.choice) return;
      element = find_member(*type, step.name);
      if (element == nullptr) {
        report(fhir::Severity::error, row.at, row.id,
               std::string(type->name()) + " has no element '" + step.name + "' in R4");
        return;
      }
      if (element->repeats() != step.is_array()) {
        report(fhir::Severity::error, row.at, row.id,
               std::string(type->name()) + "." + step.name +
                   (element->repeats() ? " is an array: write *, [0] or {...} after it"
                                       : " is no array: write it without mark"));
        return;
      }
      type = &element->type();
    }
    if (element == nullptr || row.pair == nullptr) return;
    check_type(row, *element);
    check_binding(row, *element);
  }

  static ElementDefinition const* find_member(TypeDefinition const& type, std::string_view name) {
    auto const elements = type.elements();
    auto const found =
        std::ranges::find_if(elements, [&](ElementDefinition const& one) { return one.name() == name; });
    return found == elements.end() ? nullptr : &*found;
  }

  void check_type(Row const& row, ElementDefinition const& element) {
    std::string_view const made = row.pair->name.substr(row.pair->name.find('~') + 1);
    std::string_view const wanted = element.type().name();
    static const std::multimap<std::string_view, std::string_view> kFits = {
        {"string", "string"},
        {"string", "markdown"},
        {"lines", "string"},
        {"lines", "markdown"},
        {"Units", "Quantity"},
        {"Units", "SimpleQuantity"},
        {"Units", "Duration"},
        {"component", "Observation.component"},
        {"string", "uri"},
        {"string", "code"},
        {"string", "id"},
        {"string", "url"},
        {"string", "canonical"},
        {"SimpleConcept", "CodeableConcept"},
        {"SimpleCoding", "Coding"},
        {"Quantity", "Duration"},
        {"Quantity", "Age"},
        {"dateTime", "instant"},
        {"integer", "positiveInt"},
        {"integer", "unsignedInt"},
        {"decimal", "integer"},
        {"Quantity", "SimpleQuantity"},
        {"uri", "url"},
        {"uri", "canonical"}};
    if (!row.pair->resource.empty()) {
      if (wanted != "Reference")
        report(fhir::Severity::error, row.at, row.id,
               "the pair makes a Reference, the element is a " + std::string(wanted));
      return;
    }
    if (made == wanted) return;
    auto const [first, last] = kFits.equal_range(made);
    if (std::any_of(first, last, [&](auto const& fit) { return fit.second == wanted; })) return;
    report(fhir::Severity::error, row.at, row.id,
           "the pair makes a " + std::string(made) + ", the element is a " + std::string(wanted));
  }

  void check_binding(Row const& row, ElementDefinition const& element) {
    fhir::definitions::Binding const* const binding = element.binding();
    if (binding == nullptr || row.vocabulary == nullptr || !row.forward) return;
    if (binding->strength() != fhir::definitions::BindingStrength::required || binding->codes().empty())
      return;
    auto const inside = [&](types::Target const& target) {
      return std::ranges::any_of(binding->codes(),
                                 [&](auto const& one) { return one.code() == target.code; });
    };
    for (auto const& entry : row.vocabulary->entries) {
      if (entry.forward && !inside(entry.target))
        report(fhir::Severity::error, row.at, row.id,
               "vocabulary " + row.vocabulary->name + " gives '" + entry.target.code + "', which is not in " +
                   std::string(binding->value_set()));
    }
    if (row.vocabulary->otherwise && !inside(*row.vocabulary->otherwise))
      report(fhir::Severity::error, row.at, row.id,
             "vocabulary " + row.vocabulary->name + " gives '" + row.vocabulary->otherwise->code +
                 "' otherwise, which is not in " + std::string(binding->value_set()));
  }

  /// Elements that FHIR requires of a role must come from a row, a link, an event or a default.
  void check_structure(Structure const& structure) {
    for (std::size_t role = 0; role < structure.roles.size(); ++role) {
      TypeDefinition const* const type = fhir::definitions::find_type(structure.roles[role].type);
      if (type == nullptr) {
        report(fhir::Severity::error, {structure.name, 0, 0}, structure.roles[role].name,
               "R4 has no type " + structure.roles[role].type);
        continue;
      }
      for (ElementDefinition const& element : type->elements()) {
        if (element.min() == 0 || has_source(structure, role, element)) continue;
        report(fhir::Severity::warning, {structure.name, 0, 0}, structure.roles[role].name,
               structure.roles[role].type + "." + std::string(element.path_name()) +
                   " is required and has no source that is always there; add a default");
      }
    }
  }

  static bool has_source(Structure const& structure, std::size_t role, ElementDefinition const& element) {
    auto const begins = [&](Path const& path) {
      if (path.empty()) return false;
      std::string_view const name = path.steps[0].name;
      if (name == element.name() || name == element.path_name()) return true;
      // Any type of a choice will do.
      bool const is_choice = element.name() != element.path_name();
      return is_choice && name.size() > element.path_name().size() && name.starts_with(element.path_name());
    };
    for (Default const& made : structure.defaults) {
      if (made.role == role && begins(made.path)) return true;
    }
    for (Link const& link : structure.links) {
      if (link.source == role && begins(link.path)) return true;
    }
    for (Use const& use : structure.uses) {
      for (std::size_t target = 0; target < use.targets.size(); ++target) {
        if (use.targets[target].role != role) continue;
        if (begins(use.targets[target].base)) return true;
        for (Row const* const row : use.rows) {
          if (row->target == target && row->forward && begins(row->path) && use.targets[target].base.empty())
            return true;
        }
      }
    }
    return structure.roles[role].events != nullptr && begins(structure.roles[role].events->path);
  }

  void check_events(EventTable const& table) {
    TypeDefinition const* const type = fhir::definitions::find_type(table.type);
    ElementDefinition const* const element =
        type == nullptr ? nullptr : find_member(*type, table.path.steps[0].name);
    if (element == nullptr || element->binding() == nullptr || element->binding()->codes().empty()) return;
    auto const known = [&](std::string const& code) {
      return std::ranges::any_of(element->binding()->codes(),
                                 [&](auto const& one) { return one.code() == code; });
    };
    for (EventRow const& row : table.rows) {
      for (std::string const& code : row.before) {
        if (code != "any" && code != "none" && !known(code))
          report(fhir::Severity::error, row.at, row.id, "'" + code + "' is no status of " + table.type);
      }
      if (row.after != "same" && row.after != "any" && !known(row.after))
        report(fhir::Severity::error, row.at, row.id, "'" + row.after + "' is no status of " + table.type);
    }
  }

  /// Fields of a structure's segments that stay in the complement.
  void list_unmapped(Structure const& structure) {
    std::map<std::string, std::set<std::uint16_t>> mapped;
    for (Use const& use : structure.uses) {
      for (Row const* const row : use.rows) {
        for (Place const& place : row->places) mapped[place.segment].insert(place.field);
      }
      mapped[use.segment];
    }
    for (auto const& [segment, fields] : mapped) {
      if (!listed_.insert(segment).second) continue;
      std::string kept;
      for (std::size_t field = 1; field <= hl7v2::field_count(hl7v2::Version::v2_8, segment); ++field) {
        if (!fields.contains(static_cast<std::uint16_t>(field)))
          kept.append(kept.empty() ? "" : " ").append(std::to_string(field));
      }
      if (!kept.empty())
        report(fhir::Severity::information, {structure.name, 0, 0}, segment,
               "kept in the complement: " + segment + " " + kept);
    }
  }

  Program const& program_;
  fhir::Issues issues_;
  std::set<std::string> listed_;
};

}  // namespace

std::vector<RowReport> rows(Maps const& maps) {
  std::vector<RowReport> all;
  for (SegmentMap const& map : maps.program().segments) {
    for (Row const& row : map.rows) all.push_back(report_of(row));
  }
  for (Row const& row : maps.program().structure_rows) all.push_back(report_of(row));
  return all;
}

fhir::Issues check(Maps const& maps) { return Check(maps.program()).run(); }

}  // namespace mappings::language
