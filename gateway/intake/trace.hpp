/// Where a value came from, what a field became, and what changed tables would change: computed from the kept
/// bytes and the table set that translated them, so that the way in stores nothing for it but one number per
/// version (store::Version::journal_id) and each table set once.
///
/// May call: store, identity (derived ids), mappings. What these return may name a patient: for the client or
/// operator who asked, never for a log.
#pragma once

#include "gateway/intake/tables.hpp"
#include "gateway/store/store.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::intake {

/// What asking needs; all of it outlives the question.
struct Past {
  store::Snapshot& snapshot;
  TableArchive& archive;
  Tables const& now;
};

/// One element of a stored version.
struct TracedElement {
  std::string path;  ///< "Patient.name[0]", in the version that was asked for.
  std::string v2;    ///< "PID-5(1)"; "" where no one field gave it: a default, a link, the record, a client.
  std::string row;   ///< "pid.5"
};

/// What one version brought of what still stands.
struct TracedVersion {
  std::int64_t version_id = 0;
  std::int64_t last_updated_ms = 0;
  std::string source;         ///< Whose the resource is.
  store::JournalRow message;  ///< Without its bytes; id 0: no message gave this version.
  std::string control_id;     ///< MSH-10
  bool exact = true;          ///< Read again with the very tables that translated it.
  std::vector<TracedElement> elements;
};

struct ResourceTrace {
  store::Version version;               ///< The one asked for.
  std::vector<TracedVersion> versions;  ///< Newest first.
  bool complete = true;  ///< False when the history is longer than was looked at: the oldest one may inherit.
};

/// Who gave each element of Type/id its present value: of the versions in which the value stands without a
/// break, the first. `path` limits it to an element and what is below it ("birthDate", "Patient.name[0]"); ""
/// is all. Errors: not_found, deleted.
fhir::Result<ResourceTrace> trace_resource(Past const& past, store::AccessPolicy const& policy,
                                           std::string_view type, std::string_view id, std::string_view path);

/// One thing that a field became.
struct TracedField {
  std::string v2;      ///< "PID-5(1)"
  std::string end;     ///< "mapped", "fact", "kept" or "dropped"
  std::string reason;  ///< Of kept and dropped; of a fact its name.
  std::string
      reference;     ///< Of mapped: "Patient/x/_history/2", or without a version where it changed nothing.
  std::string path;  ///< "Patient.name[0]", as the message wrote it.
  std::string row;
  std::string value;    ///< What it gave, as JSON.
  bool stands = false;  ///< The current version still has it.
};

struct MessageTrace {
  store::JournalRow message;
  bool exact = true;
  std::vector<TracedField> fields;
};

/// What a message's fields became; `field` ("PID-5", "PID-3(2).1") limits it. Errors: value (no field), or
/// why the message cannot be read.
fhir::Result<MessageTrace> trace_message(Past const& past, store::JournalRow const& row,
                                         std::string_view field);

/// A leaf that changed tables change.
struct Difference {
  std::string path;  ///< "Patient#patient.gender", "Observation#obs(2).code.text", "@referral.status"
  std::string before;
  std::string after;
};

struct Comparison {
  std::string tables_before, tables_after;
  bool exact = true;
  std::string refused_before, refused_after;  ///< Why it could not be translated; "" where it could.
  std::vector<Difference> differences;
};

/// What the tables now in force would make of a kept message, beside what those made of it that translated
/// it. Errors: value (its bytes cannot be read).
fhir::Result<Comparison> compare(Past const& past, store::JournalRow const& row);

/// As JSON, for command lines and the admin API.
std::string to_json(MessageTrace const& trace);
std::string to_json(Comparison const& comparison, std::int64_t journal_id);

}  // namespace gateway::intake
