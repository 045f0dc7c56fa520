/// A kept message read again, as it was read then or as it would be now.
#pragma once

#include "gateway/intake/trace.hpp"

#include <memory>
#include <optional>
#include <string>

namespace gateway::intake {

/// At an address that stays: the draft refers to everything else here.
struct KeptMessage {
  std::shared_ptr<PastTables const> tables;  ///< Of the past, or nullptr: those now in force.
  mappings::language::PartnerProfile profile;
  bool exact = true;  ///< The very set that translated it.
  std::optional<mappings::hl7v2::Message> message;
  std::optional<mappings::language::Draft> draft;
  std::string refused;  ///< Why there is no draft.
};

/// With the tables that translated it; with today's and `exact` false where those are not to be had. Errors:
/// the bytes are no message.
fhir::Result<std::unique_ptr<KeptMessage>> read_kept(Past const& past, store::JournalRow const& row);
/// With the tables now in force.
fhir::Result<std::unique_ptr<KeptMessage>> read_kept_now(Past const& past, store::JournalRow const& row);

/// The message as UTF-8, a segment a line. Errors: the bytes are no message.
fhir::Result<std::string> readable(Tables const& now, store::JournalRow const& row);

}  // namespace gateway::intake
