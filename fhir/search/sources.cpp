#include "fhir/search/sources.hpp"

#include "fhir/search/plan.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

namespace fhir::search {

namespace {

using Places = std::vector<std::uint32_t>;  // nodes of a plan, ascending

/// A plan and what it leaves out.
struct IndexPlan {
  Plan plan;
  std::unordered_map<SearchParameter const*, std::vector<Source>> sources;  // where not just itself
};

/// Whether the components of two composites, if they are such, say the same.
bool have_same_components(SearchParameter const& left, SearchParameter const& right) {
  return std::ranges::equal(left.components(), right.components(), [](auto const& one, auto const& other) {
    return one.parameter().type() == other.parameter().type() && one.expression() == other.expression();
  });
}

bool is_part_of(Places const& part, Places const& whole) {
  return part.size() < whole.size() && std::ranges::includes(whole, part);
}

/// Finds out which parameters of a type need not be kept, and takes them out of its plan.
class Sharing {
 public:
  explicit Sharing(Plan const& plan) : made_{plan, {}} {
    enter_.resize(plan.nodes.size());
    for (std::uint32_t node = 0; node < plan.nodes.size(); ++node) {
      for (Plan::Branch const& branch : plan.nodes[node].branches)
        enter_[branch.node] = {node, branch.element, branch.condition};
      for (Plan::Action const& action : plan.nodes[node].actions) places_[action.parameter].push_back(node);
    }
    // What is only asked to be there has values of its own.
    for (SearchParameter const* parameter : plan.existence) places_.erase(parameter);
    for (auto const& [parameter, places] : places_) parameters_.push_back(parameter);
    std::ranges::sort(parameters_, {}, &SearchParameter::code);
  }

  IndexPlan run() {
    for (SearchParameter const* parameter : parameters_) {
      if (share_same(*parameter)) continue;
      distinct_.push_back(parameter);
    }
    for (SearchParameter const* parameter : distinct_) {
      if (share_union(*parameter) || share_by_target(*parameter)) continue;
      share_parts(*parameter);
    }
    for (auto const& [parameter, sources] : direct_) {
      auto& all = made_.sources[parameter];
      collect({parameter, {}}, all);
      std::ranges::sort(all, {}, [](Source const& source) { return source.parameter->code(); });
    }
    return std::move(made_);
  }

 private:
  /// How a node is entered.
  struct Entry {
    std::uint32_t parent = 0;
    definitions::ElementDefinition const* element = nullptr;
    Condition condition;
  };

  static bool are_comparable(SearchParameter const& left, SearchParameter const& right) {
    return left.type() == right.type() && have_same_components(left, right);
  }

  bool share_same(SearchParameter const& parameter) {
    for (SearchParameter const* other : distinct_) {
      if (!are_comparable(*other, parameter) || places_[other] != places_[&parameter]) continue;
      take_out(parameter);
      direct_[&parameter] = {{other, {}}};
      return true;
    }
    return false;
  }

  /// Parameters that have all of its places between them.
  bool share_union(SearchParameter const& parameter) {
    Places const& whole = places_[&parameter];
    std::vector<SearchParameter const*> parts;
    for (SearchParameter const* other : distinct_) {
      if (are_comparable(*other, parameter) && is_part_of(places_[other], whole)) parts.push_back(other);
    }
    std::ranges::stable_sort(parts, std::ranges::greater{},
                             [&](auto const* part) { return places_[part].size(); });
    Places covered;
    std::vector<Source> chosen;
    for (SearchParameter const* part : parts) {
      if (std::ranges::includes(covered, places_[part])) continue;
      Places both;
      std::ranges::set_union(covered, places_[part], std::back_inserter(both));
      covered = std::move(both);
      chosen.push_back({part, {}});
    }
    if (chosen.empty() || covered != whole) return false;
    take_out(parameter);
    direct_[&parameter] = std::move(chosen);
    return true;
  }

  /// The place that is entered as this one but without a condition.
  std::optional<std::uint32_t> without_condition(std::uint32_t place) const {
    Entry const& entry = enter_[place];
    for (Plan::Branch const& branch : made_.plan.nodes[entry.parent].branches) {
      if (branch.element == entry.element && branch.condition.kind == Condition::Kind::none)
        return branch.node;
    }
    return std::nullopt;
  }

  /// "subject.where(resolve() is Patient)" where another parameter is "subject".
  bool share_by_target(SearchParameter const& parameter) {
    if (parameter.type() != ParameterType::reference) return false;
    std::string_view const target = enter_[places_[&parameter].front()].condition.text;
    Places wide;
    for (std::uint32_t const place : places_[&parameter]) {
      Condition const& condition = enter_[place].condition;
      auto const sibling = without_condition(place);
      if (condition.kind != Condition::Kind::resolves || condition.text != target || !sibling) return false;
      wide.push_back(*sibling);
    }
    std::ranges::sort(wide);
    for (SearchParameter const* other : distinct_) {
      if (other->type() != ParameterType::reference || places_[other] != wide) continue;
      for_each_action(parameter, [&](Plan::Action& action) { action.kept_target = target; });
      direct_[&parameter] = {{&parameter, {}}, {other, target}};
      return true;
    }
    return false;
  }

  /// Parts of its names and addresses that have parameters of their own.
  void share_parts(SearchParameter const& parameter) {
    if (parameter.type() != ParameterType::string) return;
    std::vector<Source> sources{{&parameter, {}}};
    for (SearchParameter const* other : distinct_) {
      if (other->type() != ParameterType::string || other == &parameter) continue;
      auto const& places = places_[other];
      bool const are_parts = std::ranges::all_of(places, [&](std::uint32_t place) {
        Entry const& entry = enter_[place];
        return entry.condition.kind == Condition::Kind::none && is_whole_at(parameter, entry.parent);
      });
      if (!are_parts) continue;
      sources.push_back({other, {}});
      for (std::uint32_t const place : places) {
        for (Plan::Action& action : made_.plan.nodes[enter_[place].parent].actions) {
          if (action.parameter == &parameter) action.kept_parts.push_back(enter_[place].element->name());
        }
      }
    }
    if (sources.size() > 1) direct_[&parameter] = std::move(sources);
  }

  bool is_whole_at(SearchParameter const& parameter, std::uint32_t place) {
    std::string_view const type = made_.plan.nodes[place].type->name();
    return (type == "HumanName" || type == "Address") &&
           std::ranges::binary_search(places_[&parameter], place);
  }

  template <class Change>
  void for_each_action(SearchParameter const& parameter, Change const& change) {
    for (std::uint32_t const place : places_[&parameter]) {
      for (Plan::Action& action : made_.plan.nodes[place].actions) {
        if (action.parameter == &parameter) change(action);
      }
    }
  }

  void take_out(SearchParameter const& parameter) {
    for (std::uint32_t const place : places_[&parameter]) {
      std::erase_if(made_.plan.nodes[place].actions,
                    [&](Plan::Action const& action) { return action.parameter == &parameter; });
    }
  }

  /// What a source comes to when its own sources are followed.
  void collect(Source const& source, std::vector<Source>& all) const {
    auto const found = direct_.find(source.parameter);
    auto const add = [&](Source const& one) {
      if (std::ranges::find(all, one) == all.end()) all.push_back(one);
    };
    if (found == direct_.end()) return add(source);
    for (Source const& next : found->second) {
      bool const both = !source.target_type.empty() && !next.target_type.empty();
      if (both && source.target_type != next.target_type) continue;
      Source const narrowed{next.parameter,
                            source.target_type.empty() ? next.target_type : source.target_type};
      if (next.parameter == source.parameter) {
        add(narrowed);
      } else {
        collect(narrowed, all);
      }
    }
  }

  IndexPlan made_;
  std::vector<Entry> enter_;
  std::map<SearchParameter const*, Places> places_;
  std::vector<SearchParameter const*> parameters_;  // by code, so that it is always the same one that stays
  std::vector<SearchParameter const*> distinct_;    // those that no other one has the places of
  std::map<SearchParameter const*, std::vector<Source>> direct_;
};

std::unordered_map<std::string_view, IndexPlan> const& index_plans() {
  static auto const plans = [] {
    std::unordered_map<std::string_view, IndexPlan> made;
    for (definitions::TypeDefinition const* type : definitions::resource_types())
      made.emplace(type->name(), Sharing(*find_plan(type->name())).run());
    return made;
  }();
  return plans;
}

/// Each parameter as its own source.
Source const& itself(SearchParameter const& parameter) {
  static auto const all = [] {
    std::vector<Source> made;
    for (SearchParameter const& one : definitions::all_search_parameters()) made.push_back({&one, {}});
    return made;
  }();
  return all[parameter.index()];
}

}  // namespace

std::span<Source const> sources_of(std::string_view resource_type, SearchParameter const& parameter) {
  auto const plan = index_plans().find(resource_type);
  if (plan != index_plans().end()) {
    auto const found = plan->second.sources.find(&parameter);
    if (found != plan->second.sources.end()) return found->second;
  }
  return {&itself(parameter), 1};
}

Plan const* find_index_plan(std::string_view resource_type) {
  auto const found = index_plans().find(resource_type);
  return found == index_plans().end() ? nullptr : &found->second.plan;
}

}  // namespace fhir::search
