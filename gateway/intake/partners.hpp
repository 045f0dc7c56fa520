/// The partners of the configuration as intake needs them: found by what a message says of its sender, and as
/// the mapping, the record and identity see them.
#pragma once

#include "gateway/config/config.hpp"
#include "gateway/identity/identity.hpp"
#include "gateway/record/record.hpp"
#include "gateway/store/store.hpp"
#include "mappings/hl7v2/message.hpp"
#include "mappings/language/translator.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::intake {

struct KnownPartner {
  config::Partner settings;
  mappings::language::PartnerProfile profile;
};

/// Immutable after construction; shared by all threads.
class Partners {
 public:
  /// `answered`: codes that operators answered into a partner's vocabulary; the file's code_maps win.
  explicit Partners(config::Settings const& settings, std::vector<store::PartnerCode> const& answered = {});

  /// The partner whose MSH-3 and MSH-4 these are, among those that may use this listener (`allowed` empty:
  /// all) and, when the profile names a certificate, with that certificate. With no partner in the
  /// configuration at all every sender is taken as a partner of its own name: the gateway without a file.
  /// Errors: security (unknown sender, or not here).
  fhir::Result<KnownPartner const*> sender_of(mappings::hl7v2::Message const& message,
                                              std::vector<std::string> const& allowed,
                                              std::string_view certificate_name) const;
  KnownPartner const* find(std::string_view name) const;
  std::vector<KnownPartner> const& all() const { return partners_; }
  KnownPartner const& anyone() const {
    return anyone_;
  }  ///< Whoever sends, where the configuration names nobody.

  /// "Organization/riverside" for an identifier ("system|value") that a configured party serves; "" for any
  /// other.
  std::string organization_serving(std::string_view identifier) const;

  record::Site const& site() const { return site_; }
  identity::Trust const& trust() const { return trust_; }

 private:
  std::vector<KnownPartner> partners_;
  KnownPartner anyone_;  ///< Used when the configuration names no partner.
  std::map<std::string, std::string, std::less<>> organizations_;  ///< By each identifier of `serves`.
  record::Site site_;
  identity::Trust trust_;
};

/// What a profile wants must exist in its version of HL7, or the profile allows the lowest version that has
/// it
/// (`version_fallback`). Errors: business_rule, naming partner, event and version.
fhir::Result<void> check_profiles(Partners const& partners);

}  // namespace gateway::intake
