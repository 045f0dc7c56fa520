/// The seed's segments written over where the resources say something else now.
#include "mappings/hl7v2/escape.hpp"
#include "mappings/language/reversal.hpp"

#include <algorithm>

namespace mappings::language {

namespace {

using hl7v2::Address;

/// Serials are handed out in the seed's order first.
Layout::Serial serial_of(std::uint32_t seed_segment) { return seed_segment; }

class Rewriter {
 public:
  explicit Rewriter(Reversal& reversal)
      : on_(reversal), seed_(*reversal.seed), nodes_(*reversal.nodes), layout_(*reversal.layout) {}

  void run() {
    std::set<std::pair<Use const*, std::uint32_t>> arrays;
    for (Frame const& frame : seed_.frames()) {
      Use const& use = *frame.use;
      std::size_t const at = nodes_.of_instance(frame.instance[0]);
      if (at == SIZE_MAX) {
        if (tells_parts_only(frame)) rewrite_parts(frame);
        continue;
      }
      Path const& base = use.targets[0].base;
      if (has_array_base(use)) {
        if (arrays.insert({&use, frame.instance[0]}).second) rewrite_array(use, frame, at);
        continue;
      }
      Sources const now =
          on_.sources_now(seed_.structure(), use, at, with_base(nodes_[at].content, base), &frame);
      Sources const then = sources_then(frame, with_base(seed_.content(frame.instance[0]), base));
      rewrite(frame, on_.project_then(use, then), on_.project_now(use, now));
    }
  }

 private:
  Sources sources_then(Frame const& frame, Element const* base) const {
    Sources sources;
    sources.base[0] = base;
    for (std::size_t target = 1; target < frame.use->targets.size() && target < kTargetsMax; ++target)
      sources.base[target] =
          with_base(seed_.content(frame.instance[target]), frame.use->targets[target].base);
    return sources;
  }

  /// The segment says nothing of the resource that would lead it: an AUT that only names the insurer.
  bool tells_parts_only(Frame const& frame) const {
    if (seed_.content(frame.instance[0]) != nullptr || has_array_base(*frame.use)) return false;
    auto const others = std::span(frame.instance).subspan(1);
    return std::ranges::any_of(others,
                               [&](std::uint32_t one) { return nodes_.of_instance(one) != SIZE_MAX; });
  }

  void rewrite_parts(Frame const& frame) {
    Sources const now = on_.sources_now(seed_.structure(), *frame.use, SIZE_MAX, nullptr, &frame);
    rewrite(frame, on_.project_then(*frame.use, sources_then(frame, nullptr)),
            on_.project_now(*frame.use, now));
  }

  /// All segments of one use that are items of one array: equal ones stay, the others are paired in order.
  void rewrite_array(Use const& use, Frame const& first, std::size_t at) {
    std::vector<Frame const*> frames;
    for (Frame const& frame : seed_.frames()) {
      if (frame.use == first.use && frame.instance[0] == first.instance[0] && frame.base_index != kNone)
        frames.push_back(&frame);
    }
    std::vector<Projection> then;
    std::vector<Projection> now;
    Element const* const array = find_array(use, *seed_.content(first.instance[0]));
    for (Frame const* const frame : frames) {
      bool const stands = array != nullptr && frame->base_index < array->size();
      then.push_back(
          on_.project_then(use, sources_then(*frame, stands ? &array->items()[frame->base_index] : nullptr)));
    }
    std::vector<Element const*> const items = base_items(use, *nodes_[at].content, nodes_);
    for (Element const* const item : items)
      now.push_back(on_.project_now(use, on_.sources_now(seed_.structure(), use, at, item)));
    std::vector<bool> used(now.size(), false);
    std::vector<std::size_t> partner(then.size(), SIZE_MAX);
    for (std::size_t t = 0; t < then.size(); ++t) {
      for (std::size_t n = 0; n < now.size() && partner[t] == SIZE_MAX; ++n) {
        if (used[n] || !same(then[t], now[n])) continue;
        used[n] = true;
        partner[t] = n;
      }
    }
    for (std::size_t t = 0; t < then.size(); ++t) {
      for (std::size_t n = 0; n < now.size() && partner[t] == SIZE_MAX; ++n) {
        if (used[n]) continue;
        used[n] = true;
        partner[t] = n;
        rewrite(*frames[t], then[t], now[n]);
      }
      if (partner[t] == SIZE_MAX) on_.removed.insert(serial_of(frames[t]->segment));
    }
    for (std::size_t n = 0; n < now.size(); ++n) {
      if (!used[n]) on_.extra.push_back({&use, at, items[n]});
    }
    on_.done.insert({name_of(use), at});
  }

  static Element const* find_array(Use const& use, Element const& content) {
    auto const& steps = use.targets[0].base.steps;
    Element const* const parent = find(content, std::span(steps).first(steps.size() - 1));
    return parent == nullptr ? nullptr : parent->find(steps.back().name);
  }

  void rewrite(Frame const& frame, Projection then, Projection now) {
    for (std::size_t at = 0; at < then.size() && at < now.size(); ++at) {
      if (same(then[at], now[at])) continue;
      if (is_list(*now[at].row))
        rewrite_list(frame.segment, then[at], now[at]);
      else
        rewrite_one(frame, then[at], now[at]);
    }
  }

  /// Another segment of the same use told it: the pattern of a second TQ1 of one order.
  bool told_by_another(Frame const& frame, Row const& row) const {
    if (has_array_base(*frame.use)) return false;
    return std::ranges::any_of(seed_.frames(), [&](Frame const& other) {
      return other.use == frame.use && other.segment != frame.segment &&
             other.instance[0] == frame.instance[0] &&
             std::ranges::any_of(row.places, [&](Place const& place) {
               return place.segment == frame.use->segment &&
                      !seed_.message().raw({other.segment, place.field, place.repetition, 0, 0}).empty();
             });
    });
  }

  std::optional<std::uint32_t> in_scope(std::uint32_t seed_segment, std::string_view id) const {
    return segment_in_scope(seed_.message(), seed_.keeps().grouping, id, seed_segment);
  }

  std::optional<std::size_t> place_segment(std::uint32_t seed_segment, std::string_view id) const {
    auto const found = in_scope(seed_segment, id);
    if (!found) return std::nullopt;
    return layout_.index_of(serial_of(*found));
  }

  /// A value of another type than the seed's (OBX-2) is not what the seed's fields would make of it.
  static bool same_siblings(RowValue const& then, RowValue const& now) {
    auto const of = [](RowValue const& value) {
      return value.items.empty() ? std::span<types::Out::Sibling const>{} : value.items[0].siblings;
    };
    return std::ranges::equal(of(then), of(now));
  }

  void rewrite_one(Frame const& frame, RowValue const& then, RowValue const& now) {
    std::uint32_t const segment = frame.segment;
    FieldWriter& writer = on_.writer();
    auto const leaves_of = [](RowValue const& value) {
      return value.items.empty() ? FieldWriter::Leaves{} : value.items[0].leaves;
    };
    bool wrote = false;
    // Precedence: the place that had the value gets the new one; when none had, all of them do.
    for (bool const only_filled : {true, false}) {
      if (!only_filled && told_by_another(frame, *now.row)) return;
      for (Place const& place : now.row->places) {
        auto const found = place_segment(segment, place.segment);
        if (!found) continue;
        Address const address{static_cast<std::uint32_t>(*found), place.field, place.repetition, 0, 0};
        if (only_filled && layout_.image().raw(address).empty()) continue;
        if (!now.items.empty() && now.items[0].whole_field) {
          for (auto count = layout_.image().repetition_count(*found, place.field); count > 1; --count)
            layout_.image().remove_repetition(*found, place.field, count);
        }
        writer.write_difference(address, place, leaves_of(then), leaves_of(now));
        if (same_siblings(then, now))
          clear_leftovers(writer, address, place, *now.row, *in_scope(segment, place.segment),
                          leaves_of(now));
        wrote = true;
      }
      if (wrote) break;
    }
    if (!now.items.empty())
      writer.write_siblings(layout_.index_of(serial_of(segment)),
                            then.items.empty() ? nullptr : &then.items[0], now.items[0]);
  }

  /// A sender may have said the old value in other parts than we would (a given name in XPN.3, a text in
  /// CWE.9). Where reading the changed value would still find them, they go: what is read must be what was
  /// written. `segment` is the seed's, whose other fields a pair may look at (OBX-2 of an OBX-5).
  void clear_leftovers(FieldWriter& writer, Address repetition, Place const& place, Row const& row,
                       std::uint32_t segment, FieldWriter::Leaves wanted) {
    if (wanted.empty() || place.subcomponent != 0) return;
    if (repetition.repetition == 0) repetition.repetition = 1;
    auto& image = layout_.image();
    Address value_at = repetition;
    value_at.component = place.component;
    std::string const raw =
        hl7v2::re_encode(image.raw(value_at), image.delimiters(), seed_.message().delimiters());
    Address read_at = value_at;
    read_at.segment = segment;
    types::In in(on_.context, on_.arena.copy(raw), read_at);
    in.vocabulary = row.vocabulary;
    in.default_system = row.default_system;
    Element value;
    types::Out again(on_.context);
    again.vocabulary = row.vocabulary;
    again.default_system = row.default_system;
    if (!row.pair->forward(in, value) || !row.pair->reverse(value, again)) return;
    if (std::ranges::equal(again.leaves, wanted)) return;
    for (std::size_t part = 1; part <= in.size(); ++part) {
      bool const is_wanted =
          std::ranges::any_of(wanted, [&](types::Leaf const& leaf) { return leaf.part == part; });
      if (in.claimed(part) == 0 || is_wanted) continue;
      Address leftover = value_at;
      (place.component == 0 ? leftover.component : leftover.subcomponent) = static_cast<std::uint16_t>(part);
      image.set(leftover, "");
    }
    for (types::Leaf const& leaf : wanted) writer.set_leaf(repetition, place, leaf);
  }

  void rewrite_list(std::uint32_t seed_segment, RowValue const& then, RowValue const& now) {
    FieldWriter& writer = on_.writer();
    Place const& place = now.row->places[0];
    auto const segment = place_segment(seed_segment, place.segment);
    if (!segment) return;
    std::vector<bool> used(now.items.size(), false);
    std::vector<Item const*> changed;
    for (Item const& item : then.items) {
      bool kept = false;
      for (std::size_t at = 0; at < now.items.size() && !kept; ++at) {
        if (used[at] || !item.same(now.items[at])) continue;
        used[at] = kept = true;
      }
      if (!kept) changed.push_back(&item);
    }
    std::vector<std::uint16_t> dropped;
    std::size_t next = 0;
    for (Item const* const item : changed) {
      std::uint16_t const repetition = seed_.repetition_of(*now.row, seed_segment, *item);
      if (repetition == 0) continue;
      while (next < used.size() && used[next]) ++next;
      Address const address{static_cast<std::uint32_t>(*segment), place.field, repetition, 0, 0};
      if (next < used.size()) {
        used[next] = true;
        writer.write_difference(address, place, item->leaves, now.items[next].leaves);
        clear_leftovers(writer, address, place, *now.row, *in_scope(seed_segment, place.segment),
                        now.items[next].leaves);
      } else {
        dropped.push_back(repetition);
      }
    }
    std::ranges::sort(dropped, std::greater<>{});
    for (std::uint16_t const repetition : dropped)
      layout_.image().remove_repetition(*segment, place.field, repetition);
    for (std::size_t at = 0; at < used.size(); ++at) {
      if (!used[at]) writer.append(*segment, place, now.items[at]);
    }
    Address const whole{static_cast<std::uint32_t>(*segment), place.field, 0, 0, 0};
    if (!dropped.empty() && layout_.image().raw(whole).empty() && on_.partner.honours_delete)
      layout_.image().set({whole.segment, place.field, 1, 0, 0}, "\"\"");
  }

  Reversal& on_;
  Seed const& seed_;
  Nodes const& nodes_;
  Layout& layout_;
};

/// What it referred to still stands, so that the caller would have told it, had it stood too.
bool referred_to_a_known(Reversal const& on, Instance const& lost) {
  auto const& instances = on.seed->keeps().instances;
  return std::ranges::any_of(on.seed->structure().links, [&](Link const& link) {
    if (link.source != lost.role || link.inward) return false;
    std::vector<Element const*> references;
    collect(on.seed->draft().resources[lost.resource].content, link.path.steps, references);
    return std::ranges::any_of(references, [&](Element const* one) {
      for (std::uint32_t at = 0; at < instances.size(); ++at) {
        if (on.nodes->of_instance(at) != SIZE_MAX &&
            one->text_at("reference") == "~" + std::to_string(instances[at].resource))
          return true;
      }
      return false;
    });
  });
}

/// It refers to something of the seed that this message is not about.
bool refers_elsewhere(Reversal const& on, Instance const& lost) {
  auto const& instances = on.seed->keeps().instances;
  return std::ranges::any_of(on.seed->structure().links, [&](Link const& link) {
    if (link.source != lost.role) return false;
    std::vector<Element const*> found;
    collect(on.seed->draft().resources[lost.resource].content, link.path.steps, found);
    return std::ranges::any_of(found, [&](Element const* one) {
      for (std::uint32_t at = 0; at < instances.size(); ++at) {
        bool const named = instances[at].resource != kNone &&
                           one->text_at("reference") == "~" + std::to_string(instances[at].resource);
        if (named && on.nodes->of_instance(at) == SIZE_MAX) return true;
      }
      return false;
    });
  });
}

/// A resource that still stands used to refer to it and, having told all its references, does not any more.
bool was_unlinked(Reversal const& on, Instance const& lost) {
  // Another thing of the kind the message is about: nobody asked for it.
  if (lost.role == on.seed->structure().anchor) return false;
  Internals const& keeps = on.seed->keeps();
  Structure const& structure = on.seed->structure();
  std::string const reference = "~" + std::to_string(lost.resource);
  for (Link const& link : structure.links) {
    if (link.target != lost.role) continue;
    for (std::uint32_t at = 0; at < keeps.instances.size(); ++at) {
      std::size_t const node = on.nodes->of_instance(at);
      if (keeps.instances[at].role != link.source || node == SIZE_MAX || on.seed->content(at) == nullptr)
        continue;
      std::vector<Element const*> then;
      std::vector<Element const*> now;
      collect(*on.seed->content(at), link.path.steps, then);
      collect(*(*on.nodes)[node].content, link.path.steps, now);
      bool const referred = std::ranges::any_of(
          then, [&](Element const* one) { return one->text_at("reference") == reference; });
      bool const all_known = std::ranges::all_of(
          now, [&](Element const* one) { return on.nodes->resolve(one->text_at("reference")) != nullptr; });
      if (referred && all_known && now.size() < then.size()) return true;
    }
  }
  // The caller is not asked for more of what the message starts from.
  if (structure.roles[lost.role].type == structure.roles[structure.anchor].type) return false;
  bool const only_refers =
      std::ranges::none_of(structure.links, [&](Link const& link) { return link.target == lost.role; });
  return on.request.referring && only_refers && referred_to_a_known(on, lost) && !refers_elsewhere(on, lost);
}

}  // namespace

void rewrite_known(Reversal& reversal) { Rewriter(reversal).run(); }

void remove_lost(Reversal& reversal) {
  Internals const& keeps = reversal.seed->keeps();
  for (Frame const& frame : reversal.seed->frames()) {
    Instance const& instance = keeps.instances[frame.instance[0]];
    Role const& role = reversal.seed->structure().roles[instance.role];
    if (instance.resource == kNone || role.per == Role::Per::message ||
        reversal.nodes->of_instance(frame.instance[0]) != SIZE_MAX)
      continue;
    if (was_unlinked(reversal, instance)) reversal.removed.insert(serial_of(frame.segment));
  }
  for (Layout::Serial const segment : reversal.removed) reversal.layout->remove(segment);
}

}  // namespace mappings::language
