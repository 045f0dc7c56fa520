#include "mappings/language/check.hpp"

#include <algorithm>
#include <iterator>
#include <map>

namespace mappings::language {

using fhir::definitions::ElementDefinition;
using fhir::definitions::TypeDefinition;

namespace {

/// What a pair makes fits an element of these types too.
bool fits(std::string_view made, std::string_view wanted) {
  using Fit = std::pair<std::string_view, std::string_view>;
  static constexpr Fit kFits[] = {{"string", "markdown"},
                                  {"birthTime", "dateTime"},
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
  return made == wanted || std::ranges::find(kFits, Fit(made, wanted)) != std::end(kFits);
}

class PathCheck {
 public:
  PathCheck(Program const& program, Findings& findings) : program_(program), findings_(findings) {}

  void run() {
    for (SegmentMap const& map : program_.segments) {
      for (Row const& row : map.rows) {
        TypeDefinition const* const target = fhir::definitions::find_type(map.targets[row.target]);
        if (target == nullptr)
          findings_.error(map.at, map.name,
                          "R4 has no type " + map.targets[row.target] +
                              "; name a resource, a data type or a part such as Patient.contact");
        else
          check_row(row, *target);
      }
    }
    for (Structure const& structure : program_.structures) check_structure(structure);
    for (EventTable const& table : program_.events) check_events(table);
  }

 private:
  struct Where {
    SourceAt const& at;
    std::string_view id;
    bool marks = true;  ///< Arrays must be marked (rows); else a name alone means the first item.
  };

  void error(Where const& where, std::string what) { findings_.error(where.at, where.id, std::move(what)); }

  /// `_birthDate` is the extensions of birthDate: an Element beside the primitive.
  static ElementDefinition const* primitive_beside(TypeDefinition const& type, Step const& step) {
    bool const is_beside = step.name.starts_with('_') && !step.is_array();
    return is_beside ? fhir::definitions::find_element(type, std::string_view(step.name).substr(1)) : nullptr;
  }

  /// The last element of the path; nullptr after a report, for value[x] and for the path "." itself.
  ElementDefinition const* walk(TypeDefinition const& root, std::span<Step const> steps, Where const& where) {
    TypeDefinition const* type = &root;
    ElementDefinition const* element = nullptr;
    for (Step const& step : steps) {
      if (step.choice) {
        if (fhir::definitions::find_by_path_name(*type, step.name).empty())
          error(where, std::string(type->name()) + " has no choice '" + step.name + "[x]' in R4");
        return nullptr;
      }
      if (auto const* const primitive = primitive_beside(*type, step)) {
        if (primitive->repeats() && where.marks)
          error(where, std::string(type->name()) + "." + std::string(primitive->name()) +
                           " is an array, and so is what stands beside it: write the value itself, with *");
        type = fhir::definitions::find_type("Element");
        continue;
      }
      element = fhir::definitions::find_element(*type, step.name);
      if (element == nullptr) {
        error(where, std::string(type->name()) + " has no element '" + step.name + "' in R4");
        return nullptr;
      }
      bool const marked = element->repeats() == step.is_array();
      if (!marked && (where.marks || step.is_array())) {
        error(where, std::string(type->name()) + "." + step.name +
                         (element->repeats() ? " is an array: write *, [0] or {...} after it"
                                             : " is no array: write it without mark"));
        return nullptr;
      }
      type = &element->type();
      for (Condition const& condition : step.conditions) check_condition(condition, *type, where);
    }
    return element;
  }

  void check_condition(Condition const& condition, TypeDefinition const& item, Where const& where) {
    // What only matches may name an array for its first item; what creates writes it.
    bool const marks = condition.creates && where.marks;
    ElementDefinition const* const element = walk(item, condition.path.steps, {where.at, where.id, marks});
    for (Condition const& other : condition.alternatives) check_condition(other, item, where);
    if (element == nullptr) return;
    if (!condition.target.empty())
      check_target(*element, condition.target, where);
    else if (condition.constant != nullptr)
      check_constant(*condition.constant, *element, where);
    else if (condition.creates)
      check_code(*element, condition.text, where);
  }

  void check_target(ElementDefinition const& element, std::string_view type, Where const& where) {
    if (element.type().name() != "Reference")
      return error(where,
                   std::string(element.name()) + " is no Reference, so it refers to no " + std::string(type));
    bool const allowed =
        element.targets().empty() || std::ranges::any_of(element.targets(), [&](TypeDefinition const* one) {
          return one->name() == type || one->name() == "Resource";
        });
    if (!allowed)
      error(where, std::string(element.name()) + " may not refer to a " + std::string(type) + " in R4");
  }

  void check_constant(Constant const& constant, ElementDefinition const& element, Where const& where) {
    std::string_view const wanted = constant.is_concept ? "CodeableConcept" : "Coding";
    if (element.type().name() != wanted) {
      error(where, "constant " + constant.name + " is a " + std::string(wanted) + ", the element is a " +
                       std::string(element.type().name()));
      return;
    }
    if (!fhir::definitions::code_in_binding(element, constant.system, constant.code))
      error(where, "constant " + constant.name + " is not in " + std::string(element.binding()->value_set()));
  }

  void check_code(ElementDefinition const& element, std::string_view code, Where const& where) {
    if (element.type().name() == "code" && !fhir::definitions::code_in_binding(element, {}, code))
      error(where, "'" + std::string(code) + "' is not in " + std::string(element.binding()->value_set()));
  }

  void check_row(Row const& row, TypeDefinition const& target) {
    Where const where{row.at, row.id};
    check_guards(row.fhir_when, target, where);
    if (row.kind != Row::Kind::path && row.kind != Row::Kind::literal_in) return;
    ElementDefinition const* const element = walk(target, row.path.steps, where);
    if (row.path.steps.empty()) return check_type(row, target.name());
    if (element == nullptr) return;
    if (row.kind == Row::Kind::literal_in) return check_code(*element, row.literal, where);
    check_type(row, element->type().name());
    check_vocabulary(row, *element);
  }

  void check_guards(std::vector<Predicate> const& predicates, TypeDefinition const& target,
                    Where const& where) {
    for (Predicate const& predicate : predicates) {
      if (!predicate.is_fhir) continue;
      walk(target, predicate.path.steps, {where.at, where.id, false});
      if (!predicate.other.empty()) walk(target, predicate.other.steps, {where.at, where.id, false});
    }
  }

  void check_type(Row const& row, std::string_view wanted) {
    std::string_view const made = row.pair->name.substr(row.pair->name.find('~') + 1);
    if (row.pair->resource.empty() ? fits(made, wanted) : wanted == "Reference") return;
    findings_.error(row.at, row.id,
                    "the pair makes a " + std::string(row.pair->resource.empty() ? made : "Reference") +
                        ", the element is a " + std::string(wanted));
  }

  /// Codes that are written into a required binding are codes of it.
  void check_vocabulary(Row const& row, ElementDefinition const& element) {
    fhir::definitions::Binding const* const binding = element.binding();
    if (binding == nullptr || !row.forward || binding->codes().empty() ||
        binding->strength() != fhir::definitions::BindingStrength::required)
      return;
    std::string const value_set(binding->value_set());
    if (row.vocabulary == nullptr) {
      if (element.type().name() == "code")
        findings_.error(row.at, row.id,
                        "any code would get into an element that takes those of " + value_set +
                            " alone; name a vocabulary");
      return;
    }
    bool const bare = element.type().name() == "code";
    auto const inside = [&](types::Target const& target) {
      return fhir::definitions::code_in_binding(element, bare ? std::string_view{} : target.system,
                                                target.code);
    };
    for (auto const& entry : row.vocabulary->entries) {
      if (entry.forward && !inside(entry.target))
        findings_.error(row.at, row.id,
                        "vocabulary " + row.vocabulary->name + " gives '" + entry.target.code +
                            "', which is not in " + value_set);
    }
    if (row.vocabulary->otherwise && !inside(*row.vocabulary->otherwise))
      findings_.error(row.at, row.id,
                      "vocabulary " + row.vocabulary->name + " gives '" + row.vocabulary->otherwise->code +
                          "' otherwise, which is not in " + value_set);
  }

  void check_structure(Structure const& structure) {
    auto const type_of = [&](std::size_t role) {
      return fhir::definitions::find_type(structure.roles[role].type);
    };
    for (Role const& role : structure.roles) {
      if (fhir::definitions::find_type(role.type) == nullptr)
        findings_.error(role.source, role.name, "R4 has no type " + role.type);
    }
    for (Use const& use : structure.uses) check_use(structure, use);
    for (Link const& link : structure.links) {
      if (TypeDefinition const* const type = type_of(link.source)) check_link(structure, link, *type);
    }
    for (Key const& key : structure.keys) {
      TypeDefinition const* const type = type_of(key.role);
      if (type == nullptr) continue;
      Where const where{key.at, structure.roles[key.role].name, false};
      for (Key::Alternative const& one : key.alternatives) {
        ElementDefinition const* const element = walk(*type, one.identifier.steps, where);
        if (element != nullptr && element->type().name() != "Identifier")
          error(where,
                one.identifier.text + " is no Identifier; write within ROLE by " + one.identifier.text);
        for (Path const& path : one.by) walk(*type, path.steps, where);
      }
    }
    for (Default const& made : structure.defaults) {
      if (TypeDefinition const* const type = type_of(made.role))
        check_default(made, *type, structure.roles[made.role].name);
    }
  }

  /// The use's targets are what the segment's rows write to.
  void check_use(Structure const& structure, Use const& use) {
    for (std::size_t target = 0; target < use.targets.size(); ++target) {
      Role const& role = structure.roles[use.targets[target].role];
      TypeDefinition const* type = fhir::definitions::find_type(role.type);
      if (type == nullptr) continue;
      Where const where{use.at, use.segment};
      if (!use.targets[target].base.empty()) {
        ElementDefinition const* const base = walk(*type, use.targets[target].base.steps, where);
        if (base == nullptr) continue;
        type = &base->type();
      }
      auto const map = std::ranges::find_if(program_.segments, [&](SegmentMap const& one) {
        return one.name == use.segment && one.variant == use.variant;
      });
      bool const own_row =
          use.rows.size() == 1 && use.rows[0]->at.line == use.at.line && use.rows[0]->at.file == use.at.file;
      if (own_row) {
        check_row(*use.rows[0], *type);
      } else if (map != program_.segments.end() && target < map->targets.size() &&
                 map->targets[target] != type->name() && writes_elements(*map, target)) {
        error(where, "the rows of " + use.segment + " write to a " + map->targets[target] +
                         ", this use names a " + std::string(type->name()));
      }
    }
  }

  /// Facts alone fit every resource.
  static bool writes_elements(SegmentMap const& map, std::size_t target) {
    return std::ranges::any_of(map.rows, [&](Row const& row) {
      return row.target == target && (row.kind == Row::Kind::path || row.kind == Row::Kind::literal_in);
    });
  }

  void check_link(Structure const& structure, Link const& link, TypeDefinition const& type) {
    Where const where{link.at, structure.roles[link.source].name};
    ElementDefinition const* const element = walk(type, link.path.steps, where);
    if (element != nullptr) check_target(*element, structure.roles[link.target].type, where);
  }

  void check_default(Default const& made, TypeDefinition const& type, std::string_view role) {
    Where const where{made.at, role};
    ElementDefinition const* const element = walk(type, made.path.steps, where);
    if (element == nullptr) return;
    if (made.is_absent) {
      if (!element->type().is_primitive()) error(where, "only a primitive element says why it is absent");
      return;
    }
    if (made.constant != nullptr) return check_constant(*made.constant, *element, where);
    if (made.pair == nullptr) return check_code(*element, made.literal, where);
    std::string_view const gives = made.pair->name.substr(made.pair->name.find('~') + 1);
    if (!fits(gives, element->type().name()))
      error(where, "the pair makes a " + std::string(gives) + ", the element is a " +
                       std::string(element->type().name()));
  }

  void check_events(EventTable const& table) {
    TypeDefinition const* const type = fhir::definitions::find_type(table.type);
    if (type == nullptr) return findings_.error(table.at, "", "R4 has no type " + table.type);
    ElementDefinition const* const status = walk(*type, table.path.steps, {table.at, ""});
    for (EventRow const& row : table.rows) {
      Where const where{row.at, row.id, false};
      check_guards(row.when, *type, where);
      for (EventRow::Effect const& effect : row.effects) {
        bool const writes = effect.kind == EventRow::Effect::Kind::set;
        walk(*type, effect.path.steps, {row.at, row.id, writes});
      }
      if (status == nullptr) continue;
      auto const known = [&](std::string_view code) {
        if (!fhir::definitions::code_in_binding(*status, {}, code))
          error(where, "'" + std::string(code) + "' is no status of " + table.type);
      };
      for (std::string const& code : row.before) {
        if (code != "any" && code != "none") known(code);
      }
      if (!row.leaves_status() && row.after != "any") known(row.after);
    }
  }

  Program const& program_;
  Findings& findings_;
};

}  // namespace

TypeDefinition const* type_at(std::string_view root, Path const& path) {
  TypeDefinition const* type = fhir::definitions::find_type(root);
  for (Step const& step : path.steps) {
    if (type == nullptr) return nullptr;
    ElementDefinition const* const element = fhir::definitions::find_element(*type, step.name);
    type = element == nullptr ? nullptr : &element->type();
  }
  return type;
}

void check_paths(Program const& program, Findings& findings) { PathCheck(program, findings).run(); }

}  // namespace mappings::language
