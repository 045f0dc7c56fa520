/// FHIR to v2: the difference between what the resources say now and what the seed said is written over the
/// seed.
///
/// 1. The seed is read forward; its draft is what FHIR would be if nothing had changed.
/// 2. Resources are found by role along the declared links and matched with the draft's.
/// 3. Both are projected by the same rows into v2 values; only values that differ are written. Without a
/// seed, all.
#include "mappings/language/edition.hpp"
#include "mappings/language/reversal.hpp"

#include <algorithm>
#include <iterator>

namespace mappings::language {

Reversal::Reversal(Maps const& the_maps, ReverseRequest const& the_request, PartnerProfile const& destination)
    : maps(the_maps),
      request(the_request),
      partner(destination),
      context{&arena, the_request.seed, &destination, &the_maps.program().systems},
      projector(context) {}

Sources Reversal::sources_now(Structure const& of, Use const& use, std::size_t at, Element const* base,
                              Frame const* frame) const {
  Sources sources;
  sources.base[0] = base;
  for (std::size_t target = 1; target < use.targets.size() && target < kTargetsMax; ++target) {
    std::size_t other = frame == nullptr ? SIZE_MAX : nodes->of_instance(frame->instance[target]);
    if (other == SIZE_MAX && at != SIZE_MAX)
      other = nodes->related(at, of.roles[use.targets[target].role].name);
    if (other == SIZE_MAX) continue;
    std::uint32_t const known = (*nodes)[other].known;
    bool const elsewhere = frame != nullptr && known != kNone && known != frame->instance[target];
    if (!elsewhere) sources.base[target] = with_base((*nodes)[other].content, use.targets[target].base);
  }
  return sources;
}

namespace {

fhir::Result<void> open(Reversal& reversal) {
  ReverseRequest const& request = reversal.request;
  Program const& program = reversal.maps.program();
  if (!request.structure.empty()) reversal.structure = program.find_structure(request.structure);
  if (reversal.structure == nullptr)
    reversal.structure = program.find_structure_for(request.message_code, request.trigger_event);
  if (reversal.structure == nullptr)
    return fhir::error(fhir::IssueType::not_supported,
                       "no table writes " + std::string(request.message_code) + "^" +
                           std::string(request.trigger_event) + "; add a structure section for it");
  reversal.message_structure = hl7v2::structure_of_event(request.message_code, request.trigger_event);
  if (reversal.message_structure.empty()) reversal.message_structure = reversal.structure->name;
  FHIR_TRY(reversal.version, version_to_write(reversal.partner, reversal.message_structure));
  auto const* const grammar = hl7v2::find_structure(reversal.version, reversal.message_structure).root;
  if (request.seed == nullptr) {
    hl7v2::Image image(reversal.partner.delimiters);
    image.insert_segment(0, "MSH");
    reversal.layout.emplace(std::move(image), grammar, nullptr);
    return {};
  }
  FHIR_TRY(auto draft, forward(reversal.maps, *request.seed, reversal.partner));
  reversal.seed.emplace(std::move(draft));
  auto const version = hl7v2::to_version(request.seed->version()).value_or(reversal.version);
  auto const* const own = hl7v2::find_structure(version, hl7v2::structure_of(*request.seed)).root;
  reversal.layout.emplace(hl7v2::Image(*request.seed), own == nullptr ? grammar : own,
                          &reversal.seed->keeps().grouping);
  return {};
}

}  // namespace

void fit_edition(Reversal& reversal) {
  hl7v2::Message const* const seed = reversal.request.seed;
  if (seed != nullptr && reversal.request.keep_header) return;
  bool const same_version = seed != nullptr && hl7v2::to_version(seed->version()) == reversal.version;
  Edition edition(reversal.version, reversal.partner, reversal.image(), reversal.loss);
  for (std::size_t segment = reversal.image().segment_count(); segment-- > 1;) {
    Layout::Serial const serial = reversal.layout->serial_of(segment);
    // What the partner itself sent in this version may stand as it is.
    bool const known = same_version && serial < seed->segment_count();
    if (!known && !edition.has_segment(reversal.image().segment_id(segment))) {
      edition.note_segment(reversal.image().segment_id(segment));
      reversal.layout->remove(serial);
      continue;
    }
    edition.fit(segment, known ? seed : nullptr, serial);
  }
}

fhir::Result<Reversed> reverse(Maps const& maps, ReverseRequest const& request,
                               PartnerProfile const& destination, fhir::Issues* refusals) {
  Reversal reversal(maps, request, destination);
  if (auto opened = open(reversal); !opened) {
    if (refusals != nullptr) refusals->push_back(opened.error());
    return std::move(opened).error();
  }
  reversal.nodes.emplace(*reversal.structure, request, *reversal.layout, reversal.arena);
  reversal.nodes->find(reversal.warnings);
  if (reversal.seed) {
    reversal.nodes->match(*reversal.seed);
    rewrite_known(reversal);
  }
  write_new(reversal);
  if (reversal.seed) remove_lost(reversal);
  open_groups(reversal);
  lend_unmapped(reversal);
  write_facts(reversal);
  number_sets(reversal);
  fit_edition(reversal);
  write_header(reversal);
  check_required(reversal);
  if (!reversal.refusals.empty()) {
    fhir::Issue const first = reversal.refusals.front();
    if (refusals != nullptr) std::ranges::move(reversal.refusals, std::back_inserter(*refusals));
    return first;
  }
  note_losses(reversal);
  return Reversed{std::move(reversal.image()), std::move(reversal.loss), std::move(reversal.warnings)};
}

}  // namespace mappings::language
