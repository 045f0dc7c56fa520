/// One message on its way. Internal to this room.
#pragma once

#include "gateway/intake/intake.hpp"
#include "gateway/record/record.hpp"
#include "gateway/store/store.hpp"

#include <optional>
#include <string>
#include <vector>

namespace gateway::intake {

/// One message on its way, from bytes to answer. What compute() needs to run again stands here, what it finds
/// out too.
struct Intake::Journey {
  Envelope envelope;
  std::shared_ptr<Tables const> tables;  ///< In force when it began; it ends with them.
  std::int64_t received_ms = 0;
  fhir::Issues issues;  ///< Warnings, and what refused it.
  std::optional<mappings::hl7v2::Message> message;
  KnownPartner const* partner = nullptr;
  std::optional<mappings::language::Draft> draft;
  std::optional<Verdict> verdict;  ///< Set before compute() when the message cannot go further.
  std::string duplicate_key;
  std::string content_hash;
  std::string expected_sequence;  ///< MSA-4 of the answer.
  bool is_about_link = false;     ///< MSH-13 is 0 or -1: of its content nothing is taken in.
  std::int64_t kept_as = 0;       ///< The journal row that is processed again; 0: a message that just came.
  // Found out by compute(), which may run more than once:
  std::vector<std::string> answers;
  std::string response;  ///< The application answer that a query gets.
  fhir::Issues invalid;  ///< Why what it would store is no valid FHIR.
  bool is_replay = false;
  bool is_conflict = false;
  Verdict outcome = Verdict::accepted;
  std::int64_t replaces_journal_id = 0;
};

/// What a message says, as the record takes it.
record::Cause cause_of(mappings::language::Draft const& draft, KnownPartner const& partner,
                       std::vector<std::string> patients, std::vector<std::string> anchors,
                       std::int64_t received_ms);

}  // namespace gateway::intake
