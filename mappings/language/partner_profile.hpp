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

/// A field this partner insists on: "PV1-19". Reverse refuses to write a message without it.
using RequiredField = std::string;

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
  bool honours_delete = true;       ///< Removal in FHIR is written as "" (else the field is left out).
  std::vector<std::string> events;  ///< Trigger events it subscribes to ("ADT^A08"); empty: all.
};

}  // namespace mappings::language
