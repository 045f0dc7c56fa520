/// Answers that come by another way than the exchange they belong to: an application answer after a commit
/// answer, or a message of the receiver's own whose MSA-2 names one of ours. Source: reliability.md R7, S3.
#pragma once

#include "fhir/result.hpp"
#include "gateway/record/record.hpp"
#include "gateway/store/store.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gateway::delivery {

/// `kind` of an outbox row that holds an application answer for a sender's return address (R7):
/// "hl7v2:ACK^A01".
inline constexpr std::string_view kAnswerKind = "hl7v2:ACK";

/// MSH-10 of a row: the same row is the same message, after a crash too (S1).
std::string control_id_of(std::int64_t outbox_id);
/// The row that a control id of ours names; nullopt for anybody else's.
std::optional<std::int64_t> outbox_id_of(std::string_view control_id);

/// MSA-1 and MSA-2 of what a partner says.
struct Word {
  std::string_view partner;  ///< Who says it: only rows to this destination are settled.
  std::string_view code;     ///< "AA", "CA", "AE" ...
  std::string_view control_id;
  /// Heard beside the exchanges of our own connection: there what is still being sent waits for its own
  /// answer, and a late one is ignored (S3).
  bool is_beside = false;
};

/// Settles the row that it answers: a yes delivers it, a no stops its key, also where a commit answer had
/// settled it before; the record is told. Does nothing for what names no row of that partner, for a no that
/// may pass (AE, CE) while the row is still being sent, and for what is settled that way already.
fhir::Result<void> settle_by_answer(store::Unit& unit, Word const& word, record::Site const& site);

}  // namespace gateway::delivery
