/// FHIR to v2, step by step: what the steps of one message share, and the steps in the order in which
/// reverse() takes them. Internal to this room.
#pragma once

#include "mappings/language/field_writer.hpp"
#include "mappings/language/nodes.hpp"
#include "mappings/language/seed.hpp"

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace mappings::language {

struct Reversal {
  /// An item of an array that no segment of the seed tells.
  struct Extra {
    Use const* use;
    std::size_t node;
    Element const* base;
  };

  Reversal(Maps const& the_maps, ReverseRequest const& the_request, PartnerProfile const& destination);

  Maps const& maps;
  ReverseRequest const& request;
  PartnerProfile const& partner;
  Structure const* structure = nullptr;
  /// The structure that HL7 gives the event: a table of ours may be for some events of a structure alone (SIU
  /// S23).
  std::string_view message_structure;
  hl7v2::Version version = hl7v2::Version::v2_5_1;
  Arena arena;
  types::Context context;
  Projector projector;
  std::optional<Seed> seed;
  std::optional<Layout> layout;
  std::optional<FieldWriter> fields;
  std::optional<Nodes> nodes;

  std::vector<Extra> extra;                            ///< Left by rewrite_known for write_new.
  std::set<std::pair<std::string, std::size_t>> done;  ///< Arrays, by use and node, that rewrite_known wrote.
  std::set<Layout::Serial> removed;
  std::vector<Layout::Serial> fresh;  ///< Segments that were added.
  std::vector<LossNote> loss;
  fhir::Issues warnings;
  fhir::Issues refusals;  ///< Why this message may not leave.

  hl7v2::Image& image() { return layout->image(); }
  FieldWriter& writer() { return fields ? *fields : fields.emplace(*layout, partner); }
  /// The other targets of a use that is written for a node, whose own base is `base`. `frame`: the seed's
  /// segment, whose other resources are known by their instances.
  Sources sources_now(Structure const& of, Use const& use, std::size_t at, Element const* base,
                      Frame const* frame = nullptr) const;
  Projection project_now(Use const& use, Sources const& sources) {
    return projector.project(use, sources, *nodes);
  }
  Projection project_then(Use const& use, Sources const& sources) {
    return projector.project(use, sources, *seed);
  }
};

// The steps.

/// Segments of the seed whose resources still stand: leaves that changed are written over.
void rewrite_known(Reversal& reversal);
/// What has no segment in the seed: new resources, new items, and uses whose segment the seed left out.
void write_new(Reversal& reversal);
/// Resources that a link of the seed led to and none leads to any more: their segments go.
void remove_lost(Reversal& reversal);
/// A group into which something new was written begins with the segment that HL7 requires there (RGS before
/// AIS), where a table of ours writes that segment; a demanded segment without a required field of its own
/// (TQ1 of an order without times) stands with its set id alone.
void open_groups(Reversal& reversal);
/// What the lender's message says and no row reads, where the destination wants it: never a segment of its
/// own, a number, or what the resources speak of.
void lend_unmapped(Reversal& reversal);
/// Facts that the caller supplies are written into every segment that has a row for them.
void write_facts(Reversal& reversal);
/// Set ids of new segments: which one of its kind it is, in its group or among the repetitions of its group.
void number_sets(Reversal& reversal);
/// Segments and fields that the receiver's version has otherwise, or not at all.
void fit_edition(Reversal& reversal);
/// MSH from profile and request.
void write_header(Reversal& reversal);
/// Segments that the message and its groups must hold and do not. One that HL7 made optional later (NK1 of
/// 2.1) holds up no message.
std::vector<Layout::Missing> demanded_segments(Reversal const& reversal);
/// Fields and segments that the partner or the standard requires: what lacks one, and what would fill it, is
/// among the refusals.
void check_required(Reversal& reversal);
/// Elements of the resources that no row, link, default or event of this structure covers.
void note_losses(Reversal& reversal);

// What several steps ask of a use.

inline Element const* with_base(Element const* content, Path const& base) {
  return content == nullptr || base.empty() ? content : find(*content, base.steps);
}
/// `use NK1 -> Patient#patient.contact*`: each such segment is an item of its own.
inline bool has_array_base(Use const& use) {
  Path const& base = use.targets[0].base;
  return !base.empty() && base.steps.back().is_array() && base.steps.back().pick != Step::Pick::index;
}
inline std::vector<Element const*> base_items(Use const& use, Element const& content,
                                              References const& references) {
  std::vector<Element const*> items;
  collect(content, use.targets[0].base.steps, items, &references);
  return items;
}
/// The same use in the structures of seed and message.
inline std::string name_of(Use const& use) { return use.segment + "/" + use.variant + "@" + use.group; }

}  // namespace mappings::language
