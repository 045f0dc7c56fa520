#include "mappings/types/pair.hpp"

#include "mappings/hl7v2/escape.hpp"
#include "mappings/types/families.hpp"

#include <algorithm>
#include <cassert>

namespace mappings::types {

/// location.cpp: ERL, ELD, QIP.
std::span<Pair const> location_pairs();

namespace {

constexpr std::string_view kNull = "\"\"";

}  // namespace

In::In(Context const& context, std::string_view raw, hl7v2::Address const& address)
    : context_(&context), raw_(raw), address_(address) {
  auto const& delimiters = context.message->delimiters();
  bool const is_component = address.component != 0;
  part_delimiter_ = is_component ? delimiters.subcomponent : delimiters.component;
  sub_delimiter_ = is_component ? '\0' : delimiters.subcomponent;
  if (address.subcomponent != 0) part_delimiter_ = '\0';
  std::size_t begin = 0;
  while (size_ < kPartsMax) {
    auto const end = part_delimiter_ == '\0' ? std::string_view::npos : raw.find(part_delimiter_, begin);
    parts_[size_++] = raw.substr(begin, end == std::string_view::npos ? end : end - begin);
    if (end == std::string_view::npos) break;
    begin = end + 1;
  }
}

std::string_view In::decoded(std::string_view raw) const {
  if (raw == kNull) return {};
  auto const& delimiters = context_->message->delimiters();
  if (raw.find(delimiters.escape) == std::string_view::npos) return raw;
  return arena().copy(hl7v2::decode(raw, delimiters));
}

std::string_view In::part(std::size_t number) { return sub(number, 1); }

std::string_view In::sub(std::size_t number, std::size_t subpart) {
  if (number == 0 || number > size_ || subpart == 0 || subpart > 32) return {};
  std::string_view rest = parts_[number - 1];
  for (std::size_t at = 1;; ++at) {
    auto const end = sub_delimiter_ == '\0' ? std::string_view::npos : rest.find(sub_delimiter_);
    if (at == subpart) {
      rest = rest.substr(0, end);
      break;
    }
    if (end == std::string_view::npos) return {};
    rest.remove_prefix(end + 1);
  }
  read_[number - 1] |= std::uint32_t{1} << (subpart - 1);
  return decoded(rest);
}

bool In::has_subs(std::size_t number) const {
  return number >= 1 && number <= size_ && sub_delimiter_ != '\0' &&
         parts_[number - 1].find(sub_delimiter_) != std::string_view::npos;
}

std::string_view In::peek(std::size_t number) const {
  if (number == 0 || number > size_) return {};
  std::string_view const whole = parts_[number - 1];
  return decoded(sub_delimiter_ == '\0' ? whole : whole.substr(0, whole.find(sub_delimiter_)));
}

In In::nested(std::size_t number) const {
  hl7v2::Address inner = address_;
  if (inner.repetition == 0) inner.repetition = 1;
  if (inner.component == 0)
    inner.component = static_cast<std::uint16_t>(number);
  else
    inner.subcomponent = static_cast<std::uint16_t>(number);
  return {*context_, number >= 1 && number <= size_ ? parts_[number - 1] : std::string_view{}, inner};
}

std::uint32_t In::whole_mask() const {
  std::uint32_t mask = 0;
  for (std::size_t number = 1; number <= size_; ++number) {
    if (read_[number - 1] != 0) mask |= std::uint32_t{1} << (number - 1);
  }
  return mask;
}

void In::claim_all() { read_.fill(~std::uint32_t{0}); }

std::string_view In::lines() {
  claims_field_ = true;
  claim_all();
  std::string_view rest = context_->message->raw({address_.segment, address_.field, 0, 0, 0});
  char const delimiter = context_->message->delimiters().repetition;
  std::string text;
  for (;;) {
    auto const end = rest.find(delimiter);
    text.append(decoded(rest.substr(0, end)));
    if (end == std::string_view::npos) return keep(text);
    text += '\n';
    rest.remove_prefix(end + 1);
  }
}

std::string_view In::sibling(std::size_t field, std::size_t component) {
  if (sibling_count_ < siblings_.size())
    siblings_[sibling_count_++] = static_cast<std::uint16_t>(field * 32 + component);
  std::string_view const found = context_->message->raw(
      {address_.segment, static_cast<std::uint16_t>(field), 1, static_cast<std::uint16_t>(component), 1});
  return decoded(found);
}

void Out::clear() {
  vocabulary = nullptr;
  default_system = {};
  leaves.clear();
  siblings.clear();
  whole_field = false;
  whole = nullptr;
}

void Out::set(std::size_t part, std::string_view text, std::size_t sub) {
  if (text.empty()) return;
  text = context->arena->copy(text);
  for (Leaf& leaf : leaves) {
    if (leaf.part == part && leaf.sub == sub) {
      leaf.text = text;
      return;
    }
  }
  leaves.push_back({static_cast<std::uint16_t>(part), static_cast<std::uint16_t>(sub), text});
}

void Out::nest(std::size_t number, Out const& nested) {
  for (Leaf const& leaf : nested.leaves) set(number, leaf.text, leaf.part);
}

void Out::sibling(std::size_t field, std::string_view text, std::size_t part) {
  if (!text.empty())
    siblings.push_back(
        {static_cast<std::uint16_t>(field), static_cast<std::uint16_t>(part), context->arena->copy(text)});
}

namespace {

/// v2 types whose values have the form of another type's (prefixes of it), by FHIR side where that matters.
std::string_view canonical(std::string_view v2, std::string_view fhir) {
  using Alias = std::pair<std::string_view, std::string_view>;
  static constexpr Alias kAliases[] = {
      {"TX", "ST"},  {"FT", "ST"},   {"SI", "ST"},  {"GTS", "ST"}, {"TN", "XTN"}, {"PN", "XPN"},
      {"AD", "XAD"}, {"SAD", "XAD"}, {"TS", "DTM"}, {"DT", "DTM"}, {"CN", "XCN"}, {"PPN", "XCN"},
      {"CE", "CWE"}, {"CNE", "CWE"}, {"CF", "CWE"}, {"CK", "CX"},  {"EIP", "EI"},
  };
  for (auto const& [from, to] : kAliases) {
    if (from == v2) {
      v2 = to;
      break;
    }
  }
  bool const coded = fhir == "CodeableConcept" || fhir == "Coding" || fhir == "code" || fhir == "boolean";
  if (coded && (v2 == "IS" || v2 == "ID" || v2 == "ST" || v2 == "NM")) return "CWE";
  if (fhir == "string" && (v2 == "IS" || v2 == "ID" || v2 == "NM" || v2 == "DTM" || v2 == "TM")) return "ST";
  if (fhir == "Annotation") return "ST";
  return v2;
}

std::vector<Pair> all_pairs() {
  std::vector<Pair> pairs;
  for (auto const family :
       {primitive_pairs(), coded_pairs(), identifier_pairs(), person_pairs(), time_pairs(), quantity_pairs(),
        reference_pairs(), attachment_pairs(), location_pairs()})
    pairs.insert(pairs.end(), family.begin(), family.end());
  return pairs;
}

std::vector<Pair> const& table() {
  static std::vector<Pair> const pairs = all_pairs();
  return pairs;
}

}  // namespace

Pair const* find_pair(std::string_view name) {
  auto const tilde = name.find('~');
  if (tilde == std::string_view::npos) return nullptr;
  std::string_view const fhir = name.substr(tilde + 1);
  std::string_view const v2 = name.substr(0, tilde);
  bool const simple = v2 == "IS" || v2 == "ID" || v2 == "ST" || v2 == "NM";
  if (simple && (fhir == "CodeableConcept" || fhir == "Coding"))
    return find_pair(fhir == "Coding" ? "IS~SimpleCoding" : "IS~SimpleConcept");
  std::string const wanted = std::string(canonical(v2, fhir)) + '~' + std::string(fhir);
  auto const found = std::ranges::find(table(), wanted, &Pair::name);
  return found == table().end() ? nullptr : &*found;
}

std::vector<std::string_view> pair_names() {
  std::vector<std::string_view> names;
  for (Pair const& pair : table()) names.push_back(pair.name);
  return names;
}

}  // namespace mappings::types
