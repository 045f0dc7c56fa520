#include "gateway/config/config.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <set>

namespace gateway::config {

namespace {

/// What stops the reading of a file; never leaves this file.
struct Refusal {
  fhir::Issue issue;
};

/// One mapping of the file with the path that errors call it by. Every key must be asked for: finish()
/// refuses the rest.
class Section {
 public:
  Section(YAML::Node node, std::string path, std::string_view file)
      : node_(std::move(node)), path_(std::move(path)), file_(file) {
    if (!node_.IsMap() && !node_.IsNull())
      refuse(node_, path_, fhir::IssueType::value, "must be a mapping of keys");
  }

  void read(char const* key, std::string& to) {
    if (auto const value = take(key)) to = scalar(*value, key);
  }
  void read(char const* key, bool& to) {
    auto const value = take(key);
    if (!value) return;
    std::string const text = scalar(*value, key);
    if (text != "true" && text != "false")
      refuse(*value, name(key), fhir::IssueType::value, "must be true or false");
    to = text == "true";
  }
  template <std::integral Number>
  void read(char const* key, Number& to, Number min, Number max) {
    auto const value = take(key);
    if (!value) return;
    std::string const text = scalar(*value, key);
    Number number{};
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number < min || number > max) {
      refuse(*value, name(key), fhir::IssueType::value,
             "must be a whole number from " + std::to_string(min) + " to " + std::to_string(max));
    }
    to = number;
  }
  void read(char const* key, std::vector<std::string>& to) {
    auto const value = take(key);
    if (!value) return;
    if (!value->IsSequence()) refuse(*value, name(key), fhir::IssueType::value, "must be a list");
    to.clear();
    for (auto const& item : *value) to.push_back(scalar(item, key));
  }
  void read(char const* key, std::map<std::string, std::string>& to) {
    auto const value = take(key);
    if (!value) return;
    if (!value->IsMap()) refuse(*value, name(key), fhir::IssueType::value, "must be a mapping");
    for (auto const& entry : *value) to[entry.first.as<std::string>()] = scalar(entry.second, key);
  }
  void read(char const* key, std::map<std::string, std::map<std::string, std::string>>& to) {
    section(key, [&](Section& tables) {
      for (auto const& entry : tables.node_) {
        auto const table = entry.first.as<std::string>();
        tables.read(table.c_str(), to[table]);
      }
    });
  }
  void read_one_of(char const* key, std::string& to, std::initializer_list<std::string_view> allowed) {
    auto const value = take(key);
    if (!value) return;
    std::string const text = scalar(*value, key);
    if (std::ranges::find(allowed, text) == allowed.end()) {
      std::string list;
      for (std::string_view one : allowed) list.append(list.empty() ? "" : ", ").append(one);
      refuse(*value, name(key), fhir::IssueType::value, "must be one of " + list);
    }
    to = text;
  }
  /// "127.0.0.1:2575", "[::1]:2575"
  void read_address(char const* key, Address& to) {
    auto const value = take(key);
    if (!value) return;
    std::string const text = scalar(*value, key);
    auto const colon = text.rfind(':');
    int port = -1;
    if (colon != std::string::npos) {
      std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
    }
    if (colon == std::string::npos || colon == 0 || port < 0 || port > 65535) {
      refuse(*value, name(key), fhir::IssueType::value, "must be HOST:PORT");
    }
    to.host = text.substr(0, colon);
    if (to.host.starts_with('[') && to.host.ends_with(']')) to.host = to.host.substr(1, to.host.size() - 2);
    to.port = static_cast<std::uint16_t>(port);
  }
  /// "+01:00", "-05:00", "Z"
  void read_offset(char const* key, int& minutes) {
    auto const value = take(key);
    if (!value) return;
    std::string const text = scalar(*value, key);
    if (text == "Z") {
      minutes = 0;
      return;
    }
    int hours = 0;
    int rest = 0;
    bool const shaped = text.size() == 6 && (text[0] == '+' || text[0] == '-') && text[3] == ':';
    if (shaped) {
      std::from_chars(text.data() + 1, text.data() + 3, hours);
      std::from_chars(text.data() + 4, text.data() + 6, rest);
    }
    if (!shaped || hours > 14 || rest > 59) {
      refuse(*value, name(key), fhir::IssueType::value, "must be an offset from UTC like -05:00");
    }
    minutes = (text[0] == '-' ? -1 : 1) * (hours * 60 + rest);
  }
  void section(char const* key, std::function<void(Section&)> const& read_it) {
    auto const value = take(key);
    if (!value) return;
    Section inner(*value, name(key), file_);
    read_it(inner);
    inner.finish();
  }
  void sections(char const* key, std::function<void(Section&)> const& read_one) {
    auto const value = take(key);
    if (!value) return;
    if (!value->IsSequence()) refuse(*value, name(key), fhir::IssueType::value, "must be a list");
    for (std::size_t i = 0; i < value->size(); ++i) {
      Section inner((*value)[i], name(key) + "[" + std::to_string(i) + "]", file_);
      read_one(inner);
      inner.finish();
    }
  }
  void require(char const* key, std::string const& value) {
    if (value.empty()) refuse(node_, name(key), fhir::IssueType::structure, "is missing");
  }
  [[noreturn]] void refuse_here(char const* key, fhir::IssueType code, std::string why) {
    refuse(node_[key] ? node_[key] : node_, name(key), code, std::move(why));
  }
  void finish() {
    for (auto const& entry : node_) {
      auto const key = entry.first.as<std::string>();
      if (!taken_.contains(key))
        refuse(entry.first, name(key), fhir::IssueType::structure, "is not a known key");
    }
  }

 private:
  std::optional<YAML::Node> take(std::string const& key) {
    taken_.insert(key);
    if (!node_.IsMap() || !node_[key] || node_[key].IsNull()) return std::nullopt;
    return node_[key];
  }
  std::string scalar(YAML::Node const& value, std::string const& key) {
    if (!value.IsScalar()) refuse(value, name(key), fhir::IssueType::value, "must be a single value");
    return value.Scalar();
  }
  std::string name(std::string const& key) const { return path_.empty() ? key : path_ + "." + key; }
  [[noreturn]] void refuse(YAML::Node const& where, std::string const& what, fhir::IssueType code,
                           std::string why) const {
    auto const mark = where.Mark();
    std::string source(file_);
    if (!mark.is_null()) source += " line " + std::to_string(mark.line + 1);
    throw Refusal{fhir::error(code, what + ": " + why, {}, std::move(source))};
  }

  YAML::Node node_;
  std::string path_;
  std::string_view file_;
  std::set<std::string> taken_;
};

void read_tls(Section& from, TlsFiles& tls) {
  from.section("tls", [&](Section& in) {
    in.read("certificate", tls.certificate);
    in.read("key", tls.key);
    in.read("ca", tls.ca);
    in.read("crl", tls.crl);
    in.read("server_name", tls.server_name);
    if (tls.certificate.empty() != tls.key.empty()) {
      in.refuse_here("certificate", fhir::IssueType::structure, "certificate and key come together");
    }
  });
}

bool is_loopback(std::string_view host) {
  return host.starts_with("127.") || host == "::1" || host == "localhost";
}

void read_http(Section& in, HttpSettings& http) {
  in.read_address("listen", http.listen);
  in.read("base_url", http.base_url);
  in.read("anonymous", http.anonymous);
  in.read_one_of("validation", http.validation, {"off", "structure", "full"});
  in.read("body_bytes_max", http.body_bytes_max, std::size_t{1024}, std::size_t{1} << 30);
  read_tls(in, http.tls);
  if (http.anonymous && !is_loopback(http.listen.host)) {
    in.refuse_here("listen", fhir::IssueType::business_rule,
                   "beyond loopback set anonymous: false and give every client a token");
  }
}

void read_mllp(Section& in, MllpListenerSettings& mllp) {
  in.read("name", mllp.name);
  in.require("name", mllp.name);
  in.read_address("listen", mllp.listen);
  read_tls(in, mllp.tls);
  std::string framing = "lenient";
  in.read_one_of("framing", framing, {"lenient", "strict"});
  mllp.strict_framing = framing == "strict";
  in.read_one_of("validation", mllp.validation, {"off", "structure", "full"});
  in.read("partners", mllp.partners);
  if (mllp.tls.certificate.empty() && !is_loopback(mllp.listen.host)) {
    in.refuse_here("listen", fhir::IssueType::business_rule,
                   "beyond loopback a listener needs tls with a ca");
  }
}

/// "PV1-19", "PID-5.1"
bool is_place(std::string_view text) {
  if (text.size() < 5 || text[3] != '-') return false;
  bool const segment = std::ranges::all_of(
      text.substr(0, 3), [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); });
  std::string_view const field = text.substr(4);
  return segment && field.front() >= '1' && field.front() <= '9' && field.back() != '.' &&
         field.find_first_not_of("0123456789.") == std::string_view::npos;
}

void read_delivery(Section& in, DeliverySettings& delivery) {
  in.read_address("mllp", delivery.mllp);
  read_tls(in, delivery.tls);
  in.read("ack_timeout_ms", delivery.ack_timeout_ms, std::int64_t{100}, std::int64_t{600'000});
  in.read("retry_delay_ms_min", delivery.retry_delay_ms_min, std::int64_t{10}, std::int64_t{600'000});
  in.read("retry_delay_ms_max", delivery.retry_delay_ms_max, std::int64_t{10}, std::int64_t{3'600'000});
  in.read("error_retries", delivery.error_retries, 0, 1000);
  in.read_one_of("accept_ack", delivery.accept_ack, {"", "AL", "NE", "ER", "SU"});
  in.read_one_of("application_ack", delivery.application_ack, {"", "AL", "NE", "ER", "SU"});
}

/// How a partner wants what is written to it.
void read_writing(Section& in, Partner& partner) {
  in.read("delimiters", partner.delimiters);
  std::set<char> const distinct(partner.delimiters.begin(), partner.delimiters.end());
  bool const punctuation = std::ranges::all_of(partner.delimiters, [](char c) {
    return c > ' ' && c < 0x7f && !std::isalnum(static_cast<unsigned char>(c));
  });
  if ((partner.delimiters.size() != 5 && partner.delimiters.size() != 6) ||
      distinct.size() != partner.delimiters.size() || !punctuation) {
    in.refuse_here(
        "delimiters", fhir::IssueType::value,
        "must be the field separator and the 4 or 5 characters of MSH-2, all different punctuation");
  }
  in.read_one_of("processing_id", partner.processing_id, {"P", "T", "D"});
  in.read("required", partner.required);
  for (std::string const& place : partner.required) {
    if (!is_place(place)) in.refuse_here("required", fhir::IssueType::value, "must be fields, as in PV1-19");
  }
  in.read("forward_unmapped", partner.forward_unmapped);
  in.read("honours_delete", partner.honours_delete);
  std::map<std::string, std::string> lengths;
  in.read("lengths", lengths);
  for (auto const& [place, text] : lengths) {
    int characters = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), characters);
    bool const counted = error == std::errc{} && end == text.data() + text.size() && characters > 0;
    if (!is_place(place) || !counted)
      in.refuse_here("lengths", fhir::IssueType::value,
                     "must say how many characters a field takes, as in PID-5.1: 50");
    partner.lengths[place] = characters;
  }
  in.read("dictionary_lengths", partner.dictionary_lengths);
  in.read("newer_fields", partner.newer_fields);
  in.read("time_offset", partner.time_offset);
  in.read_one_of("time_precision", partner.time_precision, {"full", "second", "minute", "day"});
}

void read_partner(Section& in, Partner& partner) {
  in.read("name", partner.name);
  in.require("name", partner.name);
  in.read("application", partner.application);
  in.read("facility", partner.facility);
  in.read("our_application", partner.our_application);
  in.read("our_facility", partner.our_facility);
  in.read("certificate", partner.certificate);
  in.read_one_of(
      "version", partner.version,
      {"2.1", "2.2", "2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.7.1", "2.8", "2.8.1", "2.8.2"});
  in.read("version_fallback", partner.version_fallback);
  read_writing(in, partner);
  in.read("charset", partner.charset);
  in.read_offset("utc_offset", partner.utc_offset_minutes);
  in.read("authorities", partner.authorities);
  in.read("own_authorities", partner.own_authorities);
  in.read("trusted_ids", partner.trusted_ids);
  in.read("organization", partner.organization);
  in.read("serves", partner.serves);
  in.read_one_of("dialect", partner.dialect, {"ref_rri", "omg_osu"});
  in.read_one_of("close_by", partner.close_by, {"", "i13"});
  in.read("close_on_delivery", partner.close_on_delivery);
  in.read("events", partner.events);
  in.read("code_maps", partner.code_maps);
  std::string reuse = "never";
  in.read_one_of("control_id_reuse", reuse, {"never", "daily", "any"});
  partner.control_id_reuse = reuse == "never"   ? ControlIdReuse::never
                             : reuse == "daily" ? ControlIdReuse::daily
                                                : ControlIdReuse::any;
  in.read_one_of("ref_reply", partner.ref_reply, {"ack", "rri"});
  in.read_one_of("application_answers", partner.application_answers, {"connection", "return"});
  in.read("sequence_protocol", partner.sequence_protocol);
  in.read_one_of("validation", partner.validation, {"", "off", "structure", "full"});
  in.section("delivery", [&](Section& delivery) { read_delivery(delivery, partner.delivery); });
  if (partner.application_answers == "return" && partner.delivery.mllp.port == 0) {
    in.refuse_here("application_answers", fhir::IssueType::business_rule,
                   "answers are sent to delivery.mllp, which is missing");
  }
}

void check_token_digest(Section& in, std::string const& digest) {
  if (digest.size() == 64 && digest.find_first_not_of("0123456789abcdef") == std::string::npos) return;
  in.refuse_here("bearer_sha256", fhir::IssueType::value,
                 "must be the 64 hex digits, in lower case, of the token's SHA-256");
}

void read_client(Section& in, FhirClient& client) {
  in.read("name", client.name);
  in.require("name", client.name);
  in.read("bearer_sha256", client.bearer_sha256);
  check_token_digest(in, client.bearer_sha256);
  in.read("organization", client.organization);
  in.read("serves", client.serves);
  in.read("own_authorities", client.own_authorities);
  in.read("trusted_ids", client.trusted_ids);
  in.read("close_on_delivery", client.close_on_delivery);
  in.read_one_of("validation", client.validation, {"", "off", "structure", "full"});
}

void read_admin(Section& in, AdminSettings& admin) {
  admin.served = true;
  in.read_address("listen", admin.listen);
  if (!is_loopback(admin.listen.host)) {
    in.refuse_here("listen", fhir::IssueType::business_rule,
                   "the admin API is served on loopback alone; reach it through a tunnel");
  }
  in.sections("operators", [&](Section& one) {
    Operator who;
    one.read("name", who.name);
    one.require("name", who.name);
    one.read("bearer_sha256", who.bearer_sha256);
    check_token_digest(one, who.bearer_sha256);
    admin.operators.push_back(std::move(who));
  });
}

template <class Named>
bool is_named(std::vector<Named> const& all, std::string const& name) {
  return std::ranges::find(all, name, &Named::name) != all.end();
}

Settings read_all(Section& file) {
  Settings settings;
  file.section("store", [&](Section& in) { in.read("path", settings.store_path); });
  file.section("http", [&](Section& in) { read_http(in, settings.http); });
  file.section("admin", [&](Section& in) { read_admin(in, settings.admin); });
  file.sections("partners", [&](Section& in) {
    Partner partner;
    read_partner(in, partner);
    if (is_named(settings.partners, partner.name))
      in.refuse_here("name", fhir::IssueType::duplicate, "is named twice");
    settings.partners.push_back(std::move(partner));
  });
  file.sections("mllp", [&](Section& in) {
    MllpListenerSettings mllp;
    read_mllp(in, mllp);
    for (std::string const& partner : mllp.partners) {
      if (!is_named(settings.partners, partner)) {
        in.refuse_here("partners", fhir::IssueType::business_rule,
                       "names '" + partner + "', which partners does not");
      }
    }
    settings.mllp.push_back(std::move(mllp));
  });
  file.sections("clients", [&](Section& in) {
    FhirClient client;
    read_client(in, client);
    if (is_named(settings.clients, client.name))
      in.refuse_here("name", fhir::IssueType::duplicate, "is named twice");
    settings.clients.push_back(std::move(client));
  });
  file.section("terminology", [&](Section& in) {
    in.read("indexes", settings.terminology_indexes);
    in.read("server", settings.terminology_server);
    in.read("ca", settings.terminology_ca);
    in.read("timeout_ms", settings.terminology_timeout_ms, 100, 30'000);
  });
  file.read("packages", settings.packages);
  file.section("maps", [&](Section& in) { in.read("overlays", settings.map_overlays); });
  file.section("calendar", [&](Section& in) {
    in.read_offset("utc_offset", settings.utc_offset_minutes);
    in.read("holidays", settings.holidays);
  });
  file.section("record", [&](Section& in) { in.read("referral_codes", settings.referral_codes); });
  file.section("subscriptions", [&](Section& in) { in.read("loopback_hooks", settings.loopback_hooks); });
  file.read("threads", settings.threads, 0, 256);
  file.read_one_of("log_level", settings.log_level, {"debug", "info", "warn", "error"});
  return settings;
}

}  // namespace

Settings defaults() {
  Settings settings;
  settings.admin.served = true;
  settings.mllp.push_back({.name = "mllp",
                           .listen = {"127.0.0.1", 2575},
                           .tls = {},
                           .strict_framing = false,
                           .validation = "structure",
                           .partners = {}});
  return settings;
}

fhir::Result<Settings> parse(std::string_view text, std::string_view file) {
  try {
    Section all(YAML::Load(std::string(text)), "", file);
    Settings settings = read_all(all);
    all.finish();
    return settings;
  } catch (Refusal const& refusal) {
    return refusal.issue;
  } catch (YAML::Exception const& bad) {
    return fhir::error(fhir::IssueType::structure, bad.msg, {},
                       std::string(file) + " line " + std::to_string(bad.mark.line + 1));
  }
}

fhir::Result<Settings> load(std::string const& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return fhir::error(fhir::IssueType::not_found, "the configuration file cannot be read", {}, path);
  std::string const text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return parse(text, path);
}

}  // namespace gateway::config
