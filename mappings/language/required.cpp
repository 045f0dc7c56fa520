/// Fields and segments that must be there before a message may leave.
#include "mappings/language/reversal.hpp"
#include "mappings/language/text.hpp"

#include <algorithm>

namespace mappings::language {

namespace {

/// "identifier{type=$MR}*.value" as FHIRPath: "identifier.value".
std::string plain(std::string_view path) {
  std::string names;
  int depth = 0;
  for (char const c : path) {
    if (c == '{') ++depth;
    if (depth == 0 && c != '*') names += c;
    if (c == '}') --depth;
  }
  return names;
}

std::string_view first_segment(hl7v2::GrammarNode const& node) {
  return node.children.empty() ? node.name : first_segment(node.children.front());
}

/// Whether the segment, or the group of that name, must stand wherever its own group does.
bool demands(hl7v2::GrammarNode const& group, std::string_view name) {
  return std::ranges::any_of(group.children, [&](hl7v2::GrammarNode const& child) {
    return child.name == name ? child.min > 0 : demands(child, name);
  });
}

bool holds_group(hl7v2::GrammarNode const& group, std::string_view name) {
  return std::ranges::any_of(group.children, [&](hl7v2::GrammarNode const& child) {
    return child.is_group && (child.name == name || holds_group(child, name));
  });
}

/// What a field is filled from, for the error that says it is empty; "" when no row writes it.
std::string source_of(Structure const& structure, std::string_view segment, std::size_t field) {
  for (Use const& use : structure.uses) {
    for (Row const* const row : use.rows) {
      for (Place const& place : row->places) {
        if (place.segment != segment || place.field != field) continue;
        return row->kind == Row::Kind::path
                   ? structure.roles[use.targets[row->target].role].type + "." + plain(row->path.text)
                   : "@" + row->fact;
      }
    }
  }
  return {};
}

/// What nothing can fill is no fault of the resources: it is warned of.
void refuse(Reversal& on, std::string const& place, std::string_view who, std::string const& source) {
  std::string const what = place + " is required by " + std::string(who) + " and nothing fills it";
  auto const is_known = [&](fhir::Issue const& one) { return one.source == place; };
  if (std::ranges::any_of(on.refusals, is_known)) return;
  if (source.empty()) {
    on.warnings.push_back(fhir::warning(fhir::IssueType::required, what + "; no row writes it", {}, place));
  } else {
    on.refusals.push_back(fhir::error(fhir::IssueType::required, what + "; supply " + source, source, place));
  }
}

/// One place of one segment: where it is empty, the refusal names segment, field, repetition and component.
void check_place(Reversal& on, hl7v2::Address const& address, std::string_view who) {
  auto const& image = on.image();
  if (!image.raw(address).empty()) return;
  std::string_view const segment = image.segment_id(address.segment);
  std::string name = std::string(segment) + "-" + std::to_string(address.field);
  if (address.repetition != 0) name += "(" + std::to_string(address.repetition) + ")";
  if (address.component != 0) name += "." + std::to_string(address.component);
  if (address.subcomponent != 0) name += "." + std::to_string(address.subcomponent);
  refuse(on, name, who, source_of(*on.structure, segment, address.field));
}

/// "PV1-19", or "PID-3.4": of each repetition that there is.
void check_profile(Reversal& on) {
  for (RequiredField const& required : on.partner.required_fields) {
    Fault fault;
    auto const place = read_place(required, fault);
    if (!place) continue;
    for (std::uint32_t segment = 0; segment < on.image().segment_count(); ++segment) {
      if (on.image().segment_id(segment) != place->segment) continue;
      hl7v2::Address address{segment, place->field, 0, 0, 0};
      check_place(on, address, "the partner's profile");
      address.component = place->component;
      address.subcomponent = place->subcomponent;
      auto const count = on.image().repetition_count(segment, place->field);
      for (std::uint16_t at = 1; at <= count && address.component != 0; ++at) {
        address.repetition = at;
        check_place(on, address, "the partner's profile");
      }
    }
  }
}

void check_fields(Reversal& on) {
  for (Layout::Serial const serial : on.fresh) {
    std::size_t const segment = on.layout->index_of(serial);
    if (segment >= on.image().segment_count()) continue;
    auto const fields = hl7v2::fields_of(on.version, on.image().segment_id(segment));
    for (std::size_t field = 1; field <= fields.size(); ++field) {
      auto const* const definition = fields[field - 1];
      if (definition != nullptr && definition->optionality == 'R')
        check_place(on, {static_cast<std::uint32_t>(segment), static_cast<std::uint16_t>(field), 0, 0, 0},
                    "HL7 v2");
    }
  }
}

/// What a segment is made of: the resource that is its own, else the element of a wider one that fills its
/// first required field; "" when no table writes it.
std::string source_of(Structure const& structure, hl7v2::Version version, std::string_view segment) {
  auto const use = std::ranges::find_if(
      structure.uses, [&](Use const& one) { return one.segment == segment && !one.reverse_rows.empty(); });
  if (use == structure.uses.end()) return {};
  Role const& role = structure.roles[use->targets[0].role];
  auto const fields = hl7v2::fields_of(version, segment);
  for (std::size_t at = 0; at < fields.size() && role.per != Role::Per::segment; ++at) {
    if (fields[at] == nullptr || fields[at]->optionality != 'R') continue;
    if (auto source = source_of(structure, segment, at + 1); !source.empty()) return source;
  }
  return role.type;
}

/// Any of these would do.
std::vector<std::string_view> segments_of(Layout::Missing const& missing) {
  if (missing.choice == nullptr) return {missing.segment};
  std::vector<std::string_view> names;
  for (auto const& one : missing.choice->children) names.push_back(first_segment(one));
  return names;
}

/// What the partner itself sent may lack what it lacked before.
void check_segments(Reversal& on) {
  if (on.seed) return;
  std::string const who = std::string(on.message_structure) + " of HL7 v2";
  for (Layout::Missing const& one : demanded_segments(on)) {
    std::string names, source;
    for (std::string_view const segment : segments_of(one)) {
      names.append(names.empty() ? "" : " or ").append(segment);
      if (source.empty()) source = source_of(*on.structure, on.version, segment);
    }
    refuse(on, names, who, source);
  }
}

}  // namespace

std::vector<Layout::Missing> demanded_segments(Reversal const& on) {
  auto const* const newest = hl7v2::find_structure(hl7v2::Version::v2_8, on.message_structure).root;
  auto all = on.layout->missing();
  std::erase_if(all, [&](Layout::Missing const& one) {
    bool const is_optional_group = !one.named.empty() && newest != nullptr &&
                                   holds_group(*newest, one.named) && !demands(*newest, one.named);
    return newest == nullptr || is_optional_group ||
           std::ranges::none_of(segments_of(one),
                                [&](std::string_view segment) { return demands(*newest, segment); });
  });
  return all;
}

void check_required(Reversal& reversal) {
  check_profile(reversal);
  check_fields(reversal);
  check_segments(reversal);
}

}  // namespace mappings::language
