#include "mappings/language/projection.hpp"

#include <algorithm>
#include <memory>

namespace mappings::language {

namespace {

template <class T>
std::span<T const> keep(Arena& arena, std::span<T const> values) {
  if (values.empty()) return {};
  auto* const place = static_cast<T*>(arena.allocate(values.size_bytes(), alignof(T)));
  std::uninitialized_copy(values.begin(), values.end(), place);
  return {place, values.size()};
}

/// An item of `telecom*` that `telecom{use=work}*` claims is not this row's.
bool is_claimed(std::vector<Row const*> const& rivals, Element const& element, References const& references) {
  return std::ranges::any_of(rivals, [&](Row const* rival) {
    return matches(element, rival->path.steps[0].conditions, &references);
  });
}

}  // namespace

bool Item::same(Item const& other) const {
  return std::ranges::equal(leaves, other.leaves) && std::ranges::equal(siblings, other.siblings);
}

bool same(RowValue const& left, RowValue const& right) {
  if (left.unknown || right.unknown) return true;
  return std::ranges::equal(left.items, right.items, [](Item const& a, Item const& b) { return a.same(b); });
}

bool same(Projection left, Projection right) {
  return std::ranges::equal(left, right, [](RowValue const& a, RowValue const& b) { return same(a, b); });
}

bool says_anything(Projection projection) {
  return std::ranges::any_of(projection, [](RowValue const& value) { return !value.items.empty(); });
}

bool is_list(Row const& row) { return std::ranges::any_of(row.places, &Place::each); }

Projection Projector::project(Use const& use, Sources const& sources, References const& references) {
  Arena& arena = *context_.arena;
  auto* const values =
      static_cast<RowValue*>(arena.allocate(use.reverse_rows.size() * sizeof(RowValue), alignof(RowValue)));
  for (std::size_t at = 0; at < use.reverse_rows.size(); ++at) {
    Row const& row = *use.reverse_rows[at];
    auto* const value = std::construct_at(values + at, RowValue{&row, {}, false});
    Element const* const base = sources.base[row.target];
    if (base != nullptr && holds(row.fhir_when, nullptr, *base))
      read_row(row, use.rivals[at], *base, references, *value);
  }
  return {values, use.reverse_rows.size()};
}

void Projector::read_row(Row const& row, std::vector<Row const*> const& rivals, Element const& base,
                         References const& references, RowValue& value) {
  found_.clear();
  collect(base, row.path.steps, found_, &references);
  if (found_.empty()) return;
  items_.clear();
  for (Element const* const element : found_) {
    if (element->is_null() || is_claimed(rivals, *element, references)) continue;
    out_.clear();
    out_.vocabulary = row.vocabulary;
    out_.default_system = row.default_system;
    out_.whole = &base;
    if (!write_item(row, *element, references, value.unknown) || out_.empty()) continue;
    Arena& arena = *context_.arena;
    items_.push_back({keep(arena, std::span<types::Leaf const>(out_.leaves)),
                      keep(arena, std::span<types::Out::Sibling const>(out_.siblings)), element,
                      out_.whole_field});
    if (!is_list(row)) break;
  }
  value.items = keep(*context_.arena, std::span<Item const>(items_));
}

bool Projector::write_item(Row const& row, Element const& element, References const& references,
                           bool& unknown) {
  if (row.pair->resource.empty()) return row.pair->reverse(element, out_);
  std::string_view const reference = element.text_at("reference");
  Element const* const target = reference.empty() ? nullptr : references.resolve(reference);
  if (target != nullptr)
    return target->text_at("resourceType") == row.pair->resource && row.pair->reverse(*target, out_);
  // Only named: a display or an identifier is all there is to write.
  Arena& arena = *context_.arena;
  Element named = Element::of_object();
  if (auto const display = element.text_at("display"); !display.empty())
    named.set(arena, "display", Element::of_string(display));
  if (Element const* const identifier = element.find("identifier"))
    named.set(arena, "identifier").push(arena, *identifier);
  if (row.pair->reverse(named, out_)) return true;
  unknown = true;
  return false;
}

}  // namespace mappings::language
