/// One evaluation under way: its budget, its memory, and the walk over the nodes.
#pragma once

#include "fhir/path/functions.hpp"
#include "fhir/path/node.hpp"
#include "fhir/path/values.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace fhir::path {

/// What $this, $index and $total are at one place.
struct Scope {
  Item const* self = nullptr;  ///< nullptr: there is none
  std::int64_t index = 0;
  Collection const* total = nullptr;
};

class Evaluation {
 public:
  Evaluation(Program const& program, Item const& focus, Environment const& environment, json::Arena& arena)
      : program_(program), focus_(focus), environment_(environment), arena_(arena) {}

  Result<Collection> run(NodeId id, Scope const& scope);

  Program const& program() const { return program_; }
  Environment const& environment() const { return environment_; }
  Services const& services() const;
  json::Arena& arena() { return arena_; }
  Item const& focus() const { return focus_; }  ///< The root that the evaluation began on.
  json::Element const* resource() const;
  json::Element const* root_resource() const;

  /// Counts work; the Issue too_costly once the budget is spent.
  Result<void> spend(std::size_t steps) {
    steps_ += steps;
    if (steps_ < next_look_ && steps_ <= environment_.step_max) [[likely]]
      return {};
    return look();
  }
  Item text_item(std::string_view text) { return Item::of_text(Item::Kind::string, arena_.copy(text)); }

 private:
  Result<void> look();
  Result<Collection> run_call(Node const& node, Scope const& scope);
  Result<Collection> run_member(Node const& node, Scope const& scope);
  Result<Collection> run_binary(Node const& node, Scope const& scope);
  Result<Collection> run_logic(Node const& node, Scope const& scope);
  Result<Collection> run_type(Node const& node, Scope const& scope);
  Result<Collection> run_variable(Node const& node) const;
  Result<Collection> run_item_at(Node const& node, Scope const& scope);
  Result<Collection> run_sign(Node const& node, Scope const& scope);
  Result<std::optional<bool>> run_boolean(NodeId id, Scope const& scope);
  Result<std::optional<Item>> run_single(Node const& node, NodeId operand, Scope const& scope);
  Result<Collection> run_path(Node const& last, Scope const& scope);
  Result<std::optional<Item>> run_on_singles(Node const& node, Scope const& scope);
  bool is_literal_index(Node const& node) const;

  Program const& program_;
  Item const& focus_;
  Environment const& environment_;
  json::Arena& arena_;
  std::uint64_t steps_ = 0;
  std::uint64_t next_look_ = 0;
};

/// Items in and out of an ItemSet, each comparison from the evaluation's budget. Errors: too_costly.
class SpendingSet {
 public:
  explicit SpendingSet(Evaluation& evaluation) : evaluation_(evaluation) {}
  Result<void> insert_all(Collection const& items);
  Result<bool> insert(Item const& item);  ///< Whether it is new.
  Result<bool> contains(Item const& item);

 private:
  Result<bool> spent(bool answer);
  Evaluation& evaluation_;
  ItemSet set_;
  std::size_t spent_ = 0;
};

/// Items without those that equal an earlier one. Errors: too_costly.
Result<Collection> distinct(Evaluation& evaluation, Collection const& items);

/// FHIRPath's error: a processing Issue that names the place.
Issue failure(Node const& node, std::string_view why);

/// The one item, or none. Errors: several.
Result<std::optional<Item>> single(Node const& node, Collection const& items);
/// Singleton evaluation as a Boolean (N1 4.5): empty is unknown, one item that is no Boolean is true.
Result<std::optional<bool>> as_boolean(Node const& node, Collection const& items);
/// One value of a kind. Errors: several, or another kind.
Result<std::optional<std::string_view>> as_text(Node const& node, Collection const& items);
Result<std::optional<std::int64_t>> as_integer(Node const& node, Collection const& items);
Result<std::optional<std::string_view>> as_text(Node const& node, Item const& item);
Result<std::optional<std::int64_t>> as_integer(Node const& node, Item const& item);

}  // namespace fhir::path
