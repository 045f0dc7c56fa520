/// The subcommands of `handoff` (architecture.md section 5), one file each. Each returns the exit code: 0
/// done, 1 the input was refused (reasons on stderr), 2 wrong usage. A door: may call everything below it.
#pragma once

#include "fhir/result.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace gateway::command {

inline constexpr int kDone = 0;
inline constexpr int kRefused = 1;
inline constexpr int kWrongUsage = 2;

struct ServeArguments {
  std::string config;
};
int serve(ServeArguments const& arguments);

struct ConvertArguments {
  std::string from;
  std::string to;
  std::string config;  ///< Where --partner is looked up.
  std::string partner;
  std::vector<std::string> overlays;  ///< Files of rows beside those of the configuration.
  std::string structure;           ///< Of the message to write; "" takes what the Bundle's anchor suggests.
  std::string event;               ///< "RRI^I12"
  std::string complement;          ///< A v2 file that the output is laid over.
  std::vector<std::string> facts;  ///< "order.control=NW": what HL7 requires and FHIR does not hold.
  bool explain = false;
  std::string bundle = "collection";  ///< Type of the Bundle to print: "message" has a MessageHeader.
  std::string loss;                   ///< File for the loss report, "-" for stderr.
  bool json = false;
  std::vector<std::string> files;
};
int convert(ConvertArguments const& arguments);

struct MapsArguments {
  std::vector<std::string> overlays;
  std::string row;
  std::string official = "../shared/reference/v2-to-fhir";  ///< Folder of the sheets HL7 publishes.
  std::string only = "*";                                   ///< Pattern of sheets: "segment PV1*".
  bool missing = false, reasons = false, covered = false;   ///< List those rows too.
  bool json = false;
};
int maps_coverage(MapsArguments const& arguments);
int maps_check(MapsArguments const& arguments);
int maps_show(MapsArguments const& arguments);

struct JournalArguments {
  std::string config;
  std::int64_t id = 0;
  std::string outcome;
  std::size_t count = 50;
  bool raw = false;
  bool json = false;
  std::string field;  ///< Of show: what this field became.
  bool diff =
      false;  ///< Of replay: what the tables now would change; id 0 asks it of the newest `count` rows.
  std::string reason, by;  ///< Of accept and dismiss.
};
int journal_list(JournalArguments const& arguments);
int journal_show(JournalArguments const& arguments);
int journal_replay(JournalArguments const& arguments);
int journal_accept(JournalArguments const& arguments);   ///< Takes in a conflict as a new message.
int journal_dismiss(JournalArguments const& arguments);  ///< Leaves it out for good.

struct RecordArguments {
  std::string config;
  std::string id;
  std::string target;      ///< Of attach: "ServiceRequest/x" or "Encounter/x".
  std::string reason, by;  ///< Of attach and dismiss.
};
int record_referral(RecordArguments const& arguments);
int record_transition(RecordArguments const& arguments);
int record_orphans(RecordArguments const& arguments);  ///< What belongs to no record, oldest due first.
int record_attach(RecordArguments const& arguments);
int record_dismiss(RecordArguments const& arguments);
int record_rebuild(RecordArguments const& arguments);

struct FhirpathArguments {
  std::string expression;
  std::string file;                   ///< A resource in JSON or XML; "" reads stdin, which may be empty.
  std::vector<std::string> packages;  ///< Files of FHIR packages.
  bool json = false;
};
/// Prints one result per line, as JSON.
int fhirpath(FhirpathArguments const& arguments);

struct TerminologyArguments {
  std::string release;  ///< "snomed", "loinc", "rxnorm"
  std::string folder;
  std::string index;
  std::string version;
};
/// Reads a release into an index on disk.
int terminology_import(TerminologyArguments const& arguments);

struct OutboxArguments {
  std::string config;
  std::int64_t id = 0;
  std::size_t count = 1000;  ///< Rows per destination.
};
int outbox_list(OutboxArguments const& arguments);    ///< What is not settled yet.
int outbox_retry(OutboxArguments const& arguments);   ///< A stopped row goes again.
int outbox_cancel(OutboxArguments const& arguments);  ///< A stopped row is given up, its key goes on.

struct ValidateArguments {
  std::vector<std::string> profiles;  ///< Canonical urls that each resource is judged by too.
  std::vector<std::string> packages;  ///< Files of FHIR packages.
  std::vector<std::string> files;  ///< JSON, XML, or HL7 v2; other files of resources are found by reference.
  bool strict = false;             ///< Unknown extensions and wrong displays are errors.
};
/// Prints one OperationOutcome per file.
int validate(ValidateArguments const& arguments);
int doctor(std::string const& config);

/// One line per Issue on stderr, or a JSON array with `json`.
void print(fhir::Issues const& issues, bool json = false);
/// kDone, or kRefused with the Issue on stderr.
int code_of(fhir::Result<void> const& done, bool json = false);

}  // namespace gateway::command
