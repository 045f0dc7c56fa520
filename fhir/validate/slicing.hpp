/// Which slice an item of a sliced element belongs to. Source: R4 profiling.html#slicing, #discriminator.
#pragma once

#include "fhir/validate/walk.hpp"

namespace fhir::validate {

class Slicer {
 public:
  Slicer(Walk& walk, Shape const& sliced, Place const& parent, Surroundings const& here)
      : walk_(walk), sliced_(sliced), parent_(parent), here_(here) {}

  /// Adds to each item `found` of `children` the shapes of its slice; reports wrong counts, order and what a
  /// closed slicing does not allow.
  void assign(path::Collection const& children, std::vector<std::size_t> const& found,
              std::vector<Shapes>& of_child);

  /// Whether the item belongs to one of the slices.
  bool belongs(Item const& item, Shape const& slice, Place const& place);

 private:
  bool belongs_by(profiles::Discriminator const& discriminator, Item const& item, Shape const& slice,
                  Place const& place);
  path::Collection items_at(Item const& item, std::string_view path) const;
  Shapes shapes_at(Shape const& slice, std::string_view path) const;
  Shapes step(Shape const& shape, std::string_view name) const;
  bool matches(Item const& item, Shape const& shape, Place const& place) const;
  bool decides(Shape const& shape) const;

  Walk& walk_;
  Shape const& sliced_;
  Place const& parent_;
  Surroundings const& here_;
};

}  // namespace fhir::validate
