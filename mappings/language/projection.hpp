/// What the rows of one use say of the resources that they read: v2 values that nobody has written yet.
/// Internal to this room.
#pragma once

#include "mappings/language/engine.hpp"

#include <span>
#include <string_view>
#include <vector>

namespace mappings::language {

/// One v2 value that a row made of one FHIR element. Lies in the arena of the Projector that made it.
struct Item {
  std::span<types::Leaf const> leaves;
  std::span<types::Out::Sibling const> siblings;
  Element const* source = nullptr;
  bool whole_field = false;  ///< Stands for all repetitions that there were.
  bool same(Item const& other) const;
};

struct RowValue {
  Row const* row = nullptr;
  std::span<Item const> items;
  bool unknown = false;  ///< A reference could not be followed: leave what is there.
};

/// One value for each row that runs in reverse, in the use's order.
using Projection = std::span<RowValue const>;

bool same(Projection left, Projection right);
bool same(RowValue const& left, RowValue const& right);
/// Whether any row has something to write.
bool says_anything(Projection projection);
/// Whether the row's v2 side repeats.
bool is_list(Row const& row);

/// The resources that a projection of one use reads: one for each target, nullptr where there is none.
struct Sources {
  Element const* base[4] = {};
};

/// Reads resources through rows. What it returns lives as long as the context's arena.
class Projector {
 public:
  explicit Projector(types::Context const& context) : context_(context), out_(context) {
    out_.leaves.reserve(types::kPartsMax);
    found_.reserve(kRoom);
    items_.reserve(kRoom);
  }
  Projection project(Use const& use, Sources const& sources, References const& references);

 private:
  static constexpr std::size_t kRoom = 16;  // for the items of most lists

  void read_row(Row const& row, std::vector<Row const*> const& rivals, Element const& base,
                References const& references, RowValue& value);
  bool write_item(Row const& row, Element const& element, References const& references, bool& unknown);

  types::Context const& context_;
  types::Out out_;  // reused: what it holds is copied into the arena
  std::vector<Element const*> found_;
  std::vector<Item> items_;
};

}  // namespace mappings::language
