#include "mappings/hl7v2/dictionary.hpp"
#include "mappings/language/check.hpp"

#include <algorithm>
#include <map>

namespace mappings::language {

namespace {

using fhir::definitions::ElementDefinition;
using fhir::definitions::TypeDefinition;
using hl7v2::Version;

/// Whether the grammar has the segment in a group of that name ("": anywhere, "root": at the top).
bool stands_in(hl7v2::GrammarNode const& node, std::string_view segment, std::string_view group,
               bool inside) {
  return std::ranges::any_of(node.children, [&](hl7v2::GrammarNode const& child) {
    if (child.children.empty()) return inside && child.name == segment;
    bool const deeper = group.empty() || child.is_choice ? inside : child.name == group;
    return stands_in(child, segment, group, deeper);
  });
}

/// Each element that anything writes below one role, as names joined by dots, from the role's resource on.
class Written {
 public:
  Written(Structure const& structure, std::size_t role) {
    for (Use const& use : structure.uses) {
      for (std::size_t target = 0; target < use.targets.size(); ++target) {
        if (use.targets[target].role != role) continue;
        std::string const base = add({}, use.targets[target].base, use.at);
        for (Row const* const row : use.rows) {
          if (row->target != target || !row->forward) continue;
          std::string const name = add(base, row->path, row->at);
          if (row->kind == Row::Kind::path) whole_.insert(name);
        }
      }
    }
    for (Link const& link : structure.links) {
      if (link.source == role) add({}, link.path, link.at);
    }
    for (Default const& made : structure.defaults) {
      if (made.role == role) add({}, made.path, made.at);
    }
    if (EventTable const* const events = structure.roles[role].events) add({}, events->path, events->at);
  }

  /// The names, and the line that wrote each first.
  std::map<std::string, SourceAt> const& names() const { return names_; }
  bool has(std::string const& name) const { return names_.contains(name); }
  /// Whether a pair makes the element with all its parts.
  bool is_made_whole(std::string const& name) const { return whole_.contains(name); }

 private:
  std::string add(std::string const& before, Path const& path, SourceAt const& at) {
    std::string name = before;
    for (Step const& step : path.steps) {
      if (!name.empty()) name += '.';
      name += step.name;
      names_.emplace(name, at);
      for (Condition const& condition : step.conditions) {
        if (condition.creates) add(name, condition.path, at);
      }
    }
    return name;
  }

  std::map<std::string, SourceAt> names_;
  std::set<std::string> whole_;
};

class StructureCheck {
 public:
  StructureCheck(Program const& program, Findings& findings) : program_(program), findings_(findings) {}

  void run() {
    for (Structure const& structure : program_.structures) {
      check_grammar(structure);
      for (std::size_t role = 0; role < structure.roles.size(); ++role) check_required(structure, role);
    }
    for (SegmentMap const& map : program_.segments) check_used(map);
  }

 private:
  static hl7v2::GrammarNode const* grammar_of(Structure const& structure) {
    return hl7v2::find_structure(Version::v2_8, structure.name).root;
  }

  void check_grammar(Structure const& structure) {
    auto const* const grammar = grammar_of(structure);
    if (grammar == nullptr)
      return findings_.add(
          fhir::Severity::information, structure.at, structure.name,
          "no version of HL7 v2 has this structure, so segments count in the order in which they "
          "stand; add its grammar to mappings/hl7v2/structures/supplement.txt");
    for (Use const& use : structure.uses) {
      if (use.group.empty() || use.group == "root" || has_group(*grammar, use.group)) continue;
      findings_.add(like_other(structure, use) ? fhir::Severity::information : fhir::Severity::error, use.at,
                    use.segment, "structure " + structure.name + " has no group " + use.group);
    }
  }

  /// Lines that `like` took over may name what this structure does not have.
  static bool like_other(Structure const& structure, Use const& use) {
    return use.at.file != structure.at.file || use.at.line < structure.at.line;
  }

  static bool has_group(hl7v2::GrammarNode const& node, std::string_view name) {
    return std::ranges::any_of(node.children, [&](hl7v2::GrammarNode const& child) {
      return !child.children.empty() && (child.name == name || has_group(child, name));
    });
  }

  /// Elements that FHIR requires of a role's resource, and of the parts of it that anything writes.
  void check_required(Structure const& structure, std::size_t at) {
    Role const& role = structure.roles[at];
    TypeDefinition const* const type = fhir::definitions::find_type(role.type);
    if (type == nullptr) return;
    Written const written(structure, at);
    require(role, *type, {}, written, role.source);
    for (auto const& [name, source] : written.names()) {
      ElementDefinition const* const element = fhir::definitions::resolve_path(*type, name);
      if (element == nullptr || element->type().kind() != fhir::definitions::TypeKind::backbone ||
          written.is_made_whole(name))
        continue;
      require(role, element->type(), name, written, source);
    }
  }

  void require(Role const& role, TypeDefinition const& type, std::string const& prefix,
               Written const& written, SourceAt const& at) {
    for (ElementDefinition const& element : type.elements()) {
      if (element.min() == 0) continue;
      std::string const before = prefix.empty() ? std::string() : prefix + ".";
      if (written.has(before + std::string(element.name())) ||
          written.has(before + std::string(element.path_name())))
        continue;
      bool const other_choice =
          element.is_choice() && std::ranges::any_of(type.elements(), [&](ElementDefinition const& one) {
            return one.choice_group == element.choice_group && written.has(before + std::string(one.name()));
          });
      if (other_choice) continue;
      findings_.error(at, role.name,
                      role.type + "." + before + std::string(element.path_name()) +
                          " is required by R4 and nothing writes it; add a row, a literal or a default");
    }
  }

  /// Rows that no message reaches are a mistake.
  void check_used(SegmentMap const& map) {
    bool used = false;
    bool reachable = map.name[0] == 'Z';
    for (Structure const& structure : program_.structures) {
      auto const* const grammar = grammar_of(structure);
      for (Use const& use : structure.uses) {
        if (use.segment != map.name || use.variant != map.variant) continue;
        used = true;
        reachable = reachable || grammar == nullptr ||
                    stands_in(*grammar, map.name, use.group, use.group.empty() || use.group == "root");
      }
      if (reachable && used) return;
    }
    std::string const name = map.variant.empty() ? map.name : map.name + "/" + map.variant;
    if (!used)
      findings_.error(map.at, name, "no structure uses these rows; add: use " + name + " -> ...");
    else
      findings_.error(map.at, name,
                      "no structure that uses these rows has a segment " + map.name + " where they are used");
  }

  Program const& program_;
  Findings& findings_;
};

}  // namespace

void check_structures(Program const& program, Findings& findings) { StructureCheck(program, findings).run(); }

}  // namespace mappings::language
