#include "mappings/language/reach.hpp"

#include "mappings/language/program.hpp"

#include <algorithm>

namespace mappings::language {

namespace {

void append_name(std::string& path, std::string_view name) {
  if (name.empty()) return;
  if (!path.empty()) path += '.';
  path += name;
}

std::string joined(std::string base, std::string_view more) {
  append_name(base, more);
  return base;
}

std::string names_of(Path const& path) {
  std::string text;
  for (Step const& step : path.steps) append_name(text, step.choice ? step.name + "[x]" : step.name);
  return text;
}

class Gather {
 public:
  Reaches run(Program const& program) {
    for (Structure const& structure : program.structures) {
      for (Use const& use : structure.uses) add_use(structure, use);
      for (Link const& link : structure.links)
        all_.joints.push_back({structure.name, structure.roles[link.source].type, names_of(link.path),
                               structure.roles[link.target].type});
      for (Default const& made : structure.defaults) add_default(structure, made);
    }
    for (EventTable const& table : program.events) add_events(table);
    std::ranges::sort(all_.elements);
    auto const twice = std::ranges::unique(all_.elements);
    all_.elements.erase(twice.begin(), twice.end());
    return std::move(all_);
  }

 private:
  void add_use(Structure const& structure, Use const& use) {
    for (std::size_t target = 0; target < use.targets.size(); ++target) {
      std::string const& type = structure.roles[use.targets[target].role].type;
      std::string const base = names_of(use.targets[target].base);
      all_.placings.push_back({structure.name, use.segment, use.variant, use.group, type, base});
      for (Row const* const row : use.rows) {
        if (row->target != target || !row->forward) continue;
        Reach about;
        about.segment = use.segment;
        about.type = type;
        about.row = row->id;
        if (row->kind == Row::Kind::path) add_constants(about, *row, use.targets[target].base, {});
        add_row(about, *row, base);
      }
    }
  }

  void add_row(Reach const& about, Row const& row, std::string const& base) {
    Reach reach = about;
    reach.path = joined(base, names_of(row.path));
    switch (row.kind) {
      case Row::Kind::path:
        if (row.pair != nullptr) {
          reach.pair = row.pair->name;
          reach.resource = row.pair->resource;
        }
        reach.system = row.default_system;
        if (row.pair != nullptr && row.pair->name.ends_with("Concept"))
          reach.sent_system = row.default_system;
        if (row.vocabulary != nullptr) {
          reach.vocabulary = row.vocabulary->name;
          reach.system = row.vocabulary->fhir_system;
        }
        add_constants(about, row, row.path, base);
        break;
      case Row::Kind::literal_in:
        reach.kind = Reach::Kind::constant;
        reach.value = row.literal;
        add_constants(about, row, row.path, base);
        break;
      case Row::Kind::fact:
        reach.kind = Reach::Kind::fact;
        reach.path = row.fact;
        break;
      case Row::Kind::drop:
        reach.kind = Reach::Kind::drop;
        reach.path.clear();
        reach.value = row.literal;
        break;
      case Row::Kind::literal_out:
        return;
    }
    add_at_places(reach, row.places);
  }

  void add_at_places(Reach reach, std::vector<Place> const& places) {
    if (places.empty()) all_.elements.push_back(reach);
    for (Place const& place : places) {
      reach.segment = place.segment;
      reach.field = place.field;
      reach.component = place.component;
      all_.elements.push_back(reach);
    }
  }

  /// What the discriminators of `path` write beside the value.
  void add_constants(Reach about, Row const& row, Path const& path, std::string const& base) {
    about.kind = Reach::Kind::constant;
    std::string here = base;
    for (Step const& step : path.steps) {
      append_name(here, step.name);
      for (Condition const& condition : step.conditions) {
        if (!condition.creates) continue;
        about.path = joined(here, names_of(condition.path));
        add_constant(about, row.places, condition.constant, condition.text);
      }
    }
  }

  void add_constant(Reach about, std::vector<Place> const& places, Constant const* constant,
                    std::string const& text) {
    if (constant == nullptr) {
      about.value = text;
      add_at_places(about, places);
      return;
    }
    std::string const coding = constant->is_concept ? joined(about.path, "coding") : about.path;
    for (auto const& [name, value] : {std::pair{"code", &constant->code},
                                      {"system", &constant->system},
                                      {"display", &constant->display}}) {
      about.path = joined(coding, name);
      about.value = *value;
      add_at_places(about, places);
    }
  }

  void add_default(Structure const& structure, Default const& made) {
    if (made.is_absent) return;  // no value
    Reach reach;
    reach.type = structure.roles[made.role].type;
    reach.path = names_of(made.path);
    reach.row = "default " + reach.type + "." + reach.path;
    if (made.pair != nullptr) {
      reach.pair = made.pair->name;
      return add_at_places(reach, made.places);
    }
    reach.kind = Reach::Kind::constant;
    add_constant(reach, {}, made.constant, made.literal);
  }

  void add_events(EventTable const& table) {
    for (EventRow const& row : table.rows) {
      for (auto const& [message, event] : row.events) {
        if (row.forward && row.sets_status())
          all_.turns.push_back({table.type, names_of(table.path), message, event, row.after, row.id});
      }
      for (EventRow::Effect const& effect : row.effects) {
        if (effect.kind != EventRow::Effect::Kind::set || effect.places.empty()) continue;
        Reach reach;
        reach.type = table.type;
        reach.path = names_of(effect.path);
        reach.row = row.id;
        if (effect.pair != nullptr) reach.pair = effect.pair->name;
        add_at_places(reach, effect.places);
      }
    }
  }

  Reaches all_;
};

}  // namespace

Reaches reaches(Maps const& maps) { return Gather().run(maps.program()); }

std::vector<CodeReach> code_reaches(Maps const& maps) {
  std::vector<CodeReach> all;
  for (types::Vocabulary const& vocabulary : maps.program().vocabularies) {
    for (types::Vocabulary::Entry const& entry : vocabulary.entries) {
      if (!entry.forward) continue;
      all.push_back({vocabulary.name, vocabulary.v2_system, entry.v2,
                     entry.target.system.empty() ? vocabulary.fhir_system : entry.target.system,
                     entry.target.code});
    }
  }
  return all;
}

}  // namespace mappings::language
