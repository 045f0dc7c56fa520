/// handoff.yaml into typed settings. Every error names file, line and key; an unknown key refuses the start.
///
/// What each key means stands in README.md ("Configuration"); the defaults stand here. May call: fhir (errors
/// only).
#pragma once

#include "fhir/result.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::config {

struct TlsFiles {
  std::string certificate;  ///< PEM chain; "" means no TLS.
  std::string key;
  std::string
      ca;  ///< Whom to believe: clients' CA on a listener (mutual TLS), the peer's CA on a destination.
  std::string crl;
  std::string server_name;  ///< Destination only: the name its certificate must carry; "" means its host.
};

struct Address {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
};

struct HttpSettings {
  Address listen{"127.0.0.1", 8080};
  std::string
      base_url;  ///< As clients see it, "https://gateway.example/fhir"; "" means http://host:port/fhir.
  TlsFiles tls;
  bool anonymous = true;  ///< Clients without a token are let in; only allowed on a loopback address.
  std::size_t body_bytes_max = 16 * 1024 * 1024;
  std::string validation = "structure";  ///< Of what is written: "off", "structure", "full".
};

struct MllpListenerSettings {
  std::string name;
  Address listen{"127.0.0.1", 2575};
  TlsFiles tls;
  bool strict_framing = false;
  std::string validation = "structure";  ///< Of what is stored of its messages: "off", "structure", "full".
  std::vector<std::string> partners;     ///< Who may send here; empty: every partner of the file.
};

/// How a destination is reached and how patient we are with it (reliability.md S1-S8).
struct DeliverySettings {
  Address mllp;  ///< port 0: nothing is sent to this partner.
  TlsFiles tls;
  std::int64_t ack_timeout_ms = 30'000;
  std::int64_t retry_delay_ms_min = 1'000;
  std::int64_t retry_delay_ms_max = 60'000;
  int error_retries = 5;  ///< AE or CE this often, then the key stops.
  /// MSH-15 and MSH-16 of what is sent, table 0155: which answers we ask for; both "" for the original mode.
  std::string accept_ack, application_ack;
};

enum class ControlIdReuse : unsigned char { never, daily, any };

struct Partner {
  std::string name;
  // Who they are in MSH-3/MSH-4 of what they send, and who we are to them in MSH-5/MSH-6.
  std::string application;
  std::string facility;
  std::string our_application = "HANDOFF";
  std::string our_facility = "HANDOFF";
  std::string
      certificate;  ///< Common name of its client certificate on a TLS listener; "" means any the CA signed.
  std::string version = "2.5.1";
  bool newer_fields = true;  ///< Fields that `version` lacks are written all the same.
  bool dictionary_lengths =
      false;                      ///< What is longer than its version's dictionary says is cut, with a note.
  bool time_offset = true;        ///< Times carry their offset; else they are in utc_offset.
  bool version_fallback = false;  ///< A message that `version` lacks is written in the lowest that has it.
  std::string delimiters = "|^~\\&";    ///< Field separator and MSH-2 of what is written to it.
  std::string processing_id = "P";      ///< MSH-11
  std::vector<std::string> required;    ///< Fields it insists on: "PV1-19". No message without them.
  bool forward_unmapped = false;        ///< What no table reads of another's message is handed on to it.
  bool honours_delete = true;           ///< What was removed is written as ""; else it is left out.
  std::map<std::string, int> lengths;   ///< "PID-5.1" -> most characters it takes there.
  std::string time_precision = "full";  ///< "full", "second", "minute", "day"
  std::string charset;
  int utc_offset_minutes = 0;
  std::map<std::string, std::string> authorities;  ///< HD namespace or OID -> identifier system.
  std::vector<std::string> own_authorities;        ///< Identifier systems that it speaks for.
  std::vector<std::string> trusted_ids;  ///< Identifier systems believed from it with name and birth date.
  std::string organization;              ///< "Organization/heart-clinic": its own, as FHIR names it.
  std::vector<std::string>
      serves;  ///< Whose work it does: "Organization/x" or an identifier, "system|value".
  std::string dialect = "ref_rri";
  std::string close_by;
  bool close_on_delivery = false;
  std::vector<std::string> events;  ///< What it wants to be sent: "REF^I12", ...
  std::map<std::string, std::map<std::string, std::string>>
      code_maps;  ///< Table -> their code -> standard code.
  ControlIdReuse control_id_reuse = ControlIdReuse::never;
  std::string ref_reply = "ack";  ///< "rri": a REF is answered by an RRI^I12 with RF1-1 P at once (R7).
  /// "return": application answers of the enhanced mode are sent to `delivery`, not on the connection (R7).
  std::string application_answers = "connection";
  std::string validation;          ///< Of what is stored of its messages; "" as its listener has it.
  bool sequence_protocol = false;  ///< HL7 2.10.1: its messages are numbered in MSH-13 (R8).
  DeliverySettings delivery;
};

/// A FHIR client that authenticates with a static bearer token; its SHA-256 stands in the file, never the
/// token.
struct FhirClient {
  std::string name;
  std::string bearer_sha256;
  std::string organization;
  std::vector<std::string> serves;
  std::vector<std::string> own_authorities;
  std::vector<std::string> trusted_ids;
  bool close_on_delivery = false;
  std::string validation;  ///< Of what it writes; "" as http has it.
};

/// Who may use the admin API; the SHA-256 of its bearer token stands in the file, never the token.
struct Operator {
  std::string name;
  std::string bearer_sha256;
};

struct AdminSettings {
  bool served = false;                ///< With an `admin` section, or without a file.
  Address listen{"127.0.0.1", 8081};  ///< Loopback only.
  std::vector<Operator> operators;    ///< None: a token for this run alone is printed at the start.
};

struct Settings {
  std::string store_path = "./handoff.db";
  HttpSettings http;
  AdminSettings admin;
  std::vector<MllpListenerSettings> mllp;
  std::vector<Partner> partners;
  std::vector<FhirClient> clients;
  std::vector<std::string> map_overlays;
  std::string
      terminology_server;      ///< Base URL of a FHIR server that is asked for what is not known; "" is none.
  std::string terminology_ca;  ///< Its certificate authorities; "" are the system's.
  int terminology_timeout_ms = 3000;
  std::vector<std::string> terminology_indexes;  ///< Files that `handoff terminology import` has made.
  std::vector<std::string> packages;  ///< Files of FHIR packages (.tgz), what others depend on first.
  int utc_offset_minutes = 0;
  std::vector<std::string> holidays;
  std::vector<std::string> referral_codes;
  /// http:// endpoints of rest-hook subscriptions are refused unless they are loopback and this is set.
  bool loopback_hooks = false;
  int threads = 0;  ///< 0: one per core that the process may use.
  std::string log_level = "info";
};

/// What runs without a file: SQLite in ./handoff.db, HTTP on 127.0.0.1:8080, MLLP on 127.0.0.1:2575, no
/// partners.
Settings defaults();

/// Reads and checks the text. `file` is what errors call it: "handoff.yaml line 12, partners[0].dialect:
/// ...". Errors: value (wrong type or value), structure (unknown or missing key, bad YAML), business_rule
/// (anonymous clients beyond loopback, plain MLLP beyond loopback, a listener that names an unknown partner).
fhir::Result<Settings> parse(std::string_view text, std::string_view file);
fhir::Result<Settings> load(std::string const& path);

}  // namespace gateway::config
