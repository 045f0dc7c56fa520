#include "gateway/intake/partners.hpp"

#include "mappings/hl7v2/dictionary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace gateway::intake {

namespace {

using mappings::language::Authority;

constexpr std::string_view kOidPrefix = "urn:oid:";

/// "CARD", "CARD^1.2.9^ISO" or "^1.2.9^ISO", as the configuration writes an HD, with its system. An OID
/// system alone says what HD.2 is.
Authority to_authority(std::string_view hd, std::string const& system) {
  Authority authority;
  auto const first = hd.find('^');
  authority.namespace_id = hd.substr(0, first);
  if (first != std::string_view::npos) {
    auto const rest = hd.substr(first + 1);
    auto const second = rest.find('^');
    authority.universal_id = rest.substr(0, second);
    if (second != std::string_view::npos) authority.universal_id_type = rest.substr(second + 1);
  } else if (system.starts_with(kOidPrefix)) {
    authority.universal_id = system.substr(kOidPrefix.size());
    authority.universal_id_type = "ISO";
  }
  authority.system = system;
  return authority;
}

std::string to_offset(int minutes) {
  return fmt::format("{}{:02}:{:02}", minutes < 0 ? '-' : '+', std::abs(minutes) / 60,
                     std::abs(minutes) % 60);
}

/// "|^~\\&" as MSH-1 and MSH-2 say it, with a fifth character of MSH-2 for truncation.
mappings::hl7v2::Delimiters to_delimiters(std::string_view text) {
  mappings::hl7v2::Delimiters delimiters;
  if (text.size() < 5) return delimiters;
  delimiters.field = text[0];
  delimiters.component = text[1];
  delimiters.repetition = text[2];
  delimiters.escape = text[3];
  delimiters.subcomponent = text[4];
  if (text.size() > 5) delimiters.truncation = text[5];
  return delimiters;
}

mappings::language::TimePrecision to_precision(std::string_view text) {
  using mappings::language::TimePrecision;
  return text == "day"      ? TimePrecision::day
         : text == "minute" ? TimePrecision::minute
         : text == "second" ? TimePrecision::second
                            : TimePrecision::full;
}

mappings::language::PartnerProfile to_profile(config::Partner const& partner) {
  mappings::language::PartnerProfile profile;
  profile.name = partner.name;
  profile.version = partner.version;
  profile.charset = partner.charset;
  profile.utc_offset = to_offset(partner.utc_offset_minutes);
  for (auto const& [hd, system] : partner.authorities)
    profile.authorities.push_back(to_authority(hd, system));
  for (auto const& [vocabulary, codes] : partner.code_maps) {
    for (auto const& [theirs, ours] : codes) {
      auto const bar = ours.rfind('|');
      profile.codes.push_back({vocabulary, theirs, bar == std::string::npos ? "" : ours.substr(0, bar),
                               bar == std::string::npos ? ours : ours.substr(bar + 1)});
    }
  }
  profile.trusted_ids = !partner.trusted_ids.empty();
  profile.dialect = partner.dialect == "omg_osu" ? mappings::language::Dialect::omg_osu
                                                 : mappings::language::Dialect::ref_rri;
  profile.our_application.namespace_id = partner.our_application;
  profile.our_facility.namespace_id = partner.our_facility;
  profile.their_application.namespace_id = partner.application;
  profile.their_facility.namespace_id = partner.facility;
  profile.events = partner.events;
  profile.accept_ack = partner.delivery.accept_ack;
  profile.application_ack = partner.delivery.application_ack;
  profile.delimiters = to_delimiters(partner.delimiters);
  profile.processing_id = partner.processing_id;
  profile.required_fields = partner.required;
  profile.newer_fields = partner.newer_fields;
  profile.dictionary_lengths = partner.dictionary_lengths;
  profile.write_offset = partner.time_offset;
  profile.newer_version = partner.version_fallback || partner.events.empty();
  for (auto const& [place, characters] : partner.lengths)
    profile.lengths.push_back({place, static_cast<std::size_t>(characters)});
  profile.precision = to_precision(partner.time_precision);
  profile.forward_unmapped = partner.forward_unmapped;
  profile.honours_delete = partner.honours_delete;
  return profile;
}

/// The first map of a code counts, so the file's own stand before these.
void add_answers(std::vector<store::PartnerCode> const& answered,
                 mappings::language::PartnerProfile& profile) {
  for (store::PartnerCode const& code : answered) {
    if (code.partner == profile.name)
      profile.codes.push_back({code.vocabulary, code.v2_code, code.fhir_system, code.fhir_code});
  }
}

record::Party to_party(config::Partner const& partner) {
  record::Party party;
  party.name = partner.name;
  party.serves = partner.serves;
  if (!partner.organization.empty()) party.serves.push_back(partner.organization);
  party.speaks_v2 = partner.delivery.mllp.port != 0;
  party.dialect = partner.dialect;
  party.close_by = partner.close_by;
  party.close_on_delivery = partner.close_on_delivery;
  party.sends = partner.events;
  party.told_of_receipt = partner.ref_reply == "rri";
  return party;
}

}  // namespace

Partners::Partners(config::Settings const& settings, std::vector<store::PartnerCode> const& answered) {
  for (config::Partner const& partner : settings.partners) {
    partners_.push_back({partner, to_profile(partner)});
    add_answers(answered, partners_.back().profile);
    site_.parties.push_back(to_party(partner));
    for (std::string const& served : partner.serves) organizations_.emplace(served, partner.organization);
    trust_.sources.push_back({partner.name, partner.own_authorities, partner.trusted_ids});
  }
  for (config::FhirClient const& client : settings.clients) {
    record::Party party;
    party.name = client.name;
    party.serves = client.serves;
    if (!client.organization.empty()) party.serves.push_back(client.organization);
    party.close_on_delivery = client.close_on_delivery;
    for (std::string const& served : client.serves) organizations_.emplace(served, client.organization);
    site_.parties.push_back(std::move(party));
    trust_.sources.push_back({client.name, client.own_authorities, client.trusted_ids});
  }
  site_.utc_offset_minutes = settings.utc_offset_minutes;
  site_.holidays = settings.holidays;
  if (!settings.referral_codes.empty()) site_.referral_codes = settings.referral_codes;
  anyone_.settings.name = "anyone";
  anyone_.profile = to_profile(anyone_.settings);
  add_answers(answered, anyone_.profile);
}

fhir::Result<KnownPartner const*> Partners::sender_of(mappings::hl7v2::Message const& message,
                                                      std::vector<std::string> const& allowed,
                                                      std::string_view certificate_name) const {
  if (partners_.empty()) return &anyone_;
  auto const may_use = [&](KnownPartner const& partner) {
    return allowed.empty() || std::ranges::find(allowed, partner.settings.name) != allowed.end();
  };
  for (KnownPartner const& partner : partners_) {
    if (partner.settings.application != message.sending_application() ||
        partner.settings.facility != message.sending_facility() || !may_use(partner)) {
      continue;
    }
    if (!partner.settings.certificate.empty() && partner.settings.certificate != certificate_name) {
      return fhir::error(fhir::IssueType::security, "this sender is bound to another client certificate", {},
                         "MSH-3");
    }
    return &partner;
  }
  return fhir::error(fhir::IssueType::security,
                     "no partner of this listener sends as this application and facility", {}, "MSH-3");
}

fhir::Result<void> check_profiles(Partners const& partners) {
  namespace hl7v2 = mappings::hl7v2;
  for (KnownPartner const& partner : partners.all()) {
    auto const version = hl7v2::to_version(partner.profile.version);
    if (!version || partner.settings.version_fallback) continue;
    for (std::string const& event : partner.settings.events) {
      auto const caret = event.find('^');
      std::string_view const structure =
          caret == std::string::npos ? std::string_view{}
                                     : hl7v2::structure_of_event(std::string_view(event).substr(0, caret),
                                                                 std::string_view(event).substr(caret + 1));
      if (structure.empty()) {
        return fhir::error(fhir::IssueType::business_rule, "partner " + partner.settings.name + " wants " +
                                                               event + ", which HL7 v2 does not have");
      }
      if (hl7v2::find_structure(*version, structure).exact) continue;
      auto const lowest = hl7v2::lowest_version_of(structure);
      return fhir::error(fhir::IssueType::business_rule,
                         "partner " + partner.settings.name + " wants " + event + ", which HL7 " +
                             partner.profile.version + " does not have; the lowest version that has it is " +
                             std::string(lowest ? hl7v2::to_text(*lowest) : "none") +
                             ": name that, take the event out, or set version_fallback: true");
    }
  }
  return {};
}

std::string Partners::organization_serving(std::string_view identifier) const {
  auto const found = organizations_.find(identifier);
  return found == organizations_.end() ? std::string{} : found->second;
}

KnownPartner const* Partners::find(std::string_view name) const {
  auto const found = std::ranges::find_if(
      partners_, [&](KnownPartner const& partner) { return partner.settings.name == name; });
  if (found != partners_.end()) return &*found;
  return partners_.empty() && name == anyone_.settings.name ? &anyone_ : nullptr;
}

}  // namespace gateway::intake
