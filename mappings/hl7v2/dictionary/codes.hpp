/// The codes of HL7's tables, by number. Written by generate_codes.py from FHIR R4's publication of them;
/// tables that stay open
/// ("...") are not there.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace mappings::hl7v2::tables {

struct CodeTable {
  std::uint16_t number;
  std::string_view codes;  ///< "\nF\nM\nU\n"
};

extern std::span<CodeTable const> const kCodeTables;  ///< Sorted by number.

}  // namespace mappings::hl7v2::tables
