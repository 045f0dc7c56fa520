#include "tests/faults/ward.hpp"

#include "tests/support/database.hpp"

namespace faults {

std::string ward_configuration(std::string const& store) {
  return "store:\n  path: \"" + store + R"("
http:
  listen: "127.0.0.1:0"
mllp:
  - name: ward
    listen: "127.0.0.1:0"
partners:
  - name: general
    application: GENADT
    facility: GENERAL
    version: 2.5.1
    authorities:
      GENERAL: "urn:oid:1.3.6.1.4.1.32473.50"
      GENERAL-VISITS: "urn:oid:1.3.6.1.4.1.32473.51"
    own_authorities: ["urn:oid:1.3.6.1.4.1.32473.50"]
    organization: Organization/general
clients:
  - name: witness
    bearer_sha256: ")" +
         support::sha256_hex(kWitnessToken) + "\"\n";
}

}  // namespace faults
