/// What a message needs beside its resources: the header, the caller's facts, set ids.
#include "mappings/language/edition.hpp"
#include "mappings/language/reversal.hpp"

#include <algorithm>

namespace mappings::language {

namespace {

using hl7v2::Address;

/// A fact is a text; pairs that read an object find it in the members that such objects have.
Element fact_element(Reversal& on, Row const& row, std::string_view text) {
  Element value = Element::of_string(text);
  types::Out probe(on.context);
  probe.vocabulary = row.vocabulary;
  if (row.pair->reverse(value, probe) && !probe.empty()) return value;
  Element object = Element::of_object();
  if (auto const bar = text.find('|');
      bar != std::string_view::npos && row.pair->name.ends_with("~Identifier")) {
    if (bar > 0) object.set(on.arena, "system", Element::of_string(text.substr(0, bar)));
    value = Element::of_string(text.substr(bar + 1));
  }
  object.set(on.arena, "value", value);
  object.set(on.arena, "code", value);
  object.set(on.arena, "text", value);
  return object;
}

/// Whether a field of a segment that was added is required and empty.
bool is_wanted(Reversal& on, Address const& field) {
  auto const* const definition =
      hl7v2::find_field(on.version, on.image().segment_id(field.segment), field.field);
  return definition != nullptr && definition->optionality == 'R' && on.image().raw(field).empty() &&
         std::ranges::find(on.fresh, on.layout->serial_of(field.segment)) != on.fresh.end();
}

void write_fact(Reversal& on, Use const& use, Row const& row, std::string_view text) {
  types::Out out(on.context);
  out.vocabulary = row.vocabulary;
  out.default_system = row.default_system;
  if (!row.pair->reverse(fact_element(on, row, text), out) || out.empty()) return;
  hl7v2::Image& image = on.image();
  FieldWriter& writer = on.writer();
  for (Place const& place : row.places) {
    if (place.segment != use.segment) continue;
    bool first = true;
    for (std::size_t segment = 0; segment < image.segment_count(); ++segment) {
      if (image.segment_id(segment) != place.segment) continue;
      if (!use.group.empty() && use.group != "root" &&
          on.layout->name_of(on.layout->group_of(on.layout->serial_of(segment))) != use.group)
        continue;
      Address const address{static_cast<std::uint32_t>(segment), place.field, place.repetition, 0, 0};
      // The message's event holds for each of its new orders: what HL7 wants in all of them stands in all.
      if (!first && !is_wanted(on, address)) continue;
      first = false;
      for (types::Leaf const& leaf : out.leaves) {
        if (image.text(FieldWriter::address_of(address, place, leaf)) != leaf.text)
          writer.set_leaf(address, place, leaf);
      }
    }
  }
}

}  // namespace

void write_facts(Reversal& reversal) {
  if (reversal.request.facts.empty()) return;
  for (Use const& use : reversal.structure->uses) {
    for (Row const* const row : use.rows) {
      if (row->kind != Row::Kind::fact || !row->reverse) continue;
      for (FactValue const& fact : reversal.request.facts) {
        if (fact.name == row->fact) write_fact(reversal, use, *row, fact.text);
      }
    }
  }
}

void number_sets(Reversal& reversal) {
  hl7v2::Image& image = reversal.image();
  Layout const& layout = *reversal.layout;
  for (Layout::Serial const serial : reversal.fresh) {
    std::size_t const segment = layout.index_of(serial);
    if (segment >= image.segment_count()) continue;
    std::string_view const id = image.segment_id(segment);
    auto const* const definition = hl7v2::find_field(reversal.version, id, 1);
    Address const address{static_cast<std::uint32_t>(segment), 1, 1, 1, 1};
    if (definition == nullptr || !image.raw(address).empty()) continue;
    // Up to 2.3 the event is required here as well as in MSH-9.
    if (id == "EVN" && definition->optionality == 'R')
      image.set_text(address, reversal.request.trigger_event);
    // 2.4 calls AL1-1 a CE; it is a number all the same.
    bool const is_number = definition->data_type == "SI" || definition->name.starts_with("Set ID");
    if (!is_number) continue;
    std::size_t number = 1;
    for (std::size_t at = 0; at < segment; ++at) {
      if (image.segment_id(at) == id && layout.are_siblings(layout.serial_of(at), serial)) ++number;
    }
    image.set_text(address, std::to_string(number));
  }
}

void write_header(Reversal& reversal) {
  ReverseRequest const& request = reversal.request;
  PartnerProfile const& partner = reversal.partner;
  if (reversal.seed && request.keep_header) return;
  hl7v2::Image& image = reversal.image();
  if (reversal.seed) image.use_delimiters(partner.delimiters);
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
  put_hd(3, partner.our_application);
  put_hd(4, partner.our_facility);
  put_hd(5, partner.their_application);
  put_hd(6, partner.their_facility);
  put(7, request.timestamp);
  put(9, request.message_code, 1);
  put(9, request.trigger_event, 2);
  if (reversal.version >= hl7v2::Version::v2_3_1) put(9, reversal.message_structure, 3);
  put(10, request.control_id);
  put(11, partner.processing_id);
  bool const newer = hl7v2::to_version(partner.version) != reversal.version;
  put(12, newer ? hl7v2::to_text(reversal.version) : std::string_view(partner.version));
  if (!partner.accept_ack.empty()) put(15, partner.accept_ack);
  if (!partner.application_ack.empty()) put(16, partner.application_ack);
  if (!partner.charset.empty()) put(18, partner.charset);
  Edition(reversal.version, partner, image, reversal.loss).fit(0);
}

}  // namespace mappings::language
