#include "gateway/intake/source_order.hpp"

#include "fhir/search/values.hpp"

#include <algorithm>
#include <charconv>

namespace gateway::intake {

namespace {

constexpr std::string_view kSaidSpace = "said";          // "source|Type/id" -> the newest message about it
constexpr std::string_view kMovedSpace = "said-status";  // the same of the newest that moved its status

bool is_ordered(std::string_view type) { return type == "Patient" || type == "Encounter"; }

std::int64_t number_in(std::string_view text) {
  std::int64_t number = -1;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

SourceOrder::SourceOrder(store::Unit& unit, mappings::language::Draft const& draft, std::string source)
    : unit_(unit), source_(std::move(source)) {
  auto const sent = fhir::search::to_date_value(draft.timestamp);
  if (!sent || draft.timestamp.size() < 10) return;  // a year or a month orders nothing
  now_ = Moment{sent->low, sent->high, -1};
  if (std::string_view const sequence = draft.fact("sequence"); !sequence.empty())
    now_->sequence = number_in(sequence);
}

std::string SourceOrder::text() const {
  return std::to_string(now_->begin) + " " + std::to_string(now_->end) + " " + std::to_string(now_->sequence);
}

std::optional<SourceOrder::Moment> SourceOrder::moment_of(std::string_view text) {
  auto const first = text.find(' ');
  auto const second = first == std::string_view::npos ? first : text.find(' ', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  return Moment{number_in(text.substr(0, first)), number_in(text.substr(first + 1, second - first - 1)),
                number_in(text.substr(second + 1))};
}

/// Certainly before: the one is over when the other begins; or sent in the same second with a lower sequence
/// number.
bool SourceOrder::is_before(Moment const& one, Moment const& other) {
  if (one.end <= other.begin) return true;
  bool const same = one.begin == other.begin && one.end == other.end;
  return same && one.sequence >= 0 && other.sequence >= 0 && one.sequence < other.sequence;
}

fhir::Result<mappings::language::Late> SourceOrder::place(std::string_view type, std::string_view id,
                                                          bool is_known) {
  mappings::language::Late place;
  if (!now_ || !is_ordered(type)) return place;
  std::string const key = source_ + "|" + std::string(type) + "/" + std::string(id);
  FHIR_TRY(auto const said, unit_.find_key(kSaidSpace, key));
  auto const newest = said ? moment_of(*said) : std::nullopt;
  if (is_known && newest && is_before(*now_, *newest)) {
    place.content = true;
    FHIR_TRY(auto const moved, unit_.find_key(kMovedSpace, key));
    auto const mover = moved ? moment_of(*moved) : std::nullopt;
    place.status = mover && is_before(*now_, *mover);
    return place;
  }
  if (std::string now = text(); !said || *said != now) unit_.put_key(kSaidSpace, key, now);
  return place;
}

void SourceOrder::note_status(std::string_view type, std::string_view id) {
  if (!now_ || !is_ordered(type)) return;
  unit_.put_key(kMovedSpace, source_ + "|" + std::string(type) + "/" + std::string(id), text());
}

}  // namespace gateway::intake
