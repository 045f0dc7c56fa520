#include "fhir/validate/slicing.hpp"

#include "fhir/path/navigation.hpp"
#include "fhir/path/types.hpp"

#include <algorithm>
#include <optional>

namespace fhir::validate {

using json::Element;
using profiles::Discriminator;
using profiles::DiscriminatorKind;
using profiles::Slicing;

namespace {

constexpr std::string_view kDefaultSlice = "@default";

/// One part of a discriminator's path: a name, or a function with its argument.
struct Part {
  std::string_view name;
  std::string_view argument;
  bool is_call = false;
};

/// "code.coding.resolve()" in parts; "$this" is none.
std::vector<Part> parts_of(std::string_view path) {
  std::vector<Part> parts;
  while (!path.empty()) {
    std::size_t end = 0;
    int depth = 0;
    bool quoted = false;
    while (end < path.size() && (depth > 0 || quoted || path[end] != '.')) {
      if (path[end] == '\'') quoted = !quoted;
      if (!quoted && path[end] == '(') ++depth;
      if (!quoted && path[end] == ')') --depth;
      ++end;
    }
    std::string_view const text = path.substr(0, end);
    path.remove_prefix(std::min(path.size(), end + 1));
    if (text == "$this" || text.empty()) continue;
    std::size_t const bracket = text.find('(');
    if (bracket == std::string_view::npos) {
      parts.push_back({text.ends_with("[x]") ? text.substr(0, text.size() - 3) : text, {}, false});
      continue;
    }
    std::string_view argument = text.substr(bracket + 1);
    if (argument.ends_with(')')) argument.remove_suffix(1);
    if (argument.size() > 1 && argument.front() == '\'') argument = argument.substr(1, argument.size() - 2);
    parts.push_back({text.substr(0, bracket), argument, true});
  }
  return parts;
}

bool is_type(Item const& item, std::vector<TypeRule> const& types) {
  if (item.type == nullptr) return false;
  return std::ranges::any_of(types,
                             [&](TypeRule const& rule) { return path::is_below(*item.type, rule.code); });
}

}  // namespace

void Slicer::assign(path::Collection const& children, std::vector<std::size_t> const& found,
                    std::vector<Shapes>& of_child) {
  std::vector<std::size_t> counts(sliced_.slices.size(), 0);
  std::size_t furthest = 0;
  bool was_open = false;
  std::size_t number = 0;
  auto const rules = sliced_.slicing ? sliced_.slicing->rules : Slicing::Rules::open;
  for (std::size_t const i : found) {
    Item const& item = children[i];
    bool const repeats = item.definition != nullptr && item.definition->repeats();
    Place const place{&parent_, sliced_.name, repeats ? static_cast<int>(number) : -1};
    ++number;
    std::optional<std::size_t> in_slice;
    for (std::size_t s = 0; s < sliced_.slices.size(); ++s) {
      Shape const& slice = *sliced_.slices[s];
      if (slice.slice == kDefaultSlice) continue;
      // A slice of a slice ("a/b") is looked at with the slice it is of.
      if (!belongs(item, slice, place)) continue;
      ++counts[s];
      of_child[i].push_back(&slice);
      if (!in_slice) in_slice = s;
      if (slice.slice.find('/') == std::string_view::npos &&
          !std::ranges::any_of(sliced_.slices, [&](auto const& other) {
            return other->slice.starts_with(slice.slice) && other->slice.size() > slice.slice.size() &&
                   other->slice[slice.slice.size()] == '/';
          }))
        break;
    }
    if (!in_slice) {
      for (std::size_t s = 0; s < sliced_.slices.size(); ++s) {
        if (sliced_.slices[s]->slice != kDefaultSlice) continue;
        in_slice = s;
        ++counts[s];
        of_child[i].push_back(sliced_.slices[s].get());
      }
    }
    if (!in_slice) {
      was_open = true;
      if (rules == Slicing::Rules::closed) {
        walk_.fail(IssueType::structure, place,
                   "this is in none of the slices of " + std::string(sliced_.id) +
                       ", and no others are allowed (" + sliced_.profile->name() + ")");
      }
      continue;
    }
    if (was_open && rules == Slicing::Rules::open_at_end) {
      walk_.fail(IssueType::structure, place,
                 "what is in no slice of " + std::string(sliced_.id) + " must stand at the end (" +
                     sliced_.profile->name() + ")");
    }
    if (sliced_.slicing && sliced_.slicing->ordered) {
      if (*in_slice < furthest) {
        walk_.fail(IssueType::structure, place,
                   "the slice " + std::string(sliced_.slices[*in_slice]->slice) +
                       " stands before others here, out of order (" + sliced_.profile->name() + ")");
      }
      furthest = std::max(furthest, *in_slice);
    }
  }
  for (std::size_t s = 0; s < sliced_.slices.size(); ++s) walk_.count(*sliced_.slices[s], counts[s], parent_);
}

bool Slicer::belongs(Item const& item, Shape const& slice, Place const& place) {
  if (!walk_.spend(1)) return false;
  if (sliced_.slicing && !sliced_.slicing->discriminators.empty()) {
    return std::ranges::all_of(sliced_.slicing->discriminators, [&](Discriminator const& discriminator) {
      return belongs_by(discriminator, item, slice, place);
    });
  }
  if (sliced_.is_choice) return is_type(item, slice.types);
  if (item.type != nullptr && item.type->name() == "Extension")
    return belongs_by({DiscriminatorKind::value, "url"}, item, slice, place);
  return walk_.conforms(item, slice, place, here_);
}

bool Slicer::belongs_by(Discriminator const& discriminator, Item const& item, Shape const& slice,
                        Place const& place) {
  path::Collection const items = items_at(item, discriminator.path);
  Shapes const shapes = shapes_at(slice, discriminator.path);
  switch (discriminator.kind) {
    case DiscriminatorKind::exists:
      for (Shape const* shape : shapes) {
        if (shape->max == 0) return items.empty();
        if (shape->min > 0) return !items.empty();
      }
      return true;
    case DiscriminatorKind::type:
      if (shapes.empty()) return true;
      return std::ranges::any_of(items, [&](Item const& one) {
        return std::ranges::any_of(shapes, [&](Shape const* shape) {
          if (one.type != nullptr && one.type->is_resource() && shape->id.find('.') == std::string_view::npos)
            return path::is_below(*one.type, shape->profile->type);
          return is_type(one, shape->types);
        });
      });
    case DiscriminatorKind::profile:
      // What cannot be resolved is in no slice that could be told.
      if (items.empty() && discriminator.path.find("resolve()") != std::string_view::npos) return false;
      if (items.empty())
        return std::ranges::none_of(shapes, [](Shape const* shape) { return shape->min > 0; });
      return std::ranges::any_of(items, [&](Item const& one) {
        return std::ranges::any_of(shapes, [&](Shape const* shape) {
          if (shape->id.find('.') == std::string_view::npos) return walk_.conforms(one, *shape, place, here_);
          for (TypeRule const& rule : shape->types) {
            if (one.type == nullptr || !path::is_below(*one.type, rule.code)) continue;
            if (rule.profiles.empty()) return true;
            for (std::string_view const canonical : rule.profiles) {
              auto const profile = walk_.profiles().find_shape(canonical, shape->profile->entry->package);
              if (profile && walk_.conforms(one, **profile, place, here_)) return true;
            }
          }
          return false;
        });
      });
    default:
      break;
  }
  bool is_decided = false;
  for (Shape const* shape : shapes) {
    if (shape->max == 0) return items.empty();
    if (!decides(*shape)) continue;
    is_decided = true;
    if (std::ranges::any_of(items, [&](Item const& one) { return matches(one, *shape, place); })) return true;
  }
  if (is_decided) return false;
  return !items.empty() || std::ranges::none_of(shapes, [](Shape const* shape) { return shape->min > 0; });
}

/// Whether the shape, or what is below it, tells values apart.
bool Slicer::decides(Shape const& shape) const {
  if (shape.fixed != nullptr || shape.pattern != nullptr) return true;
  if (shape.binding && shape.binding->strength == profiles::Strength::required &&
      walk_.options().codes != nullptr && shape.profile->is_constraint)
    return true;
  return std::ranges::any_of(shape.children, [&](auto const& child) { return decides(*child); });
}

bool Slicer::matches(Item const& item, Shape const& shape, Place const& place) const {
  if (item.value == nullptr) return false;
  if (shape.fixed != nullptr && !equals_fixed(*item.value, *shape.fixed)) return false;
  if (shape.pattern != nullptr && !matches_pattern(*item.value, *shape.pattern)) return false;
  bool const has_value_rule = shape.fixed != nullptr || shape.pattern != nullptr;
  if (!has_value_rule && shape.binding && shape.binding->strength == profiles::Strength::required &&
      shape.profile->is_constraint && walk_.options().codes != nullptr) {
    CodeChecker const& codes = *walk_.options().codes;
    auto const in_set = [&](CodedValue const& code) {
      return codes.check_in_value_set(shape.binding->value_set, code).membership == Membership::in;
    };
    auto const coded = [](Element const& one) {
      return CodedValue{one.text_at("system"),
                        one.text_at("version"),
                        one.text_at("code"),
                        {},
                        one.find("system") == nullptr};
    };
    Element const* const codings = item.value->find("coding");
    bool const fits =
        item.value->is_string() ? in_set({{}, {}, item.value->text(), {}, false})
        : codings != nullptr
            ? std::ranges::any_of(codings->items(), [&](Element const& one) { return in_set(coded(one)); })
            : in_set(coded(*item.value));
    if (!fits) return false;
  }
  for (auto const& child : shape.children) {
    if (!decides(*child)) continue;
    path::Collection below;
    path::append_members(item, child->name, below);
    if (below.empty() && child->min == 0) continue;
    if (std::ranges::none_of(below, [&](Item const& one) { return matches(one, *child, place); }))
      return false;
  }
  for (auto const& child : shape.children) {
    for (auto const& slice : child->slices) {
      if (slice->min == 0 || !decides(*slice)) continue;
      path::Collection below;
      path::append_members(item, child->name, below);
      if (std::ranges::none_of(below, [&](Item const& one) { return matches(one, *slice, place); }))
        return false;
    }
  }
  return true;
}

path::Collection Slicer::items_at(Item const& item, std::string_view path) const {
  path::Collection items{item};
  for (Part const& part : parts_of(path)) {
    path::Collection next;
    for (Item const& one : items) {
      if (!part.is_call) {
        path::append_members(one, part.name, next);
      } else if (part.name == "resolve") {
        std::string_view reference;
        if (one.value != nullptr)
          reference = one.value->is_object() ? one.value->text_at("reference") : one.value->text();
        Element const* const found =
            reference.empty() ? nullptr : walk_.find_target(reference, here_).resource;
        if (found != nullptr) next.push_back(path::root_item(*found));
      } else if (part.name == "ofType" || part.name == "as") {
        if (one.type != nullptr && path::is_below(*one.type, part.argument)) next.push_back(one);
      } else if (part.name == "extension") {
        path::Collection extensions;
        path::append_members(one, "extension", extensions);
        for (Item const& extension : extensions) {
          if (extension.value != nullptr && extension.value->text_at("url") == part.argument)
            next.push_back(extension);
        }
      }
    }
    items = std::move(next);
  }
  return items;
}

Shapes Slicer::step(Shape const& shape, std::string_view name) const {
  Shapes out;
  if (Shape const* const child = shape.child(name)) {
    out.push_back(child);
    for (auto const& slice : child->slices) {
      if (slice->min > 0 || child->is_choice) out.push_back(slice.get());
    }
    return out;
  }
  for (TypeRule const& rule : shape.types) {
    for (std::string_view const canonical : rule.profiles) {
      auto const profile = walk_.profiles().find_shape(canonical, shape.profile->entry->package);
      if (!profile) continue;
      Shapes const below = step(**profile, name);
      out.insert(out.end(), below.begin(), below.end());
    }
    if (!out.empty()) continue;
    if (Profile const* const own = walk_.profiles().find_type(rule.code)) {
      if (Shape const* const child = own->root.child(name)) out.push_back(child);
    }
  }
  return out;
}

Shapes Slicer::shapes_at(Shape const& slice, std::string_view path) const {
  Shapes shapes{&slice};
  for (Part const& part : parts_of(path)) {
    Shapes next;
    for (Shape const* shape : shapes) {
      if (!part.is_call) {
        Shapes const below = step(*shape, part.name);
        next.insert(next.end(), below.begin(), below.end());
      } else if (part.name == "resolve") {
        for (TypeRule const& rule : shape->types) {
          for (std::string_view const canonical : rule.targets) {
            auto const profile = walk_.profiles().find(canonical, shape->profile->entry->package);
            if (profile) next.push_back(&(*profile)->root);
          }
        }
      } else if (part.name == "extension") {
        Shape const* const extensions = shape->child("extension");
        if (extensions == nullptr) continue;
        for (auto const& one : extensions->slices) {
          for (Shape const* url : step(*one, "url")) {
            if (url->fixed != nullptr && url->fixed->text() == part.argument) next.push_back(one.get());
          }
        }
      } else {
        next.push_back(shape);
      }
    }
    shapes = std::move(next);
  }
  return shapes;
}

}  // namespace fhir::validate
