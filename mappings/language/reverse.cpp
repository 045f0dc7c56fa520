/// FHIR to v2: the difference between what the resources say now and what the seed said is written over the
/// seed.
///
/// 1. The seed is read forward; its draft is what FHIR would be if nothing had changed.
/// 2. Resources are found by role along the declared links and matched with the draft's.
/// 3. Both are projected by the same rows into v2 values; only values that differ are written. Without a
/// seed, all.
#include "mappings/language/engine.hpp"
#include "mappings/language/layout.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>

namespace mappings::language {

namespace {

using hl7v2::Address;
using types::Leaf;
using types::Out;

/// One v2 value that a row made of one FHIR element.
struct Item {
  Out out;
  Element const* source = nullptr;
  bool same(Item const& other) const {
    return out.leaves == other.out.leaves && out.siblings == other.out.siblings;
  }
};

struct RowValue {
  Row const* row = nullptr;
  std::vector<Item> items;
  bool unknown = false;  ///< A reference could not be followed: leave what is there.
};

using Projection = std::vector<RowValue>;

bool same(RowValue const& left, RowValue const& right) {
  if (left.unknown || right.unknown) return true;
  return std::ranges::equal(left.items, right.items, [](Item const& a, Item const& b) { return a.same(b); });
}

bool same(Projection const& left, Projection const& right) {
  return std::ranges::equal(left, right, [](RowValue const& a, RowValue const& b) { return same(a, b); });
}

bool is_list(Row const& row) { return std::ranges::any_of(row.places, &Place::each); }

using Dereference = std::function<Element const*(std::string_view)>;

/// The resources that a projection of one use reads: one for each target, nullptr where there is none.
struct Sources {
  Element const* base[4] = {};
};

class Projector {
 public:
  Projector(types::Context const& context, Arena& arena) : context_(context), arena_(arena) {}

  Projection project(Use const& use, Sources const& sources, Dereference const& follow_reference) {
    Projection projection;
    for (Row const* const row : use.rows) {
      if (row->kind != Row::Kind::path || !row->reverse || row->target >= 4) continue;
      Element const* const base = sources.base[row->target];
      RowValue value{row, {}, false};
      if (base != nullptr && holds(row->fhir_when, nullptr, *base))
        read_row(use, *row, *base, follow_reference, value);
      projection.push_back(std::move(value));
    }
    return projection;
  }

 private:
  void read_row(Use const& use, Row const& row, Element const& base, Dereference const& follow_reference,
                RowValue& value) {
    std::vector<Element const*> found;
    collect(base, row.path.steps, found);
    for (Element const* const element : found) {
      if (element->is_null() || belongs_to_other(use, row, base, *element)) continue;
      Item item{Out(context_), element};
      item.out.vocabulary = row.vocabulary;
      item.out.default_system = row.default_system;
      item.out.whole = &base;
      if (!write_item(row, *element, follow_reference, item, value.unknown) || item.out.empty()) continue;
      value.items.push_back(std::move(item));
      if (!is_list(row)) return;
    }
  }

  bool write_item(Row const& row, Element const& element, Dereference const& follow_reference, Item& item,
                  bool& unknown) {
    if (row.pair->resource.empty()) return row.pair->reverse(element, item.out);
    std::string_view const reference = element.text_at("reference");
    Element const* const target = reference.empty() ? nullptr : follow_reference(reference);
    if (target != nullptr) {
      if (target->text_at("resourceType") != row.pair->resource) return false;
      return row.pair->reverse(*target, item.out);
    }
    // Only named: a display or an identifier is all there is to write.
    Element named = Element::of_object();
    if (auto const display = element.text_at("display"); !display.empty())
      named.set(arena_, "display", Element::of_string(display));
    if (Element const* const identifier = element.find("identifier"))
      named.set(arena_, "identifier").push(arena_, *identifier);
    if (row.pair->reverse(named, item.out)) return true;
    unknown = true;
    return false;
  }

  /// An item of `telecom*` that `telecom{use=work}*` claims is not this row's.
  static bool belongs_to_other(Use const& use, Row const& row, Element const& base, Element const& element) {
    if (row.path.steps.empty()) return false;
    Step const& step = row.path.steps[0];
    if (step.pick != Step::Pick::each || row.path.steps.size() != 1) return false;
    (void)base;
    return std::ranges::any_of(use.rows, [&](Row const* other) {
      if (other == &row || other->kind != Row::Kind::path || other->target != row.target) return false;
      Step const& rival = other->path.steps[0];
      return rival.name == step.name && !rival.conditions.empty() && matches(element, rival.conditions);
    });
  }

  types::Context const& context_;
  Arena& arena_;
};

/// A resource in its role.
struct Node {
  std::size_t role = 0;
  Element const* content = nullptr;
  std::string reference;        ///< "Patient/1", "" when it has no id
  std::uint32_t known = kNone;  ///< Index of the draft's instance it is the new version of.
  std::size_t via = SIZE_MAX;   ///< The node whose link led here.
  Layout::Group group = 0;
  Layout::Serial segment = kNone;  ///< Of a per-segment role.
  bool placed = false;
};

/// One segment of the seed as one use reads it.
struct Frame {
  std::size_t use = 0;
  std::uint32_t segment = 0;
  std::uint32_t instance[4] = {kNone, kNone, kNone, kNone};
  std::uint32_t base_index = kNone;
};

class Reversal {
 public:
  Reversal(Maps const& maps, ReverseRequest const& request, PartnerProfile const& destination)
      : maps_(maps), program_(maps.program()), request_(request), partner_(destination) {
    context_ = {&arena_, request.seed, &destination, &program_.systems};
  }

  fhir::Result<Reversed> run() {
    FHIR_CHECK(open());
    find_nodes();
    match_nodes();
    Projector projector(context_, arena_);
    projector_ = &projector;
    rewrite_known();
    write_new();
    remove_lost();
    write_facts();
    number_sets();
    write_header();
    FHIR_CHECK(check_required());
    note_losses();
    return Reversed{std::move(layout_->image()), std::move(loss_), std::move(warnings_)};
  }

 private:
  // ----------------------------------------------------------------------------------------------------
  // setting out

  fhir::Result<void> open() {
    structure_ = request_.structure.empty() ? nullptr : program_.find_structure(request_.structure);
    if (structure_ == nullptr)
      structure_ = program_.find_structure_for(request_.message_code, request_.trigger_event);
    if (structure_ == nullptr)
      return fhir::error(fhir::IssueType::not_supported,
                         "no table writes " + std::string(request_.message_code) + "^" +
                             std::string(request_.trigger_event) + "; add a structure section for it");
    version_ = hl7v2::to_version(partner_.version).value_or(hl7v2::Version::v2_5_1);
    auto const* const grammar = hl7v2::find_structure(version_, structure_->name).root;
    if (request_.seed == nullptr) {
      hl7v2::Image image(partner_.delimiters);
      image.insert_segment(0, "MSH");
      layout_.emplace(std::move(image), grammar, nullptr);
      return {};
    }
    FHIR_TRY(auto draft, forward(maps_, *request_.seed, partner_));
    seed_.emplace(std::move(draft));
    auto const seed_version = hl7v2::to_version(request_.seed->version()).value_or(version_);
    auto const* const seed_grammar =
        hl7v2::find_structure(seed_version, hl7v2::structure_of(*request_.seed)).root;
    layout_.emplace(hl7v2::Image(*request_.seed), seed_grammar == nullptr ? grammar : seed_grammar,
                    &internals(*seed_).grouping);
    read_frames();
    return {};
  }

  /// The seed's segments as forward saw them.
  void read_frames() {
    Internals const& keeps = internals(*seed_);
    auto const& message = *request_.seed;
    // The same role names may stand at other places in the seed's structure (A01 seeds A08): uses are its
    // own.
    seed_structure_ = keeps.structure;
    std::map<std::tuple<std::size_t, std::uint32_t, std::uint32_t>, std::uint32_t> bases;
    for (std::size_t w = 0; w < seed_->writes.size(); ++w) {
      Origin const& origin = keeps.origins[w];
      if (origin.base_index != kNone)
        bases[{origin.use, origin.segment, seed_->writes[w].resource}] = origin.base_index;
    }
    for (std::uint32_t segment = 0; segment < message.segment_count(); ++segment) {
      for (std::size_t at = 0; at < seed_structure_->uses.size(); ++at) {
        Use const& use = seed_structure_->uses[at];
        if (use.segment != message.segment_id(segment)) continue;
        if (!stands_in(keeps.grouping, keeps.grouping.group_of_segment[segment], use.group)) continue;
        if (!holds(use.when, message, keeps.grouping, segment)) continue;
        Frame frame{at, segment, {kNone, kNone, kNone, kNone}, kNone};
        for (std::size_t target = 0; target < use.targets.size() && target < 4; ++target)
          frame.instance[target] = instance_at(use.targets[target].role, segment);
        if (frame.instance[0] == kNone) continue;
        auto const resource = keeps.instances[frame.instance[0]].resource;
        auto const base = bases.find({at, segment, resource});
        if (base != bases.end()) frame.base_index = base->second;
        frames_.push_back(frame);
      }
    }
  }

  std::uint32_t instance_at(std::size_t role_index, std::uint32_t segment) const {
    Internals const& keeps = internals(*seed_);
    Role const& role = seed_structure_->roles[role_index];
    std::uint32_t const here = keeps.grouping.group_of_segment[segment];
    bool const own = role.per == Role::Per::segment && role.per_name == request_.seed->segment_id(segment) &&
                     stands_in(keeps.grouping, here, role.at);
    std::uint32_t best = kNone;
    for (std::uint32_t at = 0; at < keeps.instances.size(); ++at) {
      Instance const& instance = keeps.instances[at];
      if (instance.role != role_index) continue;
      if (role.per == Role::Per::segment) {
        if (own ? instance.segment == segment
                : instance.segment <= segment && is_within(keeps.grouping, here, instance.group))
          best = at;
      } else if (is_within(keeps.grouping, here, instance.group)) {
        best = at;
      }
    }
    return best;
  }

  Element const* seed_content(std::uint32_t instance) const {
    if (instance == kNone) return nullptr;
    std::uint32_t const resource = internals(*seed_).instances[instance].resource;
    return resource == kNone ? nullptr : &seed_->resources[resource].content;
  }

  // ----------------------------------------------------------------------------------------------------
  // nodes

  static std::string reference_of(Element const& resource) {
    std::string_view const id = resource.text_at("id");
    return id.empty() ? std::string() : std::string(resource.text_at("resourceType")) + "/" + std::string(id);
  }

  /// The role of the seed's structure that has the same name, SIZE_MAX when there is none.
  bool add_node(std::size_t role, Element const* content, std::string reference, std::size_t via) {
    if (content == nullptr || content->text_at("resourceType") != structure_->roles[role].type) return false;
    auto const [first, last] = by_content_.equal_range(content);
    for (auto known = first; known != last; ++known) {
      if (via != SIZE_MAX || nodes_[known->second].role == role) return false;
    }
    if (!reference.empty() && via != SIZE_MAX && by_reference_.contains(reference)) return false;
    if (structure_->roles[role].per == Role::Per::message && roles_met_.contains(role)) return false;
    roles_met_.insert(role);
    by_content_.emplace(content, nodes_.size());
    if (!reference.empty()) by_reference_.emplace(reference, content);
    nodes_.push_back({role, content, std::move(reference), kNone, via, 0, kNone, false});
    return true;
  }

  void find_nodes() {
    for (RoleResource const& given : request_.resources) {
      std::size_t const role = structure_->find_role(given.role);
      if (role == SIZE_MAX || given.resource == nullptr) continue;
      if (!add_node(role, given.resource,
                    given.reference.empty() ? reference_of(*given.resource) : std::string(given.reference),
                    SIZE_MAX) &&
          std::ranges::none_of(nodes_, [&](Node const& node) { return node.content == given.resource; }))
        warnings_.push_back(
            fhir::warning(fhir::IssueType::value, "role " + std::string(given.role) + " takes one " +
                                                      structure_->roles[role].type +
                                                      " and got another resource; it is left out"));
    }
    for (std::size_t at = 0; at < nodes_.size(); ++at) {
      follow_links(at);
      follow_back(at);
    }
    edges_to_.resize(nodes_.size());
    edges_from_.resize(nodes_.size());
    find_edges();
    for (std::size_t at = 0; at < nodes_.size(); ++at) find_via(at);
  }

  Element const* resolve(std::string_view reference) const {
    auto const known = by_reference_.find(std::string(reference));
    if (known != by_reference_.end()) return known->second;
    return request_.resolve ? request_.resolve(reference) : nullptr;
  }

  void follow_links(std::size_t at) {
    for (Link const& link : structure_->links) {
      if (link.source != nodes_[at].role || link.inward || leads_elsewhere(link)) continue;
      std::vector<Element const*> found;
      collect(*nodes_[at].content, link.path.steps, found);
      for (Element const* const one : found) {
        std::string_view const reference = one->text_at("reference");
        if (reference.empty()) continue;
        add_node(link.target, resolve(reference), std::string(reference), at);
      }
    }
  }

  /// The target's segment is not in the version being written, and another role of the same type has the
  /// place of the link too: a Specimen is an SPM or, before 2.5, a field of the OBR.
  bool leads_elsewhere(Link const& link) const {
    Role const& role = structure_->roles[link.target];
    if (role.per != Role::Per::segment || layout_->knows(role.per_name, role.at)) return false;
    return std::ranges::any_of(structure_->links, [&](Link const& other) {
      return other.source == link.source && other.target != link.target &&
             other.path.text == link.path.text && structure_->roles[other.target].type == role.type;
    });
  }

  /// Links whose source is missing: the caller knows who refers to this resource.
  void follow_back(std::size_t at) {
    if (!request_.referring || nodes_[at].reference.empty()) return;
    for (Link const& link : structure_->links) {
      if (link.target != nodes_[at].role || link.inward) continue;
      bool const led_here = nodes_[at].via != SIZE_MAX && nodes_[nodes_[at].via].role == link.source;
      if (led_here || structure_->roles[link.source].type == structure_->roles[structure_->anchor].type)
        continue;
      std::string path;
      for (Step const& step : link.path.steps) path.append(path.empty() ? "" : ".").append(step.name);
      for (Element const* const one :
           request_.referring(structure_->roles[link.source].type, path, nodes_[at].reference))
        if (one != nullptr) add_node(link.source, one, reference_of(*one), at);
    }
  }

  /// Who refers to whom along the declared links. References may be written in more than one way (relative,
  /// absolute): what they resolve to counts.
  struct Edge {
    std::size_t source;
    std::size_t target;
  };

  void find_edges() {
    for (std::size_t at = 0; at < nodes_.size(); ++at) {
      for (Link const& link : structure_->links) {
        if (link.source != nodes_[at].role) continue;
        std::vector<Element const*> found;
        collect(*nodes_[at].content, link.path.steps, found);
        for (Element const* const one : found) {
          std::string_view const reference = one->text_at("reference");
          if (reference.empty()) continue;
          auto const [first, last] = by_content_.equal_range(resolve(reference));
          for (auto known = first; known != last; ++known) {
            if (nodes_[known->second].role != link.target || known->second == at) continue;
            edges_to_[known->second].push_back({at, known->second});
            edges_from_[at].push_back({at, known->second});
          }
        }
      }
    }
  }

  /// The node in whose scope each one stands: one that refers to it, else one that it refers to; a report
  /// rather than the message.
  void find_via(std::size_t at) {
    auto const is_narrow = [&](std::size_t node) {
      return node != SIZE_MAX && structure_->roles[nodes_[node].role].per != Role::Per::message;
    };
    if (is_narrow(nodes_[at].via)) return;
    std::size_t wide = SIZE_MAX;
    for (bool const outward : {false, true}) {
      for (Edge const& edge : outward ? edges_from_[at] : edges_to_[at]) {
        std::size_t const other = outward ? edge.target : edge.source;
        if (nodes_[other].via == at) continue;
        if (is_narrow(other)) {
          nodes_[at].via = other;
          return;
        }
        if (!outward && wide == SIZE_MAX) wide = other;
      }
    }
    if (nodes_[at].via == SIZE_MAX) nodes_[at].via = wide;
  }

  // ----------------------------------------------------------------------------------------------------
  // matching

  static bool share_identifier(Element const& left, Element const& right) {
    Element const* const one = left.find("identifier");
    Element const* const other = right.find("identifier");
    if (one == nullptr || other == nullptr) return false;
    auto const list = [](Element const& e) {
      return e.is_array() ? e.items() : std::span<Element const>(&e, 1);
    };
    return std::ranges::any_of(list(*one), [&](Element const& a) {
      return std::ranges::any_of(list(*other), [&](Element const& b) {
        return a.text_at("value") == b.text_at("value") && a.text_at("system") == b.text_at("system") &&
               !a.text_at("value").empty();
      });
    });
  }

  void match_nodes() {
    if (!seed_) return;
    Internals const& keeps = internals(*seed_);
    std::vector<bool> taken(keeps.instances.size(), false);
    // In whatever role the seed had it: an Observation may be a result or one of the specimen.
    auto const pass = [&](auto&& fits, bool in_its_role = true) {
      for (Node& node : nodes_) {
        if (node.known != kNone) continue;
        for (std::uint32_t at = 0; at < keeps.instances.size(); ++at) {
          Instance const& instance = keeps.instances[at];
          Role const& then = seed_structure_->roles[instance.role];
          Role const& now = structure_->roles[node.role];
          if (taken[at] || then.type != now.type || (then.name == now.name) != in_its_role) continue;
          if (instance.resource == kNone || !fits(node, seed_->resources[instance.resource].content))
            continue;
          node.known = at;
          taken[at] = true;
          if (std::size_t const role = structure_->find_role(then.name); role != SIZE_MAX) node.role = role;
          break;
        }
      }
    };
    auto const equal = [](Node const& node, Element const& content) {
      return says_the_same(*node.content, content);
    };
    auto const identified = [](Node const& node, Element const& content) {
      return share_identifier(*node.content, content);
    };
    pass(equal);
    pass(equal, false);
    pass(identified);
    pass(identified, false);
    pass([&](Node const& node, Element const& content) {
      // Two that both carry identifiers and share none are two things, unless there can be only one.
      bool const distinct =
          node.content->find("identifier") != nullptr && content.find("identifier") != nullptr;
      return !distinct || structure_->roles[node.role].per == Role::Per::message;
    });
  }

  /// Equal but for ids, meta and the targets of references.
  static bool says_the_same(Element const& now, Element const& then) {
    if (now.kind() != then.kind()) return false;
    if (now.is_array())
      return std::ranges::equal(now.items(), then.items(),
                                [](auto const& a, auto const& b) { return says_the_same(a, b); });
    if (!now.is_object()) return now == then;
    auto const counted = [](Element const& e) {
      return std::ranges::count_if(e.members(), [](auto const& m) {
        return m.name != "id" && m.name != "meta" && m.name != "reference";
      });
    };
    if (counted(now) != counted(then)) return false;
    return std::ranges::all_of(now.members(), [&](auto const& member) {
      if (member.name == "id" || member.name == "meta" || member.name == "reference") return true;
      Element const* const other = then.find(member.name);
      return other != nullptr && says_the_same(member.value, *other);
    });
  }

  // ----------------------------------------------------------------------------------------------------
  // placing

  /// The group instance (and segment) of a node: the seed's, or a new one below that of the node that led to
  /// it.
  void place(std::size_t at) {
    Node& node = nodes_[at];
    if (node.placed) return;
    node.placed = true;
    if (node.known != kNone) {
      Instance const& instance = internals(*seed_).instances[node.known];
      node.group = instance.group;
      if (instance.segment != kNone) node.segment = layout_->serial_of(instance.segment);
      return;
    }
    Layout::Group parent = 0;
    if (node.via != SIZE_MAX) {
      place(node.via);
      parent = nodes_[node.via].group;
    }
    Role const& role = structure_->roles[node.role];
    if (role.per == Role::Per::message) return;
    if (role.per == Role::Per::group) {
      nodes_[at].group = group_of_role(role, parent);
      return;
    }
    nodes_[at].group = parent;  // its segment is inserted when it is written
  }

  /// A linked resource of the same group shares it (the report and the order of one ORDER_OBSERVATION).
  Layout::Group group_of_role(Role const& role, Layout::Group parent) {
    if (layout_->name_of(parent) == role.per_name) return parent;
    std::string_view first;
    for (Use const& use : structure_->uses) {
      if (structure_->roles[use.targets[0].role].name == role.name) {
        first = use.segment;
        break;
      }
    }
    return layout_->group_for(parent, first, true, role.per_name);
  }

  // ----------------------------------------------------------------------------------------------------
  // projecting

  Element const* with_base(Element const* content, Path const& base) const {
    return content == nullptr || base.empty() ? content : find(*content, base.steps);
  }

  /// By name: the seed's structure may number its roles in another way. A node that another of the same kind
  /// leads to is that one's.
  std::size_t related_node(std::size_t at, std::string_view role) const {
    std::size_t only = SIZE_MAX;
    std::size_t count = 0;
    for (std::size_t other = 0; other < nodes_.size(); ++other) {
      if (structure_->roles[nodes_[other].role].name != role) continue;
      if (nodes_[other].via == at || nodes_[at].via == other || other == at) return other;
      bool const anothers =
          nodes_[other].via != SIZE_MAX && nodes_[nodes_[other].via].role == nodes_[at].role;
      if (anothers) continue;
      only = other;
      ++count;
    }
    return count == 1 ? only : SIZE_MAX;
  }

  /// `frame`: the seed's segment, whose other resources are known by their instances.
  Sources sources_now(Structure const& structure, Use const& use, std::size_t at, Element const* base,
                      Frame const* frame = nullptr) const {
    Sources sources;
    sources.base[0] = base;
    for (std::size_t target = 1; target < use.targets.size() && target < 4; ++target) {
      std::size_t other = frame == nullptr ? SIZE_MAX : node_of(frame->instance[target]);
      if (other == SIZE_MAX) other = related_node(at, structure.roles[use.targets[target].role].name);
      bool const elsewhere = frame != nullptr && other != SIZE_MAX && nodes_[other].known != kNone &&
                             nodes_[other].known != frame->instance[target];
      if (other != SIZE_MAX && !elsewhere)
        sources.base[target] = with_base(nodes_[other].content, use.targets[target].base);
    }
    return sources;
  }

  Sources sources_then(Use const& use, Frame const& frame, Element const* base) const {
    Sources sources;
    sources.base[0] = base;
    for (std::size_t target = 1; target < use.targets.size() && target < 4; ++target)
      sources.base[target] = with_base(seed_content(frame.instance[target]), use.targets[target].base);
    return sources;
  }

  Projection project_now(Use const& use, Sources const& sources) {
    return projector_->project(use, sources,
                               [this](std::string_view reference) { return resolve(reference); });
  }

  Projection project_then(Use const& use, Sources const& sources) {
    return projector_->project(use, sources, [this](std::string_view reference) -> Element const* {
      if (!reference.starts_with('~')) return nullptr;
      std::size_t index = 0;
      for (char const c : reference.substr(1)) index = index * 10 + static_cast<std::size_t>(c - '0');
      return index < seed_->resources.size() ? &seed_->resources[index].content : nullptr;
    });
  }

  static bool has_array_base(Use const& use) {
    return !use.targets[0].base.empty() && use.targets[0].base.steps.back().is_array() &&
           use.targets[0].base.steps.back().pick != Step::Pick::index;
  }

  static std::vector<Element const*> base_items(Use const& use, Element const& content) {
    std::vector<Element const*> items;
    collect(content, use.targets[0].base.steps, items);
    return items;
  }

  std::size_t node_of(std::uint32_t instance) const {
    for (std::size_t at = 0; at < nodes_.size(); ++at) {
      if (nodes_[at].known == instance && instance != kNone) return at;
    }
    return SIZE_MAX;
  }

  // ----------------------------------------------------------------------------------------------------
  // known segments

  /// Segments of the seed whose resources still stand: leaves that changed are written over.
  void rewrite_known() {
    std::set<std::pair<std::size_t, std::uint32_t>> arrays;
    for (Frame const& frame : frames_) {
      Use const& use = seed_structure_->uses[frame.use];
      std::size_t const at = node_of(frame.instance[0]);
      if (at == SIZE_MAX) continue;
      if (has_array_base(use)) {
        if (arrays.insert({frame.use, frame.instance[0]}).second) rewrite_array(use, frame, at);
        continue;
      }
      Sources const now =
          sources_now(*seed_structure_, use, at, with_base(nodes_[at].content, use.targets[0].base), &frame);
      Sources const then =
          sources_then(use, frame, with_base(seed_content(frame.instance[0]), use.targets[0].base));
      rewrite(frame.segment, project_then(use, then), project_now(use, now));
    }
  }

  /// All segments of one use that are items of one array: equal ones stay, the others are paired in order.
  void rewrite_array(Use const& use, Frame const& first, std::size_t at) {
    std::vector<Frame const*> frames;
    for (Frame const& frame : frames_) {
      if (frame.use == first.use && frame.instance[0] == first.instance[0] && frame.base_index != kNone)
        frames.push_back(&frame);
    }
    std::vector<Element const*> const then_items = base_items(use, *seed_content(first.instance[0]));
    std::vector<Element const*> const now_items = base_items(use, *nodes_[at].content);
    std::vector<Projection> then;
    std::vector<Projection> now;
    Element const* const array = find_array(use, *seed_content(first.instance[0]));
    for (Frame const* const frame : frames) {
      Element const* const item = array != nullptr && frame->base_index < array->size()
                                      ? &array->items()[frame->base_index]
                                      : nullptr;
      then.push_back(project_then(use, sources_then(use, *frame, item)));
    }
    for (Element const* const item : now_items)
      now.push_back(project_now(use, sources_now(*seed_structure_, use, at, item)));
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
        rewrite(frames[t]->segment, then[t], now[n]);
      }
      if (partner[t] == SIZE_MAX) removed_.insert(layout_serial(frames[t]->segment));
    }
    for (std::size_t n = 0; n < now.size(); ++n) {
      if (!used[n]) extra_.push_back({&use, at, now_items[n]});
    }
    handled_.insert({use.segment + "/" + use.variant + "@" + use.group, at});
    (void)then_items;
  }

  static Element const* find_array(Use const& use, Element const& content) {
    auto const& steps = use.targets[0].base.steps;
    Element const* const parent = find(content, std::span(steps).first(steps.size() - 1));
    return parent == nullptr ? nullptr : parent->find(steps.back().name);
  }

  /// Serials are handed out in the seed's order first.
  static Layout::Serial layout_serial(std::uint32_t seed_segment) { return seed_segment; }

  void rewrite(std::uint32_t seed_segment, Projection const& then, Projection const& now) {
    for (std::size_t at = 0; at < then.size() && at < now.size(); ++at) {
      if (same(then[at], now[at])) continue;
      if (is_list(*now[at].row))
        rewrite_list(seed_segment, then[at], now[at]);
      else
        rewrite_one(seed_segment, then[at], now[at]);
    }
  }

  std::optional<std::size_t> place_segment(std::uint32_t seed_segment, std::string_view id) const {
    auto const found = segment_in_scope(*request_.seed, internals(*seed_).grouping, id, seed_segment);
    if (!found) return std::nullopt;
    return layout_->index_of(layout_serial(*found));
  }

  void rewrite_one(std::uint32_t seed_segment, RowValue const& then, RowValue const& now) {
    static std::vector<Leaf> const kNothing;
    auto const& old_leaves = then.items.empty() ? kNothing : then.items[0].out.leaves;
    auto const& new_leaves = now.items.empty() ? kNothing : now.items[0].out.leaves;
    bool wrote = false;
    // Precedence: the place that had the value gets the new one; when none had, all of them do.
    for (bool const only_filled : {true, false}) {
      for (Place const& place : now.row->places) {
        auto const segment = place_segment(seed_segment, place.segment);
        if (!segment) continue;
        Address address{static_cast<std::uint32_t>(*segment), place.field, place.repetition, 0, 0};
        if (only_filled && layout_->image().raw(address).empty()) continue;
        if (!now.items.empty() && now.items[0].out.whole_field) {
          for (auto count = layout_->image().repetition_count(*segment, place.field); count > 1; --count)
            layout_->image().remove_repetition(*segment, place.field, static_cast<std::uint16_t>(count));
        }
        write_difference(address, place, old_leaves, new_leaves);
        wrote = true;
      }
      if (wrote) break;
    }
    if (!now.items.empty())
      write_siblings(layout_->index_of(layout_serial(seed_segment)),
                     then.items.empty() ? nullptr : &then.items[0].out, now.items[0].out);
  }

  void write_difference(Address const& repetition, Place const& place, std::vector<Leaf> const& old_leaves,
                        std::vector<Leaf> const& new_leaves) {
    if (new_leaves.empty() && place.component == 0) {
      layout_->image().set(repetition, partner_.honours_delete ? "\"\"" : "");
      return;
    }
    for (Leaf const& leaf : old_leaves) {
      bool const gone = std::ranges::none_of(
          new_leaves, [&](Leaf const& one) { return one.part == leaf.part && one.sub == leaf.sub; });
      if (gone) layout_->image().set(leaf_address(repetition, place, leaf), "");
    }
    for (Leaf const& leaf : new_leaves) {
      if (std::ranges::find(old_leaves, leaf) == old_leaves.end()) set_leaf(repetition, place, leaf);
    }
  }

  static Address leaf_address(Address repetition, Place const& place, Leaf const& leaf) {
    if (repetition.repetition == 0) repetition.repetition = 1;
    if (place.component == 0) {
      repetition.component = leaf.part;
      repetition.subcomponent = leaf.sub;
    } else {
      repetition.component = place.component;
      repetition.subcomponent = place.subcomponent != 0 ? place.subcomponent : leaf.part;
    }
    return repetition;
  }

  void set_leaf(Address const& repetition, Place const& place, Leaf const& leaf) {
    Address const address = leaf_address(repetition, place, leaf);
    // A null field is wholly replaced.
    if (layout_->image().raw(repetition) == "\"\"") layout_->image().set(repetition, "");
    layout_->image().set_text(address, leaf.text);
  }

  void write_siblings(std::size_t segment, Out const* old, Out const& fresh) {
    if (old != nullptr) {
      for (auto const& sibling : old->siblings) {
        bool const gone = std::ranges::none_of(fresh.siblings, [&](auto const& one) {
          return one.field == sibling.field && one.part == sibling.part;
        });
        if (gone)
          layout_->image().set({static_cast<std::uint32_t>(segment), sibling.field, 1, sibling.part, 1}, "");
      }
    }
    for (auto const& sibling : fresh.siblings) {
      if (old != nullptr && std::ranges::find(old->siblings, sibling) != old->siblings.end()) continue;
      layout_->image().set_text({static_cast<std::uint32_t>(segment), sibling.field, 1, sibling.part, 1},
                                sibling.text);
    }
  }

  /// Which repetition each old item came from, by the write log.
  std::uint16_t repetition_of(Row const& row, std::uint32_t seed_segment, Item const& item) const {
    Internals const& keeps = internals(*seed_);
    for (std::size_t at = 0; at < seed_->writes.size(); ++at) {
      Write const& write = seed_->writes[at];
      if (write.row != &row || write.deletes || keeps.origins[at].segment != seed_segment) continue;
      auto steps = keeps.structure->uses[keeps.origins[at].use].targets[row.target].base.steps;
      steps.insert(steps.end(), row.path.steps.begin(), row.path.steps.end());
      if (follow(const_cast<Element&>(seed_->resources[write.resource].content), steps, write.indexes) ==
          item.source)
        return write.address.repetition;
    }
    return 0;
  }

  void rewrite_list(std::uint32_t seed_segment, RowValue const& then, RowValue const& now) {
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
      std::uint16_t const repetition = repetition_of(*now.row, seed_segment, *item);
      if (repetition == 0) continue;
      while (next < used.size() && used[next]) ++next;
      Address const address{static_cast<std::uint32_t>(*segment), place.field, repetition, 0, 0};
      if (next < used.size()) {
        used[next] = true;
        write_difference(address, place, item->out.leaves, now.items[next].out.leaves);
      } else {
        dropped.push_back(repetition);
      }
    }
    std::ranges::sort(dropped, std::greater<>{});
    for (std::uint16_t const repetition : dropped)
      layout_->image().remove_repetition(*segment, place.field, repetition);
    for (std::size_t at = 0; at < used.size(); ++at) {
      if (!used[at]) append_item(*segment, place, now.items[at]);
    }
    if (!dropped.empty() &&
        layout_->image().raw({static_cast<std::uint32_t>(*segment), place.field, 0, 0, 0}).empty() &&
        partner_.honours_delete)
      layout_->image().set({static_cast<std::uint32_t>(*segment), place.field, 1, 0, 0}, "\"\"");
  }

  void append_item(std::size_t segment, Place const& place, Item const& item) {
    auto const& image = layout_->image();
    auto count = static_cast<std::uint16_t>(image.repetition_count(segment, place.field));
    Address const first{static_cast<std::uint32_t>(segment), place.field, 1, 0, 0};
    if (count == 1 && image.raw(first) == "\"\"") count = 0;
    Address address = first;
    address.repetition = static_cast<std::uint16_t>(count + 1);
    for (Leaf const& leaf : item.out.leaves) set_leaf(address, place, leaf);
  }

  // ---------------------------------------------------------------------------------------------------- new
  // segments

  /// A resource that is only part of what the segment tells, without the one that would lead it: a client
  /// whose Task names a Practitioner and no PractitionerRole. The segment is written from it alone.
  void write_part(Use const& use, std::size_t at) {
    if (nodes_[at].known != kNone || use.targets.size() < 2) return;
    for (std::size_t target = 1; target < use.targets.size() && target < 4; ++target) {
      if (use.targets[target].role != nodes_[at].role) continue;
      Role const& leading = structure_->roles[use.targets[0].role];
      if (leading.per == Role::Per::message || related_node(at, leading.name) != SIZE_MAX) return;
      Sources sources;
      sources.base[target] = with_base(nodes_[at].content, use.targets[target].base);
      Projection const now = project_now(use, sources);
      if (std::ranges::none_of(now, [](RowValue const& value) { return !value.items.empty(); })) return;
      Layout::Group const group = layout_->group_for(nodes_[at].group, use.segment, true, use.group);
      Layout::Serial const segment = layout_->insert(group, use.segment);
      fresh_.push_back(segment);
      fill_segment(use, segment, now);
      return;
    }
  }

  struct Extra {
    Use const* use;
    std::size_t node;
    Element const* base;
  };

  /// What has no segment in the seed: new resources, new items, and uses whose segment the seed left out.
  void write_new() {
    for (Extra const& extra : extra_) write_segment(*extra.use, extra.node, extra.base, true);
    std::vector<bool> written(nodes_.size(), false);
    for (std::size_t at = 0; at < nodes_.size(); ++at) write_node(at, written, 0);
  }

  /// After the node that leads to it, whose group it stands in.
  void write_node(std::size_t at, std::vector<bool>& written, std::size_t depth) {
    if (written[at]) return;
    written[at] = true;
    if (nodes_[at].via != SIZE_MAX && depth < nodes_.size()) write_node(nodes_[at].via, written, depth + 1);
    place(at);
    for (Use const& use : structure_->uses) {
      if (stands_elsewhere(use)) continue;
      if (use.targets[0].role != nodes_[at].role) {
        write_part(use, at);
      } else if (has_array_base(use)) {
        write_items(use, at);
      } else if (nodes_[at].known == kNone || !has_frame(use, nodes_[at].known)) {
        write_segment(use, at, with_base(nodes_[at].content, use.targets[0].base), false);
      }
    }
  }

  /// A group that the version being written does not have, where another use names the one that it has: an
  /// OBX stands in SPECIMEN or, from 2.7 on, in SPECIMEN_OBSERVATION.
  bool stands_elsewhere(Use const& use) const {
    return !use.group.empty() && !layout_->knows(use.segment, use.group) &&
           std::ranges::any_of(structure_->uses, [&](Use const& other) {
             return other.segment == use.segment && other.variant == use.variant &&
                    other.targets[0].role == use.targets[0].role &&
                    layout_->knows(other.segment, other.group);
           });
  }

  void write_items(Use const& use, std::size_t at) {
    if (handled_.contains({use.segment + "/" + use.variant + "@" + use.group, at})) return;
    for (Element const* const item : base_items(use, *nodes_[at].content)) {
      if (nodes_[at].known == kNone || !stood_before(use, at, *item)) write_segment(use, at, item, true);
    }
  }

  bool has_frame(Use const& use, std::uint32_t instance) const {
    return std::ranges::any_of(frames_, [&](Frame const& frame) {
      Use const& other = seed_structure_->uses[frame.use];
      return frame.instance[0] == instance && other.segment == use.segment && other.variant == use.variant &&
             other.rows == use.rows;
    });
  }

  /// The seed said the same, from some other place.
  bool stood_before(Use const& use, std::size_t at, Element const& item) {
    Element const* const content = seed_content(nodes_[at].known);
    if (content == nullptr) return false;
    Projection const now = project_now(use, sources_now(*structure_, use, at, &item));
    return std::ranges::any_of(base_items(use, *content), [&](Element const* one) {
      Sources then;
      then.base[0] = one;
      return same(project_then(use, then), now);
    });
  }

  /// The version being written has no such segment anywhere in the message.
  bool lacks_segment(Use const& use) const {
    return layout_->has_grammar() && use.segment[0] != 'Z' && !layout_->knows(use.segment, {}) &&
           std::ranges::none_of(frames_, [&](Frame const& frame) {
             return seed_structure_->uses[frame.use].segment == use.segment;
           });
  }

  void write_segment(Use const& use, std::size_t at, Element const* base, bool own_item) {
    if (base == nullptr || lacks_segment(use)) return;
    place(at);
    Projection const now = project_now(use, sources_now(*structure_, use, at, base));
    bool const any = std::ranges::any_of(now, [](RowValue const& value) { return !value.items.empty(); });
    bool const told = !any && has_facts(use) && is_first_of_role(at);
    if (!any && !told && !(layout_->requires_segment(use.segment) && use.group.empty())) return;
    if (!seed_ || nodes_[at].known == kNone || own_item || !said_in_seed(use, at, now)) {
      Layout::Serial const segment = segment_for(use, at, own_item);
      fill_segment(use, segment, now);
    }
  }

  /// A use without a segment in the seed whose values the seed gave all the same (from another use): nothing
  /// changed.
  bool said_in_seed(Use const& use, std::size_t at, Projection const& now) {
    Element const* const content = seed_content(nodes_[at].known);
    if (content == nullptr) return false;
    Sources then;
    then.base[0] = with_base(content, use.targets[0].base);
    for (std::size_t target = 1; target < use.targets.size() && target < 4; ++target) {
      std::size_t const other = related_node(at, structure_->roles[use.targets[target].role].name);
      if (other != SIZE_MAX && nodes_[other].known != kNone)
        then.base[target] = with_base(seed_content(nodes_[other].known), use.targets[target].base);
    }
    return same(project_then(use, then), now);
  }

  bool is_first_of_role(std::size_t at) const {
    return std::ranges::find(nodes_, nodes_[at].role, &Node::role) - nodes_.begin() ==
           static_cast<std::ptrdiff_t>(at);
  }

  bool has_facts(Use const& use) const {
    return std::ranges::any_of(use.rows, [&](Row const* row) {
      return row->kind == Row::Kind::fact && row->reverse &&
             std::ranges::any_of(request_.facts,
                                 [&](FactValue const& fact) { return fact.name == row->fact; });
    });
  }

  Layout::Serial segment_for(Use const& use, std::size_t at, bool own_item) {
    Role const& role = structure_->roles[nodes_[at].role];
    bool const own = own_item || (role.per == Role::Per::segment && role.per_name == use.segment);
    if (!own_item && role.per == Role::Per::segment && role.per_name == use.segment &&
        nodes_[at].segment != kNone)
      return nodes_[at].segment;
    Layout::Group const group = layout_->group_for(nodes_[at].group, use.segment, own, use.group);
    Layout::Serial found = 0;
    if (!own && layout_->find(group, use.segment, found) && !removed_.contains(found)) return found;
    found = layout_->insert(group, use.segment);
    fresh_.push_back(found);
    if (!own_item && role.per == Role::Per::segment && role.per_name == use.segment) {
      nodes_[at].segment = found;
      nodes_[at].group = group;
    }
    return found;
  }

  void fill_segment(Use const& use, Layout::Serial serial, Projection const& now) {
    std::size_t const segment = layout_->index_of(serial);
    for (RowValue const& value : now) {
      if (value.items.empty() || !guard_allows(*value.row, now)) continue;
      write_value(segment, serial, use, value);
      write_constants(segment, value.row->v2_when);
    }
    write_constants(segment, use.when);
    write_constants(segment, structure_->roles[use.targets[0].role].when);
    for (Row const* const row : use.rows) {
      if (row->kind == Row::Kind::literal_out) set_if_empty(segment, row->places[0], literal_of(*row));
    }
  }

  std::string_view literal_of(Row const& row) const {
    return row.literal == "@timestamp" ? request_.timestamp : std::string_view(row.literal);
  }

  /// PID-30 is written only when PID-29 is empty: the guard is read on what is being written.
  bool guard_allows(Row const& row, Projection const& now) const {
    return std::ranges::all_of(row.v2_when, [&](Predicate const& predicate) {
      if (predicate.test != Predicate::Test::empty) return true;
      // A value for which the version has a segment of its own is written there: ORC-7 only where there is no
      // TQ1.
      if (predicate.place.segment != row.places[0].segment && row.fhir_when.empty())
        return !layout_->knows(predicate.place.segment, {});
      return std::ranges::none_of(now, [&](RowValue const& value) {
        if (value.items.empty() || value.row == &row) return false;
        return std::ranges::any_of(value.row->places, [&](Place const& place) {
          Place const& guard = predicate.place;
          bool const same_part =
              place.component == 0 || guard.component == 0 || place.component == guard.component;
          return place.segment == guard.segment && place.field == guard.field && same_part &&
                 (place.each || place.repetition == guard.repetition);
        });
      });
    });
  }

  void write_value(std::size_t segment, Layout::Serial serial, Use const& use, RowValue const& value) {
    for (Place const& place : value.row->places) {
      std::size_t where = segment;
      if (place.segment != use.segment) {
        Layout::Serial found = 0;
        if (!layout_->find_around(layout_->group_of(serial), place.segment, found)) continue;
        where = layout_->index_of(found);
      }
      Address address{static_cast<std::uint32_t>(where), place.field, place.repetition, 0, 0};
      if (place.each) {
        for (Item const& item : value.items) append_item(where, place, item);
        continue;
      }
      for (Leaf const& leaf : value.items[0].out.leaves) set_leaf(address, place, leaf);
    }
    for (Item const& item : value.items) write_siblings(segment, nullptr, item.out);
  }

  void set_if_empty(std::size_t segment, Place const& place, std::string_view text) {
    Address const address{static_cast<std::uint32_t>(segment), place.field, place.repetition,
                          std::max<std::uint16_t>(place.component, 1),
                          std::max<std::uint16_t>(place.subcomponent, 1)};
    if (layout_->image().segment_id(segment) == place.segment && layout_->image().raw(address).empty() &&
        !text.empty())
      layout_->image().set_text(address, text);
  }

  void write_constants(std::size_t segment, std::vector<Predicate> const& predicates) {
    for (Predicate const& predicate : predicates) {
      if (!predicate.is_fhir && predicate.test == Predicate::Test::equals)
        set_if_empty(segment, predicate.place, predicate.values[0]);
    }
  }

  // ---------------------------------------------------------------------------------------------------- the
  // rest

  /// Resources that were reached by a link in the seed and are no longer: their segments go.
  void remove_lost() {
    if (!seed_) return;
    Internals const& keeps = internals(*seed_);
    for (Frame const& frame : frames_) {
      Instance const& instance = keeps.instances[frame.instance[0]];
      Role const& role = seed_structure_->roles[instance.role];
      if (instance.resource == kNone || role.per == Role::Per::message ||
          node_of(frame.instance[0]) != SIZE_MAX)
        continue;
      if (was_unlinked(instance)) removed_.insert(layout_serial(frame.segment));
    }
    for (Layout::Serial const segment : removed_) layout_->remove(segment);
  }

  /// A resource that still stands used to refer to it and, having told all its references, does not any more.
  bool was_unlinked(Instance const& lost) const {
    Internals const& keeps = internals(*seed_);
    std::string const reference = "~" + std::to_string(lost.resource);
    for (Link const& link : seed_structure_->links) {
      if (link.target != lost.role) continue;
      for (std::uint32_t at = 0; at < keeps.instances.size(); ++at) {
        std::size_t const node = node_of(at);
        if (keeps.instances[at].role != link.source || node == SIZE_MAX || seed_content(at) == nullptr)
          continue;
        std::vector<Element const*> then;
        std::vector<Element const*> now;
        collect(*seed_content(at), link.path.steps, then);
        collect(*nodes_[node].content, link.path.steps, now);
        bool const referred = std::ranges::any_of(
            then, [&](Element const* one) { return one->text_at("reference") == reference; });
        bool const all_known = std::ranges::all_of(
            now, [&](Element const* one) { return resolve(one->text_at("reference")) != nullptr; });
        if (referred && all_known && now.size() < then.size()) return true;
      }
    }
    // The caller is not asked for more of what the message starts from.
    Role const& start = seed_structure_->roles[seed_structure_->anchor];
    if (seed_structure_->roles[lost.role].type == start.type) return false;
    bool const only_refers = std::ranges::none_of(seed_structure_->links,
                                                  [&](Link const& link) { return link.target == lost.role; });
    return request_.referring && only_refers && referred_to_a_known(lost);
  }

  /// What it referred to still stands, so that the caller would have told it, had it stood too.
  bool referred_to_a_known(Instance const& lost) const {
    auto const& instances = internals(*seed_).instances;
    return std::ranges::any_of(seed_structure_->links, [&](Link const& link) {
      if (link.source != lost.role || link.inward) return false;
      std::vector<Element const*> references;
      collect(seed_->resources[lost.resource].content, link.path.steps, references);
      return std::ranges::any_of(references, [&](Element const* one) {
        for (std::uint32_t at = 0; at < instances.size(); ++at) {
          if (node_of(at) != SIZE_MAX &&
              one->text_at("reference") == "~" + std::to_string(instances[at].resource))
            return true;
        }
        return false;
      });
    });
  }

  Element fact_element(Row const& row, std::string_view text) {
    Element value = Element::of_string(text);
    Out probe(context_);
    probe.vocabulary = row.vocabulary;
    if (row.pair->reverse(value, probe) && !probe.empty()) return value;
    Element object = Element::of_object();
    object.set(arena_, "value", value);
    object.set(arena_, "code", value);
    object.set(arena_, "text", value);
    return object;
  }

  /// Facts that the caller supplies are written into every segment that has a row for them.
  void write_facts() {
    for (Use const& use : structure_->uses) {
      for (Row const* const row : use.rows) {
        if (row->kind != Row::Kind::fact || !row->reverse) continue;
        for (FactValue const& fact : request_.facts) {
          if (fact.name == row->fact) write_fact(use, *row, fact.text);
        }
      }
    }
  }

  void write_fact(Use const& use, Row const& row, std::string_view text) {
    Element const value = fact_element(row, text);
    Out out(context_);
    out.vocabulary = row.vocabulary;
    out.default_system = row.default_system;
    if (!row.pair->reverse(value, out) || out.empty()) return;
    for (Place const& place : row.places) {
      bool written = false;
      for (std::size_t segment = 0; segment < layout_->image().segment_count(); ++segment) {
        if (layout_->image().segment_id(segment) != place.segment || place.segment != use.segment) continue;
        if (!use.group.empty() && use.group != "root" &&
            layout_->name_of(layout_->group_of(layout_->serial_of(segment))) != use.group)
          continue;
        Address const address{static_cast<std::uint32_t>(segment), place.field, place.repetition, 0, 0};
        for (Leaf const& leaf : out.leaves) {
          if (layout_->image().text(leaf_address(address, place, leaf)) != leaf.text)
            set_leaf(address, place, leaf);
        }
        written = true;
        break;
      }
      if (written) continue;
    }
  }

  /// Set ids of new segments: which one of its kind it is, in its group or among the repetitions of its
  /// group.
  void number_sets() {
    auto& image = layout_->image();
    for (Layout::Serial const serial : fresh_) {
      std::size_t const segment = layout_->index_of(serial);
      if (segment >= image.segment_count()) continue;
      std::string_view const id = image.segment_id(segment);
      auto const* const definition = hl7v2::find_field(version_, id, 1);
      Address const address{static_cast<std::uint32_t>(segment), 1, 1, 1, 1};
      if (definition == nullptr || definition->data_type != "SI" || !image.raw(address).empty()) continue;
      std::size_t number = 1;
      for (std::size_t at = 0; at < segment; ++at) {
        if (image.segment_id(at) == id && layout_->are_siblings(layout_->serial_of(at), serial)) ++number;
      }
      image.set_text(address, std::to_string(number));
    }
  }

  void write_header() {
    if (seed_ && request_.keep_header) return;
    auto& image = layout_->image();
    if (seed_) image.use_delimiters(partner_.delimiters);
    auto const put = [&](std::uint16_t field, std::string_view text, std::uint16_t component = 1) {
      Address const address{0, field, 1, component, 1};
      if (image.text(address) != text) image.set_text(address, text);
    };
    auto const put_hd = [&](std::uint16_t field, HdName const& name) {
      if (name.namespace_id.empty() && name.universal_id.empty()) return;
      put(field, name.namespace_id, 1);
      put(field, name.universal_id, 2);
      put(field, name.universal_id_type, 3);
    };
    put_hd(3, partner_.our_application);
    put_hd(4, partner_.our_facility);
    put_hd(5, partner_.their_application);
    put_hd(6, partner_.their_facility);
    put(7, request_.timestamp);
    put(9, request_.message_code, 1);
    put(9, request_.trigger_event, 2);
    if (version_ >= hl7v2::Version::v2_3_1) put(9, structure_->name, 3);
    put(10, request_.control_id);
    put(11, partner_.processing_id);
    put(12, partner_.version);
    if (!partner_.accept_ack.empty()) put(15, partner_.accept_ack);
    if (!partner_.application_ack.empty()) put(16, partner_.application_ack);
    if (!partner_.charset.empty()) put(18, partner_.charset);
  }

  /// What a field is filled from, for the error that says it is empty.
  std::string source_of(std::string_view segment, std::size_t field) const {
    for (Use const& use : structure_->uses) {
      for (Row const* const row : use.rows) {
        for (Place const& place : row->places) {
          if (place.segment == segment && place.field == field)
            return row->kind == Row::Kind::path
                       ? structure_->roles[use.targets[row->target].role].type + "." + row->path.text
                       : "@" + row->fact;
        }
      }
    }
    return {};
  }

  fhir::Result<void> check_required() {
    auto const& image = layout_->image();
    for (RequiredField const& required : partner_.required_fields) {
      auto const dash = required.find('-');
      if (dash == std::string::npos) continue;
      std::string const id = required.substr(0, dash);
      std::size_t number = 0;
      for (char const c : required.substr(dash + 1)) number = number * 10 + static_cast<std::size_t>(c - '0');
      for (std::size_t segment = 0; segment < image.segment_count(); ++segment) {
        if (image.segment_id(segment) != id) continue;
        FHIR_CHECK(check_field(segment, number, "the partner's profile"));
      }
    }
    for (Layout::Serial const serial : fresh_) {
      std::size_t const segment = layout_->index_of(serial);
      if (segment >= image.segment_count()) continue;
      std::string_view const id = image.segment_id(segment);
      auto const fields = hl7v2::fields_of(version_, id);
      for (std::size_t field = 1; field <= fields.size(); ++field) {
        auto const* const definition = fields[field - 1];
        if (definition == nullptr || definition->optionality != 'R') continue;
        FHIR_CHECK(check_field(segment, field, "HL7 v2"));
      }
    }
    return {};
  }

  fhir::Result<void> check_field(std::size_t segment, std::size_t field, std::string_view who) {
    auto const& image = layout_->image();
    if (!image.raw({static_cast<std::uint32_t>(segment), static_cast<std::uint16_t>(field), 0, 0, 0}).empty())
      return {};
    std::string const name = std::string(image.segment_id(segment)) + "-" + std::to_string(field);
    std::string const source = source_of(image.segment_id(segment), field);
    std::string what = name + " is required by " + std::string(who) + " and nothing fills it";
    if (source.empty()) {
      warnings_.push_back(fhir::warning(fhir::IssueType::required, what + "; no row writes it", {}, name));
      return {};
    }
    return fhir::error(fhir::IssueType::required, what + "; supply " + source, source, name);
  }

  // ----------------------------------------------------------------------------------------------------
  // losses

  /// Elements of the resources that no row, link, default or event of this structure covers.
  void note_losses() {
    for (Node const& node : nodes_) {
      for (auto const& member : node.content->members()) {
        static constexpr std::string_view kNotContent[] = {"resourceType",  "id",      "meta", "text",
                                                           "implicitRules", "language"};
        if (std::ranges::find(kNotContent, member.name) != std::end(kNotContent)) continue;
        note_loss(node, member.name, member.value);
      }
    }
  }

  void note_loss(Node const& node, std::string_view name, Element const& value) {
    std::vector<Path const*> covers;
    for (Use const& use : structure_->uses) {
      for (std::size_t target = 0; target < use.targets.size(); ++target) {
        if (use.targets[target].role != node.role) continue;
        Path const& base = use.targets[target].base;
        if (!base.empty()) {
          if (base.steps[0].name == name) return;
          continue;
        }
        for (Row const* const row : use.rows) {
          if (row->target != target || row->path.empty() || row->kind == Row::Kind::fact) continue;
          Step const& first = row->path.steps[0];
          bool const choice = first.choice && name.starts_with(first.name) && name.size() > first.name.size();
          if (first.name != name && !choice) continue;
          if (row->path.steps.size() == 1 && first.conditions.empty()) return;
          covers.push_back(&row->path);
        }
      }
    }
    for (Link const& link : structure_->links) {
      if (link.source == node.role && link.path.steps[0].name == name) return;
      if (link.source == node.role) continue;
    }
    EventTable const* const events = structure_->roles[node.role].events;
    if (events != nullptr && events->path.steps[0].name == name) return;
    for (Default const& made : structure_->defaults) {
      if (made.role == node.role && made.path.steps[0].name == name) return;
    }
    std::string const prefix = structure_->roles[node.role].type + "." + std::string(name);
    std::string const kept = node.reference.empty() ? structure_->roles[node.role].type : node.reference;
    if (covers.empty()) {
      loss_.push_back({prefix, structure_->name + " has no field for it", kept});
    } else if (value.is_array()) {
      for (std::size_t at = 0; at < value.size(); ++at) {
        bool const covered = std::ranges::any_of(
            covers, [&](Path const* path) { return matches(value.items()[at], path->steps[0].conditions); });
        if (!covered)
          loss_.push_back({prefix + "[" + std::to_string(at) + "]",
                           structure_->name + " has no field for this item", kept});
      }
    } else if (value.is_object()) {
      for (auto const& inner : value.members()) {
        bool const covered = std::ranges::any_of(covers, [&](Path const* path) {
          return path->steps.size() < 2 || path->steps[1].name == inner.name;
        });
        if (!covered)
          loss_.push_back(
              {prefix + "." + std::string(inner.name), structure_->name + " has no field for it", kept});
      }
    }
  }

  Maps const& maps_;
  Program const& program_;
  ReverseRequest const& request_;
  PartnerProfile const& partner_;
  Structure const* structure_ = nullptr;
  Structure const* seed_structure_ = nullptr;
  hl7v2::Version version_ = hl7v2::Version::v2_5_1;
  Arena arena_;
  types::Context context_;
  std::optional<Draft> seed_;
  std::optional<Layout> layout_;
  std::vector<Frame> frames_;
  std::vector<Node> nodes_;
  std::unordered_multimap<Element const*, std::size_t> by_content_;
  std::unordered_map<std::string, Element const*> by_reference_;
  std::set<std::size_t> roles_met_;
  std::vector<std::vector<Edge>> edges_to_, edges_from_;
  Projector* projector_ = nullptr;
  std::vector<Extra> extra_;
  std::set<std::pair<std::string, std::size_t>> handled_;
  std::set<Layout::Serial> removed_;
  std::vector<Layout::Serial> fresh_;
  std::vector<LossNote> loss_;
  fhir::Issues warnings_;
};

}  // namespace

fhir::Result<Reversed> reverse(Maps const& maps, ReverseRequest const& request,
                               PartnerProfile const& destination) {
  return Reversal(maps, request, destination).run();
}

}  // namespace mappings::language
