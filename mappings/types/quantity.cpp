/// NM, CQ, SN, TQ and FHIR Quantity, Range, Ratio; OBX-5 by OBX-2.
/// Source: HL7 v2.5.1 2.A.21 (CQ), 2.A.66 (SN), 7.4.2 (OBX), table 0125.
#include "mappings/types/families.hpp"

#include <array>

namespace mappings::types {

std::string_view json_number(std::string_view nm, Arena& arena);  // primitive.cpp

namespace {

constexpr std::string_view kUcum = "http://unitsofmeasure.org";

Element quantity(std::string_view value, Arena& arena) {
  Element made = Element::of_object();
  made.append_unchecked(arena, "value", Element::of_number(value));
  return made;
}

struct Unit {
  std::string_view code, text, system;
};

void set_unit(Element& made, Unit const& unit, Context const& context) {
  Arena& arena = *context.arena;
  std::string_view const shown = unit.text.empty() ? unit.code : unit.text;
  if (!shown.empty()) made.set(arena, "unit", Element::of_string(shown));
  if (!is_code(unit.code) || unit.system.empty()) return;
  std::string_view const system =
      unit.system == "UCUM" || unit.system == "ucum" ? kUcum : code_system_uri(unit.system, context);
  made.set(arena, "system", Element::of_string(system));
  made.set(arena, "code", Element::of_string(unit.code));
}

void write_unit(Element const& value, Out& out, std::size_t field) {
  std::string_view const code = value.text_at("code");
  std::string_view const unit = value.text_at("unit");
  out.sibling(field, code.empty() ? unit : code, 1);
  if (code.empty()) return;
  if (unit != code) out.sibling(field, unit, 2);
  std::string_view const system = value.text_at("system");
  out.sibling(field, system == kUcum ? "UCUM" : code_system_name(system, *out.context), 3);
}

bool read_nm_quantity(In& in, Element& out) {
  std::string_view const digits = json_number(in.part(1), in.arena());
  if (digits.empty()) return false;
  out = quantity(digits, in.arena());
  return true;
}

bool write_nm_quantity(Element const& value, Out& out) {
  out.set(1, value.text_at("value"));
  return !out.empty();
}

bool read_cq(In& in, Element& out) {
  if (!read_nm_quantity(in, out)) return false;
  set_unit(out, {in.sub(2, 1), in.sub(2, 2), in.sub(2, 3)}, in.context());
  return true;
}

bool write_cq(Element const& value, Out& out) {
  out.set(1, value.text_at("value"));
  if (out.empty()) return false;
  Out unit(*out.context);
  write_unit(value, unit, 0);
  for (auto const& part : unit.siblings) out.set(2, part.text, part.part);
  return true;
}

/// SN: comparator ^ number ^ separator ^ number. `-` is a Range, `:` and `/` a Ratio, "+" or nothing a
/// Quantity.
bool read_sn(In& in, Unit const& unit, Element& out) {
  Arena& arena = in.arena();
  std::string_view const comparator = in.peek(1);
  std::string_view const first = json_number(in.peek(2), arena);
  std::string_view const separator = in.peek(3);
  std::string_view const second = json_number(in.peek(4), arena);
  if (first.empty() || (second.empty() != separator.empty())) return false;
  Element low = quantity(first, arena);
  Element made;
  if (separator.empty()) {
    if (!comparator.empty() && comparator != "=") {
      if (comparator != "<" && comparator != "<=" && comparator != ">" && comparator != ">=") return false;
      low.set(arena, "comparator", Element::of_string(comparator));
    }
    set_unit(low, unit, in.context());
    out.set(arena, "valueQuantity", low);
  } else {
    if (!comparator.empty() && comparator != "=") return false;
    Element high = quantity(second, arena);
    if (separator == "-") {
      set_unit(low, unit, in.context());
      set_unit(high, unit, in.context());
      made.set(arena, "low", low);
      made.set(arena, "high", high);
      out.set(arena, "valueRange", made);
    } else if (separator == ":" || separator == "/") {
      set_unit(low, unit, in.context());
      made.set(arena, "numerator", low);
      made.set(arena, "denominator", high);
      out.set(arena, "valueRatio", made);
    } else {
      return false;
    }
  }
  for (std::size_t part = 1; part <= 4; ++part) in.part(part);
  return true;
}

/// What no Quantity, Range or Ratio can hold ("<>", "3+"): its parts as a person reads them.
bool read_sn_text(In& in, Unit const& unit, Element& out) {
  std::string text;
  for (std::size_t part = 1; part <= 4; ++part) {
    std::string_view const one = in.part(part);
    if (!one.empty()) text.append(text.empty() ? "" : " ").append(one);
  }
  if (text.empty()) return false;
  if (!unit.code.empty()) text.append(" ").append(unit.code);
  out.set(in.arena(), "valueString", Element::of_string(in.keep(text)));
  return true;
}

/// NR: low ^ high. Either may be open.
bool read_nr(In& in, Unit const& unit, Element& out) {
  Arena& arena = in.arena();
  Element range;
  for (auto const& [part, name] : {std::pair<std::size_t, std::string_view>{1, "low"}, {2, "high"}}) {
    if (in.peek(part).empty()) continue;
    std::string_view const digits = json_number(in.part(part), arena);
    if (digits.empty()) return false;
    Element end = quantity(digits, arena);
    set_unit(end, unit, in.context());
    range.set(arena, name, end);
  }
  if (range.is_null()) return false;
  out.set(arena, "valueRange", range);
  return true;
}

bool read_sn_value(In& in, Element& out) { return read_sn(in, {}, out); }

bool write_sn(Element const& parent, Out& out, Element const*& unit_of) {
  if (Element const* const one = parent.find("valueQuantity")) {
    out.set(1, one->text_at("comparator"));
    out.set(2, one->text_at("value"));
    unit_of = one;
  } else if (Element const* const range = parent.find("valueRange")) {
    out.set(2, range->text_of("low", "value"));
    out.set(3, "-");
    out.set(4, range->text_of("high", "value"));
    unit_of = range->find("low");
  } else if (Element const* const ratio = parent.find("valueRatio")) {
    out.set(2, ratio->text_of("numerator", "value"));
    out.set(3, ":");
    out.set(4, ratio->text_of("denominator", "value"));
    unit_of = ratio->find("numerator");
  }
  return !out.empty();
}

bool write_sn_value(Element const& parent, Out& out) {
  Element const* unit = nullptr;
  return write_sn(parent, out, unit);
}

/// The pair for a value type of OBX-2 and the choice of value[x] it fills.
struct Choice {
  std::string_view types;  ///< Blank separated, the preferred one first.
  std::string_view pair;
  std::string_view member;
};
constexpr Choice kChoices[] = {
    {"ST ID VR", "ST~string", "valueString"},
    {"CWE CE CNE CF IS", "CWE~CodeableConcept", "valueCodeableConcept"},
    {"DTM TS DT", "DTM~dateTime", "valueDateTime"},
    {"TM", "TM~time", "valueTime"},
    {"DR", "DR~Period", "valuePeriod"},
};

bool has_word(std::string_view words, std::string_view word) {
  for (std::size_t begin = 0; begin < words.size();) {
    auto const end = words.find(' ', begin);
    if (words.substr(begin, end == std::string_view::npos ? end : end - begin) == word) return true;
    if (end == std::string_view::npos) break;
    begin = end + 1;
  }
  return false;
}

/// What a laboratory sends as a number though it is none: a bound ("<15") is a Quantity with its comparator,
/// all else a text. An Observation without its value would be read as no finding.
bool read_unreadable_number(In& in, Unit const& unit, Element& out) {
  Arena& arena = in.arena();
  std::string_view const text = in.part(1);
  if (text.empty()) return false;
  for (std::string_view const comparator : {"<=", ">=", "<", ">"}) {
    if (!text.starts_with(comparator)) continue;
    std::string_view rest = text.substr(comparator.size());
    while (rest.starts_with(' ')) rest.remove_prefix(1);
    std::string_view const digits = json_number(rest, arena);
    if (digits.empty()) break;
    Element bound = quantity(digits, arena);
    bound.set(arena, "comparator", Element::of_string(comparator));
    set_unit(bound, unit, in.context());
    out.set(arena, "valueQuantity", bound);
    return true;
  }
  out.set(arena, "valueString", Element::of_string(text));
  return true;
}

/// What is not of the type that OBX-2 names, or of a type that no value[x] is for, as the text that stands
/// there: a final Observation without its value would be read as no finding. A document is no value.
bool read_other(In& in, std::string_view type, Unit const& unit, Element& out) {
  if (in.size() != 1 || in.has_subs(1) || type == "ED" || type == "RP") return false;
  return read_sn_text(in, unit, out);
}

bool read_obx5(In& in, Element& out) {
  Arena& arena = in.arena();
  std::string_view type = in.sibling(2);
  if (type.empty()) type = "ST";
  Unit const unit{in.sibling(6, 1), in.sibling(6, 2), in.sibling(6, 3)};
  if (type == "NM") {
    Element made;
    if (!read_nm_quantity(in, made)) return read_unreadable_number(in, unit, out);
    set_unit(made, unit, in.context());
    out.set(arena, "valueQuantity", made);
    return true;
  }
  if (type == "CQ") {
    Element made;
    if (!read_cq(in, made)) return false;
    out.set(arena, "valueQuantity", made);
    return true;
  }
  if (type == "NR") return read_nr(in, unit, out);
  if (type == "SN") return read_sn(in, unit, out) || read_sn_text(in, unit, out);
  if (type == "TX" || type == "FT") {
    std::string_view const text = in.lines();
    if (text.empty()) return false;
    out.set(arena, "valueString", Element::of_string(text));
    return true;
  }
  for (Choice const& choice : kChoices) {
    if (!has_word(choice.types, type)) continue;
    Element value;
    if (!find_pair(choice.pair)->forward(in, value)) return read_other(in, type, unit, out);
    out.set(arena, choice.member, value);
    return true;
  }
  return read_other(in, type, unit, out);
}

bool write_obx5(Element const& parent, Out& out) {
  Element const* const one = parent.find("valueQuantity");
  if (one != nullptr && one->text_at("comparator").empty()) {
    out.set(1, one->text_at("value"));
    if (out.empty()) return false;
    out.sibling(2, "NM");
    write_unit(*one, out, 6);
    return true;
  }
  Element const* unit = nullptr;
  if (write_sn(parent, out, unit)) {
    out.sibling(2, "SN");
    if (unit != nullptr) write_unit(*unit, out, 6);
    return true;
  }
  for (Choice const& choice : kChoices) {
    Element const* const value = parent.find(choice.member);
    if (value == nullptr || !find_pair(choice.pair)->reverse(*value, out)) continue;
    // Lines need a type that has line ends.
    bool const lines = value->text().find('\n') != std::string_view::npos;
    out.sibling(2, lines ? "FT" : choice.types.substr(0, choice.types.find(' ')));
    out.whole_field = choice.member == "valueString";
    return true;
  }
  if (Element const* const flag = parent.find("valueBoolean")) {
    out.set(1, flag->boolean() ? "Y" : "N");
    out.sibling(2, "ID");
    return true;
  }
  if (Element const* const number = parent.find("valueInteger")) {
    out.set(1, number->text());
    out.sibling(2, "NM");
    return true;
  }
  return false;
}

/// A component of an Observation: one repetition of OBX-5 under the code of OBX-3.
bool read_component(In& in, Element& out) {
  Arena& arena = in.arena();
  hl7v2::Address const code_at{in.address().segment, 3, 1, 0, 0};
  std::string_view const whole = in.context().message->raw({code_at.segment, 3, 0, 0, 0});
  In code_in(in.context(), whole.substr(0, whole.find(in.context().message->delimiters().repetition)),
             code_at);
  Element code;
  Element value;
  if (!read_obx5(in, value) || !find_pair("CWE~CodeableConcept")->forward(code_in, code)) return false;
  out.set(arena, "code", code);
  for (auto const& member : value.members()) out.set(arena, member.name, member.value);
  return true;
}

/// Only what OBX-5 can repeat: values under the code of the Observation itself.
bool write_component(Element const& value, Out& out) {
  Element const* const own = value.find("code");
  Element const* const whole = out.whole == nullptr ? nullptr : out.whole->find("code");
  if (own == nullptr || (whole != nullptr && !(*own == *whole))) return false;
  return write_obx5(value, out);
}

/// The units of a number that stands in another field: RXO-4 of RXO-2.
bool read_units(In& in, Element& out) {
  std::string_view const said = in.part(9);
  set_unit(out, {in.part(1), said.empty() ? in.part(2) : said, in.part(3)}, in.context());
  return !out.is_null();
}

bool write_units(Element const& value, Out& out) {
  Out unit(*out.context);
  write_unit(value, unit, 0);
  for (auto const& part : unit.siblings) out.set(part.part, part.text);
  return !out.empty();
}

constexpr std::array kPairs = {
    Pair{.name = "CWE~Units", .forward = read_units, .reverse = write_units, .writes_parent = true},
    Pair{.name = "OBX5~component", .forward = read_component, .reverse = write_component},
    Pair{.name = "NM~Quantity", .forward = read_nm_quantity, .reverse = write_nm_quantity},
    Pair{.name = "CQ~Quantity", .forward = read_cq, .reverse = write_cq},
    Pair{.name = "SN~value", .forward = read_sn_value, .reverse = write_sn_value, .writes_parent = true},
    Pair{.name = "OBX5~value", .forward = read_obx5, .reverse = write_obx5, .writes_parent = true},
};

}  // namespace

std::span<Pair const> quantity_pairs() { return kPairs; }

}  // namespace mappings::types
