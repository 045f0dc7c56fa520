/// Walking and building Element trees along compiled paths. Internal to this room.
#pragma once

#include "mappings/language/program.hpp"

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace mappings::language {

using fhir::json::Arena;
using fhir::json::Element;

/// Array indexes met on the way, in order.
struct Trail {
  std::uint16_t indexes[4] = {};
  std::uint8_t count = 0;
  void add(std::size_t index) {
    if (count < 4) indexes[count++] = static_cast<std::uint16_t>(index);
  }
};

/// How a reference is followed to the resource it names.
class References {
 public:
  /// nullptr when it leads nowhere.
  virtual Element const* resolve(std::string_view reference) const = 0;

 protected:
  ~References() = default;
};

/// `references` tells what kind of thing an item refers to where the reference itself does not.
bool matches(Element const& item, std::span<Condition const> conditions,
             References const* references = nullptr);
/// Makes what the discriminator says true of `item`.
void satisfy(Element& item, std::span<Condition const> conditions, Arena& arena);
Element constant_element(Constant const& constant, Arena& arena);

/// The element at the path, made where it is missing; a `*` step makes a new item, unless `fixed` (>= 0)
/// names one.
Element& reach(Element& root, std::span<Step const> steps, Arena& arena, Trail& trail, int fixed = -1);
/// The first element at the path, or nullptr. `*` and `{}` take the first that fits.
Element const* find(Element const& root, std::span<Step const> steps);
/// Every element at the path.
void collect(Element const& root, std::span<Step const> steps, std::vector<Element const*>& found,
             References const* references = nullptr);
/// The element a trail of `path` leads to, or nullptr.
Element* follow(Element& root, std::span<Step const> steps, std::span<std::uint16_t const> indexes);
Element const* follow(Element const& root, std::span<Step const> steps,
                      std::span<std::uint16_t const> indexes);
/// "name[0].family"
std::string render(std::span<Step const> steps, std::uint16_t const*& index);

/// Whether everything that `part` says stands in `whole` too, items at the same index.
bool contains(Element const& whole, Element const& part);

/// Members of `resource` that a value of its element `name` takes the place of: another type of the choice
/// that it is one of (`multipleBirthBoolean` of `multipleBirthInteger`), the reason why there was none.
std::vector<std::string_view> displaced_by(Element const& resource, std::string_view name);
/// What a primitive element says in place of a value that nobody told ("_start" of "start").
Element absent_reason(Arena& arena);

/// Puts the members of `value` into `target`, over what is there; anything else replaces it.
void merge(Element& target, Element const& value, Arena& arena);

}  // namespace mappings::language
