#include "gateway/intake/kept.hpp"

#include <algorithm>

namespace gateway::intake {

namespace {

/// Parses and translates by `kept->tables`, or by today's.
fhir::Result<void> translate(Past const& past, store::JournalRow const& row, KeptMessage& kept) {
  mappings::hl7v2::ParseOptions options;
  options.charset = kept.profile.charset;  // counts where MSH-18 is silent
  fhir::Issues forgiven;
  FHIR_TRY(auto message, mappings::hl7v2::Message::parse(row.raw, options, forgiven));
  kept.message.emplace(std::move(message));
  auto draft = mappings::language::forward(kept.tables ? kept.tables->maps : past.now.maps, *kept.message,
                                           kept.profile);
  if (draft) {
    kept.draft.emplace(std::move(*draft));
  } else {
    kept.refused = draft.error().diagnostics;
  }
  return {};
}

mappings::language::PartnerProfile profile_now(Tables const& now, std::string const& partner) {
  KnownPartner const* const known = now.partners->find(partner);
  if (known != nullptr) return known->profile;
  mappings::language::PartnerProfile unknown;
  unknown.name = partner;
  return unknown;
}

}  // namespace

fhir::Result<std::unique_ptr<KeptMessage>> read_kept_now(Past const& past, store::JournalRow const& row) {
  auto kept = std::make_unique<KeptMessage>();
  kept->profile = profile_now(past.now, row.partner);
  FHIR_CHECK(translate(past, row, *kept));
  return kept;
}

fhir::Result<std::unique_ptr<KeptMessage>> read_kept(Past const& past, store::JournalRow const& row) {
  auto kept = std::make_unique<KeptMessage>();
  kept->profile = profile_now(past.now, row.partner);
  kept->exact = row.maps_hash == past.now.hash;
  if (!kept->exact) {
    kept->tables = past.archive.find(past.snapshot, row.maps_hash);
    if (kept->tables) {
      auto const profile = kept->tables->profiles.find(row.partner);
      kept->exact = profile != kept->tables->profiles.end();
      if (kept->exact) kept->profile = profile->second;
    }
  }
  FHIR_CHECK(translate(past, row, *kept));
  return kept;
}

fhir::Result<std::string> readable(Tables const& now, store::JournalRow const& row) {
  mappings::hl7v2::ParseOptions options;
  options.charset = profile_now(now, row.partner).charset;
  fhir::Issues forgiven;
  FHIR_TRY(auto const message, mappings::hl7v2::Message::parse(row.raw, options, forgiven));
  std::string text(message.bytes());
  std::ranges::replace(text, '\r', '\n');
  return text;
}

}  // namespace gateway::intake
