#include "fhir/search/plan.hpp"

#include <algorithm>
#include <stdexcept>
#include <unordered_map>

namespace fhir::search {

namespace {

using definitions::ElementDefinition;
using definitions::ParameterType;
using definitions::SearchParameter;
using definitions::TypeDefinition;

std::vector<PathExpression> parse_table_expression(std::string_view text) {
  auto paths = parse_expression(text);
  if (!paths) throw std::logic_error("the search parameter tables hold an expression that does not parse");
  return std::move(*paths);
}

/// Parameters that are columns of the stored version rather than index values.
bool is_column(SearchParameter const& parameter) {
  return parameter.code() == "_id" || parameter.code() == "_lastUpdated";
}

/// Adds expressions to a Plan. A path is followed by name; its last names wait in `pending_` until it is
/// known which types and conditions narrow them.
class Compiler {
 public:
  explicit Compiler(TypeDefinition const& type) : type_(type) { plan_.nodes.push_back({&type, {}, {}}); }

  Plan compile() {
    for (SearchParameter const* parameter : definitions::search_parameters(type_.name())) {
      if (parameter->expression().empty() || is_column(*parameter)) continue;
      for (PathExpression const& path : parse_table_expression(parameter->expression()))
        add(*parameter, path);
    }
    for (Plan::Node& node : plan_.nodes) {
      std::ranges::sort(node.branches, {}, [](Plan::Branch const& branch) { return branch.element; });
    }
    return std::move(plan_);
  }

 private:
  struct Pending {
    std::uint32_t node;
    ElementDefinition const* element;
  };

  /// Whether a path that starts with a type's name starts with this one or what it specialises.
  bool starts_here(std::string_view name) const {
    for (TypeDefinition const* type = &type_; type != nullptr; type = type->base()) {
      if (type->name() == name) return true;
    }
    return false;
  }

  void add(SearchParameter const& parameter, PathExpression const& path) {
    auto step = path.steps.begin();
    TypeDefinition const* const root = definitions::find_type(step->text);
    if (root != nullptr && root->is_resource()) {
      if (!starts_here(step->text)) return;
      ++step;
    }
    places_ = {0};
    pending_.clear();
    condition_ = {};
    bool only_existence = false;
    for (; step != path.steps.end(); ++step) {
      only_existence = only_existence || step->kind == Step::Kind::exists;
      narrow(*step);
    }
    settle();
    if (only_existence) plan_.existence.push_back(&parameter);
    for (std::uint32_t const node : places_) add_action(node, {&parameter, only_existence, {}, {}});
  }

  void narrow(Step const& step) {
    switch (step.kind) {
      case Step::Kind::child:
        settle();
        for (std::uint32_t const node : places_) {
          for (ElementDefinition const& element :
               definitions::find_by_path_name(*plan_.nodes[node].type, step.text)) {
            pending_.push_back({node, &element});
          }
        }
        places_.clear();
        break;
      case Step::Kind::as_type:
        std::erase_if(pending_,
                      [&](Pending const& pending) { return !is_named(pending.element->type(), step.text); });
        break;
      case Step::Kind::where_equals:
        condition_ = {Condition::Kind::equals, step.name, step.text};
        break;
      case Step::Kind::where_resolves:
        condition_ = {Condition::Kind::resolves, {}, step.text};
        break;
      case Step::Kind::first_item:
        condition_ = {Condition::Kind::first_item, {}, {}};
        break;
      case Step::Kind::exists:
        break;
    }
  }

  /// Turns what is pending into nodes of the tree.
  void settle() {
    for (Pending const& pending : pending_) places_.push_back(branch(pending));
    pending_.clear();
    condition_ = {};
  }

  std::uint32_t branch(Pending const& pending) {
    for (Plan::Branch const& known : plan_.nodes[pending.node].branches) {
      if (known.element == pending.element && known.condition == condition_) return known.node;
    }
    auto const made = static_cast<std::uint32_t>(plan_.nodes.size());
    plan_.nodes.push_back({&pending.element->type(), {}, {}});
    plan_.nodes[pending.node].branches.push_back({pending.element, condition_, made});
    return made;
  }

  void add_action(std::uint32_t node, Plan::Action action) {
    auto& actions = plan_.nodes[node].actions;
    if (std::ranges::find(actions, action) == actions.end()) actions.push_back(action);
  }

  TypeDefinition const& type_;
  Plan plan_;
  std::vector<std::uint32_t> places_;
  std::vector<Pending> pending_;
  Condition condition_;
};

}  // namespace

bool is_named(TypeDefinition const& type, std::string_view name) {
  std::string_view const own = type.name();
  return own.size() == name.size() && !own.empty() && (own.front() | 0x20) == (name.front() | 0x20) &&
         own.substr(1) == name.substr(1);
}

Plan const* find_plan(std::string_view resource_type) {
  static std::unordered_map<std::string_view, Plan> const plans = [] {
    std::unordered_map<std::string_view, Plan> made;
    for (TypeDefinition const* type : definitions::resource_types())
      made.emplace(type->name(), Compiler(*type).compile());
    return made;
  }();
  auto const found = plans.find(resource_type);
  return found == plans.end() ? nullptr : &found->second;
}

std::vector<TypeDefinition const*> targets_of(std::string_view resource_type,
                                              SearchParameter const& parameter) {
  std::vector<TypeDefinition const*> targets;
  Plan const* const plan = find_plan(resource_type);
  if (plan == nullptr) return targets;
  auto const leads_here = [&](Plan::Branch const& branch) {
    return std::ranges::any_of(plan->nodes[branch.node].actions,
                               [&](Plan::Action const& action) { return action.parameter == &parameter; });
  };
  auto const add = [&](TypeDefinition const* target) {
    if (std::ranges::find(targets, target) == targets.end()) targets.push_back(target);
  };
  for (Plan::Node const& node : plan->nodes) {
    for (Plan::Branch const& branch : node.branches) {
      if (!leads_here(branch)) continue;
      bool const narrowed = branch.condition.kind == Condition::Kind::resolves;
      if (narrowed) add(definitions::find_type(branch.condition.text));
      for (TypeDefinition const* target : branch.element->targets()) {
        if (narrowed) break;
        if (!target->is_abstract()) {
          add(target);
        } else {
          for (TypeDefinition const* any : definitions::resource_types()) add(any);
        }
      }
    }
  }
  return targets;
}

std::vector<Plan::Component> const& components_of(SearchParameter const& composite) {
  static std::vector<std::vector<Plan::Component>> const all = [] {
    std::vector<std::vector<Plan::Component>> made;
    for (SearchParameter const& parameter : definitions::all_search_parameters()) {
      auto& components = made.emplace_back();
      for (definitions::SearchComponent const& component : parameter.components()) {
        components.push_back({&component.parameter(), parse_table_expression(component.expression())});
      }
    }
    return made;
  }();
  return all[composite.index()];
}

}  // namespace fhir::search
