#include "fhir/packages/core.hpp"

// The assembler puts the file where it stands; an array of numbers would take the compiler minutes.
__asm__(
    ".section .rodata\n"
    ".global handoff_r4_conformance\n"
    ".global handoff_r4_conformance_end\n"
    "handoff_r4_conformance:\n"
    ".incbin \"" HANDOFF_R4_CONFORMANCE
    "\"\n"
    "handoff_r4_conformance_end:\n"
    ".byte 0\n"
    ".text\n");

extern "C" {
extern char const handoff_r4_conformance[];
extern char const handoff_r4_conformance_end[];
}

namespace fhir::packages {

std::string_view core_gzip() {
  return {handoff_r4_conformance,
          static_cast<std::size_t>(handoff_r4_conformance_end - handoff_r4_conformance)};
}

}  // namespace fhir::packages
