/// Type pairs: one v2 data type and one FHIR data type, written once as two functions and used both ways.
/// Source: HL7 v2.5.1 chapter 2A, FHIR R4 datatypes.html, v2-to-FHIR IG data type maps.
///
/// A pair sees one repetition (or component) and says which of its parts it read: what it did not read stays
/// in the complement. Pure; texts it returns are views into the message or into the arena.
#pragma once

#include "fhir/json/element.hpp"
#include "mappings/hl7v2/message.hpp"
#include "mappings/language/partner_profile.hpp"
#include "mappings/types/vocabulary.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mappings::types {

using fhir::json::Arena;
using fhir::json::Element;

/// What is the same for every pair of one translation.
struct Context {
  Arena* arena = nullptr;
  hl7v2::Message const* message = nullptr;  ///< Forward only: OBX-5 needs OBX-2.
  language::PartnerProfile const* partner = nullptr;
  CodeSystems const* systems = nullptr;
};

constexpr std::size_t kPartsMax = 28;  // no v2 data type has more components

/// One v2 value to read: a repetition of a field (parts are components) or a component (parts are
/// subcomponents).
class In {
 public:
  In(Context const& context, std::string_view raw, hl7v2::Address const& address);

  Context const& context() const { return *context_; }
  Arena& arena() const { return *context_->arena; }
  std::string_view raw() const { return raw_; }
  hl7v2::Address const& address() const { return address_; }
  Vocabulary const* vocabulary = nullptr;
  std::string_view default_system;  ///< Of codes that name no system.
  std::string_view unmapped;        ///< Set by the pair: the code that neither partner nor vocabulary has.

  std::size_t size() const { return size_; }
  /// The decoded text of part `number` (from 1), its first subpart where it has several; "" when absent or
  /// null ("").
  std::string_view part(std::size_t number);
  std::string_view sub(std::size_t number, std::size_t subpart);
  bool has_subs(std::size_t number) const;
  /// Reads without claiming.
  std::string_view peek(std::size_t number) const;
  /// Part `number` as a value of its own (an HD inside a CX); parts it reads are claimed here when
  /// claim_from() is called.
  In nested(std::size_t number) const;
  void claim_from(In const& nested, std::size_t number) { read_[number - 1] |= nested.whole_mask(); }
  void claim_all();
  /// The whole field as text: its repetitions stand below each other (in TX a "~" ends a line), a component
  /// delimiter that nobody escaped is what the sender wrote. Claims all of it.
  std::string_view lines();
  bool claims_field() const { return claims_field_; }

  /// Subparts claimed: bit m-1 of claimed(n) is sub(n, m).
  std::uint32_t claimed(std::size_t number) const { return number <= kPartsMax ? read_[number - 1] : 0; }
  /// Text of another field of the same segment, decoded: sibling(2) of an OBX-5 is OBX-2.
  std::string_view sibling(std::size_t field, std::size_t component = 1);
  /// The siblings read, as field * 32 + component.
  std::span<std::uint16_t const> siblings_read() const { return {siblings_.data(), sibling_count_}; }
  /// A text that lives as long as the arena.
  std::string_view keep(std::string_view text) const { return arena().copy(text); }

 private:
  std::uint32_t whole_mask() const;
  std::string_view decoded(std::string_view raw) const;

  Context const* context_;
  std::string_view raw_;
  hl7v2::Address address_;
  char part_delimiter_;
  char sub_delimiter_;
  std::size_t size_ = 0;
  std::array<std::string_view, kPartsMax> parts_;
  std::array<std::uint32_t, kPartsMax> read_{};
  std::array<std::uint16_t, 8> siblings_{};
  std::size_t sibling_count_ = 0;
  bool claims_field_ = false;
};

/// One leaf to write, as plain text (not escaped) in the context's arena.
struct Leaf {
  std::uint16_t part = 1;
  std::uint16_t sub = 1;
  std::string_view text;
  friend bool operator==(Leaf const&, Leaf const&) = default;
};

/// A v2 value being written.
struct Out {
  explicit Out(Context const& the_context) : context(&the_context) {}
  Context const* context;
  Vocabulary const* vocabulary = nullptr;
  std::string_view default_system;
  Element const* whole = nullptr;  ///< What the value is a part of: a component's Observation.
  std::vector<Leaf> leaves;
  struct Sibling {
    std::uint16_t field;
    std::uint16_t part;
    std::string_view text;
    friend bool operator==(Sibling const&, Sibling const&) = default;
  };
  std::vector<Sibling> siblings;  ///< Other fields of the same segment: OBX-2 for an OBX-5.
  bool whole_field = false;       ///< Stands for all repetitions that there were.

  /// Forgets what was written; the room for it stays.
  void clear();
  /// Empty texts are left out.
  void set(std::size_t part, std::string_view text, std::size_t sub = 1);
  /// Everything of a nested value, one level down, at part `number`.
  void nest(std::size_t number, Out const& nested);
  void sibling(std::size_t field, std::string_view text, std::size_t part = 1);
  bool empty() const { return leaves.empty(); }
};

/// Reads `in` into `out` (null on entry). False: there is nothing to say, or it cannot be read.
using Forward = bool (*)(In& in, Element& out);
/// Writes `value`. False: it cannot be written.
using Reverse = bool (*)(Element const& value, Out& out);

struct Pair {
  std::string_view name;  ///< "CX~Identifier"
  Forward forward = nullptr;
  Reverse reverse = nullptr;
  bool iso = false;            ///< Class I: nothing needs the complement.
  bool writes_parent = false;  ///< value[x]: `out` is an object whose members go into the parent.
  std::string_view resource =
      {};                 ///< "Practitioner": the value is a resource, the path gets a Reference to it.
  bool is_code = false;   ///< A vocabulary is applied to it.
  bool declines = false;  ///< Not to read a value is no fault of it: a birth date has no time.
};

/// The pair of that name ("CE~CodeableConcept" finds CWE's), or nullptr.
Pair const* find_pair(std::string_view name);
/// All names, for error messages and the check.
std::vector<std::string_view> pair_names();

}  // namespace mappings::types
