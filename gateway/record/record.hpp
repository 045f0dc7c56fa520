/// The single referral and transition record: who holds the ball now, since when, what is overdue.
///
/// A fold over an append-only event log (design record.md). Intake puts a door's resources into the Unit and
/// then calls fold() once: it recognises which referral or stay each change belongs to, writes the events,
/// recomputes states, owners and clocks, writes what the gateway itself owes (Task status and businessStatus,
/// review and obligation Tasks, notices, Person effects excepted), and queues what partners must be told.
/// Everything in the same Unit, so all of it or none of it is stored. May call: fhir, mappings (facts only),
/// store. Knows no socket and no clock of its own.
#pragma once

#include "fhir/result.hpp"
#include "gateway/store/store.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::record {

/// A value of the message that drives a state and is never copied into FHIR: {"referral.status", "A",
/// "RF1-1"}.
struct Fact {
  std::string name;
  std::string value;
  std::string source;  ///< "RF1-1"
};

enum class Door : unsigned char { v2, fhir, gateway };

/// Where a Unit's changes came from.
struct Cause {
  Door door = Door::fhir;
  std::string origin;      ///< Partner profile name or FHIR client name; never told what it said itself (S9).
  std::string actor;       ///< Reference of the acting organization or person when known, else "".
  std::string message;     ///< "RRI^I12", "PUT Task", "clock"
  std::string message_id;  ///< MSH-10 or the request id.
  std::vector<Fact> facts;
  std::vector<std::string> patients;  ///< "Patient/x" that the message names; empty: it names none.
  /// Resources that the message speaks of but does not own: recognised by key, not written
  /// ("ServiceRequest/abc").
  std::vector<std::string> anchors;
  std::int64_t asserted_ms = 0;  ///< EVN-2/6, ORC-9, SCH-11 ...; 0: as source_ms.
  std::int64_t source_ms = 0;    ///< MSH-7, meta.lastUpdated; 0: as received_ms.
  std::int64_t received_ms = 0;
};

/// One partner as the record sees it.
struct Party {
  std::string name;  ///< Profile name: "heart-clinic"
  std::vector<std::string>
      serves;  ///< Whose work it does: references ("Organization/x") or identifiers ("system|value").
  bool speaks_v2 = false;
  std::string dialect = "ref_rri";  ///< or "omg_osu"
  std::string close_by;             ///< "", "i13": how a REF/RRI peer learns of closure.
  bool close_on_delivery = false;   ///< Policy: a delivered final report closes what this party referred.
  bool told_of_receipt = false;     ///< Its REF was answered by an RRI with RF1-1 P: not said again.
  std::vector<std::string>
      sends;  ///< v2 events it subscribes to: "REF^I12", "RRI^I12", "SIU^S12", "ORU^R01" ...
};

/// What a site decides; filled from handoff.yaml.
struct Site {
  std::vector<Party> parties;
  int utc_offset_minutes = 0;         ///< For business days.
  std::vector<std::string> holidays;  ///< "2025-12-25"
  std::string gateway_organization = "Organization/gateway";
  std::string care_coordinator = "Organization/care-coordination";  ///< Owns what nobody else does.
  /// Codings "system|code" that make a ServiceRequest a referral; "" parts match all. See record.md
  /// section 3.
  std::vector<std::string> referral_codes;
};

/// See the room's text above. Errors: business_rule or conflict, when the change breaks a rule of record.md
/// section 3 (another party's field, a final Task changed, ...): the door refuses the whole Unit.
fhir::Result<void> fold(store::Unit& unit, Cause const& cause, Site const& site);

/// A delivery's disposition: a receipt moves SENT to RECEIVED, closes "notify" obligations; a refusal opens
/// an alert. `outcome`: "AA", "CA", "2xx", "AR", "AE", ...
fhir::Result<void> delivered(store::Unit& unit, store::OutboxRow const& row, std::string_view outcome,
                             Site const& site);

/// `last_outcome` of an outbox row that was stopped before it was sent, because messages run in a circle
/// (S9).
inline constexpr std::string_view kLoopOutcome = "loop";
/// `outcome` of a row that was sent to a receiver that answers nothing (MSH-15 and MSH-16 NE): no receipt.
inline constexpr std::string_view kUnconfirmedOutcome = "sent-unconfirmed";

/// The owner's first read or search that returned a Task counts as receipt (record.md section 3).
fhir::Result<void> returned(store::Unit& unit, std::string_view task_id, std::string_view reader,
                            Site const& site);

/// How far a walk through the open records has come; `kind` "": to the end.
struct Walk {
  std::string_view kind = "referral";
  store::RecordPlace place = {};
};
inline constexpr std::size_t kWalkStep = 1000;  // records that one commit looks at

/// Clocks that passed: RF1-8 expiry, day 31 of a transition; of the next `count` records of the walk.
/// Idempotent; all are walked through once a minute and at start.
fhir::Result<Walk> tick(store::Unit& unit, Site const& site, Walk walk, std::size_t count = kWalkStep);

/// Facts that drive states: referral.status (RF1-1), referral.information (what an RRI asks for: the
/// profile's text or code), referral.reason, order.control, order.status, order.reason (ORC-1, -5, -16),
/// schedule.status (SCH-25), report.status (OBR-25), document.completion (TXA-17), document.availability
/// (TXA-19).
///
/// Keys in the store that others may read: space "record.view" "ServiceRequest/abc" -> record id; space
/// "referral" "plac|system|value", "fill|...", "appt|...", "visit|..." -> record id. Record ids:
/// "referral/<ServiceRequest id>", "transition/<Encounter id>", "orphan/<hash>". An outbox row of the record
/// has kind "hl7v2:REF^I12" and a request
/// {"message","structure","record","state","state_seq","facts":{..},"anchors":{"ref","loop","appt","report","visit"}},
/// each anchor an exact version "Task/x/_history/3".
///
/// The record as one document Bundle, and its timeline. Bundle.entry[0] is a Composition with the extensions
/// (codes.hpp, kExtensionBase) record-state (valueCode "SCHEDULED"), record-owner (valueReference, absent
/// when nobody owes anything), record-since, record-due (valueInstant), record-overdue (valueBoolean,
/// computed now), record-flag (valueCode, each) and record-history (each: extension state, since, inferred,
/// in order). Then the joined resources as they are stored, then one Provenance for each event of the
/// timeline, in the order in which they count: activity is the event type, extensions event-seq,
/// event-state-before, event-state-after, event-inferred, event-source-time, event-rule, event-message,
/// event-message-id, event-loss. Entries carry no fullUrl: the door knows its base. For `$referral-record`,
/// `$transition-record`, `$timeline`. Errors: not_found.
fhir::Result<fhir::json::Document> referral_record(store::Snapshot& snapshot,
                                                   store::AccessPolicy const& policy,
                                                   std::string_view service_request_id, std::int64_t now_ms);
fhir::Result<fhir::json::Document> transition_record(store::Snapshot& snapshot,
                                                     store::AccessPolicy const& policy,
                                                     std::string_view encounter_id, std::int64_t now_ms);
fhir::Result<fhir::json::Document> timeline(store::Snapshot& snapshot, store::AccessPolicy const& policy,
                                            std::string_view resource_type, std::string_view resource_id,
                                            std::int64_t now_ms);

/// Replays every record's log and compares with the stored fold, byte for byte; writes the fold anew where it
/// differs.
fhir::Issues rebuild(store::Store& store);

}  // namespace gateway::record
