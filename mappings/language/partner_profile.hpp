/// What is particular to one v2 partner: its names, authorities, codes and habits. Data, filled from the
/// configuration.
#pragma once

#include "mappings/hl7v2/message.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace mappings::language {

/// An HD as one sender writes it, and the FHIR identifier system that it stands for.
struct Authority {
  std::string namespace_id;       ///< HD.1, "HOSP"
  std::string universal_id;       ///< HD.2, "1.2.3" or ""
  std::string universal_id_type;  ///< HD.3, "ISO" or ""
  std::string system;             ///< "urn:oid:1.2.3", "https://hosp.example/mrn"
};

/// One code of this partner that the vocabulary does not have, or has otherwise.
struct CodeMap {
  std::string vocabulary;  ///< "administrative-gender"
  std::string v2_code;
  std::string fhir_system;  ///< "" where the element is a code
  std::string fhir_code;
};

enum class Dialect : std::uint8_t { ref_rri, omg_osu };

struct HdName {
  std::string namespace_id;
  std::string universal_id;
  std::string universal_id_type;
};

/// A place this partner insists on: "PV1-19", "PID-3.4". Reverse refuses to write a message without it.
using RequiredField = std::string;

/// The longest value this partner takes in a place ("PID-5", "PID-5.1"), in characters of one repetition.
struct LengthLimit {
  std::string place;
  std::size_t characters = 0;
};

/// How much of a point in time this partner wants.
enum class TimePrecision : std::uint8_t { full, second, minute, day };

/// What is particular to one v2 partner. Data: filled from the configuration, never code.
struct PartnerProfile {
  std::string name;               ///< "cardiology"; in keys of things without an authority of their own.
  std::string version = "2.5.1";  ///< v2 version to write.
  hl7v2::Delimiters delimiters;
  std::string charset;                ///< MSH-18 to write and to assume; "" means UTF-8 unsaid.
  std::string utc_offset = "+00:00";  ///< Used when a value has a time and no offset: "+01:00", "-05:00".
  std::vector<Authority> authorities;
  std::vector<CodeMap> codes;
  bool trusted_ids = true;  ///< Its identifiers may be used to recognise persons.
  Dialect dialect = Dialect::ref_rri;
  HdName our_application, our_facility;      ///< MSH-3, MSH-4 of what we write
  HdName their_application, their_facility;  ///< MSH-5, MSH-6 of what we write
  std::string processing_id = "P";           ///< MSH-11
  std::string accept_ack, application_ack;   ///< MSH-15, MSH-16; "" for original mode
  std::vector<RequiredField> required_fields;
  /// A message that `version` does not have is written in the lowest version that has it; else refused.
  bool newer_version = true;
  /// Segments, and fields, repetitions and components behind the last of its version, are written all the
  /// same: by the standard's own rule a receiver passes over what it does not expect (HL7 v2.8 section 2.8).
  /// False: each is left out, and a loss note says so.
  bool newer_fields = true;
  std::vector<LengthLimit> lengths;  ///< What is longer is cut, and a loss note says so.
  bool dictionary_lengths = false;   ///< Cut to the lengths of its version, too (`lengths` go before).
  TimePrecision precision = TimePrecision::full;
  bool write_offset = true;  ///< Times carry their offset; else they are in utc_offset and carry none.
  /// Standard fields that no row reads are handed on to it from another partner's message about the same
  /// thing: never Z segments or identifiers.
  bool forward_unmapped = false;
  bool honours_delete = true;       ///< Removal in FHIR is written as "" (else the field is left out).
  std::vector<std::string> events;  ///< Trigger events it subscribes to ("ADT^A08"); empty: all.
};

}  // namespace mappings::language
