/// A gateway with one MLLP port, "ward", for one hospital, and one FHIR client that reads.
#pragma once

#include <string>

namespace faults {

inline constexpr char kWitnessToken[] = "token-of-the-witness";

/// The configuration with its database at `store`.
std::string ward_configuration(std::string const& store);

}  // namespace faults
