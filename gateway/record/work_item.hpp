/// Work items: what only a person can settle. One mechanism for what belongs to no record ("orphan"), for a
/// control id that came again with other content ("conflict"), for messages that run in a circle ("loop"),
/// for a merge that does ("identity"), for what is no valid FHIR to store ("invalid"), and for whatever else
/// a room cannot decide.
///
/// An item is a record of its own: events under "<kind>/<hash>", hash-chained and replayed like every
/// record's, folded into a row that worklists read (kind, owner, due). The same seed is the same item. It
/// stays open until a person attaches, accepts or dismisses it with a reason; a dismissed one opens again
/// when its subject comes in a new version, an answered "invalid" one when what it says is seen again. What
/// settling means beyond the item is the affair of the room that opened it.
#pragma once

#include "gateway/record/event.hpp"
#include "gateway/record/record.hpp"

#include <array>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::record {

namespace work {
inline constexpr std::string_view orphan = "orphan", conflict = "conflict", loop = "loop",
                                  unmapped_code = "unmapped-code", unwritable = "unwritable",
                                  identity = "identity", invalid = "invalid";
inline constexpr std::array kinds = {orphan,     conflict, loop,   unmapped_code,
                                     unwritable, identity, invalid};  ///< What /metrics counts.
inline constexpr std::string_view opened = "opened", attached = "attached", accepted = "accepted",
                                  answered = "answered", dismissed = "dismissed";  ///< Event types.
}  // namespace work

/// What is to be looked at.
struct WorkItem {
  std::string kind;     ///< One of work::kinds.
  std::string seed;     ///< Tells items of one kind apart; never shown.
  std::string reason;   ///< Why a person must look; no patient's data.
  std::string subject;  ///< "DiagnosticReport/x/_history/2", "" when it is no resource.
  std::string person, patient;
  std::string owner;  ///< Reference.
  std::map<std::string, std::vector<std::string>> data;
  bool as_task = false;  ///< Its owner finds it as a FHIR Task too, and settles it by that.
  fhir::Issues outcome;  ///< What went wrong, part by part: an OperationOutcome in the Task.
};

/// How a person settled it.
struct Settlement {
  std::string how;     ///< work::attached, accepted, answered or dismissed.
  std::string reason;  ///< Required.
  std::string by;      ///< Who; a reference or a name.
  std::string target;  ///< Of attached: the record's id.
};

struct WorkItemState {
  std::string record_id, kind;
  std::string state;  ///< "OPEN", "ATTACHED", "ACCEPTED", "ANSWERED", "DISMISSED"
  std::string reason, subject, person, patient, owner, task;
  std::int64_t since = 0, due = 0;
  std::string settled_by, settled_reason, target;
  std::map<std::string, std::vector<std::string>> data;  ///< As it was opened with.
  bool is_open() const { return state == "OPEN"; }
};

std::string work_item_id(std::string_view kind, std::string_view seed);
bool is_work_item(std::string_view record_id);

WorkItemState fold_work_item(std::string_view record_id, std::span<Event const> log);
store::RecordRow row_of_work_item(std::string_view record_id, std::span<Event const> log);

/// Opens it, or leaves it as it is. Its id.
fhir::Result<std::string> open_work_item(store::Unit& unit, Cause const& cause, Site const& site,
                                         WorkItem const& item);

/// Writes the settlement, and ends the item's Task. Errors: not_found; conflict (it is settled); required (no
/// reason).
fhir::Result<void> settle_work_item(store::Unit& unit, Cause const& cause, Site const& site,
                                    std::string_view id, Settlement const& settlement);

/// Attaches an orphan to the record that `target` ("ServiceRequest/x", "Encounter/x") belongs to, where it
/// then counts as if it had been linked. Errors: as settle_work_item; not_found (no such record);
/// business_rule (the record is another person's).
fhir::Result<void> attach_orphan(store::Unit& unit, Site const& site, std::string_view id,
                                 std::string_view target, Settlement const& settlement);

/// A person at the command line, as a Cause.
Cause operator_cause(store::Unit const& unit, std::string_view command, std::string_view by);

}  // namespace gateway::record
