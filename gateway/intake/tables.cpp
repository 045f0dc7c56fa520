#include "gateway/intake/tables.hpp"

#include "fhir/json/reader.hpp"
#include "fhir/json/writer.hpp"
#include "gateway/store/hash.hpp"
#include "mappings/language/codes.hpp"

#include <algorithm>
#include <deque>

namespace gateway::intake {

namespace language = mappings::language;
using fhir::json::Arena;
using fhir::json::Element;

namespace {

Element text(Arena& arena, std::string_view value) { return Element::of_string(arena.copy(value)); }

/// What of a profile decides how its messages are read. What only decides how it is written to stays out: it
/// is no part of what a kept message means.
Element to_json(Arena& arena, language::PartnerProfile const& profile) {
  Element made = Element::of_object();
  made.set(arena, "name", text(arena, profile.name));
  made.set(arena, "charset", text(arena, profile.charset));
  made.set(arena, "utc_offset", text(arena, profile.utc_offset));
  made.set(arena, "trusted_ids", Element::of_boolean(profile.trusted_ids));
  Element authorities = Element::of_array();
  for (language::Authority const& authority : profile.authorities) {
    Element& one = authorities.push(arena, Element::of_object());
    one.set(arena, "namespace", text(arena, authority.namespace_id));
    one.set(arena, "id", text(arena, authority.universal_id));
    one.set(arena, "type", text(arena, authority.universal_id_type));
    one.set(arena, "system", text(arena, authority.system));
  }
  made.set(arena, "authorities", authorities);
  Element codes = Element::of_array();
  for (language::CodeMap const& map : profile.codes) {
    Element& one = codes.push(arena, Element::of_object());
    one.set(arena, "vocabulary", text(arena, map.vocabulary));
    one.set(arena, "v2", text(arena, map.v2_code));
    one.set(arena, "system", text(arena, map.fhir_system));
    one.set(arena, "code", text(arena, map.fhir_code));
  }
  made.set(arena, "codes", codes);
  return made;
}

language::PartnerProfile to_profile(Element const& from) {
  language::PartnerProfile profile;
  profile.name = from.text_at("name");
  profile.charset = from.text_at("charset");
  profile.utc_offset = from.text_at("utc_offset");
  profile.trusted_ids = from.text_at("trusted_ids") == "true";
  if (Element const* const authorities = from.find("authorities")) {
    for (Element const& one : authorities->items()) {
      profile.authorities.push_back({std::string(one.text_at("namespace")), std::string(one.text_at("id")),
                                     std::string(one.text_at("type")), std::string(one.text_at("system"))});
    }
  }
  if (Element const* const codes = from.find("codes")) {
    for (Element const& one : codes->items()) {
      profile.codes.push_back({std::string(one.text_at("vocabulary")), std::string(one.text_at("v2")),
                               std::string(one.text_at("system")), std::string(one.text_at("code"))});
    }
  }
  return profile;
}

fhir::Result<language::Maps> compile(std::vector<language::SourceFile> const& files) {
  auto compiled = language::compile(files);
  if (compiled.maps) return std::move(*compiled.maps);
  for (fhir::Issue& issue : compiled.issues) {
    if (issue.severity <= fhir::Severity::error) return std::move(issue);
  }
  return fhir::error(fhir::IssueType::exception, "the tables do not compile");
}

/// The settings with every code map under the vocabularies that it means. Errors: business_rule, value: a
/// name that no vocabulary and no table has, a code that an element does not allow; naming partner and key.
fhir::Result<config::Settings> by_vocabulary(config::Settings settings, language::Maps const& maps) {
  for (config::Partner& partner : settings.partners) {
    std::map<std::string, std::map<std::string, std::string>> named;
    for (auto const& [name, codes] : partner.code_maps) {
      std::string const key = "partner " + partner.name + ", code_maps." + name;
      auto const vocabularies = language::vocabularies_of(maps, name);
      if (vocabularies.empty())
        return fhir::error(fhir::IssueType::business_rule,
                           key + " names no vocabulary and no HL7 table of the maps");
      for (std::string const& vocabulary : vocabularies) {
        for (auto const& [theirs, ours] : codes) {
          auto const bar = ours.rfind('|');
          auto const allowed =
              language::check_answer(maps, vocabulary, bar == std::string::npos ? "" : ours.substr(0, bar),
                                     bar == std::string::npos ? ours : ours.substr(bar + 1));
          if (!allowed)
            return fhir::error(allowed.error().code, key + "." + theirs + ": " + allowed.error().diagnostics);
          named[vocabulary][theirs] = ours;
        }
      }
    }
    partner.code_maps = std::move(named);
  }
  return settings;
}

std::string content_of(std::vector<language::SourceFile> const& files, Partners const& partners) {
  Arena arena;
  Element all = Element::of_object();
  Element list = Element::of_array();
  for (language::SourceFile const& file : files) {
    Element& one = list.push(arena, Element::of_object());
    one.set(arena, "name", Element::of_string(file.name));
    one.set(arena, "text", Element::of_string(file.text));
  }
  all.set(arena, "files", list);
  Element profiles = Element::of_array();
  for (KnownPartner const& partner : partners.all()) profiles.push(arena, to_json(arena, partner.profile));
  if (partners.all().empty()) profiles.push(arena, to_json(arena, partners.anyone().profile));
  all.set(arena, "profiles", profiles);
  return fhir::json::write(all);
}

/// What `handoff maps check` refuses is not put in force. The built-in tables alone are proven by our tests.
fhir::Result<void> check_maps(language::Maps const& maps) {
  fhir::Issues found = language::check(maps);
  for (fhir::Issue& issue : found) {
    if (issue.severity <= fhir::Severity::error) return std::move(issue);
  }
  return {};
}

}  // namespace

fhir::Result<std::shared_ptr<Tables const>> make_tables(config::Settings const& settings,
                                                        std::vector<MapFile> const& overlays,
                                                        std::vector<store::PartnerCode> const& codes) {
  auto const built_in = language::builtin_files();
  std::vector<language::SourceFile> files(built_in.begin(), built_in.end());
  for (MapFile const& overlay : overlays) files.push_back({overlay.name, overlay.text});
  auto maps = overlays.empty() ? fhir::Result<language::Maps>(language::builtin()) : compile(files);
  if (!maps) return std::move(maps).error();
  if (!overlays.empty()) FHIR_CHECK(check_maps(*maps));
  FHIR_TRY(auto const named, by_vocabulary(settings, *maps));
  auto partners = std::make_shared<Partners const>(named, codes);
  FHIR_CHECK(check_profiles(*partners));
  std::string content = content_of(files, *partners);
  std::string hash = store::sha256_hex({content}).substr(0, 16);
  return std::make_shared<Tables const>(
      Tables{std::move(*maps), std::move(partners), std::move(hash), std::move(content)});
}

fhir::Result<PastTables> restore(std::string_view content) {
  FHIR_TRY(auto const document, fhir::json::read_document(content));
  std::vector<language::SourceFile> files;
  if (Element const* const list = document.root.find("files")) {
    for (Element const& file : list->items()) files.push_back({file.text_at("name"), file.text_at("text")});
  }
  FHIR_TRY(auto maps, compile(files));
  PastTables past{std::move(maps), {}};
  if (Element const* const profiles = document.root.find("profiles")) {
    for (Element const& profile : profiles->items()) {
      past.profiles.emplace(std::string(profile.text_at("name")), to_profile(profile));
    }
  }
  return past;
}

std::shared_ptr<PastTables const> TableArchive::find(store::Snapshot& snapshot, std::string_view hash) {
  std::lock_guard const lock(mutex_);
  auto const known =
      std::ranges::find(kept_, hash, &std::pair<std::string, std::shared_ptr<PastTables const>>::first);
  if (known != kept_.end()) return known->second;
  auto const set = snapshot.find_table_set(hash);
  if (!set || !*set) return nullptr;
  auto restored = restore((*set)->content);
  if (!restored) return nullptr;
  if (kept_.size() == kKept) kept_.erase(kept_.begin());
  kept_.emplace_back(std::string(hash), std::make_shared<PastTables const>(std::move(*restored)));
  return kept_.back().second;
}

}  // namespace gateway::intake
