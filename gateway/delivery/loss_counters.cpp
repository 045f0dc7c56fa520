#include "gateway/delivery/loss_counters.hpp"

#include "fhir/definitions/definitions.hpp"
#include "mappings/hl7v2/dictionary.hpp"

#include <algorithm>

namespace gateway::delivery {

namespace {

namespace language = mappings::language;
namespace hl7v2 = mappings::hl7v2;

constexpr std::uint64_t kDropped = 1ULL << 40;
constexpr std::uint64_t kOther = 0;

bool is_defined(std::string_view segment, std::size_t field) {
  for (int version = 0; version <= static_cast<int>(hl7v2::Version::v2_8); ++version) {
    if (hl7v2::find_field(static_cast<hl7v2::Version>(version), segment, field) != nullptr) return true;
  }
  return false;
}

/// Three letters and a field number in one integer; 0 for what cannot be one.
std::uint64_t pack(std::string_view segment, std::uint16_t field) {
  if (segment.size() != 3) return kOther;
  std::uint64_t key = field;
  for (std::size_t at = 0; at < 3; ++at)
    key |= std::uint64_t{static_cast<unsigned char>(segment[at])} << (16 + 8 * at);
  return key;
}

std::string unpack(std::uint64_t key) {
  key &= ~kDropped;
  if (key == kOther) return "other";
  std::string name;
  for (std::size_t at = 0; at < 3; ++at) name += static_cast<char>(key >> (16 + 8 * at) & 0xff);
  return name + "-" + std::to_string(key & 0xffff);
}

/// "ServiceRequest.note[1].text" as "ServiceRequest.note.text", "other" where R4 has no such element.
std::string element_of(std::string_view path) {
  std::string out;
  fhir::definitions::TypeDefinition const* type = nullptr;
  for (std::size_t depth = 0; !path.empty(); ++depth) {
    auto const dot = path.find('.');
    std::string_view const step = path.substr(0, path.find_first_of(".["));
    path = dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
    if (depth == 0) {
      type = fhir::definitions::find_type(step);
      if (type == nullptr) return "other";
      out = step;
      continue;
    }
    auto const elements = type->elements();
    auto const found = std::ranges::find_if(elements, [&](auto const& one) { return one.name() == step; });
    if (found == elements.end()) return depth == 1 ? "other" : out;
    out.append(".").append(step);
    type = &found->type();
  }
  return out;
}

}  // namespace

void LossCounters::note(std::string_view partner, hl7v2::Message const& message,
                        language::Account const& account) {
  std::lock_guard const lock(mutex_);
  auto entry = partners_.find(partner);
  if (entry == partners_.end()) entry = partners_.emplace(std::string(partner), Of{}).first;
  Of& of = entry->second;
  of.mapped += account.mapped.size();
  of.kept += account.kept.size();
  of.dropped += account.dropped.size();
  auto const count = [&](language::Loss const& loss, std::uint64_t end) {
    std::string_view const segment = message.segment_id(loss.address.segment);
    std::uint64_t const key = pack(segment, loss.address.field);
    auto known = of.fields.find(key | end);
    if (known == of.fields.end())
      known = of.fields.try_emplace((is_defined(segment, loss.address.field) ? key : kOther) | end, 0).first;
    ++known->second;
  };
  for (language::Loss const& loss : account.kept) count(loss, 0);
  for (language::Loss const& loss : account.dropped) count(loss, kDropped);
}

void LossCounters::note(std::string_view partner, std::vector<language::LossNote> const& losses) {
  if (losses.empty()) return;
  std::lock_guard const lock(mutex_);
  auto entry = partners_.find(partner);
  if (entry == partners_.end()) entry = partners_.emplace(std::string(partner), Of{}).first;
  for (language::LossNote const& loss : losses) ++entry->second.elements[element_of(loss.path)];
}

void LossCounters::visit(Visitor const& visitor) const {
  std::lock_guard const lock(mutex_);
  for (auto const& [partner, of] : partners_) {
    for (auto const& [key, count] : of.fields)
      visitor(partner, "v2", unpack(key), (key & kDropped) != 0 ? "dropped" : "kept", count);
    for (auto const& [element, count] : of.elements) visitor(partner, "fhir", element, "kept", count);
  }
}

void LossCounters::visit_totals(TotalVisitor const& visitor) const {
  std::lock_guard const lock(mutex_);
  for (auto const& [partner, of] : partners_) {
    visitor(partner, "mapped", of.mapped);
    visitor(partner, "kept", of.kept);
    visitor(partner, "dropped", of.dropped);
  }
}

}  // namespace gateway::delivery
