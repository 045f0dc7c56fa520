/// The translator: compiled row tables that read HL7 v2 into FHIR R4 and write FHIR R4 back into v2.
/// The notation is in README.md; the model (a symmetric lens with complement) in design translation.md
/// section 3.
///
/// May call: fhir/, mappings/hl7v2/, mappings/types/. Pure: no I/O, no clock, no globals that change. Maps
/// are immutable and may be shared between threads; a Draft belongs to one thread.
#pragma once

#include "fhir/json/element.hpp"
#include "fhir/result.hpp"
#include "mappings/hl7v2/image.hpp"
#include "mappings/hl7v2/message.hpp"
#include "mappings/language/partner_profile.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mappings::language {

// ------------------------------------------------------------------------------------------------ compiled
// tables

/// One map file: `name` is its path below maps/ ("v2/segments/PID.map") and stands in every Issue about it.
struct SourceFile {
  std::string_view name;
  std::string_view text;
};

struct Program;  // compiled rows; program.hpp

/// An immutable set of compiled tables. Copying shares it.
class Maps {
 public:
  explicit Maps(std::shared_ptr<Program const> program) : program_(std::move(program)) {}
  Program const& program() const { return *program_; }
  std::string_view hash()
      const;  ///< 16 hex digits over every source file; the version that provenance names.
  std::string_view version() const;                      ///< "handoff-<hash>"
  bool has_structure(std::string_view structure) const;  ///< "ADT_A01"
  std::vector<std::string_view> structures() const;

 private:
  std::shared_ptr<Program const> program_;
};

struct Compilation {
  std::optional<Maps> maps;  ///< Empty when an Issue of severity error is among `issues`.
  fhir::Issues issues;  ///< source: "v2/segments/PID.map:12:5 pid.7"; diagnostics: what is wrong and what
                        ///< would fix it.
};
Compilation compile(std::span<SourceFile const> files);

/// The tables that are part of the program. Throws std::logic_error when they do not compile (a test proves
/// that they do).
Maps const& builtin();
/// Their source text, for overlays: compile(builtin_files() + a partner's files).
std::span<SourceFile const> builtin_files();

// ------------------------------------------------------------------------------------------------ forward:
// v2 -> FHIR

struct Row;  // program.hpp

enum class Update : std::uint8_t { set, list, key, state, once };

/// One thing a row wrote (or deleted): the unit of provenance and of apply().
struct Write {
  Row const* row = nullptr;
  std::uint32_t resource = 0;     ///< Index into Draft::resources.
  hl7v2::Address address;         ///< The repetition or component it came from; segment 0 field 0: a literal.
  bool deletes = false;           ///< The field was "".
  std::uint16_t indexes[4] = {};  ///< The array index of each array step of the row's path, in order.
};

/// A status that a trigger event asks for; apply() decides with the state before.
struct Transition;  // program.hpp

struct DraftResource {
  std::string_view type;       ///< "Patient"
  std::string_view role;       ///< "patient", or "" for those made by a type pair (XCN~Practitioner).
  std::uint32_t instance = 1;  ///< Which one of that role.
  /// Identity that is the same whenever the same thing is sent: "Patient|urn:oid:1.2.3|4711", or derived from
  /// the parent's: "Encounter|...|nk|1". Never the message control id.
  std::string key;
  bool key_is_identifier = false;        ///< The key names a system and value that may be looked up.
  std::vector<std::string> identifiers;  ///< Every "system|value" that it carries, key first.
  fhir::json::Element content;  ///< With resourceType, without id; references to other drafts are "~<index>".
  bool new_only_status = false;  ///< `content.status` came from a default, not from the message.
};

/// A value that drives the record and is not copied into FHIR.
struct Fact {
  std::string_view name;                ///< "referral.status"
  std::string_view role;                ///< Role of the resource in whose scope it stood, "" for the message.
  std::uint32_t resource = UINT32_MAX;  ///< Index into Draft::resources, UINT32_MAX: none.
  std::uint32_t instance = 1;
  fhir::json::Element value;  ///< A string for plain pairs, an object for CX~Identifier and the like.
  hl7v2::Address address;
  std::string_view text() const;  ///< The string, or Identifier.value, or Coding.code.
};

/// A code that neither the partner's map nor the vocabulary has: it passed through with its own system, fell
/// to the vocabulary's `*`, or stays in the complement where the element takes no other code.
struct UnmappedCode {
  std::string_view vocabulary;  ///< "administrative-gender"
  std::string_view code;        ///< As sent.
  std::string_view text;        ///< CWE.2, "" where there is none.
  Row const* row = nullptr;
  hl7v2::Address address;
};

/// What a message means. Views into the Message, the Maps and its own arena: keep those as long as the Draft.
struct Draft {
  fhir::json::Arena arena;
  std::string_view structure;  ///< "ADT_A01"
  std::string_view message_code, trigger_event, control_id,
      timestamp;                         ///< MSH-9.1, 9.2, 10; MSH-7 as dateTime
  std::vector<DraftResource> resources;  ///< Every reference points into this vector.
  std::vector<Write> writes;
  std::vector<Fact> facts;
  std::vector<UnmappedCode> unmapped;
  fhir::Issues warnings;  ///< Unmapped codes, values that no pair could read, segments out of place.
  Maps const* maps = nullptr;
  hl7v2::Message const* message = nullptr;
  std::vector<hl7v2::Address> dropped;  ///< Fields with a `-` row.
  std::shared_ptr<void const> keeps;    ///< Internal: group scopes of the instances.

  DraftResource const* find(std::string_view role, std::uint32_t instance = 1) const;
  Fact const* find_fact(std::string_view name) const;
  std::string_view fact(std::string_view name) const;  ///< Its text or "".
};

/// Translates one message. Errors: not_supported (no table for its structure). Values that cannot be read are
/// warnings and stay in the complement; a message is never refused for one bad field.
fhir::Result<Draft> forward(Maps const& maps, hl7v2::Message const& message, PartnerProfile const& sender);

/// The keys of all resources as they would be if some (by index) had other keys than their own: what hangs on
/// a Patient or an Encounter has its key from theirs, whichever of several numbers the message used. `site`
/// is the sender's PartnerProfile::name.
std::vector<std::string> keys_when_renamed(Draft const& draft, std::string_view site,
                                           std::map<std::size_t, std::string> const& names);

/// Puts real references ("Patient/123") in place of "~0": ids[i] is the whole reference of resources[i]. In
/// apply()'s results too: resolve_references(element, ids).
void resolve_references(Draft& draft, std::span<std::string const> references);
void resolve_references(fhir::json::Element& tree, std::span<std::string const> references,
                        fhir::json::Arena& arena);

/// A message that is older than what its source said since.
struct Late {
  bool content = false;  ///< Something newer is known: only what nobody has said yet is taken over.
  bool status = false;   ///< A newer event moved the status: it stays.
};

/// The resource after this message: `current` (the same source's resource, nullptr when new) merged with the
/// draft by each row's update mode. Absent keeps, "" deletes, lists replace what their row owns, a status
/// moves only along the event table. Ids, meta and everything no row owns stay as they are in `current`. The
/// result lies in `arena`. `references` are those of the draft's resources ("Patient/123"), in their order:
/// with them the result has real references, and one that `current` has already is not added again.
fhir::json::Element apply(Draft const& draft, std::size_t resource, fhir::json::Element const* current,
                          fhir::json::Arena& arena, std::span<std::string const> references = {},
                          Late late = {});
/// Whether apply() would leave `current` as it is, for the same arguments. True only where that is cheap to
/// tell: for what a type pair made (staff, beds, organizations), which most messages name again.
bool says_nothing_new(Draft const& draft, std::size_t resource, fhir::json::Element const& current,
                      fhir::json::Arena& arena, std::span<std::string const> references, Late late);

/// Where each non-empty leaf of the message went; every leaf is in exactly one of the three.
struct Loss {
  hl7v2::Address address;
  std::string_view reason;  ///< "no row", "value not readable", "no table has this code", or the reason
                            ///< stated by a `-` row.
};
struct Account {
  std::size_t leaves = 0;
  std::vector<hl7v2::Address> mapped;
  std::vector<Loss> kept;     ///< Only in the complement (the stored message).
  std::vector<Loss> dropped;  ///< By a row that says so, with its reason.
};
Account account(hl7v2::Message const& message, Draft const& draft);
/// Of a message that was not translated: every leaf is kept, for `reason`, which must outlive the Account.
Account account(hl7v2::Message const& message, std::string_view reason);

/// FHIR element <-> v2 field <-> row.
struct Provenance {
  std::string path;  ///< "Patient.name[0]"
  std::uint32_t resource = 0;
  std::string v2;  ///< "PID-5(1)"
  hl7v2::Address address;
  std::string_view row;       ///< "pid.5"
  fhir::json::Element value;  ///< What it wrote; lives as long as the draft.
};
std::vector<Provenance> provenance(Draft const& draft);

// ------------------------------------------------------------------------------------------------ reverse:
// FHIR -> v2

/// A FHIR element that the message could not carry.
struct LossNote {
  std::string path;     ///< "ServiceRequest.locationReference"
  std::string reason;   ///< "REF_I12 has no field for it"
  std::string kept_in;  ///< "ServiceRequest/17": it stays in the record.
};

struct RoleResource {
  std::string_view role;  ///< "ref", "loop", "report", "visit", "patient"
  fhir::json::Element const* resource = nullptr;
  /// How others refer to it: "Patient/1", "urn:uuid:..."; "" means type and id.
  std::string_view reference = {};
};

struct FactValue {
  std::string_view name;  ///< "referral.status"
  std::string_view text;  ///< Of a number also "system|value".
};

struct ReverseRequest {
  std::string_view message_code;        ///< "RRI"
  std::string_view trigger_event;       ///< "I12"
  std::string_view structure;           ///< "RRI_I12"; "" takes the one the maps name for the event.
  std::vector<RoleResource> resources;  ///< At least the anchor; more roles where the caller has them.
  /// The resource behind "Practitioner/7", or nullptr. Used to follow the declared links.
  std::function<fhir::json::Element const*(std::string_view reference)> resolve;
  /// Resources of `type` whose element `path` refers to `reference`; may be empty.
  std::function<std::vector<fhir::json::Element const*>(std::string_view type, std::string_view path,
                                                        std::string_view reference)>
      referring;
  /// How others refer to a resource that has no id of its own (a Bundle's fullUrl); may be empty.
  std::function<std::string_view(fhir::json::Element const& resource)> reference_of;
  std::vector<FactValue> facts;
  std::string_view control_id;  ///< MSH-10
  std::string_view timestamp;   ///< MSH-7, a DTM
  /// The partner's last message of this structure family for this anchor (the complement), or nullptr.
  hl7v2::Message const* seed = nullptr;
  /// Another partner's newest message of the family for this anchor, and how that one speaks: without a seed,
  /// what no row reads of it is handed on to a destination with `forward_unmapped`.
  struct Lender {
    hl7v2::Message const* message = nullptr;
    PartnerProfile const* profile = nullptr;
  } lender = {};
  /// Keep the seed's MSH as it is (the round-trip laws, $convert); otherwise MSH is written anew from profile
  /// and request.
  bool keep_header = false;
};

struct Reversed {
  hl7v2::Image image;
  std::vector<LossNote> loss;
  fhir::Issues warnings;
};

/// Writes one message. With a seed only those leaves change whose FHIR value differs from what the seed says.
/// Errors: not_supported (no table), required (a field or segment that the structure or the profile requires
/// has no source: names the FHIR element and the place). Nothing half written is returned. The error is the
/// first of all that stand in the way; `refusals`, where given, gets every one of them.
fhir::Result<Reversed> reverse(Maps const& maps, ReverseRequest const& request,
                               PartnerProfile const& destination, fhir::Issues* refusals = nullptr);

/// The message that tells of a change. `before` is nullptr for a new resource.
struct EventChoice {
  std::string_view message_code;   ///< "ADT"
  std::string_view trigger_event;  ///< "A03"
  std::string_view structure;      ///< "ADT_A03"
  std::string_view role;           ///< What the resource is in it: "visit".
  std::string_view row;            ///< "enc.end"
  std::vector<FactValue> facts;    ///< What the message must say besides: order.control HD.
};
/// `told_by`: the event that told us of the change ("ADT^A12"): it is passed on as it is where one of its
/// rows fits and the destination takes it, for several events may make the same change.
std::optional<EventChoice> choose_event(Maps const& maps, fhir::json::Element const* before,
                                        fhir::json::Element const& after, PartnerProfile const& destination,
                                        std::string_view told_by = {});

// ------------------------------------------------------------------------------------------------ stateless
// use

/// The draft as one R4 Bundle of type collection; fullUrls are urn:uuid made from the keys, so that the same
/// message gives the same Bundle. Resolves the draft's references. The result lies in the draft's arena.
fhir::json::Element to_bundle(Draft& draft);

/// The draft as a FHIR message: what to_bundle gives, as type message under a MessageHeader made of MSH
/// (event, source, destination, sender; focus are the anchors). A message is no Bundle in the store: this is
/// for who takes FHIR messages. `message` is the draft's, `sender` says its time zone.
fhir::json::Element to_message_bundle(Draft& draft, hl7v2::Message const& message,
                                      PartnerProfile const& sender);

/// Finds the roles of `structure` again in a Bundle (anchor by type, the rest by links) and fills resources,
/// resolve and referring of a request. `bundle` must outlive it.
fhir::Result<ReverseRequest> from_bundle(Maps const& maps, std::string_view structure,
                                         fhir::json::Element const& bundle);

// ------------------------------------------------------------------------------------------------ what the
// maps cover

/// One line of `handoff maps check`.
struct RowReport {
  std::string_view id;
  std::string_view file;
  std::uint32_t line = 0;
  char row_class = 'I';     ///< I iso, C complement, D discriminated, G guarded, O one-way
  std::string_view reason;  ///< of a one-way row
  std::string_view v2, fhir;
};
std::vector<RowReport> rows(Maps const& maps);
/// Everything the compiler cannot know alone: FHIR paths exist in R4 and fit their pair, required elements
/// have a source, vocabularies stay inside required bindings; fields of in-scope segments without a row
/// ("kept") as information.
fhir::Issues check(Maps const& maps);
/// Whether the partner's map or the vocabulary (its `*` left out) has the code.
bool has_code(Maps const& maps, std::string_view vocabulary, std::string_view code,
              PartnerProfile const& partner);
/// Whether `code` may be what a partner's code of that vocabulary means: every row that uses it takes a code
/// its element's required binding allows. `system` "" is the vocabulary's own. Errors: not_found (no such
/// vocabulary), value, code_invalid (naming value set and row).
fhir::Result<void> check_answer(Maps const& maps, std::string_view vocabulary, std::string_view system,
                                std::string_view code);

}  // namespace mappings::language
