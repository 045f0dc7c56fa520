#include "gateway/delivery/answers.hpp"

#include <charconv>

namespace gateway::delivery {

namespace {

constexpr std::string_view kPrefix = "HO";

bool is_being_sent(store::OutboxRow const& row) {
  return row.state == store::OutboxState::waiting || row.state == store::OutboxState::sent;
}

}  // namespace

std::string control_id_of(std::int64_t outbox_id) { return std::string(kPrefix) + std::to_string(outbox_id); }

std::optional<std::int64_t> outbox_id_of(std::string_view control_id) {
  if (!control_id.starts_with(kPrefix)) return std::nullopt;
  control_id.remove_prefix(kPrefix.size());
  std::int64_t id = 0;
  auto const [end, error] = std::from_chars(control_id.data(), control_id.data() + control_id.size(), id);
  if (error != std::errc{} || end != control_id.data() + control_id.size()) return std::nullopt;
  return id;
}

fhir::Result<void> settle_by_answer(store::Unit& unit, Word const& word, record::Site const& site) {
  auto const id = outbox_id_of(word.control_id);
  if (!id || word.code.size() != 2) return {};
  FHIR_TRY(auto row, unit.snapshot().find_outbox(*id));
  if (!row || row->destination != word.partner || row->control_id != word.control_id) return {};
  if (row->state == store::OutboxState::stopped || row->state == store::OutboxState::cancelled) return {};
  if (word.is_beside && is_being_sent(*row)) return {};
  bool const is_yes = word.code[1] == 'A';
  bool const is_final_no = word.code[1] == 'R' || (word.code[1] == 'E' && !is_being_sent(*row));
  if (!is_yes && !is_final_no) return {};
  if (is_yes && row->state == store::OutboxState::delivered && row->last_outcome == word.code) return {};
  if (row->state == store::OutboxState::sent) ++row->attempts;  // the one that is answered by this
  row->state = is_yes ? store::OutboxState::delivered : store::OutboxState::stopped;
  row->last_outcome = word.code;
  unit.update_outbox(*row);
  return record::delivered(unit, *row, word.code, site);
}

}  // namespace gateway::delivery
