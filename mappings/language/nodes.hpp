/// The resources that a message is written from: those given and those the declared links lead to, each in
/// its role. Internal to this room.
#pragma once

#include "mappings/language/flat_map.hpp"
#include "mappings/language/layout.hpp"
#include "mappings/language/projection.hpp"

#include <span>
#include <string_view>
#include <vector>

namespace mappings::language {

class Seed;

/// A resource in its role.
struct Node {
  std::size_t role = 0;
  Element const* content = nullptr;
  std::string_view reference;      ///< "Patient/1", "" when it has no id
  std::uint32_t known = kNone;     ///< The seed's instance that it is the new version of.
  std::size_t via = SIZE_MAX;      ///< The node in whose scope it stands.
  Layout::Group group = 0;         ///< Set when it is placed.
  Layout::Serial segment = kNone;  ///< Of a per-segment role.
  bool placed = false;
  std::size_t next = SIZE_MAX;  ///< The same resource in another role.
};

class Nodes final : public References {
 public:
  Nodes(Structure const& structure, ReverseRequest const& request, Layout const& layout, Arena& arena)
      : structure_(structure), request_(request), layout_(layout), arena_(arena) {}

  /// Given resources first, then what links lead to, then who stands in whose scope.
  void find(fhir::Issues& warnings);
  /// Each with what the seed said of it: what says the same, else shares an identifier, else is alone.
  void match(Seed const& seed);

  Element const* resolve(std::string_view reference) const override;

  std::size_t size() const { return nodes_.size(); }
  Node& operator[](std::size_t at) { return nodes_[at]; }
  Node const& operator[](std::size_t at) const { return nodes_[at]; }
  std::vector<Node> const& all() const { return nodes_; }
  Role const& role_of(std::size_t at) const { return structure_.roles[nodes_[at].role]; }

  /// The node of that instance of the seed, SIZE_MAX when nothing of it is left.
  std::size_t of_instance(std::uint32_t instance) const;
  /// The node of another role that belongs to this one. By name: the seed's structure may number its roles in
  /// another way. A node that another of the same kind leads to is that one's. SIZE_MAX: none, or no telling.
  std::size_t related(std::size_t at, std::string_view role) const;
  bool is_first_of_role(std::size_t at) const;

 private:
  /// Who refers to whom along the declared links, from both ends.
  struct Edges {
    std::vector<std::size_t> ends;   ///< Those of the first node, of the second ...
    std::vector<std::size_t> begin;  ///< Where each node's ends begin; one more than there are nodes.
    std::span<std::size_t const> of(std::size_t at) const {
      return std::span(ends).subspan(begin[at], begin[at + 1] - begin[at]);
    }
  };

  bool suits(std::size_t role, Element const& content) const;
  bool add(std::size_t role, Element const* content, std::string_view reference, std::size_t via);
  std::string_view reference_of(Element const& resource);
  void follow_links(std::size_t at);
  bool leads_elsewhere(Link const& link) const;
  void follow_back(std::size_t at);
  /// The first node of a resource, from which `next` leads on; SIZE_MAX: none.
  std::size_t first_of(Element const* content) const {
    Chain const* const known = by_content_.find(content);
    return known == nullptr ? SIZE_MAX : known->first;
  }
  bool is_of_another_anchor(std::size_t role, Element const& resource);
  bool is_wide(std::size_t at) const { return role_of(at).per == Role::Per::message; }
  void find_edges();
  void find_via(std::size_t at);
  void find_inner_via(std::size_t at);
  std::vector<std::string_view> way_of(std::size_t role) const;

  Structure const& structure_;
  ReverseRequest const& request_;
  Layout const& layout_;
  Arena& arena_;
  std::vector<Node> nodes_;
  struct Chain {
    std::size_t first, last;
  };
  FlatMap<Element const*, Chain> by_content_;
  std::vector<bool> met_;        // roles that have a node
  std::vector<bool> elsewhere_;  // links that lead_elsewhere
  std::vector<std::size_t> by_instance_;
  Edges from_, to_;
  std::vector<Element const*> found_;  // reused
  mutable FlatMap<std::string_view, Element const*> resolved_;
};

}  // namespace mappings::language
