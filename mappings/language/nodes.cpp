#include "mappings/language/nodes.hpp"

#include "mappings/language/seed.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace mappings::language {

namespace {

constexpr std::size_t kRoom = 32;  // for the resources of most messages

bool share_identifier(Element const& left, Element const& right) {
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

/// Equal but for ids, meta and the targets of references.
bool says_the_same(Element const& now, Element const& then) {
  if (now.kind() != then.kind()) return false;
  if (now.is_array())
    return std::ranges::equal(now.items(), then.items(),
                              [](auto const& a, auto const& b) { return says_the_same(a, b); });
  if (!now.is_object()) return now == then;
  auto const counts = [](std::string_view name) {
    return name != "id" && name != "meta" && name != "reference";
  };
  auto const counted = [&](Element const& e) {
    return std::ranges::count_if(e.members(), [&](auto const& member) { return counts(member.name); });
  };
  if (counted(now) != counted(then)) return false;
  return std::ranges::all_of(now.members(), [&](auto const& member) {
    if (!counts(member.name)) return true;
    Element const* const other = then.find(member.name);
    return other != nullptr && says_the_same(member.value, *other);
  });
}

bool has_mark(Default const& made, Element const& content) {
  Element const* const found = find(content, made.path.steps);
  if (found == nullptr) return false;
  if (made.constant == nullptr) return found->text() == made.literal;
  auto const is_it = [&](Element const& coding) {
    return coding.text_at("code") == made.constant->code && coding.text_at("system") == made.constant->system;
  };
  Element const* const codings = found->find("coding");
  return codings == nullptr ? is_it(*found) : std::ranges::any_of(codings->items(), is_it);
}

}  // namespace

std::string_view Nodes::reference_of(Element const& resource) {
  std::string_view const id = resource.text_at("id");
  if (id.empty()) return request_.reference_of ? request_.reference_of(resource) : std::string_view{};
  std::string_view const type = resource.text_at("resourceType");
  auto* const place = static_cast<char*>(arena_.allocate(type.size() + 1 + id.size(), 1));
  char* const end = std::ranges::copy(type, place).out;
  *end = '/';
  std::ranges::copy(id, end + 1);
  return {place, type.size() + 1 + id.size()};
}

Element const* Nodes::resolve(std::string_view reference) const {
  auto const [known, fresh] = resolved_.try_emplace(reference, nullptr);
  if (fresh && request_.resolve) *known = request_.resolve(reference);
  return *known;
}

/// Whether a resource that a link led to may take the role: marks tell roles of one type apart.
bool Nodes::suits(std::size_t role, Element const& content) const {
  return std::ranges::all_of(structure_.defaults, [&](Default const& made) {
    if (!made.marks || structure_.roles[made.role].type != structure_.roles[role].type) return true;
    return has_mark(made, content) == (made.role == role);
  });
}

/// False when it stands already, is of another type, or is a second one of a role that has one per message.
bool Nodes::add(std::size_t role, Element const* content, std::string_view reference, std::size_t via) {
  if (content == nullptr || content->text_at("resourceType") != structure_.roles[role].type) return false;
  if (!holds(structure_.roles[role].fhir_when, nullptr, *content)) return false;
  if (via != SIZE_MAX && !suits(role, *content)) return false;
  for (std::size_t known = first_of(content); known != SIZE_MAX; known = nodes_[known].next) {
    if (via != SIZE_MAX || nodes_[known].role == role) return false;
  }
  if (structure_.roles[role].per == Role::Per::message && met_[role]) return false;
  met_[role] = true;
  std::size_t const at = nodes_.size();
  auto const [chain, alone] = by_content_.try_emplace(content, {at, at});
  if (!alone) nodes_[std::exchange(chain->last, at)].next = at;
  if (!reference.empty()) resolved_.try_emplace(reference, content);
  nodes_.push_back({role, content, reference, kNone, via, 0, kNone, false});
  return true;
}

void Nodes::find(fhir::Issues& warnings) {
  nodes_.reserve(kRoom);
  found_.reserve(kRoom);
  elsewhere_.reserve(structure_.links.size());
  met_.assign(structure_.roles.size(), false);
  for (Link const& link : structure_.links) elsewhere_.push_back(leads_elsewhere(link));
  for (RoleResource const& given : request_.resources) {
    std::size_t const role = structure_.find_role(given.role);
    if (role == SIZE_MAX || given.resource == nullptr) continue;
    bool const added =
        add(role, given.resource,
            given.reference.empty() ? reference_of(*given.resource) : arena_.copy(given.reference), SIZE_MAX);
    if (!added && first_of(given.resource) == SIZE_MAX)
      warnings.push_back(
          fhir::warning(fhir::IssueType::value, "role " + std::string(given.role) + " takes one " +
                                                    structure_.roles[role].type +
                                                    " and got another resource; it is left out"));
  }
  // Who refers to a resource of the whole message (to the patient) is asked last: what leads there by a
  // nearer way has its role from that.
  std::size_t linked = 0;
  std::size_t near = 0;
  for (std::size_t wide = 0; wide < nodes_.size(); ++wide) {
    for (; near < nodes_.size(); ++near) {
      for (; linked < nodes_.size(); ++linked) follow_links(linked);
      if (near == 0 || !is_wide(near)) follow_back(near);
    }
    if (wide != 0 && is_wide(wide)) follow_back(wide);
  }
  find_edges();
  for (std::size_t at = 0; at < nodes_.size(); ++at) find_via(at);
}

/// It refers to, or is named by, something beside the whole message's resources that this message is not
/// about.
bool Nodes::is_of_another_anchor(std::size_t role, Element const& resource) {
  if (!structure_.near_anchor[role]) return false;
  std::string_view const own = reference_of(resource);
  return std::ranges::any_of(structure_.links, [&](Link const& link) {
    if (!structure_.near_anchor[link.source] || !structure_.near_anchor[link.target]) return false;
    if (link.source == role) {
      std::vector<Element const*> found;
      collect(resource, link.path.steps, found);
      if (!found.empty()) return true;
    }
    return link.target == role && !own.empty() &&
           !request_.referring(structure_.roles[link.source].type, link.names, own).empty();
  });
}

void Nodes::follow_links(std::size_t at) {
  for (std::uint32_t const one_link : structure_.links_from[nodes_[at].role]) {
    Link const& link = structure_.links[one_link];
    if (link.inward || elsewhere_[one_link]) continue;
    found_.clear();
    collect(*nodes_[at].content, link.path.steps, found_);
    for (Element const* const one : found_) {
      std::string_view const reference = one->text_at("reference");
      if (!reference.empty()) add(link.target, resolve(reference), reference, at);
    }
  }
}

/// The target's segment is not in the version being written, and another role of the same type has the place
/// of the link too: a Specimen is an SPM or, before 2.5, a field of the OBR.
bool Nodes::leads_elsewhere(Link const& link) const {
  Role const& role = structure_.roles[link.target];
  return link.has_twin && !layout_.knows(role.per_name, role.at);
}

/// Links whose source is missing: the caller knows who refers to this resource.
void Nodes::follow_back(std::size_t at) {
  if (!request_.referring || nodes_[at].reference.empty()) return;
  for (std::uint32_t const one_link : structure_.links_to[nodes_[at].role]) {
    Link const& link = structure_.links[one_link];
    if (link.inward) continue;
    bool const led_here = nodes_[at].via != SIZE_MAX && nodes_[nodes_[at].via].role == link.source;
    Role const& source = structure_.roles[link.source];
    bool const like_anchor =
        source.type == structure_.roles[structure_.anchor].type && source.fhir_when.empty();
    if (led_here || link.source == structure_.anchor || like_anchor) continue;
    for (Element const* const one : request_.referring(source.type, link.names, nodes_[at].reference)) {
      if (one == nullptr || (at != 0 && is_wide(at) && is_of_another_anchor(link.source, *one))) continue;
      std::string_view const reference = reference_of(*one);
      Element const* const* const known = resolved_.find(reference);
      add(link.source, known == nullptr || *known == nullptr ? one : *known, reference, at);
    }
  }
}

/// References may be written in more than one way (relative, absolute): what they resolve to counts.
void Nodes::find_edges() {
  std::vector<std::size_t> arriving(nodes_.size() + 1, 0);
  from_.begin.reserve(nodes_.size() + 1);
  from_.begin.assign(1, 0);
  from_.ends.reserve(2 * nodes_.size());
  for (std::size_t at = 0; at < nodes_.size(); ++at) {
    for (std::uint32_t const one_link : structure_.links_from[nodes_[at].role]) {
      Link const& link = structure_.links[one_link];
      found_.clear();
      collect(*nodes_[at].content, link.path.steps, found_);
      for (Element const* const one : found_) {
        std::string_view const reference = one->text_at("reference");
        if (reference.empty()) continue;
        for (std::size_t known = first_of(resolve(reference)); known != SIZE_MAX;
             known = nodes_[known].next) {
          if (nodes_[known].role != link.target || known == at) continue;
          from_.ends.push_back(known);
          ++arriving[known + 1];
        }
      }
    }
    from_.begin.push_back(from_.ends.size());
  }
  for (std::size_t at = 0; at < nodes_.size(); ++at) arriving[at + 1] += arriving[at];
  to_.begin = arriving;
  to_.ends.resize(from_.ends.size());
  for (std::size_t at = 0; at < nodes_.size(); ++at) {
    for (std::size_t const target : from_.of(at)) to_.ends[arriving[target]++] = at;
  }
}

/// The node in whose scope each one stands: one that refers to it, else one that it refers to; a report
/// rather than the message.
void Nodes::find_via(std::size_t at) {
  auto const is_narrow = [&](std::size_t node) {
    return node != SIZE_MAX && role_of(node).per != Role::Per::message;
  };
  if (is_narrow(nodes_[at].via)) return find_inner_via(at);
  std::size_t wide = SIZE_MAX;
  for (bool const outward : {false, true}) {
    for (std::size_t const other : outward ? from_.of(at) : to_.of(at)) {
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

/// A goal that a pathway names and that addresses one of the pathway's problems stands under the problem
/// where the grammar has it there.
void Nodes::find_inner_via(std::size_t at) {
  auto const own = way_of(nodes_[at].role);
  auto best = way_of(nodes_[nodes_[at].via].role);
  for (bool const outward : {true, false}) {
    for (std::size_t const other : outward ? from_.of(at) : to_.of(at)) {
      if (nodes_[other].via == at) continue;
      auto const way = way_of(nodes_[other].role);
      if (way.size() <= best.size() || way.size() > own.size()) continue;
      if (!std::equal(way.begin(), way.end(), own.begin())) continue;
      if (way.size() == own.size() && other > at) continue;
      nodes_[at].via = other;
      best = way;
    }
  }
}

/// The names of the groups down to where a role's segments stand; empty for a role of the whole message.
std::vector<std::string_view> Nodes::way_of(std::size_t index) const {
  Role const& role = structure_.roles[index];
  if (role.per == Role::Per::message) return {};
  bool const by_group = role.per == Role::Per::group;
  return layout_.way_to(by_group ? std::string_view{} : std::string_view(role.per_name),
                        by_group ? role.per_name : role.at);
}

void Nodes::match(Seed const& seed) {
  auto const& instances = seed.keeps().instances;
  by_instance_.assign(instances.size(), SIZE_MAX);
  // In whatever role the seed had it: an Observation may be a result or one of the specimen.
  auto const pass = [&](auto const& fits, bool in_its_role = true) {
    for (std::size_t node = 0; node < nodes_.size(); ++node) {
      if (nodes_[node].known != kNone) continue;
      for (std::uint32_t at = 0; at < instances.size(); ++at) {
        Role const& then = seed.structure().roles[instances[at].role];
        Role const& now = role_of(node);
        if (by_instance_[at] != SIZE_MAX || then.type != now.type || (then.name == now.name) != in_its_role)
          continue;
        Element const* const content = seed.content(at);
        if (content == nullptr || !fits(node, *content)) continue;
        nodes_[node].known = at;
        by_instance_[at] = node;
        if (std::size_t const role = structure_.find_role(then.name); role != SIZE_MAX)
          nodes_[node].role = role;
        break;
      }
    }
  };
  auto const equal = [&](std::size_t node, Element const& content) {
    return says_the_same(*nodes_[node].content, content);
  };
  auto const identified = [&](std::size_t node, Element const& content) {
    return share_identifier(*nodes_[node].content, content);
  };
  pass(equal);
  pass(equal, false);
  pass(identified);
  pass(identified, false);
  pass([&](std::size_t node, Element const& content) {
    // Two that both carry identifiers and share none are two things, unless there can be only one.
    bool const distinct =
        nodes_[node].content->find("identifier") != nullptr && content.find("identifier") != nullptr;
    return !distinct || role_of(node).per == Role::Per::message;
  });
}

std::size_t Nodes::of_instance(std::uint32_t instance) const {
  return instance < by_instance_.size() ? by_instance_[instance] : SIZE_MAX;
}

std::size_t Nodes::related(std::size_t at, std::string_view role) const {
  std::size_t only = SIZE_MAX;
  std::size_t count = 0;
  for (std::size_t other = 0; other < nodes_.size(); ++other) {
    if (role_of(other).name != role) continue;
    if (nodes_[other].via == at || nodes_[at].via == other || other == at) return other;
    bool const anothers = nodes_[other].via != SIZE_MAX && nodes_[nodes_[other].via].role == nodes_[at].role;
    if (anothers) continue;
    only = other;
    ++count;
  }
  return count == 1 ? only : SIZE_MAX;
}

bool Nodes::is_first_of_role(std::size_t at) const {
  return std::ranges::find(nodes_, nodes_[at].role, &Node::role) - nodes_.begin() ==
         static_cast<std::ptrdiff_t>(at);
}

}  // namespace mappings::language
